// The accuracy's count in one launch: a team of lanes (see lines.h) finds the largest logit of a line and compares its
// place with the target; blocks add up their hits, the last block all. Reads the logits once.
#include "kernels/cuda/metrics.h"

#include "kernels/cuda/lines.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

/// A logit and its class; no class before the first.
struct Guess {
  float value;
  int32_t place;

  /// The larger one, of equal ones the first; the first NaN beats them all, as in argmax.
  __device__ static Guess better(Guess a, Guess b) {
    if (a.place < 0 || b.place < 0) return a.place < 0 ? b : a;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    if (a_nan || a.value == b.value) return a.place < b.place ? a : b;
    return a.value > b.value ? a : b;
  }
};

template <int V, Team kTeam, class T>
__global__ void count_correct_lines(int64_t* out, const T* logits, const int64_t* targets, LineTeam<kTeam> team,
                                    double* partial, unsigned* counter) {
  double hits[1] = {};
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    Guess guess{0, -1};
    team.template for_each<V>(
        place,
        [&](int64_t, int64_t c, const Pack<float, V>& x) {
#pragma unroll
          for (int i = 0; i < V; ++i) guess = Guess::better(guess, {x.at[i], static_cast<int32_t>(c) + i});
        },
        logits);
    guess = team.combine(guess, Guess{0, -1}, [](const Guess& a, const Guess& b) { return Guess::better(a, b); });
    if (place.there && place.rank == 0 && guess.place == targets[place.line]) hits[0] += 1;
  }
  grid_sum(hits, partial, counter, shared_memory<double>(),
           [&](const double(&total)[1]) { *out = static_cast<int64_t>(total[0]); });
}

}  // namespace

void count_correct(const Tensor& out, const Tensor& logits, const Tensor& targets) {
  const LineShape lines{logits.size(0), logits.size(1), 1};
  visit_floating(logits.dtype(), "count_correct", [&](auto v) {
    using T = decltype(v);
    with_line_team<T>("count_correct", logits.device(), lines, is_aligned(logits.data<T>(), kPackOf<T>),
                      [&]<Team kTeam>(LineTeam<kTeam> team, auto pack, const LaunchShape& shape) {
                        const Tensor partial =
                            empty({int64_t{shape.grid.x}}, {.dtype = DType::i64, .device = logits.device()});
                        launch(stream_for(logits), shape, count_correct_lines<pack, kTeam, T>, out.data<int64_t>(),
                               logits.data<T>(), targets.data<int64_t>(), team, static_cast<double*>(partial.raw()),
                               gw::cuda::arrival_counters(logits.device()));
                      });
  });
}

}  // namespace gw::kernels::cuda
