// The in-place methods of Tensor. They change data that a recorded graph may still need, so they refuse tensors that
// autograd tracks.
#include "autograd/autograd.h"
#include "kernels/elementwise.h"

namespace gw {
namespace {

using kernels::Binary;

Tensor& apply(const char* name, Binary op, Tensor& t, const Tensor& other) {
  check_inplace(name, t);
  check_inplace(name, other);
  kernels::binary_(op, t, other);
  return t;
}

}  // namespace

Tensor& Tensor::copy_(const Tensor& source) {
  check_inplace("copy_", *this);
  check_inplace("copy_", source);
  kernels::copy(*this, source);
  return *this;
}

Tensor& Tensor::fill_(double value) {
  check_inplace("fill_", *this);
  kernels::fill(*this, value);
  return *this;
}

Tensor& Tensor::zero_() { return fill_(0); }

Tensor& Tensor::add_(const Tensor& other, double alpha) {
  check_inplace("add_", *this);
  check_inplace("add_", other);
  kernels::add_(*this, other, alpha);
  return *this;
}

Tensor& Tensor::add_(double value) {
  check_inplace("add_", *this);
  kernels::binary_(Binary::add, *this, value);
  return *this;
}

Tensor& Tensor::mul_(double value) {
  check_inplace("mul_", *this);
  kernels::binary_(Binary::mul, *this, value);
  return *this;
}

Tensor& Tensor::sub_(const Tensor& other) { return add_(other, -1); }
Tensor& Tensor::mul_(const Tensor& other) { return apply("mul_", Binary::mul, *this, other); }
Tensor& Tensor::div_(const Tensor& other) { return apply("div_", Binary::div, *this, other); }

Tensor& Tensor::clamp_(std::optional<double> min, std::optional<double> max) {
  check_inplace("clamp_", *this);
  kernels::copy(*this, kernels::clamp(*this, min, max));
  return *this;
}

}  // namespace gw
