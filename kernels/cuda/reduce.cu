// Sums, variances and extrema. Memory-bound: every kernel reads each element once and writes next to nothing. f32 and
// bf16 are added a few at a time in f32, and those sums in double, which costs the GPU little and keeps long sums
// exact.
#include "kernels/cuda/reduce.h"

#include <type_traits>

#include "kernels/cuda/combine.h"
#include "kernels/math/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;
/// Loads that a thread starts before it uses the first.
constexpr int kLoads = 4;

/// What numbers are compared and added as.
template <class T>
using Wide = std::conditional_t<is_floating(dtype_of<T>()), float, int64_t>;

/// out[k] = scale * sum of x.
template <class T>
struct Sum {
  static constexpr bool kFloating = is_floating(dtype_of<T>());
  using Accumulator = std::conditional_t<kFloating, double, int64_t>;
  std::conditional_t<kFloating, T, int64_t>* out;
  double scale;

  GW_HOST_DEVICE static Accumulator identity() { return 0; }
  GW_HOST_DEVICE float center(int64_t) const { return 0; }
  template <int N>
  GW_HOST_DEVICE static Accumulator fold(Accumulator sum, const Wide<T> (&x)[N], int64_t, int64_t, float) {
    Wide<T> few = x[0];
    for (int k = 1; k < N; ++k) few += x[k];
    return sum + static_cast<Accumulator>(few);
  }
  GW_HOST_DEVICE Accumulator operator()(Accumulator a, Accumulator b) const { return a + b; }
  GW_HOST_DEVICE void write(int64_t k, Accumulator sum) const {
    if constexpr (kFloating)
      out[k] = static_cast<T>(static_cast<float>(sum * scale));
    else
      out[k] = sum;
  }
};

/// out[k] = sum of x / reduced, in double.
template <class T>
struct Mean : Sum<T> {
  double* means;
  GW_HOST_DEVICE void write(int64_t k, double sum) const { means[k] = sum * this->scale; }
};

/// out[k] = scale * sum of (x - mean)^2.
template <class T>
struct SquaredDeviations : Sum<T> {
  const double* means;

  GW_HOST_DEVICE float center(int64_t k) const { return static_cast<float>(means[k]); }
  template <int N>
  GW_HOST_DEVICE static double fold(double sum, const float (&x)[N], int64_t, int64_t, float mean) {
    float few = 0;
    for (int k = 0; k < N; ++k) few += (x[k] - mean) * (x[k] - mean);
    return sum + static_cast<double>(few);
  }
};

/// An element and where it stands along the reduced dimension; before the first, nowhere.
template <class T>
struct Placed {
  Wide<T> value;
  int64_t place;
};

/// The largest (smallest) element, of equal ones the first; the first NaN beats them all.
template <class T>
struct Extremum {
  using Accumulator = Placed<T>;
  static constexpr int64_t kNowhere = INT64_MAX;
  T* out;
  int64_t* places;
  bool largest;

  GW_HOST_DEVICE static Accumulator identity() { return {Wide<T>{}, kNowhere}; }
  GW_HOST_DEVICE float center(int64_t) const { return 0; }
  GW_HOST_DEVICE bool beats(Accumulator a, Accumulator b) const {
    if (a.place == kNowhere) return false;
    if (b.place == kNowhere) return true;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan;
    if (a_nan || a.value == b.value) return a.place < b.place;
    return largest ? a.value > b.value : a.value < b.value;
  }
  GW_HOST_DEVICE Accumulator operator()(Accumulator a, Accumulator b) const { return beats(b, a) ? b : a; }
  template <int N>
  GW_HOST_DEVICE Accumulator fold(Accumulator best, const Wide<T> (&x)[N], int64_t place, int64_t step, float) const {
    for (int k = 0; k < N; ++k) best = (*this)(best, {x[k], place + k * step});
    return best;
  }
  GW_HOST_DEVICE void write(int64_t k, Accumulator best) const {
    if (places)
      places[k] = best.place;
    else
      out[k] = static_cast<T>(best.value);
  }
};

/// Folds elements [from + rank * V, to) of a row, V at a time, every `threads`-th run of V.
template <int V, class T, class Op>
__device__ typename Op::Accumulator fold_row(const T* row, int64_t from, int64_t to, int rank, int threads,
                                             float center, const Op& op) {
  auto sum = Op::identity();
  const auto fold = [&](const Pack<T, V>& p, int64_t place) {
    Wide<T> x[V];
#pragma unroll
    for (int k = 0; k < V; ++k) x[k] = static_cast<Wide<T>>(p.at[k]);
    sum = op.fold(sum, x, place, 1, center);
  };
  const int64_t step = int64_t{V} * threads;
  int64_t i = from + int64_t{V} * rank;
  for (; i + (kLoads - 1) * step + V <= to; i += kLoads * step) {
    Pack<T, V> packs[kLoads];
#pragma unroll
    for (int l = 0; l < kLoads; ++l) packs[l] = load_pack<V>(row + i + l * step);
#pragma unroll
    for (int l = 0; l < kLoads; ++l) fold(packs[l], i + l * step);
  }
  for (; i + V <= to; i += step) fold(load_pack<V>(row + i), i);
  for (; i < to; ++i) {
    const Wide<T> x[1] = {static_cast<Wide<T>>(row[i])};
    sum = op.fold(sum, x, i, 1, center);
  }
  return sum;
}

/// Short rows (inner = 1): `width` neighbouring lanes, a power of two, share a row, so that a warp reads neighbouring
/// rows at once.
template <int V, class T, class Op>
__global__ void __launch_bounds__(kThreads)
    reduce_short_rows(const T* x, int64_t rows, int64_t reduced, int width, Op op) {
  const int64_t row = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) / width;
  const int rank = static_cast<int>(threadIdx.x) % width;
  const bool there = row < rows;
  auto sum = fold_row<V>(x + (there ? row * reduced : 0), 0, there ? reduced : 0, rank, width,
                         there ? op.center(row) : 0.0f, op);
  sum = lanes_combine(sum, width, op);
  if (there && rank == 0) op.write(row, sum);
}

/// Long rows (inner = 1): a block takes `per_block` elements of one row, a thread packs of 16 bytes, four loads in
/// flight. Where rows are too few to fill the GPU, several blocks share a row; the last of them adds up their parts.
template <int V, class T, class Op>
__global__ void __launch_bounds__(kThreads)
    reduce_long_rows(const T* x, int64_t reduced, int64_t per_block, unsigned splits, Op op,
                     typename Op::Accumulator* partial, unsigned* counters) {
  auto* const scratch = shared_memory<typename Op::Accumulator>();
  const int64_t row = blockIdx.x / splits, from = blockIdx.x % splits * per_block;
  const int64_t to = from + per_block < reduced ? from + per_block : reduced;
  auto sum = fold_row<V>(x + row * reduced, from, to, static_cast<int>(threadIdx.x), kThreads, op.center(row), op);
  sum = block_combine(sum, Op::identity(), scratch, op);
  if (splits > 1) {
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
    if (!last_block(counters + row, splits)) return;
    sum = Op::identity();
    for (unsigned s = threadIdx.x; s < splits; s += kThreads) sum = op(sum, load_fresh(partial + row * splits + s));
    sum = block_combine(sum, Op::identity(), scratch, op);
  }
  if (threadIdx.x == 0) op.write(row, sum);
}

/// Few elements a result, inner > 1: a thread owns a result, and neighbouring threads read neighbouring elements.
template <class T, class Op>
__global__ void __launch_bounds__(kThreads) reduce_each(const T* x, int64_t results, ReduceShape s, Op op) {
  const int64_t k = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= results) return;
  const T* const first = x + k / s.inner * s.reduced * s.inner + k % s.inner;
  const float center = op.center(k);
  auto sum = Op::identity();
  int64_t r = 0;
  for (; r + kLoads <= s.reduced; r += kLoads) {
    Wide<T> few[kLoads];
#pragma unroll
    for (int l = 0; l < kLoads; ++l) few[l] = static_cast<Wide<T>>(load_pack<1>(first + (r + l) * s.inner).at[0]);
    sum = op.fold(sum, few, r, 1, center);
  }
  for (; r < s.reduced; ++r) {
    const Wide<T> one[1] = {static_cast<Wide<T>>(first[r * s.inner])};
    sum = op.fold(sum, one, r, 1, center);
  }
  op.write(k, sum);
}

/// The blocks of reduce_columns: tiles of columns, times splits of the reduced dimension, times outer.
struct ColumnGrid {
  unsigned tiles, splits;
  int64_t rows_per_block;
};

/// Combines the V accumulators of each thread over threadIdx.y, in shared memory; those with threadIdx.y = 0 have the
/// result.
template <int V, class Op, class A>
__device__ void combine_down(A (&sum)[V], A* scratch, const Op& op) {
  const int wide = static_cast<int>(blockDim.x) * V, x = static_cast<int>(threadIdx.x) * V;
  const int y = static_cast<int>(threadIdx.y);
  __syncthreads();
  for (int k = 0; k < V; ++k) scratch[y * wide + x + k] = sum[k];
  for (int half = static_cast<int>(blockDim.y) / 2; half > 0; half /= 2) {
    __syncthreads();
    if (y >= half) continue;
    for (int k = 0; k < V; ++k)
      scratch[y * wide + x + k] = op(scratch[y * wide + x + k], scratch[(y + half) * wide + x + k]);
  }
  for (int k = 0; k < V; ++k) sum[k] = scratch[y * wide + x + k];
}

/// inner > 1, as in sums over the pixels of channels-last images: a block takes blockDim.x packs of columns and
/// `rows_per_block` rows, a thread every blockDim.y-th of these rows, so that a warp reads neighbouring memory however
/// few columns there are. Blocks that share columns leave their parts to the last of them.
template <int V, class T, class Op>
__global__ void __launch_bounds__(kThreads) reduce_columns(const T* x, ReduceShape s, ColumnGrid grid, Op op,
                                                           typename Op::Accumulator* partial, unsigned* counters) {
  using A = typename Op::Accumulator;
  auto* const scratch = shared_memory<A>();
  const unsigned tile = blockIdx.x % grid.tiles, split = blockIdx.x / grid.tiles % grid.splits;
  const int64_t outer = blockIdx.x / grid.tiles / grid.splits;
  const int64_t column = (static_cast<int64_t>(tile) * blockDim.x + threadIdx.x) * V;
  const bool there = column < s.inner;
  const int64_t result = outer * s.inner + column;
  const int64_t from = split * grid.rows_per_block;
  const int64_t to = !there ? 0 : from + grid.rows_per_block < s.reduced ? from + grid.rows_per_block : s.reduced;

  A sum[V];
  float center[V];
#pragma unroll
  for (int k = 0; k < V; ++k) {
    sum[k] = Op::identity();
    center[k] = there ? op.center(result + k) : 0.0f;
  }
  const T* const first = x + outer * s.reduced * s.inner + column;
  const int64_t step = blockDim.y;
  int64_t r = from + threadIdx.y;
  for (; r + (kLoads - 1) * step < to; r += kLoads * step) {
    Pack<T, V> packs[kLoads];
#pragma unroll
    for (int l = 0; l < kLoads; ++l) packs[l] = load_pack<V>(first + (r + l * step) * s.inner);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      Wide<T> few[kLoads];
#pragma unroll
      for (int l = 0; l < kLoads; ++l) few[l] = static_cast<Wide<T>>(packs[l].at[k]);
      sum[k] = op.fold(sum[k], few, r, step, center[k]);
    }
  }
  for (; r < to; r += step) {
    const Pack<T, V> p = load_pack<V>(first + r * s.inner);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const Wide<T> one[1] = {static_cast<Wide<T>>(p.at[k])};
      sum[k] = op.fold(sum[k], one, r, 1, center[k]);
    }
  }
  combine_down(sum, scratch, op);
  if (grid.splits > 1) {
    const int64_t results = static_cast<int64_t>(gridDim.x) / grid.tiles / grid.splits * s.inner;
    if (there && threadIdx.y == 0)
      for (int k = 0; k < V; ++k) partial[split * results + result + k] = sum[k];
    if (!last_block(counters + outer * grid.tiles + tile, grid.splits)) return;
    for (int k = 0; k < V; ++k) {
      sum[k] = Op::identity();
      for (int64_t p = threadIdx.y; there && p < grid.splits; p += blockDim.y)
        sum[k] = op(sum[k], load_fresh(partial + p * results + result + k));
    }
    combine_down(sum, scratch, op);
  }
  if (there && threadIdx.y == 0)
    for (int k = 0; k < V; ++k) op.write(result + k, sum[k]);
}

// --- launchers

int power_of_two_from(int64_t n, int most) {
  int p = 1;
  while (p < n && p < most) p *= 2;
  return p;
}

/// How many blocks share the work of one, so that `blocks` of them fill the GPU, if each has at least `least` of n.
unsigned splits_for(const Tensor& x, int64_t blocks, int64_t n, int64_t least) {
  const int64_t wanted = std::min<int64_t>(4 * gw::cuda::multiprocessors(x.device()), gw::cuda::kArrivalCounters);
  const int64_t splits = std::min(wanted / std::max<int64_t>(blocks, 1), n / least);
  return static_cast<unsigned>(std::max<int64_t>(splits, 1));
}

Tensor workspace(const Tensor& like, int64_t count, size_t bytes) {
  return empty({count * static_cast<int64_t>((bytes + 7) / 8)}, {.dtype = DType::i64, .device = like.device()});
}

template <int V, class T, class Op>
void reduce_rows(const char* kernel, const Tensor& x, ReduceShape s, const Op& op) {
  using A = typename Op::Accumulator;
  constexpr int64_t kShort = 1024;
  const Stream stream = stream_for(x);
  if (s.reduced <= kShort && (s.reduced <= 64 || s.outer >= 64)) {
    const int width = power_of_two_from((s.reduced + 2 * V - 1) / (2 * V), kWarpSize);
    return launch(stream, {kernel, blocks_for(s.outer * width, kThreads), kThreads}, reduce_short_rows<V, T, Op>,
                  x.data<T>(), s.outer, s.reduced, width, op);
  }
  constexpr int64_t kStep = int64_t{kThreads} * V;
  const unsigned wanted = splits_for(x, s.outer, s.reduced, kLoads * kStep);
  const int64_t per_block = blocks_for(blocks_for(s.reduced, wanted), kStep) * kStep;
  const unsigned splits = blocks_for(s.reduced, per_block);
  const Tensor partial = workspace(x, splits > 1 ? s.outer * splits : 0, sizeof(A));
  launch(stream, {kernel, static_cast<unsigned>(s.outer) * splits, kThreads, kThreads / kWarpSize * sizeof(A)},
         reduce_long_rows<V, T, Op>, x.data<T>(), s.reduced, per_block, splits, op, static_cast<A*>(partial.raw()),
         gw::cuda::arrival_counters(x.device()));
}

template <int V, class T, class Op>
void reduce_by_columns(const char* kernel, const Tensor& x, ReduceShape s, const Op& op) {
  using A = typename Op::Accumulator;
  const int64_t packs = s.inner / V;
  const auto wide = static_cast<unsigned>(power_of_two_from(packs, kWarpSize)), high = kThreads / wide;
  const unsigned tiles = blocks_for(packs, wide);
  const unsigned wanted = splits_for(x, s.outer * tiles, s.reduced, int64_t{kLoads} * high);
  const int64_t rows = blocks_for(s.reduced, wanted);
  const ColumnGrid grid{tiles, blocks_for(s.reduced, rows), rows};
  const Tensor partial = workspace(x, grid.splits > 1 ? grid.splits * s.outer * s.inner : 0, sizeof(A));
  launch(stream_for(x),
         {kernel, static_cast<unsigned>(s.outer) * tiles * grid.splits, dim3(wide, high), kThreads * V * sizeof(A)},
         reduce_columns<V, T, Op>, x.data<T>(), s, grid, op, static_cast<A*>(partial.raw()),
         gw::cuda::arrival_counters(x.device()));
}

template <class T, class Op>
void reduce(const char* kernel, const Tensor& x, ReduceShape s, const Op& op) {
  const int64_t results = s.outer * s.inner;
  if (results == 0) return;
  constexpr int V = kPackOf<T> <= 8 ? kPackOf<T> : 8;
  const bool aligned = is_aligned(x.data<T>(), V);
  if (s.inner == 1) {
    if (aligned && (s.reduced % V == 0 || s.outer == 1)) return reduce_rows<V, T>(kernel, x, s, op);
    return reduce_rows<1, T>(kernel, x, s, op);
  }
  const int64_t enough = int64_t{1024} * gw::cuda::multiprocessors(x.device());
  if (s.reduced <= 32 || results >= enough)
    return launch(stream_for(x), {kernel, blocks_for(results, kThreads), kThreads}, reduce_each<T, Op>, x.data<T>(),
                  results, s, op);
  // A thread of reduce_columns has an accumulator for each element of a pack; large ones must not fill its registers.
  constexpr int kColumns = sizeof(typename Op::Accumulator) > 8 ? std::min(V, 2) : V;
  if (aligned && s.inner % kColumns == 0) return reduce_by_columns<kColumns, T>(kernel, x, s, op);
  reduce_by_columns<1, T>(kernel, x, s, op);
}

}  // namespace

void sum(const Tensor& out, const Tensor& x, ReduceShape shape, double scale) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    using Out = std::remove_pointer_t<decltype(Sum<T>::out)>;
    reduce<T>("sum", x, shape, Sum<T>{out.data<Out>(), scale});
  });
}

// Twice over x, because sums of squares about anything but the mean can cancel; what fits into the second cache comes
// from there the second time.
void sum_squared_deviations(const Tensor& out, const Tensor& x, ReduceShape shape, double scale) {
  const Tensor means = workspace(x, shape.outer * shape.inner, sizeof(double));
  visit_floating(x.dtype(), "var", [&](auto v) {
    using T = decltype(v);
    auto* const m = static_cast<double*>(means.raw());
    reduce<T>("mean_for_var", x, shape, Mean<T>{{nullptr, 1.0 / static_cast<double>(shape.reduced)}, m});
    reduce<T>("var", x, shape, SquaredDeviations<T>{{out.data<T>(), scale}, m});
  });
}

void extremum(const Tensor& out, const Tensor& x, ReduceShape shape, bool largest) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    reduce<T>("extremum", x, shape, Extremum<T>{out.data<T>(), nullptr, largest});
  });
}

void arg_extremum(const Tensor& out, const Tensor& x, ReduceShape shape, bool largest) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    reduce<T>("arg_extremum", x, shape, Extremum<T>{nullptr, out.data<int64_t>(), largest});
  });
}

}  // namespace gw::kernels::cuda
