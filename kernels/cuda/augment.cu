// Random erase and random copy, and the batch statistics that erase needs. Batches are channels-last.
#include "kernels/cuda/augment.h"

#include "kernels/cuda/moments.h"
#include "kernels/math/augment.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = kMomentThreads;

/// A block sums up kMomentPart elements, a thread every kThreads-th of them. Reads x once.
template <class T>
__global__ void __launch_bounds__(kThreads) moments_of_parts(Moments* parts, const T* x, int64_t n) {
  const float pivot = static_cast<float>(x[0]);
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * kMomentPart,
                end = begin + kMomentPart < n ? begin + kMomentPart : n;
  Moments m = no_moments();
  for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    m.add(moments_of(static_cast<float>(x[i]), pivot));
  }
  m = block_moments(m, shared_memory<Moments>());
  if (threadIdx.x == 0) parts[blockIdx.x] = m;
}

/// One block turns the moments of the parts into the statistics [mean, std, min, max].
template <class T>
__global__ void __launch_bounds__(kThreads)
    finish_statistics(float* statistics, const Moments* parts, int64_t part_count, const T* x, int64_t n) {
  Moments m = no_moments();
  for (int64_t i = threadIdx.x; i < part_count; i += kThreads) m.add(parts[i]);
  m = block_moments(m, shared_memory<Moments>());
  if (threadIdx.x != 0) return;
  const MeanAndStd result = mean_and_std(m, static_cast<float>(x[0]), n);
  statistics[0] = result.mean;
  statistics[1] = result.std;
  statistics[2] = m.min;
  statistics[3] = m.max;
}

/// A batch [N, C, H, W] as the patch kernels see it.
struct PatchedBatch {
  int64_t channels, height, width;
  bool per_image;
  PhiloxState state;
  math::PatchParams params;
};

/// Patches of an image that a block holds in shared memory at a time.
constexpr int kPatchChunk = 64;

/// Draws the image's patches first .. first + kPatchChunk into shared memory, a thread each. All threads must call it.
__device__ void draw_chunk(math::Patch* patches, int64_t first, int64_t count, int64_t item, const PatchedBatch& b) {
  __syncthreads();  // whoever read the chunk before is done
  const int64_t k = first + threadIdx.x;
  if (threadIdx.x < kPatchChunk && k < count) patches[threadIdx.x] = math::draw_patch(b.state, item, k, b.params);
  __syncthreads();
}

/// blockIdx.y is the image, a thread one of its pixels. The block draws the image's patches together; a thread whose
/// pixel is covered by one replaces its channels by noise. Writes only what is replaced.
template <class T>
__global__ void __launch_bounds__(kThreads)
    erase_patches(T* x, const BatchStatistics* statistics, PatchedBatch b, PhiloxState noise) {
  auto* patches = shared_memory<math::Patch>();
  const int64_t pixel = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x, image = blockIdx.y;
  const int64_t item = b.per_image ? image : 0, count = math::draw_patch_count(b.state, item, b.params);
  const math::Pixel at{pixel / b.width, pixel % b.width};
  bool erased = false;
  for (int64_t first = 0; first < count; first += kPatchChunk) {
    draw_chunk(patches, first, count, item, b);
    for (int64_t k = 0; k < kPatchChunk && first + k < count; ++k)
      erased = erased || math::covers(patches[k].to, at, b.params);
  }
  if (!erased || pixel >= b.height * b.width) return;
  for (int64_t c = 0; c < b.channels; ++c) {
    const int64_t element = (image * b.channels + c) * b.height * b.width + pixel;
    const math::NormalBlock z = math::normal_block(noise, element / 4);
    const math::NormalPair pair = element % 4 < 2 ? z.low : z.high;
    const float value = element % 2 == 0 ? pair.first : pair.second;
    x[(image * b.height * b.width + pixel) * b.channels + c] = static_cast<T>(math::erase_value(value, *statistics));
  }
}

/// As erase_patches; a thread follows its pixel back through the patches, last to first, to where its value came from.
/// Reads and writes every element once.
template <class T>
__global__ void __launch_bounds__(kThreads) copy_patches(T* y, const T* x, PatchedBatch b) {
  auto* patches = shared_memory<math::Patch>();
  const int64_t pixel = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x, image = blockIdx.y;
  const int64_t item = b.per_image ? image : 0, count = math::draw_patch_count(b.state, item, b.params);
  math::Pixel source{pixel / b.width, pixel % b.width};
  const int64_t chunks = (count + kPatchChunk - 1) / kPatchChunk;
  for (int64_t chunk = chunks - 1; chunk >= 0; --chunk) {
    const int64_t first = chunk * kPatchChunk, last = first + kPatchChunk < count ? first + kPatchChunk : count;
    draw_chunk(patches, first, count, item, b);
    for (int64_t k = last - first - 1; k >= 0; --k) source = math::copy_source(source, patches[k], b.params);
  }
  if (pixel >= b.height * b.width) return;
  const int64_t from = (image * b.height + source.y) * b.width + source.x, to = image * b.height * b.width + pixel;
  for (int64_t c = 0; c < b.channels; ++c) y[to * b.channels + c] = x[from * b.channels + c];
}

PatchedBatch patched_batch(const Tensor& x, const PatchOptions& o, PhiloxState state) {
  return {x.size(1), x.size(2), x.size(3), o.per_image, state, math::patch_params(o, x.size(2), x.size(3))};
}

LaunchShape patch_launch(const char* kernel, const Tensor& x) {
  const dim3 grid(blocks_for(x.size(2) * x.size(3), kThreads), static_cast<unsigned>(x.size(0)));
  return {kernel, grid, kThreads, kPatchChunk * sizeof(math::Patch)};
}

}  // namespace

void batch_statistics(const Tensor& statistics, const Tensor& x) {
  const int64_t n = x.numel();
  const unsigned parts = blocks_for(n, kMomentPart);
  const Tensor scratch =
      empty({static_cast<int64_t>(parts * sizeof(Moments))}, {.dtype = DType::u8, .device = x.device()});
  auto* moments = static_cast<Moments*>(scratch.raw());
  visit_floating(x.dtype(), "batch_statistics", [&](auto v) {
    using T = decltype(v);
    const Stream stream = stream_for(x);
    constexpr size_t kShared = kThreads * sizeof(Moments);
    launch(stream, {"moments_of_parts", parts, kThreads, kShared}, moments_of_parts<T>, moments, x.data<T>(), n);
    launch(stream, {"finish_statistics", 1, kThreads, kShared}, finish_statistics<T>, statistics.data<float>(), moments,
           static_cast<int64_t>(parts), x.data<T>(), n);
  });
}

void random_erase(const Tensor& x, const PatchOptions& o, const Tensor& statistics, PhiloxState patches,
                  PhiloxState noise) {
  const auto* s = reinterpret_cast<const BatchStatistics*>(statistics.data<float>());
  visit_floating(x.dtype(), "random_erase", [&](auto v) {
    using T = decltype(v);
    launch(stream_for(x), patch_launch("erase_patches", x), erase_patches<T>, x.data<T>(), s,
           patched_batch(x, o, patches), noise);
  });
}

void random_copy(const Tensor& y, const Tensor& x, const PatchOptions& o, PhiloxState patches) {
  visit_floating(x.dtype(), "random_copy", [&](auto v) {
    using T = decltype(v);
    launch(stream_for(x), patch_launch("copy_patches", x), copy_patches<T>, y.data<T>(), x.data<T>(),
           patched_batch(x, o, patches));
  });
}

}  // namespace gw::kernels::cuda
