// The weight gradient with tile registers: dw[out, tap, in] = sum over images and positions of dy[.., out] * x[.., in].
//
// What a multiplication sums over is 32 images: at one output position every image has the same taps inside the input,
// so that neither borders nor strides need special treatment. Blocks of images are first rearranged into operands, a
// tile for each pixel and 16 channels; the sums of a tap then run through tiles that lie one behind the other.
#include <omp.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/few_channel_conv_weight.h"
#include "kernels/cpu/range.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/tile_conv.h"
#include "kernels/cpu/tile_layout.h"
#include "kernels/cpu/weight_plan.h"

namespace gw::kernels::cpu {
namespace {

using tile::kDepth;
using tile::kElements;
using tile::kRows;
using tile::kSums;

constexpr int64_t kTileBytes = 1 << 10;
// What a block may take of a 2 MB L2 cache, which what it is made from passes through as well. Where the sums are many,
// adding to them less often, with larger blocks out of the next cache, costs more than it saves.
constexpr int64_t kBlockBytes = 700 << 10;

/// Rows of the images of a block, as tiles [channel group][image group][row][column].
struct TileRows {
  bf16* data;
  int64_t image_groups, rows, columns;

  bf16* at(int64_t channel_group, int64_t image_group, int64_t row, int64_t column) const {
    return data + (((channel_group * image_groups + image_group) * rows + row) * columns + column) * kElements;
  }
};

/// Rows of images as the tiles are made from them: at column w of a row the elements from `first` + w * `step` on, as
/// many as there are channels. What lies before or beyond the row counts as zero.
struct Source {
  const bf16* data;
  int64_t image, row, first, step, channels;
  const bf16* end;
};

/// How one weight gradient is cut up.
struct Plan {
  ConvShape s;  // if `merged`, with the kernel's columns as channels of an image that is as wide as the output
  int64_t x_image, x_row, x_first = 0, x_step;  // as in Source
  int64_t x_columns;                            // of tiles
  int64_t in_groups, out_groups;                // of 16 channels
  bool slides;      // neighbouring taps are summed together, over rows with a border of zeros
  bool share_sums;  // the threads share the sums, else the images
  int64_t threads;
  int64_t block_groups;       // groups of 32 images that are rearranged at a time
  int64_t bands;              // in which their output rows are, if one group of them is too much
  int64_t x_tiles, dy_tiles;  // of a thread's block

  explicit Plan(const ConvShape& shape) : s(shape), x_image(s.in_image()), x_row(s.in_w * s.in_c), x_step(s.in_c) {
    // With few channels the taps of a kernel row fit into one tile: in channels-last memory they are contiguous.
    const bool merged = s.kernel_w > 1 && s.dilation_w == 1 && s.kernel_w * s.in_c <= kRows;
    if (merged) {
      x_first = -s.pad_w * s.in_c, x_step = s.stride_w * s.in_c;
      s.in_w = s.out_w, s.in_c *= s.kernel_w;
      s.kernel_w = s.stride_w = 1, s.pad_w = 0;
    }
    // On a narrow grid the border would cost more than it saves.
    slides = s.kernel_w > 1 && s.stride_w == 1 && s.dilation_w == 1 && s.out_w >= 7;
    if (slides) x_first = -s.pad_w * s.in_c;
    x_columns = s.in_w + (slides ? 2 * s.pad_w : 0);
    in_groups = ceil_div(s.in_c, kRows), out_groups = ceil_div(s.out_c, kRows);
    share_sums = sums_size() > kLargeSums;
    threads = omp_get_max_threads();
    if (share_sums) threads = std::min(threads, out_groups);
    const int64_t own_out_groups = share_sums ? ceil_div(out_groups, threads) : out_groups;
    const auto group_bytes = [&](int64_t out_rows) {
      return (input_rows(out_rows) * x_columns * in_groups + out_rows * s.out_w * own_out_groups) * kTileBytes;
    };
    block_groups = std::clamp<int64_t>(kBlockBytes / group_bytes(s.out_h), 1, ceil_div(s.n, kDepth));
    for (bands = 1; bands < s.out_h && group_bytes(ceil_div(s.out_h, bands)) > kBlockBytes;) ++bands;
    x_tiles = block_groups * input_rows(ceil_div(s.out_h, bands)) * x_columns * in_groups;
    dy_tiles = block_groups * ceil_div(s.out_h, bands) * s.out_w * own_out_groups;
  }

  /// Most input rows that so many output rows read.
  int64_t input_rows(int64_t out_rows) const {
    return std::min(s.in_h, (out_rows - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1);
  }
  int64_t shift_h(int64_t tap) const { return tap / s.kernel_w * s.dilation_h - s.pad_h; }
  int64_t shift_w(int64_t tap) const { return tap % s.kernel_w * s.dilation_w - s.pad_w; }

  /// Sums: [tap, and one more for the bias][out group][in group][16][16]; the bias needs no in groups.
  int64_t sums_size() const { return (s.taps() * in_groups + 1) * out_groups * kSums; }
  int64_t sums_at(int64_t tap, int64_t out_group, int64_t in_group) const {
    const int64_t per_out_group = tap < s.taps() ? in_groups : 1;
    return (tap * in_groups * out_groups + out_group * per_out_group + in_group) * kSums;
  }
};

/// The tiles that one sum runs through: image groups, rows and columns, with the steps from one to the next in
/// elements.
struct Walk3 {
  int64_t groups, rows, columns;
  int64_t a_group, a_row, a_column;
  int64_t b_group, b_row, b_column;
};

/// sums += a tile of sums, or = if it is the `first` part. Each part is summed from zero and added at the end: many
/// short sums lose less to rounding than one long one.
template <int Tile>
void add_tile(float* sums, bool first) {
  if (first) return tile::store<Tile>(sums, tile::kRowBytes);
  alignas(64) float part[kSums];
  tile::store<Tile>(part, tile::kRowBytes);
  for (int k = 0; k < kSums; k += kRows)
    tile::store_floats(sums + k, tile::load_floats(sums + k) + tile::load_floats(part + k));
}

/// sums[i][j] += sum over the walk of a_i * b_j, for ATiles x BTiles tiles of sums, those of the second a `sums_row`
/// behind the first's; what they held before does not count if this is the `first` part of the sums.
template <int ATiles, int BTiles>
void accumulate(const Walk3& w, const bf16* a0, const bf16* a1, const bf16* b0, const bf16* b1, float* sums,
                int64_t sums_row, bool first) {
  tile::zero<0>();
  if constexpr (BTiles > 1) tile::zero<1>();
  if constexpr (ATiles > 1) tile::zero<2>();
  if constexpr (ATiles > 1 && BTiles > 1) tile::zero<3>();
  for (int64_t g = 0; g < w.groups; ++g)
    for (int64_t r = 0; r < w.rows; ++r) {
      int64_t a = g * w.a_group + r * w.a_row, b = g * w.b_group + r * w.b_row;
      for (int64_t c = 0; c < w.columns; ++c, a += w.a_column, b += w.b_column) {
        tile::load<4>(a0 + a, tile::kRowBytes);
        tile::load<6>(b0 + b, tile::kRowBytes);
        tile::multiply_add<0, 4, 6>();
        if constexpr (BTiles > 1) {
          tile::load<7>(b1 + b, tile::kRowBytes);
          tile::multiply_add<1, 4, 7>();
        }
        if constexpr (ATiles > 1) {
          tile::load<5>(a1 + a, tile::kRowBytes);
          tile::multiply_add<2, 5, 6>();
        }
        if constexpr (ATiles > 1 && BTiles > 1) tile::multiply_add<3, 5, 7>();
      }
    }
  add_tile<0>(sums, first);
  if constexpr (BTiles > 1) add_tile<1>(sums + kSums, first);
  if constexpr (ATiles > 1) add_tile<2>(sums + sums_row, first);
  if constexpr (ATiles > 1 && BTiles > 1) add_tile<3>(sums + sums_row + kSums, first);
}

/// One output column of slide(): of the window of Taps tiles of b only the last is new, and it takes the register of
/// the one that left.
template <int Taps, int Turn>
void slide_on(const bf16* a, const bf16* last_b) {
  tile::load<7>(a, tile::kRowBytes);
  tile::load<3 + (Turn + Taps - 1) % Taps>(last_b, tile::kRowBytes);
  tile::multiply_add<0, 7, 3 + Turn % Taps>();
  if constexpr (Taps > 1) tile::multiply_add<1, 7, 3 + (Turn + 1) % Taps>();
  if constexpr (Taps > 2) tile::multiply_add<2, 7, 3 + (Turn + 2) % Taps>();
}

/// For up to three neighbouring taps t of a kernel row with stride 1: sums[t * sums_tap] += sum over the walk of
/// a * (b of t columns further). So each tile is loaded once for all of them.
template <int Taps>
void slide(const Walk3& w, const bf16* a0, const bf16* b0, float* sums, int64_t sums_tap, bool first) {
  tile::zero<0>();
  if constexpr (Taps > 1) tile::zero<1>();
  if constexpr (Taps > 2) tile::zero<2>();
  for (int64_t g = 0; g < w.groups; ++g)
    for (int64_t r = 0; r < w.rows; ++r) {
      const bf16* a = a0 + g * w.a_group + r * w.a_row;
      const bf16* b = b0 + g * w.b_group + r * w.b_row;
      if constexpr (Taps > 1) tile::load<3>(b, tile::kRowBytes);
      if constexpr (Taps > 2) tile::load<4>(b + w.b_column, tile::kRowBytes);
      const bf16* const end = a + w.columns * w.a_column;
      for (b += (Taps - 1) * w.b_column; a != end;) {
        slide_on<Taps, 0>(a, b), a += w.a_column, b += w.b_column;
        if (Taps > 1 && a != end) slide_on<Taps, 1>(a, b), a += w.a_column, b += w.b_column;
        if (Taps > 2 && a != end) slide_on<Taps, 2>(a, b), a += w.a_column, b += w.b_column;
      }
    }
  add_tile<0>(sums, first);
  if constexpr (Taps > 1) add_tile<1>(sums + sums_tap, first);
  if constexpr (Taps > 2) add_tile<2>(sums + 2 * sums_tap, first);
}

/// The work of one thread.
class ShareSum {
 public:
  ShareSum(const Plan& plan, Range images, Range out_groups, const bf16* x, const bf16* dy, bf16* x_tiles,
           bf16* dy_tiles, float* sums, bool need_bias)
      : p_(plan),
        s_(plan.s),
        images_(images),
        out_groups_(out_groups),
        x_{x, p_.x_image, p_.x_row, p_.x_first, p_.x_step, s_.in_c, x + s_.n * p_.x_image},
        dy_{dy, s_.out_image(), s_.out_w * s_.out_c, 0, s_.out_c, s_.out_c, dy + s_.n * s_.out_image()},
        x_tiles_{x_tiles, 0, 0, p_.x_columns},
        dy_tiles_{dy_tiles, 0, 0, s_.out_w},
        sums_(sums),
        need_bias_(need_bias) {
    std::fill_n(ones_, kElements, bf16(1.0f));
  }

  void run() {
    const int64_t blocks = ceil_div(images_.size(), p_.block_groups * kDepth) * p_.bands;
    for (int64_t i = 0; i < blocks; ++i) add_block(block_of(i), i == 0);
    // Fewer images than threads leave some without any.
    for (int64_t tap = 0; blocks == 0 && tap <= s_.taps(); ++tap) clear(tap, 0, out_groups_.size());
  }

 private:
  /// Some images, a band of their output rows, and the input rows that those read.
  struct Block {
    Range images, rows, in_rows;
  };

  Block block_of(int64_t i) const {
    const int64_t first = images_.begin + i / p_.bands * p_.block_groups * kDepth;
    const Range rows = part(s_.out_h, i % p_.bands, p_.bands);
    const int64_t reach = (s_.kernel_h - 1) * s_.dilation_h - s_.pad_h;
    return {{first, std::min(images_.end, first + p_.block_groups * kDepth)},
            rows,
            {std::max<int64_t>(0, rows.begin * s_.stride_h - s_.pad_h),
             std::min(s_.in_h, (rows.end - 1) * s_.stride_h + reach + 1)}};
  }

  void add_block(const Block& block, bool first) {
    const auto [images, rows, in_rows] = block;
    const int64_t groups = ceil_div(images.size(), kDepth);
    dy_tiles_.image_groups = x_tiles_.image_groups = groups;
    dy_tiles_.rows = rows.size(), x_tiles_.rows = in_rows.size();
    rearrange(dy_, images, rows, out_groups_, dy_tiles_, tile::pack_a_transposed);
    rearrange(x_, images, in_rows, {0, p_.in_groups}, x_tiles_, pack_pairs);
    for (int64_t o = 0; o < out_groups_.size(); o += 2) {
      const bool two = o + 1 < out_groups_.size();
      two ? add_taps<2>(o, block, first) : add_taps<1>(o, block, first);
    }
  }

  static void pack_pairs(const bf16* rows, int64_t stride, bf16* to) { tile::pack_b(rows, stride, to); }

  template <class Pack>
  static void rearrange(const Source& from, Range images, Range rows, Range channel_groups, const TileRows& to,
                        const Pack& pack) {
    for (int64_t g = 0; g < to.image_groups; ++g) {
      const int64_t first = images.begin + g * kDepth, count = std::min<int64_t>(kDepth, images.end - first);
      for (int64_t h = rows.begin; h < rows.end; ++h) {
        const bf16* row = from.data + first * from.image + h * from.row;
        for (int64_t w = 0; w < to.columns; ++w)
          for (int64_t c = channel_groups.begin; c < channel_groups.end; ++c) {
            bf16* tile = to.at(c - channel_groups.begin, g, h - rows.begin, w);
            const int64_t begin = from.first + w * from.step + c * kRows;
            const int64_t used = std::min<int64_t>(kRows, from.channels - c * kRows);
            // Sums of channels that do not exist are not looked at, whatever is read for them.
            const bool inside = begin >= 0 && begin + used <= from.row;
            if (count == kDepth && inside && row + (kDepth - 1) * from.image + begin + kRows <= from.end)
              pack(row + begin, from.image, tile);
            else
              pack_part(row, from, count, {begin, begin + used}, tile, pack);
          }
      }
    }
  }

  /// The same where images are missing or the elements are not all inside the row.
  template <class Pack>
  static void pack_part(const bf16* row, const Source& from, int64_t images, Range elements, bf16* tile,
                        const Pack& pack) {
    bf16 block[kDepth * kRows];
    std::fill_n(block, kDepth * kRows, bf16(0.0f));
    const Range used{std::max<int64_t>(0, elements.begin), std::min(from.row, elements.end)};
    for (int64_t i = 0; i < images && used.size() > 0; ++i)
      std::copy_n(row + i * from.image + used.begin, used.size(), block + i * kRows + (used.begin - elements.begin));
    pack(block, kRows, tile);
  }

  /// Adds what a block gives for all taps of one or two groups of output channels.
  template <int OutTiles>
  void add_taps(int64_t out, const Block& block, bool first) {
    for (int64_t kh = 0; kh < s_.kernel_h; ++kh) {
      const Range h = valid_outputs(p_.shift_h(kh * s_.kernel_w), s_.in_h, s_.stride_h, block.rows);
      for (int64_t kw = 0; kw < s_.kernel_w;) {
        const int64_t tap = kh * s_.kernel_w + kw, taps = p_.slides ? std::min<int64_t>(3, s_.kernel_w - kw) : 1;
        const Range w =
            p_.slides ? Range{0, s_.out_w} : valid_outputs(p_.shift_w(tap), s_.in_w, s_.stride_w, {0, s_.out_w});
        const bool meets_input = h.size() > 0 && w.size() > 0;
        for (int64_t t = tap; first && !meets_input && t < tap + taps; ++t) clear(t, out, OutTiles);
        if (meets_input)
          p_.slides ? add_neighbours<OutTiles>(out, block, tap, taps, h, first)
                    : add_tap<OutTiles>(out, block, tap, h, w, first);
        kw += taps;
      }
    }
    if (need_bias_) add_bias<OutTiles>(out, block.rows, first);
  }

  /// Steps over the output positions h x w of all image groups, and over the pixels that a tap meets there.
  Walk3 walk_over(Range h, Range w) const {
    return {dy_tiles_.image_groups,
            h.size(),
            w.size(),
            dy_tiles_.rows * dy_tiles_.columns * kElements,
            dy_tiles_.columns * kElements,
            kElements,
            x_tiles_.rows * x_tiles_.columns * kElements,
            s_.stride_h * x_tiles_.columns * kElements,
            s_.stride_w * kElements};
  }

  template <int OutTiles>
  void add_tap(int64_t out, const Block& block, int64_t tap, Range h, Range w, bool first) {
    const Walk3 walk = walk_over(h, w);
    const int64_t ih = h.begin * s_.stride_h + p_.shift_h(tap) - block.in_rows.begin;
    const int64_t iw = w.begin * s_.stride_w + p_.shift_w(tap);
    const bf16* dy = dy_tiles_.at(out, 0, h.begin - block.rows.begin, w.begin);
    const bf16* next_dy = dy_tiles_.at(out + OutTiles - 1, 0, h.begin - block.rows.begin, w.begin);
    const auto x = [&](int64_t i) { return x_tiles_.at(i, 0, ih, iw); };
    for (int64_t i = 0; i < p_.in_groups; i += 2) {
      float* sums = sums_ + p_.sums_at(tap, out_groups_.begin + out, i);
      const int64_t sums_row = p_.in_groups * kSums;
      if (i + 1 < p_.in_groups)
        accumulate<OutTiles, 2>(walk, dy, next_dy, x(i), x(i + 1), sums, sums_row, first);
      else
        accumulate<OutTiles, 1>(walk, dy, next_dy, x(i), nullptr, sums, sums_row, first);
    }
  }

  /// The same for up to three taps from `tap` on, at all output columns.
  template <int OutTiles>
  void add_neighbours(int64_t out, const Block& block, int64_t tap, int64_t taps, Range h, bool first) {
    const Walk3 walk = walk_over(h, {0, s_.out_w});
    const int64_t ih = h.begin + p_.shift_h(tap) - block.in_rows.begin, sums_tap = p_.in_groups * p_.out_groups * kSums;
    const auto slide_taps = taps == 3 ? slide<3> : taps == 2 ? slide<2> : slide<1>;
    for (int64_t o = out; o < out + OutTiles; ++o)
      for (int64_t i = 0; i < p_.in_groups; ++i)
        slide_taps(walk, dy_tiles_.at(o, 0, h.begin - block.rows.begin, 0), x_tiles_.at(i, 0, ih, tap % s_.kernel_w),
                   sums_ + p_.sums_at(tap, out_groups_.begin + o, i), sums_tap, first);
  }

  /// The bias meets ones everywhere.
  template <int OutTiles>
  void add_bias(int64_t out, Range rows, bool first) {
    Walk3 walk = walk_over(rows, {0, s_.out_w});
    walk.b_group = walk.b_row = walk.b_column = 0;
    accumulate<OutTiles, 1>(walk, dy_tiles_.at(out, 0, 0, 0), dy_tiles_.at(out + OutTiles - 1, 0, 0, 0), ones_, nullptr,
                            sums_ + p_.sums_at(s_.taps(), out_groups_.begin + out, 0), kSums, first);
  }

  void clear(int64_t tap, int64_t out, int64_t count) {
    const int64_t begin = out_groups_.begin + out;
    std::fill(sums_ + p_.sums_at(tap, begin, 0), sums_ + p_.sums_at(tap, begin + count, 0), 0.0f);
  }

  const Plan& p_;
  const ConvShape& s_;
  const Range images_, out_groups_;
  const Source x_, dy_;
  TileRows x_tiles_, dy_tiles_;
  float* sums_;
  bool need_bias_;
  alignas(64) bf16 ones_[kElements];
};

/// Adds up the copies of the sums and writes them in the order of the weight.
void finish(const Plan& p, int64_t out, int64_t copies, const float* all_sums, float* dw, float* db) {
  const ConvShape& s = p.s;
  const int64_t group = out / kRows, row = out % kRows * kRows;
  for (int64_t tap = 0; tap < s.taps(); ++tap)
    for (int64_t i = 0; i < s.in_c; i += kRows) {
      const float* sum = all_sums + p.sums_at(tap, group, i / kRows) + row;
      tile::Floats total = tile::load_floats(sum);
      for (int64_t copy = 1; copy < copies; ++copy) total += tile::load_floats(sum + copy * p.sums_size());
      float* to = dw + (out * s.taps() + tap) * s.in_c + i;
      if (i + kRows <= s.in_c)
        tile::store_floats(to, total);
      else
        std::memcpy(to, &total, static_cast<size_t>(s.in_c - i) * sizeof(float));
    }
  if (!db) return;
  const float* sum = all_sums + p.sums_at(s.taps(), group, 0) + row;
  db[out] = 0;
  for (int64_t copy = 0; copy < copies; ++copy) db[out] += sum[copy * p.sums_size()];
}

}  // namespace

void tile_conv_backward_weight(const ConvShape& shape, const bf16* x, const bf16* dy, float* dw, float* db) {
  if (suits_few_channel_conv(shape)) return few_channel_conv_backward_weight(shape, x, dy, dw, db);
  const Plan p(shape);
  const int64_t copies = p.share_sums ? 1 : p.threads;
  const Scratch sums(copies * p.sums_size());
  const Scratch x_tiles(p.threads * p.x_tiles * kElements / 2), dy_tiles(p.threads * p.dy_tiles * kElements / 2);
  const int threads = static_cast<int>(p.threads);
#pragma omp parallel num_threads(threads)
  {
    const tile::Registers registers;
    // Fewer threads may come than were asked for; every share is summed all the same.
#pragma omp for schedule(static)
    for (int64_t i = 0; i < p.threads; ++i) {
      const Range all_images{0, p.s.n}, all_groups{0, p.out_groups};
      ShareSum(p, p.share_sums ? all_images : part(shape.n, i, p.threads),
               p.share_sums ? part(p.out_groups, i, p.threads) : all_groups, x, dy,
               reinterpret_cast<bf16*>(x_tiles.data()) + i * p.x_tiles * kElements,
               reinterpret_cast<bf16*>(dy_tiles.data()) + i * p.dy_tiles * kElements,
               sums.data() + (p.share_sums ? 0 : i * p.sums_size()), db != nullptr)
          .run();
    }
#pragma omp for schedule(static)
    for (int64_t out = 0; out < shape.out_c; ++out) finish(p, out, copies, sums.data(), dw, db);
  }
}

}  // namespace gw::kernels::cpu
