// Filling tensors with random numbers. Element i in row-major order draws from its own place of the Philox stream, so
// that the values depend neither on the device nor on the number of threads nor on the memory layout.
#pragma once

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace gw::kernels {

/// low + (high - low) * u, with u uniform in [0, 1): from one word an element, its upper 24 bits in f32, its upper 8 in
/// bf16, so that u is exact. DTypeError for integers.
void uniform(const Tensor& out, double low, double high, Generator& generator);
/// mean + std * z, with z standard normal: elements 2k and 2k + 1 from words 2k and 2k + 1 by Box-Muller. DTypeError
/// for integers.
void normal(const Tensor& out, double mean, double std, Generator& generator);
/// Integers in [low, high), each from two words: words 2i and 2i + 1 for element i. ConfigError if the range is empty
/// or has values that the dtype does not hold.
void random_integers(const Tensor& out, int64_t low, int64_t high, Generator& generator);

}  // namespace gw::kernels
