#include "kernels/cpu/grid_sample.h"

#include <vector>

#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// Calls body(n, pixel, taps) for the pixels of the results of images [begin, end).
template <class Body>
void for_each_place(const float* grid, const math::GridShape& s, const GridSampleOptions& o, int64_t begin, int64_t end,
                    const Body& body) {
  const int64_t pixels = s.out_pixels();
  for (int64_t i = begin; i < end; ++i) body(i / pixels, i, math::sample_taps(grid[2 * i], grid[2 * i + 1], s, o));
}

}  // namespace

void grid_sample(const Tensor& y, const Tensor& x, const Tensor& grid, const math::GridShape& s,
                 const GridSampleOptions& o) {
  visit_floating(x.dtype(), "grid_sample", [&](auto v) {
    using T = decltype(v);
    const T* const in = x.data<T>();
    T* const out = y.data<T>();
    const std::vector<T> nothing(static_cast<size_t>(s.c), T(0.0f));  // what a pixel outside of the image holds
    const int64_t grain = std::max<int64_t>(1, kParallelGrain / std::max<int64_t>(1, s.c));
    parallel_for(s.n * s.out_pixels(), grain, [&](int64_t begin, int64_t end) {
      for_each_place(grid.data<float>(), s, o, begin, end, [&](int64_t n, int64_t pixel, const math::SampleTaps& taps) {
        const T* tap[4];
        for (int i = 0; i < 4; ++i)
          tap[i] = taps.pixel[i] < 0 ? nothing.data() : in + (n * s.in_pixels() + taps.pixel[i]) * s.c;
        T* const to = out + pixel * s.c;
#pragma omp simd
        for (int64_t c = 0; c < s.c; ++c)
          to[c] = T(taps.weight[0] * static_cast<float>(tap[0][c]) + taps.weight[1] * static_cast<float>(tap[1][c]) +
                    taps.weight[2] * static_cast<float>(tap[2][c]) + taps.weight[3] * static_cast<float>(tap[3][c]));
      });
    });
  });
}

void grid_sample_backward(const Tensor& dx, const Tensor& dgrid, const Tensor& dy, const Tensor& x, const Tensor& grid,
                          const math::GridShape& s, const GridSampleOptions& o) {
  visit_floating(x.dtype(), "grid_sample_backward", [&](auto v) {
    using T = decltype(v);
    const T* const in = x.data<T>();
    const T* const dout = dy.data<T>();
    float* const din = dx.data<float>();
    float* const dplace = dgrid.data<float>();
    // An image belongs to one thread, because many places add to one pixel.
    parallel_for(s.n, 1, [&](int64_t first, int64_t last) {
      const int64_t pixels = s.out_pixels();
      for_each_place(grid.data<float>(), s, o, first * pixels, last * pixels,
                     [&](int64_t n, int64_t pixel, const math::SampleTaps& taps) {
                       const T* const g = dout + pixel * s.c;
                       float by_x = 0, by_y = 0;
                       for (int i = 0; i < 4; ++i) {
                         if (taps.pixel[i] < 0) continue;
                         const int64_t place = (n * s.in_pixels() + taps.pixel[i]) * s.c;
                         const T* const value = in + place;
                         float* const d = din + place;
                         float dot = 0;
#pragma omp simd reduction(+ : dot)
                         for (int64_t c = 0; c < s.c; ++c) {
                           const auto gradient = static_cast<float>(g[c]);
                           d[c] += taps.weight[i] * gradient;
                           dot += gradient * static_cast<float>(value[c]);
                         }
                         by_x += taps.dx[i] * dot;
                         by_y += taps.dy[i] * dot;
                       }
                       dplace[2 * pixel] = by_x;
                       dplace[2 * pixel + 1] = by_y;
                     });
    });
  });
}

}  // namespace gw::kernels::cpu
