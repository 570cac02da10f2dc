#include "train/smooth.h"

#include <algorithm>
#include <cstdlib>

namespace gw {

std::vector<double> smooth(const std::vector<double>& values, int reach) {
  std::vector<double> out;
  const int n = static_cast<int>(values.size());
  for (int i = 0; i < n; ++i) {
    double sum = 0, weights = 0;
    const int width = std::min({reach, i, n - 1 - i});
    for (int d = -width; d <= width; ++d) {
      const double weight = width + 1 - std::abs(d);
      sum += weight * values[static_cast<size_t>(i + d)];
      weights += weight;
    }
    out.push_back(sum / weights);
  }
  return out;
}

}  // namespace gw
