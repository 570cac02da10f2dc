// Bringing operands into layouts that kernels walk as flat memory.
#pragma once

#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {

/// x itself if its elements fill one gapless block, else a contiguous copy.
inline Tensor dense(const Tensor& x) { return x.is_dense() ? x : contiguous(x); }

/// x with its elements in the order of `like`, a dense tensor of the same shape: x itself if they lie so already.
inline Tensor with_layout_of(const Tensor& like, const Tensor& x) {
  bool same = x.is_dense();
  for (int64_t d = 0; same && d < x.dim(); ++d) same = x.shape()[d] == 1 || x.strides()[d] == like.strides()[d];
  if (same || x.numel() == 0) return x;
  const Tensor out = empty_like(like, x.dtype());
  copy(out, x);
  return out;
}

}  // namespace gw::kernels
