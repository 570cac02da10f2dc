#include "train/save.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>

#include "train/guards.h"

namespace gw {

void check_writable(const std::string& what, const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  if (access(folder.c_str(), W_OK) != 0) throw IoError(fmt::format("{}: {}: {}", what, path, std::strerror(errno)));
  if (std::filesystem::is_directory(path)) throw IoError(fmt::format("{}: {} is a directory", what, path));
}

SaveCallback::SaveCallback(std::string path, std::map<std::string, std::string> metadata,
                           std::shared_ptr<const BestEpoch> best)
    : path_(std::move(path)), metadata_(std::move(metadata)), best_(std::move(best)) {
  check_writable("save", path_);
}

void SaveCallback::before_fit(Learner&) { unsaved_steps_ = false; }

void SaveCallback::after_step(Learner&) { unsaved_steps_ = true; }

void SaveCallback::after_epoch(Learner& learner) {
  if (!learner.training && (!best_ || best_->improved())) save(learner);
}

void SaveCallback::cleanup_fit(Learner& learner) {
  if (InterruptGuard::interrupted() && unsaved_steps_ && !best_) save(learner);
}

void SaveCallback::save(Learner& learner) {
  save_safetensors(path_, learner.model->state_dict(), metadata_);
  unsaved_steps_ = false;
}

}  // namespace gw
