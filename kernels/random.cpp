#include "kernels/random.h"

#include <fmt/format.h>

#include <limits>
#include <numeric>

#include "kernels/cpu/random.h"
#include "kernels/cpu/random_words.h"
#include "kernels/cuda/random.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw {
namespace kernels {
namespace {

/// Calls fill(t) on contiguous memory with the shape of `out`, and lets `out` have the result.
template <class Fill>
void fill_contiguous(const Tensor& out, const Fill& fill) {
  if (out.is_contiguous()) return fill(out);
  const Tensor values = empty(out.shape(), {.dtype = out.dtype(), .device = out.device()});
  fill(values);
  copy(out, values);
}

void check_floating(const char* op, const Tensor& out) {
  if (!is_floating(out.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, name_of(out.dtype())));
}

void check_range(int64_t low, int64_t high, DType dtype) {
  if (low >= high) throw ConfigError(fmt::format("randint: expected low < high, got {} and {}", low, high));
  const bool byte = dtype == DType::u8, narrow = dtype == DType::i32;
  if (!byte && !narrow) return;
  const int64_t smallest = byte ? 0 : std::numeric_limits<int32_t>::min();
  const int64_t largest = byte ? 255 : std::numeric_limits<int32_t>::max();
  if (low < smallest || high - 1 > largest)
    throw ConfigError(fmt::format("randint: {} does not hold all of [{}, {})", name_of(dtype), low, high));
}

}  // namespace

void uniform(const Tensor& out, double low, double high, Generator& generator) {
  check_floating("uniform", out);
  const PhiloxState state = generator.reserve(out.numel());
  fill_contiguous(out, [&](const Tensor& t) { GW_DISPATCH(t, uniform(t, low, high, state)); });
}

void normal(const Tensor& out, double mean, double std, Generator& generator) {
  check_floating("normal", out);
  const PhiloxState state = generator.reserve(out.numel());
  fill_contiguous(out, [&](const Tensor& t) { GW_DISPATCH(t, normal(t, mean, std, state)); });
}

void random_integers(const Tensor& out, int64_t low, int64_t high, Generator& generator) {
  check_range(low, high, out.dtype());
  const PhiloxState state = generator.reserve(2 * out.numel());
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  fill_contiguous(out, [&](const Tensor& t) { GW_DISPATCH(t, random_integers(t, low, range, state)); });
}

}  // namespace kernels

// Declared in tensor/, but at home here, where the streams are computed.

double Generator::uniform() {
  const PhiloxState state = reserve(2);
  const math::PhiloxBlock p = math::philox(state.seed, state.offset);
  const uint64_t bits = (uint64_t{p.w0} << 32 | p.w1) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

Tensor rand(const Shape& shape, TensorOptions options, Generator& generator) {
  const Tensor t = empty(shape, options);
  kernels::uniform(t, 0, 1, generator);
  return t;
}

Tensor randn(const Shape& shape, TensorOptions options, Generator& generator) {
  const Tensor t = empty(shape, options);
  kernels::normal(t, 0, 1, generator);
  return t;
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, TensorOptions options, Generator& generator) {
  const Tensor t = empty(shape, options);
  kernels::random_integers(t, low, high, generator);
  return t;
}

// Fisher-Yates: swap i draws from words 2i and 2i + 1. Always on the host, because each swap waits for the one before.
Tensor randperm(int64_t n, Generator& generator) {
  if (n < 0) throw ConfigError(fmt::format("randperm: expected n of at least 0, got {}", n));
  const Tensor order = empty({n}, {.dtype = DType::i64});
  int64_t* const p = order.data<int64_t>();
  std::iota(p, p + n, int64_t{0});
  const PhiloxState state = generator.reserve(2 * n);
  kernels::cpu::RandomWords words;
  for (int64_t first = 0; first < 2 * n; first += kernels::cpu::kRandomChunk) {
    const int64_t count = std::min(kernels::cpu::kRandomChunk, 2 * n - first);
    kernels::cpu::draw(words, state, first, count);
    for (int64_t k = 0; k < count / 2; ++k) {
      const int64_t i = first / 2 + k;
      const auto* w = words.data() + 2 * k;
      std::swap(p[i], p[i + static_cast<int64_t>(math::uniform_integer(w[0], w[1], static_cast<uint64_t>(n - i)))]);
    }
  }
  return order;
}

}  // namespace gw
