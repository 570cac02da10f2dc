#include "kernels/cpu/weight_tile.h"

#include <utility>

namespace gw::kernels::cpu {
namespace {

// Each call sums from zero and adds at the end: many short sums lose less to rounding than one long one.
template <int Rows, int Vectors>
void accumulate(const Walk& walk, const float* x, const float* dy, float* sums) {
  FmaVector sum[Rows][Vectors] = {};
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) __builtin_prefetch(sums + (r * Vectors + v) * kLanes, 1);
  const int64_t x_step = walk.x_step[2], dy_step = walk.dy_step[2];
  for (int64_t i = 0; i < walk.count[0]; ++i)
    for (int64_t j = 0; j < walk.count[1]; ++j) {
      const float* a = x + i * walk.x_step[0] + j * walk.x_step[1];
      const float* b = dy + i * walk.dy_step[0] + j * walk.dy_step[1];
      for (int64_t k = 0; k < walk.count[2]; ++k, a += x_step, b += dy_step) {
        FmaVector column[Vectors];
        for (int v = 0; v < Vectors; ++v) column[v] = load(b + v * kLanes);
#pragma GCC unroll 32
        for (int r = 0; r < Rows; ++r)
          for (int v = 0; v < Vectors; ++v) sum[r][v] = multiply_add(column[v], a[r], sum[r][v]);
      }
    }
#pragma GCC unroll 32
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) {
      float* to = sums + (r * Vectors + v) * kLanes;
      store(to, load(to) + sum[r][v]);
    }
}

using Accumulate = void (*)(const Walk&, const float*, const float*, float*);

template <int Vectors, int... I>
constexpr std::array<Accumulate, sizeof...(I)> accumulate_table(std::integer_sequence<int, I...>) {
  return {accumulate<I + 1, Vectors>...};
}

}  // namespace

void accumulate_weight_tile(int64_t rows, int vectors, const Walk& walk, const float* x, const float* dy, float* sums) {
  static constexpr auto kOne = accumulate_table<1>(std::make_integer_sequence<int, max_weight_rows(1)>{});
  static constexpr auto kTwo = accumulate_table<2>(std::make_integer_sequence<int, max_weight_rows(2)>{});
  const auto index = static_cast<size_t>(rows - 1);
  (vectors == 1 ? kOne[index] : kTwo[index])(walk, x, dy, sums);
}

}  // namespace gw::kernels::cpu
