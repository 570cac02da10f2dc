#include "nn/models/char_models.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

void check_tokens(const char* model, const Tensor& x) {
  if (x.dim() != 2 || x.size(0) == 0)
    throw ShapeError(fmt::format("{}: expected tokens [steps, batch], got {}", model, x.shape().to_string()));
}

/// One step of the models by hand: h = tanh(l_hidden(h + relu(l_in(e(characters))))).
template <class Model>
Tensor hand_step(Model& model, const Tensor& characters, const Tensor& h) {
  const Tensor in = (*model.l_in)((*model.e)(characters)).relu();
  return (*model.l_hidden)(h.defined() ? h + in : in).tanh();
}

template <class Model>
void make_layers(Model& model, const CharModelOptions& o) {
  model.e = std::make_shared<Embedding>(o.vocabulary, o.embed);
  model.l_in = std::make_shared<Linear>(o.embed, o.hidden);
  model.l_hidden = std::make_shared<Linear>(o.hidden, o.hidden);
  model.l_out = std::make_shared<Linear>(o.hidden, o.vocabulary);
}

std::shared_ptr<RecurrentLayers> make_rnn(const StatefulCharOptions& o) {
  const RecurrentLayerOptions layers{.num_layers = o.layers, .dropout = o.layers > 1 ? o.dropout : 0};
  switch (o.cell) {
    case RecurrentCell::rnn_tanh:
    case RecurrentCell::rnn_relu:
      return std::make_shared<RNN>(o.embed, o.hidden, layers, o.cell == RecurrentCell::rnn_relu);
    case RecurrentCell::gru:
      return std::make_shared<GRU>(o.embed, o.hidden, layers);
    case RecurrentCell::lstm:
      return std::make_shared<LSTM>(o.embed, o.hidden, layers);
  }
  throw ConfigError("StatefulCharModel: no such cell");
}

}  // namespace

Char3Model::Char3Model(const CharModelOptions& o) {
  make_layers(*this, o);
  register_module("e", e);
  register_module("l_in", l_in);
  register_module("l_hidden", l_hidden);
  register_module("l_out", l_out);
}

Tensor Char3Model::forward(const Tensor& x) {
  check_tokens("Char3Model", x);
  if (x.size(0) != 3) throw ShapeError(fmt::format("Char3Model: expected three steps, got {}", x.size(0)));
  Tensor h = hand_step(*this, x.select(0, 0), {});
  h = hand_step(*this, x.select(0, 1), h);
  h = hand_step(*this, x.select(0, 2), h);
  return (*l_out)(h);
}

CharLoopModel::CharLoopModel(const CharModelOptions& o) {
  make_layers(*this, o);
  register_module("e", e);
  register_module("l_in", l_in);
  register_module("l_hidden", l_hidden);
  register_module("l_out", l_out);
}

Tensor CharLoopModel::forward(const Tensor& x) {
  check_tokens("CharLoopModel", x);
  Tensor h;
  for (int64_t t = 0; t < x.size(0); ++t) h = hand_step(*this, x.select(0, t), h);
  return (*l_out)(h);
}

StatefulCharModel::StatefulCharModel(const StatefulCharOptions& o)
    : dtype_(o.dtype),
      e_(register_module("e", std::make_shared<Embedding>(o.vocabulary, o.embed))),
      rnn_(register_module("rnn", make_rnn(o))),
      dropout_(register_module("dropout", std::make_shared<Dropout>(o.dropout))),
      l_out_(register_module("l_out", std::make_shared<Linear>(o.hidden, o.vocabulary))) {}

void StatefulCharModel::begin(int64_t batch, Device device) {
  const bool goes_on = state_.h.defined() && state_.h.size(1) == batch && state_.h.device() == device;
  if (goes_on) return;
  const Shape shape{rnn_->options().num_layers, batch, rnn_->hidden_size()};
  const TensorOptions like{.dtype = dtype_, .device = device};
  state_.h = zeros(shape, like);
  state_.c = rnn_->cell() == RecurrentCell::lstm ? zeros(shape, like) : Tensor{};
}

void StatefulCharModel::reset_state() {
  // In place, so that a captured step finds the state where it was.
  if (state_.h.defined()) state_.h.zero_();
  if (state_.c.defined()) state_.c.zero_();
}

Tensor StatefulCharModel::forward(const Tensor& x) {
  check_tokens("StatefulCharModel", x);
  begin(x.size(1), x.device());
  // The state stays in the same memory, so that a captured step finds it there when it is replayed; so this batch
  // starts from a copy of what it overwrites.
  const RecurrentState before{state_.h.clone(), state_.c.defined() ? state_.c.clone() : Tensor{}};
  const RecurrentResult result = rnn_->forward((*e_)(x).to(dtype_), before);
  {
    const NoGrad no_grad;
    state_.h.copy_(result.state.h.detach());
    if (state_.c.defined()) state_.c.copy_(result.state.c.detach());
  }
  return (*l_out_)((*dropout_)(result.output));
}

}  // namespace gw
