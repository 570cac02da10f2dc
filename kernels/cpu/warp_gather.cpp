#include "kernels/cpu/warp_gather.h"

#include <fmt/format.h>

#include "kernels/math/warp.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {

void warp_gather(const Tensor& out, const Tensor& images, const Tensor& indices, const Tensor& warps,
                 const std::vector<float>& mean, const std::vector<float>& std, SamplePadding padding) {
  const int64_t count = images.size(0), channels = images.size(1), height = images.size(2), width = images.size(3);
  const int64_t* const index = indices.data<int64_t>();
  for (int64_t n = 0; n < indices.numel(); ++n)
    if (index[n] < 0 || index[n] >= count)
      throw ShapeError(fmt::format("warp_gather: index {} is out of range, expected 0 to {}", index[n], count - 1));
  visit_floating(out.dtype(), "warp_gather", [&](auto v) {
    using T = decltype(v);
    const int64_t pixels = height * width;
    // Lines of all images are the unit of work.
    parallel_for(indices.numel() * height, std::max<int64_t>(1, 1024 / width), [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) {
        const int64_t n = line / height, y = line % height;
        const ImageWarp warp = math::read_warp(warps.data<float>() + n * kWarpNumbers);
        const uint8_t* const image = images.data<uint8_t>() + index[n] * channels * pixels;
        T* to = out.data<T>() + line * width * channels;
        for (int64_t x = 0; x < width; ++x) {
          const math::SampleTaps taps = math::warp_taps(warp, y, x, height, width, padding);
          for (int64_t c = 0; c < channels; ++c) {
            const auto k = static_cast<size_t>(c);
            *to++ = T(math::warp_value(warp, taps, image + c * pixels, mean[k], 1.0f / std[k]));
          }
        }
      }
    });
  });
}

}  // namespace gw::kernels::cpu
