// Walking several strided tensors of one shape together, as few and as long rows as their layouts allow.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/iteration_space.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {

/// Calls row(offsets, strides, count) in parallel for runs of elements that together cover the tensors: `offsets` of
/// the run's first element in each tensor and the `strides` along it, both in elements.
template <size_t N, class Row>
void for_each_row(const std::array<StridedView, N>& tensors, const Row& row) {
  if (tensors[0].shape.numel() == 0) return;
  const IterationSpace<N> space(tensors);
  const int64_t last = space.shape.size() - 1, length = space.shape[last];
  std::array<int64_t, N> step;
  for (size_t t = 0; t < N; ++t) step[t] = space.strides[t][last];
  if (last == 0) {
    parallel_for(length, kParallelGrain, [&](int64_t begin, int64_t end) {
      std::array<int64_t, N> offset;
      for (size_t t = 0; t < N; ++t) offset[t] = begin * step[t];
      row(offset, step, end - begin);
    });
    return;
  }
  const int64_t rows = space.shape.numel() / length;
  parallel_for(rows, std::max<int64_t>(1, kParallelGrain / length), [&](int64_t begin, int64_t end) {
    Shape index = Shape::filled(last, 0);
    std::array<int64_t, N> offset{};
    for (int64_t d = last - 1, rest = begin; d >= 0; --d) {
      index[d] = rest % space.shape[d];
      rest /= space.shape[d];
      for (size_t t = 0; t < N; ++t) offset[t] += index[d] * space.strides[t][d];
    }
    for (int64_t r = begin; r < end; ++r) {
      row(offset, step, length);
      for (int64_t d = last - 1; d >= 0; --d) {
        for (size_t t = 0; t < N; ++t) offset[t] += space.strides[t][d];
        if (++index[d] < space.shape[d]) break;
        for (size_t t = 0; t < N; ++t) offset[t] -= space.shape[d] * space.strides[t][d];
        index[d] = 0;
      }
    }
  });
}

template <size_t N, class Row>
void for_each_row(const std::array<const Tensor*, N>& tensors, const Row& row) {
  std::array<StridedView, N> views;
  for (size_t t = 0; t < N; ++t) views[t] = {tensors[t]->shape(), tensors[t]->strides()};
  for_each_row<N>(views, row);
}

}  // namespace gw::kernels::cpu
