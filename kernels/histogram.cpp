#include "kernels/histogram.h"

#include <fmt/format.h>

#include "kernels/cpu/histogram.h"
#include "kernels/cuda/histogram.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {

ValueStatistics value_statistics(const Tensor& input, const HistogramOptions& o) {
  if (!is_floating(input.dtype()))
    throw DTypeError(fmt::format("value_statistics: expected f32 or bf16, got {}", name_of(input.dtype())));
  constexpr int64_t kMostBins = 4096;
  if (o.bins < 1 || o.bins > kMostBins || !(o.low < o.high))
    throw ConfigError(fmt::format("value_statistics: expected 1 to {} bins between two bounds, got {} from {} to {}",
                                  kMostBins, o.bins, o.low, o.high));
  const Tensor x = input.is_dense() ? input : contiguous(input);
  const ValueStatistics out{empty({2}, {.device = x.device()}),
                            empty({o.bins}, {.dtype = DType::i64, .device = x.device()})};
  const math::Bins bins{o.low, o.high, static_cast<float>(o.bins) / (o.high - o.low), static_cast<int32_t>(o.bins)};
  GW_DISPATCH(x, value_statistics(out.moments, out.counts, x, bins, o.absolute));
  return out;
}

}  // namespace gw::kernels
