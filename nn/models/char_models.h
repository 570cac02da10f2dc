// The character models of the course's lesson on recurrent networks, from three characters by hand to layers that
// remember. All take tokens x [T, B], steps first, and return logits.
#pragma once

#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/recurrent.h"

namespace gw {

struct CharModelOptions {
  int64_t vocabulary = 0;  ///< number of tokens
  int64_t embed = 42;
  int64_t hidden = 256;
};

/// Predicts the fourth character from three, each step written out: x [3, B] -> [B, vocabulary].
struct Char3Model : Module {
  explicit Char3Model(const CharModelOptions& o);
  /// ShapeError unless x has three steps.
  Tensor forward(const Tensor& x) override;

  std::shared_ptr<Embedding> e;
  std::shared_ptr<Linear> l_in, l_hidden, l_out;
};

/// The same as a loop, over any number of steps: x [T, B] -> [B, vocabulary].
struct CharLoopModel : Module {
  explicit CharLoopModel(const CharModelOptions& o);
  Tensor forward(const Tensor& x) override;

  std::shared_ptr<Embedding> e;
  std::shared_ptr<Linear> l_in, l_hidden, l_out;
};

struct StatefulCharOptions : CharModelOptions {
  RecurrentCell cell = RecurrentCell::lstm;
  int64_t layers = 1;
  double dropout = 0;        ///< between layers, and before the last one
  DType dtype = DType::f32;  ///< of the activations: f32, or bf16 for mixed precision
};

/// A recurrent language model that predicts the next token at every step, x [T, B] -> [T, B, vocabulary], and
/// remembers: a batch goes on from the hidden state of the one before, cut from its graph (truncated back-propagation).
/// The state starts at zero again when the size of the batch changes.
class StatefulCharModel : public Module {
 public:
  explicit StatefulCharModel(const StatefulCharOptions& o);
  Tensor forward(const Tensor& x) override;
  /// Forgets: the next batch begins at zero.
  void reset_state();
  /// What it remembers: [layers, B, hidden] each, undefined before the first batch.
  const RecurrentState& state() const { return state_; }

 private:
  void begin(int64_t batch, Device device);

  DType dtype_;
  std::shared_ptr<Embedding> e_;
  std::shared_ptr<RecurrentLayers> rnn_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Linear> l_out_;
  RecurrentState state_;
};

}  // namespace gw
