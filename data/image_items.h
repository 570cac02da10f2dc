// A data block: from a folder of pictures to items for training and validation, each step replaceable.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/categories.h"
#include "data/files.h"
#include "data/split.h"

namespace gw {

/// Pictures in files, with their classes.
struct ImageItems {
  std::vector<std::string> paths;
  std::vector<int64_t> labels;       ///< for each path the place of its class
  std::vector<std::string> classes;  ///< names

  int64_t size() const { return static_cast<int64_t>(paths.size()); }
  /// At most `count` items, spread evenly over all of them, so that every class keeps its share.
  ImageItems spread(int64_t count) const;
};

struct ImageItemsPair {
  ImageItems train, valid;
};

/// How a folder becomes items. As it stands: the pictures below train/CLASS/ and valid/CLASS/ (or val, or test).
struct DataBlock {
  std::vector<std::string> extensions = image_extensions();
  std::function<Split(const std::vector<std::string>& paths)> split = [](const std::vector<std::string>& paths) {
    return split_by_grandparent(paths);
  };
  Labeler label = parent_label;
  Categories::Unseen unseen = Categories::Unseen::error;  ///< labels of validation that training does not have

  /// Lists, splits and labels the pictures; the classes are those of the training items. IoError for a folder that
  /// cannot be read or has no pictures; ConfigError for a split without one of its sides, fewer than two classes, and
  /// an unseen label.
  ImageItemsPair items(const std::string& folder) const;
};

}  // namespace gw
