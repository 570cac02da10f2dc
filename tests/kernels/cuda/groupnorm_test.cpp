#include "kernels/groupnorm.h"

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

struct Case {
  Shape shape;
  int64_t groups;
};

/// Images of few and many channels, packs that do and do not fill a row, one sample, many samples; lines for lanes of a
/// warp, for warps and for blocks, of odd lengths, several to a sample.
const std::vector<Case> kCases{{{2, 1, 7}, 1},      {{3, 6, 5}, 3},      {{1, 3, 9, 7}, 1},   {{2, 64, 3, 3}, 8},
                               {{2, 17, 4, 4}, 17}, {{5, 12, 3, 5}, 12}, {{1, 300, 2, 3}, 3}, {{33, 4, 2, 2}, 2},
                               {{2, 8, 33, 9}, 1},  {{1, 1}, 1},         {{257, 3}, 1},       {{3, 31}, 1},
                               {{7, 96}, 3},        {{70, 64}, 1},       {{2, 255}, 5},       {{3, 1032}, 1},
                               {{2, 2050}, 2},      {{1, 16400}, 1}};

struct Problem {
  Tensor x, dy, weight, bias;

  Problem(const Case& c, DType dtype) {
    Generator generator(3);
    x = kernels::cast(kernels::add(randn(c.shape, {}, generator), 0.7), dtype);
    dy = kernels::cast(randn(c.shape, {}, generator), dtype);
    weight = kernels::add(rand({c.shape[1]}, {}, generator), 0.5);
    bias = randn({c.shape[1]}, {}, generator);
  }
  Problem on(Device device) const {
    Problem p = *this;
    for (Tensor* t : {&p.x, &p.dy, &p.weight, &p.bias})
      if (t->defined()) *t = t->to(device);
    return p;
  }
};

struct Results {
  kernels::GroupNormResult forward;
  kernels::GroupNormGrads backward;
};

Results run(const Problem& p, int64_t groups) {
  Results r;
  r.forward = kernels::group_norm_forward(p.x, groups, p.weight, p.bias, 1e-3);
  r.backward = kernels::group_norm_backward(p.dy, {p.x, p.weight, r.forward.mean, r.forward.invstd}, true, true);
  return r;
}

void expect_equal_to_the_cpu(const Problem& p, int64_t groups) {
  const Results cpu = run(p, groups), cuda = run(p.on(kCuda), groups);
  const bool f32 = p.x.dtype() == DType::f32;
  const double rtol = f32 ? 1e-4 : 1e-2, atol = f32 ? 1e-4 : 2e-2;
  expect_close(cuda.forward.mean, cpu.forward.mean, 1e-5, 1e-5);
  expect_close(cuda.forward.invstd, cpu.forward.invstd, 1e-4, 1e-5);
  expect_close(cuda.forward.y, cpu.forward.y, rtol, atol);
  expect_close(cuda.backward.dx, cpu.backward.dx, rtol, atol);
  expect_close(cuda.backward.dweight, cpu.backward.dweight, 1e-3, 1e-3);
  expect_close(cuda.backward.dbias, cpu.backward.dbias, 1e-3, 1e-3);
}

class CudaGroupNorm : public CudaTest {};

TEST_F(CudaGroupNorm, EqualsTheCpu) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const Case& c : kCases) {
      SCOPED_TRACE(c.shape.to_string() + " " + std::to_string(c.groups) + " " + std::string(name_of(dtype)));
      expect_equal_to_the_cpu(Problem(c, dtype), c.groups);
    }
}

TEST_F(CudaGroupNorm, WithoutWeightAndBias) {
  for (const Case& c : {Case{{3, 8, 3, 3}, 2}, Case{{5, 40}, 1}}) {
    Problem p(c, DType::f32);
    p.weight = p.bias = {};
    expect_equal_to_the_cpu(p, c.groups);
  }
}

TEST_F(CudaGroupNorm, UnalignedAndStridedInputs) {
  Problem p({{5, 48}, 2}, DType::f32);
  p.weight = kernels::add(ones({49}), 0.5).slice(0, 1, 49);
  p.x = randn({5, 96}).slice(1, 0, 96, 2);
  expect_equal_to_the_cpu(p, 2);
  Problem images({{2, 8, 3, 5}, 2}, DType::bf16);
  images.x = images.x.contiguous(MemoryFormat::channels_last);
  expect_equal_to_the_cpu(images, 2);
}

TEST_F(CudaGroupNorm, LargeMeansDoNotCancel) {
  for (const Shape& shape : {Shape{2, 4, 16, 16}, Shape{2, 2048}}) {
    const Tensor x = kernels::add(randn(shape), 1000);
    const auto f = kernels::group_norm_forward(x.to(kCuda), 2, {}, {}, 0);
    const auto expected = kernels::group_norm_forward(x, 2, {}, {}, 0);
    expect_close(f.invstd, expected.invstd, 1e-3, 0);
  }
}

TEST_F(CudaGroupNorm, EmptyTensors) {
  const Tensor x = zeros({0, 4, 3, 3}, {.device = kCuda});
  const auto f = kernels::group_norm_forward(x, 2, {}, {}, 1e-5);
  EXPECT_EQ(f.y.shape(), x.shape());
  expect_close(kernels::group_norm_backward(x, {x, {}, f.mean, f.invstd}, true, true).dweight, std::vector<double>(4));
}

}  // namespace
}  // namespace gw
