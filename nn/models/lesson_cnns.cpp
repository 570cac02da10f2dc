#include "nn/models/lesson_cnns.h"

#include <fmt/format.h>

#include <bit>

#include "nn/conv2d.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/pool.h"

namespace gw {
namespace {

ActivationFactory activation(const ModelOptions& o) { return o.act ? o.act : make_relu(); }

Sequential conv_layer(int64_t ni, int64_t nf, int64_t ks, int64_t stride, const ModelOptions& o) {
  Sequential layers(Conv2d(ni, nf, ks, {.stride = stride, .padding = ks / 2}, /*bias=*/!o.norm), activation(o)());
  if (o.norm) layers.push_back(o.norm(nf));
  return layers;
}

void check(const char* name, const ModelOptions& o) {
  if (o.zero_init.value_or(false) || o.squeeze_excite || o.pre_activation)
    throw ConfigError(fmt::format("{}: expected no options of residual blocks, because it has none", name));
}

/// Adds a 3x3 convolution of stride 2 from each width to the next, and what makes classes of the last.
Sequential finished(Sequential model, const std::vector<int64_t>& widths, const ModelOptions& o) {
  for (size_t i = 1; i < widths.size(); ++i) model.push_back(conv_layer(widths[i - 1], widths[i], 3, 2, o));
  model.push_back(GlobalAvgPool());
  model.push_back(Linear(widths.back(), o.classes));
  const double leak = leak_of(activation(o));
  model.apply([leak](Module& module) {
    if (const auto* layer = dynamic_cast<Conv2d*>(&module)) init::kaiming_normal_(layer->weight, {.a = leak});
  });
  return model;
}

}  // namespace

int64_t prev_pow_2(int64_t n) {
  if (n < 1) throw ConfigError(fmt::format("prev_pow_2: expected a number of at least 1, got {}", n));
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(n)));
}

Sequential small_cnn(const ModelOptions& o) {
  check("small-cnn", o);
  std::vector<int64_t> widths;
  for (int64_t width : {8, 16, 32, 32}) widths.push_back(scaled_channels(width, o));
  Sequential model;
  model.push_back(conv_layer(o.in_channels, widths[0], 5, 2, o));
  return finished(std::move(model), widths, o);
}

Sequential imagenette_cnn(const ModelOptions& o) {
  check("imagenette-cnn", o);
  const int64_t first = prev_pow_2(9 * o.in_channels);
  std::vector<int64_t> widths;
  for (int64_t width : {first, 2 * first, 4 * first, int64_t{64}, int64_t{64}, int64_t{128}, int64_t{256}})
    widths.push_back(scaled_channels(width, o));
  Sequential model;
  model.push_back(conv_layer(o.in_channels, widths[0], 3, 1, o));
  return finished(std::move(model), widths, o);
}

}  // namespace gw
