// out[i] = f(in0[i], in1[i], ...): the kernels that all element-wise operations share.
#pragma once

#include <utility>

#include "kernels/cuda/primitives.h"
#include "kernels/iteration_space.h"
#include "kernels/math/elementwise.h"

namespace gw::kernels::cuda {

inline constexpr int kMapThreads = 256;
/// Packs that a thread moves: several loads in flight hide the memory's latency.
inline constexpr int kPacksPerThread = 4;

/// Dense operands that lie alike. A block handles kMapThreads * kPacksPerThread packs that follow each other, a thread
/// every kMapThreads-th of them, so that each access of a warp covers 512 bytes in a row. Reads and writes every
/// element once. The last, incomplete pack is done element by element.
template <int V, class Out, class F, class... In>
__global__ void __launch_bounds__(kMapThreads) map_packs(Out* out, int64_t n, F f, const In*... in) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * (kMapThreads * kPacksPerThread) + threadIdx.x;
#pragma unroll
  for (int p = 0; p < kPacksPerThread; ++p) {
    const int64_t i = (first + p * kMapThreads) * V;
    if (i + V <= n) {
      const auto apply = [&](const Pack<In, V>&... x) {
        Pack<Out, V> y;
#pragma unroll
        for (int k = 0; k < V; ++k) y.at[k] = static_cast<Out>(f(static_cast<math::Compute<In>>(x.at[k])...));
        return y;
      };
      *reinterpret_cast<Pack<Out, V>*>(out + i) = apply(*reinterpret_cast<const Pack<In, V>*>(in + i)...);
    } else {
      for (int64_t k = i; k < n; ++k) out[k] = static_cast<Out>(f(static_cast<math::Compute<In>>(in[k])...));
    }
  }
}

/// The common space of N tensors as kernels take it.
template <int N>
struct DeviceSpace {
  int dims;
  int64_t shape[Shape::kMaxDims];
  int64_t strides[N][Shape::kMaxDims];
};

template <class Out, class F, size_t... T, class... In>
__device__ void map_element(Out* out, const int64_t* offset, const F& f, std::index_sequence<T...>, const In*... in) {
  out[offset[0]] = static_cast<Out>(f(static_cast<math::Compute<In>>(in[offset[1 + T]])...));
}

/// Any strides. A thread computes one element: it splits its number into the index of each dimension, which costs a
/// division each. Consecutive threads have consecutive elements of the output, so the writes are coalesced where the
/// output is dense. Index is 32 bits wide where that is enough, because 64-bit divisions take several times as long.
template <class Index, class Out, class F, class... In>
__global__ void __launch_bounds__(kMapThreads)
    map_strided(Out* out, int64_t n, DeviceSpace<1 + sizeof...(In)> space, F f, const In*... in) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kMapThreads + threadIdx.x;
  if (i >= n) return;
  int64_t offset[1 + sizeof...(In)] = {};
  auto rest = static_cast<Index>(i);
  for (int d = space.dims - 1; d >= 0; --d) {
    const auto size = static_cast<Index>(space.shape[d]);
    const Index index = d == 0 ? rest : rest % size;
    rest /= size;
    for (size_t t = 0; t < 1 + sizeof...(In); ++t) offset[t] += static_cast<int64_t>(index) * space.strides[t][d];
  }
  map_element(out, offset, f, std::index_sequence_for<In...>{}, in...);
}

template <size_t N>
DeviceSpace<N> device_space(const IterationSpace<N>& from) {
  DeviceSpace<N> to{};
  to.dims = static_cast<int>(from.shape.size());
  for (int d = 0; d < to.dims; ++d) {
    to.shape[d] = from.shape[d];
    for (size_t t = 0; t < N; ++t) to.strides[t][d] = from.strides[t][d];
  }
  return to;
}

/// True if the space is one row in which every tensor's elements follow each other.
template <size_t N>
bool is_flat(const IterationSpace<N>& space) {
  if (space.shape.size() != 1) return false;
  return std::all_of(space.strides.begin(), space.strides.end(), [](const Shape& s) { return s[0] == 1; });
}

/// out = f(in...), where all tensors have one shape. `kernel` names the operation in messages.
template <class Out, class... In, class F, class... Tensors>
void map(const char* kernel, const F& f, const Tensor& out, const Tensors&... in) {
  const int64_t n = out.numel();
  if (n == 0) return;
  constexpr int kPack = kPackOf<Out, In...>;
  const auto space = iteration_space<1 + sizeof...(In)>({&out, &in...});
  const Stream stream = stream_for(out);
  const bool aligned = is_aligned(out.data<Out>(), kPack) && (is_aligned(in.template data<In>(), kPack) && ...);
  if (is_flat(space) && aligned) {
    const unsigned blocks = blocks_for(n, int64_t{kMapThreads} * kPacksPerThread * kPack);
    launch(stream, {kernel, blocks, kMapThreads}, map_packs<kPack, Out, F, In...>, out.data<Out>(), n, f,
           in.template data<In>()...);
    return;
  }
  const LaunchShape shape{kernel, blocks_for(n, kMapThreads), kMapThreads};
  if (n <= UINT32_MAX)
    launch(stream, shape, map_strided<uint32_t, Out, F, In...>, out.data<Out>(), n, device_space(space), f,
           in.template data<In>()...);
  else
    launch(stream, shape, map_strided<uint64_t, Out, F, In...>, out.data<Out>(), n, device_space(space), f,
           in.template data<In>()...);
}

}  // namespace gw::kernels::cuda
