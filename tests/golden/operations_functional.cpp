// Layers, pools, activations and losses.
#include <fmt/format.h>

#include "autograd/activation.h"
#include "autograd/batchnorm.h"
#include "autograd/conv.h"
#include "autograd/dropout.h"
#include "autograd/grid_sample.h"
#include "autograd/groupnorm.h"
#include "autograd/index.h"
#include "autograd/losses.h"
#include "autograd/matmul.h"
#include "autograd/pool.h"
#include "operations.h"

namespace golden {
namespace {

using gw::DType;
using gw::Size2;
using gw::Tensor;

// --- layers ---------------------------------------------------------------------------------------------------------

Size2 size2(const std::array<int64_t, 2>& pair) { return {pair[0], pair[1]}; }

/// f on x [N, C, H, W]; one image [C, H, W] is a batch of one.
template <class F>
Tensor on_batch(const Tensor& x, const F& f) {
  return x.dim() == 3 ? f(x.unsqueeze(0)).squeeze(0) : f(x);
}

/// The tensors of a call by their parameters' names. One that attrs says is null takes no input's number, unless that
/// number is free.
Tensors optional_tensors(const Inputs& in, Attributes& attrs, std::initializer_list<const char*> names) {
  Tensors tensors;
  size_t next = 0;
  for (const char* name : names) {
    const bool skipped = attrs.is_null(name) && in.has(next);
    tensors.push_back(skipped ? Tensor{} : in[next++]);
  }
  return tensors;
}

Tensors linear(const Inputs& in, Attributes& attrs) {
  attrs.only("bias", nullptr);
  return {gw::linear(in[0], in[1], in[2])};
}

/// x with the border of zeros that a convolution of padding "same" adds: the odd one goes after the end.
Tensor padded_same(const Tensor& x, const Tensor& weight, Size2 dilation) {
  const int64_t h = dilation.h * (weight.size(2) - 1), w = dilation.w * (weight.size(3) - 1);
  return gw::pad(x, {w / 2, w - w / 2, h / 2, h - h / 2});
}

/// Padding is a number for each side, or "valid" for none, or "same".
Tensors conv2d(const Inputs& in, Attributes& attrs) {
  attrs.only("bias", nullptr);
  gw::ConvOptions options = {.stride = size2(attrs.pair("stride", {1, 1})),
                             .dilation = size2(attrs.pair("dilation", {1, 1})),
                             .groups = attrs.integer("groups", 1)};
  Tensor x = in[0];
  if (attrs.is_text("padding")) {
    if (attrs.text("padding", "valid") == "same") x = padded_same(x, in[1], options.dilation);
  } else {
    options.padding = size2(attrs.pair("padding", {0, 0}));
  }
  return {on_batch(x, [&](const Tensor& batch) { return gw::conv2d(batch, in[1], in[2], options); })};
}

Tensor in_f32(const Tensor& t) { return t.defined() ? t.to(DType::f32) : t; }

/// The engine keeps statistics and weights in f32; calls with bf16 ones are converted there and back.
Tensors batch_norm(const Inputs& in, Attributes& attrs) {
  const gw::BatchNormOptions options = {.training = attrs.flag("training", false),
                                        .momentum = attrs.number("momentum", 0.1),
                                        .eps = attrs.number("eps", 1e-5)};
  const Tensors t = optional_tensors(in, attrs, {"input", "running_mean", "running_var", "weight", "bias"});
  Tensor running_mean = t[1], running_var = t[2];
  const bool convert = running_mean.defined() && running_mean.dtype() != DType::f32;
  const Tensor mean = convert ? in_f32(running_mean) : running_mean, var = convert ? in_f32(running_var) : running_var;
  const Tensor y = gw::batch_norm(t[0], mean, var, in_f32(t[3]), in_f32(t[4]), options);
  if (convert) {
    running_mean.copy_(mean);
    running_var.copy_(var);
  }
  return {y};
}

Tensors group_norm(const Inputs& in, Attributes& attrs) {
  const int64_t groups = attrs.required_integer("num_groups");
  const double eps = attrs.number("eps", 1e-5);
  const Tensors t = optional_tensors(in, attrs, {"input", "weight", "bias"});
  return {gw::group_norm(t[0], groups, in_f32(t[1]), in_f32(t[2]), eps)};
}

Tensors layer_norm(const Inputs& in, Attributes& attrs) {
  const gw::Shape shape = attrs.required_integers("normalized_shape");
  const double eps = attrs.number("eps", 1e-5);
  const Tensors t = optional_tensors(in, attrs, {"input", "weight", "bias"});
  return {gw::layer_norm(t[0], shape, in_f32(t[1]), in_f32(t[2]), eps)};
}

/// Statistics and weights as in batch_norm.
Tensors instance_norm(const Inputs& in, Attributes& attrs) {
  const gw::InstanceNormOptions options = {.use_input_stats = attrs.flag("use_input_stats", true),
                                           .momentum = attrs.number("momentum", 0.1),
                                           .eps = attrs.number("eps", 1e-5)};
  const Tensors t = optional_tensors(in, attrs, {"input", "running_mean", "running_var", "weight", "bias"});
  Tensor running_mean = t[1], running_var = t[2];
  const bool convert = running_mean.defined() && running_mean.dtype() != DType::f32;
  const Tensor mean = convert ? in_f32(running_mean) : running_mean, var = convert ? in_f32(running_var) : running_var;
  const Tensor y = gw::instance_norm(t[0], mean, var, in_f32(t[3]), in_f32(t[4]), options);
  if (convert) {
    running_mean.copy_(mean);
    running_var.copy_(var);
  }
  return {y};
}

Tensors dropout(const Inputs& in, Attributes& attrs) {
  return {gw::dropout(in[0], attrs.number("p", 0.5), attrs.flag("training", true))};
}

Tensors dropout2d(const Inputs& in, Attributes& attrs) {
  return {gw::dropout2d(in[0], attrs.number("p", 0.5), attrs.flag("training", true))};
}

// --- pools ----------------------------------------------------------------------------------------------------------

gw::PoolOptions pool_options(Attributes& attrs) {
  const std::array<int64_t, 2> kernel = attrs.required_pair("kernel_size");
  return {.kernel = size2(kernel),
          .stride = size2(attrs.pair("stride", kernel)),
          .padding = size2(attrs.pair("padding", {0, 0})),
          .ceil_mode = attrs.flag("ceil_mode", false)};
}

Tensors avg_pool2d(const Inputs& in, Attributes& attrs) {
  const gw::PoolOptions windows = pool_options(attrs);
  const gw::AvgPoolOptions options = {.kernel = windows.kernel,
                                      .stride = windows.stride,
                                      .padding = windows.padding,
                                      .ceil_mode = windows.ceil_mode,
                                      .count_include_pad = attrs.flag("count_include_pad", true),
                                      .divisor_override = attrs.integer("divisor_override")};
  return {on_batch(in[0], [&](const Tensor& x) { return gw::avg_pool2d(x, options); })};
}

Tensors max_pool2d(const Inputs& in, Attributes& attrs) {
  const gw::PoolOptions options = pool_options(attrs);
  attrs.only_pair("dilation", 1);
  Tensors results = {on_batch(in[0], [&](const Tensor& x) { return gw::max_pool2d(x, options); })};
  const auto indices = [&](const Tensor& x) { return gw::kernels::max_pool2d(x, options).indices.to(DType::i64); };
  if (attrs.flag("return_indices", false)) results.push_back(on_batch(in[0].detach(), indices));
  return results;
}

gw::GridSampleOptions grid_sample_options(Attributes& attrs) {
  const std::map<std::string, gw::SampleMode> modes = {{"bilinear", gw::SampleMode::bilinear},
                                                       {"nearest", gw::SampleMode::nearest}};
  const std::map<std::string, gw::SamplePadding> paddings = {{"zeros", gw::SamplePadding::zeros},
                                                             {"border", gw::SamplePadding::border},
                                                             {"reflection", gw::SamplePadding::reflection}};
  return {.mode = modes.at(attrs.text("mode", "bilinear")),
          .padding = paddings.at(attrs.text("padding_mode", "zeros")),
          .align_corners = attrs.flag("align_corners", false)};
}

Tensors grid_sample(const Inputs& in, Attributes& attrs) {
  return {gw::grid_sample(in[0], in[1], grid_sample_options(attrs))};
}

Tensors affine_grid(const Inputs& in, Attributes& attrs) {
  const std::vector<int64_t> size = attrs.required_list("size");
  return {gw::affine_grid(in[0], size.at(2), size.at(3), attrs.flag("align_corners", false))};
}

/// One number, or height and width; null keeps the size of the input.
Size2 output_size(const Tensor& x, Attributes& attrs) {
  std::array<int64_t, 2> size = attrs.required_pair("output_size");
  for (size_t i = 0; i < 2; ++i)
    if (size[i] == Attributes::kNull) size[i] = x.size(static_cast<int64_t>(i) - 2);
  return size2(size);
}

Tensors adaptive_avg_pool2d(const Inputs& in, Attributes& attrs) {
  const Size2 size = output_size(in[0], attrs);
  return {on_batch(in[0], [&](const Tensor& x) { return gw::adaptive_avg_pool2d(x, size); })};
}

Tensors adaptive_max_pool2d(const Inputs& in, Attributes& attrs) {
  const Size2 size = output_size(in[0], attrs);
  Tensors results = {on_batch(in[0], [&](const Tensor& x) { return gw::adaptive_max_pool2d(x, size); })};
  const auto indices = [&](const Tensor& x) {
    return gw::kernels::adaptive_max_pool2d(x, size).indices.to(DType::i64);
  };
  if (attrs.flag("return_indices", false)) results.push_back(on_batch(in[0].detach(), indices));
  return results;
}

// --- activations ----------------------------------------------------------------------------------------------------

Tensors leaky_relu(const Inputs& in, Attributes& attrs) {
  return {gw::leaky_relu(in[0], attrs.number("negative_slope", 0.01))};
}

Tensors hardtanh(const Inputs& in, Attributes& attrs) {
  return {gw::hardtanh(in[0], attrs.number("min_val", -1), attrs.number("max_val", 1))};
}

Tensors gelu(const Inputs& in, Attributes& attrs) {
  attrs.only("approximate", "none");
  return {gw::gelu(in[0])};
}

/// softplus(beta * x) / beta. Above the threshold PyTorch returns x, which softplus is there to rounding.
Tensors softplus(const Inputs& in, Attributes& attrs) {
  attrs.only("threshold", 20);
  const double beta = attrs.number("beta", 1);
  return {beta == 1 ? gw::softplus(in[0]) : gw::softplus(in[0] * beta) / beta};
}

Tensors elu(const Inputs& in, Attributes& attrs) { return {gw::elu(in[0], attrs.number("alpha", 1))}; }

// --- losses: the engine's are f32 even of bf16 inputs, PyTorch's have the dtype of their input
// ------------------------

gw::Reduction reduction(Attributes& attrs) {
  attrs.only("size_average", nullptr);
  attrs.only("reduce", nullptr);
  const std::string name = attrs.text("reduction", "mean");
  if (name == "mean") return gw::Reduction::mean;
  if (name == "sum") return gw::Reduction::sum;
  if (name == "none") return gw::Reduction::none;
  throw gw::ConfigError(fmt::format("attribute reduction: expected mean, sum or none, got {}", name));
}

Tensors cross_entropy(const Inputs& in, Attributes& attrs) {
  attrs.only("weight", nullptr);
  const gw::CrossEntropyOptions options = {.reduction = reduction(attrs),
                                           .label_smoothing = attrs.number("label_smoothing", 0),
                                           .ignore_index = attrs.integer("ignore_index", -100),
                                           .weight = in_f32(in[2])};
  return {gw::cross_entropy(in[0], in[1], options).to(in[0].dtype())};
}

Tensors nll_loss(const Inputs& in, Attributes& attrs) {
  attrs.only("weight", nullptr);
  const gw::NllLossOptions options = {
      .reduction = reduction(attrs), .ignore_index = attrs.integer("ignore_index", -100), .weight = in_f32(in[2])};
  return {gw::nll_loss(in[0], in[1], options).to(in[0].dtype())};
}

Tensors mse_loss(const Inputs& in, Attributes& attrs) {
  return {gw::mse_loss(in[0], in[1], reduction(attrs)).to(in[0].dtype())};
}

Tensors l1_loss(const Inputs& in, Attributes& attrs) {
  return {gw::l1_loss(in[0], in[1], reduction(attrs)).to(in[0].dtype())};
}

Tensor reduced(const Tensor& losses, gw::Reduction reduction) {
  if (reduction == gw::Reduction::none) return losses;
  return reduction == gw::Reduction::sum ? losses.sum() : losses.mean();
}

/// Input 2 weighs the elements.
Tensors binary_cross_entropy(const Inputs& in, Attributes& attrs) {
  attrs.only("weight", nullptr);
  const gw::Reduction how = reduction(attrs);
  if (!in.has(2)) return {gw::binary_cross_entropy(in[0], in[1], how).to(in[0].dtype())};
  return {reduced(gw::binary_cross_entropy(in[0], in[1], gw::Reduction::none) * in[2], how).to(in[0].dtype())};
}

/// Input 2 weighs the elements, input 3 the positive answers.
Tensors binary_cross_entropy_with_logits(const Inputs& in, Attributes& attrs) {
  attrs.only("weight", nullptr);
  attrs.only("pos_weight", nullptr);
  gw::BinaryCrossEntropyOptions options = {.reduction = reduction(attrs), .pos_weight = in_f32(in[3])};
  if (!in.has(2)) return {gw::binary_cross_entropy_with_logits(in[0], in[1], options).to(in[0].dtype())};
  const gw::Reduction how = std::exchange(options.reduction, gw::Reduction::none);
  return {reduced(gw::binary_cross_entropy_with_logits(in[0], in[1], options) * in[2], how).to(in[0].dtype())};
}

}  // namespace

Operations functional_operations() {
  using At = Attributes&;
  using In = const Inputs&;
  return {
      {"linear", linear},
      {"conv2d", conv2d},
      {"batch_norm", batch_norm},
      {"group_norm", group_norm},
      {"layer_norm", layer_norm},
      {"instance_norm", instance_norm},
      {"dropout", dropout},
      {"dropout2d", dropout2d},

      {"affine_grid", affine_grid},
      {"avg_pool2d", avg_pool2d},
      {"grid_sample", grid_sample},
      {"max_pool2d", max_pool2d},
      {"adaptive_avg_pool2d", adaptive_avg_pool2d},
      {"adaptive_max_pool2d", adaptive_max_pool2d},

      {"relu", unary<&Tensor::relu>},
      {"sigmoid", unary<&Tensor::sigmoid>},
      {"tanh", unary<&Tensor::tanh>},
      {"leaky_relu", leaky_relu},
      {"hardtanh", hardtanh},
      {"relu6", [](In in, At) -> Tensors { return {gw::hardtanh(in[0], 0, 6)}; }},
      {"gelu", gelu},
      {"silu", [](In in, At) -> Tensors { return {gw::silu(in[0])}; }},
      {"mish", [](In in, At) -> Tensors { return {gw::mish(in[0])}; }},
      {"softplus", softplus},
      {"logsigmoid", [](In in, At) -> Tensors { return {-gw::softplus(-in[0])}; }},
      {"elu", elu},

      {"cross_entropy", cross_entropy},
      {"nll_loss", nll_loss},
      {"mse_loss", mse_loss},
      {"l1_loss", l1_loss},
      {"binary_cross_entropy", binary_cross_entropy},
      {"binary_cross_entropy_with_logits", binary_cross_entropy_with_logits},
  };
}

}  // namespace golden
