#include "autograd/dropout.h"

#include <gtest/gtest.h>

#include <limits>

#include "autograd/gradcheck.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw {
namespace {

TEST(Dropout, ZeroesAboutTheAskedShareAndScalesTheRest) {
  Generator generator(3);
  const Tensor x = ones({100000});
  const auto values = dropout(x, 0.2, true, generator).to_vector<float>();
  int64_t dropped = 0;
  for (float v : values) {
    EXPECT_TRUE(v == 0.0f || v == 1.25f) << v;
    dropped += v == 0.0f;
  }
  EXPECT_NEAR(static_cast<double>(dropped) / 100000, 0.2, 0.006);  // five standard deviations
  EXPECT_NE(dropout(x, 0.2, true, generator).to_vector<float>(), values);
}

TEST(Dropout, TheMaskDependsOnPositionNotOnLayoutOrDType) {
  const Tensor x = ones({3, 5, 4, 7});
  const auto mask = [](const Tensor& t) {
    Generator generator(9);
    return kernels::binary(kernels::Binary::ne, dropout(t, 0.5, true, generator), 0).to_vector<uint8_t>();
  };
  const auto plain = mask(x);
  EXPECT_EQ(plain, mask(x.contiguous(MemoryFormat::channels_last)));
  EXPECT_EQ(plain, mask(x.to(DType::bf16)));
  EXPECT_EQ(plain, mask(x.unsqueeze(0).expand({2, 3, 5, 4, 7}).select(0, 1)));
}

TEST(Dropout, DropsWholeChannels) {
  Generator generator(4);
  const Tensor x = ones({6, 8, 3, 3}).contiguous(MemoryFormat::channels_last);
  const Tensor y = dropout2d(x, 0.5, true, generator);
  EXPECT_TRUE(y.is_contiguous(MemoryFormat::channels_last));
  int64_t dropped = 0;
  for (int64_t n = 0; n < 6; ++n)
    for (int64_t c = 0; c < 8; ++c) {
      const auto channel = y.select(0, n).select(0, c).to_vector<float>();
      EXPECT_TRUE(channel == std::vector<float>(9, 0) || channel == std::vector<float>(9, 2));
      dropped += channel[0] == 0;
    }
  EXPECT_GT(dropped, 10);
  EXPECT_LT(dropped, 38);
}

TEST(Dropout, GradientsPassWhereTheValuesPassed) {
  for (const bool channels : {false, true}) {
    const auto f = [channels](const std::vector<Tensor>& in) {
      Generator generator(11);
      return channels ? dropout2d(in[0], 0.4, true, generator) : dropout(in[0], 0.4, true, generator);
    };
    EXPECT_EQ(gradcheck(f, {rand({3, 4, 2, 2}, {.requires_grad = true})}), "");
  }
}

TEST(Dropout, EdgesOfTheProbability) {
  const Tensor x = full({50}, std::numeric_limits<double>::infinity());
  EXPECT_EQ(dropout(x, 1).to_vector<float>(), std::vector<float>(50, 0));
  EXPECT_EQ(dropout2d(x.reshape({5, 10}), 1).to_vector<float>(), std::vector<float>(50, 0));
  EXPECT_EQ(dropout(x, 0).impl(), x.impl());
  EXPECT_EQ(dropout(x, 0.5, false).impl(), x.impl());
  EXPECT_EQ(dropout(zeros({0}), 0.5).numel(), 0);
  EXPECT_THROW(dropout(x, 1.5), ConfigError);
  EXPECT_THROW(dropout(x, -0.1), ConfigError);
  EXPECT_THROW(dropout2d(x, 0.5), ShapeError);
  EXPECT_THROW(dropout(zeros({3}, {.dtype = DType::i64}), 0.5), DTypeError);
}

}  // namespace
}  // namespace gw
