// The tables of the lesson, row by row.
#include "nn/summary.h"

#include <gtest/gtest.h>

#include "nn/models/models.h"
#include "nn/models/resnet.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr auto kHeader = "|Module|Input|Output|Num params|MFLOPS|\n|--|--|--|--|--|\n";

std::string table_of(const std::string& name) { return summary(*make_model(name), {1024, 1, 28, 28}); }

TEST(Summary, Resnet) {
  EXPECT_EQ(table_of("resnet"), std::string(kHeader) +
                                    "|ResBlock|(1024, 1, 28, 28)|(1024, 8, 28, 28)|712|0.5|\n"
                                    "|ResBlock|(1024, 8, 28, 28)|(1024, 16, 14, 14)|3696|0.7|\n"
                                    "|ResBlock|(1024, 16, 14, 14)|(1024, 32, 7, 7)|14560|0.7|\n"
                                    "|ResBlock|(1024, 32, 7, 7)|(1024, 64, 4, 4)|57792|0.9|\n"
                                    "|ResBlock|(1024, 64, 4, 4)|(1024, 128, 2, 2)|230272|0.9|\n"
                                    "|ResBlock|(1024, 128, 2, 2)|(1024, 256, 1, 1)|919296|0.9|\n"
                                    "|Flatten|(1024, 256, 1, 1)|(1024, 256)|0|0.0|\n"
                                    "|Linear|(1024, 256)|(1024, 10)|2560|0.0|\n"
                                    "|BatchNorm1d|(1024, 10)|(1024, 10)|20|0.0|\n"
                                    "Tot params: 1228908; MFLOPS: 4.7\n");
}

TEST(Summary, ResnetGap) {
  EXPECT_EQ(table_of("resnet-gap"), std::string(kHeader) +
                                        "|ResBlock|(1024, 1, 28, 28)|(1024, 16, 28, 28)|6928|5.3|\n"
                                        "|ResBlock|(1024, 16, 28, 28)|(1024, 32, 14, 14)|14560|2.8|\n"
                                        "|ResBlock|(1024, 32, 14, 14)|(1024, 64, 7, 7)|57792|2.8|\n"
                                        "|ResBlock|(1024, 64, 7, 7)|(1024, 128, 4, 4)|230272|3.7|\n"
                                        "|ResBlock|(1024, 128, 4, 4)|(1024, 256, 2, 2)|919296|3.7|\n"
                                        "|ResBlock|(1024, 256, 2, 2)|(1024, 512, 2, 2)|3673600|14.7|\n"
                                        "|GlobalAvgPool|(1024, 512, 2, 2)|(1024, 512)|0|0.0|\n"
                                        "|Linear|(1024, 512)|(1024, 10)|5120|0.0|\n"
                                        "|BatchNorm1d|(1024, 10)|(1024, 10)|20|0.0|\n"
                                        "Tot params: 4907588; MFLOPS: 33.0\n");
}

TEST(Summary, TotalsOfEveryModel) {
  const std::pair<const char*, const char*> expected[] = {
      {"convnet", "Tot params: 110286; MFLOPS: 1.1\n"},       {"resnet", "Tot params: 1228908; MFLOPS: 4.7\n"},
      {"resnet-wide", "Tot params: 4907588; MFLOPS: 22.0\n"}, {"resnet-gap", "Tot params: 4907588; MFLOPS: 33.0\n"},
      {"resnet-slim", "Tot params: 1231428; MFLOPS: 18.3\n"}, {"resnet-fast", "Tot params: 1224948; MFLOPS: 13.3\n"},
      {"resnet-drop", "Tot params: 4907588; MFLOPS: 22.0\n"}};
  for (const auto& [name, totals] : expected) EXPECT_TRUE(table_of(name).ends_with(totals)) << table_of(name);
}

TEST(Summary, LeavesTheModelAsItWas) {
  Sequential model = convnet();
  model[0].eval();
  NamedTensors before;
  for (const auto& [name, t] : model.state_dict()) before.emplace_back(name, t.clone());
  summary(model, {8, 1, 28, 28});
  EXPECT_TRUE(model.is_training());
  EXPECT_FALSE(model[0].is_training());
  EXPECT_TRUE(model[1].is_training());
  EXPECT_FALSE(model[0].has_hooks());
  const NamedTensors after = model.state_dict();
  for (size_t i = 0; i < before.size(); ++i) expect_close(after[i].second, before[i].second, 0, 0);
}

TEST(Summary, WrongInputsAreErrors) {
  const auto model = make_model("convnet");
  EXPECT_THROW(summary(*model, {}), ShapeError);
  EXPECT_THROW(summary(*model, {8, 3, 28, 28}), ShapeError);
}

}  // namespace
}  // namespace gw
