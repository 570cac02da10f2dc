#include "autograd/matmul.h"

#include "autograd/autograd.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "kernels/reduce.h"
#include "tensor/views.h"

namespace gw {
namespace {

Tensor transposed(const Tensor& t) { return views::transpose(t, -2, -1); }

/// [..., n] -> [rows, n]. Only called while nothing is recorded.
Tensor as_rows(const Tensor& t) {
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < t.dim(); ++d) rows *= t.size(d);
  return t.reshape({rows, t.shape().back()});
}

/// Gradients of a @ b for operands of at least two dimensions.
Tensor gradient_of_left(const Tensor& dy, const Tensor& a, const Tensor& b) {
  return sum_to_shape(kernels::matmul(dy, transposed(b), a.dtype()), a.shape());
}

Tensor gradient_of_right(const Tensor& dy, const Tensor& a, const Tensor& b) {
  // One matrix for a whole batch: its gradient is one product over the rows of all of them.
  if (b.dim() == 2 && a.dim() > 2) return kernels::matmul(transposed(as_rows(a)), as_rows(dy), b.dtype());
  return sum_to_shape(kernels::matmul(transposed(a), dy, b.dtype()), b.shape());
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  return record("matmul", kernels::matmul(a, b), {a, b},
                [a = saved(a), b = saved(b), need_a = a.requires_grad(), need_b = b.requires_grad()](const Tensor& dy) {
                  // Vectors are matrices of one row or column; what the result lacks for that is put back first.
                  const Tensor& left = a;
                  const Tensor& right = b;
                  const bool row = left.dim() == 1, column = right.dim() == 1;
                  const Tensor a2 = row ? views::unsqueeze(left, 0) : left;
                  const Tensor b2 = column ? views::unsqueeze(right, 1) : right;
                  Tensor dy2 = column ? views::unsqueeze(dy, -1) : dy;
                  if (row) dy2 = views::unsqueeze(dy2, -2);
                  Grads grads(2);
                  if (need_a) grads[0] = gradient_of_left(dy2, a2, b2).reshape(left.shape());
                  if (need_b) grads[1] = gradient_of_right(dy2, a2, b2).reshape(right.shape());
                  return grads;
                });
}

Tensor Tensor::matmul(const Tensor& other) const { return gw::matmul(*this, other); }

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const bool need_x = x.requires_grad(), need_weight = weight.requires_grad();
  const bool need_bias = bias.defined() && bias.requires_grad();
  return record("linear", kernels::linear(x, weight, bias), {x, weight, bias},
                [x = saved(need_weight ? x : Tensor{}), weight = saved(need_x ? weight : Tensor{}), need_x, need_weight,
                 need_bias](const Tensor& dy) {
                  const Tensor rows = as_rows(dy);
                  Grads grads(3);
                  if (need_x) grads[0] = kernels::matmul(dy, kernels::cast(weight, dy.dtype()), dy.dtype());
                  if (need_weight) grads[1] = kernels::matmul(transposed(rows), as_rows(x), DType::f32);
                  if (need_bias) grads[2] = kernels::sum(kernels::cast(rows, DType::f32), {0});
                  return grads;
                });
}

}  // namespace gw
