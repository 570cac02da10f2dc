#include "kernels/mix.h"

#include <gtest/gtest.h>

#include <limits>

#include "autograd/losses.h"
#include "tensor/creation.h"
#include "tests/golden/golden_files.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

Tensor channels_last(const Tensor& x) { return x.contiguous(MemoryFormat::channels_last); }

class GoldenMix : public testing::TestWithParam<std::string> {};

TEST_P(GoldenMix, IsTorchvisions) {
  const SafetensorsFile file = load_golden("mix", GetParam());
  const auto args = golden_json(file, "args");
  const auto tensor = [&](const std::string& name) {
    for (const auto& [key, t] : file.tensors)
      if (key == name) return t;
    throw IoError("no tensor " + name);
  };
  const ImageMix mix{args["shift"], args["keep"], args["top"], args["left"], args["bottom"], args["right"]};
  const Tensor x = tensor("input"), labels = tensor("labels");
  const float lam = kept_share(mix, x.size(2), x.size(3));
  EXPECT_NEAR(lam, args["lam"].get<double>(), 1e-6);
  expect_close(kernels::mix_images(channels_last(x), mix), tensor("output"), 1e-6, 1e-6);
  expect_close(kernels::mix_images(channels_last(x.to(DType::bf16)), mix), tensor("output"), 2e-2, 2e-2);
  const Tensor targets = kernels::mix_targets(labels, tensor("targets").size(1), mix.shift, lam);
  expect_close(targets, tensor("targets"), 1e-6, 1e-6);

  Tensor logits = tensor("logits").set_requires_grad();
  const Tensor loss = cross_entropy(logits, targets);
  loss.backward();
  expect_close(loss, tensor("loss"), 1e-5, 1e-6);
  expect_close(logits.grad(), tensor("grad_logits"), 1e-5, 1e-6);
  EXPECT_NEAR(cross_entropy(logits.detach().to(DType::bf16), targets).item(), tensor("loss").item(), 2e-2);
}

INSTANTIATE_TEST_SUITE_P(Mix, GoldenMix, testing::ValuesIn(golden_names("mix")), golden_test_name);

TEST(Mix, CutmixTakesOnlyWhatIsThere) {
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  const Tensor x = channels_last(from_values<float>({kInfinite, 1, 2, 3}, {2, 1, 1, 2}));
  const Tensor y = kernels::mix_images(x, {.shift = 1, .keep = 0, .bottom = 1, .right = 1});
  expect_close(y, std::vector<double>{2, 1, kInfinite, 3}, 0, 0);
  expect_close(x, std::vector<double>{kInfinite, 1, 2, 3}, 0, 0);  // the batch itself stays
}

TEST(Mix, EmptyBatchesAndBoxes) {
  const Tensor none = channels_last(zeros({0, 3, 4, 4}));
  EXPECT_EQ(kernels::mix_images(none, {}).shape(), Shape({0, 3, 4, 4}));
  EXPECT_EQ(kernels::mix_targets(zeros({0}, {.dtype = DType::i64}), 3, 0, 1).shape(), Shape({0, 3}));
  const Tensor x = channels_last(rand({2, 3, 4, 4}));
  expect_close(kernels::mix_images(x, {.shift = 1, .keep = 0}), x, 0, 0);
  EXPECT_EQ(kept_share({.keep = 0}, 0, 0), 1);
}

TEST(Mix, SaysWhatItDoesNotTake) {
  const Tensor x = channels_last(rand({2, 3, 4, 5})), labels = from_values<int64_t>({0, 3}, {2}, {.dtype = DType::i64});
  EXPECT_EQ(message_of<ShapeError>([&] {
              kernels::mix_images(rand({2, 3}), {});
            }),
            "mix_images: expected [N, C, H, W] in channels-last memory, got [2, 3]");
  EXPECT_THROW(kernels::mix_images(x.to(DType::i64), {}), DTypeError);
  EXPECT_EQ(message_of<ConfigError>([&] { kernels::mix_images(x, {.shift = 2}); }),
            "mix_images: expected a shift from 0 to below the 2 images, got 2");
  EXPECT_THROW(kernels::mix_images(x, {.keep = 1.5f}), ConfigError);
  EXPECT_EQ(message_of<ConfigError>([&] { kernels::mix_images(x, {.bottom = 5, .right = 5}); }),
            "mix_images: expected a box within 4 x 5, got rows 0 to 5, columns 0 to 5");
  EXPECT_EQ(message_of<ShapeError>([&] { kernels::mix_targets(labels, 3, 1, 0.5f); }),
            "mix_targets: label 3 (element 1) is not one of the 3 classes");
  EXPECT_THROW(kernels::mix_targets(labels.to(DType::f32), 4, 1, 0.5f), DTypeError);
  EXPECT_THROW(kernels::mix_targets(labels, 4, -1, 0.5f), ConfigError);
  EXPECT_THROW(kernels::mix_targets(labels, 4, 1, -0.5f), ConfigError);
}

}  // namespace
}  // namespace gw
