#include "kernels/cpu/pixel_pairs.h"

#include <algorithm>

#include "kernels/cpu/tile_registers.h"

namespace gw::kernels::cpu {

bool pairs_up(const ConvShape& s) {
  const bool whole = s.in_w % 2 == 0 && s.out_w % 2 == 0 && s.pad_w % 2 == 0 && s.kernel_w % 2 == 1;
  return whole && s.stride_w == 1 && s.dilation_w == 1 && s.in_c <= tile::kRows && s.out_c <= tile::kRows;
}

ConvShape shape_of_pairs(const ConvShape& s) {
  ConvShape pairs = s;
  pairs.in_c *= 2, pairs.out_c *= 2;
  pairs.in_w /= 2, pairs.out_w /= 2, pairs.pad_w /= 2;
  pairs.kernel_w = (s.kernel_w + 1) / 2;
  return pairs;
}

// Pixel p of an output pair meets, at tap k, pixel q of the input pair at tap j where p + k = 2 * j + q.
std::vector<float> weight_of_pairs(const ConvShape& s, const float* w) {
  const ConvShape pairs = shape_of_pairs(s);
  std::vector<float> weight(static_cast<size_t>(pairs.weight_numel()));
  float* to = weight.data();
  for (int64_t p = 0; p < 2; ++p)
    for (int64_t out = 0; out < s.out_c; ++out)
      for (int64_t kh = 0; kh < s.kernel_h; ++kh)
        for (int64_t at = 0; at < 2 * pairs.kernel_w; ++at, to += s.in_c) {
          const int64_t k = at - p;
          if (k >= 0 && k < s.kernel_w)
            std::copy_n(w + ((out * s.kernel_h + kh) * s.kernel_w + k) * s.in_c, s.in_c, to);
        }
  return weight;
}

}  // namespace gw::kernels::cpu
