#include "data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tensor/creation.h"

namespace gw {
namespace {

/// Seven images of one pixel, whose value and label is their position.
ImageDataset positions() {
  const Tensor values = arange(0, 7);
  return {
      values.to(DType::u8).reshape({7, 1, 1, 1}), values.to(DType::i64), std::vector<std::string>(7, "x"), {0}, {1}};
}

std::vector<int64_t> labels_of_one_pass(Loader& loader) {
  std::vector<int64_t> labels;
  Batch batch;
  for (loader.start(); loader.next(batch);)
    for (int64_t y : batch.y.to_vector<int64_t>()) labels.push_back(y);
  return labels;
}

TEST(Loader, GoesThroughInOrder) {
  Loader loader(positions(), {.batch_size = 3});
  EXPECT_EQ(loader.size(), 3);
  Batch batch;
  EXPECT_FALSE(loader.next(batch));  // not started
  loader.start();
  std::vector<int64_t> sizes;
  while (loader.next(batch)) {
    sizes.push_back(batch.y.numel());
    EXPECT_EQ(batch.x.shape(), (Shape{batch.y.numel(), 1, 1, 1}));
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{3, 3, 1}));
  EXPECT_EQ(labels_of_one_pass(loader), (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(Loader, DropsTheLastBatchIfAsked) {
  Loader loader(positions(), {.batch_size = 3, .drop_last = true});
  EXPECT_EQ(loader.size(), 2);
  EXPECT_EQ(labels_of_one_pass(loader).size(), 6u);
}

TEST(Loader, ShufflesBySeed) {
  Generator a(1), b(1);
  Loader first(positions(), {.batch_size = 2, .shuffle = true, .generator = &a});
  Loader second(positions(), {.batch_size = 3, .shuffle = true, .generator = &b});
  const auto pass = labels_of_one_pass(first);
  EXPECT_EQ(pass, labels_of_one_pass(second));
  EXPECT_NE(pass, labels_of_one_pass(first));
  auto sorted = pass;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(Loader, NormalisesImagesAndKeepsThemWithTheirLabels) {
  ImageDataset data = positions();
  data.mean = {0.5f};
  data.std = {0.25f};
  Loader loader(data, {.batch_size = 7, .shuffle = true});
  Batch batch;
  loader.start();
  ASSERT_TRUE(loader.next(batch));
  const auto x = batch.x.to_vector<float>();
  const auto y = batch.y.to_vector<int64_t>();
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], (static_cast<float>(y[i]) / 255 - 0.5f) / 0.25f, 1e-6);
}

TEST(Loader, RefusesImpossibleOptions) {
  EXPECT_THROW(Loader(positions(), {.batch_size = 0}), ConfigError);
  EXPECT_THROW(Loader(positions(), {.batch_size = 8, .drop_last = true}), ConfigError);
  EXPECT_THROW(Loader(positions().first(0), {}), ConfigError);
  EXPECT_EQ(Loader(positions(), {.batch_size = 8}).size(), 1);
}

}  // namespace
}  // namespace gw
