// Selecting by index, and adding up by index. Sums are deterministic: each has one thread, which adds in the order of
// the index. An index that is out of range is reported (see gw::cuda::Fault) and stands for nothing.
#include "kernels/cuda/index.h"

#include "kernels/cuda/combine.h"
#include "kernels/cuda/map.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// Where an index that is out of range is reported.
struct IndexCheck {
  int64_t limit;
  int* fault;

  IndexCheck(int64_t limit, Device device) : limit(limit), fault(gw::cuda::fault_address(device)) {}
  __device__ bool in_range(int64_t index) const {
    if (index >= 0 && index < limit) return true;
    *fault = static_cast<int>(gw::cuda::Fault::index_out_of_range);
    return false;
  }
};

/// out[o, i, :] = x[o, index[i], :]. A thread copies one Unit, up to 16 bytes, of which a row has `units`; neighbouring
/// threads copy neighbouring units. Reads and writes each element of the result once.
template <class Unit>
__global__ void __launch_bounds__(kThreads) select_rows(Unit* out, const Unit* x, const int64_t* index, int64_t n,
                                                        int64_t along, int64_t units, int64_t all, IndexCheck check) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= all) return;
  const int64_t row = i / units, unit = i % units, outer = row / n, place = index[row % n];
  out[i] = check.in_range(place) ? x[(outer * along + place) * units + unit] : Unit{};
}

/// What position i of an index knows of the others that name the same place.
struct Link {
  int first;  ///< 1 if none before it does
  int next;   ///< the nearest behind it that does, else n
};

/// Finds the links. A block takes kLinkThreads positions, one a thread, and goes through the whole index in tiles of
/// shared memory, which a warp reads at one word a comparison for all its threads. n^2 comparisons: a batch of 8192
/// words of text takes the GPU about 20 us, less than sorting would.
constexpr int kLinkThreads = 64;
constexpr int kTile = 1024;
__global__ void __launch_bounds__(kLinkThreads) link_equal_places(Link* links, const int64_t* index, int n) {
  int64_t* const tile = shared_memory<int64_t>();
  const int i = static_cast<int>(blockIdx.x) * kLinkThreads + static_cast<int>(threadIdx.x);
  const int64_t own = i < n ? index[i] : 0;
  Link link{1, n};
  for (int start = 0; start < n; start += kTile) {
    const int count = n - start < kTile ? n - start : kTile;
    __syncthreads();
    for (int k = static_cast<int>(threadIdx.x); k < count; k += kLinkThreads) tile[k] = index[start + k];
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < count; ++k) {
      const int j = start + k;
      if (tile[k] != own) continue;
      if (j < i) link.first = 0;
      if (j > i && j < link.next) link.next = j;
    }
  }
  if (i < n) links[i] = link;
}

/// out[o, place, :] += the rows dy[o, i, :] whose index is `place`, which are reached by their links. A thread owns V
/// neighbouring columns of a place, and has the number of the first row; those of other rows have nothing to do. Reads
/// dy once and the places that are named, and writes these.
template <int V, class T>
__global__ void __launch_bounds__(kThreads)
    add_linked_rows(T* out, const T* dy, const int64_t* index, const Link* links, int n, IndexShape s, int64_t all,
                    int64_t skip, IndexCheck check) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (t >= all) return;
  const int64_t packs = s.inner / V, row = t / packs, column = t % packs * V, outer = row / n;
  const int first = static_cast<int>(row % n);
  const int64_t place = index[first];
  if (place == skip || !links[first].first || !check.in_range(place)) return;
  T* const address = out + (outer * s.along + place) * s.inner + column;
  Pack<T, V> sum = *reinterpret_cast<const Pack<T, V>*>(address);
  for (int i = first; i < n;) {
    const int next = links[i].next;
    const Pack<T, V> term = load_pack<V>(dy + (outer * n + i) * s.inner + column);
#pragma unroll
    for (int k = 0; k < V; ++k) sum.at[k] = static_cast<T>(sum.at[k] + term.at[k]);
    i = next;
  }
  *reinterpret_cast<Pack<T, V>*>(address) = sum;
}

/// The positions of a contiguous index, and the strides of the tensor that it points into.
struct NamedSpace {
  int dims, dim;
  int64_t shape[Shape::kMaxDims], strides[Shape::kMaxDims];

  NamedSpace(const Shape& index, const Shape& tensor_strides, int64_t along)
      : dims(static_cast<int>(index.size())), dim(static_cast<int>(along)), shape{}, strides{} {
    for (int d = 0; d < dims; ++d) shape[d] = index[d], strides[d] = tensor_strides[d];
  }
  /// Where in the tensor position i stands, but for the indexed dimension.
  __device__ int64_t offset(int64_t i) const {
    int64_t offset = 0;
    for (int d = dims - 1; d >= 0; --d) {
      if (d != dim) offset += i % shape[d] * strides[d];
      i /= shape[d];
    }
    return offset;
  }
};

/// A thread fetches one element: 8 bytes of index, one element read and one written.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gather_elements(T* out, const T* x, const int64_t* index, int64_t n, NamedSpace space, IndexCheck check) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const int64_t place = index[i];
  out[i] = check.in_range(place) ? x[space.offset(i) + place * space.strides[space.dim]] : T{};
}

/// A thread takes a line of the index along its dimension, whose elements alone point into the same line of the result,
/// and adds them in their order. `inner` elements of the index lie between those of a line.
template <class T>
__global__ void __launch_bounds__(kThreads)
    scatter_add_lines(T* out, const T* dy, const int64_t* index, int64_t lines, int64_t length, int64_t inner,
                      NamedSpace space, IndexCheck check) {
  const int64_t line = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (line >= lines) return;
  const int64_t first = line / inner * length * inner + line % inner;
  T* const to = out + space.offset(first);
  for (int64_t c = 0; c < length; ++c) {
    const int64_t i = first + c * inner, place = index[i];
    if (!check.in_range(place)) continue;
    T& sum = to[place * space.strides[space.dim]];
    sum = static_cast<T>(sum + dy[i]);
  }
}

template <class Unit>
void select_units(const Tensor& out, const Tensor& x, IndexShape s, int64_t row_bytes, const Tensor& index) {
  const int64_t units = row_bytes / static_cast<int64_t>(sizeof(Unit)), n = index.numel(), all = s.outer * n * units;
  launch(stream_for(x), {"index_select", blocks_for(all, kThreads), kThreads}, select_rows<Unit>,
         static_cast<Unit*>(out.raw()), static_cast<const Unit*>(x.raw()), index.data<int64_t>(), n, s.along, units,
         all, IndexCheck(s.along, x.device()));
}

}  // namespace

void index_select(const Tensor& out, const Tensor& x, IndexShape s, const Tensor& index) {
  if (out.numel() == 0) return;
  const int64_t bytes = s.inner * size_of(x.dtype());
  const auto fits = [&](int64_t unit) {
    const auto at = [&](const Tensor& t) {
      return reinterpret_cast<uintptr_t>(t.raw()) % static_cast<size_t>(unit) == 0;
    };
    return bytes % unit == 0 && at(out) && at(x);
  };
  if (fits(16)) return select_units<uint4>(out, x, s, bytes, index);
  if (fits(8)) return select_units<uint2>(out, x, s, bytes, index);
  if (fits(4)) return select_units<uint32_t>(out, x, s, bytes, index);
  if (fits(2)) return select_units<uint16_t>(out, x, s, bytes, index);
  select_units<uint8_t>(out, x, s, bytes, index);
}

void index_add(const Tensor& out, const Tensor& dy, IndexShape s, const Tensor& index, int64_t skip) {
  if (dy.numel() == 0) return;
  const int n = static_cast<int>(index.numel());
  const Stream stream = stream_for(out);
  const Tensor memory = empty({n}, {.dtype = DType::i64, .device = out.device()});
  static_assert(sizeof(Link) == sizeof(int64_t));
  auto* const links = static_cast<Link*>(memory.raw());
  launch(stream, {"link_equal_places", blocks_for(n, kLinkThreads), kLinkThreads, kTile * sizeof(int64_t)},
         link_equal_places, links, index.data<int64_t>(), n);
  visit(out.dtype(), [&](auto v) {
    using T = decltype(v);
    constexpr int V = std::min(kPackOf<T>, 4);
    const bool packs = s.inner % V == 0 && is_aligned(out.data<T>(), V) && is_aligned(dy.data<T>(), V);
    const int64_t all = s.outer * n * (packs ? s.inner / V : s.inner);
    launch(stream, {"index_add", blocks_for(all, kThreads), kThreads},
           packs ? add_linked_rows<V, T> : add_linked_rows<1, T>, out.data<T>(), dy.data<T>(), index.data<int64_t>(),
           links, n, s, all, skip, IndexCheck(s.along, out.device()));
  });
}

void gather(const Tensor& out, const Tensor& x, int64_t dim, const Tensor& index) {
  const int64_t n = index.numel();
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    launch(stream_for(x), {"gather", blocks_for(n, kThreads), kThreads}, gather_elements<T>, out.data<T>(), x.data<T>(),
           index.data<int64_t>(), n, NamedSpace(index.shape(), x.strides(), dim),
           IndexCheck(x.shape()[dim], x.device()));
  });
}

void scatter_add(const Tensor& out, const Tensor& dy, int64_t dim, const Tensor& index) {
  if (index.numel() == 0) return;
  const int64_t length = index.shape()[dim], lines = index.numel() / length;
  int64_t inner = 1;
  for (int64_t d = dim + 1; d < index.dim(); ++d) inner *= index.shape()[d];
  visit(out.dtype(), [&](auto v) {
    using T = decltype(v);
    launch(stream_for(out), {"scatter_add", blocks_for(lines, kThreads), kThreads}, scatter_add_lines<T>, out.data<T>(),
           dy.data<T>(), index.data<int64_t>(), lines, length, inner, NamedSpace(index.shape(), out.strides(), dim),
           IndexCheck(out.shape()[dim], out.device()));
  });
}

void flip(const Tensor& out, const Tensor& x, const std::array<bool, Shape::kMaxDims>& reversed) {
  const int64_t n = out.numel();
  if (n == 0) return;
  // Read backwards: start from the last element of every reversed dimension, with its stride negated.
  Shape strides = x.strides();
  int64_t start = 0;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (!reversed[static_cast<size_t>(d)]) continue;
    start += (x.shape()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  const IterationSpace<2> space({StridedView{out.shape(), out.strides()}, StridedView{x.shape(), strides}});
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    const LaunchShape shape{"flip", blocks_for(n, kMapThreads), kMapThreads};
    const auto run = [&](auto kernel) {
      launch(stream_for(x), shape, kernel, out.data<T>(), n, device_space(space), math::Identity{},
             x.data<T>() + start);
    };
    if (n <= UINT32_MAX)
      run(map_strided<uint32_t, T, math::Identity, T>);
    else
      run(map_strided<uint64_t, T, math::Identity, T>);
  });
}

}  // namespace gw::kernels::cuda
