#include <cstring>
#include <type_traits>

#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/map.h"
#include "kernels/cpu/strided.h"

namespace gw::kernels::cpu {
namespace {

/// Pixels that one task transposes for all its columns: what it reads stays in
/// the first cache while it is written.
constexpr int64_t kTile = 64;

/// Whether the innermost two dimensions lie the other way round in the source,
/// as in a change between contiguous and channels-last.
bool transposes(const IterationSpace<2> &space) {
  const int64_t last = space.shape.size() - 1;
  return last >= 1 && space.strides[0][last] == 1 &&
         space.strides[1][last] != 1 && space.strides[1][last - 1] == 1;
}

/// Side of the blocks that are transposed in registers.
constexpr int64_t kSide = 16;
typedef uint16_t Halves __attribute__((vector_size(kSide * 2)));
typedef uint32_t Words __attribute__((vector_size(kSide * 4)));

/// destination[r * to_step + c] = source[r + c * from_step] for r, c < kSide.
/// Interleaving the first half of the vectors with the second moves every
/// element's place one bit further round: four times, and rows are columns.
template <class T>
void transpose_block(T *destination, int64_t to_step, const T *source,
                     int64_t from_step) {
  using Vector = std::conditional_t<sizeof(T) == 2, Halves, Words>;
  constexpr Vector kLow = {0, 16, 1, 17, 2, 18, 3, 19,
                           4, 20, 5, 21, 6, 22, 7, 23};
  constexpr Vector kHigh = {8,  24, 9,  25, 10, 26, 11, 27,
                            12, 28, 13, 29, 14, 30, 15, 31};
  Vector v[kSide], mixed[kSide];
  for (int64_t c = 0; c < kSide; ++c)
    std::memcpy(&v[c], source + c * from_step, sizeof(Vector));
  for (int stage = 0; stage < 2; ++stage) {
    for (int64_t i = 0; i < kSide / 2; ++i) {
      mixed[2 * i] = __builtin_shuffle(v[i], v[i + kSide / 2], kLow);
      mixed[2 * i + 1] = __builtin_shuffle(v[i], v[i + kSide / 2], kHigh);
    }
    for (int64_t i = 0; i < kSide / 2; ++i) {
      v[2 * i] = __builtin_shuffle(mixed[i], mixed[i + kSide / 2], kLow);
      v[2 * i + 1] = __builtin_shuffle(mixed[i], mixed[i + kSide / 2], kHigh);
    }
  }
  for (int64_t r = 0; r < kSide; ++r)
    std::memcpy(destination + r * to_step, &v[r], sizeof(Vector));
}

/// destination[r * to_step + c] = source[r + c * from_step].
template <class T>
void transpose_tile(T *destination, int64_t to_step, const T *source,
                    int64_t from_step, int64_t rows, int64_t columns) {
  int64_t r = 0;
  if constexpr (sizeof(T) == 2 || sizeof(T) == 4) {
    for (; r + kSide <= rows && columns % kSide == 0; r += kSide)
      for (int64_t c = 0; c < columns; c += kSide)
        transpose_block(bits(destination) + r * to_step + c, to_step,
                        bits(source) + r + c * from_step, from_step);
  }
  for (; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      destination[r * to_step + c] = source[r + c * from_step];
}

/// Copies matrix by matrix, each in tiles of kTile columns of the destination.
template <class T>
void copy_transposed(T *to, const T *from, const IterationSpace<2> &space) {
  const int64_t last = space.shape.size() - 1, rows = space.shape[last - 1],
                columns = space.shape[last];
  const int64_t tiles = (columns + kTile - 1) / kTile;
  int64_t matrices = 1;
  for (int64_t d = 0; d < last - 1; ++d)
    matrices *= space.shape[d];
  parallel_for(
      matrices * tiles, std::max<int64_t>(1, kParallelGrain / (rows * kTile)),
      [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
          int64_t to_offset = 0, from_offset = 0;
          for (int64_t d = last - 2, rest = task / tiles; d >= 0; --d) {
            to_offset += rest % space.shape[d] * space.strides[0][d];
            from_offset += rest % space.shape[d] * space.strides[1][d];
            rest /= space.shape[d];
          }
          const int64_t first = task % tiles * kTile,
                        count = std::min(kTile, columns - first);
          transpose_tile(to + to_offset + first, space.strides[0][last - 1],
                         from + from_offset + first * space.strides[1][last],
                         space.strides[1][last], rows, count);
        }
      });
}

} // namespace

void copy(const Tensor &destination, const Tensor &source) {
  if (destination.numel() == 0)
    return;
  const IterationSpace<2> space(
      {StridedView{destination.shape(), destination.strides()},
       StridedView{source.shape(), source.strides()}});
  const bool transposed =
      destination.dtype() == source.dtype() && transposes(space);
  visit(source.dtype(), [&](auto from) {
    using From = decltype(from);
    if (transposed)
      return copy_transposed(destination.data<From>(), source.data<From>(),
                             space);
    visit(destination.dtype(), [&](auto to) {
      map<decltype(to), From>(destination, source, [](auto e) { return e; });
    });
  });
}

} // namespace gw::kernels::cpu
