#include "kernels/cpu/column_moments.h"

#include <algorithm>

namespace gw::kernels::cpu {

ColumnMoments::ColumnMoments(int64_t columns) {
  const auto size = static_cast<size_t>(columns);
  for (std::vector<float>* values : {&shift_, &sum_, &squares_}) values->resize(size);
  for (std::vector<double>* values : {&counts_, &means_, &distances_}) values->resize(size);
}

void ColumnMoments::begin(int64_t column, int64_t width, const float* row) {
  std::copy_n(row, width, shift_.begin() + column);
  std::fill_n(sum_.begin() + column, width, 0.0f);
  std::fill_n(squares_.begin() + column, width, 0.0f);
}

void ColumnMoments::end(Range columns, int64_t rows) {
  const auto count = static_cast<double>(rows);
#pragma omp simd
  for (auto c = static_cast<size_t>(columns.begin); c < static_cast<size_t>(columns.end); ++c) {
    const auto sum = static_cast<double>(sum_[c]);
    join(c, count, static_cast<double>(shift_[c]) + sum / count, static_cast<double>(squares_[c]) - sum * sum / count);
  }
}

void ColumnMoments::finish(const std::vector<ColumnMoments>& threads, int64_t columns, ChannelMoments to) {
  ColumnMoments all(to.channels);
  for (const ColumnMoments& thread : threads)
    for (int64_t i = 0; i < std::min(columns, static_cast<int64_t>(thread.counts_.size())); ++i) {
      const auto c = static_cast<size_t>(i);
      if (thread.counts_[c] > 0)
        all.join(static_cast<size_t>(i % to.channels), thread.counts_[c], thread.means_[c], thread.distances_[c]);
    }
  for (size_t c = 0; c < all.means_.size(); ++c) {
    to.mean[c] = static_cast<float>(all.means_[c]);
    to.variance[c] = static_cast<float>(std::max(0.0, all.distances_[c] / all.counts_[c]));
  }
}

inline void ColumnMoments::join(size_t c, double count, double mean, double distances) {
  const double total = counts_[c] + count, apart = mean - means_[c];
  means_[c] += apart * (count / total);
  distances_[c] += distances + apart * apart * (counts_[c] * count / total);
  counts_[c] = total;
}

}  // namespace gw::kernels::cpu
