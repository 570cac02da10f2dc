#include "data/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "tensor/creation.h"

namespace gw {
namespace {

constexpr int kFraction = 22;  // bits of a weight: a byte times a weight, and the sum of them, fit into 32

struct Kernel {
  double reach;  ///< zero beyond, in pixels of the source at scale 1
  double (*weight)(double distance);
};

double sinc(double x) {
  if (x == 0) return 1;
  return std::sin(x * std::numbers::pi) / (x * std::numbers::pi);
}

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::box:
      return {0.5, [](double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }};
    case Filter::bicubic:
      return {2, [](double x) {
                constexpr double a = -0.5;
                x = std::abs(x);
                if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
                return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
              }};
    case Filter::lanczos:
      return {3, [](double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0.0; }};
    case Filter::nearest:
    case Filter::bilinear:
      break;
  }
  return {1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }};
}

/// What each place of a resized line is made of: `count` neighbours from `first` on, with weights of kFraction bits.
struct Taps {
  std::vector<int64_t> first, count;
  std::vector<int32_t> weights;  ///< `most` for each place
  int64_t most = 0;

  const int32_t* of(int64_t place) const { return &weights[static_cast<size_t>(place * most)]; }
};

Taps make_taps(const Kernel& kernel, int64_t from, double begin, double end, int64_t to) {
  const double scale = (end - begin) / static_cast<double>(to), wider = std::max(scale, 1.0);
  const double reach = kernel.reach * wider;
  Taps taps;
  taps.most = static_cast<int64_t>(std::ceil(reach)) * 2 + 1;
  taps.weights.assign(static_cast<size_t>(to * taps.most), 0);
  std::vector<double> exact(static_cast<size_t>(taps.most));
  for (int64_t place = 0; place < to; ++place) {
    const double center = begin + (static_cast<double>(place) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(center - reach + 0.5));
    const auto count = std::min(from, static_cast<int64_t>(center + reach + 0.5)) - first;
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      exact[static_cast<size_t>(i)] = kernel.weight((static_cast<double>(i + first) - center + 0.5) / wider);
      sum += exact[static_cast<size_t>(i)];
    }
    for (int64_t i = 0; i < count; ++i) {
      const double weight = (sum != 0 ? exact[static_cast<size_t>(i)] / sum : 0) * (1 << kFraction);
      taps.weights[static_cast<size_t>(place * taps.most + i)] =
          static_cast<int32_t>(weight + (weight < 0 ? -0.5 : 0.5));
    }
    taps.first.push_back(first);
    taps.count.push_back(count);
  }
  return taps;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFraction, 0, 255)); }
constexpr int32_t kHalf = 1 << (kFraction - 1);

/// Lines of `from` bytes as lines of taps.first.size().
std::vector<uint8_t> filter_lines(const uint8_t* source, int64_t lines, int64_t from, const Taps& taps) {
  const auto to = static_cast<int64_t>(taps.first.size());
  std::vector<uint8_t> out(static_cast<size_t>(lines * to));
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t x = 0; x < to; ++x) {
      const uint8_t* const in = source + line * from + taps.first[static_cast<size_t>(x)];
      const int32_t* const weight = taps.of(x);
      int32_t sum = kHalf;
      for (int64_t i = 0; i < taps.count[static_cast<size_t>(x)]; ++i) sum += in[i] * weight[i];
      out[static_cast<size_t>(line * to + x)] = to_byte(sum);
    }
  }
  return out;
}

/// The same across lines: each new line is a sum of old ones.
void filter_across(uint8_t* out, const uint8_t* source, int64_t width, const Taps& taps) {
  std::vector<int32_t> sums(static_cast<size_t>(width));
  for (int64_t y = 0; y < static_cast<int64_t>(taps.first.size()); ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int64_t i = 0; i < taps.count[static_cast<size_t>(y)]; ++i) {
      const uint8_t* const line = source + (taps.first[static_cast<size_t>(y)] + i) * width;
      const int32_t weight = taps.of(y)[i];
      for (int64_t x = 0; x < width; ++x) sums[static_cast<size_t>(x)] += line[x] * weight;
    }
    for (int64_t x = 0; x < width; ++x) out[y * width + x] = to_byte(sums[static_cast<size_t>(x)]);
  }
}

void resize_nearest(uint8_t* out, const uint8_t* in, int64_t in_width, int64_t height, int64_t width, const Box& box) {
  const double step_x = (box.right - box.left) / static_cast<double>(width);
  const double step_y = (box.bottom - box.top) / static_cast<double>(height);
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* const line = in + static_cast<int64_t>(box.top + (static_cast<double>(y) + 0.5) * step_y) * in_width;
    for (int64_t x = 0; x < width; ++x)
      out[y * width + x] = line[static_cast<int64_t>(box.left + (static_cast<double>(x) + 0.5) * step_x)];
  }
}

void check(const Tensor& image, int64_t height, int64_t width, const Box& box) {
  if (image.dim() != 3 || image.dtype() != DType::u8 || image.numel() == 0 || image.device().is_cuda())
    throw ShapeError(fmt::format("resize: expected an image u8 [C, H, W] on the CPU, got {} {}", name_of(image.dtype()),
                                 image.shape().to_string()));
  if (height < 1 || width < 1)
    throw ShapeError(fmt::format("resize: expected a size of at least 1 x 1, got {} x {}", height, width));
  const auto h = static_cast<double>(image.size(1)), w = static_cast<double>(image.size(2));
  if (!(box.left >= 0 && box.top >= 0 && box.left < box.right && box.top < box.bottom && box.right <= w &&
        box.bottom <= h))
    throw ConfigError(
        fmt::format("resize: expected a box within {} x {} pixels, got left {}, top {}, right {}, bottom {}", w, h,
                    box.left, box.top, box.right, box.bottom));
}

}  // namespace

Tensor resize(const Tensor& image, int64_t height, int64_t width, Filter filter, const Box& box) {
  check(image, height, width, box);
  const int64_t channels = image.size(0), in_height = image.size(1), in_width = image.size(2);
  const Tensor source = image.contiguous(), out = empty({channels, height, width}, {.dtype = DType::u8});
  const bool same_columns = in_width == width && box.left == 0 && box.right == static_cast<double>(in_width);
  const bool same_lines = in_height == height && box.top == 0 && box.bottom == static_cast<double>(in_height);
  if (same_columns && same_lines) return source.clone();

  const Kernel kernel = kernel_of(filter);
  const Taps columns = make_taps(kernel, in_width, box.left, box.right, width);
  Taps lines = make_taps(kernel, in_height, box.top, box.bottom, height);
  // Only lines that some result needs are filtered.
  const int64_t first = same_lines ? 0 : lines.first.front();
  const int64_t last = same_lines ? in_height : lines.first.back() + lines.count.back();
  for (int64_t& line : lines.first) line -= first;
  for (int64_t c = 0; c < channels; ++c) {
    const uint8_t* in = source.data<uint8_t>() + c * in_height * in_width;
    uint8_t* const to = out.data<uint8_t>() + c * height * width;
    if (filter == Filter::nearest) {
      resize_nearest(to, in, in_width, height, width, box);
      continue;
    }
    in += first * in_width;
    std::vector<uint8_t> narrow;
    if (!same_columns) {
      narrow = filter_lines(in, last - first, in_width, columns);
      in = narrow.data();
    }
    if (same_lines)
      std::copy_n(in, height * width, to);
    else
      filter_across(to, in, width, lines);
  }
  return out;
}

Tensor resize(const Tensor& image, int64_t height, int64_t width, Filter filter) {
  const auto side = [&](int64_t i) { return image.dim() == 3 ? static_cast<double>(image.size(i)) : 0.0; };
  return resize(image, height, width, filter, {0, 0, side(2), side(1)});
}

}  // namespace gw
