#include "kernels/recurrent.h"

#include <fmt/format.h>

#include "kernels/cpu/recurrent.h"
#include "kernels/cuda/recurrent.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

void check_shape(const char* what, const Tensor& t, const Shape& expected) {
  if (t.defined() && t.shape() != expected)
    throw ShapeError(fmt::format("recurrent layer: expected {} of shape {}, got {}", what, expected.to_string(),
                                 t.shape().to_string()));
}

/// [T + 1, B, H] with `first` (or zeros) as its first row.
Tensor states_after(const Tensor& first, const Shape& shape, const Tensor& like) {
  const Tensor states = empty(shape, {.dtype = like.dtype(), .device = like.device()});
  const Tensor start = views::select(states, 0, 0);
  if (first.defined())
    copy(start, first);
  else
    fill(start, 0);
  return states;
}

Tensor contiguous_or_none(const Tensor& t, DType dtype) { return t.defined() ? contiguous(cast(t, dtype)) : t; }

}  // namespace

RecurrentStates recurrent_forward(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
                                  const Tensor& h0, const Tensor& c0) {
  const int64_t gates = gate_count(cell);
  if (weight.dim() != 2 || weight.size(0) != gates * weight.size(1))
    throw ShapeError(fmt::format("recurrent layer: expected a recurrent weight [{} * hidden, hidden], got {}", gates,
                                 weight.shape().to_string()));
  const int64_t hidden = weight.size(1);
  if (input.dim() != 3 || input.size(0) == 0 || input.size(2) != gates * hidden)
    throw ShapeError(fmt::format("recurrent layer: expected input products [steps, batch, {}], got {}", gates * hidden,
                                 input.shape().to_string()));
  if (!is_floating(input.dtype()) || !is_floating(weight.dtype()))
    throw DTypeError(fmt::format("recurrent layer: expected f32 or bf16, got {} and {}", name_of(input.dtype()),
                                 name_of(weight.dtype())));
  check_same_device("recurrent layer", {&input, &weight, &bias, &h0, &c0});
  const int64_t steps = input.size(0), batch = input.size(1);
  check_shape("a bias", bias, {gates * hidden});
  check_shape("a state h", h0, {batch, hidden});
  check_shape("a state c", c0, {batch, hidden});

  RecurrentStates states;
  states.from_zero = !h0.defined();
  const Shape shape{steps + 1, batch, hidden};
  states.h = states_after(h0, shape, input);
  const Tensor products = contiguous(input);
  if (cell == RecurrentCell::lstm) {
    states.c = states_after(c0, shape, input);
    states.gates = products;
  } else if (cell == RecurrentCell::gru) {
    states.gates = empty({steps, batch, kept_gates(cell) * hidden}, {.dtype = input.dtype(), .device = input.device()});
  }
  if (batch > 0 && hidden > 0)
    GW_DISPATCH(input, recurrent_forward(cell, products, contiguous_or_none(weight, DType::f32),
                                         contiguous_or_none(bias, DType::f32), states));
  return states;
}

RecurrentGrads recurrent_backward(RecurrentCell cell, const RecurrentStates& states, const Tensor& weight,
                                  const Tensor& dy, const Tensor& dh, const Tensor& dc, bool wants_start) {
  const DType dtype = states.h.dtype();
  const int64_t steps = states.h.size(0) - 1, batch = states.h.size(1), hidden = states.h.size(2);
  check_same_device("recurrent layer", {&states.h, &weight, &dy, &dh, &dc});
  check_shape("a gradient of the output", dy, {steps, batch, hidden});
  check_shape("a gradient of the state h", dh, {batch, hidden});
  check_shape("a gradient of the state c", dc, {batch, hidden});
  const TensorOptions like{.dtype = dtype, .device = states.h.device()};
  RecurrentGrads grads;
  grads.gates = empty({steps, batch, kept_gates(cell) * hidden}, like);
  if (wants_start) grads.h0 = empty({batch, hidden}, like);
  if (wants_start && cell == RecurrentCell::lstm) grads.c0 = empty({batch, hidden}, like);
  if (batch > 0 && hidden > 0)
    GW_DISPATCH(states.h,
                recurrent_backward(cell, states, contiguous_or_none(weight, DType::f32), contiguous_or_none(dy, dtype),
                                   contiguous_or_none(dh, dtype), contiguous_or_none(dc, dtype), grads));
  return grads;
}

Tensor input_gates(RecurrentCell cell, const Tensor& gates) {
  const int64_t hidden = gates.size(-1) / kept_gates(cell);
  return views::slice(gates, -1, 0, gate_count(cell) * hidden, 1);
}

Tensor hidden_gates(RecurrentCell cell, const Tensor& gates) {
  const int64_t hidden = gates.size(-1) / kept_gates(cell);
  return views::slice(gates, -1, (kept_gates(cell) - gate_count(cell)) * hidden, kept_gates(cell) * hidden, 1);
}

}  // namespace gw::kernels
