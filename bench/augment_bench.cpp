// What augmentation costs: gathering a batch of 1024 images of 28x28 bytes, plain and moved, replacing its patches, and
// mixing its images.
#include <benchmark/benchmark.h>

#include "bench/bandwidth.h"
#include "data/warp.h"
#include "kernels/augment.h"
#include "kernels/batch_gather.h"
#include "kernels/mix.h"
#include "kernels/warp_gather.h"
#include "tensor/creation.h"

namespace {

using namespace gw;

struct Images {
  explicit Images(const benchmark::State& state) : dtype(state.range(0) ? DType::bf16 : DType::f32) {}

  Tensor gather(const std::optional<CropFlip>& crop_flip = {}) const {
    return kernels::batch_gather(bytes, indices, {0.28f}, {0.35f}, dtype, crop_flip);
  }
  int64_t batch_bytes() const { return 1024 * 28 * 28 * size_of(dtype); }
  int64_t gathered_bytes() const { return 1024 * 28 * 28 + batch_bytes(); }

  DType dtype;
  Tensor bytes = randint(0, 256, {60000, 1, 28, 28}, {.dtype = DType::u8});
  Tensor indices = randperm(60000).slice(0, 0, 1024);
};

void gather(benchmark::State& state) {
  const Images images(state);
  bench::run(state, images.gathered_bytes(), [&] { return images.gather(); });
}
void gather_crop_flip(benchmark::State& state, bool per_image) {
  const Images images(state);
  Generator generator(1);
  const CropFlipOptions o{.padding = 1, .flip = 0.5f, .per_image = per_image};
  bench::run(state, images.gathered_bytes(),
             [&] { return images.gather(kernels::draw_crop_flip(o, 1024, generator)); });
}
void batch_statistics(benchmark::State& state) {
  const Images images(state);
  const Tensor x = images.gather();
  bench::run(state, images.batch_bytes(), [&] { return kernels::batch_statistics(x); });
}
void random_erase(benchmark::State& state, bool per_image) {
  const Images images(state);
  const Tensor x = images.gather();
  Generator generator(1);
  bench::run(state, images.batch_bytes(), [&] {
    kernels::random_erase_(x, {.per_image = per_image}, generator);
    return x;
  });
}
void random_copy(benchmark::State& state, bool per_image) {
  const Images images(state);
  const Tensor x = images.gather();
  Generator generator(1);
  bench::run(state, 2 * images.batch_bytes(),
             [&] { return kernels::random_copy(x, {.per_image = per_image}, generator); });
}
/// Reads every image, and again as a partner, and writes the result.
void mixup(benchmark::State& state) {
  const Images images(state);
  const Tensor x = images.gather();
  bench::run(state, 3 * images.batch_bytes(),
             [&] { return kernels::mix_images(x, {.shift = 5, .keep = 0.3f, .bottom = 28, .right = 28}); });
}
/// A box of half of the image: what it covers is read from the partner only.
void cutmix(benchmark::State& state) {
  const Images images(state);
  const Tensor x = images.gather();
  bench::run(state, 2 * images.batch_bytes(), [&] {
    return kernels::mix_images(x, {.shift = 5, .keep = 0, .top = 4, .left = 4, .bottom = 24, .right = 24});
  });
}
/// Geometry, light and a hole, composed into one map per image; the draws are part of it.
void gather_warped(benchmark::State& state) {
  const Images images(state);
  Generator generator(1);
  const WarpOptions o{.rotate = 10, .zoom = 1.1, .perspective = 0.1, .brightness = 0.2, .contrast = 0.2, .cutout = 0.2};
  bench::run(state, images.gathered_bytes(), [&] {
    const Tensor warps = draw_warps(o, {}, 1024, 28, 28, generator);
    return kernels::warp_gather(images.bytes, images.indices, warps, {0.28f}, {0.35f}, images.dtype, o.padding);
  });
}

void dtypes(benchmark::internal::Benchmark* b) {
  b->Arg(0)->Arg(1)->ArgName("bf16")->Unit(benchmark::kMicrosecond)->UseRealTime();
}

BENCHMARK(gather)->Apply(dtypes);
BENCHMARK_CAPTURE(gather_crop_flip, batch, false)->Apply(dtypes);
BENCHMARK_CAPTURE(gather_crop_flip, image, true)->Apply(dtypes);
BENCHMARK(batch_statistics)->Apply(dtypes);
BENCHMARK_CAPTURE(random_erase, batch, false)->Apply(dtypes);
BENCHMARK_CAPTURE(random_erase, image, true)->Apply(dtypes);
BENCHMARK_CAPTURE(random_copy, batch, false)->Apply(dtypes);
BENCHMARK_CAPTURE(random_copy, image, true)->Apply(dtypes);
BENCHMARK(mixup)->Apply(dtypes);
BENCHMARK(cutmix)->Apply(dtypes);
BENCHMARK(gather_warped)->Apply(dtypes);

}  // namespace
