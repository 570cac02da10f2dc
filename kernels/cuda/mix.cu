// Mixup and cutmix of a batch that lies in device memory, and of its labels.
#include "kernels/cuda/mix.h"

#include "kernels/cuda/primitives.h"
#include "kernels/math/mix.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// A batch [N, C, H, W] in channels-last memory: rows of width x channels elements.
struct MixedBatch {
  int64_t images, height, row;
  int64_t left, right;  ///< the box's first element of a row, and the one after its last
  __host__ __device__ int64_t image() const { return height * row; }
};

/// A thread makes V elements that follow each other in one image: reads them with one access, and those of the partner
/// with another if one of them lies in the box. Reads x, and again the box, and writes the result, each once.
template <int V, class T>
__global__ void __launch_bounds__(kThreads) mix_packs(T* out, const T* x, MixedBatch b, ImageMix mix) {
  const int64_t i = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * V;
  if (i >= b.images * b.image()) return;
  const int64_t n = i / b.image(), place = i % b.image();
  int64_t y = place / b.row, at = place % b.row;
  bool mixed[V], any = false;
#pragma unroll
  for (int k = 0; k < V; ++k) {
    mixed[k] = y >= mix.top && y < mix.bottom && at >= b.left && at < b.right;
    any = any || mixed[k];
    if (++at == b.row) at = 0, ++y;
  }
  Pack<T, V> own = *reinterpret_cast<const Pack<T, V>*>(x + i);
  if (any) {
    const int64_t from = math::mix_partner(n, mix.shift, b.images) * b.image() + place;
    const Pack<T, V> partner = *reinterpret_cast<const Pack<T, V>*>(x + from);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      if (!mixed[k]) continue;
      // Cutmix takes what is there, also in place of infinite values.
      own.at[k] =
          mix.keep == 0
              ? partner.at[k]
              : static_cast<T>(math::mix(static_cast<float>(own.at[k]), static_cast<float>(partner.at[k]), mix.keep));
    }
  }
  *reinterpret_cast<Pack<T, V>*>(out + i) = own;
}

/// A thread makes the share of one class in one target. Labels that are no class are reported.
__global__ void __launch_bounds__(kThreads) mix_labels(float* out, const int64_t* labels, int64_t images,
                                                       int64_t classes, int64_t shift, float lam, int* fault) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= images * classes) return;
  const int64_t n = i / classes, c = i % classes, own = labels[n];
  if (own < 0 || own >= classes) *fault = static_cast<int>(gw::cuda::Fault::target_out_of_range);
  out[i] = math::mixed_target(c, own, labels[math::mix_partner(n, shift, images)], lam);
}

}  // namespace

void mix_images(const Tensor& out, const Tensor& x, const ImageMix& mix) {
  const int64_t channels = x.size(1);
  const MixedBatch b{x.size(0), x.size(2), x.size(3) * channels, mix.left * channels, mix.right * channels};
  visit_floating(x.dtype(), "mix_images", [&](auto v) {
    using T = decltype(v);
    constexpr int kPack = kPackOf<T>;
    const bool packs = b.image() % kPack == 0 && is_aligned(x.data<T>(), kPack) && is_aligned(out.data<T>(), kPack);
    const unsigned blocks = blocks_for(x.numel(), int64_t{kThreads} * (packs ? kPack : 1));
    launch(stream_for(x), {"mix_images", blocks, kThreads}, packs ? mix_packs<kPack, T> : mix_packs<1, T>,
           out.data<T>(), x.data<T>(), b, mix);
  });
}

void mix_targets(const Tensor& out, const Tensor& labels, int64_t shift, float lam) {
  launch(stream_for(out), {"mix_targets", blocks_for(out.numel(), kThreads), kThreads}, mix_labels, out.data<float>(),
         labels.data<int64_t>(), out.size(0), out.size(1), shift, lam, gw::cuda::fault_address(out.device()));
}

}  // namespace gw::kernels::cuda
