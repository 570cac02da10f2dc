#include "train/commands/ensemble.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "autograd/autograd.h"
#include "train/commands/choices.h"
#include "train/predictions.h"

namespace gw::commands {
namespace {

std::string shape_text(const ImageDataset& kind) {
  return fmt::format("{} x {} x {}", kind.images.size(1), kind.images.size(2), kind.images.size(3));
}

void check_same_kind(const NamedModel& a, const NamedModel& b) {
  if (a.kind.classes != b.kind.classes)
    throw ConfigError(
        fmt::format("ensemble: the models must tell the same classes apart: {} has {} ({}), {} has {} ({})", a.path,
                    a.kind.classes.size(), fmt::join(a.kind.classes, ", "), b.path, b.kind.classes.size(),
                    fmt::join(b.kind.classes, ", ")));
  if (a.kind.images.shape() != b.kind.images.shape() || a.kind.mean != b.kind.mean || a.kind.std != b.kind.std)
    throw ConfigError(
        fmt::format("ensemble: the models must take the same images: {} takes {}, {} {}, or they are "
                    "normalised in another way",
                    a.path, shape_text(a.kind), b.path, shape_text(b.kind)));
}

}  // namespace

void EnsembleOptions::add_to(CLI::App* command) {
  command->add_option("--load", load, "Safetensors file with the weights; several times: an ensemble")
      ->required()
      ->allow_extra_args(false);
  add_model(command, model)->description("Model, for files that do not name it");
  views.add_to(command);
  command
      ->add_option("--dropout-samples", dropout_samples,
                   "Predict so many times with dropout, average, and say how much the probabilities spread")
      ->check(positive());
}

std::string EnsembleOptions::description() const {
  std::string text;
  if (views.count() > 1) text += "  " + views.description();
  if (dropout_samples) text += fmt::format("  dropout, {} samples", *dropout_samples);
  return text;
}

std::vector<NamedModel> load_models(const EnsembleOptions& o, const Device& device) {
  if (o.dropout_samples && o.views.count() > 1)
    throw ConfigError("--dropout-samples and --tta cannot be combined: take one of them");
  std::vector<NamedModel> models;
  for (const std::string& path : o.load) {
    models.push_back(load_model(path, o.model));
    check_same_kind(models.front(), models.back());
    models.back().model->to(device);
  }
  return models;
}

Prediction predict(const NamedModel& model, const ImageDataset& data, const EnsembleOptions& o,
                   const ComputeOptions& compute) {
  const Loader loader(data.to(compute.device()), {.batch_size = compute.batch, .dtype = compute.dtype()});
  Learner learner(model.model, loader, loader, classification_loss(), optimizers().at("sgd"), 0);
  if (o.dropout_samples) {
    const DropoutPrediction p = predict_with_dropout(learner, *o.dropout_samples);
    return {p.probabilities.log(), p.spread, p.targets};
  }
  const auto [logits, targets] = predict_views(learner, test_time_views(o.views.count()));
  return {logits, {}, targets};
}

Tensor mean_logits(const std::vector<Prediction>& predictions) {
  const NoGrad no_grad;
  Tensor sum;
  for (const Prediction& p : predictions) sum = sum.defined() ? sum + p.logits : p.logits;
  return sum / static_cast<double>(predictions.size());
}

}  // namespace gw::commands
