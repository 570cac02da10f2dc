// From a data set in bytes to a batch of normalised floats in channels-last memory, in one pass: reads a byte and
// writes 4 (f32) or 2 (bf16) bytes an element.
#include "kernels/cuda/batch_gather.h"

#include "kernels/cuda/combine.h"
#include "kernels/cuda/random_words.h"
#include "kernels/math/augment.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;
/// Channels whose means and deviations fit into the arguments of one launch.
constexpr int kChannels = 128;

struct Normalisation {
  float mean[kChannels], std[kChannels];

  /// The same operations as the CPU's table is made with, so that the numbers are the same.
  __device__ float operator()(uint8_t value, int channel) const {
    return (static_cast<float>(value) / 255.0f - mean[channel]) / std[channel];
  }
};

/// What is gathered.
struct GatherShape {
  int64_t images, batch, channels, height, width;
  __host__ __device__ int64_t pixels() const { return height * width; }
};

/// How images are shifted and mirrored on the way.
struct Crops {
  bool wanted;
  CropFlipOptions options;
  RandomStream stream;

  __device__ math::CropFlipDraw draw(int64_t n) const {
    const uint64_t moved = stream.moved ? *stream.moved : 0;
    return math::draw_crop_flip({stream.state.seed, stream.state.offset + moved}, options.per_image ? n : 0, options);
  }
};

/// What stands in a channel of a pixel outside of the image.
__device__ inline float outside(const Crops& crops, const Normalisation& normalise, int channel) {
  return crops.options.pad_bytes ? normalise(0, channel) : 0.0f;
}

constexpr int64_t kOutside = -1;

/// The pixel of the image that pixel number `pixel` of the result comes from, or kOutside.
__device__ inline int64_t source_pixel(int64_t pixel, const math::CropFlipDraw& draw, const GatherShape& s) {
  const math::Pixel from = math::crop_flip_source({pixel / s.width, pixel % s.width}, s.width, draw);
  const bool inside = from.y >= 0 && from.y < s.height && from.x >= 0 && from.x < s.width;
  return inside ? from.y * s.width + from.x : kOutside;
}

/// True, in range, if the index is an image's number; else reported.
__device__ inline bool is_image(int64_t index, int64_t images, int* fault) {
  if (index >= 0 && index < images) return true;
  *fault = static_cast<int>(gw::cuda::Fault::index_out_of_range);
  return false;
}

/// Few channels (kCount of them, all of the image): a thread takes kRun neighbouring pixels, reads them with one access
/// in each plane unless the images are cropped, and writes them with their channels side by side.
template <int kCount, int kRun, class T>
__global__ void __launch_bounds__(kThreads)
    gather_pixels(T* out, const uint8_t* images, const int64_t* indices, GatherShape s, Crops crops,
                  const __grid_constant__ Normalisation normalise, int* fault) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x, runs = s.pixels() / kRun;
  if (t >= s.batch * runs) return;
  const int64_t n = t / runs, pixel = t % runs * kRun, index = indices[n];
  const bool there = is_image(index, s.images, fault);
  const auto* const image = images + (there ? index : 0) * kCount * s.pixels();
  T values[kCount * kRun];
  if (!crops.wanted) {
#pragma unroll
    for (int c = 0; c < kCount; ++c) {
      const auto bytes = load_pack<kRun>(image + c * s.pixels() + pixel);
#pragma unroll
      for (int p = 0; p < kRun; ++p) values[p * kCount + c] = static_cast<T>(normalise(bytes.at[p], c));
    }
  } else {
    const math::CropFlipDraw draw = crops.draw(n);
#pragma unroll
    for (int p = 0; p < kRun; ++p) {
      const int64_t from = source_pixel(pixel + p, draw, s);
#pragma unroll
      for (int c = 0; c < kCount; ++c)
        values[p * kCount + c] = static_cast<T>(from == kOutside ? outside(crops, normalise, c)
                                                                 : normalise(image[c * s.pixels() + from], c));
    }
  }
  // As accesses of kRun elements, because three channels' packs are no power of two.
  T* const to = out + (n * s.pixels() + pixel) * kCount;
#pragma unroll
  for (int part = 0; part < kCount; ++part) {
    Pack<T, kRun> few;
#pragma unroll
    for (int p = 0; p < kRun; ++p) few.at[p] = values[part * kRun + p];
    *reinterpret_cast<Pack<T, kRun>*>(to + part * kRun) = few;
  }
}

/// Any number of channels: a thread takes one element of channels [first, first + count) of the result, whose writes
/// are coalesced.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gather_elements(T* out, const uint8_t* images, const int64_t* indices, GatherShape s, Crops crops, int64_t first,
                    int64_t count, const __grid_constant__ Normalisation normalise, int* fault) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (t >= s.batch * s.pixels() * count) return;
  const int64_t channel = t % count, pixel = t / count % s.pixels(), n = t / count / s.pixels(), index = indices[n];
  const bool there = is_image(index, s.images, fault);
  const int64_t from = crops.wanted ? source_pixel(pixel, crops.draw(n), s) : pixel;
  const auto* const plane = images + ((there ? index : 0) * s.channels + first + channel) * s.pixels();
  const int c = static_cast<int>(channel);
  out[(n * s.pixels() + pixel) * s.channels + first + channel] =
      static_cast<T>(from == kOutside ? outside(crops, normalise, c) : normalise(plane[from], c));
}

}  // namespace

void batch_gather(const Tensor& out, const Tensor& images, const Tensor& indices, const std::vector<float>& mean,
                  const std::vector<float>& std, const std::optional<CropFlip>& crop_flip) {
  if (out.numel() == 0) return;
  if (images.size(0) == 0) throw ShapeError("batch_gather: expected at least one image to gather from, got none");
  const GatherShape s{images.size(0), indices.numel(), images.size(1), images.size(2), images.size(3)};
  const CropFlip crop = crop_flip.value_or(CropFlip{});
  const Crops crops{crop_flip.has_value(), crop.options, RandomStream(crop.state, out.device())};
  const Stream stream = stream_for(out);
  int* const fault = gw::cuda::fault_address(out.device());
  visit_floating(out.dtype(), "batch_gather", [&](auto v) {
    using T = decltype(v);
    constexpr int kRun = 4;
    const auto normalisation = [&](int64_t first, int64_t count) {
      Normalisation n{};
      for (int64_t c = 0; c < count; ++c) {
        n.mean[c] = mean[static_cast<size_t>(first + c)];
        n.std[c] = std[static_cast<size_t>(first + c)];
      }
      return n;
    };
    const auto by_pixels = [&](auto kernel) {
      launch(stream, {"batch_gather", blocks_for(s.batch * s.pixels() / kRun, kThreads), kThreads}, kernel,
             out.data<T>(), images.data<uint8_t>(), indices.data<int64_t>(), s, crops, normalisation(0, s.channels),
             fault);
    };
    const bool runs = s.pixels() % kRun == 0 && is_aligned(images.data<uint8_t>(), kRun);
    if (runs && s.channels == 1) return by_pixels(gather_pixels<1, kRun, T>);
    if (runs && s.channels == 3) return by_pixels(gather_pixels<3, kRun, T>);
    for (int64_t first = 0; first < s.channels; first += kChannels) {
      const int64_t count = std::min<int64_t>(kChannels, s.channels - first);
      launch(stream, {"batch_gather", blocks_for(s.batch * s.pixels() * count, kThreads), kThreads}, gather_elements<T>,
             out.data<T>(), images.data<uint8_t>(), indices.data<int64_t>(), s, crops, first, count,
             normalisation(first, count), fault);
    }
  });
}

}  // namespace gw::kernels::cuda
