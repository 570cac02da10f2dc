#include "tensor/dtype.h"

#include <fmt/format.h>

#include <algorithm>

namespace gw {

DType dtype_from_name(std::string_view name) {
  for (DType d : {DType::f32, DType::bf16, DType::u8, DType::i32, DType::i64})
    if (name == name_of(d)) return d;
  throw ConfigError(fmt::format("dtype: expected f32, bf16, u8, i32 or i64, got '{}'", name));
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (is_floating(a) && is_floating(b)) return DType::f32;
  if (is_floating(a) || is_floating(b)) return is_floating(a) ? a : b;
  const auto rank = [](DType d) { return d == DType::u8 ? 0 : d == DType::i32 ? 1 : 2; };
  return rank(a) > rank(b) ? a : b;
}

}  // namespace gw
