#include "kernels/cpu/activation.h"

#include "kernels/cpu/bf16_table.h"
#include "kernels/cpu/map.h"
#include "kernels/math/activation.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// y[i] = f(x[i]).
template <class F>
void map(const Tensor& y, const Tensor& x, const F& f) {
  visit_floating(x.dtype(), "activation", [&](auto v) {
    using T = decltype(v);
    T* out = y.data<T>();
    const T* in = x.data<T>();
    parallel_for(x.numel(), kParallelGrain, [=, stream = streams(y, x)](int64_t begin, int64_t end) {
      map_run(out + begin, end - begin, stream, f, in + begin);
    });
  });
}

/// y[i] = f(a[i], b[i]).
template <class F>
void map(const Tensor& y, const Tensor& a, const Tensor& b, const F& f) {
  visit_floating(a.dtype(), "activation", [&](auto v) {
    using T = decltype(v);
    T* out = y.data<T>();
    const T *p = a.data<T>(), *q = b.data<T>();
    parallel_for(a.numel(), kParallelGrain, [=, stream = streams(y, a, b)](int64_t begin, int64_t end) {
      map_run(out + begin, end - begin, stream, f, p + begin, q + begin);
    });
  });
}

/// y[i] = f(x[i]) for an f that costs much.
template <class F>
void map_costly(const Tensor& y, const Tensor& x, const F& f) {
  if (x.dtype() != DType::bf16 || x.numel() < Bf16Table::kWorthwhile) return map(y, x, f);
  Bf16Table(f).map(y.data<bf16>(), x.data<bf16>(), x.numel(), streams(y, x));
}

}  // namespace

void general_relu(const Tensor& y, const Tensor& x, const GeneralReluOptions& o) {
  map(y, x, [p = math::general_relu_params(o, y.dtype())](float v) { return math::general_relu(v, p); });
}

void general_relu_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const GeneralReluOptions& o) {
  map(dx, dy, x,
      [p = math::general_relu_params(o, x.dtype())](float g, float v) { return g * math::general_relu_slope(v, p); });
}

void general_relu_backward_from_output(const Tensor& dx, const Tensor& dy, const Tensor& y,
                                       const GeneralReluOptions& o) {
  map(dx, dy, y, [p = math::general_relu_params(o, y.dtype())](float g, float v) {
    return g * math::general_relu_slope_from_output(v, p);
  });
}

void add_general_relu(const Tensor& y, const Tensor& a, const Tensor& b, const GeneralReluOptions& o) {
  map(y, a, b,
      [p = math::general_relu_params(o, y.dtype())](float u, float v) { return math::general_relu(u + v, p); });
}

void activation(Activation f, const Tensor& y, const Tensor& x, ActivationParams p) {
  switch (f) {
    case Activation::silu:
      return map_costly(y, x, [](float v) { return math::silu(v); });
    case Activation::gelu:
      return map_costly(y, x, [](float v) { return math::gelu(v); });
    case Activation::gelu_tanh:
      return map_costly(y, x, [](float v) { return math::gelu_tanh(v); });
    case Activation::softplus:
      return map_costly(y, x, [p](float v) { return math::softplus(v, p.a, p.b); });
    case Activation::elu:
      return map_costly(y, x, [p](float v) { return math::elu(v, p.a); });
    case Activation::hardtanh:
      return map(y, x, [p](float v) { return math::hardtanh(v, p.a, p.b); });
    case Activation::mish:
      return map(y, x, [](float v) { return math::mish(v); });
  }
}

void activation_backward(Activation f, const Tensor& dx, const Tensor& dy, const Tensor& x, ActivationParams p) {
  switch (f) {
    case Activation::silu:
      return map(dx, dy, x, [](float g, float v) { return g * math::silu_slope(v); });
    case Activation::gelu:
      return map(dx, dy, x, [](float g, float v) { return g * math::gelu_slope(v); });
    case Activation::gelu_tanh:
      return map(dx, dy, x, [](float g, float v) { return g * math::gelu_tanh_slope(v); });
    case Activation::softplus:
      return map(dx, dy, x, [p](float g, float v) { return g * math::softplus_slope(v, p.a, p.b); });
    case Activation::elu:
      return map(dx, dy, x, [p](float g, float v) { return g * math::elu_slope(v, p.a); });
    case Activation::hardtanh:
      return map(dx, dy, x, [p](float g, float v) { return g * math::hardtanh_slope(v, p.a, p.b); });
    case Activation::mish:
      return map(dx, dy, x, [](float g, float v) { return g * math::mish_slope(v); });
  }
}

}  // namespace gw::kernels::cpu
