// How threads share the lines of a tensor (see LineShape): softmax and the losses work line by line.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/cuda/combine.h"
#include "kernels/lines.h"
#include "kernels/math/functions.h"

namespace gw::kernels::cuda {

/// Who works on a line: neighbouring lanes of a warp, so that a warp takes several short lines; a whole block; or,
/// where lines lie side by side (inner > 1), threads one above the other, so that the threads of a warp read
/// neighbouring lines.
enum class Team { lanes, block, columns };

/// Bytes of shared memory that teams need.
inline constexpr size_t kTeamScratch = 4096;
inline constexpr int kLineThreads = 256;

/// A thread's place: its line, where that starts in memory, and its number among the threads of the line.
struct LinePlace {
  int64_t line, offset;
  int rank;
  bool there;  ///< false if there is no such line
};

/// A launch over lines. A block goes through groups of lines, `size` threads each.
template <Team kTeam>
struct LineTeam {
  LineShape shape;
  int size;

  __device__ int lines_per_block() const { return kTeam == Team::block ? 1 : kLineThreads / size; }
  __device__ int64_t groups() const { return (shape.lines() + lines_per_block() - 1) / lines_per_block(); }

  __device__ LinePlace place(int64_t group) const {
    const int thread = static_cast<int>(threadIdx.x), side_by_side = lines_per_block();
    LinePlace p{group, 0, thread, true};
    if constexpr (kTeam == Team::lanes) {
      p.line = group * side_by_side + thread / size;
      p.rank = thread % size;
    } else if constexpr (kTeam == Team::columns) {
      p.line = group * side_by_side + thread % side_by_side;
      p.rank = thread / side_by_side;
    }
    p.there = p.line < shape.lines();
    if (!p.there) p.line = 0;
    p.offset = kTeam == Team::columns ? p.line / shape.inner * shape.length * shape.inner + p.line % shape.inner
                                      : p.line * shape.length;
    return p;
  }

  /// combine(...) of the values of a line's threads, in each of them. All threads of the block must call it.
  template <class A, class F>
  __device__ A combine(A value, A identity, const F& f) const {
    A* const scratch = shared_memory<A>();
    if constexpr (kTeam == Team::lanes) return lanes_combine(value, size, f);
    if constexpr (kTeam == Team::block) return block_combine(value, identity, scratch, f);
    if (size == 1) return value;
    const int thread = static_cast<int>(threadIdx.x), side_by_side = kLineThreads / size;
    __syncthreads();
    scratch[thread] = value;
    for (int half = size / 2; half > 0; half /= 2) {
      __syncthreads();
      if (thread < half * side_by_side) scratch[thread] = f(scratch[thread], scratch[thread + half * side_by_side]);
    }
    __syncthreads();
    return scratch[thread % side_by_side];
  }
  __device__ float sum(float value) const {
    return combine(value, 0.0f, [](float a, float b) { return a + b; });
  }

  /// Calls f(k, c, x...) for the thread's share of the line: packs x of V elements as floats, which stand at k in
  /// memory and at c in the line.
  template <int V, class F, class... In>
  __device__ void for_each(const LinePlace& p, const F& f, const In*... in) const {
    if (!p.there) return;
#pragma unroll 4
    for (int64_t c = int64_t{V} * p.rank; c < shape.length; c += int64_t{V} * size) {
      const int64_t k = p.offset + (kTeam == Team::columns ? c * shape.inner : c);
      f(k, c, as_floats(load_pack<V>(in + k))...);
    }
  }

 private:
  template <class T, int V>
  __device__ static Pack<float, V> as_floats(const Pack<T, V>& from) {
    Pack<float, V> to;
#pragma unroll
    for (int i = 0; i < V; ++i) to.at[i] = static_cast<float>(from.at[i]);
    return to;
  }
};

/// Writes V numbers in T.
template <int V, class T>
__device__ inline void store_pack(T* address, const float (&values)[V]) {
  Pack<T, V> pack;
#pragma unroll
  for (int i = 0; i < V; ++i) pack.at[i] = static_cast<T>(values[i]);
  *reinterpret_cast<Pack<T, V>*>(address) = pack;
}

/// Calls run(team, V as a constant, shape of the launch) with the team that suits the lines, if there are any.
/// `aligned` says whether packs of V elements T can be read at the tensors' starts.
template <class T, class Run>
void with_line_team(const char* kernel, Device device, LineShape s, bool aligned, const Run& run) {
  if (s.lines() == 0) return;
  const auto up_to = [](int64_t n, int most) {
    int p = 1;
    while (p < n && p < most) p *= 2;
    return p;
  };
  const int64_t most_blocks = int64_t{8} * gw::cuda::multiprocessors(device);
  const auto shape = [&](int64_t lines_per_block, int threads) {
    const int64_t blocks = (s.lines() + lines_per_block - 1) / lines_per_block;
    return LaunchShape{kernel, static_cast<unsigned>(std::min(blocks, most_blocks)), static_cast<unsigned>(threads),
                       kTeamScratch};
  };
  if (s.inner > 1) {
    const int64_t threads = std::max<int64_t>(1, int64_t{2048} * gw::cuda::multiprocessors(device) / s.lines());
    const int size = up_to(std::min(threads, (s.length + 7) / 8), 32);
    return run(LineTeam<Team::columns>{s, size}, std::integral_constant<int, 1>{},
               shape(kLineThreads / size, kLineThreads));
  }
  constexpr int kPack = kPackOf<T>;
  const auto with_pack = [&](auto pack) {
    constexpr int V = pack;
    if (s.length <= 1024) {
      const int size = up_to((s.length + 2 * V - 1) / (2 * V), kWarpSize);
      return run(LineTeam<Team::lanes>{s, size}, pack, shape(kLineThreads / size, kLineThreads));
    }
    const int threads = s.length >= 16384 ? 1024 : kLineThreads;
    run(LineTeam<Team::block>{s, threads}, pack, shape(1, threads));
  };
  if (aligned && s.length % kPack == 0) return with_pack(std::integral_constant<int, kPack>{});
  with_pack(std::integral_constant<int, 1>{});
}

/// The largest number of a line, or of a part of it, and the sum of exp(x - max).
struct SoftmaxStatistics {
  float max, sum;

  GW_HOST_DEVICE static SoftmaxStatistics none() { return {-std::numeric_limits<float>::infinity(), 0.0f}; }
  /// exp(x - max), where what is infinitely small counts as nothing even if all is.
  GW_HOST_DEVICE static float share(float x, float max) {
    return math::exp(x - (max == -std::numeric_limits<float>::infinity() ? 0.0f : max));
  }
  GW_HOST_DEVICE SoftmaxStatistics with(const SoftmaxStatistics& o) const {
    const float larger = o.max > max ? o.max : max;
    return {larger, sum * share(max, larger) + o.sum * share(o.max, larger)};
  }
};

/// The statistics of a line, in each of its threads, in one pass: what was summed up so far is scaled down when a
/// larger number comes ("online softmax", Milakov and Gimelshein, 2018).
template <int V, Team kTeam, class T>
__device__ inline SoftmaxStatistics softmax_statistics(const LineTeam<kTeam>& team, const LinePlace& place,
                                                       const T* x) {
  auto line = SoftmaxStatistics::none();
  team.template for_each<V>(
      place,
      [&](int64_t, int64_t, const Pack<float, V>& p) {
        float larger = line.max;
#pragma unroll
        for (int i = 0; i < V; ++i) larger = p.at[i] > larger ? p.at[i] : larger;
        float sum = line.sum * SoftmaxStatistics::share(line.max, larger);
#pragma unroll
        for (int i = 0; i < V; ++i) sum += SoftmaxStatistics::share(p.at[i], larger);
        line = {larger, sum};
      },
      x);
  return team.combine(line, SoftmaxStatistics::none(),
                      [](const SoftmaxStatistics& a, const SoftmaxStatistics& b) { return a.with(b); });
}

}  // namespace gw::kernels::cuda
