#include "train/plots/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "tensor/creation.h"
#include "train/confusion.h"
#include "train/smooth.h"

namespace gw {
namespace {

constexpr const char *kBlue = "#4e79a7", *kOrange = "#f28e2b", *kGrey = "#b8c4d2";

std::vector<double> count_from(int64_t first, size_t n) {
  std::vector<double> x(n);
  std::iota(x.begin(), x.end(), static_cast<double>(first));
  return x;
}

template <class T>
std::vector<double> as_doubles(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

/// A figure of a panel for each layer, in rows of a few.
template <class MakePanel>
Figure per_layer(const std::string& title, const std::vector<ActivationStats::Layer>& layers, int panel_height,
                 const MakePanel& make_panel) {
  Figure figure{.title = title, .columns = 3, .panel_width = 480, .panel_height = panel_height};
  for (const auto& layer : layers) {
    figure.panels.push_back(make_panel(layer));
    figure.panels.back().title = layer.name;
    figure.panels.back().x_label = "step";
  }
  return figure;
}

Panel loss_panel(const Recorder& recorder) {
  constexpr int kReach = 10;
  const std::vector<float> losses = recorder.losses();
  const std::vector<double> steps = count_from(1, losses.size());
  Line valid{.name = "validation", .color = kOrange, .points = true};
  for (const EpochRecord& e : recorder.epochs()) {
    if (e.training) continue;
    valid.x.push_back(static_cast<double>(e.step));
    valid.y.push_back(e.loss);
  }
  Panel panel{.title = "Loss", .x_label = "step", .y_label = "loss"};
  panel.lines = {{.name = "training, each step", .x = steps, .y = as_doubles(losses), .width = 1, .color = kGrey},
                 {.name = "training, smoothed", .x = steps, .y = smooth(as_doubles(losses), kReach), .color = kBlue}};
  if (!valid.x.empty()) panel.lines.push_back(std::move(valid));
  return panel;
}

/// A panel for each metric, by epoch.
std::vector<Panel> metric_panels(const Recorder& recorder) {
  std::map<std::string, std::map<bool, Line>> lines;
  for (const EpochRecord& e : recorder.epochs()) {
    for (const auto& [name, value] : e.metrics) {
      Line& line = lines[name][e.training];
      line.x.push_back(static_cast<double>(e.epoch + 1));
      line.y.push_back(value);
    }
  }
  constexpr size_t kFew = 12;
  std::vector<Panel> panels;
  for (auto& [name, splits] : lines) {
    Panel panel{.title = name, .x_label = "epoch", .y_label = name, .key = Panel::Key::bottom_right};
    for (auto& [training, line] : splits) {
      panel.whole_x = line.x.size() <= kFew;
      line.name = training ? "training" : "validation";
      line.color = training ? kBlue : kOrange;
      line.points = true;
      panel.lines.push_back(std::move(line));
    }
    panels.push_back(std::move(panel));
  }
  return panels;
}

Panel hyper_panel(const Recorder& recorder) {
  Panel panel{.title = "Learning rate", .x_label = "step", .y_label = "learning rate", .key = Panel::Key::below};
  const auto add = [&](const std::string& name, const std::string& label, const char* color, bool second) {
    const std::vector<double>& values = recorder.hyper(name);
    panel.lines.push_back(
        {.name = label, .x = count_from(1, values.size()), .y = values, .color = color, .second_axis = second});
  };
  if (recorder.has_hyper("lr")) add("lr", "learning rate", kBlue, false);
  if (recorder.has_hyper("momentum")) {
    add("momentum", "momentum", kOrange, true);
    panel.title = "Learning rate and momentum";
    panel.y2_label = "momentum";
  }
  return panel;
}

std::string class_name(const std::vector<std::string>& classes, int64_t index) {
  const auto i = static_cast<size_t>(index);
  return i < classes.size() ? classes[i] : fmt::format("class {}", index);
}

}  // namespace

Figure training_chart(const Recorder& recorder) {
  Figure figure{.title = "Training", .panels = {loss_panel(recorder)}, .columns = 2};
  for (Panel& panel : metric_panels(recorder)) figure.panels.push_back(std::move(panel));
  figure.panels.push_back(hyper_panel(recorder));
  return figure;
}

Figure lr_finder_chart(const LRFinderResult& result) {
  Panel panel{.title = "Learning rate finder", .x_label = "learning rate", .y_label = "loss", .log_x = true};
  panel.lines = {{.name = "each step", .x = result.lrs, .y = result.losses, .width = 1, .color = kGrey},
                 {.name = "smoothed", .x = result.lrs, .y = result.smoothed, .color = kBlue}};
  panel.marks = {{result.suggested_lr, fmt::format("suggested: {:.2g}", result.suggested_lr)}};
  return {.panels = {std::move(panel)}, .panel_width = 900, .panel_height = 540};
}

Figure color_dim_chart(const std::vector<ActivationStats::Layer>& layers) {
  return per_layer("Histograms of the activations (log of the counts, 0 at the bottom)", layers, 260,
                   [](const auto& layer) {
                     Panel panel;
                     if (layer.histograms.empty()) return panel;
                     for (size_t bin = 0; bin < layer.histograms.front().size(); ++bin) {
                       std::vector<double> row;
                       for (const auto& h : layer.histograms) row.push_back(std::log1p(static_cast<double>(h[bin])));
                       panel.grid.values.push_back(std::move(row));
                     }
                     panel.y_label = "bin";
                     return panel;
                   });
}

Figure dead_chart(const std::vector<ActivationStats::Layer>& layers) {
  return per_layer("Share of the activations close to zero", layers, 260, [](const auto& layer) {
    Panel panel{.y_min = 0, .y_max = 1};
    panel.lines = {{.x = count_from(1, layer.dead.size()), .y = layer.dead, .color = kBlue}};
    return panel;
  });
}

Figure stats_chart(const std::vector<ActivationStats::Layer>& layers) {
  Panel means{.title = "Means", .x_label = "step", .key = Panel::Key::outside}, stds{means};
  stds.title = "Standard deviations";
  for (const auto& layer : layers) {
    const std::vector<double> steps = count_from(1, layer.means.size());
    means.lines.push_back({.name = layer.name, .x = steps, .y = as_doubles(layer.means), .width = 1.5});
    stds.lines.push_back({.name = layer.name, .x = steps, .y = as_doubles(layer.stds), .width = 1.5});
  }
  return {.title = "Activations", .panels = {means, stds}, .columns = 2, .panel_width = 800};
}

Figure confusion_chart(const Tensor& logits, const Tensor& targets, const std::vector<std::string>& classes) {
  Panel panel{.title = "Confusion matrix", .x_label = "predicted", .y_label = "actual"};
  for (const auto& row : confusion_matrix(logits, targets)) panel.grid.values.push_back(as_doubles(row));
  for (int64_t i = 0; i < logits.size(1); ++i) panel.grid.row_names.push_back(class_name(classes, i));
  panel.grid.column_names = panel.grid.row_names;
  panel.grid.numbers = true;
  return {.panels = {std::move(panel)}, .panel_width = 900, .panel_height = 800};
}

Canvas most_confused_grid(const Tensor& logits, const Tensor& targets, const ImageDataset& dataset) {
  constexpr int64_t kPairs = 8, kExamples = 8;
  constexpr double kWhite = 255;
  const std::vector<Confusion> pairs = most_confused(logits, targets, kPairs);
  ImageGridOptions options{.title = pairs.empty() ? "No mistakes" : "Most confused: the surest mistakes of each pair",
                           .columns = kExamples};
  Shape shape = dataset.images.shape();
  shape[0] = static_cast<int64_t>(pairs.size()) * kExamples;
  const Tensor images = full(shape, kWhite, {.dtype = DType::u8});
  const std::vector<float> sure = logits.to(kCpu).to(DType::f32).softmax(1).to_vector<float>();
  std::vector<ImageTitle> titles(static_cast<size_t>(shape[0]));
  for (size_t row = 0; row < pairs.size(); ++row) {
    const Confusion& pair = pairs[row];
    options.row_titles.push_back(fmt::format("{} taken for {} ({})", class_name(dataset.classes, pair.actual),
                                             class_name(dataset.classes, pair.predicted), pair.count));
    for (size_t i = 0; i < std::min<size_t>(kExamples, pair.items.size()); ++i) {
      const size_t cell = row * kExamples + i;
      const int64_t item = pair.items[i];
      images.select(0, static_cast<int64_t>(cell)).copy_(dataset.images.select(0, item));
      titles[cell].text =
          fmt::format("{:.0f}%", 100 * sure[static_cast<size_t>(item * logits.size(1) + pair.predicted)]);
    }
  }
  return image_grid(images, titles, options);
}

namespace {

/// A label by its name; one that is mixed by the names of its parts, the largest first: "Bag 0.7 Shirt 0.3".
std::vector<std::string> label_names(const Tensor& y, const std::vector<std::string>& classes) {
  std::vector<std::string> names;
  if (y.dim() == 1) {
    for (int64_t label : y.to_vector<int64_t>()) names.push_back(class_name(classes, label));
    return names;
  }
  const std::vector<float> shares = y.to(DType::f32).to_vector<float>();
  const int64_t count = y.size(1);
  for (int64_t n = 0; n < y.size(0); ++n) {
    std::vector<std::pair<float, int64_t>> parts;
    for (int64_t c = 0; c < count; ++c)
      if (const float share = shares[static_cast<size_t>(n * count + c)]; share > 0) parts.emplace_back(-share, c);
    std::sort(parts.begin(), parts.end());
    std::string name;
    for (const auto& [share, c] : parts)
      name += parts.size() == 1 ? class_name(classes, c) : fmt::format("{} {:.1f} ", class_name(classes, c), -share);
    names.push_back(name);
  }
  return names;
}

}  // namespace

Canvas batch_grid(const Tensor& x, const Tensor& y, const ImageDataset& dataset, const std::string& title) {
  constexpr int64_t kMost = 64;
  const int64_t n = std::min(kMost, x.size(0));
  std::vector<ImageTitle> titles;
  for (const std::string& name : label_names(y.slice(0, 0, n), dataset.classes)) titles.push_back({name});
  return image_grid(visible_images(x.slice(0, 0, n), dataset), titles, {.title = title});
}

}  // namespace gw
