#include "train/augment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>

namespace gw {
namespace {

/// The number after the "=" of an entry of the list, if there is one.
std::optional<double> value_of(const std::string& entry, size_t equals) {
  if (equals == std::string::npos) return {};
  const char *first = entry.data() + equals + 1, *last = entry.data() + entry.size();
  double value = 0;
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc{} || end != last || !std::isfinite(value))
    throw ConfigError(fmt::format("augmentation: expected a number after =, got '{}'", entry));
  return value;
}

int64_t whole(const std::string& entry, double value) {
  constexpr double kLargest = 1e6;
  if (value != std::floor(value) || std::fabs(value) > kLargest)
    throw ConfigError(fmt::format("augmentation: expected a whole number of pixels, got '{}'", entry));
  return static_cast<int64_t>(value);
}

struct Warp {
  double WarpOptions::*option;
  double otherwise;  ///< without a number
};
const std::map<std::string, Warp> kWarps = {
    {"rotate", {&WarpOptions::rotate, 10}},        {"zoom", {&WarpOptions::zoom, 1.1}},
    {"translate", {&WarpOptions::translate, 0.1}}, {"shear", {&WarpOptions::shear, 10}},
    {"warp", {&WarpOptions::perspective, 0.2}},    {"brightness", {&WarpOptions::brightness, 0.2}},
    {"contrast", {&WarpOptions::contrast, 0.2}},   {"cutout", {&WarpOptions::cutout, 0.25}}};

std::vector<std::string> names_of_warps() {
  std::vector<std::string> names;
  for (const auto& entry : kWarps) names.push_back(entry.first);
  return names;
}

}  // namespace

Augmentation parse_augmentation(const std::string& list, bool per_image) {
  Augmentation a;
  a.crop_flip.per_image = per_image;
  std::istringstream entries(list);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    const std::optional<double> value = value_of(entry, equals);
    PatchOptions patches{.per_image = per_image};
    patches.pct = value.value_or(patches.pct);
    if (name == "crop" || name == "shift") {
      a.crop_flip.padding = whole(entry, value.value_or(1));
      a.crop_flip.pad_bytes = name == "shift";
    } else if (name == "flip") {
      a.crop_flip.flip = static_cast<float>(value.value_or(0.5));
    } else if (const auto warp = kWarps.find(name); warp != kWarps.end()) {
      a.warp.*warp->second.option = value.value_or(warp->second.otherwise);
    } else if (name == "erase") {
      a.patches.push_back({PatchAugmentation::Kind::erase, patches});
    } else if (name == "copy") {
      a.patches.push_back({PatchAugmentation::Kind::copy, patches});
    } else {
      throw ConfigError(fmt::format("augmentation: expected crop, shift, flip, erase, copy, {}, got '{}'",
                                    fmt::join(names_of_warps(), ", "), entry));
    }
  }
  a.warp.per_image = per_image;
  kernels::check(a.crop_flip);
  check(a.warp);
  for (const PatchAugmentation& p : a.patches) kernels::check(p.options);
  return a;
}

bool Augment::applies_to(const Learner& learner) const {
  return on_ == On::both || learner.training == (on_ == On::train);
}

void Augment::before_epoch(Learner& learner) {
  if (!applies_to(learner)) return;
  if (augmentation_.moves()) learner.loader->set_crop_flip(augmentation_.crop_flip);
  if (augmentation_.warp.any()) learner.loader->set_warp(augmentation_.warp);
}

void Augment::before_batch(Learner& learner) {
  if (!applies_to(learner)) return;
  Tensor& x = learner.batch.x;
  Generator& generator = learner.loader->generator();
  for (const PatchAugmentation& p : augmentation_.patches) {
    if (p.kind == PatchAugmentation::Kind::erase)
      kernels::random_erase_(x, p.options, generator);
    else
      x = kernels::random_copy(x, p.options, generator);
  }
}

void Augment::cleanup_epoch(Learner& learner) {
  learner.loader->set_crop_flip({});
  learner.loader->set_warp({});
}

}  // namespace gw
