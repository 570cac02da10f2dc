#include "kernels/cpu/batch_gather.h"

#include <fmt/format.h>

#include <array>

#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// A byte has only 256 values, so each channel's normalisation is a table: no division, and the same rounding
/// everywhere.
template <class T>
using Table = std::array<T, 256>;

template <class T>
Table<T> normalisation_table(float mean, float std) {
  Table<T> table;
  for (int value = 0; value < 256; ++value)
    table[static_cast<size_t>(value)] = static_cast<T>((static_cast<float>(value) / 255.0f - mean) / std);
  return table;
}

void check_indices(const int64_t* indices, int64_t n, int64_t limit) {
  for (int64_t i = 0; i < n; ++i)
    if (indices[i] < 0 || indices[i] >= limit)
      throw ShapeError(fmt::format("batch_gather: index {} is out of range, expected 0 to {}", indices[i], limit - 1));
}

}  // namespace

void batch_gather(const Tensor& out, const Tensor& images, const Tensor& indices, const std::vector<float>& mean,
                  const std::vector<float>& std) {
  const int64_t n = indices.numel(), channels = images.size(1), pixels = images.size(2) * images.size(3);
  const int64_t* index = indices.data<int64_t>();
  check_indices(index, n, images.size(0));
  visit_floating(out.dtype(), "batch_gather", [&](auto v) {
    using T = decltype(v);
    std::vector<Table<T>> tables;
    for (size_t c = 0; c < mean.size(); ++c) tables.push_back(normalisation_table<T>(mean[c], std[c]));
    const uint8_t* from = images.data<uint8_t>();
    T* to = out.data<T>();
    const int64_t image = channels * pixels;
    parallel_for(n, std::max<int64_t>(1, kParallelGrain / std::max<int64_t>(image, 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i)
                     for (int64_t c = 0; c < channels; ++c) {
                       const uint8_t* plane = from + index[i] * image + c * pixels;
                       const Table<T>& table = tables[static_cast<size_t>(c)];
                       T* first = to + i * image + c;
                       for (int64_t p = 0; p < pixels; ++p) first[p * channels] = table[plane[p]];
                     }
                 });
  });
}

}  // namespace gw::kernels::cpu
