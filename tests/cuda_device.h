// What the suites that need a CUDA device, real or emulated, share.
#pragma once

#include <gtest/gtest.h>

#include "tensor/cuda.h"
#include "tests/tensor_matchers.h"

namespace gw {

inline constexpr Device kCuda{DeviceType::cuda, 0};

/// Skips, where there is no device.
class CudaTest : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda::device_count() == 0) GTEST_SKIP() << "needs a CUDA device";
  }
};

}  // namespace gw
