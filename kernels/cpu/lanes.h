// Rows of few channels, walked several at a time, so that loops over channels
// fill the vector registers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/cpu/stream.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {

/// A matrix of `rows` x `channels` seen as `full` rows of `width` = repeat *
/// channels lanes, and one last row of `tail` lanes. What belongs to channel c
/// is repeated in lanes c, c + channels, ...
struct Lanes {
  int64_t channels;
  int64_t width;
  int64_t full;
  int64_t tail;

  Lanes(int64_t rows, int64_t channels) : channels(channels) {
    constexpr int64_t kRegisters = 64;  // a whole number of any register's lanes
    constexpr int64_t kEnough = 256;    // lanes that hide the loop's overhead
    int64_t repeat = channels < kRegisters ? kRegisters / std::gcd(channels, kRegisters) : 1;
    while (channels * repeat < kEnough) repeat *= 2;
    width = channels * repeat;
    full = rows / repeat;
    tail = rows % repeat * channels;
  }

  /// One value per lane from one per channel.
  std::vector<float> spread(const std::vector<float>& per_channel) const {
    std::vector<float> lanes(static_cast<size_t>(width));
    for (auto at = lanes.begin(); at != lanes.end(); at += channels)
      std::copy(per_channel.begin(), per_channel.end(), at);
    return lanes;
  }

  /// Calls row(offset, lanes) in parallel for every row; it may stream its
  /// results.
  template <class Row>
  void for_each(const Row& row) const {
    parallel_for(full + (tail > 0), std::max<int64_t>(1, kParallelGrain / width), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) row(r * width, r < full ? width : tail);
      stream_fence();
    });
  }

  /// Sums two quantities per channel. accumulate(offset, rows, lanes, s, q)
  /// adds those of `rows` rows of `lanes` elements each to the f32 sums s and
  /// q, one per lane. Short runs are summed in f32, runs in double, and the
  /// threads' sums in the threads' order: exact enough for any size, and the
  /// same each time for one number of threads. Returns s of every channel, then
  /// q of every channel.
  template <class Accumulate>
  std::vector<double> sum_pairs(const Accumulate& accumulate) const {
    const int64_t most = std::max<int64_t>(1, full * width / kParallelGrain);
    const int64_t parts = std::min<int64_t>(omp_get_max_threads(), most);
    const auto lanes = static_cast<size_t>(2 * width);
    std::vector<std::vector<double>> partial(static_cast<size_t>(parts), std::vector<double>(lanes));
    parallel_for(parts, 1, [&](int64_t first, int64_t last) {
      for (int64_t part = first; part < last; ++part) {
        std::vector<double>& sums = partial[static_cast<size_t>(part)];
        sum_rows(accumulate, full * part / parts, full * (part + 1) / parts, sums);
        if (part == parts - 1 && tail > 0) sum_run(accumulate, full * width, 1, tail, sums);
      }
      stream_fence();
    });
    std::vector<double> totals(static_cast<size_t>(2 * channels));
    for (const std::vector<double>& sums : partial) {
      const double* from = sums.data();
      for (double* to : {totals.data(), totals.data() + channels})
        for (int64_t i = 0; i < width; i += channels, from += channels)
          for (int64_t c = 0; c < channels; ++c) to[c] += from[c];
    }
    return totals;
  }

 private:
  template <class Accumulate>
  void sum_rows(const Accumulate& accumulate, int64_t begin, int64_t end, std::vector<double>& sums) const {
    constexpr int64_t kRun = 128;  // rows whose f32 sum is still exact to a few
                                   // units in the last place
    for (int64_t r = begin; r < end; r += kRun) sum_run(accumulate, r * width, std::min(kRun, end - r), width, sums);
  }

  template <class Accumulate>
  void sum_run(const Accumulate& accumulate, int64_t offset, int64_t rows, int64_t lanes,
               std::vector<double>& sums) const {
    std::vector<float> run(static_cast<size_t>(2 * width));
    accumulate(offset, rows, lanes, run.data(), run.data() + width);
    for (size_t i = 0; i < run.size(); ++i) sums[i] += static_cast<double>(run[i]);
  }
};

}  // namespace gw::kernels::cpu
