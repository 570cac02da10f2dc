#include "autograd/autograd.h"

#include <fmt/format.h>

#include <atomic>
#include <queue>

#include "kernels/elementwise.h"
#include "kernels/reduce.h"
#include "tensor/creation.h"

namespace gw {
namespace {

thread_local bool recording = true;

uint64_t next_number() {
  static std::atomic<uint64_t> counter{0};
  return ++counter;
}

Node::Edge edge_to(const Tensor& input) {
  if (!input.defined() || !input.requires_grad()) return {};
  if (input.node()) return {input.node(), {}};
  return {nullptr, input};
}

/// sum += gradient, in place where nobody else can see the sum.
void accumulate(Tensor& sum, const Tensor& gradient) {
  if (!sum.defined()) {
    sum = gradient;
  } else if (sum.is_sole_owner()) {
    kernels::add_(sum, gradient, 1);
  } else {
    sum = kernels::add(sum, gradient, 1);
  }
}

/// A leaf keeps its gradient in its own layout, so that optimizers can walk both as flat memory.
void accumulate_leaf(const Tensor& leaf, const Tensor& gradient) {
  Tensor& grad = leaf.impl()->grad;
  if (grad.defined()) {
    kernels::add_(grad, gradient, 1);
    return;
  }
  const bool same_layout = gradient.strides() == leaf.strides() && gradient.dtype() == leaf.dtype();
  if (same_layout && gradient.storage().use_count() == 1) {
    grad = gradient.detach();
    return;
  }
  grad = empty_like(leaf);
  kernels::copy(grad, gradient);
}

void check_gradient(const Node& node, const Tensor& gradient, const Tensor& leaf) {
  if (leaf.defined() && gradient.shape() != leaf.shape())
    throw AutogradError(fmt::format("{}: its gradient has shape {}, its input {}", node.name,
                                    gradient.shape().to_string(), leaf.shape().to_string()));
}

using NodePtr = std::shared_ptr<Node>;
/// The newest op first: every op that uses a result is newer than the op that made it, so this order is reverse
/// topological.
struct Older {
  bool operator()(const NodePtr& a, const NodePtr& b) const { return a->number < b->number; }
};

void run_backward(NodePtr root, const Tensor& gradient, bool retain_graph) {
  const NoGrad no_grad;
  std::priority_queue<NodePtr, std::vector<NodePtr>, Older> ready;
  root->gradient = gradient;
  ready.push(std::move(root));
  while (!ready.empty()) {
    const NodePtr node = ready.top();
    ready.pop();
    if (!node->backward)
      throw AutogradError(fmt::format(
          "backward: the graph of {} was freed by an earlier backward(); pass retain_graph to go through it again",
          node->name));
    Grads grads = node->backward(std::exchange(node->gradient, {}));
    if (!retain_graph) node->backward = nullptr;
    for (size_t i = 0; i < node->edges.size(); ++i) {
      const Node::Edge& edge = node->edges[i];
      Tensor g = i < grads.size() ? std::exchange(grads[i], {}) : Tensor{};
      if (!g.defined()) continue;
      if (edge.node) {
        const bool first = !edge.node->gradient.defined();
        accumulate(edge.node->gradient, g);
        if (first) ready.push(edge.node);
      } else if (edge.leaf.defined()) {
        check_gradient(*node, g, edge.leaf);
        accumulate_leaf(edge.leaf, g);
      }
    }
  }
}

}  // namespace

// A long chain of nodes must not be destroyed by a chain of nested destructor calls: each would take stack.
Node::~Node() {
  std::vector<NodePtr> doomed;
  const auto take_edges = [&doomed](Node& node) {
    for (Edge& edge : node.edges)
      if (edge.node) doomed.push_back(std::move(edge.node));
  };
  take_edges(*this);
  while (!doomed.empty()) {
    const NodePtr node = std::move(doomed.back());
    doomed.pop_back();
    if (node.use_count() == 1) take_edges(*node);
  }
}

Tensor record(const char* name, Tensor y, std::span<const Tensor> inputs, BackwardFn backward) {
  if (!recording) return y;
  bool any = false;
  for (const Tensor& input : inputs) any = any || (input.defined() && input.requires_grad());
  if (!any) return y;
  auto node = std::make_shared<Node>();
  node->name = name;
  node->number = next_number();
  node->edges.reserve(inputs.size());
  for (const Tensor& input : inputs) node->edges.push_back(edge_to(input));
  node->backward = std::move(backward);
  y.set_node(std::move(node));
  return y;
}

Tensor record(const char* name, Tensor y, std::initializer_list<Tensor> inputs, BackwardFn backward) {
  return record(name, std::move(y), std::span<const Tensor>(inputs.begin(), inputs.size()), std::move(backward));
}

SavedTensor::SavedTensor(const Tensor& t) {
  if (!t.defined()) return;
  tensor_ = t.detach();
  version_ = t.version();
}

const Tensor& SavedTensor::get() const {
  if (tensor_.defined() && tensor_.version() != version_)
    throw AutogradError(
        fmt::format("backward: a tensor of shape {} that the backward pass needs was changed in place (version {}, "
                    "saved at version {})",
                    tensor_.shape().to_string(), tensor_.version(), version_));
  return tensor_;
}

bool grad_enabled() { return recording; }
NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() { recording = before_; }

void Tensor::backward(const Tensor& gradient, bool retain_graph) const {
  if (!requires_grad()) throw AutogradError("backward: this tensor was not computed from any that requires a gradient");
  if (!gradient.defined() && numel() != 1)
    throw AutogradError(
        fmt::format("backward: a tensor of shape {} needs the gradient to start from; only a single element goes "
                    "without",
                    shape().to_string()));
  if (gradient.defined() && gradient.shape() != shape())
    throw ShapeError(fmt::format("backward: expected a gradient of shape {}, got {}", shape().to_string(),
                                 gradient.shape().to_string()));
  const Tensor seed = gradient.defined() ? gradient.detach() : ones_like(*this);
  if (is_leaf()) {
    accumulate_leaf(*this, seed);
    return;
  }
  run_backward(node(), seed, retain_graph);
}

Tensor sum_to_shape(const Tensor& gradient, const Shape& shape) {
  if (gradient.shape() == shape) return gradient;
  const int64_t extra = gradient.dim() - shape.size();
  Shape dims;
  for (int64_t i = 0; i < gradient.dim(); ++i)
    if (i < extra || (shape[i - extra] == 1 && gradient.shape()[i] != 1)) dims.push_back(i);
  const NoGrad no_grad;
  const Tensor summed = dims.empty() ? gradient : kernels::sum(gradient, dims, /*keepdim=*/true);
  return summed.reshape(shape);
}

void check_inplace(const char* op, const Tensor& t) {
  if (recording && t.requires_grad())
    throw AutogradError(
        fmt::format("{}: the tensor is tracked by autograd; change it inside a NoGrad, or use the operation that "
                    "returns a new tensor",
                    op));
}

}  // namespace gw
