#include "train/commands/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/cifar10.h"
#include "data/fashion_mnist.h"
#include "data/holdout.h"
#include "kernels/matmul.h"
#include "nn/models/models.h"
#include "train/commands/choices.h"

namespace gw::commands {

CLI::Validator positive() {
  const auto check = [](const std::string& text) -> std::string {
    double value = 0;
    return CLI::detail::lexical_cast(text, value) && value > 0 && std::isfinite(value)
               ? ""
               : fmt::format("expected a number above 0, got {}", text);
  };
  return CLI::Validator(check, "POSITIVE");
}

CLI::Validator below_one() {
  const auto check = [](const std::string& text) -> std::string {
    double value = 0;
    return CLI::detail::lexical_cast(text, value) && value >= 0 && value < 1
               ? ""
               : fmt::format("expected a number of at least 0 and below 1, got {}", text);
  };
  return CLI::Validator(check, "BELOW-ONE");
}

CLI::Validator whole_number() {
  const auto check = [](const std::string& text) -> std::string {
    const bool digits =
        !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits ? "" : fmt::format("expected a whole number of at least 0, got {}", text);
  };
  return CLI::Validator(check, "WHOLE");
}

CLI::Option* add_model(CLI::App* command, std::string& model) {
  return command->add_option("--model", model, "Model")->check(CLI::IsMember(model_names()));
}

CLI::Option* add_optimizer(CLI::App* command, std::string& optimizer) {
  return command->add_option("--opt", optimizer, "Optimizer")
      ->check(CLI::IsMember(keys(optimizers())))
      ->capture_default_str();
}

CLI::Option* add_seed(CLI::App* command, uint64_t& seed) {
  return command->add_option("--seed", seed, "Seed of weights, order, augmentation and dropout")
      ->check(whole_number())
      ->capture_default_str();
}

CLI::Option* add_plots(CLI::App* command, std::string& folder) {
  return command->add_option("--plots", folder, "Draw pictures into this folder, with a page index.html");
}

void ComputeOptions::add_to(CLI::App* command) {
  command->add_option("--batch", batch, "Images per batch")->check(positive())->capture_default_str();
  command->add_option("--device", device_name, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_flag_function(
      "--tf32", [](int64_t) { set_allow_tf32(true); },
      "On a GPU, round the factors of f32 products to TF32: several times as fast");
  command->add_option("--dtype", dtype_name, "Type of the activations: f32, or bf16 for mixed precision")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
}

void DataOptions::add_to(CLI::App* command) {
  ComputeOptions::add_to(command);
  command->add_option("--limit", limit, "Use only so many training and validation images")->check(positive());
  command->add_option("--data", folder,
                      "Folder with the data sets; default: $GROUNDWORK_DATA, /usr/share/datasets, ~/.cache/groundwork");
  command->add_option("--cifar", cifar,
                      "Instead of Fashion-MNIST, CIFAR-10: the folder of data_batch_1.bin to data_batch_5.bin and "
                      "test_batch.bin");
  pictures.add_to(command);
  command->get_option("--cifar")->excludes("--folder");
}

void DataOptions::add_holdout(CLI::App* command) {
  command->add_flag("--holdout", holdout,
                    "Leave the validation images alone, so that choices do not depend on them: judge by a tenth of the "
                    "training images, always the same ones, which are kept out of training");
}

Device ComputeOptions::device() const { return device_from_name(device_name); }

DType ComputeOptions::dtype() const { return dtype_from_name(dtype_name); }

void DataOptions::normalise(ImageDataset& data) const {
  if (!normalisation) return;
  const auto channels = static_cast<size_t>(data.images.size(1));
  if (normalisation->mean.size() != channels)
    throw ConfigError(fmt::format("the weights are of images with {} channels, the data's have {}",
                                  normalisation->mean.size(), channels));
  data.mean = normalisation->mean;
  data.std = normalisation->std;
}

DatasetPair DataOptions::load() const {
  DatasetPair data = pictures.given() ? pictures.load(limit)
                     : cifar.empty()  ? load_fashion_mnist(folder)
                                      : load_cifar10(cifar);
  if (holdout) data = hold_out_tenth(data.train);
  if (limit) data = {data.train.first(*limit), data.valid.first(*limit)};
  normalise(data.train);
  normalise(data.valid);
  return {data.train.to(device()), data.valid.to(device())};
}

LoaderPair DataOptions::loaders() const {
  const LoaderOptions shuffled{.batch_size = batch, .shuffle = true, .dtype = dtype()};
  const LoaderOptions ordered{.batch_size = batch, .dtype = dtype()};
  if (pictures.given() && pictures.makes_anew()) {
    if (holdout) throw ConfigError("--holdout cannot go with --fit random: take --fit crop or squish");
    FolderOptions::Streamed data = pictures.stream(limit);
    normalise(data.valid);
    const ChannelStatistics statistics{data.valid.mean, data.valid.std};
    return {Loader(data.train, statistics, device(), shuffled), Loader(data.valid.to(device()), ordered)};
  }
  const DatasetPair data = load();
  return {Loader(data.train, shuffled), Loader(data.valid, ordered)};
}

}  // namespace gw::commands
