#include "kernels/elementwise.h"

#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

using kernels::Binary;
using kernels::Unary;

/// Sizes around the edges of warps, blocks and packs.
constexpr int64_t kSizes[] = {0, 1, 3, 7, 31, 32, 33, 255, 257, 1029, 9001};
constexpr DType kFloats[] = {DType::f32, DType::bf16};

Tensor values(const Shape& shape, DType dtype = DType::f32, uint64_t seed = 1) {
  Generator generator(seed);
  return randn(shape, {}, generator).to(dtype);
}

class CudaElementwise : public CudaTest {};

TEST_F(CudaElementwise, UnaryEqualsTheCpu) {
  for (const DType dtype : kFloats)
    for (const int64_t n : kSizes)
      for (int op = 0; op <= static_cast<int>(Unary::relu); ++op) {
        const Tensor x = kernels::add(kernels::unary(Unary::abs, values({n}, dtype)), 0.1);
        const double tolerance = dtype == DType::f32 ? 2e-6 : 8e-3;
        expect_close(kernels::unary(static_cast<Unary>(op), x.to(kCuda)), kernels::unary(static_cast<Unary>(op), x),
                     tolerance, tolerance);
      }
}

TEST_F(CudaElementwise, BinaryEqualsTheCpu) {
  for (const DType dtype : kFloats)
    for (const int64_t n : kSizes)
      for (int op = 0; op <= static_cast<int>(Binary::ge); ++op) {
        const auto o = static_cast<Binary>(op);
        const Tensor a = kernels::unary(Unary::abs, values({n}, dtype)), b = values({n}, dtype, 2);
        const double tolerance = dtype == DType::f32 ? 2e-6 : 8e-3;
        expect_close(kernels::binary(o, a.to(kCuda), b.to(kCuda)), kernels::binary(o, a, b), tolerance, 1e-6);
        expect_close(kernels::binary(o, a.to(kCuda), 0.5), kernels::binary(o, a, 0.5), tolerance, 1e-6);
        expect_close(kernels::binary(o, 0.5, b.to(kCuda)), kernels::binary(o, 0.5, b), tolerance, 1e-6);
      }
}

TEST_F(CudaElementwise, SquaresAndScaledSumsEqualTheCpu) {
  for (const DType dtype : kFloats) {
    const Tensor a = values({1029}, dtype), b = values({1029}, dtype, 2);
    const double tolerance = dtype == DType::f32 ? 2e-6 : 8e-3;
    expect_close(kernels::binary(Binary::pow, a.to(kCuda), 2.0), kernels::binary(Binary::pow, a, 2.0), tolerance);
    expect_close(kernels::add(a.to(kCuda), b.to(kCuda), 0.5), kernels::add(a, b, 0.5), tolerance, 2e-6);
  }
}

TEST_F(CudaElementwise, BroadcastsAndStrides) {
  const Tensor x = values({3, 5, 4, 7}), channel = values({1, 5, 1, 1}, DType::f32, 2);
  const Tensor last = x.contiguous(MemoryFormat::channels_last);
  expect_close(kernels::mul(x.to(kCuda), channel.to(kCuda)), kernels::mul(x, channel));
  expect_close(kernels::mul(last.to(kCuda), channel.to(kCuda)), kernels::mul(x, channel));
  expect_close(kernels::mul(last.to(kCuda), x.to(kCuda)), kernels::mul(x, x));
  expect_close(kernels::mul(x.to(kCuda).transpose(1, 3), x.to(kCuda).transpose(1, 3)),
               kernels::mul(x.transpose(1, 3), x.transpose(1, 3)));
  expect_close(kernels::add(x.to(kCuda).slice(3, 1, 6, 2), x.to(kCuda).slice(3, 0, 5, 2)),
               kernels::add(x.slice(3, 1, 6, 2), x.slice(3, 0, 5, 2)));
  expect_close(kernels::add(x.to(kCuda), scalar(2, {.device = kCuda})), kernels::add(x, 2.0));
}

TEST_F(CudaElementwise, UnalignedViewsWork) {
  const Tensor x = values({1000});
  const Tensor view = x.to(kCuda).slice(0, 1, 998);
  expect_close(kernels::unary(Unary::neg, view), kernels::unary(Unary::neg, x.slice(0, 1, 998)));
}

TEST_F(CudaElementwise, IntegersStayIntegers) {
  const Tensor a = arange(-20, 21, 1, {.dtype = DType::i64}), b = full({41}, 3, {.dtype = DType::i32});
  const Tensor sum = kernels::add(a.to(kCuda), b.to(kCuda));
  EXPECT_EQ(sum.dtype(), DType::i64);
  EXPECT_EQ(sum.to_vector<int64_t>(), kernels::add(a, b).to_vector<int64_t>());
  EXPECT_EQ(kernels::clamp(a.to(kCuda), -2, 5).to_vector<int64_t>(), kernels::clamp(a, -2, 5).to_vector<int64_t>());
}

TEST_F(CudaElementwise, WhereClampFillAndCasts) {
  for (const DType dtype : kFloats)
    for (const int64_t n : kSizes) {
      const Tensor a = values({n}, dtype), b = values({n}, dtype, 2), mask = kernels::binary(Binary::gt, a, b);
      expect_close(kernels::where(mask.to(kCuda), a.to(kCuda), b.to(kCuda)), kernels::where(mask, a, b), 0, 0);
      expect_close(kernels::clamp(a.to(kCuda), -0.5, {}), kernels::clamp(a, -0.5, {}), 0, 0);
      expect_close(full({n}, 1.5, {.dtype = dtype, .device = kCuda}), full({n}, 1.5, {.dtype = dtype}), 0, 0);
      for (const DType to : {DType::f32, DType::bf16, DType::i32, DType::i64})
        expect_close(kernels::cast(a.to(kCuda), to), kernels::cast(a, to), 0, 0);
    }
}

TEST_F(CudaElementwise, CopiesBetweenLayouts) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::u8}) {
    const Tensor x = kernels::cast(kernels::mul(values({3, 17, 9, 35}), 50), dtype), on_device = x.to(kCuda);
    const Tensor last = kernels::contiguous(on_device, MemoryFormat::channels_last);
    EXPECT_TRUE(last.is_contiguous(MemoryFormat::channels_last));
    expect_close(last, x, 0, 0);
    expect_close(kernels::contiguous(last), x, 0, 0);
    expect_close(kernels::contiguous(on_device.transpose(0, 2)), x.transpose(0, 2), 0, 0);
  }
}

TEST_F(CudaElementwise, OperandsOnTwoDevicesAreAnError) {
  const Tensor a = ones({3}), b = a.to(kCuda);
  EXPECT_EQ(message_of<DeviceError>([&] { kernels::add(a, b); }),
            "add: expected all tensors on cpu, got one on cuda:0");
}

TEST_F(CudaElementwise, ValuesCrossBetweenDevices) {
  const Tensor x = values({2, 3, 4, 5}).contiguous(MemoryFormat::channels_last);
  const Tensor there = x.to(kCuda);
  EXPECT_EQ(there.strides(), x.strides());
  expect_close(there.to(kCpu), x, 0, 0);
  expect_close(there.transpose(1, 2).to(kCpu), x.transpose(1, 2), 0, 0);
  EXPECT_EQ(there.select(0, 1).select(0, 2).select(0, 3).select(0, 4).item(),
            x.select(0, 1).select(0, 2).select(0, 3).select(0, 4).item());
  if (cuda::device_count() > 1) expect_close(there.to({DeviceType::cuda, 1}), x, 0, 0);
}

}  // namespace
}  // namespace gw
