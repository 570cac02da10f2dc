// groundwork train: a model from its first weights to its last.
#include <fmt/format.h>

#include <memory>

#include "autograd/autograd.h"
#include "nn/models/models.h"
#include "tensor/creation.h"
#include "train/averaged_weights.h"
#include "train/best_epoch.h"
#include "train/checkpoint.h"
#include "train/commands/augment_options.h"
#include "train/commands/choices.h"
#include "train/commands/command.h"
#include "train/commands/finetune_options.h"
#include "train/commands/init_options.h"
#include "train/commands/layer_options.h"
#include "train/commands/options.h"
#include "train/commands/recipes.h"
#include "train/commands/resume.h"
#include "train/commands/view_options.h"
#include "train/commands/weights.h"
#include "train/cuda_graph.h"
#include "train/guards.h"
#include "train/json_log.h"
#include "train/label_smoothing.h"
#include "train/plots/plots_callback.h"
#include "train/predictions.h"
#include "train/progress.h"
#include "train/save.h"
#include "train/schedulers.h"
#include "train/snapshots.h"

namespace gw::commands {
namespace {

constexpr int kInterrupted = 130;

struct Options {
  std::string model, recipe;
  int64_t epochs = 5;
  std::string optimizer = "adamw";
  std::string schedule = "one-cycle";
  std::optional<int64_t> cycle_len = {};  ///< epochs; instead of the schedule: cosine annealing with restarts
  int64_t cycle_mult = 1;
  std::string init;
  double label_smoothing = 0;
  std::optional<double> average = {};  ///< decay of the averaged weights
  ViewOptions views;
  uint64_t seed = 42;
  bool save_best = false;
  bool graph = false;
  std::optional<int64_t> log_every = {};             ///< steps
  std::string log, save, checkpoint, resume, plots;  ///< files and folders; empty if not given
  std::vector<std::string> stats;                    ///< classes of the modules whose activations are drawn
  FinetuneOptions finetune;
  LayerOptions layers;
  AugmentOptions augment;
  DataOptions data;
};

/// ConfigError if the model has no place for images of this size, before anything is trained or written.
void check_image_size(const std::string& name, Module& model, const ImageDataset& kind) {
  const NoGrad no_grad;
  const int64_t channels = kind.images.size(1), height = kind.images.size(2), width = kind.images.size(3);
  const Shape expected{1, static_cast<int64_t>(kind.classes.size())};
  model.eval();
  Shape found;
  try {
    found = model(zeros({1, channels, height, width})).shape();
  } catch (const ShapeError&) {
  }
  if (found != expected)
    throw ConfigError(
        fmt::format("train: {} does not take images of {} x {}; resnet-gap, resnet-slim, resnet-fast, those of cifar, "
                    "small-cnn, imagenette-cnn, resnet18 to resnet50 and xresnet18 to xresnet50 take any size",
                    name, height, width));
  model.train();
}

/// The schedule of a run of that many steps an epoch.
Schedule make_schedule(const Options& o, double lr, int64_t steps) {
  if (!o.cycle_len) return schedules().at(o.schedule)(lr, o.epochs * steps);
  return CosineAnnealingWarmRestarts{.base_lr = lr, .t_0 = *o.cycle_len * steps, .t_mult = o.cycle_mult};
}

Learner make_learner(const Options& o, const LoaderPair& loaders, const ModulePtr& model) {
  const int64_t count = loaders.train.item_count();
  if (o.data.batch > count)
    throw ConfigError(fmt::format("train: a batch of {} is more than the {} training images; use a smaller --batch",
                                  o.data.batch, count));
  const double lr = o.finetune.largest_lr(default_lr(o.model));
  const Schedule schedule = make_schedule(o, lr, loaders.train.size());
  Learner learner(
      model, loaders.train, loaders.valid, classification_loss(), o.finetune.optimizer(o.optimizer, *model), lr,
      {accuracy_metrics(), std::make_shared<BatchScheduler>(schedule, o.finetune.lr_shares()),
       std::make_shared<NanGuard>(), std::make_shared<InterruptGuard>(), std::make_shared<ProgressCallback>()});
  if (const CallbackPtr freeze = o.finetune.freeze(*model)) learner.callbacks.push_back(freeze);
  learner.valid_name = o.data.valid_name();
  o.augment.add_callbacks(learner);
  if (o.label_smoothing > 0) learner.callbacks.push_back(std::make_shared<LabelSmoothing>(o.label_smoothing));
  if (o.average) learner.callbacks.push_back(std::make_shared<AveragedWeights>(*o.average));
  if (o.graph) learner.callbacks.push_back(std::make_shared<CudaGraphCallback>());
  return learner;
}

/// Where an interrupted run left off, for the user.
std::string what_was_kept(const Options& o) {
  std::string text;
  if (!o.save.empty()) text += fmt::format("; the weights are in {}", o.save);
  if (!o.checkpoint.empty()) text += fmt::format("; --resume {} goes on after the last whole epoch", o.checkpoint);
  return text;
}

/// Takes the options that the user left out from the checkpoint or the recipe.
std::optional<Checkpoint> complete_options(CLI::App& command, Options& o) {
  std::optional<Checkpoint> start;
  if (!o.resume.empty()) {
    start = load_checkpoint(o.resume);
    adopt_run_options(command, start->options, o.resume);
  } else if (!o.recipe.empty()) {
    apply_recipe(command, o.recipe);
  }
  if (o.model.empty() && o.finetune.load.empty()) throw CLI::RequiredError("--model");
  return start;
}

/// Takes model, layers and normalisation from the weights that the run begins with, if there are any.
std::optional<Pretrained> adopt_pretrained(Options& o) {
  std::optional<Pretrained> pretrained = o.finetune.pretrained(o.model);
  if (!pretrained) return {};
  o.model = pretrained->model;
  if (o.layers == LayerOptions{}) o.layers = pretrained->layers;
  o.data.normalisation = pretrained->normalisation;
  return pretrained;
}

void announce(const CLI::App& command, const Options& o, const Learner& learner) {
  if (!o.recipe.empty() && o.resume.empty()) fmt::print("recipe {}: {}\n", o.recipe, equivalent_command_line(command));
  if (o.data.holdout)
    fmt::print("trains on {} of the training images; holdout: {} others of them\n", learner.train_loader.item_count(),
               learner.valid_loader.dataset().size());
}

int run(CLI::App& command, Options& o) {
  std::optional<Checkpoint> start = complete_options(command, o);
  const Device device = o.data.device();
  if (o.graph && !device.is_cuda()) throw ConfigError("train: --graph needs --device cuda");
  // Hooks run while the graph is captured, not when it is replayed.
  if (o.graph && !o.plots.empty()) throw ConfigError("train: --graph leaves no activations to draw; leave out --plots");
  const auto plots = o.plots.empty() ? nullptr : std::make_shared<PlotFolder>(o.plots, PlotFolder::OnFailure::go_on);
  const std::optional<Pretrained> pretrained = adopt_pretrained(o);
  manual_seed(o.seed);
  const LoaderPair loaders = o.data.loaders();
  const auto model = make_model(o.model, o.layers.model_options(loaders.valid.dataset()));
  check_image_size(o.model, *model, loaders.valid.dataset());
  if (pretrained && !start) pretrained->load_into(*model, o.finetune.new_head);
  model->to(device);
  Learner learner = make_learner(o, loaders, model);
  announce(command, o, learner);
  const auto add = [&](auto callback) {
    learner.callbacks.push_back(callback);
    return callback;
  };
  const auto best = add(std::make_shared<BestEpoch>());
  const auto recorder = add(std::make_shared<Recorder>());
  if (!o.save.empty()) {
    const auto metadata = weights_metadata(o.model, o.layers, learner.train_loader.dataset());
    add(std::make_shared<SaveCallback>(o.save, metadata, o.save_best ? best : nullptr));
    const CosineAnnealingWarmRestarts cycles{.base_lr = 1, .t_0 = o.cycle_len.value_or(1), .t_mult = o.cycle_mult};
    if (o.cycle_len) add(std::make_shared<Snapshots>(o.save, metadata, cycles));
  }
  std::shared_ptr<JsonLog> log;
  if (!o.log.empty()) log = add(std::make_shared<JsonLog>(o.log, start ? start->epochs_done : 0));
  if (o.log_every) log->log_steps(recorder, *o.log_every);
  if (!o.checkpoint.empty()) add(std::make_shared<CheckpointCallback>(o.checkpoint, run_options(command)));
  if (plots) {
    const auto stats = add(std::make_shared<ActivationStats>(o.stats.empty() ? direct_children() : of_type(o.stats)));
    add(std::make_shared<PlotsCallback>(plots, recorder, stats));
  }
  if (start) {
    fmt::print("resumed after {} of {} epochs\n", start->epochs_done, o.epochs);
    add(std::make_shared<ResumeCallback>(std::move(*start)));
  }

  if (!start) initialise(o.init, learner);
  learner.fit(o.epochs);
  o.data.pictures.report_bad(learner.train_loader);
  if (InterruptGuard::interrupted()) {
    if (log) log->end();
    fmt::print("interrupted in epoch {}{}\n", learner.epoch + 1, what_was_kept(o));
    return kInterrupted;
  }
  if (plots && plots->is_open()) {
    const auto [logits, targets] = predict_validation(learner);
    plot_mistakes(*plots, logits, targets, learner.valid_loader.dataset());
    if (plots->is_open()) fmt::print("pictures: {}/index.html\n", plots->path());
  }
  std::optional<double> tta_accuracy;
  if (o.views.count() > 1) {
    const auto [logits, targets] = predict_views(learner, test_time_views(o.views.count()));
    tta_accuracy = accuracy_of(logits, targets);
    fmt::print("{}  {}accuracy {:.4f}\n", o.views.description(), o.data.holdout ? "holdout  " : "", *tta_accuracy);
  }
  if (log) log->end(tta_accuracy);
  return 0;
}

}  // namespace

Command add_train(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("train", "Train a model on Fashion-MNIST, on CIFAR-10, or on a folder of pictures");
  add_model(command, o->model);
  add_recipe(command, o->recipe);
  command->add_option("--epochs", o->epochs, "Passes over the training data")->check(positive())->capture_default_str();
  o->finetune.add_to(command);
  add_optimizer(command, o->optimizer);
  CLI::Option* const schedule = command->add_option("--sched", o->schedule, "Schedule of the learning rate")
                                    ->check(CLI::IsMember(keys(schedules())))
                                    ->capture_default_str();
  CLI::Option* const cycle_len =
      command
          ->add_option("--cycle-len", o->cycle_len,
                       "Instead: cosine annealing that restarts after so many epochs; --save also keeps the weights of "
                       "each cycle's end, as FILE-cycleN")
          ->check(positive())
          ->excludes(schedule);
  command->add_option("--cycle-mult", o->cycle_mult, "How much longer each cycle is than the one before")
      ->check(positive())
      ->capture_default_str()
      ->needs(cycle_len);
  command
      ->add_option("--label-smoothing", o->label_smoothing,
                   "Spread this share of each target evenly over the classes; the validation loss stays plain")
      ->check(below_one())
      ->capture_default_str();
  command
      ->add_option("--average", o->average,
                   "Validate and save the running average of the weights, of this decay per step (such as 0.999)")
      ->check(below_one());
  o->views.add_to(command);
  add_seed(command, o->seed);
  command->add_option("--log", o->log, "Write a JSON line per epoch to this file");
  command->add_option("--log-every", o->log_every, "And one per so many training steps, with their mean loss")
      ->check(positive())
      ->needs("--log");
  command->add_option("--save", o->save, "Write the weights to this safetensors file after every epoch");
  add_plots(command, o->plots);
  command
      ->add_option("--stats", o->stats,
                   "Classes of the modules whose activations --plots shows, such as GeneralRelu,Linear; default: the "
                   "model's layers")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->needs("--plots");
  command->add_flag("--save-best", o->save_best, "Let --save keep the weights of the best epoch, not of the last")
      ->needs("--save");
  command->add_option("--checkpoint", o->checkpoint, "Write all that the run is to this file after every epoch");
  command->add_option("--resume", o->resume, "Go on from this checkpoint, with its options, exactly as the run would");
  command->add_flag("--graph", o->graph, "Capture the training step as one CUDA graph (with --device cuda)");
  add_init(command, o->init);
  command->get_option("--init")->excludes("--load");
  o->layers.add_to(command);
  o->augment.add_to(command);
  o->data.add_to(command);
  o->data.add_holdout(command);
  return {command, [command, o] { return run(*command, *o); }};
}

}  // namespace gw::commands
