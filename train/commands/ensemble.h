// Predicting with one saved model or several, with as many views of each image as wanted.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "train/commands/options.h"
#include "train/commands/view_options.h"
#include "train/commands/weights.h"

namespace gw::commands {

/// --load (several times for an ensemble), --model, --tta, --tta-views, --dropout-samples.
struct EnsembleOptions {
  std::vector<std::string> load;
  std::string model;  ///< only needed for files that do not name theirs
  ViewOptions views;
  std::optional<int64_t> dropout_samples = {};

  void add_to(CLI::App* command);
  /// "", "  test time augmentation", ...: for a line of results.
  std::string description() const;
};

/// The models, on the device. ConfigError, naming two files, if their images or classes differ.
std::vector<NamedModel> load_models(const EnsembleOptions& options, const Device& device);

/// What a model says of images.
struct Prediction {
  Tensor logits;   ///< [M, classes] f32; with dropout samples, the logarithm of the mean probability
  Tensor spread;   ///< [M, classes]: the standard deviation of the probabilities over the samples; undefined without
  Tensor targets;  ///< [M]
};
Prediction predict(const NamedModel& model, const ImageDataset& data, const EnsembleOptions& options,
                   const ComputeOptions& compute);

/// The mean of several models' logits (a tensor each, of one shape).
Tensor mean_logits(const std::vector<Prediction>& predictions);

}  // namespace gw::commands
