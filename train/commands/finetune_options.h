// --load, --new-head, --freeze-to, --lr and --wd: training that begins with the weights of another run, and what of
// them changes how fast.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/image_stream.h"
#include "train/commands/layer_options.h"
#include "train/learner.h"

namespace gw::commands {

/// The weights that a run begins with.
struct Pretrained {
  std::string path, model;
  LayerOptions layers;
  std::optional<ChannelStatistics> normalisation;  ///< of the images it was trained on, if known
  NamedTensors tensors;

  /// Copies them into a model; all but its head's, with `new_head`. ConfigError if the head is of other classes and is
  /// not new; ShapeError if the weights are of another model.
  void load_into(Module& model, bool new_head) const;
};

struct FinetuneOptions {
  std::string load;
  bool new_head = false;
  std::optional<int64_t> freeze_to = {};
  std::string lr, weight_decay;  ///< numbers between commas, one per group of layers; empty: the default

  void add_to(CLI::App* command);
  /// Reads the file, if one is given. `model` names it for a file that does not. A file without its normalisation and
  /// of one of ImageNet's models is taken to be of ImageNet's. IoError if nothing names the model or the metadata are
  /// damaged.
  std::optional<Pretrained> pretrained(const std::string& model) const;
  /// The largest learning rate of the last group, or `otherwise` if none is given.
  double largest_lr(double otherwise) const;
  /// The share of it that each group trains with; empty if all train alike.
  std::vector<double> lr_shares() const;
  /// Makes the optimizer of that name for the model's groups, with their rates and weight decays.
  OptimizerFunction optimizer(const std::string& name, const Module& model) const;
  /// The callback for --freeze-to, or null.
  CallbackPtr freeze(const Module& model) const;

 private:
  /// As many as --lr or --wd name, 3 if only --freeze-to is given. ConfigError if they differ.
  int64_t groups() const;
};

}  // namespace gw::commands
