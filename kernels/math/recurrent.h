// The gates of the recurrent cells, element by element, shared by the CPU's and the GPU's kernels. `a_...` are sums
// before the activation.
#pragma once

#include "kernels/math/functions.h"
#include "kernels/math/host_device.h"

namespace gw::math {

/// d sigmoid / da and d tanh / da from their values.
GW_HOST_DEVICE inline float sigmoid_slope(float y) { return y * (1.0f - y); }
GW_HOST_DEVICE inline float tanh_slope(float y) { return 1.0f - y * y; }

/// The gates of an LSTM (Hochreiter & Schmidhuber 1997) in PyTorch's order: input, forget, cell, output.
struct LstmGates {
  float i, f, g, o;
};

GW_HOST_DEVICE inline LstmGates lstm_gates(float a_i, float a_f, float a_g, float a_o) {
  return {math::sigmoid(a_i), math::sigmoid(a_f), math::tanh(a_g), math::sigmoid(a_o)};
}
GW_HOST_DEVICE inline float lstm_cell(const LstmGates& gates, float c_before) {
  return gates.f * c_before + gates.i * gates.g;
}
GW_HOST_DEVICE inline float lstm_hidden(const LstmGates& gates, float c) { return gates.o * math::tanh(c); }

// The gradients take gates one by one: where a loop makes a struct of what it has loaded, GCC does not vectorise it.

/// What reaches the cell state: from the steps after it, and through h.
GW_HOST_DEVICE inline float lstm_cell_gradient(float o, float c, float dh, float dc) {
  return dc + dh * o * tanh_slope(math::tanh(c));
}
/// Gradients of the four sums, with dc = lstm_cell_gradient(...). That of c_before is dc * f.
GW_HOST_DEVICE inline LstmGates lstm_gate_gradients(float i, float f, float g, float o, float c_before, float c,
                                                    float dh, float dc) {
  return {dc * g * sigmoid_slope(i), dc * c_before * sigmoid_slope(f), dc * i * tanh_slope(g),
          dh * math::tanh(c) * sigmoid_slope(o)};
}

/// What a GRU (Cho et al. 2014, in PyTorch's form) keeps of a step: the new gate, the reset and update gates, and the
/// hidden state's share in the new gate's sum, before it is reset.
struct GruGates {
  float n, r, z, hidden;
};

GW_HOST_DEVICE inline GruGates gru_gates(float a_r, float a_z, float input_n, float hidden_n) {
  const float r = math::sigmoid(a_r), z = math::sigmoid(a_z);
  return {math::tanh(input_n + r * hidden_n), r, z, hidden_n};
}
GW_HOST_DEVICE inline float gru_hidden(const GruGates& gates, float h_before) {
  return gates.n + gates.z * (h_before - gates.n);
}
/// Gradients of the input's sum in the new gate, of the other two gates' sums, and of the hidden sum in the new gate.
/// That of h_before, beside what these pass on, is dh * z.
GW_HOST_DEVICE inline GruGates gru_gate_gradients(float n, float r, float z, float hidden, float h_before, float dh) {
  const float dn = dh * (1.0f - z) * tanh_slope(n);
  return {dn, dn * hidden * sigmoid_slope(r), dh * (h_before - n) * sigmoid_slope(z), dn * r};
}

/// The plain cell (Elman 1990): its activation, and the derivative of that from its value.
struct RnnTanh {
  GW_HOST_DEVICE static float value(float a) { return math::tanh(a); }
  GW_HOST_DEVICE static float slope(float h) { return tanh_slope(h); }
};
struct RnnRelu {
  GW_HOST_DEVICE static float value(float a) { return a < 0.0f ? 0.0f : a; }
  GW_HOST_DEVICE static float slope(float h) { return h > 0.0f ? 1.0f : 0.0f; }
};

}  // namespace gw::math
