#include "train/plots/canvas.h"

#include <fmt/format.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_easy_font.h>
#include <stb/stb_image_write.h>

#include <algorithm>
#include <cstring>

namespace gw {
namespace {

/// What stb_easy_font knows: one line of ASCII.
std::string plain(const std::string& text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xc0) == 0x80;  // of a character of several bytes, the first one is enough
    if (!continues) out += byte >= ' ' && byte < 127 ? c : '?';
  }
  return out;
}

}  // namespace

Canvas::Canvas(int width, int height)
    : width_(width),
      height_(height),
      pixels_(static_cast<size_t>(width) * static_cast<size_t>(height), {255, 255, 255}) {}

Color Canvas::at(int x, int y) const {
  if (x < 0 || y < 0 || x >= width_ || y >= height_)
    throw ShapeError(fmt::format("Canvas: no pixel ({}, {}) in {} x {}", x, y, width_, height_));
  return pixels_[static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)];
}

void Canvas::fill_rect(int x, int y, int width, int height, Color color) {
  const int x0 = std::max(x, 0), x1 = std::min(x + width, width_);
  for (int row = std::max(y, 0); row < std::min(y + height, height_); ++row)
    for (int column = x0; column < x1; ++column)
      pixels_[static_cast<size_t>(row) * static_cast<size_t>(width_) + static_cast<size_t>(column)] = color;
}

void Canvas::draw_image(int x, int y, const Tensor& image, int scale) {
  if (image.dim() != 3 || (image.size(0) != 1 && image.size(0) != 3) || image.dtype() != DType::u8)
    throw ShapeError(fmt::format("Canvas: expected a u8 image [1 or 3, H, W], got {} {}", name_of(image.dtype()),
                                 image.shape().to_string()));
  const Tensor bytes = image.contiguous();
  const uint8_t* value = bytes.data<uint8_t>();
  const int64_t height = image.size(1), width = image.size(2), plane = image.size(0) == 3 ? height * width : 0;
  for (int64_t i = 0; i < height * width; ++i)
    fill_rect(x + static_cast<int>(i % width) * scale, y + static_cast<int>(i / width) * scale, scale, scale,
              {value[i], value[i + plane], value[i + 2 * plane]});
}

void Canvas::draw_text(int x, int y, const std::string& text, int scale, Color color) {
  struct Vertex {
    float x, y, z;
    unsigned char color[4];
  };
  std::string line = plain(text);
  std::vector<Vertex> vertices(line.size() * 100 + 4);
  const int quads = stb_easy_font_print(0, 0, line.data(), nullptr, vertices.data(),
                                        static_cast<int>(vertices.size() * sizeof(Vertex)));
  for (int q = 0; q < quads; ++q) {
    const Vertex &first = vertices[static_cast<size_t>(q) * 4], &opposite = vertices[static_cast<size_t>(q) * 4 + 2];
    fill_rect(x + static_cast<int>(first.x) * scale, y + static_cast<int>(first.y) * scale,
              static_cast<int>(opposite.x - first.x) * scale, static_cast<int>(opposite.y - first.y) * scale, color);
  }
}

std::string Canvas::png() const {
  std::string bytes;
  const auto append = [](void* out, void* data, int size) {
    static_cast<std::string*>(out)->append(static_cast<const char*>(data), static_cast<size_t>(size));
  };
  if (!stbi_write_png_to_func(append, &bytes, width_, height_, 3, pixels_.data(), width_ * 3))
    throw Error("Canvas: the picture could not be encoded");
  return bytes;
}

int text_width(const std::string& text, int scale) {
  std::string line = plain(text);
  return stb_easy_font_width(line.data()) * scale;
}

std::string fitting_text(const std::string& text, int scale, int width) {
  if (text_width(text, scale) <= width) return text;
  std::string cut = text;
  while (!cut.empty() && text_width(cut + "..", scale) > width) cut.pop_back();
  return cut + "..";
}

}  // namespace gw
