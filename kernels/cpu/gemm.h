// Matrix products on the CPU: what to multiply, and the ways to do it.
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace gw::kernels::cpu {

/// A matrix, or a batch of them, in memory. Strides count elements; a batch stride of 0 repeats one matrix.
struct MatrixRef {
  const void* data;
  DType dtype;  ///< f32 or bf16
  int64_t batch_stride, row_stride, column_stride;
};

/// c[i] = a[i] * b[i] + bias for i < batch: a is m x k, b is k x n, c is m x n with contiguous rows `c_row_stride`
/// apart. All sums are f32.
struct MatrixProduct {
  int64_t batch, m, n, k;
  MatrixRef a, b;
  void* c;
  DType c_dtype;  ///< f32 or bf16
  int64_t c_batch_stride, c_row_stride;
  const float* bias = nullptr;  ///< [n], added to every row; or null
};

/// Computes the product with the fastest of oneDNN, gemm() and tile_gemm(). The choice depends on shapes, dtypes and
/// the processor only.
void multiply(const MatrixProduct& p);

/// Computes the product with our own packed, blocked kernel.
void gemm(const MatrixProduct& p);

}  // namespace gw::kernels::cpu
