// The log of a training run, for programs to read.
#pragma once

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "train/learner.h"
#include "train/recorder.h"

namespace gw {

/// Writes a JSON line for each epoch of each split, and one at the end:
///   {"event":"epoch","epoch":0,"split":"train","loss":..,"accuracy":..,"seconds":..,"lr":..}
///   {"event":"end","valid_accuracy":..,"tta_accuracy":..,"train_seconds":..,"total_seconds":..}
/// Where the learner validates on other data than "valid", both lines have their name ("holdout_accuracy") instead.
/// With log_steps, a line for every so many training steps stands before their epoch's:
///   {"event":"steps","epoch":0,"step":100,"loss":..}
/// Each line is flushed as it is written. IoError if the file cannot be written.
class JsonLog : public Callback {
 public:
  /// Opens the file. An old one is replaced; of a run that resumes after `epochs_done` epochs, its lines about those
  /// epochs are kept.
  explicit JsonLog(const std::string& path, int64_t epochs_done = 0);
  /// Also writes, when an epoch of training is over, the mean loss of every `every` of its steps (and of what remains
  /// at its end), as a recorder of the same learner kept them.
  void log_steps(std::shared_ptr<const Recorder> recorder, int64_t every);
  int order() const override { return 20; }
  void before_epoch(Learner& learner) override { first_step_ = learner.step; }
  void after_epoch(Learner& learner) override;
  /// Writes the last line; the total time runs from the opening of the file. "tta_accuracy" is left out if it was not
  /// measured.
  void end(std::optional<double> tta_accuracy = {});

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void keep_epochs(int64_t epochs_done);
  void write_steps(const Learner& learner);
  void write_line(const std::string& line);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::shared_ptr<const Recorder> recorder_;  ///< null: no lines for steps
  int64_t every_ = 0;
  int64_t first_step_ = 0;  ///< of this epoch
  double train_seconds_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::string valid_name_ = "valid";
  EpochReport last_valid_;
};

}  // namespace gw
