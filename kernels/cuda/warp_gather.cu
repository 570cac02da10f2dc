// From a data set in bytes to a batch of floats, every image warped on the way.
#include "kernels/cuda/warp_gather.h"

#include <string>

#include "kernels/cuda/launch.h"
#include "kernels/math/warp.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;
/// Channels whose normalisation fits into the arguments of a launch.
constexpr int kMostChannels = 128;

struct Normalisation {
  float mean[kMostChannels], inverse_std[kMostChannels];
};

struct WarpShape {
  int64_t images, batch, channels, height, width;
  GW_HOST_DEVICE int64_t pixels() const { return height * width; }
};

/// A thread makes one pixel with all its channels: it finds the place once, then reads four bytes in each channel's
/// plane, which its neighbours read too, and writes the channels side by side. Its block's images have their warps in
/// the cache. Writes 4 (or 2) bytes an element; reads little more than a byte an element from memory.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gather_warped(T* out, const uint8_t* images, const int64_t* indices, const float* warps, WarpShape s,
                  SamplePadding padding, const __grid_constant__ Normalisation normalise, int* fault) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (t >= s.batch * s.pixels()) return;
  const int64_t n = t / s.pixels(), pixel = t % s.pixels(), index = indices[n];
  const bool there = index >= 0 && index < s.images;
  if (!there) *fault = static_cast<int>(gw::cuda::Fault::index_out_of_range);
  const ImageWarp warp = math::read_warp(warps + n * kWarpNumbers);
  const math::SampleTaps taps = math::warp_taps(warp, pixel / s.width, pixel % s.width, s.height, s.width, padding);
  const uint8_t* plane = images + (there ? index : 0) * s.channels * s.pixels();
  T* const to = out + t * s.channels;
  for (int c = 0; c < s.channels; ++c, plane += s.pixels())
    to[c] = T(math::warp_value(warp, taps, plane, normalise.mean[c], normalise.inverse_std[c]));
}

}  // namespace

void warp_gather(const Tensor& out, const Tensor& images, const Tensor& indices, const Tensor& warps,
                 const std::vector<float>& mean, const std::vector<float>& std, SamplePadding padding) {
  const WarpShape s{images.size(0), indices.numel(), images.size(1), images.size(2), images.size(3)};
  if (s.channels > kMostChannels)
    throw ShapeError("warp_gather: expected at most 128 channels on a GPU, got " + std::to_string(s.channels));
  Normalisation normalise{};
  for (size_t c = 0; c < mean.size(); ++c) {
    normalise.mean[c] = mean[c];
    normalise.inverse_std[c] = 1.0f / std[c];
  }
  visit_floating(out.dtype(), "warp_gather", [&](auto v) {
    using T = decltype(v);
    launch(stream_for(out), {"gather_warped", blocks_for(s.batch * s.pixels(), kThreads), kThreads}, gather_warped<T>,
           out.data<T>(), images.data<uint8_t>(), indices.data<int64_t>(), warps.data<float>(), s, padding, normalise,
           gw::cuda::fault_address(out.device()));
  });
}

}  // namespace gw::kernels::cuda
