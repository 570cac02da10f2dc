// What the command line does, apart from parsing it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gw {

struct SummaryOptions {
  std::string model;
  int64_t batch = 1024;
};

struct TrainOptions {
  std::string model = "resnet-wide";
  int64_t epochs = 5;
  int64_t batch = 1024;
  std::optional<double> lr = {};  ///< the model's own (see default_lr) if not given
  std::string optimizer = "adamw";
  std::string schedule = "one-cycle";
  bool tta = false;
  std::string device = "cpu";
  std::string dtype = "f32";
  uint64_t seed = 42;
  std::optional<int64_t> limit = {};  ///< use only so many training and validation items
  std::string data, log, save;        ///< folder and files; empty if not given
};

struct EvalOptions {
  std::string load;
  std::string model;  ///< only needed for a file that does not name its model
  int64_t batch = 1024;
  bool tta = false;
  std::string device = "cpu";
  std::string dtype = "f32";
  std::optional<int64_t> limit = {};
  std::string data;
};

/// The choices of --opt and --sched.
std::vector<std::string> optimizer_names();
std::vector<std::string> schedule_names();
/// The largest learning rate with which the course trains a model.
double default_lr(const std::string& model);

/// Each prints its results and returns the program's exit code; errors are thrown.
int run_summary(const SummaryOptions& options);
int run_train(const TrainOptions& options);
int run_eval(const EvalOptions& options);

}  // namespace gw
