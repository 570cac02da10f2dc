// Differentiable recurrent layers. A layer over a whole sequence is one recorded op: its input's products are one
// matrix product for all steps, and so is each weight's gradient.
#pragma once

#include <span>
#include <vector>

#include "kernels/recurrent.h"
#include "tensor/tensor.h"

namespace gw {

/// What a recurrent layer remembers: h, and c of an LSTM (undefined for others). Undefined at the beginning: zeros.
struct RecurrentState {
  Tensor h, c;
};

struct RecurrentResult {
  Tensor output;  ///< the hidden state of the last layer after every step
  RecurrentState state;
};

/// The weights of one layer, in PyTorch's layout and order of gates. The biases may be undefined.
struct RecurrentWeights {
  Tensor weight_ih;  ///< [G * hidden, in]
  Tensor weight_hh;  ///< [G * hidden, hidden]
  Tensor bias_ih;    ///< [G * hidden]
  Tensor bias_hh;    ///< [G * hidden]
};

/// One layer: x [T, B, in], state [B, hidden] -> output [T, B, hidden] of x's dtype and the last state. ShapeError,
/// DTypeError, DeviceError for tensors that do not fit.
RecurrentResult recurrent_layer(RecurrentCell cell, const Tensor& x, const RecurrentState& state,
                                const RecurrentWeights& weights);

/// One step: x [B, in], state [B, hidden] -> the state after it.
RecurrentState recurrent_step(RecurrentCell cell, const Tensor& x, const RecurrentState& state,
                              const RecurrentWeights& weights);

struct RecurrentOptions {
  bool bias = true;
  int64_t num_layers = 1;
  double dropout = 0;  ///< probability, of the outputs of every layer but the last
  bool training = false;
  bool bidirectional = false;  ///< each layer also goes through the sequence backwards; both outputs stand side by side
  bool batch_first = false;    ///< x and the output are [B, T, ...]

  int64_t directions() const { return bidirectional ? 2 : 1; }
};

/// Layers on top of each other, as PyTorch's torch.rnn_tanh, torch.rnn_relu, torch.gru and torch.lstm: x [T, B, in],
/// state [num_layers * directions, B, hidden] -> output [T, B, directions * hidden] and the last states. `weights` are
/// flat, in the order of RecurrentWeights, layer by layer and within a layer direction by direction. ConfigError for a
/// number of weights that does not fit, ShapeError, DTypeError, DeviceError for tensors that do not.
RecurrentResult recurrent(RecurrentCell cell, const Tensor& x, const RecurrentState& state,
                          std::span<const Tensor> weights, const RecurrentOptions& o = {});

}  // namespace gw
