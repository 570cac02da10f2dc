#include "kernels/cpu/augment.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/math/augment.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// Elements that one task sums up. Fixed, so that results do not depend on the number of threads.
constexpr int64_t kTask = int64_t{1} << 15;
/// Elements that one f32 partial sum per lane takes before it goes into the double.
constexpr int64_t kRun = 1024, kLanes = 32;

/// Sums of the distances from a pivot near the mean, so that their squares cancel nothing.
struct Moments {
  double sum = 0, squares = 0;
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();

  void add(float value, float pivot) {
    const double d = value - pivot;
    sum += d;
    squares += d * d;
    min = std::min(min, value);
    max = std::max(max, value);
  }
  void add(const Moments& other) {
    sum += other.sum;
    squares += other.squares;
    min = std::min(min, other.min);
    max = std::max(max, other.max);
  }
};

/// kRun elements, a lane each for every kLanes-th.
template <class T>
Moments moments_of_run(const T* x, float pivot) {
  float sum[kLanes] = {}, squares[kLanes] = {}, min[kLanes], max[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) min[l] = max[l] = static_cast<float>(x[l]);
  for (int64_t i = 0; i < kRun; i += kLanes)
#pragma omp simd
    for (int64_t l = 0; l < kLanes; ++l) {
      const float value = static_cast<float>(x[i + l]), d = value - pivot;
      sum[l] += d;
      squares[l] += d * d;
      min[l] = value < min[l] ? value : min[l];
      max[l] = value > max[l] ? value : max[l];
    }
  Moments m;
  for (int64_t l = 0; l < kLanes; ++l) m.add({sum[l], squares[l], min[l], max[l]});
  return m;
}

template <class T>
Moments moments(const T* x, int64_t n, float pivot) {
  Moments m;
  int64_t i = 0;
  for (; i + kRun <= n; i += kRun) m.add(moments_of_run(x + i, pivot));
  for (; i < n; ++i) m.add(static_cast<float>(x[i]), pivot);
  return m;
}

std::vector<math::Patch> draw_patches(PhiloxState state, int64_t item, const math::PatchParams& p) {
  const int64_t count = math::draw_patch_count(state, item, p);
  std::vector<math::Patch> patches;
  for (int64_t k = 0; k < count; ++k) patches.push_back(math::draw_patch(state, item, k, p));
  return patches;
}

/// Calls body(image, patches) for every image of a batch [N, C, H, W], in parallel.
template <class Body>
void for_each_image(const Tensor& x, const PatchOptions& o, PhiloxState state, const Body& body) {
  const int64_t images = x.size(0), image = x.size(1) * x.size(2) * x.size(3);
  const math::PatchParams p = math::patch_params(o, x.size(2), x.size(3));
  const std::vector<math::Patch> shared = o.per_image ? std::vector<math::Patch>{} : draw_patches(state, 0, p);
  parallel_for(images, std::max<int64_t>(1, kParallelGrain / std::max<int64_t>(image, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t n = begin; n < end; ++n) body(n, o.per_image ? draw_patches(state, n, p) : shared, p);
               });
}

}  // namespace

void batch_statistics(const Tensor& statistics, const Tensor& x) {
  const int64_t n = x.numel(), tasks = (n + kTask - 1) / kTask;
  visit_floating(x.dtype(), "batch_statistics", [&](auto v) {
    using T = decltype(v);
    const T* data = x.data<T>();
    const float pivot = data[0];
    std::vector<Moments> parts(static_cast<size_t>(tasks));
    parallel_for(tasks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        parts[static_cast<size_t>(t)] = moments(data + t * kTask, std::min(kTask, n - t * kTask), pivot);
    });
    Moments all;
    for (const Moments& part : parts) all.add(part);
    const auto count = static_cast<double>(n);
    const double mean = all.sum / count, variance = (all.squares - mean * all.sum) / (count - 1);
    float* out = statistics.data<float>();
    out[0] = static_cast<float>(pivot + mean);
    out[1] = static_cast<float>(std::sqrt(variance < 0 ? 0 : variance));
    out[2] = all.min;
    out[3] = all.max;
  });
}

namespace {

/// Fills `count` elements `stride` apart, the first of which is element `first` of the batch, with its noise.
template <class T>
void fill_with_noise(T* to, int64_t stride, int64_t first, int64_t count, PhiloxState noise, const BatchStatistics& s) {
  for (int64_t block = first / 4; block * 4 < first + count; ++block) {
    const math::NormalBlock z = math::normal_block(noise, block);
    const float values[4] = {z.low.first, z.low.second, z.high.first, z.high.second};
    const int64_t begin = std::max<int64_t>(first - block * 4, 0),
                  end = std::min<int64_t>(first + count - block * 4, 4);
    for (int64_t i = begin; i < end; ++i) to[(block * 4 + i - first) * stride] = T(math::erase_value(values[i], s));
  }
}

}  // namespace

// Patches that overlap need no order: an element's noise is the same in each.
void random_erase(const Tensor& x, const PatchOptions& o, const Tensor& statistics, PhiloxState state,
                  PhiloxState noise) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const float* s = statistics.data<float>();
  const BatchStatistics batch{s[0], s[1], s[2], s[3]};
  visit_floating(x.dtype(), "random_erase", [&](auto v) {
    using T = decltype(v);
    T* const data = x.data<T>();
    for_each_image(x, o, state, [&](int64_t n, const auto& patches, const math::PatchParams& p) {
      for (const math::Patch& patch : patches)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t y = patch.to.y; y < patch.to.y + p.height; ++y) {
            T* row = data + ((n * height + y) * width + patch.to.x) * channels + c;
            const int64_t first = ((n * channels + c) * height + y) * width + patch.to.x;
            fill_with_noise(row, channels, first, p.width, noise, batch);
          }
    });
  });
}

void random_copy(const Tensor& y, const Tensor& x, const PatchOptions& o, PhiloxState state) {
  const int64_t height = x.size(2), width = x.size(3);
  const size_t pixel = static_cast<size_t>(x.size(1)) * size_of(x.dtype()), row = pixel * static_cast<size_t>(width);
  const size_t image = row * static_cast<size_t>(height);
  const auto address = [=](char* base, math::Pixel p) {
    return base + static_cast<size_t>(p.y) * row + static_cast<size_t>(p.x) * pixel;
  };
  for_each_image(x, o, state, [&](int64_t n, const auto& patches, const math::PatchParams& p) {
    char* const from = static_cast<char*>(x.raw()) + static_cast<size_t>(n) * image;
    char* const to = static_cast<char*>(y.raw()) + static_cast<size_t>(n) * image;
    std::memcpy(to, from, image);
    for (const math::Patch& patch : patches)
      for (int64_t i = patch.to.y; i < patch.to.y + p.height; ++i)
        for (int64_t j = patch.to.x; j < patch.to.x + p.width; ++j) {
          math::Pixel source{i, j};
          for (auto k = patches.rbegin(); k != patches.rend(); ++k) source = math::copy_source(source, *k, p);
          std::memcpy(address(to, {i, j}), address(from, source), pixel);
        }
  });
}

}  // namespace gw::kernels::cpu
