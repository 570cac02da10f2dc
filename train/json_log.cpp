#include "train/json_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "tensor/file.h"

namespace gw {

using Json = nlohmann::ordered_json;

JsonLog::JsonLog(const std::string& path, int64_t epochs_done) : path_(path) {
  std::error_code ignored;
  const bool keeps = epochs_done > 0 && std::filesystem::is_regular_file(path, ignored);
  if (keeps) keep_epochs(epochs_done);
  file_.reset(std::fopen(path.c_str(), keeps ? "a" : "w"));
  if (!file_) throw IoError(fmt::format("log: {}: {}", path, std::strerror(errno)));
}

void JsonLog::keep_epochs(int64_t epochs_done) {
  std::string kept;
  std::istringstream old(read_file(path_));
  for (std::string text; std::getline(old, text);) {
    const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    // A killed run may have left half a line, and lines of an epoch that will be repeated.
    if (!line.is_object() || line.value("epoch", epochs_done) >= epochs_done) continue;
    const std::string event = line.value("event", "");
    if (event == "epoch" || event == "steps") kept += text + "\n";
    if (event != "epoch") continue;
    if (line.value("split", "") == "train")
      train_seconds_ += line.value("seconds", 0.0);
    else
      valid_name_ = line.value("split", valid_name_);
    if (line.value("split", "") == valid_name_ && line.contains("accuracy"))
      last_valid_.metrics = {{"accuracy", line["accuracy"]}};
  }
  write_file_atomically(path_, kept);
}

void JsonLog::log_steps(std::shared_ptr<const Recorder> recorder, int64_t every) {
  if (!recorder || every < 1)
    throw ConfigError(fmt::format("log: expected a recorder and steps of at least 1, got {}", every));
  recorder_ = std::move(recorder);
  every_ = every;
}

void JsonLog::write_steps(const Learner& learner) {
  const std::vector<float> losses = recorder_->losses();
  for (int64_t begin = first_step_; begin < learner.step; begin += every_) {
    const int64_t end = std::min(begin + every_, learner.step);
    const double sum = std::accumulate(losses.begin() + begin, losses.begin() + end, 0.0);
    Json line{{"event", "steps"}, {"epoch", learner.epoch}, {"step", end}};
    line["loss"] = sum / static_cast<double>(end - begin);
    write_line(line.dump());
  }
}

void JsonLog::after_epoch(Learner& learner) {
  if (learner.training && recorder_) write_steps(learner);
  Json line{{"event", "epoch"}, {"epoch", learner.epoch}, {"split", learner.split()}};
  line["loss"] = learner.report.loss;
  for (const auto& [name, value] : learner.report.metrics) line[name] = value;
  line["seconds"] = learner.report.seconds;
  line["lr"] = learner.optimizer->hyper("lr");
  write_line(line.dump());
  if (learner.training) {
    train_seconds_ += learner.report.seconds;
    return;
  }
  valid_name_ = learner.valid_name;
  last_valid_ = learner.report;
}

void JsonLog::end(std::optional<double> tta_accuracy) {
  const std::chrono::duration<double> total = std::chrono::steady_clock::now() - start_;
  Json line{{"event", "end"}};
  for (const auto& [name, value] : last_valid_.metrics) line[valid_name_ + "_" + name] = value;
  if (tta_accuracy) line["tta_accuracy"] = *tta_accuracy;
  line["train_seconds"] = train_seconds_;
  line["total_seconds"] = total.count();
  write_line(line.dump());
}

void JsonLog::write_line(const std::string& line) {
  const bool written = std::fputs((line + "\n").c_str(), file_.get()) >= 0 && std::fflush(file_.get()) == 0;
  if (!written) throw IoError(fmt::format("log: {}: {}", path_, std::strerror(errno)));
}

}  // namespace gw
