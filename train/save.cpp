#include "train/save.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>

#include "train/guards.h"

namespace gw {

SaveCallback::SaveCallback(std::string path, std::map<std::string, std::string> metadata)
    : path_(std::move(path)), metadata_(std::move(metadata)) {
  const std::string folder = std::filesystem::absolute(path_).parent_path().string();
  if (access(folder.c_str(), W_OK) != 0) throw IoError(fmt::format("save: {}: {}", path_, std::strerror(errno)));
  if (std::filesystem::is_directory(path_)) throw IoError(fmt::format("save: {} is a directory", path_));
}

void SaveCallback::before_fit(Learner&) { unsaved_steps_ = false; }

void SaveCallback::after_step(Learner&) { unsaved_steps_ = true; }

void SaveCallback::after_epoch(Learner& learner) {
  if (!learner.training) save(learner);
}

void SaveCallback::cleanup_fit(Learner& learner) {
  if (InterruptGuard::interrupted() && unsaved_steps_) save(learner);
}

void SaveCallback::save(Learner& learner) {
  save_safetensors(path_, learner.model->state_dict(), metadata_);
  unsaved_steps_ = false;
}

}  // namespace gw
