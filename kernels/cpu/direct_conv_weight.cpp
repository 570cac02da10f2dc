// The weight gradient: dw[out, kh, kw, in] = sum over images and positions of dy[.., out] * x[.., in].
//
// The sums are cut into groups: a tile of input channels x a panel of output channels, all taps of both. Blocks of
// images are copied into slices, one per tile of x and per panel of dy, where the copy is worth it: a group then reads
// little, contiguous memory, a chunk of which stays in the L1 cache for all its taps. While a block is summed, the next
// one is fetched from memory.
#include <algorithm>
#include <type_traits>

#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/weight_plan.h"
#include "kernels/cpu/weight_tile.h"

namespace gw::kernels::cpu {
namespace {

constexpr int64_t kL1Floats = 8 << 10;  // 32 KB: what a chunk of x and dy may take of the L1 cache

/// Brings memory into the L2 cache a few lines at a time, between other work.
class Prefetch {
 public:
  Prefetch() = default;
  /// The `bytes` from `begin` on, in about `steps` calls of step().
  Prefetch(const void* begin, int64_t bytes, int64_t steps)
      : at_(static_cast<const char*>(begin)),
        end_(at_ + bytes),
        stride_(ceil_div(ceil_div(bytes, kLine), std::max<int64_t>(1, steps)) * kLine) {}

  void step() {
    const char* stop = std::min(end_, at_ + stride_);
    for (; at_ < stop; at_ += kLine) __builtin_prefetch(at_, 0, 2);
  }

 private:
  static constexpr int64_t kLine = 64;
  const char *at_ = nullptr, *end_ = nullptr;
  int64_t stride_ = 0;
};

/// The work of one thread.
template <class T>
class ShareSum {
 public:
  ShareSum(const WeightPlan& plan, const WeightShare& share, const T* x, const T* dy, float* x_copy, float* dy_copy,
           float* sums)
      : p_(plan), share_(share), x_(x), dy_(dy), x_copy_(x_copy), dy_copy_(dy_copy), sums_(sums) {}

  void run() {
    const Range images = share_.images;
    for (int64_t panel = share_.panels.begin; panel < share_.panels.end; ++panel)
      for (int64_t tile = share_.tiles.begin; tile < share_.tiles.end; ++tile) clear(group_sums(tile, panel));
    for (int64_t first = images.begin; first < images.end; first += p_.block) {
      const int64_t count = std::min(p_.block, images.end - first);
      copy_block(first, count);
      plan_prefetch(first + count, std::min(p_.block, images.end - first - count), count);
      for (int64_t tile = share_.tiles.begin; tile < share_.tiles.end; ++tile)
        for (int64_t panel = share_.panels.begin; panel < share_.panels.end; ++panel)
          add_group(tile, panel, count, x_slice(first, tile), dy_slice(first, panel));
    }
  }

 private:
  /// A part of a block that fits in the L1 cache: whole images, or a band of output rows of one image.
  struct Chunk {
    int64_t images;
    Range rows;
  };

  struct Chunks {
    int64_t images, bands;  // images of a chunk, bands of an image
  };

  Chunks chunks(int64_t tile) const {
    const int64_t pixel = std::min(p_.x.pixel, tile_range(tile).size());
    const int64_t image_floats = p_.s.in_h * p_.s.in_w * pixel + p_.dy.image;
    return {std::max<int64_t>(1, kL1Floats / image_floats), std::min(p_.s.out_h, ceil_div(image_floats, kL1Floats))};
  }

  void clear(float* sums) const {
    const int64_t tap_size = p_.tile_rows * p_.width;
    for (int64_t tap = 0; tap < p_.s.taps(); ++tap)
      if (p_.uses(tap)) std::fill_n(sums + tap * tap_size, tap_size, 0.0f);
    std::fill_n(sums + p_.s.taps() * tap_size, p_.width, 0.0f);
  }

  Range tile_range(int64_t tile) const { return part(p_.s.in_c, tile, p_.tiles); }
  float* group_sums(int64_t tile, int64_t panel) const { return sums_ + (panel * p_.tiles + tile) * p_.group_size(); }

  void plan_prefetch(int64_t first, int64_t next_count, int64_t count) {
    const Chunks c = chunks(0);
    const int64_t steps =
        share_.tiles.size() * share_.panels.size() * ceil_div(count, c.images) * c.bands * p_.s.taps();
    const int64_t x_image = original_x_image(), dy_image = p_.s.out_image();
    constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
    next_x_ = {x_ + first * x_image, next_count * x_image * kBytes, steps};
    next_dy_ = {dy_ + first * dy_image, next_count * dy_image * kBytes, steps};
  }

  int64_t original_x_image() const {
    if (!p_.merged) return p_.s.in_image();
    return (p_.s.in_h - 2 * p_.border_h) * (p_.s.in_w - 2 * p_.border_w) * p_.x.pixel;
  }

  void copy_block(int64_t first, int64_t count) const {
    const ConvShape& s = p_.s;
    for (int64_t i = 0; i < count; ++i) {
      const T *x = x_ + (first + i) * original_x_image(), *dy = dy_ + (first + i) * s.out_image();
      float *x_to = x_copy_ + i * p_.x.image, *dy_to = dy_copy_ + i * p_.dy.image;
      if (p_.merged)
        copy_with_border(x, x_to);
      else if (p_.slice_x)
        copy_slices(x, s.in_h * s.in_w, s.in_c, share_.tiles, p_.x, x_to);
      else if (p_.copy_x)
        convert(x, x_to, s.in_image());
      if (p_.copy_dy && s.out_c == p_.width)
        convert(dy, dy_to, s.out_image());
      else if (p_.copy_dy)
        copy_slices(dy, s.out_h * s.out_w, s.out_c, share_.panels, p_.dy, dy_to);
    }
  }

  void copy_slices(const T* from, int64_t pixels, int64_t channels, Range slices, const PixelLayout& layout,
                   float* to) const {
    for (int64_t slice = slices.begin; slice < slices.end; ++slice, to += p_.block * layout.image) {
      const Range range =
          &layout == &p_.x ? tile_range(slice) : Range{slice * p_.width, std::min(channels, (slice + 1) * p_.width)};
      // A panel's tile takes all of its lanes, and what memory held before may be subnormal numbers, which are slow.
      const int64_t padded = ceil_div(range.size(), kLanes) * kLanes;
      const int64_t unused = &layout == &p_.dy ? p_.width - padded : 0;
      for (int64_t pixel = 0; pixel < pixels; ++pixel) {
        convert_padded(from + pixel * channels + range.begin, to + pixel * layout.pixel, range.size());
        if (unused > 0) std::fill_n(to + pixel * layout.pixel + padded, unused, 0.0f);
      }
    }
  }

  void copy_with_border(const T* from, float* to) const {
    std::fill_n(to, p_.x.image, 0.0f);
    const int64_t height = p_.s.in_h - 2 * p_.border_h, row = (p_.s.in_w - 2 * p_.border_w) * p_.x.pixel;
    for (int64_t h = 0; h < height; ++h)
      convert(from + h * row, to + (h + p_.border_h) * p_.x.row + p_.border_w * p_.x.pixel, row);
  }

  const float* x_slice(int64_t first, int64_t tile) const {
    if constexpr (std::is_same_v<T, float>)
      if (!p_.copy_x) return x_ + first * p_.x.image + tile_range(tile).begin;
    if (!p_.slice_x) return x_copy_ + tile_range(tile).begin;
    return x_copy_ + (tile - share_.tiles.begin) * p_.block * p_.x.image;
  }

  const float* dy_slice(int64_t first, int64_t panel) const {
    if constexpr (std::is_same_v<T, float>)
      if (!p_.copy_dy) return dy_ + first * p_.dy.image;
    return dy_copy_ + (panel - share_.panels.begin) * p_.block * p_.dy.image;
  }

  /// Adds what `images` images give to one group, chunk by chunk.
  void add_group(int64_t tile, int64_t panel, int64_t images, const float* x, const float* dy) {
    float* sums = group_sums(tile, panel);
    const Chunks c = chunks(tile);
    for (int64_t i = 0; i < images; i += c.images)
      for (int64_t band = 0; band < c.bands; ++band) {
        const Chunk chunk{std::min(c.images, images - i), part(p_.s.out_h, band, c.bands)};
        add_chunk(chunk, tile_range(tile).size(), x + i * p_.x.image, dy + i * p_.dy.image, sums);
        if (tile == 0) add_bias(chunk, dy + i * p_.dy.image, sums + p_.s.taps() * p_.tile_rows * p_.width);
      }
  }

  /// Adds what a chunk gives for all taps of a group. `x` and `dy` point to the chunk's first image.
  void add_chunk(const Chunk& chunk, int64_t rows, const float* x, const float* dy, float* sums) {
    const ConvShape& s = p_.s;
    for (int64_t tap = 0; tap < s.taps(); ++tap) {
      const int64_t shift_h = p_.shift_h(tap), shift_w = p_.shift_w(tap);
      const Range h = valid_outputs(shift_h, s.in_h, s.stride_h, chunk.rows);
      const Range w = valid_outputs(shift_w, s.in_w, s.stride_w, {0, s.out_w});
      next_x_.step();
      next_dy_.step();
      if (h.size() == 0 || w.size() == 0) continue;
      Walk walk{{chunk.images, h.size(), w.size()},
                {p_.x.image, s.stride_h * p_.x.row, s.stride_w * p_.x.pixel},
                {p_.dy.image, p_.dy.row, p_.dy.pixel}};
      // The innermost loop should be long: on small grids that is the one over images.
      if (w.size() < 8 && w.size() < chunk.images) walk.rotate();
      const int64_t ih = h.begin * s.stride_h + shift_h, iw = w.begin * s.stride_w + shift_w;
      accumulate_weight_tile(rows, p_.vectors, walk, x + ih * p_.x.row + iw * p_.x.pixel,
                             dy + h.begin * p_.dy.row + w.begin * p_.dy.pixel, sums + tap * p_.tile_rows * p_.width);
    }
  }

  void add_bias(const Chunk& chunk, const float* dy, float* sums) const {
    const Walk walk{{1, chunk.images, chunk.rows.size() * p_.s.out_w}, {0, 0, 0}, {0, p_.dy.image, p_.dy.pixel}};
    const float one = 1.0f;
    accumulate_weight_tile(1, p_.vectors, walk, &one, dy + chunk.rows.begin * p_.dy.row, sums);
  }

  const WeightPlan& p_;
  const WeightShare share_;
  const T *x_, *dy_;
  float *x_copy_, *dy_copy_, *sums_;
  Prefetch next_x_, next_dy_;
};

/// Adds up the copies of the sums of one group and writes them in the order of the weight.
void finish_group(const WeightPlan& p, int64_t tile, int64_t panel, const float* all_sums, float* dw, float* db) {
  const float* group = all_sums + (panel * p.tiles + tile) * p.group_size();
  const auto total = [&](int64_t row, int64_t column) {
    float t = 0;
    for (int64_t copy = 0; copy < p.image_parts; ++copy) t += group[copy * p.sums_size() + row * p.width + column];
    return t;
  };
  const Range rows = part(p.s.in_c, tile, p.tiles);
  for (int64_t column = 0; column < std::min(p.width, p.s.out_c - panel * p.width); ++column) {
    const int64_t out = panel * p.width + column;
    for (int64_t tap = 0; tap < p.s.taps(); ++tap) {
      float* to = dw + (out * p.s.taps() + tap) * p.s.in_c + rows.begin;
      const bool used = p.uses(tap);
      for (int64_t r = 0; r < rows.size(); ++r) to[r] = used ? total(tap * p.tile_rows + r, column) : 0.0f;
    }
    if (tile == 0 && db) db[out] = total(p.s.taps() * p.tile_rows, column);
  }
}

}  // namespace

template <class T>
void direct_conv_backward_weight(const ConvShape& shape, const T* x, const T* dy, float* dw, float* db) {
  const WeightPlan p(shape, std::is_same_v<T, float>);
  const Scratch x_copy(p.threads * p.x_copy_size()), dy_copy(p.threads * p.dy_copy_size());
  const Scratch sums(p.image_parts * p.sums_size());
  const int threads = static_cast<int>(p.threads);
#pragma omp parallel num_threads(threads)
  {
    // Fewer threads may come than were asked for; every share is summed all the same.
#pragma omp for schedule(static)
    for (int i = 0; i < threads; ++i) {
      float* own_sums = sums.data() + (p.image_parts > 1 ? i * p.sums_size() : 0);
      float *x_to = x_copy.data() + i * p.x_copy_size(), *dy_to = dy_copy.data() + i * p.dy_copy_size();
      ShareSum<T>(p, WeightShare(p, i), x, dy, x_to, dy_to, own_sums).run();
    }
#pragma omp for schedule(static) collapse(2)
    for (int64_t panel = 0; panel < p.panels; ++panel)
      for (int64_t tile = 0; tile < p.tiles; ++tile) finish_group(p, tile, panel, sums.data(), dw, db);
  }
}

template void direct_conv_backward_weight<float>(const ConvShape&, const float*, const float*, float*, float*);
template void direct_conv_backward_weight<bf16>(const ConvShape&, const bf16*, const bf16*, float*, float*);

}  // namespace gw::kernels::cpu
