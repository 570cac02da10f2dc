#include "kernels/cpu/matmul.h"

#include <algorithm>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/onednn.h"
#include "kernels/elementwise.h"

namespace gw::kernels::cpu {
namespace {

MatrixRef last_two(const Tensor& t) {
  return {t.raw(), t.dtype(), 0, t.strides()[t.dim() - 2], t.strides()[t.dim() - 1]};
}

void advance(MatrixRef& ref, int64_t elements) {
  ref.data = static_cast<const char*>(ref.data) + elements * size_of(ref.dtype);
}

/// Runs the products of dimension `dim` and those after it; the last batch dimension is one batched product.
void multiply_batches(MatrixProduct p, const Tensor& a, const Tensor& b, const Tensor& c, int64_t dim) {
  const int64_t batch_dims = c.dim() - 2;
  if (dim >= batch_dims - 1) {
    if (batch_dims > 0) {
      p.batch = c.shape()[dim];
      p.a.batch_stride = a.strides()[dim];
      p.b.batch_stride = b.strides()[dim];
      p.c_batch_stride = c.strides()[dim];
    }
    return multiply(p);
  }
  for (int64_t i = 0; i < c.shape()[dim]; ++i) {
    multiply_batches(p, a, b, c, dim + 1);
    advance(p.a, a.strides()[dim]);
    advance(p.b, b.strides()[dim]);
    p.c = static_cast<char*>(p.c) + c.strides()[dim] * size_of(p.c_dtype);
  }
}

}  // namespace

void multiply(const MatrixProduct& p) {
  if (onednn::has_amx() && p.a.dtype == DType::bf16 && onednn::can_multiply(p)) return onednn::matmul(p);
  gemm(p);
}

void matmul(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c) {
  const Tensor bias32 = bias.defined() ? contiguous(cast(bias, DType::f32)) : bias;
  const int64_t m = c.size(-2), n = c.size(-1);
  const MatrixProduct p{1,
                        m,
                        n,
                        a.size(-1),
                        last_two(a),
                        last_two(b),
                        c.raw(),
                        c.dtype(),
                        0,
                        n,
                        bias.defined() ? bias32.data<float>() : nullptr};
  multiply_batches(p, a, b, c, 0);
}

}  // namespace gw::kernels::cpu
