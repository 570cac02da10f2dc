// The weight gradient is a matrix product, dw[feature, out] = sum over pixels of feature * dy[.., out]: the features of
// an output pixel are the input values under the kernel, one for each tap and channel, and a one, which gives the
// gradient of the bias. A multiplication sums over 32 neighbouring pixels of a row. Their values of one feature are
// contiguous in an image that has each channel by itself, with a border of zeros, so that an operand a is 16 pieces of
// its rows; an operand b is pairs of pixels of dy.
#include "kernels/cpu/few_channel_conv_weight.h"

#include <omp.h>

#include <algorithm>
#include <vector>

#include "kernels/cpu/range.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/tile_layout.h"
#include "kernels/cpu/weight_plan.h"

namespace gw::kernels::cpu {
namespace {

using tile::kDepth;
using tile::kElements;
using tile::kRows;
using tile::kSums;

constexpr int kFeatureTiles = 2, kOutTiles = 2;  // a tile of sums for each pair of them
constexpr int kAllSums = kFeatureTiles * kOutTiles * kSums;
constexpr int kOperandSets = 4;  // used in turn, so that the next ones are made while the last are multiplied
// Images whose sums are one chain of additions; the chains are added at the end: many short sums lose less to rounding
// than one long one.
constexpr int64_t kImagesOfPart = 8;

int64_t feature_count(const ConvShape& s) { return s.taps() * s.in_c; }  // without the one

/// Where the features are in an image that has each channel by itself. With a stride the columns that are a multiple of
/// it apart are put together, a phase.
struct FeatureImage {
  int64_t row, rows, plane;      // elements of a row, rows and elements of one phase of one channel
  std::vector<int64_t> feature;  // of each one the element that the first output pixel reads

  explicit FeatureImage(const ConvShape& s) {
    const int64_t furthest = (s.kernel_w - 1) * s.dilation_w / s.stride_w;
    row = ceil_div(s.out_w, kDepth) * kDepth + ceil_div(furthest, kDepth) * kDepth;
    rows = (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
    plane = row * rows;
    for (int64_t kh = 0; kh < s.kernel_h; ++kh)
      for (int64_t kw = 0; kw < s.kernel_w; ++kw)
        for (int64_t c = 0; c < s.in_c; ++c) {
          const int64_t column = kw * s.dilation_w, phase = column % s.stride_w;
          feature.push_back((c * s.stride_w + phase) * plane + kh * s.dilation_h * row + column / s.stride_w);
        }
  }

  int64_t size(const ConvShape& s) const { return s.in_c * s.stride_w * plane; }
};

/// The sums of some images and two groups of 16 output channels.
class ShareSum {
 public:
  ShareSum(const ConvShape& s, const FeatureImage& layout, int64_t first_out, const bf16* x, const bf16* dy)
      : s_(s),
        layout_(layout),
        first_out_(first_out),
        out_tiles_(s.out_c - first_out > kRows ? 2 : 1),
        x_(x),
        dy_(dy),
        image_(static_cast<size_t>(layout.size(s)), bf16(0.0f)),
        dy_row_(static_cast<size_t>(s.out_w * s.out_c + kOutTiles * kRows), bf16(0.0f)) {
    const int64_t ones = feature_count(s);
    for (auto& features : features_) {
      std::fill_n(features, kFeatureTiles * kElements, bf16(0.0f));
      std::fill_n(features + ones * kDepth, kDepth, bf16(1.0f));
    }
  }

  /// `sums` are kAllSums.
  void run(Range images, float* sums) {
    std::fill_n(sums, kAllSums, 0.0f);
    for (int64_t first = images.begin; first < images.end; first += kImagesOfPart) {
      zero_registers();
      for (int64_t n = first; n < std::min(images.end, first + kImagesOfPart); ++n) add_image(n);
      add_registers(sums);
    }
  }

 private:
  static void zero_registers() {
    tile::zero<0>();
    tile::zero<1>();
    tile::zero<2>();
    tile::zero<3>();
  }

  static void add_registers(float* sums) {
    alignas(64) float part[kAllSums];
    tile::store<0>(part, tile::kRowBytes);
    tile::store<1>(part + kSums, tile::kRowBytes);
    tile::store<2>(part + 2 * kSums, tile::kRowBytes);
    tile::store<3>(part + 3 * kSums, tile::kRowBytes);
    for (int k = 0; k < kAllSums; ++k) sums[k] += part[k];
  }

  void add_image(int64_t n) {
    spread(x_ + n * s_.in_image());
    for (int64_t h = 0; h < s_.out_h; ++h) {
      const bf16* dy = whole_row(dy_ + (n * s_.out_h + h) * s_.out_w * s_.out_c);
      for (int64_t w = 0; w < s_.out_w; w += kDepth, turn_ = (turn_ + 1) % kOperandSets) {
        gather_features(image_.data() + h * s_.stride_h * layout_.row + w, features_[turn_]);
        pack_dy(dy, w, dy_pairs_[turn_]);
        out_tiles_ == 2 ? multiply<2>() : multiply<1>();
      }
    }
  }

  /// Puts the image's pixels where the features are looked for; the border is always the same.
  void spread(const bf16* x) {
    const Range rows{std::max<int64_t>(0, s_.pad_h), std::min(layout_.rows, s_.in_h + s_.pad_h)};
    for (int64_t c = 0; c < s_.in_c; ++c)
      for (int64_t phase = 0; phase < s_.stride_w; ++phase) {
        const int64_t shift = phase - s_.pad_w;
        const Range columns = valid_outputs(shift, s_.in_w, s_.stride_w, {0, layout_.row});
        for (int64_t h = rows.begin; h < rows.end; ++h) {
          bf16* to = image_.data() + (c * s_.stride_w + phase) * layout_.plane + h * layout_.row;
          const bf16* from = x + (h - s_.pad_h) * s_.in_w * s_.in_c + shift * s_.in_c + c;
          for (int64_t i = columns.begin; i < columns.end; ++i) to[i] = from[i * s_.stride_w * s_.in_c];
        }
      }
  }

  /// A row of dy of which whole groups of 16 channels can be read.
  const bf16* whole_row(const bf16* dy) {
    if (s_.out_c % kRows == 0) return dy;
    std::copy_n(dy, s_.out_w * s_.out_c, dy_row_.data());
    return dy_row_.data();
  }

  void gather_features(const bf16* pixels, bf16* features) const {
    for (const int64_t at : layout_.feature) {
      tile::copy_line(pixels + at, features);
      features += kDepth;
    }
  }

  void pack_dy(const bf16* dy, int64_t first, bf16* pairs) const {
    const int64_t columns = std::min<int64_t>(kDepth, s_.out_w - first);
    for (int t = 0; t < out_tiles_; ++t, pairs += kElements) {
      const bf16* pixel = dy + first * s_.out_c + first_out_ + t * kRows;
      for (int64_t i = 0; i < kDepth; i += 2, pixel += 2 * s_.out_c) {
        const bf16* even = i < columns ? pixel : kZeros;
        const bf16* odd = i + 1 < columns ? pixel + s_.out_c : kZeros;
        const tile::Dwords line = tile::interleave(even, odd);
        std::memcpy(pairs + i * kRows, &line, sizeof line);
      }
    }
  }

  template <int OutTiles>
  void multiply() const {
    const bf16 *features = features_[turn_], *pairs = dy_pairs_[turn_];
    tile::load<4>(features, tile::kRowBytes);
    tile::load<6>(pairs, tile::kRowBytes);
    tile::multiply_add<0, 4, 6>();
    if constexpr (OutTiles > 1) tile::load<7>(pairs + kElements, tile::kRowBytes), tile::multiply_add<1, 4, 7>();
    if (feature_count(s_) < kRows) return;  // the one is in the first tile
    tile::load<5>(features + kElements, tile::kRowBytes);
    tile::multiply_add<2, 5, 6>();
    if constexpr (OutTiles > 1) tile::multiply_add<3, 5, 7>();
  }

  static inline const bf16 kZeros[kRows] = {};

  const ConvShape& s_;
  const FeatureImage& layout_;
  const int64_t first_out_;
  const int out_tiles_;
  const bf16 *x_, *dy_;
  std::vector<bf16> image_, dy_row_;
  alignas(64) bf16 features_[kOperandSets][kFeatureTiles * kElements];
  alignas(64) bf16 dy_pairs_[kOperandSets][kOutTiles * kElements];
  int turn_ = 0;
};

/// Adds up the copies of the sums of one output channel and writes them in the order of the weight.
void finish(const ConvShape& s, int64_t out, int64_t copies, const float* sums, float* dw, float* db) {
  const int64_t count = feature_count(s), out_tile = out / kRows % kOutTiles;
  for (int64_t f = 0; f <= count; ++f) {
    const float* sum = sums + ((f / kRows) * kOutTiles + out_tile) * kSums + f % kRows * kRows + out % kRows;
    float total = 0;
    for (int64_t copy = 0; copy < copies; ++copy) total += sum[copy * kAllSums];
    if (f < count)
      dw[out * count + f] = total;
    else if (db)
      db[out] = total;
  }
}

}  // namespace

bool suits_few_channel_conv(const ConvShape& s) {
  const bool fits = feature_count(s) < kFeatureTiles * kRows;
  return fits && 2 * s.out_w >= ceil_div(s.out_w, kDepth) * kDepth;
}

void few_channel_conv_backward_weight(const ConvShape& s, const bf16* x, const bf16* dy, float* dw, float* db) {
  const FeatureImage layout(s);
  const int64_t shares = omp_get_max_threads(), passes = ceil_div(s.out_c, kOutTiles * kRows);
  const Scratch sums(passes * shares * kAllSums);
  const int threads = static_cast<int>(shares);
#pragma omp parallel num_threads(threads)
  {
    const tile::Registers registers;
    // Fewer threads may come than were asked for; every share is summed all the same.
#pragma omp for schedule(static)
    for (int64_t i = 0; i < passes * shares; ++i)
      ShareSum(s, layout, i / shares * kOutTiles * kRows, x, dy)
          .run(part(s.n, i % shares, shares), sums.data() + i * kAllSums);
#pragma omp for schedule(static)
    for (int64_t out = 0; out < s.out_c; ++out)
      finish(s, out, shares, sums.data() + out / (kOutTiles * kRows) * shares * kAllSums, dw, db);
  }
}

}  // namespace gw::kernels::cpu
