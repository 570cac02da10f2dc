#include "kernels/random.h"

#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/cuda_graph.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr int64_t kSizes[] = {0, 1, 3, 4, 31, 33, 255, 257, 1029, 5003};

class CudaRandom : public CudaTest {};

TEST_F(CudaRandom, NumbersAreTheCpus) {
  for (const int64_t n : kSizes) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      Generator a(7), b(7);
      const TensorOptions here{.dtype = dtype}, there{.dtype = dtype, .device = kCuda};
      EXPECT_EQ(rand({n}, here, a).to_vector<float>(), rand({n}, there, b).to_vector<float>());
      EXPECT_EQ(randn({n}, here, a).to_vector<float>(), randn({n}, there, b).to_vector<float>());
      EXPECT_EQ(a.state().offset, b.state().offset);
    }
    for (const DType dtype : {DType::u8, DType::i32, DType::i64, DType::f32, DType::bf16}) {
      Generator a(7), b(7);
      EXPECT_EQ(randint(3, 200, {n}, {.dtype = dtype}, a).to_vector<float>(),
                randint(3, 200, {n}, {.dtype = dtype, .device = kCuda}, b).to_vector<float>());
    }
  }
}

TEST_F(CudaRandom, FillsUnalignedViewsAndOtherLayouts) {
  Generator a(7), b(7);
  const Tensor x = zeros({1003}), y = zeros({1003}, {.device = kCuda});
  kernels::uniform(x.slice(0, 1, 1001), -1, 3, a);
  kernels::uniform(y.slice(0, 1, 1001), -1, 3, b);
  EXPECT_EQ(x.to_vector<float>(), y.to_vector<float>());
  kernels::normal(x.slice(0, 0, 1003, 2), 1, 2, a);
  kernels::normal(y.slice(0, 0, 1003, 2), 1, 2, b);
  EXPECT_EQ(x.to_vector<float>(), y.to_vector<float>());
}

TEST_F(CudaRandom, DropoutsAreTheCpus) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const int64_t n : kSizes)
      for (const double p : {0.0, 0.3, 1.0}) {
        Generator generator(1);
        const Tensor x = randn({n + 1}, {}, generator).to(dtype), there = x.to(kCuda);
        const PhiloxState state{11, 5};
        EXPECT_EQ(kernels::dropout(x, p, state).to_vector<float>(),
                  kernels::dropout(there, p, state).to_vector<float>());
        const Tensor view = there.slice(0, 1, n + 1);
        EXPECT_EQ(kernels::dropout(x.slice(0, 1, n + 1), p, state).to_vector<float>(),
                  kernels::dropout(view, p, state).to_vector<float>());
      }
  const Tensor x = ones({3, 5, 2, 2}), there = x.to(kCuda);
  EXPECT_EQ(kernels::dropout_channels(x, 0.5, {1, 2}).to_vector<float>(),
            kernels::dropout_channels(there, 0.5, {1, 2}).to_vector<float>());
  EXPECT_EQ(kernels::dropout(x.transpose(0, 1), 0.5, {1, 2}).to_vector<float>(),
            kernels::dropout(there.transpose(0, 1), 0.5, {1, 2}).to_vector<float>());
}

TEST_F(CudaRandom, InfiniteElementsAreDroppedToo) {
  const Tensor x = full({64}, std::numeric_limits<double>::infinity());
  EXPECT_EQ(kernels::dropout(x.to(kCuda), 0.5, {1, 2}).to_vector<float>(),
            kernels::dropout(x, 0.5, {1, 2}).to_vector<float>());
}

TEST_F(CudaRandom, ReplaysOfAGraphDrawOn) {
  const Tensor x = ones({100}, {.device = kCuda}), y = empty({100}, {.device = kCuda});
  Generator generator(1);
  kernels::copy(y, kernels::dropout(x, 0.5, generator.reserve(100)));
  cuda::Graph graph(kCuda, generator);
  graph.capture([&] { kernels::copy(y, kernels::dropout(x, 0.5, generator.reserve(100))); });
  Generator eager(1);
  eager.reserve(100);
  for (int step = 0; step < 3; ++step) {
    graph.replay();
    EXPECT_EQ(y.to_vector<float>(), kernels::dropout(x, 0.5, eager.reserve(100)).to_vector<float>());
  }
}

}  // namespace
}  // namespace gw
