#include "kernels/optimizer.h"

#include <fmt/format.h>

#include "kernels/cpu/optimizer.h"
#include "kernels/cuda/optimizer.h"
#include "kernels/dispatch.h"

namespace gw::kernels {
namespace {

template <class Hypers>
void check_hypers(const char* op, const Tensor& hypers) {
  constexpr int64_t fields = sizeof(Hypers) / sizeof(float);
  if (hypers.dtype() != DType::f32)
    throw DTypeError(fmt::format("{}: expected hypers in f32, got {}", op, name_of(hypers.dtype())));
  if (hypers.dim() != 2 || hypers.size(1) != fields || !hypers.is_contiguous())
    throw ShapeError(
        fmt::format("{}: expected contiguous hypers [rows, {}], got {}", op, fields, hypers.shape().to_string()));
}

void check_like(const char* op, const Tensor& param, const Tensor& other) {
  if (other.dtype() != DType::f32)
    throw DTypeError(fmt::format("{}: expected f32 tensors, got {}", op, name_of(other.dtype())));
  if (other.shape() != param.shape() || other.strides() != param.strides())
    throw ShapeError(fmt::format("{}: a parameter of shape {} and strides {} comes with a tensor of {} and {}", op,
                                 param.shape().to_string(), param.strides().to_string(), other.shape().to_string(),
                                 other.strides().to_string()));
}

void check(const char* op, const OptimizerTensors& t, const Tensor& hypers) {
  check_like(op, t.param, t.param);
  check_like(op, t.param, t.grad);
  if (t.average.defined()) check_like(op, t.param, t.average);
  if (t.average_squared.defined()) check_like(op, t.param, t.average_squared);
  check_same_device(op, {&hypers, &t.param, &t.grad, &t.average, &t.average_squared});
  if (!t.param.is_dense())
    throw ShapeError(fmt::format("{}: a parameter of shape {} and strides {} has gaps", op, t.param.shape().to_string(),
                                 t.param.strides().to_string()));
  if (t.row < 0 || t.row >= hypers.size(0))
    throw ShapeError(fmt::format("{}: row {} is not among the {} of hypers", op, t.row, hypers.size(0)));
}

void bump_versions(std::span<const OptimizerTensors> tensors) {
  for (const OptimizerTensors& t : tensors)
    for (const Tensor* written : {&t.param, &t.average, &t.average_squared})
      if (written->defined()) written->storage()->bump_version();
}

/// Which statistics every entry must have.
struct Needs {
  bool average, average_squared;
};

template <class Hypers>
void check_all(const char* op, std::span<const OptimizerTensors> tensors, const Tensor& hypers, Needs needs) {
  check_hypers<Hypers>(op, hypers);
  for (const OptimizerTensors& t : tensors) {
    if ((needs.average && !t.average.defined()) || (needs.average_squared && !t.average_squared.defined()))
      throw ShapeError(fmt::format("{}: expected the averages of every parameter", op));
    check(op, t, hypers);
  }
}

}  // namespace

void sgd_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  check_all<math::SgdHypers>("sgd_step", tensors, hypers, {.average = false, .average_squared = false});
  GW_DISPATCH(hypers, sgd_step(tensors, hypers));
  bump_versions(tensors);
}

void adam_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  check_all<math::AdamHypers>("adam_step", tensors, hypers, {.average = true, .average_squared = true});
  GW_DISPATCH(hypers, adam_step(tensors, hypers));
  bump_versions(tensors);
}

void rmsprop_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  check_all<math::RmsPropHypers>("rmsprop_step", tensors, hypers, {.average = false, .average_squared = true});
  GW_DISPATCH(hypers, rmsprop_step(tensors, hypers));
  bump_versions(tensors);
}

void lamb_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  check_all<math::LambHypers>("lamb_step", tensors, hypers, {.average = true, .average_squared = true});
  GW_DISPATCH(hypers, lamb_step(tensors, hypers));
  bump_versions(tensors);
}

void lars_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  check_all<math::LarsHypers>("lars_step", tensors, hypers, {.average = true, .average_squared = false});
  GW_DISPATCH(hypers, lars_step(tensors, hypers));
  bump_versions(tensors);
}

}  // namespace gw::kernels
