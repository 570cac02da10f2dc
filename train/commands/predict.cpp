// groundwork predict: what is on these pictures?
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "autograd/autograd.h"
#include "autograd/index.h"
#include "data/image_file.h"
#include "tensor/creation.h"
#include "train/commands/choices.h"
#include "train/commands/command.h"
#include "train/commands/ensemble.h"
#include "train/commands/pictures.h"
#include "train/plots/charts.h"
#include "train/plots/plot_folder.h"

namespace gw::commands {
namespace {

struct Options {
  EnsembleOptions ensemble;
  ComputeOptions compute;
  std::vector<std::string> images;
  int64_t top = 3;
  std::string invert = "auto", plots;
  bool no_trim = false;
  uint64_t seed = 42;
};

const std::map<std::string, Invert> kInvert = {
    {"auto", Invert::automatic}, {"never", Invert::never}, {"always", Invert::always}};

/// The pictures as the model's kind of images, without those that cannot be read: each of them is reported, and taken
/// off `paths`.
ImageDataset read_images(std::vector<std::string>& paths, const ImageDataset& kind, const FitImageOptions& fit) {
  std::vector<std::string> read;
  std::vector<Tensor> images;
  for (const std::string& path : paths) {
    try {
      images.push_back(as_model_sees(read_image(path), kind, fit).unsqueeze(0));
      read.push_back(path);
    } catch (const IoError& e) {
      fmt::print(stderr, "groundwork: {}\n", e.what());
    }
  }
  paths = read;
  ImageDataset data = kind;
  if (images.empty()) return data;
  data.images = cat(images, 0);
  data.labels = zeros({static_cast<int64_t>(images.size())}, {.dtype = DType::i64});
  return data;
}

/// "Sneaker 97.1%, Sandal 2.0%": the most probable classes of an image, with the spread of dropout samples, if any.
std::string top_classes(const float* probabilities, const float* spread, const std::vector<std::string>& classes,
                        int64_t top) {
  std::vector<size_t> order(classes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  const size_t shown = std::min(order.size(), static_cast<size_t>(top));
  std::string text;
  for (size_t rank = 0; rank < shown; ++rank) {
    const size_t i = order[rank];
    text += fmt::format("{}{} {:.1f}%", text.empty() ? "" : ", ", classes[i], 100 * probabilities[i]);
    if (spread) text += fmt::format(" +- {:.1f}%", 100 * spread[i]);
  }
  return text;
}

int run(const Options& o) {
  constexpr int kSomeFailed = 1;
  manual_seed(o.seed);
  std::optional<PlotFolder> plots;
  if (!o.plots.empty()) plots.emplace(o.plots);
  const std::vector<NamedModel> models = load_models(o.ensemble, o.compute.device());
  std::vector<std::string> paths = o.images;
  const ImageDataset data = read_images(paths, models.front().kind, {kInvert.at(o.invert), !o.no_trim});
  if (paths.empty()) return kSomeFailed;

  const NoGrad no_grad;
  std::vector<Prediction> predictions;
  for (const NamedModel& model : models) predictions.push_back(predict(model, data, o.ensemble, o.compute));
  const std::vector<float> probabilities = mean_logits(predictions).softmax(1).to_vector<float>();
  // Of an ensemble, every model has a spread of its own.
  const bool has_spread = predictions.size() == 1 && predictions.front().spread.defined();
  const std::vector<float> spread = has_spread ? predictions.front().spread.to_vector<float>() : std::vector<float>();
  std::vector<ImageTitle> titles;
  for (size_t i = 0; i < paths.size(); ++i) {
    const size_t row = i * data.classes.size();
    fmt::print("{}: {}\n", paths[i],
               top_classes(&probabilities[row], has_spread ? &spread[row] : nullptr, data.classes, o.top));
    titles.push_back({top_classes(&probabilities[row], nullptr, data.classes, 1)});
  }
  if (plots)
    plots->add("predictions", "The pictures as the model sees them, and what it takes them for",
               image_grid(data.images, titles, {.title = "Predictions"}));
  return paths.size() == o.images.size() ? 0 : kSomeFailed;
}

}  // namespace

Command add_predict(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("predict", "Say what is on PNG or JPEG pictures, of any size");
  command->add_option("IMAGE", o->images, "PNG or JPEG files")->required();
  command->add_option("--top", o->top, "Name so many classes")->check(positive())->capture_default_str();
  command->add_option("--invert", o->invert, "Turn dark on bright into bright on dark")
      ->check(CLI::IsMember(keys(kInvert)))
      ->capture_default_str();
  command->add_flag("--no-trim", o->no_trim, "Leave wide margins around an object as they are");
  o->ensemble.add_to(command);
  add_plots(command, o->plots);
  add_seed(command, o->seed)->description("Seed of --dropout-samples");
  o->compute.add_to(command);
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
