// Shape: the sizes (or strides) of a tensor's dimensions, stored inline.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "tensor/error.h"

namespace gw {

/// Up to eight 64-bit integers, one per dimension. Inline storage, because every op makes several of these.
class Shape {
 public:
  static constexpr int kMaxDims = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(dims.begin(), dims.end()) {}
  Shape(const std::vector<int64_t>& dims) : Shape(dims.begin(), dims.end()) {}
  template <class It>
  Shape(It first, It last) {
    for (; first != last; ++first) push_back(*first);
  }
  /// `count` dimensions, each of `value`.
  static Shape filled(int64_t count, int64_t value);

  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t& operator[](int64_t i) { return dims_[static_cast<size_t>(i)]; }
  int64_t operator[](int64_t i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t back() const { return dims_[static_cast<size_t>(size_ - 1)]; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + size_; }
  int64_t* begin() { return dims_.data(); }
  int64_t* end() { return dims_.data() + size_; }

  /// Appends a dimension; ShapeError beyond eight.
  void push_back(int64_t dim) {
    if (size_ == kMaxDims) throw ShapeError("Shape: a tensor has at most 8 dimensions");
    dims_[static_cast<size_t>(size_++)] = dim;
  }
  void insert(int64_t position, int64_t dim);
  void erase(int64_t position);

  /// Product of all dimensions; 1 for a scalar.
  int64_t numel() const {
    int64_t n = 1;
    for (int64_t d : *this) n *= d;
    return n;
  }

  bool operator==(const Shape& o) const {
    if (size_ != o.size_) return false;
    for (int64_t i = 0; i < size_; ++i)
      if ((*this)[i] != o[i]) return false;
    return true;
  }

  /// "[2, 3, 28, 28]"
  std::string to_string() const;

 private:
  std::array<int64_t, kMaxDims> dims_{};
  int64_t size_ = 0;
};

/// How the elements of a tensor lie in memory. `preserve` keeps the layout of the source where it is dense.
enum class MemoryFormat { contiguous, channels_last, preserve };

/// Row-major strides of `shape`, in elements.
Shape contiguous_strides(const Shape& shape);
/// Strides that put C innermost for a shape N,C,H,W (or O,I,H,W); ShapeError unless 4-D.
Shape channels_last_strides(const Shape& shape);
/// `dim` counted from the end when negative; ShapeError, naming `op`, when out of range for `dims` dimensions.
int64_t normalize_dim(int64_t dim, int64_t dims, const char* op);
/// The shape that NumPy's rules broadcast `a` and `b` to; ShapeError, naming `op`, if there is none.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op);

}  // namespace gw
