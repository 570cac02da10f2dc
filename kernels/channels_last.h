// Tensors [N, C], [N, C, L] and [N, C, H, W] as rows of channels, which is how norms read them.
#pragma once

#include "kernels/elementwise.h"
#include "tensor/views.h"

namespace gw::kernels {

/// x with its channels last: [N, C], [N, L, C] or [N, H, W, C].
inline Tensor channels_to_end(const Tensor& x) {
  if (x.dim() == 3) return views::transpose(x, 1, 2);
  return x.dim() == 4 ? views::permute(x, {0, 2, 3, 1}) : x;
}

/// The inverse of channels_to_end.
inline Tensor channels_to_front(const Tensor& x) {
  if (x.dim() == 3) return views::transpose(x, 1, 2);
  return x.dim() == 4 ? views::permute(x, {0, 3, 1, 2}) : x;
}

/// The memory of x as rows of channels; a copy unless it lies so.
inline Tensor rows_of(const Tensor& x) { return x.defined() ? contiguous(channels_to_end(x)) : x; }

}  // namespace gw::kernels
