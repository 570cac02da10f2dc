#include "optim/annealing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "tensor/error.h"

namespace gw {

Annealing sched_lin(double start, double end) {
  return [=](double position) { return start + position * (end - start); };
}

Annealing sched_cos(double start, double end) {
  return [=](double position) { return start + (1 + std::cos(std::numbers::pi * (1 - position))) * (end - start) / 2; };
}

Annealing sched_no(double start) {
  return [=](double) { return start; };
}

Annealing sched_exp(double start, double end) {
  if (!(start > 0) || !(end > 0))
    throw ConfigError(fmt::format("sched_exp: expected values above 0, got {} and {}", start, end));
  return [=](double position) { return start * std::pow(end / start, position); };
}

Annealing sched_poly(double start, double end, double power) {
  if (!(power > 0)) throw ConfigError(fmt::format("sched_poly: expected a power above 0, got {}", power));
  return [=](double position) { return start + std::pow(position, power) * (end - start); };
}

Annealing combine_scheds(const std::vector<double>& parts, std::vector<Annealing> annealings) {
  constexpr double kRounding = 1e-9;
  const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
  const bool positive = std::all_of(parts.begin(), parts.end(), [](double p) { return p >= 0; });
  if (parts.empty() || parts.size() != annealings.size() || !positive || !(std::abs(sum - 1) < kRounding))
    throw ConfigError(fmt::format("combine_scheds: expected a part for each of {} annealings, 1 together, got {}",
                                  annealings.size(), fmt::join(parts, ", ")));
  return [parts, annealings = std::move(annealings)](double position) {
    size_t i = 0;
    double start = 0;
    for (; i + 1 < parts.size() && position >= start + parts[i]; ++i) start += parts[i];
    const double within = parts[i] > 0 ? std::clamp((position - start) / parts[i], 0.0, 1.0) : 1;
    return annealings[i](within);
  };
}

}  // namespace gw
