// Recurrent layers: one call goes through a whole sequence. The input's share in the gates is one matrix product for
// all steps, which the caller makes; here the recurrent product and the gates follow step by step.
//
// T is the number of steps, B the batch, H the hidden size, G = gate_count(cell). Activations are f32 or bf16, gates
// are computed in f32; the weights are usually f32 whatever the activations are, and rounded to bf16 for products with
// bf16 activations where that is faster.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// The cells. h' is the hidden state before the step, W the recurrent weight.
///   rnn_tanh, rnn_relu   h = tanh or relu (x + W h' + b)                                              (Elman 1990)
///   gru    r, z = sigmoid(x + W h' + b), n = tanh(x + r (W h' + b)), h = n + z (h' - n); weights in the order r, z, n
///                                                                                           (Cho et al. 2014)
///   lstm   i, f, o = sigmoid(x + W h' + b), g = tanh(x + W h' + b), c = f c' + i g, h = o tanh(c); weights in the
///          order i, f, g, o                                                              (Hochreiter & Schmidhuber
///          1997)
enum class RecurrentCell { rnn_tanh, rnn_relu, gru, lstm };

/// How many gates, each H wide, the weights of a cell have: 1, 3 or 4.
constexpr int64_t gate_count(RecurrentCell cell) {
  return cell == RecurrentCell::lstm ? 4 : cell == RecurrentCell::gru ? 3 : 1;
}

}  // namespace gw

namespace gw::kernels {

/// What a pass over a sequence leaves.
struct RecurrentStates {
  Tensor h;      ///< [T + 1, B, H]: the state that it began with, then that after each step
  Tensor c;      ///< the same of an LSTM's cell state; undefined for others
  Tensor gates;  ///< [T, B, kept_gates * H] for the backward pass: n, r, z and the hidden sum of a GRU; i, f, g, o of
                 ///< an LSTM; undefined for the plain cells
  bool from_zero = false;  ///< no h0 was given: the first recurrent product, and its share in gradients, is nothing
};

/// Runs a sequence. `input` [T, B, G H] holds the input's products with their bias, and is overwritten where that saves
/// memory; weight [G H, H]; bias [G H] or undefined; h0 and c0 [B, H], undefined for zeros. ShapeError, DTypeError,
/// DeviceError for tensors that do not fit.
RecurrentStates recurrent_forward(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
                                  const Tensor& h0, const Tensor& c0);

struct RecurrentGrads {
  Tensor
      gates;  ///< [T, B, kept_gates * H], gradients of the sums: of a GRU the input's in n, r, z, the hidden one in n
  Tensor h0;  ///< [B, H]; undefined unless wanted
  Tensor c0;  ///< [B, H] of an LSTM; undefined unless wanted
};

/// The way back. dy [T, B, H] is the gradient of all h, dh and dc [B, H] that of the last states beside it; each may be
/// undefined for zeros. Gradients of the first states cost a product more: `wants_start` says whether to compute them.
RecurrentGrads recurrent_backward(RecurrentCell cell, const RecurrentStates& states, const Tensor& weight,
                                  const Tensor& dy, const Tensor& dh, const Tensor& dc, bool wants_start = true);

/// Columns of RecurrentGrads::gates that meet the input's weights, and those that meet the recurrent ones: both views.
/// Of a GRU the former are in the order n, r, z.
Tensor input_gates(RecurrentCell cell, const Tensor& gates);
Tensor hidden_gates(RecurrentCell cell, const Tensor& gates);

/// How many columns of H the kept gates have: 1, 4 or 4.
constexpr int64_t kept_gates(RecurrentCell cell) { return gate_count(cell) == 1 ? 1 : 4; }

}  // namespace gw::kernels
