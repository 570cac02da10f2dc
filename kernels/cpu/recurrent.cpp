// Recurrent layers on the CPU. No row of the batch needs another one, so each thread takes its rows through the whole
// sequence without waiting for others: the recurrent product of a few rows stays in the cache, where the gates read it.
// The recurrent weight is packed once for all steps.
#include "kernels/cpu/recurrent.h"

#include <omp.h>

#include <type_traits>
#include <vector>

#include "kernels/cpu/bf16_round.h"
#include "kernels/cpu/panel.h"
#include "kernels/cpu/row_tile.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/tile_panels.h"
#include "kernels/math/recurrent.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

constexpr int64_t kChunkRows = 64;  // rows that go through a sequence together; with them a panel pays its way from L3

/// A matrix b [k, n] and a bias, packed to be multiplied from the left many times, by `rows` rows at a time. For bf16
/// activations tile registers round both factors to bf16.
class PackedMatrix {
 public:
  PackedMatrix(const MatrixRef& b, int64_t k, int64_t n, const float* bias, int64_t rows, DType activations)
      : k_(k),
        n_(n),
        tiles_(prefers_tiles(k, n, rows)),
        parts_(activations == DType::bf16 ? tile::Parts::rounded : tile::Parts::exact),
        width_(tiles_ ? tile::kPanel : panel_width(n)),
        panel_(tiles_ ? tile::panel_elements(k, parts_) / 2 : k * width_),
        panels_(ceil_div(n, width_) * panel_) {
    const int64_t count = ceil_div(n, width_);
    parallel_for(count, std::max<int64_t>(1, kParallelGrain / (k * width_)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) pack(b, i);
    });
    if (bias) bias_.assign(bias, bias + n);
    if (bias) bias_.resize(static_cast<size_t>(count * width_));
  }

  /// out[r] = rows[r] b + bias for `count` rows `stride` apart; those of `out` follow each other.
  void multiply(const float* rows, int64_t stride, int64_t count, float* out) const {
    tiles_ ? multiply_tiles(rows, stride, count, out) : multiply_rows(rows, stride, count, out);
  }

  /// The same for rows of zeros.
  void multiply_zeros(int64_t count, float* out) const {
    for (int64_t r = 0; r < count; ++r) {
      if (bias_.empty())
        std::fill_n(out + r * n_, n_, 0.0f);
      else
        std::copy_n(bias_.data(), n_, out + r * n_);
    }
  }

 private:
  // A tile has 16 rows, whether they are there or not.
  static bool prefers_tiles(int64_t k, int64_t n, int64_t rows) {
    constexpr int64_t kLeastSide = 64;
    return tile::in_hardware() && k >= kLeastSide && n >= kLeastSide && rows > tile::kRows;
  }

  const float* panel(int64_t i) const { return panels_.data() + i * panel_; }

  void pack(const MatrixRef& b, int64_t i) const {
    const auto* data = static_cast<const float*>(b.data);
    float* to = panels_.data() + i * panel_;
    if (tiles_)
      tile::pack_panel({data, b.column_stride, b.row_stride, n_, false}, i * width_, {0, k_}, parts_,
                       reinterpret_cast<bf16*>(to));
    else
      pack_panel(data, b, {0, k_}, i * width_, std::min(width_, n_ - i * width_), width_, to);
  }

  void multiply_rows(const float* rows, int64_t stride, int64_t count, float* out) const {
    const Segment all{0, 0, k_};
    const int64_t tiles = row_tile_count(count);
    RowTile<float> tile{};
    tile.input_stride = stride;
    tile.segments = &all;
    tile.segment_count = 1;
    tile.output_stride = n_;
    for (int64_t column = 0; column < n_; column += width_) {
      tile.panel = panel(column / width_);
      tile.bias = bias_.empty() ? nullptr : bias_.data() + column;
      tile.columns = std::min(width_, n_ - column);
      for (int64_t i = 0; i < tiles; ++i) {
        const Range part_rows = part(count, i, tiles);
        tile.input = rows + part_rows.begin * stride;
        tile.output = out + part_rows.begin * n_ + column;
        multiply_row_tile(static_cast<int>(part_rows.size()), panel_vectors(n_), tile);
      }
    }
  }

  void multiply_tiles(const float* rows, int64_t stride, int64_t count, float* out) const {
    const tile::Registers registers;
    const int64_t row_panels = ceil_div(count, tile::kPanel), chunks = ceil_div(k_, tile::kDepth);
    const int64_t row_panel = tile::panel_elements(k_, parts_);
    const Scratch packed(row_panels * row_panel / 2);
    auto* a = reinterpret_cast<bf16*>(packed.data());
    for (int64_t i = 0; i < row_panels; ++i)
      tile::pack_panel({rows, stride, 1, count, true}, i * tile::kPanel, {0, k_}, parts_, a + i * row_panel);
    for (int64_t column = 0; column < n_; column += width_) {
      const float* bias = bias_.empty() ? nullptr : bias_.data() + column;
      const int64_t columns = std::min(width_, n_ - column);
      for (int64_t i = 0; i < row_panels; ++i) {
        alignas(64) float sums[tile::kPanel * tile::kPanel];
        tile::multiply_panels(a + i * row_panel, reinterpret_cast<const bf16*>(panel(column / width_)), chunks, parts_,
                              sums);
        for (int64_t r = i * tile::kPanel; r < std::min(count, (i + 1) * tile::kPanel); ++r) {
          const float* sum = sums + r % tile::kPanel * tile::kPanel;
          for (int64_t c = 0; c < columns; ++c) out[r * n_ + column + c] = sum[c] + (bias ? bias[c] : 0.0f);
        }
      }
    }
  }

  int64_t k_, n_;
  bool tiles_;
  tile::Parts parts_;      // of the factors in tiles
  int64_t width_, panel_;  // columns and floats of a panel
  Scratch panels_;
  std::vector<float> bias_;
};

/// The parts of a batch that go through a sequence together, each thread one at a time.
struct Chunks {
  int64_t batch, threads, count;

  Chunks(int64_t batch, int64_t flops_per_row) : batch(batch) {
    constexpr int64_t kParallelFlops = 200'000;
    threads = batch * flops_per_row < kParallelFlops ? 1 : std::min<int64_t>(omp_get_max_threads(), batch);
    count = ceil_div(ceil_div(batch, kChunkRows), threads) * threads;
  }

  int64_t rows() const { return ceil_div(batch, count); }  ///< of the largest

  template <class Body>
  void for_each(const Body& body) const {
#pragma omp parallel for schedule(static) num_threads(static_cast <int>(threads)) if (threads > 1)
    for (int64_t i = 0; i < count; ++i) {
      const Range rows = part(batch, i, count);
      if (rows.size() > 0) body(rows);
    }
  }
};

/// A row of a step. `sums` is the recurrent product, `input` the input's.
template <class T>
struct ForwardRow {
  int64_t hidden;
  const float* sums;
  const T* input;
  T* gates;
  const T *h_before, *c_before;
  T *h, *c;
};

/// The same backwards. dh is dy + product + direct: what comes from outside, through the next step's gates, and past
/// them.
template <class T>
struct BackwardRow {
  int64_t hidden;
  const T* gates;
  const T *h_before, *h, *c_before, *c;
  const T* dy;
  const float* product;
  float *direct, *dc;
  float* d_gates;
};

template <class Activation>
struct Plain {
  template <class T>
  static void forward(const ForwardRow<T>& row) {
    const int64_t hidden = row.hidden;
    const float* sums = row.sums;
    const T* input = row.input;
    T* h = row.h;
#pragma omp simd
    for (int64_t j = 0; j < hidden; ++j) store(h[j], Activation::value(static_cast<float>(input[j]) + sums[j]));
  }

  template <class T>
  static void backward(const BackwardRow<T>& row) {
    const int64_t hidden = row.hidden;
    const T *h = row.h, *dy = row.dy;
    const float* product = row.product;
    float* d_gates = row.d_gates;
#pragma omp simd
    for (int64_t j = 0; j < hidden; ++j)
      d_gates[j] = (static_cast<float>(dy[j]) + product[j]) * Activation::slope(static_cast<float>(h[j]));
  }
};

struct Gru {
  template <class T>
  static void forward(const ForwardRow<T>& row) {
    const int64_t hidden = row.hidden;
    const float *sum_r = row.sums, *sum_z = sum_r + hidden, *sum_n = sum_z + hidden;
    const T *input_r = row.input, *input_z = input_r + hidden, *input_n = input_z + hidden;
    const T* h_before = row.h_before;
    T *h = row.h, *n = row.gates, *r = n + hidden, *z = r + hidden, *hidden_n = z + hidden;
#pragma omp simd
    for (int64_t j = 0; j < hidden; ++j) {
      const math::GruGates gates =
          math::gru_gates(static_cast<float>(input_r[j]) + sum_r[j], static_cast<float>(input_z[j]) + sum_z[j],
                          static_cast<float>(input_n[j]), sum_n[j]);
      store(n[j], gates.n);
      store(r[j], gates.r);
      store(z[j], gates.z);
      store(hidden_n[j], gates.hidden);
      store(h[j], math::gru_hidden(gates, static_cast<float>(h_before[j])));
    }
  }

  template <class T>
  static void backward(const BackwardRow<T>& row) {
    const int64_t hidden = row.hidden;
    const T *n = row.gates, *r = n + hidden, *z = r + hidden, *hidden_n = z + hidden;
    const T *h_before = row.h_before, *dy = row.dy;
    const float* product = row.product;
    float *direct = row.direct, *dn = row.d_gates, *dr = dn + hidden, *dz = dr + hidden, *d_hidden = dz + hidden;
#pragma omp simd
    for (int64_t j = 0; j < hidden; ++j) {
      const float z_j = static_cast<float>(z[j]), dh = static_cast<float>(dy[j]) + product[j] + direct[j];
      const math::GruGates d =
          math::gru_gate_gradients(static_cast<float>(n[j]), static_cast<float>(r[j]), z_j,
                                   static_cast<float>(hidden_n[j]), static_cast<float>(h_before[j]), dh);
      dn[j] = d.n;
      dr[j] = d.r;
      dz[j] = d.z;
      d_hidden[j] = d.hidden;
      direct[j] = dh * z_j;
    }
  }
};

struct Lstm {
  template <class T>
  static void forward(const ForwardRow<T>& row) {
    const int64_t hidden = row.hidden;
    const float *sum_i = row.sums, *sum_f = sum_i + hidden, *sum_g = sum_f + hidden, *sum_o = sum_g + hidden;
    T *i = row.gates, *f = i + hidden, *g = f + hidden, *o = g + hidden;  // the input's products, before
    const T* c_before = row.c_before;
    T *c = row.c, *h = row.h;
#pragma omp simd
    for (int64_t j = 0; j < hidden; ++j) {
      const math::LstmGates gates =
          math::lstm_gates(static_cast<float>(i[j]) + sum_i[j], static_cast<float>(f[j]) + sum_f[j],
                           static_cast<float>(g[j]) + sum_g[j], static_cast<float>(o[j]) + sum_o[j]);
      const float cell = math::lstm_cell(gates, static_cast<float>(c_before[j]));
      store(i[j], gates.i);
      store(f[j], gates.f);
      store(g[j], gates.g);
      store(o[j], gates.o);
      store(c[j], cell);
      store(h[j], math::lstm_hidden(gates, cell));
    }
  }

  template <class T>
  static void backward(const BackwardRow<T>& row) {
    const int64_t hidden = row.hidden;
    const T *i = row.gates, *f = i + hidden, *g = f + hidden, *o = g + hidden;
    const T *c_before = row.c_before, *c = row.c, *dy = row.dy;
    const float* product = row.product;
    float *dc = row.dc, *di = row.d_gates, *df = di + hidden, *dg = df + hidden, *d_o = dg + hidden;
#pragma omp simd
    for (int64_t j = 0; j < hidden; ++j) {
      const float f_j = static_cast<float>(f[j]), o_j = static_cast<float>(o[j]);
      const float dh = static_cast<float>(dy[j]) + product[j], cell = static_cast<float>(c[j]);
      const float d_cell = math::lstm_cell_gradient(o_j, cell, dh, dc[j]);
      const math::LstmGates d = math::lstm_gate_gradients(static_cast<float>(i[j]), f_j, static_cast<float>(g[j]), o_j,
                                                          static_cast<float>(c_before[j]), cell, dh, d_cell);
      di[j] = d.i;
      df[j] = d.f;
      dg[j] = d.g;
      d_o[j] = d.o;
      dc[j] = d_cell * f_j;
    }
  }
};

/// Calls f with the cell as a type of its own.
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

template <class T>
T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

/// Element `index` of a tensor that may be missing.
template <class T>
T* at(T* data, int64_t index) {
  return data ? data + index : nullptr;
}

/// Rows of a tensor as floats: themselves, or converted into the scratch.
const float* as_floats(const float* rows, int64_t, const Scratch&) { return rows; }
const float* as_floats(const bf16* rows, int64_t count, const Scratch& scratch) {
  convert(rows, scratch.data(), count);
  return scratch.data();
}

template <class T>
constexpr bool kNeedsScratch = !std::is_same_v<T, float>;

template <class Cell, class T>
void forward_rows(Range rows, int64_t width, const Tensor& input, const PackedMatrix& weight,
                  const RecurrentStates& states) {
  const int64_t steps = input.size(0), batch = input.size(1), hidden = states.h.size(2), count = rows.size();
  const int64_t kept = states.gates.defined() ? states.gates.size(2) : 0;
  T *h = states.h.data<T>(), *c = data_or_null<T>(states.c), *gates = data_or_null<T>(states.gates);
  const Scratch sums(count * width), scratch(kNeedsScratch<T> ? count * hidden : 0);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t first = t * batch + rows.begin;
    if (t == 0 && states.from_zero)
      weight.multiply_zeros(count, sums.data());
    else
      weight.multiply(as_floats(h + first * hidden, count * hidden, scratch), hidden, count, sums.data());
    for (int64_t r = 0; r < count; ++r) {
      const int64_t before = (first + r) * hidden, after = before + batch * hidden;
      Cell::forward(ForwardRow<T>{hidden, sums.data() + r * width, input.data<T>() + (first + r) * width,
                                  at(gates, (first + r) * kept), h + before, at(c, before), h + after, at(c, after)});
    }
  }
}

/// to = from as floats, or zeros if there is none.
template <class T>
void load_or_zero(float* to, const T* from, int64_t count) {
  if (from)
    convert(from, to, count);
  else
    std::fill_n(to, count, 0.0f);
}

template <class Cell, class T>
void backward_rows(Range rows, int64_t width, const PackedMatrix& weight, const RecurrentStates& states,
                   const Tensor& dy, const Tensor& dh, const Tensor& dc, const RecurrentGrads& grads) {
  const int64_t steps = states.h.size(0) - 1, batch = states.h.size(1), hidden = states.h.size(2);
  const int64_t kept = grads.gates.size(2), count = rows.size(), first_state = rows.begin * hidden;
  const T *h = states.h.data<T>(), *c = data_or_null<T>(states.c), *gates = data_or_null<T>(states.gates);
  const T* dy_data = data_or_null<T>(dy);
  const std::vector<T> no_gradient(dy_data ? 0 : static_cast<size_t>(hidden), T(0.0f));
  const Scratch product(count * hidden), direct(count * hidden), d_cell(count * hidden),
      scratch(kNeedsScratch<T> ? count * kept : 0);
  load_or_zero(product.data(), at(data_or_null<T>(dh), first_state), count * hidden);
  load_or_zero(d_cell.data(), at(data_or_null<T>(dc), first_state), count * hidden);
  std::fill_n(direct.data(), count * hidden, 0.0f);
  for (int64_t t = steps - 1; t >= 0; --t) {
    const int64_t first = t * batch + rows.begin;
    T* result = grads.gates.data<T>() + first * kept;
    float* d_gates = scratch.data();
    if constexpr (!kNeedsScratch<T>) d_gates = result;
    for (int64_t r = 0; r < count; ++r) {
      const int64_t before = (first + r) * hidden, after = before + batch * hidden;
      Cell::backward(BackwardRow<T>{hidden, at(gates, (first + r) * kept), h + before, h + after, at(c, before),
                                    at(c, after), dy_data ? dy_data + before : no_gradient.data(),
                                    product.data() + r * hidden, direct.data() + r * hidden, d_cell.data() + r * hidden,
                                    d_gates + r * kept});
    }
    if constexpr (kNeedsScratch<T>) round_run(result, d_gates, count * kept);
    if (t == 0 && !grads.h0.defined()) return;
    weight.multiply(d_gates + (kept - width), kept, count, product.data());
  }
  for (int64_t i = 0; i < count * hidden; ++i) product.data()[i] += direct.data()[i];
  round_run(grads.h0.data<T>() + first_state, product.data(), count * hidden);
  if (grads.c0.defined()) round_run(grads.c0.data<T>() + first_state, d_cell.data(), count * hidden);
}

}  // namespace

void recurrent_forward(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
                       const RecurrentStates& states) {
  const int64_t width = weight.size(0), hidden = weight.size(1);
  const Chunks chunks(input.size(1), 2 * input.size(0) * width * hidden);
  const PackedMatrix packed({weight.raw(), DType::f32, 0, 1, hidden}, hidden, width, data_or_null<float>(bias),
                            chunks.rows(), input.dtype());
  visit_floating(input.dtype(), "recurrent_forward", [&](auto v) {
    visit_cell(cell, [&](auto type) {
      chunks.for_each(
          [&](Range rows) { forward_rows<decltype(type), decltype(v)>(rows, width, input, packed, states); });
    });
  });
}

void recurrent_backward(RecurrentCell cell, const RecurrentStates& states, const Tensor& weight, const Tensor& dy,
                        const Tensor& dh, const Tensor& dc, const RecurrentGrads& grads) {
  const int64_t width = weight.size(0), hidden = weight.size(1);
  const Chunks chunks(states.h.size(1), 2 * (states.h.size(0) - 1) * width * hidden);
  const PackedMatrix packed({weight.raw(), DType::f32, 0, hidden, 1}, width, hidden, nullptr, chunks.rows(),
                            states.h.dtype());
  visit_floating(states.h.dtype(), "recurrent_backward", [&](auto v) {
    visit_cell(cell, [&](auto type) {
      chunks.for_each([&](Range rows) {
        backward_rows<decltype(type), decltype(v)>(rows, width, packed, states, dy, dh, dc, grads);
      });
    });
  });
}

}  // namespace gw::kernels::cpu
