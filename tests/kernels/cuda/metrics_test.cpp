#include "kernels/metrics.h"

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

class CudaMetrics : public CudaTest {};

TEST_F(CudaMetrics, CountsWhatTheCpuCounts) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const int64_t n : {0, 1, 33, 257, 3000})
      for (const int64_t classes : {1, 10, 33}) {
        Generator generator(1);
        const Tensor x = randn({n, classes}, {}, generator).to(dtype);
        const Tensor targets = randint(0, classes, {n}, {.dtype = DType::i64}, generator);
        const Tensor count = kernels::count_correct(x.to(kCuda), targets.to(kCuda));
        EXPECT_EQ(count.dtype(), DType::i64);
        expect_close(count, kernels::count_correct(x, targets), 0, 0);
      }
  const Tensor x = randn({5, 4000}), targets = from_values<int64_t>({1, 2, 3, 4, 5}, {5}, {.dtype = DType::i64});
  expect_close(kernels::count_correct(x.to(kCuda), targets.to(kCuda)), kernels::count_correct(x, targets), 0, 0);
}

}  // namespace
}  // namespace gw
