#include "data/holdout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tensor/creation.h"

namespace gw {
namespace {

/// Items whose label is their position, and whose pixel is its last two digits.
ImageDataset positions(int64_t count) {
  std::vector<uint8_t> pixels;
  for (int64_t i = 0; i < count; ++i) pixels.push_back(static_cast<uint8_t>(i % 100));
  return {from_values(pixels, {count, 1, 1, 1}, {.dtype = DType::u8}),
          arange(0, static_cast<double>(count)).to(DType::i64),
          std::vector<std::string>(static_cast<size_t>(count), "x"),
          {0.5f},
          {0.25f}};
}

std::vector<int64_t> labels(const ImageDataset& data) { return data.labels.to_vector<int64_t>(); }

TEST(Holdout, EveryItemIsInOneOfBothParts) {
  const DatasetPair parts = hold_out_tenth(positions(6000));
  EXPECT_EQ(parts.train.size(), 5400);
  EXPECT_EQ(parts.valid.size(), 600);
  std::vector<int64_t> all = labels(parts.train);
  const std::vector<int64_t> held_out = labels(parts.valid);
  all.insert(all.end(), held_out.begin(), held_out.end());
  std::sort(all.begin(), all.end());
  std::vector<int64_t> expected(6000);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
  // Drawn from everywhere, not cut off at an end.
  const auto in_first_half = std::count_if(held_out.begin(), held_out.end(), [](int64_t i) { return i < 3000; });
  EXPECT_NEAR(static_cast<double>(in_first_half), 300, 60);
}

TEST(Holdout, ImagesStayWithTheirLabels) {
  const DatasetPair parts = hold_out_tenth(positions(57));
  EXPECT_EQ(parts.train.size(), 52);
  EXPECT_EQ(parts.valid.size(), 5);
  for (const ImageDataset& part : {parts.train, parts.valid}) {
    const std::vector<uint8_t> pixels = part.images.to_vector<uint8_t>();
    for (size_t i = 0; i < pixels.size(); ++i) EXPECT_EQ(pixels[i], labels(part)[i]);
    EXPECT_EQ(part.classes.size(), 57u);
    EXPECT_EQ(part.mean, std::vector<float>{0.5f});
  }
}

TEST(Holdout, TheSeedOfTheRunDoesNotMatter) {
  manual_seed(1);
  const PhiloxState before = default_generator().state();
  const std::vector<int64_t> first = labels(hold_out_tenth(positions(200)).valid);
  EXPECT_EQ(default_generator().state().offset, before.offset);
  manual_seed(2);
  EXPECT_EQ(labels(hold_out_tenth(positions(200)).valid), first);
}

TEST(Holdout, NeedsTenItems) {
  EXPECT_EQ(hold_out_tenth(positions(10)).valid.size(), 1);
  EXPECT_THROW(hold_out_tenth(positions(9)), ConfigError);
}

}  // namespace
}  // namespace gw
