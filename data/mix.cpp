#include "data/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gw {
namespace {

void check_alpha(const char* name, double alpha) {
  if (!(alpha > 0 && std::isfinite(alpha)))
    throw ConfigError(fmt::format("{}: expected an alpha above 0, got {:g}", name, alpha));
}

/// Uniform in (0, 1]: a number with a logarithm.
double above_zero(Generator& generator) { return 1 - generator.uniform(); }

double standard_normal(Generator& generator) {
  const double radius = std::sqrt(-2 * std::log(above_zero(generator)));
  return radius * std::cos(2 * std::numbers::pi * generator.uniform());
}

/// The logarithm of a gamma variate of shape `shape`, at least 1.
double log_gamma_variate(double shape, Generator& generator) {
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = standard_normal(generator), root = 1 + c * x, v = root * root * root;
    if (v > 0 && std::log(above_zero(generator)) < x * x / 2 + d * (1 - v + std::log(v))) return std::log(d * v);
  }
}

int64_t uniform_index(int64_t count, Generator& generator) {
  return std::min(static_cast<int64_t>(generator.uniform() * static_cast<double>(count)), count - 1);
}

}  // namespace

void check(const MixOptions& o) {
  if (o.mixup) check_alpha("mixup", *o.mixup);
  if (o.cutmix) check_alpha("cutmix", *o.cutmix);
}

double draw_beta(double alpha, Generator& generator) {
  check_alpha("draw_beta", alpha);
  // A variate of shape alpha is one of alpha + 1 times u^(1 / alpha); in logarithms, because for a small alpha both of
  // the variates may be too small for a double.
  const double first = log_gamma_variate(alpha + 1, generator), second = log_gamma_variate(alpha + 1, generator);
  const double first_u = std::log(above_zero(generator)), second_u = std::log(above_zero(generator));
  return 1 / (1 + std::exp(second - first + (second_u - first_u) / alpha));
}

ImageMix draw_cut(double lam, int64_t height, int64_t width, Generator& generator) {
  const double half = 0.5 * std::sqrt(1 - lam);
  const int64_t x = uniform_index(width, generator), y = uniform_index(height, generator);
  const auto half_width = static_cast<int64_t>(half * static_cast<double>(width));
  const auto half_height = static_cast<int64_t>(half * static_cast<double>(height));
  return {.keep = 0,
          .top = std::max<int64_t>(y - half_height, 0),
          .left = std::max<int64_t>(x - half_width, 0),
          .bottom = std::min(y + half_height, height),
          .right = std::min(x + half_width, width)};
}

ImageMix draw_mix(const MixOptions& o, int64_t images, int64_t height, int64_t width, Generator& generator) {
  check(o);
  if (!o.any() || images < 1 || height < 1 || width < 1) return {};
  const bool cut = o.cutmix && (!o.mixup || generator.uniform() < 0.5);
  const double lam = draw_beta(cut ? *o.cutmix : *o.mixup, generator);
  ImageMix mix = cut ? draw_cut(lam, height, width, generator)
                     : ImageMix{.keep = static_cast<float>(lam), .bottom = height, .right = width};
  mix.shift = images > 1 ? 1 + uniform_index(images - 1, generator) : 0;
  return mix;
}

}  // namespace gw
