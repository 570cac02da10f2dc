// The weight gradient: dw[out, kh, kw, in] = sum over images and positions of dy[.., out] * x[.., in].
//
// The sums are cut into groups: a tile of input channels x a panel of output channels, all taps of both. Blocks of
// images are copied into slices, one per tile of x and per panel of dy, where the copy is worth it: a group then reads
// little, contiguous memory, a chunk of which stays in the L1 cache for all its taps.
#include <omp.h>

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/row_tile.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/weight_tile.h"

namespace gw::kernels::cpu {
namespace {

struct Range {
  int64_t begin, end;
  int64_t size() const { return std::max<int64_t>(0, end - begin); }
};

/// Part `i` of `parts` nearly equal parts of `total`.
Range part(int64_t total, int64_t i, int64_t parts) { return {total * i / parts, total * (i + 1) / parts}; }

/// The output positions o of `within` at which a tap reads inside the input: 0 <= o * stride + shift < in.
Range valid_outputs(int64_t shift, int64_t in, int64_t stride, Range within) {
  const int64_t begin = shift < 0 ? (-shift + stride - 1) / stride : 0;
  const int64_t end = shift < in ? (in - 1 - shift) / stride + 1 : 0;
  return {std::max(begin, within.begin), std::min(end, within.end)};
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Images as the walk reads them: steps in floats from image to image, row to row, pixel to pixel.
struct Layout {
  int64_t image, row, pixel;
};

constexpr int64_t kL1Floats = 8 << 10;           // 32 KB: what a chunk of x and dy may take of the L1 cache
constexpr int64_t kL2Floats = 192 << 10;         // 768 KB: what a thread's block may take of the L2 cache
constexpr int64_t kSharedBlockFloats = 8 << 20;  // 32 MB: a block that all threads share
constexpr int64_t kLargeSums = 256 << 10;        // 1 MB of sums: too many for a copy in each thread

/// How one weight gradient is cut up. Everything that depends on the shape only.
struct Plan {
  ConvShape s;  // with the padding moved into in_h, in_w and kernel_w into in_c, if `merged`
  int64_t border_h = 0, border_w = 0;
  bool merged, copy_x, copy_dy, shared;
  int vectors;
  int64_t width, panels, tiles, tile_rows, threads;
  Layout x, dy;
  int64_t block;  // images

  Plan(const ConvShape& shape, bool is_float) : s(shape) {
    vectors = panel_vectors(s.out_c);
    width = panel_width(s.out_c);
    panels = ceil_div(s.out_c, width);
    // With few input channels, the taps of a kernel row serve as rows of the tile: in a zero-padded image they are
    // contiguous.
    merged = s.kernel_w > 1 && s.dilation_w == 1 && s.kernel_w * s.in_c <= max_weight_rows(vectors);
    copy_x = !is_float || merged || s.in_c >= 64;
    copy_dy = !is_float || s.out_c != width;
    int64_t pixel = s.in_c;
    if (merged) {
      border_h = s.pad_h, border_w = s.pad_w;
      s.in_h += 2 * s.pad_h, s.in_w += 2 * s.pad_w, s.in_c *= s.kernel_w;
      s.pad_h = s.pad_w = 0, s.kernel_w = 1;
    }
    tiles = ceil_div(s.in_c, max_weight_rows(vectors));
    tile_rows = ceil_div(s.in_c, tiles);
    if (copy_x && !merged) pixel = ceil_div(tile_rows, kLanes) * kLanes;
    x = {s.in_h * s.in_w * pixel, s.in_w * pixel, pixel};
    dy = {s.out_h * s.out_w * width, s.out_w * width, width};
    threads = omp_get_max_threads();
    shared = sums_size() > kLargeSums && groups() >= 2 * threads;
    const int64_t limit = shared ? kSharedBlockFloats : kL2Floats;
    block = std::clamp<int64_t>(limit / (x.image * x_slices() + dy.image * panels), 1, std::max<int64_t>(1, s.n));
  }

  int64_t x_slices() const { return copy_x && !merged ? tiles : 1; }
  int64_t groups() const { return tiles * panels; }
  /// Sums of a group: [tap][tile row][width], and a last row for the bias.
  int64_t group_size() const { return (s.taps() * tile_rows + 1) * width; }
  int64_t sums_size() const { return groups() * group_size(); }
  int64_t x_copy_size() const { return copy_x ? block * x.image * x_slices() + kLanes : 0; }
  int64_t dy_copy_size() const { return copy_dy ? block * dy.image * panels : 0; }
};

/// A chunk of a block: whole images, or a band of output rows of one image, that fits in the L1 cache.
struct Chunk {
  int64_t images;
  Range rows;
};

/// Adds what a chunk gives for all taps of a group. `x` and `dy` point to the chunk's first image, within the group's
/// slices.
void add_chunk(const Plan& p, const Chunk& chunk, int64_t rows, const float* x, const float* dy, float* sums) {
  const ConvShape& s = p.s;
  for (int64_t tap = 0; tap < s.taps(); ++tap) {
    const int64_t shift_h = tap / s.kernel_w * s.dilation_h - s.pad_h,
                  shift_w = tap % s.kernel_w * s.dilation_w - s.pad_w;
    const Range h = valid_outputs(shift_h, s.in_h, s.stride_h, chunk.rows);
    const Range w = valid_outputs(shift_w, s.in_w, s.stride_w, {0, s.out_w});
    if (h.size() == 0 || w.size() == 0) continue;
    Walk walk{{chunk.images, h.size(), w.size()},
              {p.x.image, s.stride_h * p.x.row, s.stride_w * p.x.pixel},
              {p.dy.image, p.dy.row, p.dy.pixel}};
    // The innermost loop should be long: on small grids that is the one over images.
    if (w.size() < 8 && w.size() < chunk.images) walk.rotate();
    const int64_t ih = h.begin * s.stride_h + shift_h, iw = w.begin * s.stride_w + shift_w;
    accumulate_weight_tile(rows, p.vectors, walk, x + ih * p.x.row + iw * p.x.pixel,
                           dy + h.begin * p.dy.row + w.begin * p.dy.pixel, sums + tap * p.tile_rows * p.width);
  }
}

void add_bias(const Plan& p, const Chunk& chunk, const float* dy, float* sums) {
  const Walk walk{{1, chunk.images, chunk.rows.size() * p.s.out_w}, {0, 0, 0}, {0, p.dy.image, p.dy.pixel}};
  const float one = 1.0f;
  accumulate_weight_tile(1, p.vectors, walk, &one, dy + chunk.rows.begin * p.dy.row, sums);
}

/// Adds what `images` images give to one group, chunk by chunk.
void add_group(const Plan& p, int64_t group, int64_t images, const float* x, const float* dy, float* sums) {
  const int64_t tile = group % p.tiles, rows = part(p.s.in_c, tile, p.tiles).size();
  const int64_t x_image = p.s.in_h * p.s.in_w * std::min(p.x.pixel, rows), image_floats = x_image + p.dy.image;
  const int64_t images_per_chunk = std::max<int64_t>(1, kL1Floats / image_floats);
  const int64_t bands = std::min(p.s.out_h, ceil_div(image_floats, kL1Floats));
  for (int64_t i = 0; i < images; i += images_per_chunk)
    for (int64_t band = 0; band < bands; ++band) {
      const Chunk chunk{std::min(images_per_chunk, images - i), part(p.s.out_h, band, bands)};
      add_chunk(p, chunk, rows, x + i * p.x.image, dy + i * p.dy.image, sums);
      if (tile == 0) add_bias(p, chunk, dy + i * p.dy.image, sums + p.s.taps() * p.tile_rows * p.width);
    }
}

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Plan& plan, const T* x, const T* dy)
      : p_(plan),
        x_(x),
        dy_(dy),
        buffers_(plan.shared ? 1 : plan.threads),
        x_copy_(buffers_ * plan.x_copy_size()),
        dy_copy_(buffers_ * plan.dy_copy_size()),
        sums_(buffers_ * plan.sums_size()) {}

  void run(float* dw, float* db) const {
#pragma omp parallel num_threads(static_cast <int>(p_.threads))
    {
      const int64_t thread = omp_get_thread_num();
      if (p_.shared) {
        sum_shared(thread);
      } else {
        sum_own(thread);
      }
#pragma omp barrier
      finish(part(p_.s.out_c, thread, p_.threads), dw, db);
    }
  }

 private:
  // Every thread sums some of the images into its own copy of the sums.
  void sum_own(int64_t thread) const {
    float* sums = sums_.data() + thread * p_.sums_size();
    std::fill_n(sums, p_.sums_size(), 0.0f);
    float* x_copy = x_copy_.data() + thread * p_.x_copy_size();
    float* dy_copy = dy_copy_.data() + thread * p_.dy_copy_size();
    const Range images = part(p_.s.n, thread, p_.threads);
    for (int64_t first = images.begin; first < images.end; first += p_.block) {
      const int64_t count = std::min(p_.block, images.end - first);
      copy_block(first, {0, count}, x_copy, dy_copy);
      add_groups({0, p_.groups()}, first, count, x_copy, dy_copy, sums);
    }
  }

  // Where the sums are large, every thread computes some of the groups, over all images.
  void sum_shared(int64_t thread) const {
    const Range groups = part(p_.groups(), thread, p_.threads);
    std::fill(sums_.data() + groups.begin * p_.group_size(), sums_.data() + groups.end * p_.group_size(), 0.0f);
    for (int64_t first = 0; first < p_.s.n; first += p_.block) {
      const int64_t count = std::min(p_.block, p_.s.n - first);
      copy_block(first, part(count, thread, p_.threads), x_copy_.data(), dy_copy_.data());
#pragma omp barrier
      add_groups(groups, first, count, x_copy_.data(), dy_copy_.data(), sums_.data());
#pragma omp barrier
    }
  }

  void copy_block(int64_t first, Range images, float* x_copy, float* dy_copy) const {
    for (int64_t i = images.begin; i < images.end; ++i) {
      if (p_.merged)
        copy_with_border(first + i, x_copy + i * p_.x.image);
      else if (p_.copy_x)
        copy_slices(x_ + (first + i) * p_.s.in_image(), p_.s.in_h * p_.s.in_w, p_.s.in_c, p_.tiles, p_.x,
                    x_copy + i * p_.x.image);
      if (p_.copy_dy)
        copy_slices(dy_ + (first + i) * p_.s.out_image(), p_.s.out_h * p_.s.out_w, p_.s.out_c, p_.panels, p_.dy,
                    dy_copy + i * p_.dy.image);
    }
  }

  void copy_slices(const T* from, int64_t pixels, int64_t channels, int64_t slices, const Layout& layout,
                   float* to) const {
    for (int64_t slice = 0; slice < slices; ++slice, to += p_.block * layout.image) {
      const Range range = &layout == &p_.x ? part(channels, slice, slices)
                                           : Range{slice * p_.width, std::min(channels, (slice + 1) * p_.width)};
      for (int64_t pixel = 0; pixel < pixels; ++pixel)
        convert_padded(from + pixel * channels + range.begin, to + pixel * layout.pixel, range.size());
    }
  }

  void copy_with_border(int64_t image, float* to) const {
    std::fill_n(to, p_.x.image, 0.0f);
    const int64_t height = p_.s.in_h - 2 * p_.border_h, row = (p_.s.in_w - 2 * p_.border_w) * p_.x.pixel;
    for (int64_t h = 0; h < height; ++h)
      convert(x_ + (image * height + h) * row, to + (h + p_.border_h) * p_.x.row + p_.border_w * p_.x.pixel, row);
  }

  void add_groups(Range groups, int64_t first, int64_t count, const float* x_copy, const float* dy_copy,
                  float* sums) const {
    for (int64_t group = groups.begin; group < groups.end; ++group) {
      const int64_t tile = group % p_.tiles, panel = group / p_.tiles;
      const float* x = x_copy + (p_.merged ? part(p_.s.in_c, tile, p_.tiles).begin : tile * p_.block * p_.x.image);
      const float* dy = dy_copy + panel * p_.block * p_.dy.image;
      if constexpr (std::is_same_v<T, float>) {
        if (!p_.copy_x) x = x_ + first * p_.x.image + part(p_.s.in_c, tile, p_.tiles).begin;
        if (!p_.copy_dy) dy = dy_ + first * p_.dy.image;
      }
      add_group(p_, group, count, x, dy, sums + group * p_.group_size());
    }
  }

  // Adds up the threads' sums and writes them in the order of the weight.
  void finish(Range outputs, float* dw, float* db) const {
    for (int64_t out = outputs.begin; out < outputs.end; ++out) {
      const int64_t panel = out / p_.width, column = out % p_.width;
      for (int64_t tile = 0; tile < p_.tiles; ++tile) {
        const float* from = sums_.data() + (panel * p_.tiles + tile) * p_.group_size() + column;
        const Range rows = part(p_.s.in_c, tile, p_.tiles);
        for (int64_t tap = 0; tap < p_.s.taps(); ++tap)
          for (int64_t r = 0; r < rows.size(); ++r)
            dw[(out * p_.s.taps() + tap) * p_.s.in_c + rows.begin + r] =
                total(from + (tap * p_.tile_rows + r) * p_.width);
        if (tile == 0 && db) db[out] = total(from + p_.s.taps() * p_.tile_rows * p_.width);
      }
    }
  }

  float total(const float* sum) const {
    float t = 0;
    for (int64_t b = 0; b < buffers_; ++b) t += sum[b * p_.sums_size()];
    return t;
  }

  Plan p_;
  const T *x_, *dy_;
  int64_t buffers_;
  Scratch x_copy_, dy_copy_, sums_;
};

}  // namespace

template <class T>
void direct_conv_backward_weight(const ConvShape& shape, const T* x, const T* dy, float* dw, float* db) {
  WeightGradient<T>(Plan(shape, std::is_same_v<T, float>), x, dy).run(dw, db);
}

template void direct_conv_backward_weight<float>(const ConvShape&, const float*, const float*, float*, float*);
template void direct_conv_backward_weight<bf16>(const ConvShape&, const bf16*, const bf16*, float*, float*);

}  // namespace gw::kernels::cpu
