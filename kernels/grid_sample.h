// Reading images at any places, between pixels: what rotations, zooms and spatial transformers (Jaderberg et al. 2015)
// are made of.
#pragma once

#include "tensor/tensor.h"

namespace gw {

enum class SampleMode { bilinear, nearest };
/// What lies outside of an image.
enum class SamplePadding {
  zeros,
  border,      ///< the nearest pixel
  reflection,  ///< the image mirrored at its border
};

struct GridSampleOptions {
  SampleMode mode = SampleMode::bilinear;
  SamplePadding padding = SamplePadding::zeros;
  /// -1 and 1 stand for the middles of the outermost pixels; else for their outer edges, as in PyTorch by default.
  bool align_corners = false;
};

}  // namespace gw

namespace gw::kernels {

/// x [N, C, H, W] (f32 or bf16) at the places grid [N, P, Q, 2] (f32), whose last dimension is (x, y) from -1 to 1:
/// [N, C, P, Q] in channels-last memory. ShapeError for shapes that do not fit and for images without pixels.
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& o);

struct GridSampleGradients {
  Tensor x;     ///< in x's dtype
  Tensor grid;  ///< f32
};
/// Gradients of both from dy [N, C, P, Q]. Sums in f32 and in a fixed order, so that they repeat bit for bit.
GridSampleGradients grid_sample_backward(const Tensor& dy, const Tensor& x, const Tensor& grid,
                                         const GridSampleOptions& o);

}  // namespace gw::kernels
