// The tape. A differentiable op computes its value with a kernel and records, in the same place, how the gradient of
// its output becomes the gradients of its inputs. backward() walks the records from the newest to the oldest.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

/// Gradients of an op's inputs, in their order; undefined where there is none.
using Grads = std::vector<Tensor>;
/// Turns the gradient of an op's output into those of its inputs.
using BackwardFn = std::function<Grads(const Tensor& dy)>;

/// One recorded op. Its number is greater than those of the ops its inputs came from.
struct Node {
  /// Where the gradient of one input goes on: to the op that made it, or into the grad of a leaf, or (neither) nowhere.
  struct Edge {
    std::shared_ptr<Node> node;
    Tensor leaf;
  };

  const char* name = "";
  uint64_t number = 0;
  std::vector<Edge> edges;
  BackwardFn backward;  ///< emptied once used, which frees the saved tensors
  Tensor gradient;      ///< sum of the gradients that have arrived

  ~Node();
};

/// Makes `y` the output of an op on `inputs` with the given backward function, if any input requires a gradient and
/// recording is on. Returns `y`. `name` must outlive the graph (a literal).
Tensor record(const char* name, Tensor y, std::initializer_list<Tensor> inputs, BackwardFn backward);
Tensor record(const char* name, Tensor y, std::span<const Tensor> inputs, BackwardFn backward);

/// A tensor kept for the backward pass. It holds the data without its history (so that no cycle can form) and notices,
/// when it is read again, that the data was changed in place meanwhile: AutogradError.
class SavedTensor {
 public:
  explicit SavedTensor(const Tensor& t);
  operator const Tensor&() const { return get(); }
  const Tensor& get() const;

 private:
  Tensor tensor_;
  uint64_t version_ = 0;
};
/// `[x = saved(x)](const Tensor& dy) { ... }`: what a backward function reads of its op's inputs and outputs.
inline SavedTensor saved(const Tensor& t) { return SavedTensor(t); }

/// True where ops are recorded (the default, per thread).
bool grad_enabled();

/// While it lives, this thread records nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// Sums `gradient` over the dimensions along which `shape` was broadcast, so that it has that shape again.
Tensor sum_to_shape(const Tensor& gradient, const Shape& shape);

/// AutogradError, naming `op`, if changing `t` in place would break a recorded graph.
void check_inplace(const char* op, const Tensor& t);

}  // namespace gw
