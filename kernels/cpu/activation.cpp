#include "kernels/cpu/activation.h"

#include "kernels/cpu/store.h"
#include "kernels/math/activation.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// y[i] = f(x[i]). Each thread works with its own copy of f: read through a reference, f's parameters would be loads
/// inside branches, which cannot be vectorised.
template <class F>
void map(const Tensor& y, const Tensor& x, const F& f) {
  visit_floating(x.dtype(), "activation", [&](auto v) {
    using T = decltype(v);
    T* out = y.data<T>();
    const T* in = x.data<T>();
    parallel_for(x.numel(), kParallelGrain, [=](int64_t begin, int64_t end) {
      const F local = f;
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) store(out[i], local(static_cast<float>(in[i])));
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
    parallel_for(a.numel(), kParallelGrain, [=](int64_t begin, int64_t end) {
      const F local = f;
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) store(out[i], local(static_cast<float>(p[i]), static_cast<float>(q[i])));
    });
  });
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
      return map(y, x, [](float v) { return math::silu(v); });
    case Activation::gelu:
      return map(y, x, [](float v) { return math::gelu(v); });
    case Activation::gelu_tanh:
      return map(y, x, [](float v) { return math::gelu_tanh(v); });
    case Activation::softplus:
      return map(y, x, [p](float v) { return math::softplus(v, p.a, p.b); });
    case Activation::elu:
      return map(y, x, [p](float v) { return math::elu(v, p.a); });
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
