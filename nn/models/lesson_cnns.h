// The plain convolutional nets of the course's part 2 of 2019: that of lessons 9 and 10 for MNIST, and that of lesson
// 11 for Imagenette. Each layer is a convolution, an activation (ReLU unless the options say otherwise) and then a
// norm; convolutions have no bias if there are norms; a global average pool and a linear layer make the classes, so
// that images may have any size. Weights start Kaiming normal (fan in). ConfigError for options of residual blocks.
#pragma once

#include "nn/models/model_options.h"
#include "nn/sequential.h"

namespace gw {

/// Lessons 9 and 10: convolutions to 8 (5x5), 16, 32 and 32 channels (3x3), each of stride 2.
Sequential small_cnn(const ModelOptions& o = {});

/// Lesson 11: 3x3 convolutions to l channels at stride 1, then at stride 2 to 2 l, 4 l, 64, 64, 128 and 256. l is
/// prev_pow_2(9 in_channels): each output of the first layer then has fewer numbers than the pixels it is made of.
Sequential imagenette_cnn(const ModelOptions& o = {});

/// The largest power of two that is not above n. ConfigError for n below 1.
int64_t prev_pow_2(int64_t n);

}  // namespace gw
