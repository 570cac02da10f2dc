// Average and maximum pools. Memory-bound: forward reads x once where windows do not overlap and writes y once;
// backward reads dy and writes dx once. Nothing is added atomically: either each input gathers from the windows over
// it, or the windows do not overlap.
#include "kernels/cuda/pool.h"

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "kernels/cuda/primitives.h"

namespace gw::kernels::cuda {
namespace {

using Axis = math::BasicPoolAxis<int>;
using Geometry = math::BasicPoolGeometry<int>;

constexpr int kPoolThreads = 256;
/// From this many pixels on, a window is shared by the threads of a block.
constexpr int64_t kLargeWindow = 128;

/// The sum of a window.
struct Average {
  float sum = 0;

  __device__ void take(float value, int) { sum += value; }
  __device__ void merge(const Average& other) { sum += other.sum; }
};

/// The largest element of a window: the first of equals; a NaN is larger than all, the last one of several.
struct Maximum {
  float best = -std::numeric_limits<float>::infinity();
  int where = std::numeric_limits<int>::max();

  __device__ void take(float value, int position) { merge({value, position}); }
  __device__ void merge(const Maximum& other) {
    const bool nan = best != best, other_nan = other.best != other.best;
    const bool later = other.where > where;
    const bool better =
        nan || other_nan ? other_nan && (!nan || later) : other.best > best || (other.best == best && !later);
    if (better) *this = other;
  }
};

/// Where results go; indices are null for averages.
template <class T>
struct Outputs {
  T* y;
  int* indices;
};

template <int V, class T>
__device__ void write(const Outputs<T>& out, int64_t at, const Average (&total)[V], float scale) {
  Pack<T, V> y;
#pragma unroll
  for (int k = 0; k < V; ++k) y.at[k] = static_cast<T>(total[k].sum * scale);
  *reinterpret_cast<Pack<T, V>*>(out.y + at) = y;
}

template <int V, class T>
__device__ void write(const Outputs<T>& out, int64_t at, const Maximum (&total)[V], float) {
  Pack<T, V> y;
#pragma unroll
  for (int k = 0; k < V; ++k) {
    y.at[k] = static_cast<T>(total[k].best);
    out.indices[at + k] = total[k].where;
  }
  *reinterpret_cast<Pack<T, V>*>(out.y + at) = y;
}

/// A thread's place in memory [images, rows, columns, channels]: block (i, j) has blockDim.y rows of the images, which
/// are counted through, and blockDim.x packs of each. Few divisions, of 32 bits, tell where that is.
struct Place {
  int image, row, column, channel;
  bool inside;
};

template <int V>
__device__ Place place_in(int images, int rows, int columns, int channels) {
  const unsigned line = blockIdx.x * blockDim.y + threadIdx.y, pack = blockIdx.y * blockDim.x + threadIdx.x;
  const auto height = static_cast<unsigned>(rows), packs = static_cast<unsigned>(channels / V);
  Place p;
  p.image = static_cast<int>(line / height);
  p.row = static_cast<int>(line % height);
  p.column = static_cast<int>(pack / packs);
  p.channel = static_cast<int>(pack % packs) * V;
  p.inside = p.image < images && p.column < columns;
  return p;
}

struct PlaceLaunch {
  dim3 grid, block;
};

PlaceLaunch place_launch(int64_t images, int64_t rows, int64_t columns, int64_t packs) {
  const int64_t line = columns * packs, tiles = (line + kPoolThreads - 1) / kPoolThreads;
  const int64_t width = (line + tiles - 1) / tiles, height = kPoolThreads / width;
  return {{blocks_for(images * rows, height), static_cast<unsigned>(tiles)},
          {static_cast<unsigned>(width), static_cast<unsigned>(height)}};
}

template <int V, class T>
__device__ Pack<T, V> load(const T* address) {
  return *reinterpret_cast<const Pack<T, V>*>(address);
}

/// A thread computes V channels of one output pixel from the pixels of its window, each read once per window over it.
/// kSize is the size of square windows that tile the input without padding, whose loads are then all in flight
/// together; 0 for any windows.
template <int V, int kSize, class Reducer, class T>
__global__ void __launch_bounds__(kPoolThreads) pool_windows(Outputs<T> out, const T* x, Geometry g) {
  const Place p = place_in<V>(g.images, g.h.out, g.w.out, g.channels);
  if (!p.inside) return;
  const T* plane = x + static_cast<int64_t>(p.image) * g.h.in * g.w.in * g.channels + p.channel;
  Reducer total[V];
  const auto take = [&](const Pack<T, V>& in, int position) {
#pragma unroll
    for (int k = 0; k < V; ++k) total[k].take(static_cast<float>(in.at[k]), position);
  };
  if constexpr (kSize > 0) {
    Pack<T, V> in[kSize * kSize];
    const int corner = p.row * kSize * g.w.in + p.column * kSize;
#pragma unroll
    for (int i = 0; i < kSize * kSize; ++i)
      in[i] = load<V>(plane + static_cast<int64_t>(corner + i / kSize * g.w.in + i % kSize) * g.channels);
#pragma unroll
    for (int i = 0; i < kSize * kSize; ++i) take(in[i], corner + i / kSize * g.w.in + i % kSize);
  } else {
    const int bottom = g.h.end(p.row), left = g.w.begin(p.column), right = g.w.end(p.column);
    for (int i = g.h.begin(p.row); i < bottom; ++i)
#pragma unroll 4
      for (int j = left; j < right; ++j) {
        const int position = i * g.w.in + j;
        take(load<V>(plane + static_cast<int64_t>(position) * g.channels), position);
      }
  }
  const int64_t pixel = (static_cast<int64_t>(p.image) * g.h.out + p.row) * g.w.out + p.column;
  write<V>(out, pixel * g.channels + p.channel, total, g.scale(p.row, p.column));
}

/// A block computes blockDim.x packs of channels of one output pixel; its threads share the window's pixels, every
/// blockDim.y-th each, and merge what they found through shared memory in a fixed order. For few windows of many
/// pixels, as global pools have: one thread per output would leave most of the device idle.
template <int V, class Reducer, class T>
__global__ void __launch_bounds__(kPoolThreads) pool_large_windows(Outputs<T> out, const T* x, Geometry g) {
  const auto window = static_cast<int>(blockIdx.x % static_cast<unsigned>(g.h.out * g.w.out));
  const auto image = static_cast<int>(blockIdx.x / static_cast<unsigned>(g.h.out * g.w.out));
  const int oh = window / g.w.out, ow = window % g.w.out;
  const int channel = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) * V;
  const int top = g.h.begin(oh), left = g.w.begin(ow), width = g.w.end(ow) - left, pixels = (g.h.end(oh) - top) * width;
  const T* plane = x + static_cast<int64_t>(image) * g.h.in * g.w.in * g.channels + channel;
  Reducer total[V];
  if (channel < g.channels)
#pragma unroll 4
    for (int i = static_cast<int>(threadIdx.y); i < pixels; i += static_cast<int>(blockDim.y)) {
      const int position = (top + i / width) * g.w.in + left + i % width;
      const Pack<T, V> in = load<V>(plane + static_cast<int64_t>(position) * g.channels);
#pragma unroll
      for (int k = 0; k < V; ++k) total[k].take(static_cast<float>(in.at[k]), position);
    }
  Reducer* shared = shared_memory<Reducer>();
  unsigned half = 1;
  while (2 * half < blockDim.y) half *= 2;
  for (; half > 0; half /= 2) {
    if (threadIdx.y >= half && threadIdx.y < 2 * half)
#pragma unroll
      for (int k = 0; k < V; ++k)
        shared[((threadIdx.y - half) * V + static_cast<unsigned>(k)) * blockDim.x + threadIdx.x] = total[k];
    __syncthreads();
    if (threadIdx.y < half && threadIdx.y + half < blockDim.y)
#pragma unroll
      for (int k = 0; k < V; ++k)
        total[k].merge(shared[(threadIdx.y * V + static_cast<unsigned>(k)) * blockDim.x + threadIdx.x]);
    __syncthreads();
  }
  if (threadIdx.y > 0 || channel >= g.channels) return;
  const int64_t pixel = static_cast<int64_t>(image) * g.h.out * g.w.out + window;
  write<V>(out, pixel * g.channels + channel, total, g.scale(oh, ow));
}

/// What window (oh, ow) gives each of its pixels: the same of an average, all to one of a maximum.
struct AverageGradient {
  template <int V, class T>
  struct Window {
    Pack<T, V> dy;
    float scale;
    __device__ float at(int k, int) const { return static_cast<float>(dy.at[k]) * scale; }
  };
  template <int V, class T>
  __device__ static Window<V, T> window(const T* dy, const int*, int64_t at, const Geometry& g, int oh, int ow) {
    return {load<V>(dy + at), g.scale(oh, ow)};
  }
};

struct MaximumGradient {
  template <int V, class T>
  struct Window {
    Pack<T, V> dy;
    int where[V];
    __device__ float at(int k, int position) const {
      return where[k] == position ? static_cast<float>(dy.at[k]) : 0.0f;
    }
  };
  template <int V, class T>
  __device__ static Window<V, T> window(const T* dy, const int* indices, int64_t at, const Geometry&, int, int) {
    Window<V, T> w;
    w.dy = load<V>(dy + at);
#pragma unroll
    for (int k = 0; k < V; ++k) w.where[k] = indices[at + k];
    return w;
  }
};

/// V elements from `at` on: dx = value(k) + added. `added` may be null.
template <int V, class T, class Value>
__device__ void write_gradient(T* dx, const T* added, int64_t at, const Value& value) {
  Pack<T, V> out, other = {};
  if (added) other = load<V>(added + at);
#pragma unroll
  for (int k = 0; k < V; ++k) out.at[k] = static_cast<T>(added ? value(k) + static_cast<float>(other.at[k]) : value(k));
  *reinterpret_cast<Pack<T, V>*>(dx + at) = out;
}

/// A thread computes V channels of one input pixel's gradient, from all windows over that pixel. Writes dx once and
/// reads dy once per pixel of the window, mostly from the caches. `added` may be null.
template <int V, class Gradient, class T>
__global__ void __launch_bounds__(kPoolThreads, 3)
    pool_gather(T* dx, const T* dy, const int* indices, const T* added, Geometry g) {
  const Place p = place_in<V>(g.images, g.h.in, g.w.in, g.channels);
  if (!p.inside) return;
  const int position = p.row * g.w.in + p.column;
  float sum[V] = {};
  const int bottom = g.h.last(p.row), left = g.w.first(p.column), right = g.w.last(p.column);
  for (int oh = g.h.first(p.row); oh < bottom; ++oh)
    for (int ow = left; ow < right; ++ow) {
      const int64_t pixel = (static_cast<int64_t>(p.image) * g.h.out + oh) * g.w.out + ow;
      const auto window = Gradient::template window<V>(dy, indices, pixel * g.channels + p.channel, g, oh, ow);
#pragma unroll
      for (int k = 0; k < V; ++k) sum[k] += window.at(k, position);
    }
  const int64_t at = (static_cast<int64_t>(p.image) * g.h.in * g.w.in + position) * g.channels + p.channel;
  write_gradient<V>(dx, added, at, [&](int k) { return sum[k]; });
}

/// For small windows that tile the input: a thread reads V channels of one window's gradient (and indices) once and
/// writes all of its pixels. `added` may be null.
template <int V, class Gradient, class T>
__global__ void __launch_bounds__(kPoolThreads)
    pool_spread(T* dx, const T* dy, const int* indices, const T* added, Geometry g) {
  const Place p = place_in<V>(g.images, g.h.out, g.w.out, g.channels);
  if (!p.inside) return;
  const int64_t pixel = (static_cast<int64_t>(p.image) * g.h.out + p.row) * g.w.out + p.column;
  const auto window = Gradient::template window<V>(dy, indices, pixel * g.channels + p.channel, g, p.row, p.column);
  const int64_t plane = static_cast<int64_t>(p.image) * g.h.in * g.w.in * g.channels + p.channel;
  const int height = g.h.in / g.h.out, width = g.w.in / g.w.out;
  for (int i = p.row * height; i < (p.row + 1) * height; ++i)
    for (int j = p.column * width; j < (p.column + 1) * width; ++j) {
      const int position = i * g.w.in + j;
      write_gradient<V>(dx, added, plane + static_cast<int64_t>(position) * g.channels,
                        [&](int k) { return window.at(k, position); });
    }
}

constexpr int64_t kMost = std::numeric_limits<int>::max();

[[noreturn]] void throw_too_large(int64_t in, int64_t out, const char* what) {
  std::string message("pool: ");
  message.append(std::to_string(out)).append(" windows over ").append(std::to_string(in)).append(what);
  throw ShapeError(message.append(" are too many for the GPU's 32-bit indices"));
}

Axis narrow(const math::PoolAxis& a) {
  if (a.in + a.padding + a.kernel > kMost || (a.adaptive && (a.in + 1) * (a.out + 1) > kMost))
    throw_too_large(a.in, a.out, " elements of a row or column");
  return {static_cast<int>(a.in),     static_cast<int>(a.out),     static_cast<int>(a.kernel),
          static_cast<int>(a.stride), static_cast<int>(a.padding), a.adaptive};
}

Geometry narrow(const math::PoolGeometry& g) {
  const Axis h = narrow(g.h), w = narrow(g.w);
  if (g.images * std::max(g.h.in, g.h.out) > kMost || g.h.in * g.w.in > kMost || g.channels > kMost)
    throw_too_large(g.images * g.h.in * g.w.in, g.images * g.h.out * g.w.out, " pixels");
  return {static_cast<int>(g.images), static_cast<int>(g.channels), h, w, g.count_include_pad, g.divisor};
}

/// Windows that lie side by side and cover all of the axis, each of in / out elements.
bool tiles(const Axis& a) {
  if (a.in % a.out != 0) return false;
  return a.adaptive || (a.padding == 0 && a.kernel == a.stride && a.kernel * a.out == a.in);
}

/// Pixels of the largest window.
int64_t window_pixels(const Geometry& g) {
  const auto along = [](const Axis& a) {
    return a.adaptive ? (a.in + a.out - 1) / a.out + (a.in % a.out != 0) : a.kernel;
  };
  return int64_t{along(g.h)} * along(g.w);
}

/// Calls f with the size of a pack as a constant: 16 bytes of channels where they allow it, else one.
template <class T, class F>
void with_pack(int channels, bool aligned, const F& f) {
  if (aligned && channels % kPackOf<T> == 0)
    f(std::integral_constant<int, kPackOf<T>>{});
  else
    f(std::integral_constant<int, 1>{});
}

template <class Reducer, class T>
void forward(const char* kernel, const Outputs<T>& out, const Tensor& x, const math::PoolGeometry& geometry) {
  const Geometry g = narrow(geometry);
  const T* in = x.data<T>();
  const bool aligned = is_aligned(in, kPackOf<T>) && is_aligned(out.y, kPackOf<T>);
  with_pack<T>(g.channels, aligned, [&](auto v) {
    const int packs = g.channels / v;
    if (window_pixels(g) >= kLargeWindow) {
      const int width = std::min(packs, 32), height = kPoolThreads / width;
      const dim3 grid(static_cast<unsigned>(int64_t{g.images} * g.h.out * g.w.out), blocks_for(packs, width));
      const dim3 block(static_cast<unsigned>(width), static_cast<unsigned>(height));
      const size_t bytes = sizeof(Reducer) * static_cast<size_t>(v * width * height);
      return launch(stream_for(x), {"pool_large_windows", grid, block, bytes}, pool_large_windows<v, Reducer, T>, out,
                    in, g);
    }
    const PlaceLaunch l = place_launch(g.images, g.h.out, g.w.out, packs);
    const bool twos = tiles(g.h) && tiles(g.w) && g.h.in == 2 * g.h.out && g.w.in == 2 * g.w.out;
    launch(stream_for(x), {kernel, l.grid, l.block},
           twos ? pool_windows<v, 2, Reducer, T> : pool_windows<v, 0, Reducer, T>, out, in, g);
  });
}

template <class Gradient, class T>
void backward(const char* gather, const char* spread, const Tensor& dx, const Tensor& dy, const int* indices,
              const Tensor& added, const math::PoolGeometry& geometry) {
  constexpr int64_t kSmallWindow = 16;  // larger ones are too few for a thread each
  const Geometry g = narrow(geometry);
  T* out = dx.data<T>();
  const T *in = dy.data<T>(), *other = added.defined() ? added.data<T>() : nullptr;
  const bool aligned = is_aligned(in, kPackOf<T>) && is_aligned(out, kPackOf<T>) && is_aligned(other, kPackOf<T>);
  with_pack<T>(g.channels, aligned, [&](auto v) {
    const int packs = g.channels / v;
    if (tiles(g.h) && tiles(g.w) && window_pixels(g) <= kSmallWindow) {
      const PlaceLaunch l = place_launch(g.images, g.h.out, g.w.out, packs);
      return launch(stream_for(dx), {spread, l.grid, l.block}, pool_spread<v, Gradient, T>, out, in, indices, other, g);
    }
    const PlaceLaunch l = place_launch(g.images, g.h.in, g.w.in, packs);
    launch(stream_for(dx), {gather, l.grid, l.block}, pool_gather<v, Gradient, T>, out, in, indices, other, g);
  });
}

}  // namespace

void avg_pool(const Tensor& y, const Tensor& x, const math::PoolGeometry& g) {
  if (y.numel() == 0) return;
  visit_floating(x.dtype(), "avg_pool2d", [&](auto v) {
    using T = decltype(v);
    forward<Average>("avg_pool", Outputs<T>{y.data<T>(), nullptr}, x, g);
  });
}

void avg_pool_backward(const Tensor& dx, const Tensor& dy, const Tensor& added, const math::PoolGeometry& g) {
  if (dx.numel() == 0) return;
  visit_floating(dy.dtype(), "avg_pool2d_backward", [&](auto v) {
    backward<AverageGradient, decltype(v)>("avg_pool_gather", "avg_pool_spread", dx, dy, nullptr, added, g);
  });
}

void max_pool(const Tensor& y, const Tensor& indices, const Tensor& x, const math::PoolGeometry& g) {
  if (y.numel() == 0) return;
  visit_floating(x.dtype(), "max_pool2d", [&](auto v) {
    using T = decltype(v);
    forward<Maximum>("max_pool", Outputs<T>{y.data<T>(), indices.data<int32_t>()}, x, g);
  });
}

void max_pool_backward(const Tensor& dx, const Tensor& dy, const Tensor& indices, const math::PoolGeometry& g) {
  if (dx.numel() == 0) return;
  visit_floating(dy.dtype(), "max_pool2d_backward", [&](auto v) {
    backward<MaximumGradient, decltype(v)>("max_pool_gather", "max_pool_spread", dx, dy, indices.data<int32_t>(), {},
                                           g);
  });
}

}  // namespace gw::kernels::cuda
