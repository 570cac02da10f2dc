#include "autograd/pool.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "autograd/record_outputs.h"

namespace gw {

Tensor avg_pool2d(const Tensor& x, const AvgPoolOptions& o) {
  if (x.dim() == 3) return avg_pool2d(x.unsqueeze(0), o).squeeze(0);
  return record("avg_pool2d", kernels::avg_pool2d(x, o), {x},
                [shape = x.shape(), o](const Tensor& dy) { return Grads{kernels::avg_pool2d_backward(dy, shape, o)}; });
}

ForkedPool fork_avg_pool2d(const Tensor& x, const AvgPoolOptions& o) {
  const auto backward = [shape = x.shape(), o](const Grads& d) {
    return Grads{d[1].defined() ? kernels::avg_pool2d_backward(d[1], shape, o, d[0]) : d[0]};
  };
  const auto outputs = record_outputs("fork_avg_pool2d", {x.detach(), kernels::avg_pool2d(x, o)}, {&x, 1}, backward);
  return {outputs[0], outputs[1]};
}

Tensor max_pool2d(const Tensor& x, const PoolOptions& o) {
  if (x.dim() == 3) return max_pool2d(x.unsqueeze(0), o).squeeze(0);
  const kernels::MaxPoolResult result = kernels::max_pool2d(x, o);
  return record("max_pool2d", result.y, {x}, [indices = saved(result.indices), shape = x.shape(), o](const Tensor& dy) {
    return Grads{kernels::max_pool2d_backward(dy, indices, shape, o)};
  });
}

Tensor adaptive_avg_pool2d(const Tensor& x, Size2 output_size) {
  if (x.dim() == 3) return adaptive_avg_pool2d(x.unsqueeze(0), output_size).squeeze(0);
  return record(
      "adaptive_avg_pool2d", kernels::adaptive_avg_pool2d(x, output_size), {x},
      [shape = x.shape()](const Tensor& dy) { return Grads{kernels::adaptive_avg_pool2d_backward(dy, shape)}; });
}

Tensor adaptive_max_pool2d(const Tensor& x, Size2 output_size) {
  if (x.dim() == 3) return adaptive_max_pool2d(x.unsqueeze(0), output_size).squeeze(0);
  const kernels::MaxPoolResult result = kernels::adaptive_max_pool2d(x, output_size);
  return record("adaptive_max_pool2d", result.y, {x},
                [indices = saved(result.indices), shape = x.shape()](const Tensor& dy) {
                  return Grads{kernels::adaptive_max_pool2d_backward(dy, indices, shape)};
                });
}

Tensor global_avg_pool(const Tensor& x) {
  if (x.dim() != 4)
    throw ShapeError(fmt::format("global_avg_pool: expected [N, C, H, W], got {}", x.shape().to_string()));
  return adaptive_avg_pool2d(x, 1).flatten(1);
}

}  // namespace gw
