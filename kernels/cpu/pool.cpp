#include "kernels/cpu/pool.h"

#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/cpu/bf16_round.h"
#include "kernels/cpu/map.h"
#include "kernels/cpu/prefetch.h"
#include "kernels/cpu/scratch.h"
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
  bool operator==(const Range&) const = default;
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
  for (; c + 32 <= channels; c += 32) block(c, std::integral_constant<int64_t, 32>{});
  for (; c + 16 <= channels; c += 16) block(c, std::integral_constant<int64_t, 16>{});
  for (; c + 8 <= channels; c += 8) block(c, std::integral_constant<int64_t, 8>{});
  for (; c < channels; ++c) block(c, std::integral_constant<int64_t, 1>{});
}

/// Calls work(begin, end) in parallel for parts of all result rows of all images, `rows_each` of them in an image.
template <class Work>
void for_rows(const PoolGeometry& g, int64_t rows_each, const Work& work) {
  const int64_t per_row = std::max<int64_t>(1, g.h.in * g.w.in * g.channels / rows_each);
  parallel_for(g.images * rows_each, std::max<int64_t>(1, kParallelGrain / per_row), work);
}

/// Rows of results on their way to memory: rows that are streamed, and rows of averages, which are rounded as a whole,
/// are first computed in a row that stays in the cache.
template <class T, class Computed = T>
class RowWriter {
 public:
  RowWriter(T* out, int64_t row_elements, bool stream)
      : out_(out), elements_(row_elements), stream_(stream), row_(row_elements) {}

  /// Where to compute row `index`.
  Computed* begin(int64_t index) {
    if constexpr (std::is_same_v<T, Computed>) return stream_ ? row() : out_ + index * elements_;
    return row();
  }
  /// Row `index` is computed.
  void end(int64_t index) const {
    if (stream_ || !std::is_same_v<T, Computed>) repeat(index);
  }
  /// Row `index` equals the one computed last in row().
  void repeat(int64_t index) const {
    const auto take = [from = row()](T* to, int64_t first, auto count) {
      if constexpr (std::is_same_v<T, Computed>)
        std::memcpy(to, from + first, static_cast<size_t>(count) * sizeof(T));
      else
        round_run(to, from + first, count);
    };
    T* to = out_ + index * elements_;
    stream_ ? stream_run(to, elements_, take) : take(to, 0, elements_);
  }
  Computed* row() const { return static_cast<Computed*>(static_cast<void*>(row_.data())); }

 private:
  T* out_;
  int64_t elements_;
  bool stream_;
  Scratch row_;  // aligned to the cache's lines
};

/// The commonest window, 2 x 2, in one loop without sums: `top` and `bottom` are the left pixels of its two rows.
template <class T, class Count>
void average_of_four(float* out, const T* top, const T* bottom, int64_t channels, float factor, Count count) {
  const T *a = top, *b = top + channels, *c = bottom, *d = bottom + channels;
#pragma omp simd
  for (int64_t k = 0; k < count; ++k) {
    const float upper = static_cast<float>(a[k]) + static_cast<float>(b[k]);
    const float lower = static_cast<float>(c[k]) + static_cast<float>(d[k]);
    out[k] = (upper + lower) * factor;
  }
}

/// The average of any window of `plane`, whose rows are `stride` elements apart. Four pixels a step keep the chain of
/// additions short. Not inlined: beside the commonest window it would take the registers of that one's loop.
template <class T, class Count>
[[gnu::noinline]] void average(float* out, const T* plane, Range h, Range w, int64_t stride, int64_t channels,
                               float factor, Count count) {
  float sum[count] = {};
  for (int64_t i = h.begin; i < h.end; ++i) {
    const T* in = plane + i * stride + w.begin * channels;
    int64_t j = w.begin;
    for (; j + 4 <= w.end; j += 4, in += 4 * channels) {
      const T *b = in + channels, *c = b + channels, *d = c + channels;
#pragma omp simd
      for (int64_t k = 0; k < count; ++k)
        sum[k] += (static_cast<float>(in[k]) + static_cast<float>(b[k])) +
                  (static_cast<float>(c[k]) + static_cast<float>(d[k]));
    }
    for (; j < w.end; ++j, in += channels) {
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) sum[k] += static_cast<float>(in[k]);
    }
  }
#pragma omp simd
  for (int64_t k = 0; k < count; ++k) out[k] = sum[k] * factor;
}

template <class T>
void avg_forward(T* y, const T* x, const PoolGeometry& g, bool stream) {
  const std::vector<Range> rows = windows(g.h), columns = windows(g.w);
  const std::vector<float> scale = scales(g);
  const int64_t row_elements = g.w.out * g.channels, stride = g.w.in * g.channels;
  for_rows(g, g.h.out, [&](int64_t begin, int64_t end) {
    RowWriter<T, float> writer(y, row_elements, stream);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t oh = r % g.h.out;
      const T* plane = x + r / g.h.out * g.h.in * stride;
      const Range h = rows[static_cast<size_t>(oh)];
      const float* factor = scale.data() + oh * g.w.out;
      float* out = writer.begin(r);
      if (h.end - h.begin == 2) prefetch_ahead(plane + h.begin * stride, 2 * stride);
      for_channels(g.channels, [&](int64_t c, auto count) {
        for (int64_t ow = 0; ow < g.w.out; ++ow) {
          const Range w = columns[static_cast<size_t>(ow)];
          const T* corner = plane + h.begin * stride + w.begin * g.channels + c;
          float* to = out + ow * g.channels + c;
          if (h.end - h.begin == 2 && w.end - w.begin == 2)
            average_of_four(to, corner, corner + stride, g.channels, factor[ow], count);
          else
            average(to, plane + c, h, w, stride, g.channels, factor[ow], count);
        }
      });
      writer.end(r);
    }
    stream_fence();
  });
}

/// Neighbouring pixels of a row under the same windows, whose gradients are equal.
struct PixelRun {
  int64_t begin;
  int64_t count;
  Range windows;
};
std::vector<PixelRun> pixel_runs(const PoolAxis& axis) {
  std::vector<PixelRun> runs;
  for (int64_t i = 0; i < axis.in; ++i) {
    const Range over = {axis.first(i), axis.last(i)};
    if (!runs.empty() && runs.back().windows == over)
      ++runs.back().count;
    else
      runs.push_back({i, 1, over});
  }
  return runs;
}

/// One row of dx: each input pixel gathers from the windows over it, so that threads never add to the same place.
template <class T>
void avg_backward_row(float* out, const T* plane, Range h, const std::vector<PixelRun>& columns, const float* scale,
                      const PoolGeometry& g) {
  for_channels(g.channels, [&](int64_t c, auto count) {
    for (const PixelRun& run : columns) {
      float* to = out + run.begin * g.channels + c;
      if (h.end - h.begin == 1 && run.windows.end - run.windows.begin == 1) {
        // A single window: computing its gradient anew for each pixel is quicker than a copy.
        const int64_t at = h.begin * g.w.out + run.windows.begin;
        const T* in = plane + at * g.channels + c;
        const float factor = scale[at];
        for (int64_t pixel = 0; pixel < run.count; ++pixel, to += g.channels) {
#pragma omp simd
          for (int64_t k = 0; k < count; ++k) to[k] = static_cast<float>(in[k]) * factor;
        }
        continue;
      }
      float sum[count] = {};
      for (int64_t i = h.begin; i < h.end; ++i) {
        for (int64_t j = run.windows.begin; j < run.windows.end; ++j) {
          const T* in = plane + (i * g.w.out + j) * g.channels + c;
          const float factor = scale[i * g.w.out + j];
#pragma omp simd
          for (int64_t k = 0; k < count; ++k) sum[k] += static_cast<float>(in[k]) * factor;
        }
      }
      for (int64_t pixel = 0; pixel < run.count; ++pixel, to += g.channels) {
#pragma omp simd
        for (int64_t k = 0; k < count; ++k) to[k] = sum[k];
      }
    }
  });
}

/// out[i] = a[i] + b[i] for i < count.
template <class T>
void write_sum(T* out, const float* a, const T* b, int64_t count, bool stream) {
  prefetch_ahead(b, count);
  write_run(out, count, stream, [=](float* to, int64_t begin, auto n) {
    const float* first = a + begin;
    const T* second = b + begin;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) to[i] = first[i] + static_cast<float>(second[i]);
  });
}

/// Rows under the same windows are equal, so each is computed, and rounded, once. `added` is read if kAdds.
template <bool kAdds, class T>
void avg_backward(T* dx, const T* dy, const T* added, const PoolGeometry& g, bool stream) {
  constexpr bool kRounds = !kAdds && !std::is_same_v<T, float>;
  const std::vector<Range> rows = covers(g.h);
  const std::vector<PixelRun> columns = pixel_runs(g.w);
  const std::vector<float> scale = scales(g);
  const int64_t row_elements = g.w.in * g.channels;
  for_rows(g, g.h.in, [&](int64_t begin, int64_t end) {
    RowWriter<T> writer(dx, row_elements, stream);
    const Scratch unrounded(row_elements);
    for (int64_t r = begin; r < end; ++r) {
      const auto i = static_cast<size_t>(r % g.h.in);
      if (r == begin || i == 0 || !(rows[i] == rows[i - 1])) {
        const T* plane = dy + r / g.h.in * g.h.out * g.w.out * g.channels;
        if constexpr (kAdds || kRounds)
          avg_backward_row(unrounded.data(), plane, rows[i], columns, scale.data(), g);
        else
          avg_backward_row(writer.row(), plane, rows[i], columns, scale.data(), g);
        if constexpr (kRounds) round_run(writer.row(), unrounded.data(), row_elements);
      }
      if constexpr (kAdds)
        write_sum(dx + r * row_elements, unrounded.data(), added + r * row_elements, row_elements, stream);
      else
        writer.repeat(r);
    }
    stream_fence();
  });
}

/// Stores a value that was read from a tensor of the same type: there is nothing to round.
inline void store_exact(float& to, float value) { to = value; }
inline void store_exact(bf16& to, float value) {
  to.bits = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
}

/// The largest of each window of a row and where in `plane` it lies.
template <class T>
void max_forward_row(T* y, int32_t* indices, const T* plane, Range h, const std::vector<Range>& columns,
                     const PoolGeometry& g) {
  for_channels(g.channels, [&](int64_t c, auto count) {
    for (size_t ow = 0; ow < columns.size(); ++ow) {
      const Range w = columns[ow];
      const int64_t at = static_cast<int64_t>(ow) * g.channels + c;
      float best[count];
      int32_t where[count];
      const auto first = static_cast<int32_t>(h.begin * g.w.in + w.begin);
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) {
        best[k] = static_cast<float>(plane[first * g.channels + c + k]);
        where[k] = first;
      }
      const auto challenge = [&](int32_t position) {
        const T* in = plane + position * g.channels + c;
#pragma omp simd
        for (int64_t k = 0; k < count; ++k) {
          const float v = static_cast<float>(in[k]);
          const bool better = v > best[k] || v != v;  // NaN wins, and stays
          best[k] = better ? v : best[k];
          where[k] = better ? position : where[k];
        }
      };
      if (h.end - h.begin == 2 && w.end - w.begin == 2) {  // the commonest window, without loops
        const auto below = first + static_cast<int32_t>(g.w.in);
        challenge(first + 1), challenge(below), challenge(below + 1);
      } else {
        for (int64_t i = h.begin; i < h.end; ++i)
          for (int64_t j = w.begin; j < w.end; ++j) challenge(static_cast<int32_t>(i * g.w.in + j));
      }
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) {
        store_exact(y[at + k], best[k]);
        indices[at + k] = where[k];
      }
    }
  });
}

template <class T>
void max_forward(T* y, int32_t* indices, const T* x, const PoolGeometry& g, bool stream) {
  const std::vector<Range> rows = windows(g.h), columns = windows(g.w);
  const int64_t row_elements = g.w.out * g.channels;
  for_rows(g, g.h.out, [&](int64_t begin, int64_t end) {
    RowWriter<T> values(y, row_elements, stream);
    RowWriter<int32_t> places(indices, row_elements, stream);
    for (int64_t r = begin; r < end; ++r) {
      const T* plane = x + r / g.h.out * g.h.in * g.w.in * g.channels;
      max_forward_row(values.begin(r), places.begin(r), plane, rows[static_cast<size_t>(r % g.h.out)], columns, g);
      values.end(r), places.end(r);
    }
    stream_fence();
  });
}

/// One row of dx, gathered as in avg_backward_row.
template <class T>
void max_backward_row(T* out, const T* dy, const int32_t* indices, int64_t row, Range h,
                      const std::vector<Range>& columns, const PoolGeometry& g) {
  for_channels(g.channels, [&](int64_t c, auto count) {
    for (size_t column = 0; column < columns.size(); ++column) {
      const Range w = columns[column];
      const auto position = static_cast<int32_t>(row * g.w.in + static_cast<int64_t>(column));
      T* to = out + static_cast<int64_t>(column) * g.channels + c;
      if (h.end - h.begin == 1 && w.end - w.begin == 1) {  // a single window: its gradient or nothing, without a sum
        const int64_t at = (h.begin * g.w.out + w.begin) * g.channels + c;
#pragma omp simd
        for (int64_t k = 0; k < count; ++k) {
          const auto gradient = *bits(dy + at + k);
          *bits(to + k) = indices[at + k] == position ? gradient : 0;
        }
        continue;
      }
      float sum[count] = {};
      for (int64_t i = h.begin; i < h.end; ++i) {
        for (int64_t j = w.begin; j < w.end; ++j) {
          const int64_t at = (i * g.w.out + j) * g.channels + c;
#pragma omp simd
          for (int64_t k = 0; k < count; ++k) {
            const float gradient = static_cast<float>(dy[at + k]);  // not inside the selection: loads stay vectors
            sum[k] += indices[at + k] == position ? gradient : 0.0f;
          }
        }
      }
#pragma omp simd
      for (int64_t k = 0; k < count; ++k) store(to[k], sum[k]);
    }
  });
}

template <class T>
void max_backward(T* dx, const T* dy, const int32_t* indices, const PoolGeometry& g, bool stream) {
  const std::vector<Range> rows = covers(g.h), columns = covers(g.w);
  const int64_t row_elements = g.w.in * g.channels, windows_each = g.h.out * g.w.out * g.channels;
  for_rows(g, g.h.in, [&](int64_t begin, int64_t end) {
    RowWriter<T> writer(dx, row_elements, stream);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t row = r % g.h.in, plane = r / g.h.in * windows_each;
      max_backward_row(writer.begin(r), dy + plane, indices + plane, row, rows[static_cast<size_t>(row)], columns, g);
      writer.end(r);
    }
    stream_fence();
  });
}

}  // namespace

void avg_pool(const Tensor& y, const Tensor& x, const PoolGeometry& g) {
  visit_floating(x.dtype(), "avg_pool2d", [&](auto v) {
    using T = decltype(v);
    avg_forward(y.data<T>(), x.data<T>(), g, streams(y));
  });
}

void avg_pool_backward(const Tensor& dx, const Tensor& dy, const Tensor& added, const PoolGeometry& g) {
  visit_floating(dy.dtype(), "avg_pool2d_backward", [&](auto v) {
    using T = decltype(v);
    if (added.defined())
      avg_backward<true, T>(dx.data<T>(), dy.data<T>(), added.data<T>(), g, streams(dx));
    else
      avg_backward<false, T>(dx.data<T>(), dy.data<T>(), nullptr, g, streams(dx));
  });
}

void max_pool(const Tensor& y, const Tensor& indices, const Tensor& x, const PoolGeometry& g) {
  visit_floating(x.dtype(), "max_pool2d", [&](auto v) {
    using T = decltype(v);
    max_forward(y.data<T>(), indices.data<int32_t>(), x.data<T>(), g, streams(y));
  });
}

void max_pool_backward(const Tensor& dx, const Tensor& dy, const Tensor& indices, const PoolGeometry& g) {
  visit_floating(dy.dtype(), "max_pool2d_backward", [&](auto v) {
    using T = decltype(v);
    max_backward(dx.data<T>(), dy.data<T>(), indices.data<int32_t>(), g, streams(dx));
  });
}

}  // namespace gw::kernels::cpu
