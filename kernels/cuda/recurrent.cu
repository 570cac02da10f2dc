// Recurrent layers on the GPU: per step one matrix product, which adds its bias itself, and one kernel for all gates.
// Nothing waits for the device, so a whole sequence can be captured as a graph.
#include "kernels/cuda/recurrent.h"

#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/primitives.h"
#include "kernels/elementwise.h"
#include "kernels/math/recurrent.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kPack = 4;
/// From this many elements on, threads that compute four each still fill the GPU; below it, more threads hide more of
/// the memory's latency.
constexpr int64_t kManyElements = int64_t{1} << 18;

/// V neighbouring elements as floats.
template <int V>
struct Floats {
  float at[V];
};

template <int V, class T>
__device__ Floats<V> load(const T* from) {
  const auto pack = *reinterpret_cast<const Pack<T, V>*>(from);
  Floats<V> x;
#pragma unroll
  for (int k = 0; k < V; ++k) x.at[k] = static_cast<float>(pack.at[k]);
  return x;
}

template <int V, class T>
__device__ void save(T* to, const Floats<V>& x) {
  Pack<T, V> pack;
#pragma unroll
  for (int k = 0; k < V; ++k) pack.at[k] = static_cast<T>(x.at[k]);
  *reinterpret_cast<Pack<T, V>*>(to) = pack;
}

/// Pointers to a step's first elements. Gates and sums are [batch, columns * hidden], states [batch, hidden].
template <class T>
struct ForwardStep {
  int64_t hidden;
  const float* sums;
  const T* input;
  T* gates;
  const T *h_before, *c_before;
  T *h, *c;
};

template <class T>
struct BackwardStep {
  int64_t hidden;
  const T *gates, *h_before, *h, *c_before, *c;
  const T* dy;           ///< null for none
  const float* product;  ///< what comes through the next step's gates
  float *direct, *dc;    ///< what comes past them: of a GRU's h, of an LSTM's c
  T* d_gates;
};

/// The gradient of h at `state`, but for what a GRU passes by its gates.
template <int V, class T>
__device__ Floats<V> hidden_gradient(const BackwardStep<T>& s, int64_t state) {
  Floats<V> dh = load<V>(s.product + state);
  if (!s.dy) return dh;
  const Floats<V> dy = load<V>(s.dy + state);
#pragma unroll
  for (int k = 0; k < V; ++k) dh.at[k] += dy.at[k];
  return dh;
}

// The cells: what a thread does for V hidden units `unit`, `unit` + 1, ... of one row, whose states are elements
// `state` and so on.

template <class Activation>
struct Plain {
  template <int V, class T>
  __device__ static void forward(const ForwardStep<T>& s, int64_t, int64_t, int64_t state) {
    const Floats<V> sum = load<V>(s.sums + state), input = load<V>(s.input + state);
    Floats<V> h;
#pragma unroll
    for (int k = 0; k < V; ++k) h.at[k] = Activation::value(input.at[k] + sum.at[k]);
    save<V>(s.h + state, h);
  }

  template <int V, class T>
  __device__ static void backward(const BackwardStep<T>& s, int64_t, int64_t, int64_t state) {
    Floats<V> d = hidden_gradient<V>(s, state);
    const Floats<V> h = load<V>(s.h + state);
#pragma unroll
    for (int k = 0; k < V; ++k) d.at[k] *= Activation::slope(h.at[k]);
    save<V>(s.d_gates + state, d);
  }
};

struct Gru {
  template <int V, class T>
  __device__ static void forward(const ForwardStep<T>& s, int64_t row, int64_t unit, int64_t state) {
    const int64_t in = row * 3 * s.hidden + unit, out = row * 4 * s.hidden + unit;
    const Floats<V> sum_r = load<V>(s.sums + in), sum_z = load<V>(s.sums + in + s.hidden),
                    sum_n = load<V>(s.sums + in + 2 * s.hidden), input_r = load<V>(s.input + in),
                    input_z = load<V>(s.input + in + s.hidden), input_n = load<V>(s.input + in + 2 * s.hidden),
                    before = load<V>(s.h_before + state);
    Floats<V> n, r, z, hidden, h;
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const math::GruGates gates =
          math::gru_gates(input_r.at[k] + sum_r.at[k], input_z.at[k] + sum_z.at[k], input_n.at[k], sum_n.at[k]);
      n.at[k] = gates.n;
      r.at[k] = gates.r;
      z.at[k] = gates.z;
      hidden.at[k] = gates.hidden;
      h.at[k] = math::gru_hidden(gates, before.at[k]);
    }
    save<V>(s.gates + out, n);
    save<V>(s.gates + out + s.hidden, r);
    save<V>(s.gates + out + 2 * s.hidden, z);
    save<V>(s.gates + out + 3 * s.hidden, hidden);
    save<V>(s.h + state, h);
  }

  template <int V, class T>
  __device__ static void backward(const BackwardStep<T>& s, int64_t row, int64_t unit, int64_t state) {
    const int64_t at = row * 4 * s.hidden + unit;
    const Floats<V> n = load<V>(s.gates + at), r = load<V>(s.gates + at + s.hidden),
                    z = load<V>(s.gates + at + 2 * s.hidden), hidden = load<V>(s.gates + at + 3 * s.hidden),
                    before = load<V>(s.h_before + state), past = load<V>(s.direct + state);
    const Floats<V> dh = hidden_gradient<V>(s, state);
    Floats<V> dn, dr, dz, d_hidden, direct;
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const float total = dh.at[k] + past.at[k];
      const math::GruGates d = math::gru_gate_gradients(n.at[k], r.at[k], z.at[k], hidden.at[k], before.at[k], total);
      dn.at[k] = d.n;
      dr.at[k] = d.r;
      dz.at[k] = d.z;
      d_hidden.at[k] = d.hidden;
      direct.at[k] = total * z.at[k];
    }
    save<V>(s.d_gates + at, dn);
    save<V>(s.d_gates + at + s.hidden, dr);
    save<V>(s.d_gates + at + 2 * s.hidden, dz);
    save<V>(s.d_gates + at + 3 * s.hidden, d_hidden);
    save<V>(s.direct + state, direct);
  }
};

struct Lstm {
  template <int V, class T>
  __device__ static void forward(const ForwardStep<T>& s, int64_t row, int64_t unit, int64_t state) {
    const int64_t at = row * 4 * s.hidden + unit;
    Floats<V> a[4];
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) {
      const Floats<V> sum = load<V>(s.sums + at + gate * s.hidden);
      a[gate] = load<V>(s.input + at + gate * s.hidden);
#pragma unroll
      for (int k = 0; k < V; ++k) a[gate].at[k] += sum.at[k];
    }
    const Floats<V> before = load<V>(s.c_before + state);
    Floats<V> c, h;
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const math::LstmGates gates = math::lstm_gates(a[0].at[k], a[1].at[k], a[2].at[k], a[3].at[k]);
      a[0].at[k] = gates.i;
      a[1].at[k] = gates.f;
      a[2].at[k] = gates.g;
      a[3].at[k] = gates.o;
      c.at[k] = math::lstm_cell(gates, before.at[k]);
      h.at[k] = math::lstm_hidden(gates, c.at[k]);
    }
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) save<V>(s.gates + at + gate * s.hidden, a[gate]);
    save<V>(s.c + state, c);
    save<V>(s.h + state, h);
  }

  template <int V, class T>
  __device__ static void backward(const BackwardStep<T>& s, int64_t row, int64_t unit, int64_t state) {
    const int64_t at = row * 4 * s.hidden + unit;
    Floats<V> a[4];
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) a[gate] = load<V>(s.gates + at + gate * s.hidden);
    const Floats<V> before = load<V>(s.c_before + state), c = load<V>(s.c + state), dh = hidden_gradient<V>(s, state);
    Floats<V> dc = load<V>(s.dc + state);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const float i = a[0].at[k], f = a[1].at[k], g = a[2].at[k], o = a[3].at[k];
      const float d_cell = math::lstm_cell_gradient(o, c.at[k], dh.at[k], dc.at[k]);
      const math::LstmGates d = math::lstm_gate_gradients(i, f, g, o, before.at[k], c.at[k], dh.at[k], d_cell);
      a[0].at[k] = d.i;
      a[1].at[k] = d.f;
      a[2].at[k] = d.g;
      a[3].at[k] = d.o;
      dc.at[k] = d_cell * f;
    }
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) save<V>(s.d_gates + at + gate * s.hidden, a[gate]);
    save<V>(s.dc + state, dc);
  }
};

/// The gates of one step. A block takes kThreads * V hidden units of one row of the batch, a thread V of them, all
/// gates of which it has in registers; neighbouring threads read and write neighbouring memory. Each operand is read
/// and each result written once: for an LSTM in f32 76 bytes an element forwards, 92 backwards; the product before
/// wrote, and the one after reads, part of that in the L2 cache.
template <class Cell, int V, class T>
__global__ void __launch_bounds__(kThreads) forward_step(ForwardStep<T> s, unsigned blocks_per_row) {
  const int64_t row = blockIdx.x / blocks_per_row;
  const int64_t unit = (static_cast<int64_t>(blockIdx.x % blocks_per_row) * kThreads + threadIdx.x) * V;
  if (unit < s.hidden) Cell::template forward<V>(s, row, unit, row * s.hidden + unit);
}

/// The same backwards.
template <class Cell, int V, class T>
__global__ void __launch_bounds__(kThreads) backward_step(BackwardStep<T> s, unsigned blocks_per_row) {
  const int64_t row = blockIdx.x / blocks_per_row;
  const int64_t unit = (static_cast<int64_t>(blockIdx.x % blocks_per_row) * kThreads + threadIdx.x) * V;
  if (unit < s.hidden) Cell::template backward<V>(s, row, unit, row * s.hidden + unit);
}

template <class F>
void visit_cell(RecurrentCell cell, const F& f) {
  switch (cell) {
    case RecurrentCell::rnn_tanh:
      return f(Plain<math::RnnTanh>{});
    case RecurrentCell::rnn_relu:
      return f(Plain<math::RnnRelu>{});
    case RecurrentCell::gru:
      return f(Gru{});
    case RecurrentCell::lstm:
      return f(Lstm{});
  }
}

/// How many blocks a row of the batch takes with V units a thread.
unsigned blocks_of_row(int64_t hidden, int units) { return blocks_for(hidden, int64_t{kThreads} * units); }

/// True if threads may take kPack units each: enough work, and rows that all start at the address of a whole pack.
template <class T>
bool takes_packs(int64_t batch, int64_t hidden, std::initializer_list<const Tensor*> tensors) {
  if (hidden % kPack != 0 || batch * hidden < kManyElements) return false;
  return std::all_of(tensors.begin(), tensors.end(),
                     [](const Tensor* t) { return !t->defined() || is_aligned(t->data<T>(), kPack); });
}

/// Element `index` of a tensor that may be missing.
template <class T>
T* at(const Tensor& t, int64_t index) {
  return t.defined() ? t.data<T>() + index : nullptr;
}

Tensor floats(const Shape& shape, const Tensor& like) {
  return empty(shape, {.dtype = DType::f32, .device = like.device()});
}

/// out = t, which may be a single row for all, or zeros if there is none.
void assign(const Tensor& out, const Tensor& t) {
  if (t.defined())
    cuda::copy(out, views::expand(t, out.shape()));
  else
    cuda::fill(out, 0);
}

Tensor floats_from(const Tensor& t, const Shape& shape, const Tensor& like) {
  const Tensor out = floats(shape, like);
  assign(out, t);
  return out;
}

}  // namespace

void recurrent_forward(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
                       const RecurrentStates& states) {
  const int64_t steps = input.size(0), batch = input.size(1), width = weight.size(0), hidden = weight.size(1);
  const Tensor right = views::transpose(cast(weight, input.dtype()), 0, 1), sums = floats({batch, width}, input);
  visit_floating(input.dtype(), "recurrent_forward", [&](auto v) {
    using T = decltype(v);
    const bool packs = takes_packs<T>(batch, hidden, {&input, &states.gates, &states.h, &states.c});
    const unsigned per_row = blocks_of_row(hidden, packs ? kPack : 1);
    const LaunchShape shape{"recurrent_forward", per_row * static_cast<unsigned>(batch), kThreads};
    const int64_t kept = kept_gates(cell) * hidden;
    visit_cell(cell, [&](auto type) {
      using Cell = decltype(type);
      for (int64_t t = 0; t < steps; ++t) {
        if (t == 0 && states.from_zero)
          assign(sums, bias);
        else
          cuda::matmul(views::select(states.h, 0, t), right, bias, sums);
        const int64_t before = t * batch * hidden, after = before + batch * hidden;
        const ForwardStep<T> step{hidden,
                                  sums.data<float>(),
                                  input.data<T>() + t * batch * width,
                                  at<T>(states.gates, t * batch * kept),
                                  states.h.data<T>() + before,
                                  at<T>(states.c, before),
                                  states.h.data<T>() + after,
                                  at<T>(states.c, after)};
        launch(stream_for(input), shape, packs ? forward_step<Cell, kPack, T> : forward_step<Cell, 1, T>, step,
               per_row);
      }
    });
  });
}

void recurrent_backward(RecurrentCell cell, const RecurrentStates& states, const Tensor& weight, const Tensor& dy,
                        const Tensor& dh, const Tensor& dc, const RecurrentGrads& grads) {
  const int64_t steps = states.h.size(0) - 1, batch = states.h.size(1), hidden = states.h.size(2);
  const Shape state{batch, hidden};
  const Tensor right = cast(weight, states.h.dtype()), product = floats_from(dh, state, states.h);
  const bool lstm = cell == RecurrentCell::lstm, gru = cell == RecurrentCell::gru;
  const Tensor direct = gru ? floats_from({}, state, states.h) : Tensor{};
  const Tensor d_cell = lstm ? floats_from(dc, state, states.h) : Tensor{};
  visit_floating(states.h.dtype(), "recurrent_backward", [&](auto v) {
    using T = decltype(v);
    const bool packs = takes_packs<T>(batch, hidden, {&states.gates, &states.h, &states.c, &dy, &grads.gates});
    const unsigned per_row = blocks_of_row(hidden, packs ? kPack : 1);
    const LaunchShape shape{"recurrent_backward", per_row * static_cast<unsigned>(batch), kThreads};
    const int64_t kept = grads.gates.size(2);
    visit_cell(cell, [&](auto type) {
      using Cell = decltype(type);
      for (int64_t t = steps - 1; t >= 0; --t) {
        const int64_t before = t * batch * hidden, after = before + batch * hidden;
        const BackwardStep<T> step{hidden,
                                   at<T>(states.gates, t * batch * kept),
                                   states.h.data<T>() + before,
                                   states.h.data<T>() + after,
                                   at<T>(states.c, before),
                                   at<T>(states.c, after),
                                   at<T>(dy, before),
                                   product.data<float>(),
                                   at<float>(direct, 0),
                                   at<float>(d_cell, 0),
                                   grads.gates.data<T>() + t * batch * kept};
        launch(stream_for(product), shape, packs ? backward_step<Cell, kPack, T> : backward_step<Cell, 1, T>, step,
               per_row);
        if (t > 0 || grads.h0.defined())
          cuda::matmul(hidden_gates(cell, views::select(grads.gates, 0, t)), right, {}, product);
      }
    });
  });
  if (!grads.h0.defined()) return;
  if (gru) cuda::binary(Binary::add, product, product, direct);
  cuda::copy(grads.h0, product);
  if (lstm) cuda::copy(grads.c0, d_cell);
}

}  // namespace gw::kernels::cuda
