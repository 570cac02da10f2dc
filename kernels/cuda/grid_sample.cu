// Reading images at any places, and the gradients of that.
#include "kernels/cuda/grid_sample.h"

#include "kernels/cuda/launch.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// A thread makes one element of the result, channels running fastest, so that a warp reads neighbouring channels of
/// the same four pixels; it computes the place anew for each channel, which costs less than to share it. Reads up to
/// four elements, mostly from the cache, and 8 bytes of the grid a pixel; writes one element.
template <class T>
__global__ void __launch_bounds__(kThreads)
    sample_grid(T* y, const T* x, const float* grid, math::GridShape s, GridSampleOptions o) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= s.n * s.out_pixels() * s.c) return;
  const int64_t pixel = i / s.c, c = i % s.c, n = pixel / s.out_pixels();
  const math::SampleTaps taps = math::sample_taps(grid[2 * pixel], grid[2 * pixel + 1], s, o);
  float sum = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k)
    if (taps.pixel[k] >= 0)
      sum += taps.weight[k] * static_cast<float>(x[(n * s.in_pixels() + taps.pixel[k]) * s.c + c]);
  y[i] = T(sum);
}

/// The gradient of the grid: a thread takes one place and goes through the channels.
template <class T>
__global__ void __launch_bounds__(kThreads)
    grid_gradient(float* dgrid, const T* dy, const T* x, const float* grid, math::GridShape s, GridSampleOptions o) {
  const int64_t pixel = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (pixel >= s.n * s.out_pixels()) return;
  const int64_t n = pixel / s.out_pixels();
  const math::SampleTaps taps = math::sample_taps(grid[2 * pixel], grid[2 * pixel + 1], s, o);
  float by_x = 0, by_y = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (taps.pixel[k] < 0) continue;
    const T* const value = x + (n * s.in_pixels() + taps.pixel[k]) * s.c;
    float dot = 0;
    for (int64_t c = 0; c < s.c; ++c) dot += static_cast<float>(dy[pixel * s.c + c]) * static_cast<float>(value[c]);
    by_x += taps.dx[k] * dot;
    by_y += taps.dy[k] * dot;
  }
  dgrid[2 * pixel] = by_x;
  dgrid[2 * pixel + 1] = by_y;
}

/// The gradient of the images: many places add to one pixel, so one thread owns a channel of an image and goes through
/// all places in order. That repeats bit for bit, which atomic additions do not; neighbouring threads have neighbouring
/// channels. `dx` is f32 and zero.
template <class T>
__global__ void __launch_bounds__(kThreads)
    scatter_gradient(float* dx, const T* dy, const float* grid, math::GridShape s, GridSampleOptions o) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= s.n * s.c) return;
  const int64_t n = i / s.c, c = i % s.c;
  float* const image = dx + n * s.in_pixels() * s.c + c;
  for (int64_t pixel = n * s.out_pixels(); pixel < (n + 1) * s.out_pixels(); ++pixel) {
    const math::SampleTaps taps = math::sample_taps(grid[2 * pixel], grid[2 * pixel + 1], s, o);
    const auto gradient = static_cast<float>(dy[pixel * s.c + c]);
#pragma unroll
    for (int k = 0; k < 4; ++k)
      if (taps.pixel[k] >= 0) image[taps.pixel[k] * s.c] += taps.weight[k] * gradient;
  }
}

}  // namespace

void grid_sample(const Tensor& y, const Tensor& x, const Tensor& grid, const math::GridShape& s,
                 const GridSampleOptions& o) {
  visit_floating(x.dtype(), "grid_sample", [&](auto v) {
    using T = decltype(v);
    launch(stream_for(x), {"sample_grid", blocks_for(y.numel(), kThreads), kThreads}, sample_grid<T>, y.data<T>(),
           x.data<T>(), grid.data<float>(), s, o);
  });
}

void grid_sample_backward(const Tensor& dx, const Tensor& dgrid, const Tensor& dy, const Tensor& x, const Tensor& grid,
                          const math::GridShape& s, const GridSampleOptions& o) {
  visit_floating(x.dtype(), "grid_sample_backward", [&](auto v) {
    using T = decltype(v);
    launch(stream_for(x), {"grid_gradient", blocks_for(s.n * s.out_pixels(), kThreads), kThreads}, grid_gradient<T>,
           dgrid.data<float>(), dy.data<T>(), x.data<T>(), grid.data<float>(), s, o);
    launch(stream_for(x), {"scatter_gradient", blocks_for(s.n * s.c, kThreads), kThreads}, scatter_gradient<T>,
           dx.data<float>(), dy.data<T>(), grid.data<float>(), s, o);
  });
}

}  // namespace gw::kernels::cuda
