// Mean and variance of every column of a matrix, added up while its rows are computed, so that nobody has to read the
// matrix for them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/range.h"
#include "kernels/cpu/tile_layout.h"

namespace gw::kernels::cpu {

/// Where mean and biased variance of each channel go; null: nowhere.
struct ChannelMoments {
  float* mean = nullptr;
  float* variance = nullptr;
  int64_t channels = 0;
  explicit operator bool() const { return mean != nullptr; }
};

/// What one thread adds up. Rows come in runs: begin() for the columns, add() for the rows, then end(). Within a run
/// sums are f32, of distances from the run's first row, so that their squares do not cancel; runs are joined in double.
class ColumnMoments {
 public:
  /// `columns` is a multiple of 16.
  explicit ColumnMoments(int64_t columns = 0);

  /// A run begins for `width` columns from `column` on, whose first row is `row`.
  void begin(int64_t column, int64_t width, const float* row);

  /// `count` rows of these columns, `step` elements apart.
  void add(int64_t column, int64_t width, const float* rows, int64_t step, int64_t count) {
    for (int64_t c = column; c < column + width; c += tile::kRows, rows += tile::kRows) {
      const tile::Floats near = tile::load_floats(shift_.data() + c);
      tile::Floats sum = tile::load_floats(sum_.data() + c), squares = tile::load_floats(squares_.data() + c);
      const float* row = rows;
      int64_t left = count;
      for (; left >= 4; left -= 4, row += 4 * step) {
        const tile::Floats d0 = tile::load_floats(row) - near, d1 = tile::load_floats(row + step) - near;
        const tile::Floats d2 = tile::load_floats(row + 2 * step) - near, d3 = tile::load_floats(row + 3 * step) - near;
        sum += (d0 + d1) + (d2 + d3);
        squares += d0 * d0;
        squares += d1 * d1;
        squares += d2 * d2;
        squares += d3 * d3;
      }
      for (; left > 0; --left, row += step) {
        const tile::Floats distance = tile::load_floats(row) - near;
        sum += distance;
        squares += distance * distance;
      }
      tile::store_floats(sum_.data() + c, sum);
      tile::store_floats(squares_.data() + c, squares);
    }
  }

  /// The run of these columns has had `rows` rows.
  void end(Range columns, int64_t rows);

  /// Mean and biased variance of each channel from what all threads added up. Column c belongs to channel c %
  /// to.channels; those from `columns` on to none.
  static void finish(const std::vector<ColumnMoments>& threads, int64_t columns, ChannelMoments to);

 private:
  /// Joins others' values to those of column c: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
  /// for computing sample variances", 1979.
  void join(size_t c, double count, double mean, double distances);

  std::vector<float> shift_, sum_, squares_;        // of the run
  std::vector<double> counts_, means_, distances_;  // of all runs: distances from the mean are squared and summed
};

}  // namespace gw::kernels::cpu
