#include "nn/models/resblock.h"

#include <fmt/format.h>

#include "nn/fusion.h"
#include "nn/init.h"
#include "nn/pool.h"

namespace gw {

ActivationFactory make_general_relu(GeneralReluOptions o) {
  return [o] { return std::make_shared<GeneralRelu>(o); };
}

NormFactory make_batch_norm2d(BatchNormLayerOptions o) {
  return [o](int64_t channels) { return std::make_shared<BatchNorm2d>(channels, o); };
}

Sequential conv(int64_t ni, int64_t nf, BlockOptions o) {
  Sequential layers(Conv2d(ni, nf, o.ks, {.stride = o.stride, .padding = o.ks / 2}));
  if (o.norm) layers.push_back(o.norm(nf));
  if (o.act) layers.push_back(o.act());
  return layers;
}

ResBlock::ResBlock(int64_t ni, int64_t nf, BlockOptions o) {
  if (o.stride != 1 && o.stride != 2)
    throw ConfigError(fmt::format("ResBlock: expected a stride of 1 or 2, got {}", o.stride));
  auto first = std::make_shared<Sequential>(conv(ni, nf, {.ks = o.ks, .act = o.act, .norm = o.norm}));
  second_ =
      std::make_shared<Sequential>(conv(nf, nf, {.ks = o.ks, .stride = o.stride, .act = nullptr, .norm = o.norm}));
  convs_ = register_module("convs", std::make_shared<Sequential>(first, second_));
  if (ni != nf)
    idconv_ = register_module("idconv",
                              std::make_shared<Sequential>(conv(ni, nf, {.ks = 1, .act = nullptr, .norm = nullptr})));
  if (o.stride == 2)
    pool_ = register_module("pool", std::make_shared<AvgPool2d>(AvgPoolOptions{.kernel = 2, .ceil_mode = true}));
  if (o.act) act_ = register_module("act", o.act());
  if (o.zero_init && last_norm() && last_norm()->weight.defined()) init::zeros_(last_norm()->weight);
}

Tensor ResBlock::forward(const Tensor& x) {
  if (!act_) return (*convs_)(x) + shortcut(x);
  const GeneralRelu* act = fusable<GeneralRelu>(*act_);
  if (!act || !act->options.derivative_from_output()) return (*act_)((*convs_)(x) + shortcut(x));
  BatchNorm* norm = last_norm();
  if (!norm) return add_general_relu((*convs_)(x), shortcut(x), act->options);
  const Tensor y = (*second_)[0]((*convs_)[0](x));
  return norm->forward_fused(y, act->options, shortcut(x));
}

Tensor ResBlock::shortcut(const Tensor& x) {
  const Tensor pooled = pool_ ? (*pool_)(x) : x;
  return idconv_ ? (*idconv_)(pooled) : pooled;
}

BatchNorm* ResBlock::last_norm() const {
  if (convs_->has_hooks() || second_->has_hooks() || second_->size() < 2) return nullptr;
  return fusable<BatchNorm>((*second_)[1]);
}

std::function<void(Module&)> init_weights(double leaky) {
  return [leaky](Module& module) {
    if (const auto* layer = dynamic_cast<Conv2d*>(&module)) init::kaiming_normal_(layer->weight, {.a = leaky});
  };
}

}  // namespace gw
