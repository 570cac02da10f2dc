// Rounding a computed f32 into the element type of a tensor.
#pragma once

namespace gw::kernels::cpu {

/// to = value. A function, because inside an `omp simd` loop the temporary bf16 of a plain assignment keeps GCC from
/// vectorising it.
template <class T>
inline void store(T& to, float value) {
  to = value;
}

}  // namespace gw::kernels::cpu
