// The functions of tensor/creation.h that need a kernel to fill what they make.
#include "tensor/creation.h"

#include <fmt/format.h>

#include <cmath>

#include "kernels/elementwise.h"

namespace gw {

Tensor full(const Shape& shape, double value, TensorOptions options) {
  const Tensor t = empty(shape, options);
  kernels::fill(t, value);
  return t;
}

Tensor zeros(const Shape& shape, TensorOptions options) { return full(shape, 0, options); }
Tensor ones(const Shape& shape, TensorOptions options) { return full(shape, 1, options); }

Tensor zeros_like(const Tensor& like) {
  const Tensor t = empty_like(like);
  kernels::fill(t, 0);
  return t;
}

Tensor ones_like(const Tensor& like) {
  const Tensor t = empty_like(like);
  kernels::fill(t, 1);
  return t;
}

Tensor arange(double start, double end, double step, TensorOptions options) {
  if (step == 0 || !std::isfinite(step) || (end - start) / step < 0)
    throw ConfigError(fmt::format("arange: a step of {} does not lead from {} to {}", step, start, end));
  const auto count = static_cast<int64_t>(std::ceil((end - start) / step));
  std::vector<double> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = start + static_cast<double>(i) * step;
  return from_values(values, {count}, options);
}

Tensor linspace(double start, double end, int64_t steps, TensorOptions options) {
  if (steps < 0) throw ConfigError(fmt::format("linspace: expected at least 0 steps, got {}", steps));
  std::vector<double> values(static_cast<size_t>(steps));
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  // Counted from the nearer end, so that both ends are exact.
  for (int64_t i = 0; i < steps; ++i)
    values[static_cast<size_t>(i)] = i < steps / 2 || steps == 1 ? start + static_cast<double>(i) * step
                                                                 : end - static_cast<double>(steps - 1 - i) * step;
  return from_values(values, {steps}, options);
}

template <class T>
Tensor from_values(const std::vector<T>& values, const Shape& shape, TensorOptions options) {
  if (static_cast<int64_t>(values.size()) != shape.numel())
    throw ShapeError(fmt::format("from_values: {} values do not fill shape {}", values.size(), shape.to_string()));
  const bool requires_grad = std::exchange(options.requires_grad, false);
  const Device device = std::exchange(options.device, kCpu);
  const Tensor host = empty(shape, options);
  visit(options.dtype, [&](auto v) {
    using To = decltype(v);
    To* out = host.data<To>();
    for (size_t i = 0; i < values.size(); ++i) {
      if constexpr (std::is_same_v<To, bf16>)
        out[i] = bf16(static_cast<float>(values[i]));
      else
        out[i] = static_cast<To>(values[i]);
    }
  });
  Tensor t = device.is_cpu() ? host : host.to(device);
  if (requires_grad) t.set_requires_grad();
  return t;
}

template Tensor from_values(const std::vector<float>&, const Shape&, TensorOptions);
template Tensor from_values(const std::vector<double>&, const Shape&, TensorOptions);
template Tensor from_values(const std::vector<uint8_t>&, const Shape&, TensorOptions);
template Tensor from_values(const std::vector<int32_t>&, const Shape&, TensorOptions);
template Tensor from_values(const std::vector<int64_t>&, const Shape&, TensorOptions);

Tensor tensor(const std::vector<float>& values, TensorOptions options) {
  return from_values(values, {static_cast<int64_t>(values.size())}, options);
}

Tensor scalar(double value, TensorOptions options) { return full({}, value, options); }

}  // namespace gw
