// The GPU's batch norm on rows [R, C]: x, y and the like are contiguous there, whatever shape the caller knows them by.
#pragma once

#include "kernels/batchnorm.h"

namespace gw::kernels::cuda {

/// The mean and biased variance of each channel of x, into f32 vectors.
void batch_norm_statistics(const Tensor& mean, const Tensor& variance, const Tensor& x);

/// y = act((x - mean) * invstd * weight + bias + residual); weight, bias and residual may be undefined.
void batch_norm_apply(const Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& weight,
                      const Tensor& bias, const Tensor& mean, const Tensor& invstd,
                      const std::optional<GeneralReluOptions>& act);

/// dweight and dbias; where `dz` is defined, also dz = dy * act'(z) with the sign of z read off saved.y.
void batch_norm_backward_sums(const Tensor& dweight, const Tensor& dbias, const Tensor& dz, const Tensor& dy,
                              const BatchNormSaved& saved, const std::optional<GeneralReluOptions>& act);

/// dx from dy (or, with a residual, from dz and no activation) and the sums of the above.
void batch_norm_backward_input(const Tensor& dx, const Tensor& dy, const BatchNormSaved& saved, const Tensor& dweight,
                               const Tensor& dbias, bool training, const std::optional<GeneralReluOptions>& act);

}  // namespace gw::kernels::cuda
