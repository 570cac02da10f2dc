// Copies that one loop over elements would do badly: rows of slices (cat, pad, crops) in accesses as wide as they
// allow, and transposes (NCHW to NHWC and back) through shared memory, so that both sides are read and written in rows.
// Each element is read and written once. Elements are moved as units of so many bytes, whatever they mean.
#include "kernels/cuda/copy.h"

#include "kernels/cuda/map.h"

namespace gw::kernels::cuda {
namespace {

using Space = IterationSpace<2>;

// --- rows

/// A thread copies one unit, and finds its place by a division for each dimension; neighbouring threads have
/// neighbouring units of a row.
template <class Index, class Unit>
__global__ void __launch_bounds__(kMapThreads)
    copy_row_units(Unit* to, const Unit* from, int64_t n, DeviceSpace<2> space) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kMapThreads + threadIdx.x;
  if (i >= n) return;
  int64_t at[2] = {};
  auto rest = static_cast<Index>(i);
  for (int d = space.dims - 1; d >= 0; --d) {
    const auto size = static_cast<Index>(space.shape[d]);
    const Index index = d == 0 ? rest : rest % size;
    rest /= size;
    at[0] += static_cast<int64_t>(index) * space.strides[0][d];
    at[1] += static_cast<int64_t>(index) * space.strides[1][d];
  }
  to[at[0]] = from[at[1]];
}

/// True if every row starts at a multiple of `unit` bytes on both sides, and is a multiple of it long.
bool rows_are_multiples(const Space& space, const void* to, const void* from, int64_t element, int64_t unit) {
  const int64_t last = space.shape.size() - 1;
  const auto aligned = [&](const void* address) {
    return reinterpret_cast<uintptr_t>(address) % static_cast<size_t>(unit) == 0;
  };
  bool fits = aligned(to) && aligned(from) && space.shape[last] * element % unit == 0;
  for (int64_t d = 0; d < last; ++d)
    for (const Shape& strides : space.strides) fits = fits && strides[d] * element % unit == 0;
  return fits;
}

template <class Unit>
void copy_rows(const Tensor& to, const Tensor& from, const Space& space) {
  const int64_t element = size_of(to.dtype()), unit = static_cast<int64_t>(sizeof(Unit));
  DeviceSpace<2> units = device_space(space);
  const int last = units.dims - 1;
  units.shape[last] = units.shape[last] * element / unit;
  for (auto& strides : units.strides)
    for (int d = 0; d < last; ++d) strides[d] = strides[d] * element / unit;
  const int64_t n = to.numel() * element / unit;
  launch(stream_for(to), {"copy_rows", blocks_for(n, kMapThreads), kMapThreads},
         n <= UINT32_MAX ? copy_row_units<uint32_t, Unit> : copy_row_units<uint64_t, Unit>,
         static_cast<Unit*>(to.raw()), static_cast<const Unit*>(from.raw()), n, units);
}

// --- tiles

constexpr int kTileThreads = 256;

/// A space in which the destination's neighbours lie along one dimension and the source's along another: the planes of
/// these two, and all other dimensions.
struct Planes {
  int64_t across, down;          ///< sizes of the dimensions of the destination's, and the source's, neighbours
  int64_t to_down, from_across;  ///< the steps of each along the other's
  int others;
  int64_t shape[Shape::kMaxDims], to_strides[Shape::kMaxDims], from_strides[Shape::kMaxDims];
};

/// Transposes a tile of kSide x kSide units: a warp reads rows of the source into shared memory, and writes columns of
/// that as rows of the destination. A padding column spreads the columns over the memory banks. Units of less than
/// 4 bytes have larger tiles, so that a thread has 16 bytes or more in flight.
template <int kSide, class Unit>
__global__ void __launch_bounds__(kTileThreads)
    transpose_tiles(Unit* to, const Unit* from, Planes planes, unsigned tiles_across, unsigned tiles_down) {
  constexpr int kLanes = 32, kRows = kTileThreads / kLanes, kPitch = kSide + 4 / (sizeof(Unit) < 4 ? sizeof(Unit) : 4);
  Unit* const tile = shared_memory<Unit>();
  const int lane = static_cast<int>(threadIdx.x) % kLanes, row = static_cast<int>(threadIdx.x) / kLanes;
  unsigned rest = blockIdx.x;
  const int64_t across = static_cast<int64_t>(rest % tiles_across) * kSide;
  rest /= tiles_across;
  const int64_t down = static_cast<int64_t>(rest % tiles_down) * kSide;
  int64_t plane = rest / tiles_down;
  for (int d = planes.others - 1; d >= 0; --d) {
    const int64_t index = plane % planes.shape[d];
    plane /= planes.shape[d];
    to += index * planes.to_strides[d];
    from += index * planes.from_strides[d];
  }
#pragma unroll
  for (int r = row; r < kSide; r += kRows)
#pragma unroll
    for (int c = lane; c < kSide; c += kLanes)
      if (across + r < planes.across && down + c < planes.down)
        tile[r * kPitch + c] = from[(across + r) * planes.from_across + down + c];
  __syncthreads();
#pragma unroll
  for (int r = row; r < kSide; r += kRows)
#pragma unroll
    for (int c = lane; c < kSide; c += kLanes)
      if (down + r < planes.down && across + c < planes.across)
        to[(down + r) * planes.to_down + across + c] = tile[c * kPitch + r];
}

/// Finds the planes; false if the source has no neighbours along any dimension, or planes are too narrow for tiles.
bool find_planes(const Space& space, Planes& planes) {
  constexpr int64_t kNarrow = 8;
  const int64_t last = space.shape.size() - 1;
  int64_t down = -1;
  for (int64_t d = 0; d < last; ++d)
    if (space.strides[1][d] == 1) down = d;
  if (down < 0 || space.strides[0][last] != 1) return false;
  if (space.shape[down] < kNarrow || space.shape[last] < kNarrow) return false;
  planes = {space.shape[last], space.shape[down], space.strides[0][down], space.strides[1][last], 0, {}, {}, {}};
  for (int64_t d = 0; d < last; ++d) {
    if (d == down) continue;
    planes.shape[planes.others] = space.shape[d];
    planes.to_strides[planes.others] = space.strides[0][d];
    planes.from_strides[planes.others++] = space.strides[1][d];
  }
  return true;
}

template <class Unit>
void copy_tiles(const Tensor& to, const Tensor& from, const Planes& planes) {
  constexpr int kSide = sizeof(Unit) < 4 ? 64 : 32, kPitch = kSide + 4 / std::min<int>(sizeof(Unit), 4);
  const unsigned across = blocks_for(planes.across, kSide), down = blocks_for(planes.down, kSide);
  const int64_t count = to.numel() / (planes.across * planes.down);
  launch(stream_for(to),
         {"transpose_tiles", static_cast<unsigned>(count) * across * down, kTileThreads, kSide * kPitch * sizeof(Unit)},
         transpose_tiles<kSide, Unit>, static_cast<Unit*>(to.raw()), static_cast<const Unit*>(from.raw()), planes,
         across, down);
}

}  // namespace

bool copy_rows_or_tiles(const Tensor& destination, const Tensor& source) {
  const auto space = iteration_space<2>({&destination, &source});
  const int64_t last = space.shape.size() - 1, element = size_of(destination.dtype());
  if (last == 0) return false;
  if (space.strides[0][last] == 1 && space.strides[1][last] == 1) {
    const auto fits = [&](int64_t unit) {
      return unit > element && rows_are_multiples(space, destination.raw(), source.raw(), element, unit);
    };
    if (fits(16))
      copy_rows<uint4>(destination, source, space);
    else if (fits(8))
      copy_rows<uint2>(destination, source, space);
    else if (fits(4))
      copy_rows<uint32_t>(destination, source, space);
    else
      return false;
    return true;
  }
  Planes planes;
  if (!find_planes(space, planes)) return false;
  switch (element) {
    case 1:
      copy_tiles<uint8_t>(destination, source, planes);
      break;
    case 2:
      copy_tiles<uint16_t>(destination, source, planes);
      break;
    case 4:
      copy_tiles<uint32_t>(destination, source, planes);
      break;
    default:
      copy_tiles<uint64_t>(destination, source, planes);
  }
  return true;
}

}  // namespace gw::kernels::cuda
