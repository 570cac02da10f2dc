#include "kernels/cpu/tile_conv.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cpu/bf16_round.h"
#include "kernels/cpu/range.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/tile_layout.h"
#include "kernels/cpu/tile_plan.h"
#include "kernels/cpu/tile_weights.h"

namespace gw::kernels::cpu {
namespace {

using tile::kDepth;
using tile::kElements;
using tile::kRows;

// Panels that are used together and what a tile of images takes: both stay in a 2 MB L2 cache.
constexpr int64_t kPanelBlockBytes = 1 << 20, kImagesBytes = 512 << 10;
constexpr int64_t kTileImages = 2 * kRows;

/// What an output position sums: `count` steps over images at `images`, `stride` bytes apart, and a panel.
struct Operands {
  const TilePlan::Step* steps;
  int64_t count;
  const TilePlan::Run* runs;
  const bf16* images;
  int64_t stride;
  const bf16* panel;
  const float* bias;  ///< what the sums of each column start from
};

/// Sums on their way into the output: a row of BTiles * 16 for each image.
template <int BTiles>
struct PendingRows {
  static constexpr int64_t kWidth = BTiles * kRows;
  const float* sums = nullptr;
  bf16* out = nullptr;
  int64_t out_image = 0;  ///< elements from image to image of `out`
  int64_t columns = 0;    ///< of a row that `out` has
  int64_t rows = 0;       ///< left to write

  /// Writes the next `count` rows, or as many as there are.
  void write(int64_t count) {
    count = std::min(count, rows);
    rows -= count;
    for (; count > 0; --count, sums += kWidth, out += out_image)
      columns == kWidth ? round_run(out, sums, kWidth) : round_run(out, sums, columns);
  }
  void write_all() { write(rows); }
};

/// The sums for ATiles * 16 images and BTiles * 16 columns, row by row. Meanwhile rows of the `previous` sums are
/// written: the processor does both at once.
template <int ATiles, int BTiles>
void multiply(const Operands& o, float* sums, PendingRows<BTiles>& previous) {
  constexpr int64_t kSameRow = 0;
  tile::load<0>(o.bias, kSameRow);
  if constexpr (BTiles > 1) tile::load<1>(o.bias + kRows, kSameRow);
  if constexpr (ATiles > 1) tile::load<2>(o.bias, kSameRow);
  if constexpr (ATiles > 1 && BTiles > 1) tile::load<3>(o.bias + kRows, kSameRow);
  for (int64_t i = 0; i < o.count; ++i) {
    const TilePlan::Run& run = o.runs[o.steps[i].run];
    const bf16* a = o.images + o.steps[i].input;
    const bf16* b = o.panel + run.first_chunk * BTiles * kElements;
    for (int64_t c = run.chunks(); c > 0; --c, a += kDepth, b += BTiles * kElements) {
      tile::load<4>(a, o.stride);
      tile::load<6>(b, tile::kRowBytes);
      tile::multiply_add<0, 4, 6>();
      if constexpr (BTiles > 1) {
        tile::load<7>(b + kElements, tile::kRowBytes);
        tile::multiply_add<1, 4, 7>();
      }
      if constexpr (ATiles > 1) {
        tile::load<5>(reinterpret_cast<const char*>(a) + kRows * o.stride, o.stride);
        tile::multiply_add<2, 5, 6>();
      }
      if constexpr (ATiles > 1 && BTiles > 1) tile::multiply_add<3, 5, 7>();
      previous.write(2);
    }
  }
  constexpr int64_t kStride = BTiles * tile::kRowBytes;
  tile::store<0>(sums, kStride);
  if constexpr (BTiles > 1) tile::store<1>(sums + kRows, kStride);
  if constexpr (ATiles > 1) tile::store<2>(sums + kRows * BTiles * kRows, kStride);
  if constexpr (ATiles > 1 && BTiles > 1) tile::store<3>(sums + kRows * BTiles * kRows + kRows, kStride);
}

/// Runs a plan: panels in blocks that stay in the L2 cache, images in tiles, output rows in bands whose input does too.
class Convolution {
 public:
  /// `bias` has a number for every column of the panels.
  Convolution(const TilePlan& plan, const Panels& panels, const bf16* in, const float* bias, bf16* out)
      : plan_(plan), panels_(panels), in_(in), bias_(bias), out_(out) {
    const int64_t most_threads = omp_get_max_threads();
    const int64_t panels_bytes = panels.count * panels.panel_elements() * kBytes;
    blocks_ = ceil_div(panels.count, ceil_div(panels.count, ceil_div(panels_bytes, kPanelBlockBytes)));
    // As many tiles for each thread, if need be lower ones. A row's sum does not depend on the height of its tile.
    const int64_t full = ceil_div(plan.images, kTileImages);
    tiles_ = std::min(plan.images, ceil_div(full, most_threads) * most_threads);
    const int64_t spread_bytes = plan.spread_row() * plan.spread_rows() * kBytes;
    bands_ = std::min(plan.out_h, ceil_div(spread_bytes * kTileImages, kImagesBytes));
    int64_t most_rows = 0;
    for (int64_t band = 0; band < bands_; ++band) {
      input_rows_.push_back(rows_read_by(output_rows(band)));
      most_rows = std::max(most_rows, input_rows_.back().size());
    }
    for (const TilePlan::Run& run : plan.runs) longest_run_ = std::max(longest_run_, run.length);
    // An odd number of lines, as images whose rows share cache sets would drive each other out.
    stride_ = (most_rows * plan.spread_row() / kDepth | 1) * kDepth;
  }

  void run() const {
    const Scratch copies(omp_get_max_threads() * kTileImages * stride_ / 2);
#pragma omp parallel
    {
      const tile::Registers registers;
      const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
      bf16* copy = reinterpret_cast<bf16*>(copies.data()) + thread * kTileImages * stride_;
      const int64_t tasks = ceil_div(blocks_ * tiles_ - thread, threads) * bands_;
      for (int64_t i = 0; i < tasks; ++i) run_task(task_of(thread + i / bands_ * threads, i % bands_), copy);
    }
  }

 private:
  static constexpr auto kBytes = static_cast<int64_t>(sizeof(bf16));

  /// A tile of images, a band of output rows, a block of panels, each as a range, and the rows of the images that they
  /// read.
  struct Task {
    Range images, outputs, panels, inputs;
  };

  Task task_of(int64_t index, int64_t band) const {
    return {part(plan_.images, index % tiles_, tiles_), output_rows(band), part(panels_.count, index / tiles_, blocks_),
            input_rows_[static_cast<size_t>(band)]};
  }

  Range output_rows(int64_t band) const { return part(plan_.out_h, band, bands_); }

  /// The rows of a spread image that so many output rows read.
  Range rows_read_by(Range outputs) const {
    const auto step_of = [&](int64_t row) { return plan_.first[static_cast<size_t>(row * plan_.out_w)]; };
    Range range{plan_.spread_rows(), 0};
    for (int64_t i = step_of(outputs.begin); i < step_of(outputs.end); ++i) {
      const int64_t row = plan_.steps[static_cast<size_t>(i)].input / plan_.spread_row();
      range = {std::min(range.begin, row), std::max(range.end, row + 1)};
    }
    return range.size() > 0 ? range : Range{0, 0};
  }

  /// The rows of the original image among those of a spread one.
  Range original_rows(Range spread) const {
    return {std::max<int64_t>(0, spread.begin - plan_.top), std::min(plan_.in_h, spread.end - plan_.top)};
  }

  void run_task(const Task& task, bf16* copy) const {
    copy_images(task, copy);
    const bool two = task.images.size() > kRows;
    if (panels_.tiles == 2)
      two ? write<2, 2>(task, copy) : write<1, 2>(task, copy);
    else
      two ? write<2, 1>(task, copy) : write<1, 1>(task, copy);
  }

  /// Computes the output positions of a task for the columns of its panels.
  template <int ATiles, int BTiles>
  void write(const Task& task, const bf16* copy) const {
    constexpr int64_t kWidth = BTiles * kRows;
    alignas(64) float sums[2][ATiles * kRows * kWidth];
    int turn = 0;
    PendingRows<BTiles> pending;
    Operands o{};
    o.runs = plan_.runs.data();
    o.images = copy - task.inputs.begin * plan_.spread_row();
    o.stride = stride_ * kBytes;
    for (int64_t p = task.outputs.begin * plan_.out_w; p < task.outputs.end * plan_.out_w; ++p) {
      const int64_t first = plan_.first[static_cast<size_t>(p)];
      o.steps = plan_.steps.data() + first;
      o.count = plan_.first[static_cast<size_t>(p) + 1] - first;
      for (int64_t i = task.panels.begin; i < task.panels.end; ++i) {
        o.panel = panels_.panel(i);
        const int64_t column = i * kWidth;
        o.bias = bias_ + column;
        bf16* out = out_ + task.images.begin * plan_.out_image() + p * plan_.out_c + column;
        multiply<ATiles, BTiles>(o, sums[turn], pending);
        pending.write_all();
        pending = {sums[turn], out, plan_.out_image(), std::min(kWidth, plan_.out_c - column), task.images.size()};
        turn = 1 - turn;
      }
    }
    pending.write_all();
  }

  void copy_images(const Task& task, bf16* copy) const {
    const int64_t row = plan_.in_w * plan_.in_c, spread_row = plan_.spread_row();
    const Range rows = original_rows(task.inputs);
    for (int64_t i = 0; i < task.images.size(); ++i) {
      const bf16* image = in_ + (task.images.begin + i) * plan_.in_image();
      bf16* to = copy + i * stride_;
      if (spread_row == row) {
        copy_ahead(image + rows.begin * row, rows.size() * row, to);
        continue;
      }
      for (int64_t h = task.inputs.begin - plan_.top; h < task.inputs.end - plan_.top; ++h, to += spread_row) {
        if (h < rows.begin || h >= rows.end)
          std::fill_n(to, spread_row, bf16(0.0f));
        else if (plan_.in_c >= kDepth)
          pad_pixels(image + h * row, to);
        else
          share_lines(image + h * row, to);
      }
    }
  }

  /// Copies whole lines, reading half a page ahead and, at the end, into the next image.
  void copy_ahead(const bf16* from, int64_t elements, bf16* to) const {
    constexpr int64_t kAhead = 1024;
    const bf16* ahead = from + std::min(kAhead, elements);
    int64_t left = elements - std::min(kAhead, elements);
    for (int64_t i = 0; i < elements; i += kDepth, ahead += kDepth, left -= kDepth) {
      if (left <= 0) ahead += plan_.in_image() - elements, left = elements;
      __builtin_prefetch(ahead);
      tile::copy_line(from + i, to + i);
    }
  }

  void pad_pixels(const bf16* row, bf16* to) const {
    for (int64_t w = 0; w < plan_.in_w; ++w, row += plan_.in_c, to += plan_.pixel) {
      std::copy_n(row, plan_.in_c, to);
      std::fill(to + plan_.in_c, to + plan_.pixel, bf16(0.0f));
    }
  }

  /// A line has room for more than a pixel, and those that follow it share it. Of a line only as much is used as the
  /// longest run has; the rest meets weights of zero, so that any numbers may lie there (but zero times infinity is
  /// NaN, so that an infinite pixel can make NaN of neighbours beyond the kernel's reach).
  void share_lines(const bf16* row, bf16* to) const {
    const int64_t length = plan_.in_w * plan_.in_c, lines = plan_.spread_row() / kDepth;
    const int64_t input_end = in_ + plan_.images * plan_.in_image() - row;
    for (int64_t w = 0; w < lines; ++w, to += kDepth) {
      const int64_t begin = (w - plan_.left) * plan_.in_c;
      if (begin >= 0 && begin + longest_run_ <= length && begin + kDepth <= input_end) {
        tile::copy_line(row + begin, to);
        continue;
      }
      const Range used{std::max<int64_t>(0, begin), std::min(length, begin + kDepth)};
      std::fill_n(to, kDepth, bf16(0.0f));
      if (used.size() > 0) std::copy_n(row + used.begin, used.size(), to + (used.begin - begin));
    }
  }

  const TilePlan& plan_;
  const Panels& panels_;
  const bf16* in_;
  const float* bias_;
  bf16* out_;
  int64_t blocks_, tiles_, bands_, stride_, longest_run_ = 0;
  std::vector<Range> input_rows_;  // of each band
};

}  // namespace

void tile_conv_forward(const ConvShape& shape, const bf16* x, const float* w, const float* bias, bf16* y) {
  const TilePlan plan = TilePlan::forward(shape, TilePlan::Borders::where_needed);
  const Panels panels(plan);
  pack_forward(shape, w, panels);
  std::vector<float> padded_bias(static_cast<size_t>(panels.columns()));
  if (bias) std::copy_n(bias, shape.out_c, padded_bias.begin());
  Convolution(plan, panels, x, padded_bias.data(), y).run();
}

void tile_conv_backward_input(const ConvShape& shape, const bf16* dy, const float* w, bf16* dx) {
  const TilePlan plan = TilePlan::backward_input(shape, TilePlan::Borders::where_needed);
  const Panels panels(plan);
  pack_backward(shape, w, panels);
  const std::vector<float> no_bias(static_cast<size_t>(panels.columns()));
  Convolution(plan, panels, dy, no_bias.data(), dx).run();
}

}  // namespace gw::kernels::cpu
