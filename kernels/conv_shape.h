// ConvShape: the sizes of one two-dimensional convolution, as its implementations need them.
#pragma once

#include <cstdint>

namespace gw::kernels {

/// Sizes of y = conv2d(x, w): x [n, in_c, in_h, in_w] and y [n, out_c, out_h, out_w] in channels-last memory,
/// w [out_c, in_c / groups, kernel_h, kernel_w] in channels-last memory too (out_c, kernel_h, kernel_w, in_c / groups).
struct ConvShape {
  int64_t n, in_c, in_h, in_w;
  int64_t out_c, out_h, out_w;
  int64_t kernel_h, kernel_w;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;

  bool operator==(const ConvShape&) const = default;
  int64_t in_image() const { return in_h * in_w * in_c; }      ///< elements of one image of x
  int64_t out_image() const { return out_h * out_w * out_c; }  ///< elements of one image of y
  int64_t taps() const { return kernel_h * kernel_w; }
  int64_t weight_numel() const { return out_c * taps() * (in_c / groups); }
};

/// Output size along one dimension: floor((in + 2 pad - dilation (kernel - 1) - 1) / stride) + 1; below 1 if the kernel
/// does not fit.
constexpr int64_t conv_output_size(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  const int64_t room = in + 2 * pad - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace gw::kernels
