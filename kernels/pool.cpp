#include "kernels/pool.h"

#include <fmt/format.h>

#include "kernels/cpu/pool.h"
#include "kernels/cuda/pool.h"
#include "kernels/dispatch.h"
#include "kernels/layout.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

using math::PoolAxis;
using math::PoolGeometry;

void check_input(const char* op, const Tensor& x) {
  if (x.dim() != 4) throw ShapeError(fmt::format("{}: expected [N, C, H, W], got {}", op, x.shape().to_string()));
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, name_of(x.dtype())));
}

PoolAxis window_axis(const char* op, int64_t in, int64_t kernel, int64_t stride, int64_t padding, bool ceil_mode) {
  if (stride == 0) stride = kernel;
  if (kernel < 1 || stride < 1)
    throw ConfigError(
        fmt::format("{}: expected a kernel and a stride of at least 1, got {} and {}", op, kernel, stride));
  if (padding < 0 || padding > kernel / 2)
    throw ConfigError(
        fmt::format("{}: expected a padding of at most half the kernel, {}, got {}", op, kernel / 2, padding));
  const int64_t room = in + 2 * padding - kernel;
  if (in < 1 || (room < 0 && !(ceil_mode && room + stride > 0)))
    throw ShapeError(
        fmt::format("{}: a kernel of {} does not fit into an input of {} with padding {}", op, kernel, in, padding));
  int64_t out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= in + padding) --out;  // it would start beyond the input and its left padding
  return {in, out, kernel, stride, padding, false};
}

PoolGeometry window_geometry(const char* op, const Shape& x, const PoolOptions& o) {
  PoolGeometry g;
  g.h = window_axis(op, x[2], o.kernel.h, o.stride.h, o.padding.h, o.ceil_mode);
  g.w = window_axis(op, x[3], o.kernel.w, o.stride.w, o.padding.w, o.ceil_mode);
  return g;
}

PoolGeometry average_geometry(const Shape& x, const AvgPoolOptions& o) {
  PoolGeometry g = window_geometry("avg_pool2d", x, o.windows());
  g.count_include_pad = o.count_include_pad;
  if (o.divisor_override && *o.divisor_override == 0)
    throw ConfigError("avg_pool2d: expected a divisor other than 0, got 0");
  g.divisor = o.divisor_override.value_or(0);
  return g;
}

PoolGeometry adaptive_geometry(const char* op, const Shape& x, Size2 out) {
  if (out.h < 1 || out.w < 1)
    throw ConfigError(fmt::format("{}: expected an output size of at least 1, got {} x {}", op, out.h, out.w));
  if (x[2] < 1 || x[3] < 1)
    throw ShapeError(fmt::format("{}: expected an input with pixels, got {}", op, x.to_string()));
  PoolGeometry g;
  g.h = {x[2], out.h, 0, 0, 0, true};
  g.w = {x[3], out.w, 0, 0, 0, true};
  return g;
}

/// t in a layout that the pools read: channels-last or contiguous as it is, else a channels-last copy.
Tensor readable(const Tensor& t) { return t.is_contiguous() ? t : contiguous(t, MemoryFormat::channels_last); }

MemoryFormat format_of(const Tensor& t) {
  return t.is_contiguous(MemoryFormat::channels_last) ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}

void set_layout(PoolGeometry& g, const Tensor& t) {
  const bool last = format_of(t) == MemoryFormat::channels_last;
  g.images = last ? t.size(0) : t.size(0) * t.size(1);
  g.channels = last ? t.size(1) : 1;
}

/// An uninitialised tensor with the layout and device of `like`.
Tensor output(const Tensor& like, const Shape& shape, DType dtype) {
  return empty(shape, {.dtype = dtype, .device = like.device()}, format_of(like));
}

Shape pooled_shape(const Shape& x, const PoolGeometry& g) { return {x[0], x[1], g.h.out, g.w.out}; }

void check_gradient(const char* op, const Tensor& dy, const Shape& x_shape, const PoolGeometry& g) {
  check_input(op, dy);
  if (dy.shape() != pooled_shape(x_shape, g))
    throw ShapeError(fmt::format("{}: expected a gradient of shape {}, got {}", op,
                                 pooled_shape(x_shape, g).to_string(), dy.shape().to_string()));
}

Tensor average(const Tensor& x, PoolGeometry g) {
  const Tensor in = readable(x), y = output(in, pooled_shape(x.shape(), g), x.dtype());
  set_layout(g, in);
  GW_DISPATCH(x, avg_pool(y, in, g));
  return y;
}

Tensor average_backward(const char* op, const Tensor& dy, const Shape& x_shape, PoolGeometry g,
                        const Tensor& added = {}) {
  check_gradient(op, dy, x_shape, g);
  if (added.defined() && (added.shape() != x_shape || added.dtype() != dy.dtype()))
    throw ShapeError(fmt::format("{}: expected a {} gradient of shape {} to add to, got {} of shape {}", op,
                                 name_of(dy.dtype()), x_shape.to_string(), name_of(added.dtype()),
                                 added.shape().to_string()));
  const Tensor in = readable(dy), dx = output(in, x_shape, dy.dtype());
  set_layout(g, in);
  GW_DISPATCH(dy, avg_pool_backward(dx, in, added.defined() ? contiguous(added, format_of(in)) : added, g));
  return dx;
}

MaxPoolResult maximum(const Tensor& x, PoolGeometry g) {
  const Tensor in = readable(x);
  const Shape shape = pooled_shape(x.shape(), g);
  const Tensor y = output(in, shape, x.dtype()), indices = output(in, shape, DType::i32);
  set_layout(g, in);
  GW_DISPATCH(x, max_pool(y, indices, in, g));
  return {y, indices};
}

Tensor maximum_backward(const char* op, const Tensor& dy, const Tensor& indices, const Shape& x_shape, PoolGeometry g) {
  check_gradient(op, dy, x_shape, g);
  if (indices.shape() != dy.shape() || indices.dtype() != DType::i32)
    throw ShapeError(fmt::format("{}: expected i32 indices of shape {}, got {} of shape {}", op, dy.shape().to_string(),
                                 name_of(indices.dtype()), indices.shape().to_string()));
  const Tensor in = readable(dy), from = with_layout_of(in, indices), dx = output(in, x_shape, dy.dtype());
  set_layout(g, in);
  GW_DISPATCH(dy, max_pool_backward(dx, in, from, g));
  return dx;
}

}  // namespace

Tensor avg_pool2d(const Tensor& x, const AvgPoolOptions& o) {
  check_input("avg_pool2d", x);
  return average(x, average_geometry(x.shape(), o));
}

Tensor avg_pool2d_backward(const Tensor& dy, const Shape& x_shape, const AvgPoolOptions& o, const Tensor& added) {
  return average_backward("avg_pool2d_backward", dy, x_shape, average_geometry(x_shape, o), added);
}

MaxPoolResult max_pool2d(const Tensor& x, const PoolOptions& o) {
  check_input("max_pool2d", x);
  return maximum(x, window_geometry("max_pool2d", x.shape(), o));
}

Tensor max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& x_shape, const PoolOptions& o) {
  return maximum_backward("max_pool2d_backward", dy, indices, x_shape, window_geometry("max_pool2d", x_shape, o));
}

Tensor adaptive_avg_pool2d(const Tensor& x, Size2 output_size) {
  check_input("adaptive_avg_pool2d", x);
  return average(x, adaptive_geometry("adaptive_avg_pool2d", x.shape(), output_size));
}

Tensor adaptive_avg_pool2d_backward(const Tensor& dy, const Shape& x_shape) {
  check_input("adaptive_avg_pool2d_backward", dy);
  const Size2 out(dy.size(2), dy.size(3));
  return average_backward("adaptive_avg_pool2d_backward", dy, x_shape,
                          adaptive_geometry("adaptive_avg_pool2d_backward", x_shape, out));
}

MaxPoolResult adaptive_max_pool2d(const Tensor& x, Size2 output_size) {
  check_input("adaptive_max_pool2d", x);
  return maximum(x, adaptive_geometry("adaptive_max_pool2d", x.shape(), output_size));
}

Tensor adaptive_max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& x_shape) {
  check_input("adaptive_max_pool2d_backward", dy);
  const Size2 out(dy.size(2), dy.size(3));
  return maximum_backward("adaptive_max_pool2d_backward", dy, indices, x_shape,
                          adaptive_geometry("adaptive_max_pool2d_backward", x_shape, out));
}

}  // namespace gw::kernels
