#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/creation.h"
#include "tensor/cuda.h"
#include "tensor/views.h"

namespace gw {
namespace {

using Floats = std::vector<float>;

TEST(Bf16, RoundsToNearestEven) {
  EXPECT_EQ(static_cast<float>(bf16(1.0f)), 1.0f);
  EXPECT_EQ(bf16(1.00390625f).bits, 0x3f80);  // halfway between 1 and the next: to even
  EXPECT_EQ(bf16(1.01171875f).bits, 0x3f82);  // halfway, the other way
  EXPECT_TRUE(std::isnan(static_cast<float>(bf16(std::nanf("")))));
  EXPECT_EQ(static_cast<float>(bf16(std::numeric_limits<float>::infinity())), std::numeric_limits<float>::infinity());
  EXPECT_EQ(static_cast<float>(bf16(3.4e38f)), std::numeric_limits<float>::infinity());
}

TEST(DType, NamesAndPromotion) {
  EXPECT_EQ(dtype_from_name("bf16"), DType::bf16);
  EXPECT_THROW(dtype_from_name("f64"), ConfigError);
  EXPECT_EQ(promote(DType::bf16, DType::f32), DType::f32);
  EXPECT_EQ(promote(DType::bf16, DType::i64), DType::bf16);
  EXPECT_EQ(promote(DType::u8, DType::i32), DType::i32);
}

TEST(Device, ParsesNames) {
  EXPECT_TRUE(device_from_name("cpu").is_cpu());
  EXPECT_THROW(device_from_name("tpu"), ConfigError);
  EXPECT_THROW(device_from_name("cuda:x"), ConfigError);
  const int there = cuda::device_count();
  EXPECT_THROW(device_from_name("cuda:" + std::to_string(there)), DeviceError);
  if (there == 0) return;
  const std::string last = "cuda:" + std::to_string(there - 1);
  EXPECT_EQ(device_from_name(last).to_string(), last);
}

TEST(Creation, FillsAndCounts) {
  EXPECT_EQ(zeros({2, 2}).to_vector<float>(), Floats(4, 0));
  EXPECT_EQ(ones({3}, {.dtype = DType::bf16}).to_vector<float>(), Floats(3, 1));
  EXPECT_EQ(full({2}, -1.5).to_vector<float>(), Floats(2, -1.5f));
  EXPECT_EQ(arange(0, 5, 2, {.dtype = DType::i64}).to_vector<int64_t>(), (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(arange(3, 0, -1).to_vector<float>(), (Floats{3, 2, 1}));
  EXPECT_EQ(arange(0, 0).numel(), 0);
  EXPECT_THROW(arange(0, 5, -1), ConfigError);
  EXPECT_THROW(arange(0, 5, 0), ConfigError);
  EXPECT_EQ(linspace(0, 1, 5).to_vector<float>(), (Floats{0, .25f, .5f, .75f, 1}));
  EXPECT_EQ(linspace(2, 3, 1).to_vector<float>(), (Floats{2}));
  EXPECT_THROW(from_values<float>({1, 2, 3}, {2, 2}), ShapeError);
  EXPECT_THROW(empty({-1}), ShapeError);
  EXPECT_EQ(zeros({0, 3}).numel(), 0);
}

TEST(Creation, LayoutOfTheSource) {
  const Tensor x = empty({2, 3, 4, 5}, {}, MemoryFormat::channels_last);
  EXPECT_TRUE(x.is_contiguous(MemoryFormat::channels_last));
  EXPECT_FALSE(x.is_contiguous());
  EXPECT_TRUE(x.is_dense());
  EXPECT_EQ(empty_like(x).strides(), x.strides());
  EXPECT_TRUE(empty_like(x.slice(1, 0, 2)).is_contiguous());
}

TEST(Tensor, ItemAndValues) {
  EXPECT_EQ(scalar(2.5).item(), 2.5);
  EXPECT_EQ(scalar(7, {.dtype = DType::i64}).item(), 7);
  EXPECT_THROW(zeros({2}).item(), ShapeError);
  EXPECT_THROW(zeros({2}).data<int64_t>(), DTypeError);
  EXPECT_THROW(Tensor().shape(), Error);
}

TEST(Tensor, RefusesViewsOutsideItsStorage) {
  const Tensor x = zeros({4});
  EXPECT_THROW(views::as_strided(x, {5}, {1}, 0), ShapeError);
  EXPECT_THROW(views::as_strided(x, {2}, {1}, 3), ShapeError);
  EXPECT_NO_THROW(views::as_strided(x, {2, 2}, {2, 1}, 0));
}

TEST(Views, ShareTheStorage) {
  const Tensor x = arange(0, 12).reshape({3, 4});
  EXPECT_EQ(x.t().to_vector<float>(), (Floats{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  EXPECT_EQ(x.select(0, -1).to_vector<float>(), (Floats{8, 9, 10, 11}));
  EXPECT_EQ(x.slice(1, 1, -1).to_vector<float>(), (Floats{1, 2, 5, 6, 9, 10}));
  EXPECT_EQ(x.slice(1, 0, 100, 3).to_vector<float>(), (Floats{0, 3, 4, 7, 8, 11}));
  EXPECT_EQ(x.slice(0, 2, 1).numel(), 0);
  EXPECT_EQ(x.select(1, 2).storage(), x.storage());
  Tensor column = x.select(1, 0);
  column.fill_(-1);
  EXPECT_EQ(x.select(1, 0).to_vector<float>(), Floats(3, -1));
}

TEST(Views, ReshapeKeepsAViewWherePossible) {
  const Tensor x = arange(0, 24).reshape({2, 3, 4});
  EXPECT_EQ(x.reshape({6, -1}).storage(), x.storage());
  EXPECT_EQ(x.transpose(0, 1).view({3, 2, 2, 2}).storage(), x.storage());
  EXPECT_THROW(x.transpose(0, 1).view({6, 4}), ShapeError);
  EXPECT_EQ(x.transpose(0, 1).reshape({24}).to_vector<float>(), x.transpose(0, 1).to_vector<float>());
  EXPECT_THROW(x.reshape({5, -1}), ShapeError);
  EXPECT_THROW(x.reshape({-1, -1}), ShapeError);
  EXPECT_EQ(x.reshape({1, 24, 1}).squeeze().shape(), (Shape{24}));
  EXPECT_EQ(zeros({0, 3}).reshape({3, 0}).shape(), (Shape{3, 0}));
  EXPECT_THROW(zeros({0, 3}).reshape({0, -1}), ShapeError);
}

TEST(Views, FlattenOfASinglePixelIsFreeInChannelsLast) {
  const Tensor x = empty({5, 7, 1, 1}, {}, MemoryFormat::channels_last);
  EXPECT_EQ(x.flatten(1).storage(), x.storage());
  EXPECT_EQ(x.flatten(1).shape(), (Shape{5, 7}));
}

TEST(Views, ExpandRepeats) {
  const Tensor x = tensor({1, 2}).unsqueeze(1);
  EXPECT_EQ(x.expand({-1, 3}).to_vector<float>(), (Floats{1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(x.expand({2, 2, 1}).to_vector<float>(), (Floats{1, 2, 1, 2}));
  EXPECT_THROW(x.expand({3, 3}), ShapeError);
}

TEST(Views, ErrorsNameWhatCame) {
  const Tensor x = zeros({2, 3});
  EXPECT_THROW(x.select(0, 2), ShapeError);
  EXPECT_THROW(x.narrow(1, 2, 2), ShapeError);
  EXPECT_THROW(x.permute({0, 0}), ShapeError);
  EXPECT_THROW(x.permute({0}), ShapeError);
  EXPECT_THROW(x.transpose(0, 2), ShapeError);
  EXPECT_THROW(x.slice(0, 0, 2, 0), ShapeError);
}

TEST(Tensor, ChangesLayoutAndDType) {
  const Tensor x = arange(0, 2 * 3 * 2 * 2).reshape({2, 3, 2, 2});
  const Tensor last = x.contiguous(MemoryFormat::channels_last);
  EXPECT_TRUE(last.is_contiguous(MemoryFormat::channels_last));
  EXPECT_EQ(last.to_vector<float>(), x.to_vector<float>());
  EXPECT_EQ(last.contiguous().to_vector<float>(), x.to_vector<float>());
  EXPECT_EQ(tensor({1.7f, -1.7f}).to(DType::i32).to_vector<int32_t>(), (std::vector<int32_t>{1, -1}));
  EXPECT_EQ(x.to(DType::bf16).to(DType::f32).to_vector<float>(), x.to_vector<float>());
}

TEST(Tensor, CopyBroadcasts) {
  Tensor x = zeros({2, 3});
  x.copy_(tensor({1, 2, 3}));
  EXPECT_EQ(x.to_vector<float>(), (Floats{1, 2, 3, 1, 2, 3}));
  EXPECT_THROW(x.copy_(zeros({2})), ShapeError);
}

TEST(Storage, CachedBlocksAreUsedAgain) {
  release_cached_cpu_memory();
  const size_t before = cpu_memory_stats().reserved;
  for (int i = 0; i < 10; ++i) zeros({1 << 20});
  EXPECT_LE(cpu_memory_stats().reserved - before, size_t{8} << 20);
  release_cached_cpu_memory();
  EXPECT_LE(cpu_memory_stats().reserved, before + 4096);
}

// Blocks of 64 KB to 2 MB share slabs of 16 MB, of which only whole ones are given back.
TEST(Storage, BlocksOfSlabsLieApartAndAreGivenBack) {
  constexpr int kBlocks = 400;
  release_cached_cpu_memory();
  const size_t before = cpu_memory_stats().reserved;
  std::vector<Tensor> blocks;
  for (int i = 0; i < kBlocks; ++i) blocks.push_back(full({20'000 + 10 * i}, i));  // 35 MB
  EXPECT_GE(cpu_memory_stats().in_use, 35'000'000);
  EXPECT_GE(cpu_memory_stats().reserved, cpu_memory_stats().in_use);
  for (int i = 0; i < kBlocks; ++i) {
    const Tensor& block = blocks[static_cast<size_t>(i)];
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.raw()) % 64, 0);
    EXPECT_EQ(block.min().item(), i);
    EXPECT_EQ(block.max().item(), i);
  }
  blocks.clear();
  release_cached_cpu_memory();
  EXPECT_LE(cpu_memory_stats().reserved, before + (size_t{16} << 20));
}

}  // namespace
}  // namespace gw
