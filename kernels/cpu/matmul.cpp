#include "kernels/cpu/matmul.h"

#include <algorithm>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/tile_gemm.h"
#include "kernels/cpu/tile_registers.h"
#include "kernels/elementwise.h"
#include "tensor/views.h"

namespace gw::kernels::cpu {
namespace {

MatrixRef last_two(const Tensor& t) {
  return {t.raw(), t.dtype(), 0, t.strides()[t.dim() - 2], t.strides()[t.dim() - 1]};
}

void advance(MatrixRef& ref, int64_t elements) {
  ref.data = static_cast<const char*>(ref.data) + elements * size_of(ref.dtype);
}

// Measured on one core of an Intel Xeon (Emerald Rapids, AVX-512, no AMX), oneDNN 2.6, gemm : oneDNN in microseconds.
//   f32:  4x4x4 0.7 : 1.3, 32x32x32 1.1 : 1.5, 64x64x64 4.0 : 4.0, 256x256x256 194 : 199, 1024x10x512 123 : 117,
//         64x4600x1150 8300 : 4400, 1x1024x1024 930 : 225, 256 of 64x64x64 1500 : 840. oneDNN but for tiny ones.
//   bf16: 1024x1024x1024 12800 : 23300, 4480x10000x400 200000 : 399000, 256x256x256 213 : 365, 64x4600x1150 10100 :
//   8000,
//         10x512x1024 232 : 146. Without AMX bf16 instructions do half the work of f32 ones, and gemm converts to f32;
//         but with few rows the packing of b decides. With AMX, oneDNN is several times faster.
constexpr int64_t kTiny = 32 * 32 * 32;  // multiplications
bool prefers_onednn(const MatrixProduct& p) {
  constexpr int64_t kFewRows = 128;
  if (!onednn::can_multiply(p) || p.m * p.n * p.k <= kTiny) return false;
  return p.a.dtype == DType::f32 || onednn::has_amx() || p.m < kFewRows;
}

/// A matrix that lies transposed in wider rows, such as some columns of the gates of a recurrent layer: beyond the
/// caches oneDNN multiplies it from the left at five sixths of its speed. A copy in rows of its own costs less if the
/// product is wide.
bool is_worth_packing(const Tensor& a, int64_t n) {
  constexpr int64_t kLarge = int64_t{8} << 20, kWide = 256;
  return !tile::in_hardware() && a.dim() == 2 && a.dtype() == DType::f32 && a.strides()[0] == 1 &&
         a.strides()[1] > a.size(0) && n >= kWide && a.numel() * size_of(a.dtype()) >= kLarge;
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
  if (prefers_tiles(p)) return tile_gemm(p);
  if (prefers_onednn(p)) return onednn::matmul(p);
  gemm(p);
}

void matmul(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c) {
  // A bf16 result of mixed operands, as of activations and f32 weights, is for AMX if there is one; but a tiny product
  // is gemm's, which need not round them.
  const bool tiny = c.size(-2) * c.size(-1) * a.size(-1) <= kTiny;
  if (a.dtype() != b.dtype() && c.dtype() == DType::bf16 && onednn::has_amx() && !tiny)
    return matmul(cast(a, DType::bf16), cast(b, DType::bf16), bias, c);
  if (is_worth_packing(a, c.size(-1)))
    return matmul(views::transpose(contiguous(views::transpose(a, 0, 1)), 0, 1), b, bias, c);
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
