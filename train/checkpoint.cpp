#include "train/checkpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "train/save.h"

namespace gw {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKey = "groundwork-checkpoint";
constexpr int kVersion = 1;
constexpr std::string_view kWeights = "model.", kOptimizer = "optimizer.", kCallback = "callback.";

void append(NamedTensors& all, const std::string& prefix, const NamedTensors& tensors) {
  for (const auto& [name, t] : tensors) all.emplace_back(prefix + name, t);
}

/// Takes `prefix` off the front of `name`; false if it is not there.
bool take_prefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

void sort_in(Checkpoint& checkpoint, std::string_view name, const Tensor& t) {
  if (take_prefix(name, kWeights)) {
    checkpoint.weights.emplace_back(name, t);
  } else if (take_prefix(name, kOptimizer)) {
    checkpoint.optimizer.tensors.emplace_back(name, t);
  } else if (const size_t dot = name.find('.', kCallback.size());
             take_prefix(name, kCallback) && dot != std::string_view::npos) {
    const size_t length = dot - kCallback.size();
    checkpoint.callbacks[std::string(name.substr(0, length))].tensors.emplace_back(name.substr(length + 1), t);
  } else {
    throw ConfigError(fmt::format("unexpected tensor '{}'", name));
  }
}

Json to_json(const Checkpoint& c) {
  Json json{{"version", kVersion}, {"options", c.options}, {"epochs_done", c.epochs_done}};
  json["steps_done"] = c.steps_done;
  json["optimizer"] = c.optimizer.numbers;
  for (const auto& [name, state] : c.generators) json["generators"][name] = {state.seed, state.offset};
  for (const auto& [name, state] : c.callbacks) json["callbacks"][name] = state.numbers;
  return json;
}

void read_json(const Json& json, Checkpoint& c) {
  if (const int version = json.at("version"); version != kVersion)
    throw ConfigError(fmt::format("its format is version {}, expected {}", version, kVersion));
  c.options = json.at("options");
  c.epochs_done = json.at("epochs_done");
  c.steps_done = json.at("steps_done");
  c.optimizer.numbers = json.at("optimizer");
  for (const auto& [name, state] : json.at("generators").items()) c.generators[name] = {state.at(0), state.at(1)};
  if (!json.contains("callbacks")) return;
  for (const auto& [name, numbers] : json["callbacks"].items()) c.callbacks[name].numbers = numbers;
}

}  // namespace

Checkpoint take_checkpoint(Learner& learner, std::map<std::string, std::string> options) {
  Checkpoint c{std::move(options),
               learner.epoch + 1,
               learner.step,
               learner.model->state_dict(),
               learner.optimizer->state(),
               {},
               {}};
  c.generators["default"] = default_generator().state();
  if (const Generator* own = learner.train_loader.options().generator) c.generators["loader"] = own->state();
  for (const CallbackPtr& callback : learner.callbacks)
    if (const std::string name = callback->state_name(); !name.empty()) c.callbacks[name] = callback->state();
  return c;
}

void restore(const Checkpoint& c, Learner& learner) {
  learner.model->load_state_dict(c.weights);
  learner.optimizer->load_state(c.optimizer);
  learner.epoch = c.epochs_done;
  learner.step = c.steps_done;
  default_generator().set_state(c.generators.at("default"));
  if (Generator* own = learner.train_loader.options().generator) own->set_state(c.generators.at("loader"));
  for (const CallbackPtr& callback : learner.callbacks) {
    const std::string name = callback->state_name();
    if (name.empty()) continue;
    const auto state = c.callbacks.find(name);
    if (state == c.callbacks.end())
      throw ConfigError(fmt::format("restore: the checkpoint has no state for the callback '{}'", name));
    callback->load_state(state->second);
  }
}

bool is_checkpoint(const std::map<std::string, std::string>& metadata) { return metadata.contains(kKey); }

void save_checkpoint(const std::string& path, const Checkpoint& c) {
  NamedTensors all;
  append(all, std::string(kWeights), c.weights);
  append(all, std::string(kOptimizer), c.optimizer.tensors);
  for (const auto& [name, state] : c.callbacks) append(all, fmt::format("{}{}.", kCallback, name), state.tensors);
  save_safetensors(path, all, {{kKey, to_json(c).dump()}});
}

Checkpoint load_checkpoint(const std::string& path) {
  const SafetensorsFile file = load_safetensors(path);
  const auto text = file.metadata.find(kKey);
  if (text == file.metadata.end()) throw IoError(fmt::format("checkpoint: {} is not a checkpoint", path));
  Checkpoint c;
  try {
    read_json(Json::parse(text->second), c);
    for (const auto& [name, t] : file.tensors) sort_in(c, name, t);
  } catch (const std::exception& e) {
    throw IoError(fmt::format("checkpoint: {} is damaged: {}", path, e.what()));
  }
  return c;
}

CheckpointCallback::CheckpointCallback(std::string path, std::map<std::string, std::string> options)
    : path_(std::move(path)), options_(std::move(options)) {
  check_writable("checkpoint", path_);
}

void CheckpointCallback::after_epoch(Learner& learner) {
  if (!learner.training) save_checkpoint(path_, take_checkpoint(learner, options_));
}

}  // namespace gw
