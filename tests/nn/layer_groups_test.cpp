#include "nn/layer_groups.h"

#include <gtest/gtest.h>

#include "nn/models/models.h"
#include "nn/sequential.h"
#include "nn/shape_layers.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

using Names = std::vector<std::string>;

TEST(LayerGroups, OfAResNet) {
  const auto model = make_model("resnet18", {.in_channels = 3, .width = 0.125});
  const std::vector<LayerGroup> groups = layer_groups(*model, 3);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].names, (Names{"conv1", "bn1", "act1", "maxpool", "layer1"}));
  EXPECT_EQ(groups[1].names, (Names{"layer2", "layer3", "layer4", "global_pool"}));
  EXPECT_EQ(groups[2].names, (Names{"fc"}));
  EXPECT_EQ(layer_groups(*model, 1)[0].names.size(), 10u);
  EXPECT_EQ(layer_groups(*model, 7)[6].names, (Names{"fc"}));
  EXPECT_EQ(head_tensors(*model), (Names{"fc.weight", "fc.bias"}));
}

TEST(LayerGroups, TogetherHoldEveryParameterInOrder) {
  for (const std::string& name : model_names())
    for (int64_t count = 1; count <= 3 && !(name == "cifar-simple" && count == 3); ++count) {
      const auto model = make_model(name, {.width = 0.25});
      std::vector<const TensorImpl*> grouped, all;
      for (const LayerGroup& group : layer_groups(*model, count)) {
        EXPECT_FALSE(group.parameters().empty()) << name << " " << count;
        for (const Tensor& p : group.parameters()) grouped.push_back(p.impl());
      }
      for (const Tensor& p : model->parameters()) all.push_back(p.impl());
      EXPECT_EQ(grouped, all) << name;
    }
}

TEST(LayerGroups, TheHeadIsTheLastLinearOrConvolutionAndWhatFollows) {
  EXPECT_EQ(head_tensors(*make_model("resnet")),
            (Names{"7.weight", "8.weight", "8.bias", "8.running_mean", "8.running_var", "8.num_batches_tracked"}));
  const Names convnet = head_tensors(*make_model("convnet"));
  EXPECT_EQ(convnet.front(), "5.0.weight");
}

TEST(LayerGroups, FreezeAndUnfreeze) {
  const auto model = make_model("cifar-bn", {.in_channels = 3, .width = 0.25});
  const std::vector<LayerGroup> groups = layer_groups(*model, 3);
  const auto trains = [&](size_t group) { return groups[group].parameters().front().requires_grad(); };
  freeze_to(groups, 1);
  EXPECT_EQ((std::vector<bool>{trains(0), trains(1), trains(2)}), (std::vector<bool>{false, true, true}));
  freeze_to(groups, -1);
  EXPECT_EQ((std::vector<bool>{trains(0), trains(1), trains(2)}), (std::vector<bool>{false, false, true}));
  unfreeze(groups);
  EXPECT_EQ((std::vector<bool>{trains(0), trains(1), trains(2)}), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(message_of<ConfigError>([&] { freeze_to(groups, 3); }), "freeze_to: there is no group 3 of 3");
  EXPECT_THROW(freeze_to(groups, -4), ConfigError);
}

TEST(LayerGroups, NoMoreThanThereAre) {
  const auto model = make_model("cifar-simple");
  EXPECT_EQ(layer_groups(*model, 2).size(), 2u);
  EXPECT_NE(message_of<ConfigError>([&] { layer_groups(*model, 3); }).find("expected 1 to 2 groups"),
            std::string::npos);
  EXPECT_THROW(layer_groups(*model, 0), ConfigError);
  EXPECT_THROW(layer_groups(Sequential(Flatten()), 2), ConfigError);
}

}  // namespace
}  // namespace gw
