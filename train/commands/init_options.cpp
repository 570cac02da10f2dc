#include "train/commands/init_options.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "nn/activation.h"
#include "nn/conv2d.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/lsuv.h"
#include "train/commands/choices.h"

namespace gw::commands {
namespace {

/// The slope below zero of the model's GeneralRelus, for which Kaiming's weights make up.
double leak_in(Module& model) {
  for (Module* module : model.modules())
    if (const auto* relu = dynamic_cast<const GeneralRelu*>(module)) return relu->options.leak;
  return 0;
}

using Draw = std::function<void(const Tensor& weight)>;

void draw_weights(Module& model, const Draw& draw) {
  for (Module* module : model.modules()) {
    if (const auto* conv = dynamic_cast<const Conv2d*>(module)) draw(conv->weight);
    if (const auto* linear = dynamic_cast<const Linear*>(module)) draw(linear->weight);
  }
}

Batch first_batch(const Loader& of) {
  const PhiloxState generator = of.generator().state();
  Loader loader = of;
  Batch batch;
  loader.start();
  loader.next(batch);
  of.generator().set_state(generator);
  return batch;
}

void scale_by_lsuv(Learner& learner) {
  for (const LsuvLayer& layer : lsuv(*learner.model, first_batch(learner.train_loader).x))
    fmt::print("lsuv  {:<24} mean {:8.5f}  deviation {:.5f}  in {} steps{}\n", layer.name, layer.mean, layer.std,
               layer.steps, layer.has_bias ? "" : " (no bias)");
}

/// Weights and biases as PyTorch's layers start.
void draw_as_pytorch(Learner& learner) {
  for (Module* module : learner.model->modules()) {
    if (const auto* conv = dynamic_cast<const Conv2d*>(module)) init::default_(conv->weight, conv->bias);
    if (const auto* linear = dynamic_cast<const Linear*>(module)) init::default_(linear->weight, linear->bias);
  }
}

using Initialisation = void (*)(Learner& learner);

const std::map<std::string, Initialisation>& initialisations() {
  static const std::map<std::string, Initialisation> table = {
      {"default", draw_as_pytorch},
      {"kaiming-normal",
       [](Learner& l) {
         draw_weights(*l.model,
                      [a = leak_in(*l.model)](const Tensor& weight) { init::kaiming_normal_(weight, {.a = a}); });
       }},
      {"kaiming-uniform",
       [](Learner& l) {
         draw_weights(*l.model,
                      [a = leak_in(*l.model)](const Tensor& weight) { init::kaiming_uniform_(weight, {.a = a}); });
       }},
      {"lsuv", scale_by_lsuv},
      {"model", [](Learner&) {}},
      {"xavier-normal",
       [](Learner& l) { draw_weights(*l.model, [](const Tensor& weight) { init::xavier_normal_(weight); }); }},
      {"xavier-uniform",
       [](Learner& l) { draw_weights(*l.model, [](const Tensor& weight) { init::xavier_uniform_(weight); }); }},
  };
  return table;
}

}  // namespace

void add_init(CLI::App* command, std::string& init) {
  init = "model";
  command
      ->add_option("--init", init,
                   "How the weights start; model: as the model draws them; default: as PyTorch's layers")
      ->check(CLI::IsMember(keys(initialisations())))
      ->capture_default_str();
}

void initialise(const std::string& init, Learner& learner) { initialisations().at(init)(learner); }

}  // namespace gw::commands
