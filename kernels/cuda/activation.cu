// The activations, all of them element-wise: each pass reads its operands and writes its result once.
#include "kernels/cuda/activation.h"

#include "kernels/cuda/map.h"
#include "kernels/math/activation.h"

namespace gw::kernels::cuda {
namespace {

using math::GeneralReluParams;

struct GeneralRelu {
  GeneralReluParams p;
  GW_HOST_DEVICE float operator()(float x) const { return math::general_relu(x, p); }
};
struct AddGeneralRelu {
  GeneralReluParams p;
  GW_HOST_DEVICE float operator()(float a, float b) const { return math::general_relu(a + b, p); }
};
struct GeneralReluBackward {
  GeneralReluParams p;
  GW_HOST_DEVICE float operator()(float dy, float x) const { return dy * math::general_relu_slope(x, p); }
};
struct GeneralReluBackwardFromOutput {
  GeneralReluParams p;
  GW_HOST_DEVICE float operator()(float dy, float y) const { return dy * math::general_relu_slope_from_output(y, p); }
};

// The smooth activations and their derivatives under one name each.
struct Silu {
  GW_HOST_DEVICE float value(float x) const { return math::silu(x); }
  GW_HOST_DEVICE float slope(float x) const { return math::silu_slope(x); }
};
struct Gelu {
  GW_HOST_DEVICE float value(float x) const { return math::gelu(x); }
  GW_HOST_DEVICE float slope(float x) const { return math::gelu_slope(x); }
};
struct GeluTanh {
  GW_HOST_DEVICE float value(float x) const { return math::gelu_tanh(x); }
  GW_HOST_DEVICE float slope(float x) const { return math::gelu_tanh_slope(x); }
};
struct Softplus {
  float beta, threshold;
  GW_HOST_DEVICE float value(float x) const { return math::softplus(x, beta, threshold); }
  GW_HOST_DEVICE float slope(float x) const { return math::softplus_slope(x, beta, threshold); }
};
struct Elu {
  float alpha;
  GW_HOST_DEVICE float value(float x) const { return math::elu(x, alpha); }
  GW_HOST_DEVICE float slope(float x) const { return math::elu_slope(x, alpha); }
};
struct Hardtanh {
  float min, max;
  GW_HOST_DEVICE float value(float x) const { return math::hardtanh(x, min, max); }
  GW_HOST_DEVICE float slope(float x) const { return math::hardtanh_slope(x, min, max); }
};
struct Mish {
  GW_HOST_DEVICE float value(float x) const { return math::mish(x); }
  GW_HOST_DEVICE float slope(float x) const { return math::mish_slope(x); }
};

template <class A>
struct Forward {
  A activation;
  GW_HOST_DEVICE float operator()(float x) const { return activation.value(x); }
};
template <class A>
struct Backward {
  A activation;
  GW_HOST_DEVICE float operator()(float dy, float x) const { return dy * activation.slope(x); }
};

/// Calls f with the activation as a type of its own, so that each gets its own kernel.
template <class F>
void visit_activation(Activation activation, ActivationParams p, const F& f) {
  switch (activation) {
    case Activation::silu:
      return f(Silu{});
    case Activation::gelu:
      return f(Gelu{});
    case Activation::gelu_tanh:
      return f(GeluTanh{});
    case Activation::softplus:
      return f(Softplus{p.a, p.b});
    case Activation::elu:
      return f(Elu{p.a});
    case Activation::hardtanh:
      return f(Hardtanh{p.a, p.b});
    case Activation::mish:
      return f(Mish{});
  }
}

}  // namespace

void general_relu(const Tensor& y, const Tensor& x, const GeneralReluOptions& o) {
  const GeneralRelu f{math::general_relu_params(o, y.dtype())};
  visit_floating(x.dtype(), "general_relu", [&](auto v) { map<decltype(v), decltype(v)>("general_relu", f, y, x); });
}

void general_relu_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const GeneralReluOptions& o) {
  const GeneralReluBackward f{math::general_relu_params(o, x.dtype())};
  visit_floating(x.dtype(), "general_relu_backward", [&](auto v) {
    using T = decltype(v);
    map<T, T, T>("general_relu_backward", f, dx, dy, x);
  });
}

void general_relu_backward_from_output(const Tensor& dx, const Tensor& dy, const Tensor& y,
                                       const GeneralReluOptions& o) {
  const GeneralReluBackwardFromOutput f{math::general_relu_params(o, y.dtype())};
  visit_floating(y.dtype(), "general_relu_backward_from_output", [&](auto v) {
    using T = decltype(v);
    map<T, T, T>("general_relu_backward_from_output", f, dx, dy, y);
  });
}

void add_general_relu(const Tensor& y, const Tensor& a, const Tensor& b, const GeneralReluOptions& o) {
  const AddGeneralRelu f{math::general_relu_params(o, y.dtype())};
  visit_floating(a.dtype(), "add_general_relu", [&](auto v) {
    using T = decltype(v);
    map<T, T, T>("add_general_relu", f, y, a, b);
  });
}

void activation(Activation f, const Tensor& y, const Tensor& x, ActivationParams p) {
  visit_floating(x.dtype(), "activation", [&](auto v) {
    using T = decltype(v);
    visit_activation(f, p, [&](auto a) { map<T, T>("activation", Forward<decltype(a)>{a}, y, x); });
  });
}

void activation_backward(Activation f, const Tensor& dx, const Tensor& dy, const Tensor& x, ActivationParams p) {
  visit_floating(x.dtype(), "activation_backward", [&](auto v) {
    using T = decltype(v);
    visit_activation(f, p, [&](auto a) { map<T, T, T>("activation_backward", Backward<decltype(a)>{a}, dx, dy, x); });
  });
}

}  // namespace gw::kernels::cuda
