#include "train/confusion.h"

#include <fmt/format.h>

#include <algorithm>

namespace gw {
namespace {

struct Rows {
  std::vector<float> probabilities;  ///< [M * classes]
  std::vector<int64_t> predicted, targets;
  int64_t classes;
};

Rows rows_of(const Tensor& logits, const Tensor& targets) {
  if (logits.dim() != 2 || targets.dim() != 1 || logits.size(0) != targets.size(0))
    throw ShapeError(fmt::format("confusion_matrix: expected logits [M, C] and targets [M], got {} and {}",
                                 logits.shape().to_string(), targets.shape().to_string()));
  Rows rows{logits.to(DType::f32).softmax(1).to_vector<float>(), logits.argmax(1).to_vector<int64_t>(),
            targets.to_vector<int64_t>(), logits.size(1)};
  for (int64_t target : rows.targets)
    if (target < 0 || target >= rows.classes)
      throw ShapeError(fmt::format("confusion_matrix: target {} is outside of {} classes", target, rows.classes));
  return rows;
}

}  // namespace

std::vector<std::vector<int64_t>> confusion_matrix(const Tensor& logits, const Tensor& targets) {
  const Rows rows = rows_of(logits, targets);
  const auto classes = static_cast<size_t>(rows.classes);
  std::vector<std::vector<int64_t>> counts(classes, std::vector<int64_t>(classes));
  for (size_t i = 0; i < rows.targets.size(); ++i)
    ++counts[static_cast<size_t>(rows.targets[i])][static_cast<size_t>(rows.predicted[i])];
  return counts;
}

std::vector<Confusion> most_confused(const Tensor& logits, const Tensor& targets, size_t most) {
  const Rows rows = rows_of(logits, targets);
  std::vector<Confusion> pairs;
  for (int64_t a = 0; a < rows.classes; ++a)
    for (int64_t p = 0; p < rows.classes; ++p) pairs.push_back({a, p, 0, {}});
  for (size_t i = 0; i < rows.targets.size(); ++i) {
    if (rows.targets[i] == rows.predicted[i]) continue;
    Confusion& pair = pairs[static_cast<size_t>(rows.targets[i] * rows.classes + rows.predicted[i])];
    ++pair.count;
    pair.items.push_back(static_cast<int64_t>(i));
  }
  std::erase_if(pairs, [](const Confusion& c) { return c.count == 0; });
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  if (pairs.size() > most) pairs.resize(most);
  for (Confusion& pair : pairs) {
    const auto sureness = [&](int64_t item) {
      return rows.probabilities[static_cast<size_t>(item * rows.classes + pair.predicted)];
    };
    std::stable_sort(pair.items.begin(), pair.items.end(),
                     [&](int64_t a, int64_t b) { return sureness(a) > sureness(b); });
  }
  return pairs;
}

}  // namespace gw
