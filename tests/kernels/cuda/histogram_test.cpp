#include "kernels/histogram.h"

#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

class CudaHistogram : public CudaTest {};

TEST_F(CudaHistogram, EqualsTheCpu) {
  Generator generator(3);
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const int64_t n : {0, 1, 2, 31, 257, 33000, 70001}) {
      const Tensor x = (randn({n}, {}, generator) * 3.0 + 1.0).to(dtype);
      for (const kernels::HistogramOptions& o :
           {kernels::HistogramOptions{}, kernels::HistogramOptions{.bins = 7, .low = -2, .high = 3, .absolute = false},
            kernels::HistogramOptions{.bins = 4096, .high = 5}}) {
        const auto here = kernels::value_statistics(x, o), there = kernels::value_statistics(x.to(kCuda), o);
        expect_close(there.moments, here.moments, 1e-5, 1e-6);
        EXPECT_EQ(there.counts.to_vector<int64_t>(), here.counts.to_vector<int64_t>());
      }
    }
}

}  // namespace
}  // namespace gw
