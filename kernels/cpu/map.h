// out[i] = f(x[i], ...) over contiguous elements: the innermost loop of everything element-wise.
#pragma once

#include <type_traits>

#include "kernels/cpu/bf16_pairs.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/strided.h"
#include "kernels/math/elementwise.h"
#include "kernels/parallel.h"
#include "tensor/tensor.h"

namespace gw::kernels::cpu {

using math::Compute;

/// What T is moved as: the compiler vectorises the choice between two integers, but not between two bf16.
template <class T>
using Bits = std::conditional_t<std::is_same_v<T, bf16>, uint16_t, T>;

template <class T>
Bits<T>* bits(T* p) {
  return reinterpret_cast<Bits<T>*>(p);
}
template <class T>
const Bits<T>* bits(const T* p) {
  return reinterpret_cast<const Bits<T>*>(p);
}

/// Types whose results are streamed; for the others the code would only be larger.
template <class T>
inline constexpr bool kStreamable = std::is_same_v<T, float> || std::is_same_v<T, bf16> || std::is_same_v<T, uint16_t>;

/// Whether to stream a result: it is larger than the caches, and not written over an operand, whose lines are in the
/// cache anyway.
template <class... Operands>
bool streams(const Tensor& out, const Operands&... operands) {
  return out.numel() * size_of(out.dtype()) >= kStreamBytes && ((out.raw() != operands.raw()) && ...);
}

/// out[i] = f(in[i]...) for i < n.
template <class Out, class F, class... In>
void map_loop(Out* out, int64_t n, const F& f, const In*... in) {
  // A copy: read through a reference, f's parameters would be loads inside branches, which cannot be vectorised.
  const F local = f;
  int64_t i = 0;
  if constexpr (std::is_same_v<Out, bf16> && sizeof...(In) > 0 && (std::is_same_v<In, bf16> && ...)) {
    for (int64_t pair = 0; pair < n / 2; ++pair)
      store_pair(out + 2 * pair, {static_cast<float>(local(load_pair(in + 2 * pair).first...)),
                                  static_cast<float>(local(load_pair(in + 2 * pair).second...))});
    i = n / 2 * 2;
  }
  for (; i < n; ++i) out[i] = static_cast<Out>(local(static_cast<Compute<In>>(in[i])...));
}

/// map_loop, its results streamed or not. Not inlined: several callers share the same loops.
template <class Out, class F, class... In>
[[gnu::noinline]] void map_run(Out* out, int64_t n, bool stream, const F& f, const In*... in) {
  const auto fill = [&](Out* to, [[maybe_unused]] int64_t begin, auto count) {
    map_loop(to, count, f, (in + begin)...);
  };
  if constexpr (kStreamable<Out> || (kStreamable<In> || ...)) {
    if (stream) return stream_blocks(out, n, fill);
  }
  fill(out, 0, n);
}

/// out[i] = f(x[i]) along a row.
template <class Out, class In, class F>
void map_row(Out* out, int64_t out_step, const In* x, int64_t x_step, int64_t n, bool stream, const F& f) {
  if (out_step == 1 && x_step == 1) return map_run(out, n, stream, f, x);
  for (int64_t i = 0; i < n; ++i) out[i * out_step] = static_cast<Out>(f(static_cast<Compute<In>>(x[i * x_step])));
}

template <class Out, class In, class F>
void map(const Tensor& out, const Tensor& x, const F& f) {
  Out* o = out.data<Out>();
  const In* p = x.data<In>();
  const bool stream = streams(out, x);
  for_each_row<2>({&out, &x}, [&](const auto& at, const auto& step, int64_t n) {
    map_row(o + at[0], step[0], p + at[1], step[1], n, stream, f);
  });
}

}  // namespace gw::kernels::cpu
