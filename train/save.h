// Keeping the weights of a run.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "train/best_epoch.h"
#include "train/learner.h"

namespace gw {

/// IoError unless a file can be written at `path`: better now than after an epoch's work. `what` begins the message.
void check_writable(const std::string& what, const std::string& path);

/// Writes the model's weights to a safetensors file after every epoch of validation, and when the fit ends early by
/// Ctrl-C. With `best`, only after those epochs that are better than all before.
class SaveCallback : public Callback {
 public:
  /// IoError at once if the file's folder is not there or cannot be written.
  SaveCallback(std::string path, std::map<std::string, std::string> metadata,
               std::shared_ptr<const BestEpoch> best = nullptr);
  int order() const override { return 15; }
  void before_fit(Learner& learner) override;
  void after_epoch(Learner& learner) override;
  void after_step(Learner& learner) override;
  void cleanup_fit(Learner& learner) override;

 private:
  void save(Learner& learner);

  std::string path_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<const BestEpoch> best_;
  bool unsaved_steps_ = false;
};

}  // namespace gw
