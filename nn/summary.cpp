#include "nn/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// Puts every module in eval mode, and back into its own mode at the end.
class EvalMode {
 public:
  explicit EvalMode(Module& model) {
    for (Module* m : model.modules()) before_.emplace_back(m, m->is_training());
    model.eval();
  }
  ~EvalMode() {
    // Parents stand before their children, so the children's own mode comes last and stays.
    for (const auto& [module, training] : before_) module->train(training);
  }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> before_;
};

double count_mflops(const Module& module, const Shape& output) {
  const int64_t pixels = output.size() == 4 ? output[2] * output[3] : 1;
  int64_t flops = 0;
  for (const Tensor& p : module.parameters()) flops += p.numel() * (p.dim() == 4 ? pixels : 1);
  return static_cast<double>(flops) / 1e6;
}

Shape with_batch(Shape shape, int64_t batch) {
  if (!shape.empty()) shape[0] = batch;
  return shape;
}

/// "(1024, 8, 28, 28)"
std::string tuple(const Shape& shape) { return fmt::format("({})", fmt::join(shape.begin(), shape.end(), ", ")); }

}  // namespace

std::vector<SummaryRow> summarize(Module& model, const Shape& input_shape) {
  if (input_shape.empty()) throw ShapeError("summary: expected an input shape with a batch dimension, got []");
  const int64_t batch = input_shape[0];
  std::vector<SummaryRow> rows;
  const auto add_row = [&](Module& module, const Tensor& input, const Tensor& output) {
    rows.push_back({module.type_name(), with_batch(input.shape(), batch), with_batch(output.shape(), batch),
                    module.num_parameters(), count_mflops(module, output.shape())});
  };
  std::vector<HookHandle> handles;
  for (const auto& entry : model.named_children()) handles.push_back(entry.second->register_forward_hook(add_row));
  const NoGrad no_grad;
  const EvalMode eval(model);
  const auto parameters = model.parameters();
  const Device device = parameters.empty() ? kCpu : parameters[0].device();
  model(zeros(with_batch(input_shape, std::min<int64_t>(batch, 2)), {.device = device}));
  return rows;
}

std::string summary(Module& model, const Shape& input_shape) {
  std::string text = "|Module|Input|Output|Num params|MFLOPS|\n|--|--|--|--|--|\n";
  int64_t parameters = 0;
  double mflops = 0;
  for (const SummaryRow& row : summarize(model, input_shape)) {
    text += fmt::format("|{}|{}|{}|{}|{:.1f}|\n", row.module, tuple(row.input), tuple(row.output), row.parameters,
                        row.mflops);
    parameters += row.parameters;
    mflops += row.mflops;
  }
  return text + fmt::format("Tot params: {}; MFLOPS: {:.1f}\n", parameters, mflops);
}

}  // namespace gw
