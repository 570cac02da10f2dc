#include "nn/models/resblock.h"

#include <fmt/format.h>

#include "nn/fusion.h"
#include "nn/init.h"
#include "nn/squeeze_excite.h"

namespace gw {

Sequential conv(int64_t ni, int64_t nf, BlockOptions o) {
  Sequential layers(Conv2d(ni, nf, o.ks, {.stride = o.stride, .padding = o.ks / 2}));
  if (o.norm) layers.push_back(o.norm(nf));
  if (o.act) layers.push_back(o.act());
  return layers;
}

Sequential pre_activation_conv(int64_t ni, int64_t nf, BlockOptions o) {
  Sequential layers;
  if (o.norm) layers.push_back(o.norm(ni));
  if (o.act) layers.push_back(o.act());
  layers.push_back(Conv2d(ni, nf, o.ks, {.stride = o.stride, .padding = o.ks / 2}));
  return layers;
}

ResBlock::ResBlock(int64_t ni, int64_t nf, BlockOptions o) {
  if (o.stride != 1 && o.stride != 2)
    throw ConfigError(fmt::format("ResBlock: expected a stride of 1 or 2, got {}", o.stride));
  const auto one_conv = o.pre_activation ? pre_activation_conv : conv;
  const ActivationFactory second_act = o.pre_activation ? o.act : nullptr;
  auto first = std::make_shared<Sequential>(one_conv(ni, nf, {.ks = o.ks, .act = o.act, .norm = o.norm}));
  second_ = std::make_shared<Sequential>(
      one_conv(nf, nf, {.ks = o.ks, .stride = o.stride, .act = second_act, .norm = o.norm}));
  convs_ = register_module("convs", std::make_shared<Sequential>(first, second_));
  if (o.norm && !o.pre_activation) norm_ = &(*second_)[1];
  if (o.squeeze_excite) convs_->push_back(SqueezeExcite(nf));
  if (ni != nf)
    idconv_ = register_module("idconv",
                              std::make_shared<Sequential>(conv(ni, nf, {.ks = 1, .act = nullptr, .norm = nullptr})));
  if (o.stride == 2)
    pool_ = register_module("pool", std::make_shared<AvgPool2d>(AvgPoolOptions{.kernel = 2, .ceil_mode = true}));
  if (o.act && !o.pre_activation) act_ = register_module("act", o.act());
  if (o.zero_init) zero_init_norm(norm_);
}

Tensor ResBlock::forward(const Tensor& input) {
  Module* norm = last_norm();
  const auto [x, pooled] = fork(input);
  BatchMoments moments;  // of y
  const Tensor y = norm ? forward_before_norm((*second_)[0], norm, (*convs_)[0](x), moments) : (*convs_)(x);
  return norm_add_act(y, norm, shortcut(pooled), act_.get(), moments);
}

ForkedPool ResBlock::fork(const Tensor& x) {
  if (!pool_) return {x, x};
  if (pool_->has_hooks()) return {x, (*pool_)(x)};
  return fork_avg_pool2d(x, pool_->options);
}

Module* ResBlock::last_norm() const {
  const bool ends_in_norm = norm_ && convs_->size() == 2;
  return ends_in_norm && !convs_->has_hooks() && !second_->has_hooks() ? norm_ : nullptr;
}

std::function<void(Module&)> init_weights(double leaky) {
  return [leaky](Module& module) {
    if (const auto* layer = dynamic_cast<Conv2d*>(&module)) init::kaiming_normal_(layer->weight, {.a = leaky});
  };
}

}  // namespace gw
