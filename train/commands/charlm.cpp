// groundwork charlm: a recurrent model that learns to write, character by character, from a text.
#include <fmt/format.h>

#include <memory>

#include "data/text.h"
#include "nn/losses.h"
#include "train/char_model_file.h"
#include "train/clip_gradients.h"
#include "train/commands/choices.h"
#include "train/commands/command.h"
#include "train/commands/options.h"
#include "train/cuda_graph.h"
#include "train/guards.h"
#include "train/json_log.h"
#include "train/metrics.h"
#include "train/progress.h"
#include "train/save.h"
#include "train/schedulers.h"
#include "train/snapshots.h"

namespace gw::commands {
namespace {

constexpr int kInterrupted = 130;

struct Options {
  std::string text, cell = "gru", device = "cpu", dtype = "f32", optimizer = "adam", save, log;
  int64_t layers = 1, hidden = 256, embed = 42, bptt = 8, batch = 64, epochs = 4, cycle_mult = 1, min_frequency = 1;
  std::optional<int64_t> cycle_len = {};  ///< all epochs if not given
  double lr = 2e-3, dropout = 0;
  std::optional<double> clip = {};  ///< largest norm of the gradients
  uint64_t seed = 42;
  bool lower = false, replace_invalid = false, graph = false;
};

/// Begins every pass through a text with an empty memory.
class ResetState : public Callback {
 public:
  explicit ResetState(std::shared_ptr<StatefulCharModel> model) : model_(std::move(model)) {}
  void before_epoch(Learner&) override { model_->reset_state(); }

 private:
  std::shared_ptr<StatefulCharModel> model_;
};

Loader batches(const Tensor& tokens, const Options& o, bool vary) {
  const TextBatchOptions options{
      .batch_size = o.batch, .bptt = o.bptt, .vary = vary, .device = device_from_name(o.device)};
  return Loader(std::make_shared<TextBatches>(tokens, options));
}

/// Mean over all tokens of all rows.
Tensor loss_of(const Tensor& logits, const Tensor& targets) {
  return cross_entropy(logits.reshape({-1, logits.size(-1)}), targets.reshape({-1}));
}

int run(const Options& o) {
  const Device device = device_from_name(o.device);
  if (o.graph && !device.is_cuda()) throw ConfigError("charlm: --graph needs --device cuda");
  std::string text = read_text(o.text, o.replace_invalid);
  if (o.lower) text = lower_case(std::move(text));
  const TextDataset data = make_text_dataset(text, TokenKind::character, o.min_frequency);
  manual_seed(o.seed);
  StatefulCharOptions model_options;
  model_options.vocabulary = data.vocabulary.size();
  model_options.embed = o.embed;
  model_options.hidden = o.hidden;
  model_options.cell = cell_from_name(o.cell);
  model_options.layers = o.layers;
  model_options.dropout = o.dropout;
  model_options.dtype = dtype_from_name(o.dtype);
  const Loader train = batches(data.train, o, /*vary=*/!o.graph), valid = batches(data.valid, o, /*vary=*/false);
  const auto model = std::make_shared<StatefulCharModel>(model_options);
  model->to(device);

  const int64_t cycle_len = o.cycle_len.value_or(o.epochs);
  const CosineAnnealingWarmRestarts schedule{.base_lr = o.lr, .t_0 = cycle_len * train.size(), .t_mult = o.cycle_mult};
  Learner learner(
      model, train, valid, loss_of, optimizers().at(o.optimizer), o.lr,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{}),
       std::make_shared<BatchScheduler>(schedule), std::make_shared<ResetState>(model), std::make_shared<NanGuard>(),
       std::make_shared<InterruptGuard>(), std::make_shared<ProgressCallback>(stdout, "characters")});
  if (o.graph) learner.callbacks.push_back(std::make_shared<CudaGraphCallback>());
  if (o.clip) learner.callbacks.push_back(std::make_shared<ClipGradients>(*o.clip));
  if (!o.save.empty()) {
    const auto metadata = char_model_metadata(model_options.cell, data.vocabulary, o.lower);
    learner.callbacks.push_back(std::make_shared<SaveCallback>(o.save, metadata));
    const CosineAnnealingWarmRestarts cycles{.base_lr = o.lr, .t_0 = cycle_len, .t_mult = o.cycle_mult};
    if (o.cycle_len) learner.callbacks.push_back(std::make_shared<Snapshots>(o.save, metadata, cycles));
  }
  std::shared_ptr<JsonLog> log;
  if (!o.log.empty()) learner.callbacks.push_back(log = std::make_shared<JsonLog>(o.log));
  fmt::print("{} characters to train, {} to validate, {} in the vocabulary; {} parameters\n", data.train.numel(),
             data.valid.numel(), data.vocabulary.size(), model->num_parameters());
  learner.fit(o.epochs);
  if (log) log->end();
  if (!InterruptGuard::interrupted()) return 0;
  fmt::print("interrupted in epoch {}{}\n", learner.epoch + 1, o.save.empty() ? "" : "; the weights are in " + o.save);
  return kInterrupted;
}

}  // namespace

Command add_charlm(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("charlm", "Train a recurrent model to write like a text");
  const auto count = [command](const char* name, int64_t& value, const char* text) {
    command->add_option(name, value, text)->check(positive())->capture_default_str();
  };
  command->add_option("--text", o->text, "File of UTF-8 text; the last fifth is for validation")->required();
  command->add_flag("--lower", o->lower, "Put the letters A to Z into lower case first");
  command->add_flag("--replace-invalid", o->replace_invalid,
                    "Take bytes that are not UTF-8 as U+FFFD; else they are an error");
  count("--min-frequency", o->min_frequency, "Characters that are rarer are taken as unknown");
  command->add_option("--cell", o->cell, "rnn, gru or lstm")
      ->check(CLI::IsMember({"rnn", "gru", "lstm"}))
      ->capture_default_str();
  count("--layers", o->layers, "Recurrent layers");
  count("--hidden", o->hidden, "Width of the hidden state");
  count("--embed", o->embed, "Width of the embedding");
  command->add_option("--dropout", o->dropout, "Probability, between layers and before the last one")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  count("--bptt", o->bptt, "Characters through which the gradient goes back");
  count("--batch", o->batch, "Pieces of the text that are read side by side");
  count("--epochs", o->epochs, "Passes over the text");
  command->add_option("--lr", o->lr, "Largest learning rate")->check(positive())->capture_default_str();
  command->add_option("--clip", o->clip, "Scale the gradients down where their norm is above this")->check(positive());
  add_optimizer(command, o->optimizer);
  command->add_option("--cycle-len", o->cycle_len, "Epochs until the learning rate restarts; default: never")
      ->check(positive());
  count("--cycle-mult", o->cycle_mult, "How much longer each cycle is than the one before");
  add_seed(command, o->seed)->description("Seed of weights, lengths and dropout");
  command->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_option("--dtype", o->dtype, "Type of the activations: f32, or bf16 for mixed precision")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  command->add_flag("--graph", o->graph,
                    "Capture the training step as one CUDA graph (with --device cuda); all batches are then of --bptt "
                    "characters");
  command->add_option("--save", o->save,
                      "Write the model to this safetensors file after every epoch, and to FILE-cycleN at each cycle's "
                      "end");
  command->add_option("--log", o->log, "Write a JSON line per epoch to this file");
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
