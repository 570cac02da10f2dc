#include "kernels/dropout.h"

#include <fmt/format.h>

#include "kernels/cpu/dropout.h"
#include "kernels/cuda/dropout.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

/// Factors 0 and 1 / (1 - p) for elements of that shape.
Tensor dropout_mask(const Shape& shape, double p, PhiloxState state, Device device) {
  const Tensor mask = empty(shape, {.device = device});
  GW_DISPATCH(mask, dropout_mask(mask, p, state));
  return mask;
}

/// x * mask in x's dtype. A plain product would leave NaN where an infinite element is dropped.
Tensor masked(const Tensor& x, const Tensor& mask) {
#if GROUNDWORK_CUDA
  if (x.device().is_cuda()) {
    const Tensor y = empty_like(x);
    cuda::apply_mask(y, x, views::expand(mask, x.shape()));
    return y;
  }
#endif
  const Tensor product = cast(binary(Binary::mul, x, mask), x.dtype());
  return where(binary(Binary::ne, mask, 0), product, scalar(0, {.dtype = x.dtype(), .device = x.device()}));
}

}  // namespace

Tensor dropout(const Tensor& x, double p, PhiloxState state) {
  if (!x.is_contiguous()) return masked(x, dropout_mask(x.shape(), p, state, x.device()));
  const Tensor y = empty_like(x);
  GW_DISPATCH(x, dropout(y, x, p, state));
  return y;
}

Tensor dropout_channels(const Tensor& x, double p, PhiloxState state) {
  if (x.dim() < 2) throw ShapeError(fmt::format("dropout2d: expected [N, C, ...], got {}", x.shape().to_string()));
  const Tensor mask = dropout_mask({x.size(0), x.size(1)}, p, state, x.device());
  Shape shape = x.shape();
  for (int64_t d = 2; d < x.dim(); ++d) shape[d] = 1;
  return masked(x, *views::try_view(mask, shape));
}

}  // namespace gw::kernels
