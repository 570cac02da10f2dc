// Recurrent layers and cells. Lists of states and weights are laid out flat.
#include "autograd/recurrent.h"
#include "operations.h"

namespace golden {
namespace {

using gw::RecurrentCell;
using gw::Tensor;

/// An LSTM's state is two tensors, that of the others one.
gw::RecurrentState state_of(RecurrentCell cell, const Inputs& in) {
  return {in[1], cell == RecurrentCell::lstm ? in[2] : Tensor{}};
}

size_t first_weight(RecurrentCell cell) { return cell == RecurrentCell::lstm ? 3 : 2; }

template <RecurrentCell cell>
Tensors layers(const Inputs& in, Attributes& attrs) {
  const gw::RecurrentOptions options = {.bias = attrs.flag("has_biases", true),
                                        .num_layers = attrs.integer("num_layers", 1),
                                        .dropout = attrs.number("dropout", 0),
                                        .training = attrs.flag("train", false),
                                        .bidirectional = attrs.flag("bidirectional", false),
                                        .batch_first = attrs.flag("batch_first", false)};
  const Tensors& all = in.all();
  const size_t skipped = std::min(all.size(), first_weight(cell));
  const Tensors weights(all.begin() + static_cast<std::ptrdiff_t>(skipped), all.end());
  const gw::RecurrentResult result = gw::recurrent(cell, in[0], state_of(cell, in), weights, options);
  if (cell == RecurrentCell::lstm) return {result.output, result.state.h, result.state.c};
  return {result.output, result.state.h};
}

template <RecurrentCell cell>
Tensors step(const Inputs& in, Attributes& attrs) {
  attrs.only("b_ih", nullptr);
  attrs.only("b_hh", nullptr);
  const size_t first = first_weight(cell);
  const gw::RecurrentState state =
      gw::recurrent_step(cell, in[0], state_of(cell, in), {in[first], in[first + 1], in[first + 2], in[first + 3]});
  if (cell == RecurrentCell::lstm) return {state.h, state.c};
  return {state.h};
}

}  // namespace

Operations recurrent_operations() {
  return {
      {"rnn_tanh", layers<RecurrentCell::rnn_tanh>},
      {"rnn_relu", layers<RecurrentCell::rnn_relu>},
      {"gru", layers<RecurrentCell::gru>},
      {"lstm", layers<RecurrentCell::lstm>},
      {"rnn_tanh_cell", step<RecurrentCell::rnn_tanh>},
      {"rnn_relu_cell", step<RecurrentCell::rnn_relu>},
      {"gru_cell", step<RecurrentCell::gru>},
      {"lstm_cell", step<RecurrentCell::lstm>},
  };
}

}  // namespace golden
