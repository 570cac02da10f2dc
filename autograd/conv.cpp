#include "autograd/conv.h"

#include "autograd/autograd.h"
#include "kernels/elementwise.h"
#include "kernels/reduce.h"

namespace gw {
namespace {

/// Which inputs want a gradient. The first layer of a model needs none for its data, which saves a third of its work.
struct Needs {
  bool x, weight, bias;
};

kernels::ConvWeightGrads parameter_gradients(const Tensor& dy, const Tensor& x, const Shape& weight_shape, Needs need,
                                             const ConvOptions& o) {
  if (need.weight) return kernels::conv2d_backward_weight(dy, x, weight_shape, need.bias, o);
  if (!need.bias) return {};
  return {{}, kernels::sum(kernels::cast(dy, DType::f32), {0, 2, 3})};
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& o, BatchMoments* moments) {
  const Needs need{x.requires_grad(), weight.requires_grad(), bias.defined() && bias.requires_grad()};
  return record("conv2d", kernels::conv2d(x, weight, bias, o, moments), {x, weight, bias},
                [x = saved(need.weight ? x : Tensor{}), weight = saved(need.x ? weight : Tensor{}), need, o,
                 x_shape = x.shape(), weight_shape = weight.shape()](const Tensor& dy) {
                  Tensor dx = need.x ? kernels::conv2d_backward_input(dy, weight, x_shape, o) : Tensor{};
                  auto d = parameter_gradients(dy, x, weight_shape, need, o);
                  return Grads{std::move(dx), std::move(d.weight), std::move(d.bias)};
                });
}

}  // namespace gw
