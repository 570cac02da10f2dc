#include "train/plots/image_grid.h"

#include <fmt/format.h>

#include <algorithm>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {

Canvas image_grid(const Tensor& images, const std::vector<ImageTitle>& titles, const ImageGridOptions& o) {
  if (images.dim() != 4)
    throw ShapeError(fmt::format("image_grid: expected images [N, C, H, W], got {}", images.shape().to_string()));
  if (!titles.empty() && static_cast<int64_t>(titles.size()) != images.size(0))
    throw ShapeError(fmt::format("image_grid: {} titles for {} images", titles.size(), images.size(0)));
  constexpr int kSeen = 112, kGap = 12, kTextScale = 2, kLine = 22;
  constexpr Color kBlack{40, 40, 40}, kRed{200, 30, 30};
  const int64_t n = images.size(0), columns = std::max<int64_t>(1, std::min(o.columns, n));
  const int64_t rows = (n + columns - 1) / columns;
  const int scale = std::max(1, kSeen / static_cast<int>(std::max<int64_t>(images.size(2), images.size(3))));
  const int width = static_cast<int>(images.size(3)) * scale, height = static_cast<int>(images.size(2)) * scale;
  // Wide enough for all titles, unless some are very long.
  int cell_width = width;
  for (const ImageTitle& title : titles)
    cell_width = std::max(cell_width, std::min(2 * width, text_width(title.text, kTextScale)));
  cell_width += kGap;
  const int cell_height = height + kGap + (titles.empty() ? 0 : kLine);
  int left = kGap;
  for (const std::string& title : o.row_titles) left = std::max(left, text_width(title, kTextScale) + 2 * kGap);
  const int top = o.title.empty() ? kGap : 2 * kGap + kLine;
  const int least = text_width(o.title, kTextScale) + 2 * kGap;

  Canvas canvas(std::max(least, left + static_cast<int>(columns) * cell_width),
                top + static_cast<int>(rows) * cell_height);
  canvas.draw_text(kGap, kGap, o.title, kTextScale);
  for (int64_t i = 0; i < n; ++i) {
    const int x = left + static_cast<int>(i % columns) * cell_width,
              y = top + static_cast<int>(i / columns) * cell_height;
    const auto row = static_cast<size_t>(i / columns);
    if (i % columns == 0 && row < o.row_titles.size())
      canvas.draw_text(kGap, y + cell_height / 2 - kLine / 2, o.row_titles[row], kTextScale);
    if (!titles.empty()) {
      const auto& [text, wrong] = titles[static_cast<size_t>(i)];
      canvas.draw_text(x, y, fitting_text(text, kTextScale, cell_width - 4), kTextScale, wrong ? kRed : kBlack);
    }
    canvas.draw_image(x, y + (titles.empty() ? 0 : kLine), images.select(0, i), scale);
  }
  return canvas;
}

Tensor visible_images(const Tensor& x, const ImageDataset& dataset) {
  const NoGrad no_grad;
  const auto channels = static_cast<int64_t>(dataset.mean.size());
  if (x.dim() != 4 || x.size(1) != channels)
    throw ShapeError(fmt::format("visible_images: expected [N, {}, H, W], got {}", channels, x.shape().to_string()));
  const Tensor mean = from_values(dataset.mean, {1, channels, 1, 1}),
               std = from_values(dataset.std, {1, channels, 1, 1});
  const Tensor unit = x.detach().to(kCpu).to(DType::f32) * std + mean;
  return (unit * 255 + 0.5).clamp(0, 255).to(DType::u8).contiguous();
}

}  // namespace gw
