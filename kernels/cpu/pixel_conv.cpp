#include "kernels/cpu/pixel_conv.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/cpu/bf16_round.h"
#include "kernels/cpu/column_moments.h"
#include "kernels/cpu/pixel_pairs.h"
#include "kernels/cpu/range.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/tile_layout.h"
#include "kernels/cpu/tile_plan.h"
#include "kernels/cpu/tile_weights.h"

namespace gw::kernels::cpu {
namespace {

using tile::kDepth;
using tile::kElements;
using tile::kRows;
using tile::kSums;

constexpr int kMostTiles = 4;
constexpr auto kBytes = static_cast<int64_t>(sizeof(bf16));

/// Up to 16 pixels of an output row, out_step apart: what a tile of sums is for.
struct Segment {
  int64_t input;   ///< how much further on its first pixel reads than its steps say
  int64_t output;  ///< its first pixel, in elements of the output image
  int64_t pixels;
};

/// Segments that take the same steps and are computed together.
struct Group {
  const TilePlan::Step* steps;
  int64_t count;
  std::array<Segment, kMostTiles> segments;
};

/// All segments of an image, `tiles` in a group; the last groups may have empty segments.
std::vector<Group> group_segments(const TilePlan& plan, int64_t tiles) {
  std::vector<Group> groups;
  const int64_t step_h = plan.out_step_h, step_w = plan.out_step_w;
  for (int64_t phase = 0; phase < step_h * step_w; ++phase) {
    const int64_t first = plan.first[static_cast<size_t>(phase)], end = plan.first[static_cast<size_t>(phase) + 1];
    int64_t segments = 0;
    for (int64_t h = phase / step_w; h < plan.out_h; h += step_h)
      for (int64_t w = phase % step_w; w < plan.out_w; w += kRows * step_w, ++segments) {
        if (segments % tiles == 0) groups.push_back({plan.steps.data() + first, end - first, {}});
        groups.back().segments[static_cast<size_t>(segments % tiles)] = {
            h / step_h * plan.in_step_h * plan.spread_row() + w / step_w * plan.in_step_w * plan.pixel,
            (h * plan.out_w + w) * plan.out_c, std::min<int64_t>(kRows, ceil_div(plan.out_w - w, step_w))};
      }
  }
  return groups;
}

/// How rows of sums become rows of the output.
struct RowFormat {
  int64_t sums_step, out_step;  ///< elements from row to row
  int64_t columns;
  int64_t pixels;  ///< of a row
  bool stream;
};

/// Rows that are to be written, and added to `moments` unless null, while the next sums are computed: the processor
/// does both at once.
class PendingRows {
 public:
  PendingRows(const RowFormat& format, ColumnMoments* moments, int64_t column)
      : format_(format), moments_(moments), column_(column) {}

  /// Takes over the sums of a group, [tile][16][width], whose output image begins at `out`.
  void set(const Group& group, const float* sums, int64_t width, bf16* out) {
    group_ = &group, sums_ = sums, tile_sums_ = kRows * width, out_ = out;
    tile_ = -1, rows_ = 0;
  }

  /// Writes the next `count` rows, or as many as there are.
  void write(int64_t count) {
    while (count > 0 && (rows_ > 0 || next_tile())) {
      const int64_t now = std::min(count, rows_);
      if (moments_) moments_->add(column_, format_.sums_step, from_, format_.sums_step, now);
      write_rows(format_, from_, to_, now);
      count -= now, rows_ -= now;
      from_ += now * format_.sums_step, to_ += now * format_.out_step;
    }
  }
  void write_all() { write(kMostTiles * kRows); }

 private:
  static void write_rows(const RowFormat format, const float* from, bf16* to, int64_t count) {
    for (; count > 0; --count, from += format.sums_step, to += format.out_step) {
      if (!format.stream) {
        round_run(to, from, format.columns);
        continue;
      }
      alignas(kLineBytes) bf16 line[kDepth];
      round_run(line, from, kDepth);
      stream_line(to, line);
    }
  }

  bool next_tile() {
    if (!group_ || tile_ + 1 == kMostTiles) return false;
    const Segment& segment = group_->segments[static_cast<size_t>(++tile_)];
    rows_ = segment.pixels / format_.pixels;
    from_ = sums_ + tile_ * tile_sums_, to_ = out_ + segment.output;
    return rows_ > 0;
  }

  const RowFormat format_;
  ColumnMoments* const moments_;
  const int64_t column_;
  const Group* group_ = nullptr;
  const float* sums_ = nullptr;
  bf16* out_ = nullptr;
  int64_t tile_sums_ = 0;
  int tile_ = -1;
  int64_t rows_ = 0;  // left of the tile
  const float* from_ = nullptr;
  bf16* to_ = nullptr;
};

/// Copies images into spread ones (tile_plan.h), some lines at a time, so that it can be done beside other work.
class SpreadCopy {
 public:
  explicit SpreadCopy(const TilePlan& plan) : plan_(plan) {
    const int64_t row = plan.in_w * plan.in_c;
    if (plan.in_c < kDepth) {
      // A line has room for more than a pixel, and those that follow it share it.
      for (int64_t w = 0; w < plan.spread_row() / kDepth; ++w) add_line((w - plan.left) * plan.in_c, row, w * kDepth);
      return;
    }
    for (int64_t w = 0; w < plan.in_w; ++w)
      for (int64_t c = 0; c < plan.in_c; c += kDepth)
        add_line(w * plan.in_c + c, (w + 1) * plan.in_c, (plan.left + w) * plan.pixel + c);
  }

  /// What a spread image takes. A tile may reach beyond the last pixel; what it finds there nobody looks at.
  static int64_t elements(const TilePlan& plan) {
    return plan.spread_rows() * plan.spread_row() + kRows * plan.in_step_w * plan.pixel;
  }
  int64_t lines() const { return plan_.in_h * static_cast<int64_t>(lines_.size()); }

  /// `to` has zeros around the image, which stay.
  void begin(const bf16* from, bf16* to) {
    from_ = from, to_ = to + plan_.top * plan_.spread_row();
    rows_ = plan_.in_h, line_ = 0;
  }
  void step(int64_t count) {
    while (count > 0 && rows_ > 0) {
      const auto now = std::min(count, static_cast<int64_t>(lines_.size() - line_));
      copy_lines(lines_.data() + line_, now, from_, to_, plan_.in_image());
      count -= now, line_ += static_cast<size_t>(now);
      if (line_ < lines_.size()) return;
      line_ = 0, --rows_;
      from_ += plan_.in_w * plan_.in_c, to_ += plan_.spread_row();
    }
  }
  void finish() { step(lines()); }

 private:
  struct Line {
    int32_t from, to;  ///< elements from the beginning of a row
    uint32_t used;     ///< a bit for each element; the others are zeros
  };

  static void copy_lines(const Line* line, int64_t count, const bf16* from, bf16* to, int64_t image) {
    for (; count > 0; --count, ++line) {
      __builtin_prefetch(from + line->from + image, 0, 2);  // the next image into the L2 cache
      tile::copy_part(from + line->from, line->used, to + line->to);
    }
  }

  /// The elements from `from` on that are in the row, 0 .. `end`.
  void add_line(int64_t from, int64_t end, int64_t to) {
    uint32_t used = 0;
    for (int64_t i = 0; i < kDepth; ++i)
      if (from + i >= 0 && from + i < end) used |= uint32_t{1} << i;
    lines_.push_back({static_cast<int32_t>(from), static_cast<int32_t>(to), used});
  }

  const TilePlan& plan_;
  std::vector<Line> lines_;
  const bf16* from_ = nullptr;
  bf16* to_ = nullptr;
  int64_t rows_ = 0;  // left to copy
  size_t line_ = 0;   // of the first of them
};

/// What the sums of a group are made of.
struct Operands {
  const TilePlan::Run* runs;
  const bf16* image;  ///< spread
  int64_t stride;     ///< bytes from pixel to pixel of a segment
  const bf16* panel;
  const float* bias;  ///< what the sums of each column start from
  int64_t lines;      ///< of the next image that each chunk has time for
};

/// The sums of two segments for 32 columns: [segment][16][32].
void multiply_two(const Group& group, const Operands& o, float* sums, PendingRows& previous, SpreadCopy& next) {
  constexpr int64_t kSameRow = 0, kWidth = 2 * kRows, kStride = 2 * tile::kRowBytes;
  tile::load<0>(o.bias, kSameRow);
  tile::load<1>(o.bias + kRows, kSameRow);
  tile::load<2>(o.bias, kSameRow);
  tile::load<3>(o.bias + kRows, kSameRow);
  for (int64_t i = 0; i < group.count; ++i) {
    const TilePlan::Run& run = o.runs[group.steps[i].run];
    const bf16* a = o.image + group.steps[i].input;
    const bf16* b = o.panel + run.first_chunk * 2 * kElements;
    for (int64_t c = run.chunks(); c > 0; --c, a += kDepth, b += 2 * kElements) {
      tile::load<4>(a + group.segments[0].input, o.stride);
      tile::load<6>(b, tile::kRowBytes);
      tile::multiply_add<0, 4, 6>();
      tile::load<7>(b + kElements, tile::kRowBytes);
      tile::multiply_add<1, 4, 7>();
      tile::load<5>(a + group.segments[1].input, o.stride);
      tile::multiply_add<2, 5, 6>();
      tile::multiply_add<3, 5, 7>();
      next.step(o.lines);
      previous.write(4);
    }
  }
  tile::store<0>(sums, kStride);
  tile::store<1>(sums + kRows, kStride);
  tile::store<2>(sums + kRows * kWidth, kStride);
  tile::store<3>(sums + kRows * kWidth + kRows, kStride);
}

/// The sums of four segments for 16 columns: [segment][16][16].
void multiply_four(const Group& group, const Operands& o, float* sums, PendingRows& previous, SpreadCopy& next) {
  constexpr int64_t kSameRow = 0;
  tile::load<0>(o.bias, kSameRow);
  tile::load<1>(o.bias, kSameRow);
  tile::load<2>(o.bias, kSameRow);
  tile::load<3>(o.bias, kSameRow);
  for (int64_t i = 0; i < group.count; ++i) {
    const TilePlan::Run& run = o.runs[group.steps[i].run];
    const bf16* a = o.image + group.steps[i].input;
    const bf16* b = o.panel + run.first_chunk * kElements;
    for (int64_t c = run.chunks(); c > 0; --c, a += kDepth, b += kElements) {
      tile::load<7>(b, tile::kRowBytes);
      tile::load<4>(a + group.segments[0].input, o.stride);
      tile::multiply_add<0, 4, 7>();
      tile::load<5>(a + group.segments[1].input, o.stride);
      tile::multiply_add<1, 5, 7>();
      tile::load<6>(a + group.segments[2].input, o.stride);
      tile::multiply_add<2, 6, 7>();
      tile::load<4>(a + group.segments[3].input, o.stride);
      tile::multiply_add<3, 4, 7>();
      next.step(o.lines);
      previous.write(4);
    }
  }
  tile::store<0>(sums, tile::kRowBytes);
  tile::store<1>(sums + kSums, tile::kRowBytes);
  tile::store<2>(sums + 2 * kSums, tile::kRowBytes);
  tile::store<3>(sums + 3 * kSums, tile::kRowBytes);
}

class Convolution {
 public:
  /// `bias` has a number for every column of the panels.
  Convolution(const TilePlan& plan, const Panels& panels, const bf16* in, const float* bias, bf16* out,
              ChannelMoments moments)
      : plan_(plan),
        panels_(panels),
        in_(in),
        bias_(bias),
        out_(out),
        moments_(moments),
        groups_(group_segments(plan, panels.tiles == 2 ? 2 : 4)) {
    for (const Group& group : groups_)
      for (int64_t i = 0; i < group.count; ++i) chunks_ += plan.runs[static_cast<size_t>(group.steps[i].run)].chunks();
  }

  void run() const {
    const int64_t elements = SpreadCopy::elements(plan_);
    std::vector<ColumnMoments> moments(static_cast<size_t>(omp_get_max_threads()));
#pragma omp parallel
    {
      const tile::Registers registers;
      const Scratch memory(elements);
      bf16* const spread = reinterpret_cast<bf16*>(memory.data());
      std::fill_n(spread, 2 * elements, bf16(0.0f));
      SpreadCopy copy(plan_);
      ColumnMoments found(moments_ ? panels_.count * format_of(0).sums_step : 0);
      const Range images = part(plan_.images, omp_get_thread_num(), omp_get_num_threads());
      const auto begin_copy = [&](int64_t i) {
        if (i < images.end) copy.begin(in_ + i * plan_.in_image(), spread + i % 2 * elements);
      };
      begin_copy(images.begin);
      for (int64_t i = images.begin; i < images.end; ++i) {
        copy.finish();
        begin_copy(i + 1);
        for (int64_t panel = 0; panel < panels_.count; ++panel)
          write(panel, spread + i % 2 * elements, out_ + i * plan_.out_image(), copy, moments_ ? &found : nullptr);
      }
      stream_fence();
      moments[static_cast<size_t>(omp_get_thread_num())] = std::move(found);
    }
    if (moments_) ColumnMoments::finish(moments, std::max(plan_.out_c, format_of(0).columns), moments_);
  }

 private:
  RowFormat format_of(int64_t panel) const {
    const int64_t width = panels_.width(), columns = std::min(width, plan_.out_c - panel * width);
    RowFormat format{width, plan_.out_step_w * plan_.out_c, columns, 1, false};
    // Two pixels of 16 channels are one row of 32.
    if (plan_.out_c == kRows && plan_.out_step_w == 1 && plan_.out_w % 2 == 0)
      format = {kDepth, kDepth, kDepth, 2, false};
    format.stream = format.columns == kDepth && format.out_step % kDepth == 0 &&
                    reinterpret_cast<uintptr_t>(out_) % kLineBytes == 0 &&
                    plan_.images * plan_.out_image() * kBytes >= kStreamBytes;
    return format;
  }

  /// Computes the columns of a panel for an image.
  void write(int64_t panel, const bf16* spread, bf16* out, SpreadCopy& next, ColumnMoments* moments) const {
    const int64_t width = panels_.width(), column = panel * width;
    alignas(kLineBytes) float sums[2][kMostTiles * kSums];
    const Operands operands{
        plan_.runs.data(),    spread,         plan_.in_step_w * plan_.pixel * kBytes,
        panels_.panel(panel), bias_ + column, ceil_div(next.lines(), std::max<int64_t>(1, chunks_ * panels_.count))};
    const auto multiply = panels_.tiles == 2 ? multiply_two : multiply_four;
    const RowFormat format = format_of(panel);
    PendingRows pending(format, moments, panel * format.sums_step);
    for (size_t g = 0; g < groups_.size(); ++g) {
      multiply(groups_[g], operands, sums[g % 2], pending, next);
      if (moments && g == 0) moments->begin(panel * format.sums_step, format.sums_step, sums[0]);
      pending.write_all();
      pending.set(groups_[g], sums[g % 2], width, out + column);
    }
    pending.write_all();
    if (moments)
      moments->end({panel * format.sums_step, (panel + 1) * format.sums_step},
                   plan_.out_h * plan_.out_w / format.pixels);
  }

  const TilePlan& plan_;
  const Panels& panels_;
  const bf16* in_;
  const float* bias_;
  bf16* out_;
  const ChannelMoments moments_;
  const std::vector<Group> groups_;
  int64_t chunks_ = 0;  // of all steps of an image
};

void convolve_forward(const ConvShape& shape, const bf16* x, const float* w, const float* bias, bf16* y,
                      ChannelMoments moments) {
  const TilePlan plan = TilePlan::forward(shape, TilePlan::Borders::everywhere);
  const Panels panels(plan);
  pack_forward(shape, w, panels);
  std::vector<float> padded_bias(static_cast<size_t>(panels.columns()));
  if (bias) std::copy_n(bias, shape.out_c, padded_bias.begin());
  Convolution(plan, panels, x, padded_bias.data(), y, moments).run();
}

void convolve_backward_input(const ConvShape& shape, const bf16* dy, const float* w, bf16* dx) {
  const TilePlan plan = TilePlan::backward_input(shape, TilePlan::Borders::everywhere);
  const Panels panels(plan);
  pack_backward(shape, w, panels);
  const std::vector<float> no_bias(static_cast<size_t>(panels.columns()));
  Convolution(plan, panels, dy, no_bias.data(), dx, {}).run();
}

}  // namespace

void pixel_conv_forward(const ConvShape& shape, const bf16* x, const float* w, const float* bias, bf16* y,
                        ChannelMoments moments) {
  if (pairs_up(shape)) {
    std::vector<float> twice;
    for (int64_t i = 0; bias && i < 2; ++i) twice.insert(twice.end(), bias, bias + shape.out_c);
    const std::vector<float> weight = weight_of_pairs(shape, w);
    return convolve_forward(shape_of_pairs(shape), x, weight.data(), bias ? twice.data() : nullptr, y, moments);
  }
  convolve_forward(shape, x, w, bias, y, moments);
}

void pixel_conv_backward_input(const ConvShape& shape, const bf16* dy, const float* w, bf16* dx) {
  if (pairs_up(shape)) {
    const std::vector<float> weight = weight_of_pairs(shape, w);
    return convolve_backward_input(shape_of_pairs(shape), dy, weight.data(), dx);
  }
  convolve_backward_input(shape, dy, w, dx);
}

}  // namespace gw::kernels::cpu
