#include "train/commands/finetune_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "nn/layer_groups.h"
#include "nn/models/imagenet_resnet.h"
#include "train/commands/choices.h"
#include "train/commands/weights.h"
#include "train/freeze.h"

namespace gw::commands {
namespace {

/// What torchvision and timm subtract from the images of ImageNet, and divide them by.
const ChannelStatistics kImageNet = {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};

/// "1e-4,1e-3" as numbers. ConfigError for anything else.
std::vector<double> numbers(const std::string& text) {
  std::vector<double> values;
  for (const char *at = text.data(), *end = at + text.size(); at < end;) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || !std::isfinite(value) || (next != end && *next != ',') || next + 1 == end)
      throw ConfigError(fmt::format("expected numbers between commas, got {}", text));
    values.push_back(value);
    at = next + 1;
  }
  return values;
}

CLI::Validator list_of(const char* what, bool (*holds)(double)) {
  const auto check = [what, holds](const std::string& text) -> std::string {
    try {
      const std::vector<double> values = numbers(text);
      if (!values.empty() && std::all_of(values.begin(), values.end(), holds)) return "";
    } catch (const ConfigError&) {
    }
    return fmt::format("expected {}, or several between commas, got {}", what, text);
  };
  return CLI::Validator(check, "NUMBERS");
}

bool of_imagenet(const std::string& model) {
  return std::any_of(std::begin(kImageNetResNets), std::end(kImageNetResNets),
                     [&](const NamedResNet& known) { return model == known.name; });
}

}  // namespace

void Pretrained::load_into(Module& into, bool new_head) const {
  const std::vector<std::string> head = head_tensors(into);
  const auto in_head = [&](const std::string& name) { return std::find(head.begin(), head.end(), name) != head.end(); };
  std::map<std::string, Shape> given;
  NamedTensors state;
  for (const auto& [name, t] : tensors) {
    given[name] = t.shape();
    if (!new_head || !in_head(name)) state.emplace_back(name, t);
  }
  bool body_fits = true;
  std::string misfit;  // a tensor of the head
  for (const auto& [name, t] : into.state_dict()) {
    const auto it = given.find(name);
    const bool fits = it != given.end() && it->second == t.shape();
    if (!in_head(name))
      body_fits = body_fits && fits;
    else if (new_head)
      state.emplace_back(name, t);
    else if (it != given.end() && !fits && misfit.empty())
      misfit = fmt::format("{} of {} is {}, but the data's classes need {}", name, path, it->second.to_string(),
                           t.shape().to_string());
  }
  if (body_fits && !misfit.empty())
    throw ConfigError(fmt::format("train: {}; --new-head begins with a new last layer", misfit));
  into.load_state_dict(state);  // its error says what does not fit of another model
}

void FinetuneOptions::add_to(CLI::App* command) {
  CLI::Option* const option = command->add_option(
      "--load", load, "Begin with the weights of this safetensors file: ours, torchvision's, timm's");
  command->add_flag("--new-head", new_head, "But with a new last layer, for other classes")->needs(option);
  command->add_option("--freeze-to", freeze_to,
                      "Train only the groups of layers from this one on, counted from 0, or from the end: -1 is the "
                      "last layer. There are as many as --lr or --wd have numbers, else 3");
  command
      ->add_option("--lr", lr,
                   "Largest learning rate; default: the course's for the model. Several between commas: one for each "
                   "group of layers, such as 1e-4,1e-3,1e-2")
      ->check(list_of("a number above 0", [](double value) { return value > 0; }));
  command->add_option("--wd", weight_decay, "Weight decay, likewise; default: the optimizer's")
      ->check(list_of("a number of at least 0", [](double value) { return value >= 0; }));
}

std::optional<Pretrained> FinetuneOptions::pretrained(const std::string& model) const {
  if (load.empty()) return {};
  const WeightsFile file = read_weights(load, model);
  Pretrained p{load, file.model, file.layers, {}, file.tensors};
  if (file.kind)
    p.normalisation = ChannelStatistics{file.kind->mean, file.kind->std};
  else if (of_imagenet(file.model))
    p.normalisation = kImageNet;
  return p;
}

int64_t FinetuneOptions::groups() const {
  constexpr int64_t kOtherwise = 3;
  const auto rates = static_cast<int64_t>(numbers(lr).size()),
             decays = static_cast<int64_t>(numbers(weight_decay).size());
  if (rates > 1 && decays > 1 && rates != decays)
    throw ConfigError(fmt::format("train: --lr names {} groups of layers, --wd {}", rates, decays));
  const int64_t named = std::max(rates, decays);
  return named <= 1 && freeze_to ? kOtherwise : std::max<int64_t>(1, named);
}

double FinetuneOptions::largest_lr(double otherwise) const { return lr.empty() ? otherwise : numbers(lr).back(); }

std::vector<double> FinetuneOptions::lr_shares() const {
  std::vector<double> shares = numbers(lr);
  if (shares.size() < 2) return {};
  const double last = shares.back();
  for (double& share : shares) share /= last;
  return shares;
}

OptimizerFunction FinetuneOptions::optimizer(const std::string& name, const Module& model) const {
  std::vector<double> decays = numbers(weight_decay);
  if (decays.size() == 1) decays.assign(static_cast<size_t>(groups()), decays.front());
  std::vector<ParamGroup> params;
  for (const LayerGroup& group : layer_groups(model, groups())) {
    Hypers hypers;
    if (!decays.empty()) hypers["weight_decay"] = decays[params.size()];
    params.push_back({group.parameters(), hypers});
  }
  return [params, make = group_optimizers().at(name)](const std::vector<Tensor>&, double rate) {
    return make(params, rate);
  };
}

CallbackPtr FinetuneOptions::freeze(const Module& model) const {
  if (!freeze_to) return nullptr;
  return std::make_shared<Freeze>(layer_groups(model, groups()), *freeze_to);
}

}  // namespace gw::commands
