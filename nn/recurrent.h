// Recurrent layers and cells, with PyTorch's parameters: weight_ih_l0 [G * hidden, in], weight_hh_l0 [G * hidden,
// hidden], bias_ih_l0, bias_hh_l0 [G * hidden], then those of layer 1, ...; a cell's are without "_l0". Gates are in
// PyTorch's order: r, z, n of a GRU, i, f, g, o of an LSTM. All start uniform in +-1 / sqrt(hidden).
#pragma once

#include "autograd/recurrent.h"
#include "nn/module.h"

namespace gw {

struct RecurrentLayerOptions {
  int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;  ///< x and the output are [B, T, ...] instead of [T, B, ...]
  double dropout = 0;        ///< in training, of the outputs of every layer but the last
  bool bidirectional = false;
};

/// One or more recurrent layers on top of each other. What RNN, GRU and LSTM have in common.
class RecurrentLayers : public Module {
 public:
  RecurrentLayers(RecurrentCell cell, int64_t input_size, int64_t hidden_size, const RecurrentLayerOptions& o);

  /// From zeros as the state: x [T, B, in] -> [T, B, directions * hidden].
  Tensor forward(const Tensor& x) override { return forward(x, {}).output; }
  /// The same from a state [num_layers * directions, B, hidden] (undefined: zeros), with the state after it.
  RecurrentResult forward(const Tensor& x, const RecurrentState& state);
  std::string extra_repr() const override;

  RecurrentCell cell() const { return cell_; }
  int64_t hidden_size() const { return hidden_size_; }
  const RecurrentLayerOptions& options() const { return options_; }

 private:
  RecurrentCell cell_;
  int64_t input_size_, hidden_size_;
  RecurrentLayerOptions options_;
  std::vector<Tensor> weights_;
};

/// h = tanh(W_ih x + b_ih + W_hh h' + b_hh), or relu instead of tanh.
struct RNN : RecurrentLayers {
  RNN(int64_t input_size, int64_t hidden_size, const RecurrentLayerOptions& o = {}, bool relu = false)
      : RecurrentLayers(relu ? RecurrentCell::rnn_relu : RecurrentCell::rnn_tanh, input_size, hidden_size, o) {}
};
/// Gated recurrent units: see RecurrentCell::gru.
struct GRU : RecurrentLayers {
  GRU(int64_t input_size, int64_t hidden_size, const RecurrentLayerOptions& o = {})
      : RecurrentLayers(RecurrentCell::gru, input_size, hidden_size, o) {}
};
/// Long short-term memory: see RecurrentCell::lstm.
struct LSTM : RecurrentLayers {
  LSTM(int64_t input_size, int64_t hidden_size, const RecurrentLayerOptions& o = {})
      : RecurrentLayers(RecurrentCell::lstm, input_size, hidden_size, o) {}
};

/// A single step of a recurrent layer: x [B, in], state [B, hidden] (undefined: zeros) -> the state after it.
class RecurrentCellModule : public Module {
 public:
  RecurrentCellModule(RecurrentCell cell, int64_t input_size, int64_t hidden_size, bool bias);
  /// h after one step from zeros.
  Tensor forward(const Tensor& x) override { return forward(x, {}).h; }
  RecurrentState forward(const Tensor& x, const RecurrentState& state) {
    return recurrent_step(cell_, x, state, weights_);
  }
  std::string extra_repr() const override;

 private:
  RecurrentCell cell_;
  RecurrentWeights weights_;
};

struct RNNCell : RecurrentCellModule {
  RNNCell(int64_t input_size, int64_t hidden_size, bool bias = true, bool relu = false)
      : RecurrentCellModule(relu ? RecurrentCell::rnn_relu : RecurrentCell::rnn_tanh, input_size, hidden_size, bias) {}
};
struct GRUCell : RecurrentCellModule {
  GRUCell(int64_t input_size, int64_t hidden_size, bool bias = true)
      : RecurrentCellModule(RecurrentCell::gru, input_size, hidden_size, bias) {}
};
struct LSTMCell : RecurrentCellModule {
  LSTMCell(int64_t input_size, int64_t hidden_size, bool bias = true)
      : RecurrentCellModule(RecurrentCell::lstm, input_size, hidden_size, bias) {}
};

}  // namespace gw
