// Random geometry and light: what to do to each image of a batch, drawn and composed into one map.
#pragma once

#include <optional>

#include "kernels/augment.h"
#include "kernels/warp_gather.h"
#include "tensor/random.h"

namespace gw {

/// How much is drawn, each uniformly; 0 (or a zoom of 1) for nothing of the kind.
struct WarpOptions {
  double rotate = 0;       ///< degrees, to either side
  double zoom = 1;         ///< up to this factor closer
  double translate = 0;    ///< share of height and width, in any direction
  double shear = 0;        ///< degrees by which the vertical slants
  double perspective = 0;  ///< how much nearer one edge may be than the middle
  double brightness = 0;   ///< factors from 1 - x to 1 + x
  double contrast = 0;     ///< the same, around the middle of the range
  double cutout = 0;       ///< side of a hole, as a share of each side of the image (DeVries and Taylor 2017)
  SamplePadding padding = SamplePadding::reflection;
  bool per_image = true;  ///< each image draws its own; else one draw serves the whole batch

  bool any() const;
};

/// ConfigError for options out of their range.
void check(const WarpOptions& o);

/// Rows for kernels::warp_gather for `images` images of height x width, on the CPU: f32 [images, kWarpNumbers]. A crop
/// and flip, if given, becomes part of the map. The generator moves by as many numbers whatever the options.
Tensor draw_warps(const WarpOptions& o, const std::optional<CropFlip>& crop_flip, int64_t images, int64_t height,
                  int64_t width, Generator& generator);

}  // namespace gw
