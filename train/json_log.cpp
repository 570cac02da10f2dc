#include "train/json_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace gw {

using Json = nlohmann::ordered_json;

JsonLog::JsonLog(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "w")) {
  if (!file_) throw IoError(fmt::format("log: {}: {}", path, std::strerror(errno)));
}

void JsonLog::after_epoch(Learner& learner) {
  Json line{{"event", "epoch"}, {"epoch", learner.epoch}, {"split", learner.training ? "train" : "valid"}};
  line["loss"] = learner.report.loss;
  for (const auto& [name, value] : learner.report.metrics) line[name] = value;
  line["seconds"] = learner.report.seconds;
  line["lr"] = learner.optimizer->hyper("lr");
  write_line(line.dump());
  if (learner.training)
    train_seconds_ += learner.report.seconds;
  else
    last_valid_ = learner.report;
}

void JsonLog::end(std::optional<double> tta_accuracy) {
  const std::chrono::duration<double> total = std::chrono::steady_clock::now() - start_;
  Json line{{"event", "end"}};
  for (const auto& [name, value] : last_valid_.metrics) line["valid_" + name] = value;
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
