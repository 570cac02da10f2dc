#include "kernels/cpu/pool.h"

#include <type_traits>
#include <vector>

#include "kernels/cpu/store.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

using math::PoolAxis;
using math::PoolGeometry;

/// A half-open range of pixels or windows along one axis.
struct Range {
  int64_t begin;
  int64_t end;
};

/// The input pixels of every window, or (the other way) the windows over every input pixel, worked out once per axis:
/// the divisions they take would cost more than a pixel of few channels.
std::vector<Range> windows(const PoolAxis& axis) {
  std::vector<Range> ranges;
  for (int64_t o = 0; o < axis.out; ++o) ranges.push_back({axis.begin(o), axis.end(o)});
  return ranges;
}
std::vector<Range> covers(const PoolAxis& axis) {
  std::vector<Range> ranges;
  for (int64_t i = 0; i < axis.in; ++i) ranges.push_back({axis.first(i), axis.last(i)});
  return ranges;
}

std::vector<float> scales(const PoolGeometry& g) {
  std::vector<float> out;
  for (int64_t oh = 0; oh < g.h.out; ++oh)
    for (int64_t ow = 0; ow < g.w.out; ++ow) out.push_back(g.scale(oh, ow));
  return out;
}

/// Calls block(c, count) for runs of channels that together cover all. `count` is a constant of its type, so that the
/// loops over a run unroll into vector instructions and its sums stay in registers.
template <class Block>
void for_channels(int64_t channels, const Block& block) {
  int64_t c = 0;
  for (; c + 64 <= channels; c += 64) block(c, std::integral_constant<int64_t, 64>{});
  for (; c + 16 <= channels; c += 16) block(c, std::integral_constant<int64_t, 16>{});
  for (; c + 8 <= channels; c += 8) block(c, std::integral_constant<int64_t, 8>{});
  for (; c < channels; ++c) block(c, std::integral_constant<int64_t, 1>{});
}

/// Calls pixel(image, row, column) for every pixel of `images` of `rows` x `columns`, images and rows in parallel.
template <class Pixel>
void for_pixels(int64_t images, int64_t rows, int64_t columns, int64_t channels, const Pixel& pixel) {
  const int64_t row_elements = std::max<int64_t>(1, columns * channels);
  parallel_for(images * rows, std::max<int64_t>(1, kParallelGrain / row_elements), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t image = r / rows, row = r % rows;
      for (int64_t column = 0; column < columns; ++column) pixel(image, row, column);
    }
  });
}

/// The commonest window, 2 x 2, in one loop without sums: `top` and `bottom` are the left pixels of its two rows.
template <class T>
void average_of_four(T* out, const T* top, const T* bottom, int64_t channels, float factor) {
  for_channels(channels, [=](int64_t c, auto count) {
    const T *a = top + c, *b = a + channels, *d = bottom + c, *e = d + channels;
#pragma omp simd
    for (int64_t k = 0; k < count; ++k) {
      const float upper = static_cast<float>(a[k]) + static_cast<float>(b[k]);
      const float lower = static_cast<float>(d[k]) + static_cast<float>(e[k]);
      store(out[c + k], (upper + lower) * factor);
    }
  });
}

template <class T>
void avg_forward(T* y, const T* x, const PoolGeometry& g) {
  const std::vector<Range> rows = windows(g.h), columns = windows(g.w);
  const std::vector<float> scale = scales(g);
  for_pixels(g.images, g.h.out, g.w.out, g.channels, [&](int64_t image, int64_t oh, int64_t ow) {
    const Range h = rows[static_cast<size_t>(oh)], w = columns[static_cast<size_t>(ow)];
    const float factor = scale[static_cast<size_t>(oh * g.w.out + ow)];
    const T* plane = x + image * g.h.in * g.w.in * g.channels;
    T* out = y + ((image * g.h.out + oh) * g.w.out + ow) * g.channels;
    if (h.end - h.begin == 2 && w.end - w.begin == 2) {
      const T* top = plane + (h.begin * g.w.in + w.begin) * g.channels;
      return average_of_four(out, top, top + g.w.in * g.channels, g.channels, factor);
    }
    for_channels(g.channels, [&](int64_t c, auto count) {
      float sum[count] = {};
      for (int64_t i = h.begin; i < h.end; ++i) {
        for (int64_t j = w.begin; j < w.end; ++j) {
          const T* in = plane + (i * g.w.in + j) * g.channels + c;
#pragma omp simd
          for (int64_t k = 0; k < count; ++k) sum[k] += static_cast<float>(in[k]);
        }
      }
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) store(out[c + k], sum[k] * factor);
    });
  });
}

/// What a pixel under a single window gets from it.
template <class T>
void scaled(T* out, const T* in, int64_t channels, float factor) {
  for_channels(channels, [=](int64_t c, auto count) {
#pragma omp simd
    for (int64_t k = 0; k < count; ++k) store(out[c + k], static_cast<float>(in[c + k]) * factor);
  });
}

/// Each input pixel gathers from the windows over it, so that threads never add to the same place.
template <class T>
void avg_backward(T* dx, const T* dy, const PoolGeometry& g) {
  const std::vector<Range> rows = covers(g.h), columns = covers(g.w);
  const std::vector<float> scale = scales(g);
  for_pixels(g.images, g.h.in, g.w.in, g.channels, [&](int64_t image, int64_t row, int64_t column) {
    const Range h = rows[static_cast<size_t>(row)], w = columns[static_cast<size_t>(column)];
    const T* plane = dy + image * g.h.out * g.w.out * g.channels;
    T* out = dx + ((image * g.h.in + row) * g.w.in + column) * g.channels;
    if (h.end - h.begin == 1 && w.end - w.begin == 1) {
      const int64_t window = h.begin * g.w.out + w.begin;
      return scaled(out, plane + window * g.channels, g.channels, scale[static_cast<size_t>(window)]);
    }
    for_channels(g.channels, [&](int64_t c, auto count) {
      float sum[count] = {};
      for (int64_t i = h.begin; i < h.end; ++i) {
        for (int64_t j = w.begin; j < w.end; ++j) {
          const T* in = plane + (i * g.w.out + j) * g.channels + c;
          const float factor = scale[static_cast<size_t>(i * g.w.out + j)];
#pragma omp simd
          for (int64_t k = 0; k < count; ++k) sum[k] += static_cast<float>(in[k]) * factor;
        }
      }
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) store(out[c + k], sum[k]);
    });
  });
}

template <class T>
void max_forward(T* y, int32_t* indices, const T* x, const PoolGeometry& g) {
  const std::vector<Range> rows = windows(g.h), columns = windows(g.w);
  for_pixels(g.images, g.h.out, g.w.out, g.channels, [&](int64_t image, int64_t oh, int64_t ow) {
    const Range h = rows[static_cast<size_t>(oh)], w = columns[static_cast<size_t>(ow)];
    const T* plane = x + image * g.h.in * g.w.in * g.channels;
    const int64_t at = ((image * g.h.out + oh) * g.w.out + ow) * g.channels;
    for_channels(g.channels, [&](int64_t c, auto count) {
      float best[count];
      int32_t where[count];
      const auto first = static_cast<int32_t>(h.begin * g.w.in + w.begin);
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) {
        best[k] = static_cast<float>(plane[first * g.channels + c + k]);
        where[k] = first;
      }
      for (int64_t i = h.begin; i < h.end; ++i) {
        for (int64_t j = w.begin; j < w.end; ++j) {
          const auto position = static_cast<int32_t>(i * g.w.in + j);
          const T* in = plane + position * g.channels + c;
#pragma omp simd
          for (int64_t k = 0; k < count; ++k) {
            const float v = static_cast<float>(in[k]);
            const bool better = v > best[k] || v != v;  // NaN wins, and stays
            best[k] = better ? v : best[k];
            where[k] = better ? position : where[k];
          }
        }
      }
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) {
        store(y[at + c + k], best[k]);
        indices[at + c + k] = where[k];
      }
    });
  });
}

template <class T>
void max_backward(T* dx, const T* dy, const int32_t* indices, const PoolGeometry& g) {
  const std::vector<Range> rows = covers(g.h), columns = covers(g.w);
  for_pixels(g.images, g.h.in, g.w.in, g.channels, [&](int64_t image, int64_t row, int64_t column) {
    const Range h = rows[static_cast<size_t>(row)], w = columns[static_cast<size_t>(column)];
    const auto position = static_cast<int32_t>(row * g.w.in + column);
    const int64_t plane = image * g.h.out * g.w.out;
    T* out = dx + ((image * g.h.in + row) * g.w.in + column) * g.channels;
    for_channels(g.channels, [&](int64_t c, auto count) {
      float sum[count] = {};
      for (int64_t i = h.begin; i < h.end; ++i) {
        for (int64_t j = w.begin; j < w.end; ++j) {
          const int64_t at = (plane + i * g.w.out + j) * g.channels + c;
#pragma omp simd
          for (int64_t k = 0; k < count; ++k) {
            const float gradient = static_cast<float>(dy[at + k]);  // not inside the selection: loads stay vectors
            sum[k] += indices[at + k] == position ? gradient : 0.0f;
          }
        }
      }
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) store(out[c + k], sum[k]);
    });
  });
}

}  // namespace

void avg_pool(const Tensor& y, const Tensor& x, const PoolGeometry& g) {
  visit_floating(x.dtype(), "avg_pool2d", [&](auto v) {
    using T = decltype(v);
    avg_forward(y.data<T>(), x.data<T>(), g);
  });
}

void avg_pool_backward(const Tensor& dx, const Tensor& dy, const PoolGeometry& g) {
  visit_floating(dy.dtype(), "avg_pool2d_backward", [&](auto v) {
    using T = decltype(v);
    avg_backward(dx.data<T>(), dy.data<T>(), g);
  });
}

void max_pool(const Tensor& y, const Tensor& indices, const Tensor& x, const PoolGeometry& g) {
  visit_floating(x.dtype(), "max_pool2d", [&](auto v) {
    using T = decltype(v);
    max_forward(y.data<T>(), indices.data<int32_t>(), x.data<T>(), g);
  });
}

void max_pool_backward(const Tensor& dx, const Tensor& dy, const Tensor& indices, const PoolGeometry& g) {
  visit_floating(dy.dtype(), "max_pool2d_backward", [&](auto v) {
    using T = decltype(v);
    max_backward(dx.data<T>(), dy.data<T>(), indices.data<int32_t>(), g);
  });
}

}  // namespace gw::kernels::cpu
