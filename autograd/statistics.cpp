#include "autograd/statistics.h"

#include <fmt/format.h>

namespace gw {

Tensor mean_absolute_deviation(const Tensor& x) { return (x - x.mean()).abs().mean(); }

Tensor covariance(const Tensor& x, const Tensor& y) {
  if (x.shape() != y.shape())
    throw ShapeError(fmt::format("covariance: expected two tensors of one shape, got {} and {}", x.shape().to_string(),
                                 y.shape().to_string()));
  return ((x - x.mean()) * (y - y.mean())).mean();
}

Tensor correlation(const Tensor& x, const Tensor& y) { return covariance(x, y) / (x.std({}, 0) * y.std({}, 0)); }

}  // namespace gw
