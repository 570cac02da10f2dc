// Keeping the weights of a run.
#pragma once

#include <map>
#include <string>

#include "train/learner.h"

namespace gw {

/// Writes the model's weights to a safetensors file after every epoch of validation, and when the fit ends early by
/// Ctrl-C.
class SaveCallback : public Callback {
 public:
  /// IoError at once if the file's folder is not there or cannot be written, rather than after an epoch's work.
  SaveCallback(std::string path, std::map<std::string, std::string> metadata);
  int order() const override { return 15; }
  void before_fit(Learner& learner) override;
  void after_epoch(Learner& learner) override;
  void after_step(Learner& learner) override;
  void cleanup_fit(Learner& learner) override;

 private:
  void save(Learner& learner);

  std::string path_;
  std::map<std::string, std::string> metadata_;
  bool unsaved_steps_ = false;
};

}  // namespace gw
