// The space that kernels walk when tensors of one shape lie differently in memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "tensor/tensor.h"

namespace gw::kernels {

/// Shape and strides (which may be negative) of one of the tensors that are walked together.
struct StridedView {
  Shape shape, strides;
};

/// The common iteration space of N tensors: dimensions sorted by the first tensor's strides (largest outermost),
/// neighbours merged where every tensor's strides run on.
template <size_t N>
struct IterationSpace {
  Shape shape;                   ///< at least one dimension, the last one the row
  std::array<Shape, N> strides;  ///< of each tensor, in elements

  explicit IterationSpace(const std::array<StridedView, N>& tensors) {
    const StridedView& first = tensors[0];
    std::array<int64_t, Shape::kMaxDims> order{};
    const auto end = order.begin() + first.shape.size();
    std::iota(order.begin(), end, 0);
    std::stable_sort(order.begin(), end, [&](int64_t a, int64_t b) { return first.strides[a] > first.strides[b]; });
    for (auto d = order.begin(); d != end; ++d) {
      if (first.shape[*d] == 1) continue;
      append(tensors, *d);
    }
    if (shape.empty()) {
      shape.push_back(first.shape.numel());
      for (Shape& s : strides) s.push_back(1);
    }
  }

 private:
  void append(const std::array<StridedView, N>& tensors, int64_t dim) {
    const int64_t size = tensors[0].shape[dim];
    bool merges = !shape.empty();
    for (size_t t = 0; merges && t < N; ++t) merges = strides[t].back() == tensors[t].strides[dim] * size;
    if (merges) {
      shape[shape.size() - 1] *= size;
      for (size_t t = 0; t < N; ++t) strides[t][shape.size() - 1] = tensors[t].strides[dim];
      return;
    }
    shape.push_back(size);
    for (size_t t = 0; t < N; ++t) strides[t].push_back(tensors[t].strides[dim]);
  }
};

/// The space of tensors of one shape.
template <size_t N>
IterationSpace<N> iteration_space(const std::array<const Tensor*, N>& tensors) {
  std::array<StridedView, N> views;
  for (size_t t = 0; t < N; ++t) views[t] = {tensors[t]->shape(), tensors[t]->strides()};
  return IterationSpace<N>(views);
}

}  // namespace gw::kernels
