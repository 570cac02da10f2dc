// Smoothing of curves.
#pragma once

#include <vector>

namespace gw {

/// Each value averaged with up to `reach` neighbours on either side, nearer ones weighing more; towards the ends with
/// fewer, always as many on the left as on the right, so that slopes stay where they are.
std::vector<double> smooth(const std::vector<double>& values, int reach);

}  // namespace gw
