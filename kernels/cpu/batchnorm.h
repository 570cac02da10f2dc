// The CPU's batch norm on rows [R, C]: x, y and the like are contiguous there, whatever shape the caller knows them by.
#pragma once

#include "kernels/batchnorm.h"

namespace gw::kernels::cpu {

/// The mean and 1 / sqrt(biased variance + eps) of each channel of x, into f32 vectors; updates the running statistics,
/// vectors too, if they are defined.
void batch_norm_statistics(const Tensor& mean, const Tensor& invstd, const Tensor& running_mean,
                           const Tensor& running_var, const Tensor& x, const BatchNormOptions& o);
/// The same from what is known of an x of `rows` rows.
void batch_norm_statistics(const Tensor& mean, const Tensor& invstd, const Tensor& running_mean,
                           const Tensor& running_var, const BatchMoments& moments, int64_t rows,
                           const BatchNormOptions& o);

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

}  // namespace gw::kernels::cpu
