// Mean, deviation and histogram of a tensor in one pass.
#include "kernels/cuda/histogram.h"

#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/moments.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

/// A block looks at kMomentPart elements, a thread at every kMomentThreads-th of them: it adds up their moments, and
/// counts them in the block's own histogram in shared memory, which is added to the result at the end. Reads x once.
/// Counts are integers, so that the order of the atomic additions does not matter. Shared memory: a Moments per thread,
/// then a counter per bin.
template <class T>
__global__ void __launch_bounds__(kMomentThreads)
    count_parts(Moments* parts, int64_t* counts, const T* x, int64_t n, math::Bins bins, bool absolute) {
  auto* scratch = shared_memory<Moments>();
  auto* histogram = reinterpret_cast<unsigned*>(scratch + kMomentThreads);
  for (int b = static_cast<int>(threadIdx.x); b < bins.count; b += kMomentThreads) histogram[b] = 0;
  __syncthreads();
  const float pivot = static_cast<float>(x[0]);
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * kMomentPart;
  const int64_t end = begin + kMomentPart < n ? begin + kMomentPart : n;
  Moments m = no_moments();
  for (int64_t i = begin + threadIdx.x; i < end; i += kMomentThreads) {
    const float value = static_cast<float>(x[i]);
    m.add(moments_of(value, pivot));
    const int32_t bin = math::bin_of(absolute ? fabsf(value) : value, bins);
    if (bin >= 0 && bin < bins.count) atomicAdd(histogram + bin, 1u);
  }
  m = block_moments(m, scratch);
  if (threadIdx.x == 0) parts[blockIdx.x] = m;
  for (int b = static_cast<int>(threadIdx.x); b < bins.count; b += kMomentThreads)
    if (histogram[b] > 0)
      atomicAdd(reinterpret_cast<unsigned long long*>(counts + b), static_cast<unsigned long long>(histogram[b]));
}

/// One block turns the moments of the parts into {mean, deviation}.
template <class T>
__global__ void __launch_bounds__(kMomentThreads)
    finish_moments(float* moments, const Moments* parts, int64_t part_count, const T* x, int64_t n) {
  Moments m = no_moments();
  for (int64_t i = threadIdx.x; i < part_count; i += kMomentThreads) m.add(parts[i]);
  m = block_moments(m, shared_memory<Moments>());
  if (threadIdx.x != 0) return;
  const MeanAndStd result = mean_and_std(m, static_cast<float>(x[0]), n);
  moments[0] = result.mean;
  moments[1] = n > 1 ? result.std : std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

void value_statistics(const Tensor& moments, const Tensor& counts, const Tensor& x, const math::Bins& bins,
                      bool absolute) {
  const int64_t n = x.numel();
  fill(counts, 0);
  if (n == 0) return fill(moments, std::numeric_limits<double>::quiet_NaN());
  const unsigned parts = blocks_for(n, kMomentPart);
  const Tensor scratch =
      empty({static_cast<int64_t>(parts * sizeof(Moments))}, {.dtype = DType::u8, .device = x.device()});
  auto* part_moments = static_cast<Moments*>(scratch.raw());
  constexpr size_t kScratch = kMomentThreads * sizeof(Moments);
  const size_t shared = kScratch + static_cast<size_t>(bins.count) * sizeof(unsigned);
  visit_floating(x.dtype(), "value_statistics", [&](auto v) {
    using T = decltype(v);
    const Stream stream = stream_for(x);
    launch(stream, {"count_parts", parts, kMomentThreads, shared}, count_parts<T>, part_moments, counts.data<int64_t>(),
           x.data<T>(), n, bins, absolute);
    launch(stream, {"finish_moments", 1, kMomentThreads, kScratch}, finish_moments<T>, moments.data<float>(),
           part_moments, static_cast<int64_t>(parts), x.data<T>(), n);
  });
}

}  // namespace gw::kernels::cuda
