// What augmentation costs: gathering a batch of 1024 images of 28x28 bytes, plain and moved, and replacing its patches.
#include <benchmark/benchmark.h>

#include "bench/bandwidth.h"
#include "kernels/augment.h"
#include "kernels/batch_gather.h"
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

}  // namespace
