// Where augmented images read from, pixel by pixel, and the random draws that decide it. An item is the number of an
// image, or 0 for all images of a batch that share one draw.
#pragma once

#include "kernels/augment.h"
#include "kernels/math/philox.h"

namespace gw::math {

/// A place in an image; outside of the image it stands for a pixel of zeros.
struct Pixel {
  int64_t y, x;
};

/// Uniform in 0 .. count - 1 from one word.
GW_HOST_DEVICE inline int64_t uniform_index(uint32_t word, int64_t count) {
  return static_cast<int64_t>(uint64_t{word} * static_cast<uint64_t>(count) >> 32);
}

// --- random crop with padding, and horizontal flip

/// How one image is shifted and mirrored.
struct CropFlipDraw {
  int64_t dy, dx;  ///< the crop's corner in the image, from -padding to padding
  bool mirrored;   ///< after the crop
};

/// Item i reads block i of the stream: a word each for the row, the column and the flip.
GW_HOST_DEVICE inline CropFlipDraw draw_crop_flip(PhiloxState state, int64_t item, const CropFlipOptions& o) {
  const PhiloxBlock p = philox(state.seed, state.offset + static_cast<uint64_t>(item));
  const int64_t corners = 2 * o.padding + 1;
  return {uniform_index(p.w0, corners) - o.padding, uniform_index(p.w1, corners) - o.padding, uniform(p.w2) < o.flip};
}

/// Where the result's pixel (y, x) comes from in an image of that width.
GW_HOST_DEVICE inline Pixel crop_flip_source(Pixel to, int64_t width, const CropFlipDraw& d) {
  return {to.y + d.dy, (d.mirrored ? width - 1 - to.x : to.x) + d.dx};
}

// --- random erase and random copy: rectangles that are replaced

/// PatchOptions for images of one size, as the loops read them.
struct PatchParams {
  int64_t max_num;
  int64_t height, width;         ///< of a patch: int(pct * H) x int(pct * W)
  float range_y, range_x;        ///< (1 - pct) * H and W: corners are int(uniform * range)
  int64_t largest_y, largest_x;  ///< the last corner from which a patch still fits
};

inline PatchParams patch_params(const PatchOptions& o, int64_t height, int64_t width) {
  const double h = static_cast<double>(height), w = static_cast<double>(width);
  const auto patch_h = static_cast<int64_t>(o.pct * h), patch_w = static_cast<int64_t>(o.pct * w);
  return {o.max_num,
          patch_h,
          patch_w,
          static_cast<float>((1 - o.pct) * h),
          static_cast<float>((1 - o.pct) * w),
          height - patch_h,
          width - patch_w};
}

/// A rectangle to be replaced, and the one that random copy puts there, by their corners.
struct Patch {
  Pixel to, from;
};

/// Blocks of the stream that an item reads: one for its number of patches, then one for each patch.
GW_HOST_DEVICE inline int64_t patch_blocks(int64_t max_num) { return 1 + max_num; }

GW_HOST_DEVICE inline uint64_t first_patch_block(PhiloxState state, int64_t item, const PatchParams& p) {
  return state.offset + static_cast<uint64_t>(item * patch_blocks(p.max_num));
}

/// How many patches an item has: uniform in 0 .. max_num.
GW_HOST_DEVICE inline int64_t draw_patch_count(PhiloxState state, int64_t item, const PatchParams& p) {
  return uniform_index(philox(state.seed, first_patch_block(state, item, p)).w0, p.max_num + 1);
}

GW_HOST_DEVICE inline int64_t patch_corner(uint32_t word, float range, int64_t largest) {
  const auto corner = static_cast<int64_t>(uniform(word) * range);
  return corner < largest ? corner : largest;
}

/// Patch number k of an item.
GW_HOST_DEVICE inline Patch draw_patch(PhiloxState state, int64_t item, int64_t k, const PatchParams& p) {
  const PhiloxBlock b = philox(state.seed, first_patch_block(state, item, p) + 1 + static_cast<uint64_t>(k));
  return {{patch_corner(b.w0, p.range_y, p.largest_y), patch_corner(b.w1, p.range_x, p.largest_x)},
          {patch_corner(b.w2, p.range_y, p.largest_y), patch_corner(b.w3, p.range_x, p.largest_x)}};
}

/// True if a patch with that corner covers `at`.
GW_HOST_DEVICE inline bool covers(Pixel corner, Pixel at, const PatchParams& p) {
  return at.y >= corner.y && at.y < corner.y + p.height && at.x >= corner.x && at.x < corner.x + p.width;
}

/// Before patch `k` was copied, the pixel stood here. Followed from the last patch to the first it leads to the pixel
/// of the original image.
GW_HOST_DEVICE inline Pixel copy_source(Pixel at, const Patch& patch, const PatchParams& p) {
  if (!covers(patch.to, at, p)) return at;
  return {at.y - patch.to.y + patch.from.y, at.x - patch.to.x + patch.from.x};
}

/// Normal noise of the batch's mean and deviation, clamped to its range. `z` is standard normal.
GW_HOST_DEVICE inline float erase_value(float z, const BatchStatistics& s) {
  const float value = s.mean + s.std * z;
  return value < s.min ? s.min : (value > s.max ? s.max : value);
}

/// The standard normal numbers of a block's four elements, as kernels::normal draws them: element i of a tensor is
/// number i % 4 of block i / 4.
struct NormalBlock {
  NormalPair low, high;
};
GW_HOST_DEVICE inline NormalBlock normal_block(PhiloxState state, int64_t block) {
  const PhiloxBlock b = philox(state.seed, state.offset + static_cast<uint64_t>(block));
  return {normal_pair(b.w0, b.w1), normal_pair(b.w2, b.w3)};
}

}  // namespace gw::math
