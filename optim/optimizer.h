// Optimizer: an optimizer is the statistics it keeps of each parameter's gradients and the steps it takes with them.
//
//   Optimizer momentum(params, {average_grad()}, {l2_reg(), momentum_step()}, {{"lr", 0.1}, {"momentum", 0.9}});
//
// A new optimizer is a stat or a stepper of a few lines more. optim/optimizers.h has the usual ones.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tensor/safetensors.h"
#include "tensor/tensor.h"

namespace gw {

/// Hyper-parameters by name: {{"lr", 0.1}, {"momentum", 0.9}}. Flags are 0 or 1.
using Hypers = std::map<std::string, double>;

/// What an optimizer remembers of one parameter, under PyTorch's names ("exp_avg", "step", ...).
struct ParamState {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, double> numbers;
};

/// A statistic of the gradients, brought up to date in every step.
struct Stat {
  Hypers defaults;  ///< the hyper-parameters it reads
  std::function<void(ParamState& state, const Tensor& param, const Tensor& grad, const Hypers& hypers)> update;
};

/// A change of the parameter (in place), or of the gradient that the stats and steppers after it see (by giving `grad`
/// another tensor).
struct Stepper {
  Hypers defaults;  ///< the hyper-parameters it reads
  std::function<void(Tensor& param, Tensor& grad, const ParamState& state, const Hypers& hypers)> step;
  bool before_stats = false;  ///< runs before the statistics, so that they see what it makes of the gradient
};

/// Parameters that share hyper-parameters. Those not named here are the optimizer's.
struct ParamGroup {
  std::vector<Tensor> params;
  Hypers hypers;
};

struct OptimizerOptions {
  /// Where a fused kernel does what the stats and steppers do together (those of optim/optimizers.h), use it: one pass
  /// over memory. Its results are the same up to rounding.
  bool fused = true;
};

/// All that an optimizer's future depends on, in flat form.
struct OptimizerState {
  NamedTensors tensors;                   ///< "state.INDEX.NAME", INDEX counting the parameters of all groups
  std::map<std::string, double> numbers;  ///< "state.INDEX.NAME" and "groups.INDEX.NAME"
};

/// Steps parameters against their gradients. Parameters without a gradient are skipped.
class Optimizer {
 public:
  /// `hypers` overrides the defaults of the stats and steppers. ConfigError if there are no parameters, if one comes
  /// twice, or for a hyper-parameter that no stat or stepper reads.
  Optimizer(std::vector<Tensor> params, std::vector<Stat> stats, std::vector<Stepper> steppers,
            const Hypers& hypers = {}, OptimizerOptions options = {});
  Optimizer(std::vector<ParamGroup> groups, std::vector<Stat> stats, std::vector<Stepper> steppers,
            const Hypers& hypers = {}, OptimizerOptions options = {});

  /// One step for every parameter that has a gradient. Records nothing.
  void step();
  /// The two halves of a fused step(), for those who capture it and replay it. begin_step() counts a step of the same
  /// parameters as the last one and hands its schedule values to the device; launch_step() has the device take it, and
  /// is the same every time. ConfigError if a parameter is stepped without the fused kernel, or none was stepped
  /// before.
  void begin_step();
  void launch_step();
  /// Drops the gradients, so that the next backward() starts from none.
  void zero_grad();

  /// The groups, each with all its hyper-parameters.
  const std::vector<ParamGroup>& groups() const { return groups_; }
  /// ConfigError, naming those there are, for an unknown hyper-parameter or group.
  double hyper(const std::string& name, size_t group = 0) const;
  bool has_hyper(const std::string& name) const { return groups_.front().hypers.contains(name); }
  /// For all groups, or for one.
  void set_hyper(const std::string& name, double value);
  void set_hyper(const std::string& name, double value, size_t group);

  /// For checkpoints: loading this into an optimizer of the same parameters continues exactly as this one would.
  OptimizerState state() const;
  /// ConfigError, changing nothing, for the state of another optimizer or of other parameters.
  void load_state(const OptimizerState& state);

  /// Whether a fused kernel takes the steps.
  bool is_fused() const { return fused_.has_value(); }

 private:
  /// A kernel that does what the stats and steppers do together (optim/fused.cpp has them all).
  struct FusedMethod;
  struct Fused {
    const FusedMethod* method;
    bool decoupled;  // weight decay
  };

  static const std::vector<FusedMethod>& fused_methods();
  std::optional<Fused> find_fused() const;
  void composed_step(Tensor& param, ParamState& state, const Hypers& hypers) const;
  void fused_step();
  void plan_fused_step();
  double& find_hyper(const std::string& name, size_t group);

  std::vector<ParamGroup> groups_;
  std::vector<std::vector<ParamState>> states_;  // of each parameter of each group
  std::vector<Stat> stats_;
  std::vector<Stepper> steppers_;
  std::optional<Fused> fused_;
  std::vector<std::pair<size_t, size_t>> fused_params_;  // those that the last step stepped: group, and index in it
  std::vector<int64_t> fused_rows_;                      // of fused_hypers_, for each of them
  // What the fused kernel is told. Schedule values and bias corrections are worked out in double on the host and handed
  // over in this small tensor on the parameters' device, whose address stays, so that a recorded step can be repeated.
  Tensor fused_hypers_;
};

}  // namespace gw
