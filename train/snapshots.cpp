#include "train/snapshots.h"

#include <fmt/format.h>

#include <filesystem>

#include "tensor/safetensors.h"
#include "train/save.h"

namespace gw {

Snapshots::Snapshots(std::string path, std::map<std::string, std::string> metadata, CosineAnnealingWarmRestarts cycles)
    : path_(std::move(path)), metadata_(std::move(metadata)), cycles_(cycles) {
  check_writable("save", path_);
}

void Snapshots::after_epoch(Learner& learner) {
  if (learner.training || !cycles_.ends_cycle(learner.epoch)) return;
  int64_t cycle = 0;  // counted anew, as a resumed run does not begin with the first
  for (int64_t epoch = 0; epoch <= learner.epoch; ++epoch) cycle += cycles_.ends_cycle(epoch) ? 1 : 0;
  save_safetensors(path_of_cycle(path_, cycle), learner.model->state_dict(), metadata_);
}

std::string Snapshots::path_of_cycle(const std::string& path, int64_t cycle) {
  std::filesystem::path file(path);
  const std::string name = fmt::format("{}-cycle{}{}", file.stem().string(), cycle, file.extension().string());
  return file.replace_filename(name).string();
}

}  // namespace gw
