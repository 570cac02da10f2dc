// Canvas: a picture to draw images and text on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

struct Color {
  uint8_t r, g, b;
};

/// Pixels in red, green and blue, white at first. What is drawn outside is cut off.
class Canvas {
 public:
  Canvas(int width, int height);
  int width() const { return width_; }
  int height() const { return height_; }
  Color at(int x, int y) const;

  void fill_rect(int x, int y, int width, int height, Color color);
  /// An image of bytes, u8 [1 or 3, H, W] on the CPU, each of its pixels as a square of `scale` pixels.
  void draw_image(int x, int y, const Tensor& image, int scale);
  /// A line of text whose upper left corner is (x, y), about 7 * scale pixels high. Other characters than those of
  /// ASCII show as '?'.
  void draw_text(int x, int y, const std::string& text, int scale, Color color = {40, 40, 40});

  /// The bytes of a PNG file.
  std::string png() const;

 private:
  int width_, height_;
  std::vector<Color> pixels_;
};

/// Width in pixels of a line of text.
int text_width(const std::string& text, int scale);
/// The text, cut and ended by ".." if it is wider.
std::string fitting_text(const std::string& text, int scale, int width);

}  // namespace gw
