// The model at the end of each cycle of a schedule with restarts.
#pragma once

#include <map>
#include <string>

#include "optim/schedule.h"
#include "train/learner.h"

namespace gw {

/// Writes the weights to FILE-cycle1.EXT, FILE-cycle2.EXT, ... at each cycle's end, after the epoch's validation: the
/// members of a snapshot ensemble (Huang et al., "Snapshot ensembles", 2017).
class Snapshots : public Callback {
 public:
  /// `cycles` counts epochs: its t_0 is the length of the first cycle. IoError at once if the file's folder is not
  /// there or cannot be written.
  Snapshots(std::string path, std::map<std::string, std::string> metadata, CosineAnnealingWarmRestarts cycles);
  int order() const override { return 15; }
  void after_epoch(Learner& learner) override;

  /// "models/nietzsche.safetensors", 2 -> "models/nietzsche-cycle2.safetensors".
  static std::string path_of_cycle(const std::string& path, int64_t cycle);

 private:
  std::string path_;
  std::map<std::string, std::string> metadata_;
  CosineAnnealingWarmRestarts cycles_;
};

}  // namespace gw
