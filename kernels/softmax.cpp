#include "kernels/softmax.h"

#include <fmt/format.h>

#include "kernels/cpu/softmax.h"
#include "kernels/cuda/softmax.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

void check_floating(const char* op, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, name_of(x.dtype())));
}

/// x as dense memory.
Tensor dense(const Tensor& x) { return x.is_dense() ? x : contiguous(x); }

/// `t` in the layout and dtype of the dense tensor `like`.
Tensor in_layout_of(const Tensor& t, const Tensor& like) {
  if (t.strides() == like.strides() && t.dtype() == like.dtype()) return t;
  const Tensor out = empty_like(like);
  copy(out, t);
  return out;
}

/// One element for each line of x along `dim`, in the order of the lines; the dimension stays as 1.
Tensor empty_per_line(const Tensor& x, int64_t dim, LineShape lines) {
  Shape shape = x.shape(), strides = x.strides();
  if (shape.empty() || shape[dim] == 1) return empty_like(x);
  shape[dim] = 1;
  if (x.numel() == 0)
    return full(shape, -std::numeric_limits<double>::infinity(), {.dtype = x.dtype(), .device = x.device()});
  for (int64_t& stride : strides)
    if (stride > lines.inner) stride /= lines.length;
  const Tensor memory = empty({lines.lines()}, {.dtype = x.dtype(), .device = x.device()});
  return Tensor(memory.storage(), shape, strides, x.dtype());
}

}  // namespace

Tensor softmax(const Tensor& input, int64_t dim) {
  check_floating("softmax", input);
  const Tensor x = dense(input), y = empty_like(x);
  const LineShape lines = lines_of(x, normalize_dim(dim, x.dim(), "softmax"));
  GW_DISPATCH(x, softmax(y, x, lines));
  return y;
}

Tensor softmax_backward(const Tensor& dy, const Tensor& y, int64_t dim) {
  const Tensor g = in_layout_of(dy, y), dx = empty_like(y);
  const LineShape lines = lines_of(y, normalize_dim(dim, y.dim(), "softmax"));
  GW_DISPATCH(y, softmax_backward(dx, g, y, lines));
  return dx;
}

Tensor log_softmax(const Tensor& input, int64_t dim) {
  check_floating("log_softmax", input);
  const Tensor x = dense(input), y = empty_like(x);
  const LineShape lines = lines_of(x, normalize_dim(dim, x.dim(), "log_softmax"));
  GW_DISPATCH(x, log_softmax(y, x, lines));
  return y;
}

Tensor log_softmax_backward(const Tensor& dy, const Tensor& y, int64_t dim) {
  const Tensor g = in_layout_of(dy, y), dx = empty_like(y);
  const LineShape lines = lines_of(y, normalize_dim(dim, y.dim(), "log_softmax"));
  GW_DISPATCH(y, log_softmax_backward(dx, g, y, lines));
  return dx;
}

Tensor logsumexp(const Tensor& input, int64_t dim) {
  check_floating("logsumexp", input);
  const Tensor x = dense(input);
  const int64_t d = normalize_dim(dim, x.dim(), "logsumexp");
  const LineShape lines = lines_of(x, d);
  const Tensor y = empty_per_line(x, d, lines);
  GW_DISPATCH(x, logsumexp(y, x, lines));
  return y;
}

Tensor logsumexp_backward(const Tensor& dy, const Tensor& input, const Tensor& result, int64_t dim) {
  const Tensor x = dense(input), dx = empty_like(x);
  const int64_t d = normalize_dim(dim, x.dim(), "logsumexp");
  const LineShape lines = lines_of(x, d);
  const Tensor per_line = empty_per_line(x, d, lines);
  const Tensor y = in_layout_of(result, per_line), g = in_layout_of(dy, per_line);
  GW_DISPATCH(x, logsumexp_backward(dx, g, x, y, lines));
  return dx;
}

}  // namespace gw::kernels
