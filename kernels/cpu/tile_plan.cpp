#include "kernels/cpu/tile_plan.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace gw::kernels::cpu {
namespace {

/// One dimension of the computation: which input pixel tap k of output position o reads.
struct Axis {
  int64_t outputs, inputs, kernel, stride, pad, dilation;
  bool backward;

  /// May lie outside the image. Nothing, if the tap falls between the pixels.
  std::optional<int64_t> source(int64_t o, int64_t k) const {
    if (!backward) return o * stride + k * dilation - pad;
    const int64_t at = o + pad - k * dilation;
    if (at % stride != 0) return std::nullopt;
    return at / stride;
  }

  bool contains(int64_t pixel) const { return pixel >= 0 && pixel < inputs; }

  /// How far taps reach beyond the image, before its first and after its last pixel.
  Range overhang() const {
    Range reach{0, 0};
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t k = 0; k < kernel; ++k)
        if (const auto pixel = source(o, k)) {
          reach.begin = std::max(reach.begin, -*pixel);
          reach.end = std::max(reach.end, *pixel - (inputs - 1));
        }
    return reach;
  }
};

// Output columns of a backward pass rise as kw falls, and with a stride only every stride-th tap meets the same input
// column. In this order the taps of one input column are neighbours on both sides.
std::vector<int64_t> order_of_taps(const Axis& w) {
  std::vector<int64_t> order(static_cast<size_t>(w.kernel));
  std::iota(order.begin(), order.end(), 0);
  if (!w.backward) return order;
  std::reverse(order.begin(), order.end());
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return a % w.stride < b % w.stride; });
  return order;
}

class Builder {
 public:
  Builder(TilePlan& plan, const Axis& h, const Axis& w, TilePlan::Borders borders) : plan_(plan), h_(h), w_(w) {
    // A chunk should be full of channels. Where they are few, neighbouring taps share one, and as the same ones must do
    // so at all positions, a border of zeros keeps them there; else taps that read outside the image are left out.
    most_taps_ = std::max<int64_t>(1, tile::kDepth / plan.in_c);
    bordered_ = most_taps_ > 1 || borders == TilePlan::Borders::everywhere;
    plan.pixel = ceil_div(plan.in_c, tile::kDepth) * tile::kDepth;
    const Range vertical = bordered_ ? h.overhang() : Range{0, 0}, across = bordered_ ? w.overhang() : Range{0, 0};
    plan.top = vertical.begin, plan.bottom = vertical.end, plan.left = across.begin, plan.right = across.end;
    plan.tap_order = order_of_taps(w);
    const bool phases = borders == TilePlan::Borders::everywhere;
    const int64_t rows = phases ? plan.out_step_h : h.outputs, columns = phases ? plan.out_step_w : w.outputs;
    for (int64_t oh = 0; oh < rows; ++oh)
      for (int64_t ow = 0; ow < columns; ++ow) {
        plan.first.push_back(static_cast<int64_t>(plan.steps.size()));
        add_position(oh, ow);
      }
    plan.first.push_back(static_cast<int64_t>(plan.steps.size()));
  }

 private:
  void add_position(int64_t oh, int64_t ow) {
    for (int64_t kh = 0; kh < h_.kernel; ++kh) {
      const auto ih = h_.source(oh, kh);
      if (!ih || !(bordered_ || h_.contains(*ih))) continue;
      for (int64_t i = 0; i < w_.kernel; ++i) {
        const auto iw = w_.source(ow, plan_.tap_order[static_cast<size_t>(i)]);
        if (iw && (bordered_ || w_.contains(*iw)))
          add_tap((*ih + plan_.top) * plan_.spread_row() + (*iw + plan_.left) * plan_.pixel, kh * w_.kernel + i);
      }
      end_run();
    }
  }

  void add_tap(int64_t input, int64_t tap) {
    const int64_t row = tap * plan_.in_c;
    const bool continues =
        taps_ > 0 && taps_ < most_taps_ && input_ + taps_ * plan_.pixel == input && row_ + taps_ * plan_.in_c == row;
    if (!continues) {
      end_run();
      input_ = input, row_ = row;
    }
    ++taps_;
  }

  void end_run() {
    if (taps_ == 0) return;
    const int64_t length = taps_ * plan_.in_c;
    auto& runs = plan_.runs;
    auto at =
        std::find_if(runs.begin(), runs.end(), [&](const auto& r) { return r.row == row_ && r.length == length; });
    if (at == runs.end()) {
      at = runs.insert(runs.end(), {row_, length, plan_.chunks});
      plan_.chunks += at->chunks();
    }
    plan_.steps.push_back({input_, at - runs.begin()});
    taps_ = 0;
  }

  TilePlan& plan_;
  const Axis &h_, &w_;
  int64_t most_taps_;
  bool bordered_;
  int64_t input_ = 0, row_ = 0, taps_ = 0;  // of the run in the making
};

Axis axis(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation, bool backward) {
  return backward ? Axis{in, out, kernel, stride, pad, dilation, true}
                  : Axis{out, in, kernel, stride, pad, dilation, false};
}

TilePlan make_plan(const ConvShape& s, bool backward, TilePlan::Borders borders) {
  TilePlan plan{};
  const Axis h = axis(s.in_h, s.out_h, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h, backward);
  const Axis w = axis(s.in_w, s.out_w, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w, backward);
  plan.images = s.n;
  plan.in_c = backward ? s.out_c : s.in_c, plan.in_h = h.inputs, plan.in_w = w.inputs;
  plan.out_c = backward ? s.in_c : s.out_c, plan.out_h = h.outputs, plan.out_w = w.outputs;
  plan.out_step_h = backward ? s.stride_h : 1, plan.out_step_w = backward ? s.stride_w : 1;
  plan.in_step_h = backward ? 1 : s.stride_h, plan.in_step_w = backward ? 1 : s.stride_w;
  Builder(plan, h, w, borders);
  return plan;
}

}  // namespace

TilePlan TilePlan::forward(const ConvShape& s, Borders borders) { return make_plan(s, false, borders); }
TilePlan TilePlan::backward_input(const ConvShape& s, Borders borders) { return make_plan(s, true, borders); }

}  // namespace gw::kernels::cpu
