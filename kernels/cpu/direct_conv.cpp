#include "kernels/cpu/direct_conv.h"

#include <omp.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "kernels/cpu/row_tile.h"
#include "kernels/cpu/scratch.h"

namespace gw::kernels::cpu {
namespace {

// Forward and backward-input are one computation: each position of the output image gathers taps of the input image.
struct GatherPlan {
  int64_t images, in_image, in_c, out_c;
  int64_t positions, rows;  // output positions, in so many rows
  int64_t depth;            // rows of a weight panel: taps * in_c
  std::vector<Segment> segments;
  std::vector<int64_t> first;  // segments of position p: first[p] .. first[p + 1]

  void begin_position() { first.push_back(static_cast<int64_t>(segments.size())); }

  // Neighbouring taps are contiguous in channels-last memory, so a row of the kernel becomes one long segment.
  void add_tap(int64_t in_pixel, int64_t tap) {
    const Segment next{in_pixel * in_c, tap * in_c, in_c};
    const bool has_previous = static_cast<int64_t>(segments.size()) > first.back();
    if (has_previous && segments.back().input + segments.back().length == next.input &&
        segments.back().weight + segments.back().length == next.weight) {
      segments.back().length += in_c;
      return;
    }
    segments.push_back(next);
  }
};

GatherPlan forward_plan(const ConvShape& s) {
  GatherPlan plan{s.n, s.in_image(), s.in_c, s.out_c, s.out_h * s.out_w, s.out_h, s.taps() * s.in_c, {}, {}};
  for (int64_t oh = 0; oh < s.out_h; ++oh)
    for (int64_t ow = 0; ow < s.out_w; ++ow) {
      plan.begin_position();
      for (int64_t kh = 0; kh < s.kernel_h; ++kh)
        for (int64_t kw = 0; kw < s.kernel_w; ++kw) {
          const int64_t ih = oh * s.stride_h + kh * s.dilation_h - s.pad_h;
          const int64_t iw = ow * s.stride_w + kw * s.dilation_w - s.pad_w;
          if (ih < 0 || ih >= s.in_h || iw < 0 || iw >= s.in_w) continue;
          plan.add_tap(ih * s.in_w + iw, kh * s.kernel_w + kw);
        }
    }
  plan.begin_position();
  return plan;
}

// The order in which backward-input stores the taps of a kernel row: output columns rise as kw falls, and with a stride
// only every stride-th tap meets the same input column. In this order the taps of one input column are neighbours on
// both sides.
std::vector<int64_t> backward_tap_order(const ConvShape& s) {
  std::vector<int64_t> order;
  for (int64_t residue = 0; residue < s.stride_w; ++residue)
    for (int64_t kw = s.kernel_w - 1; kw >= 0; --kw)
      if (kw % s.stride_w == residue) order.push_back(kw);
  return order;
}

GatherPlan backward_plan(const ConvShape& s, const std::vector<int64_t>& tap_order) {
  GatherPlan plan{s.n, s.out_image(), s.out_c, s.in_c, s.in_h * s.in_w, s.in_h, s.taps() * s.out_c, {}, {}};
  for (int64_t ih = 0; ih < s.in_h; ++ih)
    for (int64_t iw = 0; iw < s.in_w; ++iw) {
      plan.begin_position();
      for (int64_t kh = 0; kh < s.kernel_h; ++kh)
        for (int64_t i = 0; i < s.kernel_w; ++i) {
          const int64_t h = ih + s.pad_h - kh * s.dilation_h,
                        w = iw + s.pad_w - tap_order[static_cast<size_t>(i)] * s.dilation_w;
          if (h < 0 || w < 0 || h % s.stride_h != 0 || w % s.stride_w != 0) continue;
          const int64_t oh = h / s.stride_h, ow = w / s.stride_w;
          if (oh >= s.out_h || ow >= s.out_w) continue;
          plan.add_tap(oh * s.out_w + ow, kh * s.kernel_w + i);
        }
    }
  plan.begin_position();
  return plan;
}

// Panels [out_c / width][tap, in_c][width] of w [out_c][tap, in_c], the last one filled up with zeros.
void pack_forward(const ConvShape& s, const float* w, float* packed) {
  const int64_t depth = s.taps() * s.in_c, width = panel_width(s.out_c), panels = ceil_div(s.out_c, width);
  constexpr int64_t kBlock = 64;  // rows of a panel at a time: both sides of the transposition stay in the L1 cache
  const int64_t blocks = ceil_div(depth, kBlock);
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t panel = 0; panel < panels; ++panel)
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t begin = block * kBlock, end = std::min(depth, begin + kBlock);
      for (int64_t column = 0; column < width; ++column) {
        const int64_t out = panel * width + column;
        float* to = packed + panel * depth * width + column;
        for (int64_t k = begin; k < end; ++k) to[k * width] = out < s.out_c ? w[out * depth + k] : 0.0f;
      }
    }
}

// Panels [in_c / width][kh, tap_order[kw], out_c][width] of w [out_c][kh, kw][in_c].
void pack_backward(const ConvShape& s, const std::vector<int64_t>& tap_order, const float* w, float* packed) {
  const int64_t width = panel_width(s.in_c), panels = ceil_div(s.in_c, width), taps = s.taps();
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t panel = 0; panel < panels; ++panel)
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t source_tap = tap / s.kernel_w * s.kernel_w + tap_order[static_cast<size_t>(tap % s.kernel_w)];
      const int64_t used = std::min(width, s.in_c - panel * width);
      for (int64_t out = 0; out < s.out_c; ++out) {
        const float* from = w + (out * taps + source_tap) * s.in_c + panel * width;
        float* to = packed + ((panel * taps + tap) * s.out_c + out) * width;
        std::copy_n(from, used, to);
        std::fill(to + used, to + width, 0.0f);
      }
    }
}

// Panels that are used together: as many as fit in half of a 2 MB L2 cache beside the images of a tile.
constexpr int64_t kPanelBlockBytes = 1 << 20;
// What the converted images of a tile may take of it.
constexpr int64_t kConvertedBytes = 512 << 10;

// Distance of the images of a converted tile, in floats: an odd number of cache lines, so that their rows do not share
// cache sets.
int64_t spread_stride(int64_t elements) { return (ceil_div(elements, 16) | 1) * 16; }

/// The elements of an input image that a range of output positions reads.
Range input_of(const GatherPlan& plan, Range positions) {
  Range elements{plan.in_image, 0};
  for (int64_t i = plan.first[static_cast<size_t>(positions.begin)]; i < plan.first[static_cast<size_t>(positions.end)];
       ++i) {
    const Segment& segment = plan.segments[static_cast<size_t>(i)];
    elements.begin = std::min(elements.begin, segment.input);
    elements.end = std::max(elements.end, segment.input + segment.length);
  }
  return elements.size() > 0 ? elements : Range{0, 0};
}

/// Runs a plan: panels in blocks that stay in the L2 cache, images in tiles, positions in bands whose input does too.
template <class T>
class Gather {
 public:
  Gather(const GatherPlan& plan, const T* in, const float* panels, const float* bias, T* out)
      : plan_(plan), in_(in), panels_(panels), bias_(bias), out_(out), width_(panel_width(plan.out_c)) {
    panel_count_ = ceil_div(plan.out_c, width_);
    const int64_t panel_bytes = plan.depth * width_ * static_cast<int64_t>(sizeof(float));
    per_block_ = ceil_div(panel_count_, ceil_div(panel_count_ * panel_bytes, kPanelBlockBytes));
    if constexpr (kConvert) {
      const int64_t tile_bytes = plan.in_image * kTileRows * static_cast<int64_t>(sizeof(float));
      bands_ = std::min(plan.rows, ceil_div(tile_bytes, kConvertedBytes));
      int64_t longest = 0;
      for (int64_t band = 0; band < bands_; ++band) longest = std::max(longest, input_of(plan, positions(band)).size());
      input_stride_ = spread_stride(longest);
    } else {
      input_stride_ = plan.in_image;
    }
  }

  void run() const {
    const int64_t blocks = ceil_div(panel_count_, per_block_), most_threads = omp_get_max_threads();
    // As many tiles for each thread, if need be lower ones. A row's sum does not depend on the height of its tile.
    const int64_t tiles = std::min(plan_.images, ceil_div(row_tile_count(plan_.images), most_threads) * most_threads);
    const Scratch converted(kConvert ? input_stride_ * kTileRows * most_threads : 0);
#pragma omp parallel
    {
      const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
      float* buffer = converted.data() + (kConvert ? thread * input_stride_ * kTileRows : 0);
      for (int64_t task = thread; task < blocks * tiles; task += threads) {
        const Range panels{task / tiles * per_block_, std::min(panel_count_, (task / tiles + 1) * per_block_)};
        for (int64_t band = 0; band < bands_; ++band)
          run_tile(part(plan_.images, task % tiles, tiles), positions(band), panels, buffer);
      }
    }
  }

 private:
  static constexpr bool kConvert = !std::is_same_v<T, float>;

  Range positions(int64_t band) const {
    const Range rows = part(plan_.rows, band, bands_);
    const int64_t per_row = plan_.positions / plan_.rows;
    return {rows.begin * per_row, rows.end * per_row};
  }

  void run_tile(Range images, Range positions, Range panels, float* buffer) const {
    RowTile<T> tile{};
    tile.input_stride = input_stride_;
    if constexpr (kConvert) {
      const Range used = input_of(plan_, positions);
      for (int64_t i = images.begin; i < images.end; ++i)
        convert(in_ + i * plan_.in_image + used.begin, buffer + (i - images.begin) * input_stride_, used.size());
      tile.input = buffer;
      tile.input_begin = used.begin;
    } else {
      tile.input = in_ + images.begin * plan_.in_image;
    }
    tile.output_stride = plan_.positions * plan_.out_c;
    for (int64_t position = positions.begin; position < positions.end; ++position) {
      const int64_t first = plan_.first[static_cast<size_t>(position)];
      tile.segments = plan_.segments.data() + first;
      tile.segment_count = plan_.first[static_cast<size_t>(position) + 1] - first;
      for (int64_t p = panels.begin; p < panels.end; ++p) {
        tile.panel = panels_ + p * plan_.depth * width_;
        tile.bias = bias_ ? bias_ + p * width_ : nullptr;
        tile.output = out_ + images.begin * tile.output_stride + position * plan_.out_c + p * width_;
        tile.columns = std::min(width_, plan_.out_c - p * width_);
        multiply_row_tile(static_cast<int>(images.size()), panel_vectors(plan_.out_c), tile);
      }
    }
  }

  const GatherPlan& plan_;
  const T* in_;
  const float *panels_, *bias_;
  T* out_;
  int64_t width_, panel_count_, per_block_, input_stride_, bands_ = 1;
};

int64_t packed_size(int64_t depth, int64_t columns) {
  const int64_t width = panel_width(columns);
  return depth * ceil_div(columns, width) * width;
}

}  // namespace

template <class T>
void direct_conv_forward(const ConvShape& shape, const T* x, const float* w, const float* bias, T* y) {
  const GatherPlan plan = forward_plan(shape);
  Scratch packed(packed_size(plan.depth, plan.out_c));
  pack_forward(shape, w, packed.data());
  Scratch padded_bias(bias ? packed_size(1, plan.out_c) : 0);
  if (bias) {
    std::copy_n(bias, shape.out_c, padded_bias.data());
    std::fill(padded_bias.data() + shape.out_c, padded_bias.data() + packed_size(1, plan.out_c), 0.0f);
  }
  Gather<T>(plan, x, packed.data(), bias ? padded_bias.data() : nullptr, y).run();
}

template <class T>
void direct_conv_backward_input(const ConvShape& shape, const T* dy, const float* w, T* dx) {
  const std::vector<int64_t> tap_order = backward_tap_order(shape);
  const GatherPlan plan = backward_plan(shape, tap_order);
  Scratch packed(packed_size(plan.depth, plan.out_c));
  pack_backward(shape, tap_order, w, packed.data());
  Gather<T>(plan, dy, packed.data(), nullptr, dx).run();
}

template void direct_conv_forward<float>(const ConvShape&, const float*, const float*, const float*, float*);
template void direct_conv_forward<bf16>(const ConvShape&, const bf16*, const float*, const float*, bf16*);
template void direct_conv_backward_input<float>(const ConvShape&, const float*, const float*, float*);
template void direct_conv_backward_input<bf16>(const ConvShape&, const bf16*, const float*, bf16*);

}  // namespace gw::kernels::cpu
