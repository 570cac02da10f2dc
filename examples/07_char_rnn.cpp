// The course's lesson 7 as a program: models that read characters and write more of them, from three characters by hand
// to LSTMs, trained with restarts of the learning rate.
//
//     07_char_rnn [EPOCHS [HIDDEN [TEXT]]]      default: 15 epochs, hidden size 256, on a passage of Nietzsche's;
//                                               the course reads all of his works
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "groundwork.h"

using namespace gw;

namespace {

// From the preface of "Beyond Good and Evil", as Helen Zimmern translated it.
constexpr const char* kPassage =
    "Supposing that Truth is a woman - what then? Is there not ground for suspecting that all philosophers, in so far "
    "as they have been dogmatists, have failed to understand women - that the terrible seriousness and clumsy "
    "importunity with which they have usually paid their addresses to Truth, have been unskilled and unseemly methods "
    "for winning a woman? Certainly she has never allowed herself to be won; and at present every kind of dogma stands "
    "with sad and discouraged mien - if, indeed, it stands at all!\n";

struct Settings {
  int64_t epochs, hidden;
  TextDataset data;

  int64_t batch() const { return std::min<int64_t>(64, data.valid.numel() / 8); }
};

Tensor loss_of(const Tensor& logits, const Tensor& targets) {
  return cross_entropy(logits.reshape({-1, logits.size(-1)}), targets.reshape({-1}));
}

/// Every `steps` characters, and the one after them: x [steps, N], y [N].
Batch windows(const Tensor& tokens, int64_t steps) {
  const int64_t count = (tokens.numel() - 1) / steps;
  return {tokens.narrow(0, 0, count * steps).reshape({count, steps}).t().contiguous(),
          tokens.slice(0, steps, count * steps + 1, steps).contiguous()};
}

/// The models that see a few characters and remember nothing.
void train_on_windows(const char* name, Module& model, int64_t steps, const Settings& s) {
  const Batch train = windows(s.data.train, steps), valid = windows(s.data.valid, steps);
  Optimizer optimizer = adam(model.parameters(), {.lr = 1e-2});
  const int64_t count = train.y.numel(), size = std::min<int64_t>(512, count);
  for (int64_t epoch = 0; epoch < s.epochs; ++epoch)
    for (int64_t at = 0; at + size <= count; at += size) {
      loss_of(model(train.x.narrow(1, at, size)), train.y.narrow(0, at, size)).backward();
      optimizer.step();
      optimizer.zero_grad();
    }
  const NoGrad no_grad;
  fmt::print("{:14} validation loss {:.4f}\n", name, loss_of(model(valid.x), valid.y).item());
}

/// A model that keeps its hidden state from batch to batch must forget it where the text begins again.
class ResetState : public Callback {
 public:
  explicit ResetState(std::shared_ptr<StatefulCharModel> model) : model_(std::move(model)) {}
  void before_epoch(Learner&) override { model_->reset_state(); }

 private:
  std::shared_ptr<StatefulCharModel> model_;
};

std::shared_ptr<StatefulCharModel> train_stateful(RecurrentCell cell, int64_t layers, double lr, const Settings& s) {
  StatefulCharOptions o;
  o.vocabulary = s.data.vocabulary.size();
  o.hidden = s.hidden;
  o.cell = cell;
  o.layers = layers;
  o.dropout = layers > 1 ? 0.5 : 0;
  const auto model = std::make_shared<StatefulCharModel>(o);
  const Loader train(
      std::make_shared<TextBatches>(s.data.train, TextBatchOptions{.batch_size = s.batch(), .bptt = 8, .vary = true}));
  const Loader valid(std::make_shared<TextBatches>(s.data.valid, TextBatchOptions{.batch_size = s.batch(), .bptt = 8}));
  // Cycles of 1, 2, 4 and 8 epochs.
  const CosineAnnealingWarmRestarts restarts{.base_lr = lr, .t_0 = train.size(), .t_mult = 2};
  Learner learner(model, train, valid, loss_of,
                  [](std::vector<Tensor> params, double rate) { return adam(std::move(params), {.lr = rate}); }, lr,
                  {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{}),
                   std::make_shared<BatchScheduler>(restarts), std::make_shared<ResetState>(model),
                   std::make_shared<ProgressCallback>(stdout, "characters")});
  learner.fit(s.epochs);
  return model;
}

void write(StatefulCharModel& model, const Settings& s) {
  fmt::print("Supposing");
  generate_text(model, s.data.vocabulary, "Supposing", 200, {.temperature = 0.8},
                [](std::string_view token) { fmt::print("{}", token); });
  fmt::print("\n");
}

void run(const Settings& s) {
  manual_seed(42);
  const CharModelOptions sizes{.vocabulary = s.data.vocabulary.size(), .hidden = s.hidden};
  fmt::print("Without a memory\n");
  Char3Model three(sizes);
  train_on_windows("Char3Model", three, 3, s);
  CharLoopModel loop(sizes);
  train_on_windows("CharLoopModel", loop, 8, s);

  fmt::print("\nA plain recurrent layer that remembers\n");
  write(*train_stateful(RecurrentCell::rnn_tanh, 1, 2e-3, s), s);
  fmt::print("\nGRU\n");
  write(*train_stateful(RecurrentCell::gru, 1, 5e-3, s), s);
  fmt::print("\nLSTM of two layers, with dropout\n");
  write(*train_stateful(RecurrentCell::lstm, 2, 1e-2, s), s);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::string text = argc > 3 ? read_text(argv[3]) : "";
    for (int i = 0; argc <= 3 && i < 10; ++i) text += kPassage;
    run({argc > 1 ? std::atoll(argv[1]) : 15, argc > 2 ? std::atoll(argv[2]) : 256,
         make_text_dataset(text, TokenKind::character)});
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "07_char_rnn: {}\n", e.what());
    return 1;
  }
}
