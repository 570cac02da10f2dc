// Pictures from files, made into what a model expects.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace gw {

/// Reads a PNG or JPEG file as red, green and blue: u8 [3, H, W]. Grey, palettes, 16 bits a channel and CMYK are
/// converted, transparent pixels are laid on white, and of an animation the first picture is taken. IoError, naming the
/// file and the fault, for one that cannot be read, is empty, of another format, damaged, cut short, or larger than 64
/// million pixels.
Tensor read_image(const std::string& path);

/// Whether a picture shows its object dark on bright ground, and so has to be turned into the contrary.
enum class Invert { never, automatic, always };

struct FitImageOptions {
  Invert invert = Invert::automatic;  ///< looks at the corners
  bool trim = true;                   ///< cuts off margins of the ground's colour, so that the object fills the frame
};

/// A picture u8 [3, H, W] of any size as u8 [channels, height, width], made as the pictures of Fashion-MNIST were: grey
/// for one channel (its luma), turned into bright on dark, trimmed, and resized by a triangle filter that takes all
/// pixels into account, its proportions kept by margins of the ground's colour. What has the size already keeps its
/// frame and pixels. ConfigError for other than 1 or 3 channels.
Tensor fit_image(const Tensor& rgb, int64_t channels, int64_t height, int64_t width, const FitImageOptions& o = {});

}  // namespace gw
