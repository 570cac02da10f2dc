// What the suites compare tensors with.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

/// Expects the elements of `actual`, in row-major order, to be those expected: |a - e| <= atol + rtol * |e|; NaN equals
/// NaN.
inline void expect_close(const Tensor& actual, const std::vector<double>& expected, double rtol = 1e-5,
                         double atol = 1e-6) {
  ASSERT_TRUE(actual.defined());
  const std::vector<double> values = actual.to_vector<double>();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(expected[i]) && std::isnan(values[i])) continue;
    if (values[i] == expected[i]) continue;  // infinities
    EXPECT_LE(std::fabs(values[i] - expected[i]), atol + rtol * std::fabs(expected[i]))
        << "element " << i << ": got " << values[i] << ", expected " << expected[i];
  }
}

inline void expect_close(const Tensor& actual, const Tensor& expected, double rtol = 1e-5, double atol = 1e-6) {
  ASSERT_TRUE(expected.defined());
  EXPECT_EQ(actual.shape().to_string(), expected.shape().to_string());
  expect_close(actual, expected.to_vector<double>(), rtol, atol);
}

/// Calls f and gives the message of the E that it throws; a failure if it throws none.
template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  ADD_FAILURE() << "no such exception was thrown";
  return "";
}

}  // namespace gw
