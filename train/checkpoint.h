// Checkpoints: all that a run is between two epochs, in one file, from which it goes on bit for bit.
#pragma once

#include <map>
#include <string>

#include "tensor/random.h"
#include "train/learner.h"

namespace gw {

struct Checkpoint {
  /// Settings of the run in text, such as the options of its command; the checkpoint only carries them.
  std::map<std::string, std::string> options;
  int64_t epochs_done = 0, steps_done = 0;
  NamedTensors weights;
  OptimizerState optimizer;
  std::map<std::string, PhiloxState> generators;   ///< "default", and "loader" if that has one of its own
  std::map<std::string, CallbackState> callbacks;  ///< by state_name()
};

/// What a learner is after this epoch of its fit. A schedule needs no place in it: it is a function of the step.
Checkpoint take_checkpoint(Learner& learner, std::map<std::string, std::string> options = {});
/// Makes a learner, in before_fit, what it was. Throws, naming what differs, for one of another model, optimizer or
/// callbacks.
void restore(const Checkpoint& checkpoint, Learner& learner);

/// A safetensors file of the tensors, with the rest as JSON in its metadata. It appears whole or not at all. IoError,
/// naming the file and the fault, if it cannot be written, cannot be read, or is not a checkpoint.
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);
Checkpoint load_checkpoint(const std::string& path);
/// Whether a safetensors file's metadata are those of a checkpoint.
bool is_checkpoint(const std::map<std::string, std::string>& metadata);

/// Writes a checkpoint after every epoch's validation, as the last of the callbacks: what an epoch leaves behind (log
/// lines, weights) is complete once its checkpoint is there.
class CheckpointCallback : public Callback {
 public:
  /// IoError at once if the file's folder is not there or cannot be written.
  CheckpointCallback(std::string path, std::map<std::string, std::string> options);
  int order() const override { return 100; }
  void after_epoch(Learner& learner) override;

 private:
  std::string path_;
  std::map<std::string, std::string> options_;
};

/// Begins a fit where a checkpoint was taken.
class ResumeCallback : public Callback {
 public:
  explicit ResumeCallback(Checkpoint checkpoint) : checkpoint_(std::move(checkpoint)) {}
  int order() const override { return 5; }  // once the callbacks with a state have begun anew
  void before_fit(Learner& learner) override { restore(checkpoint_, learner); }

 private:
  Checkpoint checkpoint_;
};

}  // namespace gw
