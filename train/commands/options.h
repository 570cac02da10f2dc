// Options that several commands share, and checks of their values.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "data/loader.h"
#include "tensor/device.h"
#include "tensor/dtype.h"
#include "train/commands/folder_options.h"

namespace gw::commands {

/// Accepts numbers above zero. (CLI11's own check speaks of the largest double when it refuses.)
CLI::Validator positive();
/// Accepts whole numbers from zero up, as a seed is: a negative one would wrap around.
CLI::Validator whole_number();

/// Accepts numbers of at least 0 and below 1.
CLI::Validator below_one();

/// --model: one of model_names().
CLI::Option* add_model(CLI::App* command, std::string& model);
/// --opt: one of optimizers().
CLI::Option* add_optimizer(CLI::App* command, std::string& optimizer);
CLI::Option* add_seed(CLI::App* command, uint64_t& seed);
/// --plots: the folder for pictures.
CLI::Option* add_plots(CLI::App* command, std::string& folder);

/// How and where to compute: --batch, --device, --dtype.
struct ComputeOptions {
  int64_t batch = 1024;
  std::string device_name = "cpu";
  std::string dtype_name = "f32";

  void add_to(CLI::App* command);
  Device device() const;
  DType dtype() const;  ///< of the activations
};

struct LoaderPair {
  Loader train, valid;
};

/// The same, and what data to go through: --data, --cifar, --folder, --limit, and for some commands --holdout.
struct DataOptions : ComputeOptions {
  std::string folder;                                   ///< empty: the usual places
  std::optional<int64_t> limit = {};                    ///< use only so many training and validation items
  bool holdout = false;                                 ///< validate on held-out training images
  std::optional<ChannelStatistics> normalisation = {};  ///< instead of the data's own
  std::string cifar;       ///< if given, the folder of CIFAR-10's binary batches, instead of Fashion-MNIST
  FolderOptions pictures;  ///< or pictures in files

  void add_to(CLI::App* command);
  void add_holdout(CLI::App* command);
  DatasetPair load() const;  ///< onto the device
  /// Batches of both sides, those of training shuffled.
  LoaderPair loaders() const;
  /// What the images are called on which a model is judged: "valid" or "holdout".
  std::string valid_name() const { return holdout ? "holdout" : "valid"; }

 private:
  /// Sets the normalisation, if one is given. ConfigError if it is of images with other channels.
  void normalise(ImageDataset& data) const;
};

}  // namespace gw::commands
