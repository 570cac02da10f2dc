#include "kernels/index.h"

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr DType kFloats[] = {DType::f32, DType::bf16};

Tensor values(const Shape& shape, DType dtype = DType::f32, uint64_t seed = 1) {
  Generator generator(seed);
  return randn(shape, {}, generator).to(dtype);
}

Tensor indices(const Shape& shape, int64_t limit, uint64_t seed = 3) {
  Generator generator(seed);
  return randint(0, limit, shape, {.dtype = DType::i64}, generator);
}

class CudaIndex : public CudaTest {};

TEST_F(CudaIndex, SelectsRowsOfAnyWidth) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::u8, DType::i64})
    for (const int64_t width : {1, 3, 8, 33}) {
      const Tensor x = kernels::cast(kernels::add(kernels::mul(values({17, width, 5}), 20), 100), dtype);
      for (const int64_t dim : {0, 1, 2}) {
        const Tensor index = indices({13}, x.shape()[dim]);
        expect_close(kernels::index_select(x.to(kCuda), dim, index.to(kCuda)), kernels::index_select(x, dim, index), 0,
                     0);
      }
    }
}

TEST_F(CudaIndex, AddsRowsOfAnyWidth) {
  for (const DType dtype : kFloats)
    for (const int64_t width : {1, 3, 8, 33})
      for (const int64_t n : {1, 63, 65, 1100}) {
        const Tensor index = indices({n}, 7), dy = values({n, width}, dtype);
        const Tensor actual = kernels::index_add(dy.to(kCuda), {7, width}, 0, index.to(kCuda), 2);
        expect_close(actual, kernels::index_add(dy, {7, width}, 0, index, 2), 0, 0);
      }
  const Tensor dy = values({3, 20, 5}), index = indices({20}, 30);
  expect_close(kernels::index_add(dy.to(kCuda), {3, 30, 5}, 1, index.to(kCuda), -1),
               kernels::index_add(dy, {3, 30, 5}, 1, index, -1), 0, 0);
}

TEST_F(CudaIndex, GathersAndScatters) {
  for (const DType dtype : kFloats)
    for (const int64_t dim : {0, 1, 2}) {
      const Tensor x = values({6, 7, 33}, dtype), index = indices({5, 6, 31}, 5);
      expect_close(kernels::gather(x.to(kCuda), dim, index.to(kCuda)), kernels::gather(x, dim, index), 0, 0);
      const Tensor swapped = x.transpose(0, 1);
      expect_close(kernels::gather(swapped.to(kCuda), dim, index.slice(0, 0, 4).to(kCuda)),
                   kernels::gather(swapped, dim, index.slice(0, 0, 4)), 0, 0);
      const Tensor dy = values(index.shape(), dtype);
      expect_close(kernels::scatter_add(dy.to(kCuda), x.shape(), dim, index.to(kCuda)),
                   kernels::scatter_add(dy, x.shape(), dim, index), 0, 0);
    }
}

TEST_F(CudaIndex, FlipsAnyDimensions) {
  for (const DType dtype : kFloats) {
    const Tensor x = values({2, 3, 9, 33}, dtype), last = x.contiguous(MemoryFormat::channels_last);
    for (const Shape& dims : {Shape{3}, Shape{0, 2}, Shape{0, 1, 2, 3}}) {
      expect_close(kernels::flip(x.to(kCuda), dims), kernels::flip(x, dims), 0, 0);
      expect_close(kernels::flip(last.to(kCuda), dims), kernels::flip(x, dims), 0, 0);
    }
  }
}

TEST_F(CudaIndex, JoinsAndPads) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::u8, DType::i64})
    for (const int64_t width : {1, 8, 33}) {
      const Tensor a = kernels::cast(kernels::add(kernels::mul(values({2, 3, 5, width}), 20), 100), dtype);
      const Tensor b = kernels::cast(kernels::add(kernels::mul(values({2, 3, 5, width}), 20), 90), dtype);
      for (const int64_t dim : {0, 1, 2, 3})
        expect_close(kernels::cat({a.to(kCuda), b.to(kCuda)}, dim), kernels::cat({a, b}, dim), 0, 0);
      const Tensor last = a.contiguous(MemoryFormat::channels_last);
      for (const std::vector<int64_t>& padding : {std::vector<int64_t>{1, 2}, {4, 4, 1, 1}, {-1, 3, 2, 0}}) {
        expect_close(kernels::pad(a.to(kCuda), padding, 7), kernels::pad(a, padding, 7), 0, 0);
        expect_close(kernels::pad(last.to(kCuda), padding, 7), kernels::pad(a, padding, 7), 0, 0);
      }
    }
}

TEST_F(CudaIndex, WrongIndicesAreReportedWhenTheHostReads) {
  const Tensor x = ones({4, 3}, {.device = kCuda});
  const std::string expected = "cuda:0: a kernel found an index outside of the tensor that it points into";
  for (const int64_t wrong : {-1, 4}) {
    const Tensor index = full({2}, static_cast<double>(wrong), {.dtype = DType::i64, .device = kCuda});
    const Tensor selected = kernels::index_select(x, 0, index);
    EXPECT_EQ(message_of<ShapeError>([&] { selected.to(kCpu); }), expected);
    const Tensor added = kernels::index_add(ones({2, 3}, {.device = kCuda}), {4, 3}, 0, index, -100);
    EXPECT_EQ(message_of<ShapeError>([&] { added.to(kCpu); }), expected);
  }
}

TEST_F(CudaIndex, EmptyIndices) {
  const Tensor x = ones({4, 3}, {.device = kCuda}), none = empty({0}, {.dtype = DType::i64, .device = kCuda});
  EXPECT_EQ(kernels::index_select(x, 0, none).shape(), (Shape{0, 3}));
  expect_close(kernels::index_add(empty({0, 3}, {.device = kCuda}), {4, 3}, 0, none, -1), zeros({4, 3}), 0, 0);
}

}  // namespace
}  // namespace gw
