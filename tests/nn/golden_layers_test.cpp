// Layers, the lesson's blocks and a small net against PyTorch's: tests/golden/layers.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "autograd/losses.h"
#include "nn/linear.h"
#include "nn/models/resblock.h"
#include "nn/pool.h"
#include "nn/recurrent.h"
#include "nn/squeeze_excite.h"
#include "optim/optimizers.h"
#include "tests/golden/golden_files.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

using nlohmann::json;

template <class M>
ModulePtr shared(M module) {
  return std::make_shared<M>(std::move(module));
}

ModulePtr make_linear(const json& args) {
  return shared(Linear(args.at("in_features"), args.at("out_features"), args.value("bias", true)));
}

ModulePtr make_conv2d(const json& args) {
  const ConvOptions options{.stride = args.value("stride", int64_t{1}), .padding = args.value("padding", int64_t{0})};
  const int64_t kernel = args.at("kernel_size");
  return shared(Conv2d(args.at("in_channels"), args.at("out_channels"), kernel, options, args.value("bias", true)));
}

template <class BatchNormLayer>
ModulePtr make_batch_norm(const json& args) {
  return shared(BatchNormLayer(
      args.at("num_features"),
      {.eps = args.value("eps", 1e-5), .momentum = args.value("momentum", 0.1), .affine = args.value("affine", true)}));
}

BlockOptions block_options(const json& args, int64_t stride) {
  BlockOptions options{.ks = args.value("ks", int64_t{3}), .stride = args.value("stride", stride)};
  if (!args.value("act", true)) options.act = nullptr;
  if (!args.value("norm", true)) options.norm = nullptr;
  options.pre_activation = args.value("pre_activation", false);
  options.squeeze_excite = args.value("squeeze_excite", false);
  return options;
}

ModulePtr make_conv(const json& args) { return shared(conv(args.at("ni"), args.at("nf"), block_options(args, 2))); }

ModulePtr make_res_block(const json& args) {
  return shared(ResBlock(args.at("ni"), args.at("nf"), block_options(args, 1)));
}

ModulePtr make_squeeze_excite(const json& args) {
  return shared(SqueezeExcite(args.at("channels"), args.value("reduction", int64_t{16})));
}

bool is_relu(const json& args) { return args.value("nonlinearity", "tanh") == "relu"; }

RecurrentLayerOptions recurrent_options(const json& args) {
  return {.num_layers = args.value("num_layers", int64_t{1}),
          .bias = args.value("bias", true),
          .batch_first = args.value("batch_first", false),
          .bidirectional = args.value("bidirectional", false)};
}

ModulePtr make_rnn(const json& args) {
  return shared(RNN(args.at("input_size"), args.at("hidden_size"), recurrent_options(args), is_relu(args)));
}

template <class Layer>
ModulePtr make_recurrent(const json& args) {
  return shared(Layer(args.at("input_size"), args.at("hidden_size"), recurrent_options(args)));
}

ModulePtr make_rnn_cell(const json& args) {
  return shared(RNNCell(args.at("input_size"), args.at("hidden_size"), args.value("bias", true), is_relu(args)));
}

template <class Cell>
ModulePtr make_recurrent_cell(const json& args) {
  return shared(Cell(args.at("input_size"), args.at("hidden_size"), args.value("bias", true)));
}

ModulePtr make_net(const json& args) {
  const int64_t width = args.at("width"), features = args.at("features"), classes = args.at("classes");
  return shared(Sequential(conv(1, width, {.ks = 5, .stride = 1}), ResBlock(width, features, {.stride = 2}),
                           ResBlock(features, features), GlobalAvgPool(), Linear(features, classes, /*bias=*/false),
                           BatchNorm1d(classes)));
}

ModulePtr make_layer(const SafetensorsFile& file) {
  using Maker = ModulePtr (*)(const json&);
  const std::map<std::string, Maker> makers = {{"RNN", make_rnn},
                                               {"GRU", make_recurrent<GRU>},
                                               {"LSTM", make_recurrent<LSTM>},
                                               {"RNNCell", make_rnn_cell},
                                               {"GRUCell", make_recurrent_cell<GRUCell>},
                                               {"LSTMCell", make_recurrent_cell<LSTMCell>},
                                               {"Linear", make_linear},
                                               {"Conv2d", make_conv2d},
                                               {"BatchNorm1d", make_batch_norm<BatchNorm1d>},
                                               {"BatchNorm2d", make_batch_norm<BatchNorm2d>},
                                               {"conv", make_conv},
                                               {"ResBlock", make_res_block},
                                               {"SqueezeExcite", make_squeeze_excite},
                                               {"net", make_net}};
  ModulePtr layer = makers.at(file.metadata.at("layer"))(golden_json(file, "args"));
  layer->load_state_dict(golden_group(file, "state"));
  return layer;
}

/// Expects `found` to have the tensors that the file has under `prefix`, and their values.
void expect_group(const SafetensorsFile& file, const std::string& prefix, const NamedTensors& found, double rtol,
                  double atol) {
  const NamedTensors expected = golden_group(file, prefix);
  ASSERT_EQ(found.size(), expected.size()) << prefix;
  for (const auto& [name, tensor] : found) {
    SCOPED_TRACE(prefix + "." + name);
    expect_close(tensor, file.at(prefix + "." + name), rtol, atol);
  }
}

NamedTensors gradients(const Module& module) {
  NamedTensors grads = module.named_parameters();
  for (auto& [name, tensor] : grads) tensor = tensor.grad();
  return grads;
}

std::vector<std::string> layer_files() {
  std::vector<std::string> names = golden_names("layers");
  std::erase(names, "net");
  return names;
}

class GoldenLayers : public testing::TestWithParam<std::string> {};

TEST_P(GoldenLayers, ValuesGradientsAndStatisticsEqualPyTorchs) {
  const SafetensorsFile file = load_golden("layers", GetParam());
  const ModulePtr layer = make_layer(file);
  const Tensor x = file.at("input").clone().set_requires_grad();

  const Tensor y = (*layer)(x);
  expect_close(y, file.at("output"), 1e-4, 1e-5);
  y.backward(file.at("grad_output"));
  expect_close(x.grad(), file.at("grad_input"), 1e-4, 2e-5);
  expect_group(file, "grad", gradients(*layer), 1e-4, 5e-5);
  expect_group(file, "after", layer->named_buffers(), 1e-5, 1e-6);

  layer->eval();
  expect_close((*layer)(x), file.at("eval_output"), 1e-4, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenLayers, testing::ValuesIn(layer_files()), golden_test_name);

TEST(GoldenNet, ThreeTrainingStepsEqualPyTorchs) {
  const SafetensorsFile file = load_golden("layers", "net");
  const ModulePtr net = make_layer(file);
  const json settings = golden_json(file, "optimizer");
  Optimizer optimizer = adamw(net->parameters(), {.lr = settings.at("lr"),
                                                  .beta1 = settings.at("betas")[0],
                                                  .beta2 = settings.at("betas")[1],
                                                  .eps = settings.at("eps"),
                                                  .weight_decay = settings.at("weight_decay").get<double>()});
  for (int64_t step = 0; step < 3; ++step) {
    const Tensor output = (*net)(file.at("input").select(0, step));
    const Tensor loss = cross_entropy(output, file.at("target").select(0, step));
    optimizer.zero_grad();
    loss.backward();
    if (step == 0) {
      expect_close(output, file.at("output"), 1e-4, 1e-5);
      expect_group(file, "grad", gradients(*net), 1e-3, 2e-5);
    }
    EXPECT_NEAR(loss.item(), file.at("losses").select(0, step).item(), 1e-5) << "step " << step;
    optimizer.step();
  }
  expect_group(file, "final", net->state_dict(), 1e-3, 1e-4);
}

}  // namespace
}  // namespace gw
