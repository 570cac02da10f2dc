// Which items are for training and which for validation: the second step of a data block.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tensor/random.h"

namespace gw {

/// The places of the items of each side, in ascending order.
struct Split {
  std::vector<int64_t> train, valid;
};

/// By the name of the folder above the file's folder: data/train/cat/1.jpg. An item whose grandparent is neither name
/// is in neither side. ConfigError if a side remains empty.
Split split_by_grandparent(const std::vector<std::string>& paths, const std::string& train = "train",
                           const std::vector<std::string>& valid = {"valid", "val", "test"});

/// By the name of the file's own folder: data/train/cat-1.jpg. Otherwise as above.
Split split_by_parent(const std::vector<std::string>& paths, const std::string& train = "train",
                      const std::vector<std::string>& valid = {"valid", "val", "test"});

/// A random share of `count` items, of at least one, for validation, the same for each state of the generator.
/// ConfigError unless 0 < valid_share < 1 and both sides get an item.
Split split_randomly(int64_t count, double valid_share, Generator& generator = default_generator());

/// Those for which the predicate holds are for validation. ConfigError if a side remains empty.
Split split_where(const std::vector<std::string>& paths, const std::function<bool(const std::string& path)>& is_valid);

}  // namespace gw
