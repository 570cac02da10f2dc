// Annealings: values on their way from a start to an end, as functions of how far training has come, and their
// combination. train/schedulers.h sets hyper-parameters by them.
//
//   combine_scheds({0.3, 0.7}, {sched_cos(0.1, 0.3), sched_cos(0.3, 0.05)})
#pragma once

#include <functional>
#include <vector>

namespace gw {

/// The value at a position from 0, the start of training, to 1, its end.
using Annealing = std::function<double(double position)>;

/// start + position (end - start).
Annealing sched_lin(double start, double end);
/// start + (1 + cos(pi (1 - position))) (end - start) / 2.
Annealing sched_cos(double start, double end);
/// Always `start`.
Annealing sched_no(double start);
/// start (end / start)^position. ConfigError unless both are above 0.
Annealing sched_exp(double start, double end);
/// start + position^power (end - start). ConfigError unless power is above 0.
Annealing sched_poly(double start, double end, double power);

/// One after the other, each stretched over its part of the way. ConfigError unless there are as many parts as
/// annealings, none of them negative, that add up to 1.
Annealing combine_scheds(const std::vector<double>& parts, std::vector<Annealing> annealings);

}  // namespace gw
