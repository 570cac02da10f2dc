#include "kernels/cpu/index.h"

#include <fmt/format.h>

#include <cstring>

#include "kernels/cpu/strided.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

void check_indices(const char* op, const Tensor& index, int64_t limit) {
  const int64_t* i = index.data<int64_t>();
  for (int64_t n = 0; n < index.numel(); ++n)
    if (i[n] < 0 || i[n] >= limit)
      throw ShapeError(fmt::format("{}: index {} is out of range for a size of {}", op, i[n], limit));
}

/// Calls visit(i, offset) for each element i of the contiguous `index`, where `offset` is that of the element of `t` it
/// stands for: index's own position, but along `dim` the place that it names.
template <class Visit>
void for_each_named(const Tensor& index, const Tensor& t, int64_t dim, const Visit& visit) {
  const int64_t* named = index.data<int64_t>();
  Shape at = Shape::filled(index.dim(), 0);
  for (int64_t i = 0; i < index.numel(); ++i) {
    int64_t offset = named[i] * t.strides()[dim];
    for (int64_t d = 0; d < index.dim(); ++d)
      if (d != dim) offset += at[d] * t.strides()[d];
    visit(i, offset);
    for (int64_t d = index.dim() - 1; d >= 0 && ++at[d] == index.shape()[d]; --d) at[d] = 0;
  }
}

}  // namespace

void index_select(const Tensor& out, const Tensor& x, IndexShape s, const Tensor& index) {
  check_indices("index_select", index, s.along);
  const int64_t n = index.numel(), bytes = s.inner * size_of(x.dtype());
  const int64_t* named = index.data<int64_t>();
  const auto* from = static_cast<const char*>(x.raw());
  auto* to = static_cast<char*>(out.raw());
  parallel_for(s.outer * n, std::max<int64_t>(1, kParallelGrain / std::max<int64_t>(1, s.inner)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i)
                   std::memcpy(to + i * bytes, from + (i / n * s.along + named[i % n]) * bytes,
                               static_cast<size_t>(bytes));
               });
}

void index_add(const Tensor& out, const Tensor& dy, IndexShape s, const Tensor& index, int64_t skip) {
  check_indices("index_add", index, s.along);
  const int64_t n = index.numel();
  const int64_t* named = index.data<int64_t>();
  visit(out.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = out.data<T>();
    const T* from = dy.data<T>();
    // Threads split the columns: every sum has one owner, who adds in the order of the index.
    parallel_for(s.inner, std::max<int64_t>(1, kParallelGrain / std::max<int64_t>(1, s.outer * n)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = 0; i < s.outer * n; ++i) {
                     const int64_t place = named[i % n];
                     if (place == skip) continue;
                     T* sum = to + (i / n * s.along + place) * s.inner;
                     const T* row = from + i * s.inner;
                     for (int64_t c = begin; c < end; ++c) sum[c] = static_cast<T>(sum[c] + row[c]);
                   }
                 });
  });
}

void gather(const Tensor& out, const Tensor& x, int64_t dim, const Tensor& index) {
  check_indices("gather", index, x.shape()[dim]);
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = out.data<T>();
    const T* from = x.data<T>();
    for_each_named(index, x, dim, [&](int64_t i, int64_t offset) { to[i] = from[offset]; });
  });
}

void scatter_add(const Tensor& out, const Tensor& dy, int64_t dim, const Tensor& index) {
  check_indices("scatter_add", index, out.shape()[dim]);
  visit(out.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = out.data<T>();
    const T* from = dy.data<T>();
    for_each_named(index, out, dim,
                   [&](int64_t i, int64_t offset) { to[offset] = static_cast<T>(to[offset] + from[i]); });
  });
}

void flip(const Tensor& out, const Tensor& x, const std::array<bool, Shape::kMaxDims>& reversed) {
  if (out.numel() == 0) return;
  // Read backwards: start from the last element of every reversed dimension, with its stride negated.
  Shape strides = x.strides();
  int64_t start = 0;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (!reversed[d]) continue;
    start += (x.shape()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = out.data<T>();
    const T* from = x.data<T>() + start;
    for_each_row<2>(
        std::array<StridedView, 2>{StridedView{out.shape(), out.strides()}, StridedView{x.shape(), strides}},
        [&](const auto& at, const auto& step, int64_t n) {
          T* row = to + at[0];
          const T* source = from + at[1];
          for (int64_t i = 0; i < n; ++i) row[i * step[0]] = source[i * step[1]];
        });
  });
}

}  // namespace gw::kernels::cpu
