// Creation of tensors. All take TensorOptions: gw::zeros({2, 3}, {.dtype = DType::bf16}).
#pragma once

#include <vector>

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace gw {

/// Uninitialised memory in the given layout (`preserve` is taken as contiguous).
Tensor empty(const Shape& shape, TensorOptions options = {}, MemoryFormat format = MemoryFormat::contiguous);
/// Uninitialised, of `like`'s shape and device, in its memory layout if that is dense, else contiguous.
Tensor empty_like(const Tensor& like);
Tensor empty_like(const Tensor& like, DType dtype);
Tensor zeros_like(const Tensor& like);
Tensor ones_like(const Tensor& like);

Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor ones(const Shape& shape, TensorOptions options = {});
Tensor full(const Shape& shape, double value, TensorOptions options = {});
/// start, start + step, ... below end. ConfigError unless step leads from start towards end.
Tensor arange(double start, double end, double step = 1, TensorOptions options = {});
/// `steps` values from start to end, both included.
Tensor linspace(double start, double end, int64_t steps, TensorOptions options = {});

/// Row-major values: from_values<float>({1, 2, 3, 4}, {2, 2}). ShapeError if the counts differ.
template <class T>
Tensor from_values(const std::vector<T>& values, const Shape& shape, TensorOptions options = {});
/// A vector of f32.
Tensor tensor(const std::vector<float>& values, TensorOptions options = {});
/// A scalar of f32.
Tensor scalar(double value, TensorOptions options = {});

// --- random. The same seed gives the same values on every device.
/// Uniform in [0, 1).
Tensor rand(const Shape& shape, TensorOptions options = {}, Generator& generator = default_generator());
/// Standard normal (Box-Muller).
Tensor randn(const Shape& shape, TensorOptions options = {}, Generator& generator = default_generator());
/// Integers in [low, high), i64 unless options say otherwise by `dtype`. ConfigError if the range is empty.
Tensor randint(int64_t low, int64_t high, const Shape& shape, TensorOptions options = {.dtype = DType::i64},
               Generator& generator = default_generator());
/// A random order of 0 .. n-1, i64.
Tensor randperm(int64_t n, Generator& generator = default_generator());

}  // namespace gw
