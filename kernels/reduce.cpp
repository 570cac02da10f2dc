#include "kernels/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "kernels/cpu/reduce.h"
#include "kernels/cuda/reduce.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

/// A reduction made ready: the input as dense [outer, reduced, inner] memory and an output whose memory is [outer,
/// inner].
struct Plan {
  Tensor x;
  ReduceShape shape;
  Tensor out;      ///< of the shape with every reduced dimension kept as 1
  Shape squeezed;  ///< the shape without them
};

std::array<bool, Shape::kMaxDims> reduced_mask(const Tensor& x, const Shape& dims, const char* op) {
  std::array<bool, Shape::kMaxDims> mask{};
  if (dims.empty()) mask.fill(true);
  for (int64_t dim : dims) {
    const int64_t d = normalize_dim(dim, x.dim(), op);
    if (mask[d]) throw ShapeError(fmt::format("{}: dimension {} stands twice in {}", op, dim, dims.to_string()));
    mask[d] = true;
  }
  return mask;
}

/// The dimensions in the order of memory, outermost first.
Shape memory_order(const Tensor& x) {
  Shape order;
  for (int64_t d = 0; d < x.dim(); ++d) order.push_back(d);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return x.strides()[a] > x.strides()[b]; });
  return order;
}

/// Splits dense memory into [outer, reduced, inner], if the reduced dimensions lie side by side in it.
bool split(const Tensor& x, const Shape& order, const std::array<bool, Shape::kMaxDims>& mask, ReduceShape& shape) {
  shape = {1, 1, 1};
  for (int64_t d : order) {
    const int64_t size = x.shape()[d];
    if (size == 1) continue;
    if (mask[d]) {
      if (shape.inner != 1) return false;
      shape.reduced *= size;
    } else if (shape.reduced != 1) {
      shape.inner *= size;
    } else {
      shape.outer *= size;
    }
  }
  return true;
}

Plan plan(const Tensor& input, const Shape& dims, DType out_dtype, const char* op) {
  const auto mask = reduced_mask(input, dims, op);
  Plan p{input, {}, {}, {}};
  Shape order = memory_order(input);
  if (!input.is_dense() || !split(input, order, mask, p.shape)) {
    // Kept dimensions first, reduced ones last, copied into that order.
    std::stable_partition(order.begin(), order.end(), [&](int64_t d) { return !mask[d]; });
    p.x = contiguous(views::permute(input, order));
    p.shape = {1, 1, 1};
    for (int64_t d = 0; d < input.dim(); ++d) (mask[d] ? p.shape.reduced : p.shape.outer) *= input.shape()[d];
  }
  if (input.numel() == 0) {
    p.shape = {1, 1, 1};
    for (int64_t d = 0; d < input.dim(); ++d) (mask[d] ? p.shape.reduced : p.shape.outer) *= input.shape()[d];
  }
  Shape kept = input.shape(), strides = Shape::filled(input.dim(), 1);
  for (int64_t d = 0; d < input.dim(); ++d)
    if (mask[d]) kept[d] = 1;
  int64_t stride = 1;
  for (int64_t i = order.size() - 1; i >= 0; --i) {
    strides[order[i]] = stride;
    stride *= std::max<int64_t>(kept[order[i]], 1);
  }
  auto storage = std::make_shared<Storage>(static_cast<size_t>(kept.numel() * size_of(out_dtype)), input.device());
  p.out = Tensor(std::move(storage), kept, strides, out_dtype);
  return p;
}

Tensor finish(const Plan& p, const Shape& dims, bool keepdim) {
  if (keepdim) return p.out;
  if (dims.empty()) return views::as_strided(p.out, {}, {}, 0);
  Shape gone;
  for (int64_t dim : dims) gone.push_back(normalize_dim(dim, p.out.dim(), "reduce"));
  std::sort(gone.begin(), gone.end());
  Tensor t = p.out;
  for (int64_t i = gone.size() - 1; i >= 0; --i) t = views::squeeze(t, gone[i]);
  return t;
}

void require_floating(const char* op, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, name_of(x.dtype())));
}

Tensor scaled_sum(const Tensor& x, const Shape& dims, bool keepdim, bool divide, const char* op) {
  const Plan p = plan(x, dims, is_floating(x.dtype()) ? x.dtype() : DType::i64, op);
  const double scale = divide ? 1.0 / static_cast<double>(p.shape.reduced) : 1.0;
  if (p.shape.reduced == 0)
    fill(p.out, divide ? std::numeric_limits<double>::quiet_NaN() : 0);
  else
    GW_DISPATCH(x, sum(p.out, p.x, p.shape, scale));
  return finish(p, dims, keepdim);
}

void require_elements(const char* op, const Plan& p) {
  if (p.shape.reduced == 0 && p.shape.outer > 0)
    throw ShapeError(fmt::format("{}: expected at least one element to choose from, got none", op));
}

Tensor extremum(const Tensor& x, const Shape& dims, bool keepdim, bool largest) {
  const char* op = largest ? "amax" : "amin";
  const Plan p = plan(x, dims, x.dtype(), op);
  require_elements(op, p);
  if (p.out.numel() > 0) GW_DISPATCH(x, extremum(p.out, p.x, p.shape, largest));
  return finish(p, dims, keepdim);
}

Tensor arg_extremum(const Tensor& x, int64_t dim, bool keepdim, bool largest) {
  const char* op = largest ? "argmax" : "argmin";
  const Shape dims{normalize_dim(dim, x.dim(), op)};
  const Tensor input = x.dim() == 0 ? views::unsqueeze(x, 0) : x;
  const Plan p = plan(input, dims, DType::i64, op);
  require_elements(op, p);
  if (p.out.numel() > 0) GW_DISPATCH(x, arg_extremum(p.out, p.x, p.shape, largest));
  return x.dim() == 0 ? views::as_strided(p.out, {}, {}, 0) : finish(p, dims, keepdim);
}

}  // namespace

Tensor sum(const Tensor& x, const Shape& dims, bool keepdim) { return scaled_sum(x, dims, keepdim, false, "sum"); }

Tensor mean(const Tensor& x, const Shape& dims, bool keepdim) {
  require_floating("mean", x);
  return scaled_sum(x, dims, keepdim, true, "mean");
}

Tensor var(const Tensor& x, const Shape& dims, int64_t correction, bool keepdim) {
  require_floating("var", x);
  const Plan p = plan(x, dims, x.dtype(), "var");
  if (p.shape.reduced == 0) {
    fill(p.out, std::numeric_limits<double>::quiet_NaN());
  } else {
    const double degrees = std::max<double>(0, static_cast<double>(p.shape.reduced - correction));
    GW_DISPATCH(x, sum_squared_deviations(p.out, p.x, p.shape, 1.0 / degrees));
  }
  return finish(p, dims, keepdim);
}

Tensor amax(const Tensor& x, const Shape& dims, bool keepdim) { return extremum(x, dims, keepdim, true); }
Tensor amin(const Tensor& x, const Shape& dims, bool keepdim) { return extremum(x, dims, keepdim, false); }
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim) { return arg_extremum(x, dim, keepdim, true); }
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim) { return arg_extremum(x, dim, keepdim, false); }

}  // namespace gw::kernels
