#include "nn/squeeze_excite.h"

#include <gtest/gtest.h>

#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(SqueezeExcite, WeighsEachChannelByTheWholeImage) {
  manual_seed(1);
  SqueezeExcite layer(3, 1);
  EXPECT_EQ(layer.fc1->weight.shape(), Shape({4, 3}));  // never below 4
  EXPECT_EQ(SqueezeExcite(128).fc1->weight.shape(), Shape({8, 128}));
  const Tensor x = randn({2, 3, 4, 5}).contiguous(MemoryFormat::channels_last), y = layer(x);
  EXPECT_TRUE(y.is_contiguous(MemoryFormat::channels_last));
  const Tensor factors = (*layer.fc2)((*layer.fc1)(x.mean({2, 3})).relu()).sigmoid();
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t c = 0; c < 3; ++c) {
      const double factor = factors.select(0, n).select(0, c).item();
      expect_close(y.select(0, n).select(0, c), x.select(0, n).select(0, c) * factor);
    }
}

TEST(SqueezeExcite, GradientAgreesWithFiniteDifferences) {
  manual_seed(2);
  SqueezeExcite layer(2);
  const Tensor x = randn({2, 2, 3, 2}, {.requires_grad = true});
  const auto f = [&](const std::vector<Tensor>& in) { return layer(in[0]); };
  EXPECT_EQ(gradcheck(f, {x}), "");
}

TEST(SqueezeExcite, RunsInBf16AndRefusesNonsense) {
  SqueezeExcite layer(8);
  EXPECT_EQ(layer(randn({1, 8, 3, 3}).to(DType::bf16)).dtype(), DType::bf16);
  EXPECT_THROW(SqueezeExcite(0), ConfigError);
  EXPECT_THROW(SqueezeExcite(4, 0), ConfigError);
}

}  // namespace
}  // namespace gw
