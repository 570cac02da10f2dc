// Heat maps over pictures.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// A map f32 [h, w] brought to 0 .. 255, its least and largest values, as u8 [1, h, w]; all 0 if they are the same.
Tensor heat_bytes(const Tensor& map);

/// `picture` u8 [1 or 3, H, W] in grey with the map laid over it, resized to its size: u8 [3, H, W], blue where the map
/// is low, by green and yellow to red where it is high. ShapeError for other shapes.
Tensor draw_heat_map(const Tensor& picture, const Tensor& map);

}  // namespace gw
