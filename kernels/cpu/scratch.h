// Scratch: working memory of a kernel for one call.
#pragma once

#include "tensor/storage.h"

namespace gw::kernels::cpu {

/// `count` uninitialised floats from the caching allocator, given back at the end of the scope.
class Scratch {
 public:
  explicit Scratch(int64_t count) : storage_(static_cast<size_t>(count) * sizeof(float), kCpu) {}
  float* data() const { return static_cast<float*>(storage_.data()); }

 private:
  Storage storage_;
};

}  // namespace gw::kernels::cpu
