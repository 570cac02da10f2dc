#include "kernels/batch_gather.h"

#include <gtest/gtest.h>

#include "kernels/metrics.h"
#include "tensor/creation.h"

namespace gw {
namespace {

Tensor longs(const std::vector<int64_t>& values) {
  return from_values(values, {static_cast<int64_t>(values.size())}, {.dtype = DType::i64});
}

TEST(BatchGather, NormalisesEachChannelIntoChannelsLast) {
  const Tensor images = arange(0, 3 * 2 * 3 * 5).to(DType::u8).reshape({3, 2, 3, 5});
  const std::vector<float> mean{0.25f, 0.5f}, std{0.5f, 2.0f};
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor out = kernels::batch_gather(images, longs({2, 0, 2, 1}), mean, std, dtype);
    EXPECT_EQ(out.shape(), (Shape{4, 2, 3, 5}));
    EXPECT_EQ(out.dtype(), dtype);
    EXPECT_TRUE(out.is_contiguous(MemoryFormat::channels_last));
    for (int64_t c = 0; c < 2; ++c) {
      const float m = mean[static_cast<size_t>(c)], s = std[static_cast<size_t>(c)];
      const auto bytes = images.select(0, 2).select(0, c).to_vector<float>();
      const auto got = out.select(0, 2).select(0, c).to_vector<float>();
      for (size_t i = 0; i < bytes.size(); ++i)
        EXPECT_NEAR(got[i], (bytes[i] / 255 - m) / s, dtype == DType::f32 ? 1e-6 : 4e-3);
    }
  }
}

TEST(BatchGather, EmptyAndLargeBatches) {
  const Tensor images = arange(0, 256).to(DType::u8).reshape({256, 1, 1, 1});
  EXPECT_EQ(kernels::batch_gather(images, longs({}), {0}, {1}, DType::f32).shape(), (Shape{0, 1, 1, 1}));
  const Tensor order = randperm(256);
  const Tensor out = kernels::batch_gather(images, order, {0}, {1}, DType::f32);
  for (int64_t i = 0; i < 256; ++i)
    EXPECT_NEAR(out.data<float>()[i] * 255, static_cast<float>(order.data<int64_t>()[i]), 1e-4);
}

TEST(BatchGather, NamesWhatDoesNotFit) {
  const Tensor images = zeros({3, 1, 2, 2}, {.dtype = DType::u8});
  EXPECT_THROW(kernels::batch_gather(images, longs({3}), {0}, {1}, DType::f32), ShapeError);
  EXPECT_THROW(kernels::batch_gather(images, longs({-1}), {0}, {1}, DType::f32), ShapeError);
  EXPECT_THROW(kernels::batch_gather(images, longs({0}), {0, 0}, {1, 1}, DType::f32), ShapeError);
  EXPECT_THROW(kernels::batch_gather(images.to(DType::f32), longs({0}), {0}, {1}, DType::f32), ShapeError);
  EXPECT_THROW(kernels::batch_gather(images, longs({0}), {0}, {1}, DType::i64), DTypeError);
}

TEST(CountCorrect, CountsRows) {
  const Tensor logits = tensor({1, 2, 0, 5, 1, 1, 0, 0, 9}).reshape({3, 3});
  EXPECT_EQ(kernels::count_correct(logits, longs({1, 0, 0})).item(), 2);
  EXPECT_EQ(kernels::count_correct(logits.to(DType::bf16), longs({1, 0, 2})).item(), 3);
  EXPECT_EQ(kernels::count_correct(logits, longs({1, 0, 0})).dtype(), DType::i64);
  EXPECT_THROW(kernels::count_correct(logits, longs({1})), ShapeError);
}

}  // namespace
}  // namespace gw
