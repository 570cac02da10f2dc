// Which classes a model takes for which.
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

/// counts[actual][predicted] of logits [M, classes] and targets [M]. Waits for the device. ShapeError for other shapes
/// or a target outside the classes.
std::vector<std::vector<int64_t>> confusion_matrix(const Tensor& logits, const Tensor& targets);

/// A pair of classes that are taken for each other.
struct Confusion {
  int64_t actual, predicted, count;
  std::vector<int64_t> items;  ///< the mistaken ones, the surest mistakes first
};

/// The pairs of different classes with the most mistakes, at most `most` of them, the largest first.
std::vector<Confusion> most_confused(const Tensor& logits, const Tensor& targets, size_t most);

}  // namespace gw
