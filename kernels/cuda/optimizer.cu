// Fused optimizer steps: one launch updates up to kTensors parameters, however unequal they are, so that a network
// takes one or two. The list of tensors travels in the launch's arguments, and the schedule's values are read from
// device memory: a captured launch can be repeated with other values. Memory-bound: SGD moves 12 bytes an element, with
// momentum 20, RMSProp 20 (28), Adam 28. LAMB and LARS must know norms over whole parameters before they step: they
// take two passes, of 40 and 28 bytes an element, with a small launch between them that adds up the blocks' sums.
#include "kernels/cuda/optimizer.h"

#include "kernels/cuda/primitives.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPack = 4;
/// Elements of a tensor that one block updates.
constexpr int64_t kChunk = int64_t{kThreads} * kPack * 4;
/// Tensors that fit into the 4 KB of a launch's arguments.
constexpr int kTensors = 70;

/// One tensor of the list. Addresses that an optimizer does not have are null.
struct Entry {
  float *param, *average, *average_squared;
  const float* grad;
  int64_t count;
  int32_t row;
  uint32_t first_block;
};

struct TensorList {
  Entry entries[kTensors];
  int count;
};
static_assert(sizeof(TensorList) + 64 <= 4096);

/// The entry that this block works on: the last whose first block is not behind it.
__device__ inline int entry_of_block(const TensorList& list) {
  int low = 0, high = list.count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (list.entries[middle].first_block <= blockIdx.x)
      low = middle;
    else
      high = middle;
  }
  return low;
}

template <class Hypers>
__device__ Hypers read_row(const float* hypers, int row) {
  Hypers h;
  constexpr int kFields = sizeof(Hypers) / sizeof(float);
  float fields[kFields];
#pragma unroll
  for (int f = 0; f < kFields; ++f) fields[f] = hypers[row * kFields + f];
  memcpy(&h, fields, sizeof(h));
  return h;
}

// What a method does to an element, which arrays it reads and writes besides the parameter, and whether its learning
// rate is to be multiplied by a ratio of norms.
struct Arrays {
  bool grad = true;
  bool squared = false;
  bool statistics_change = true;
  bool ratio = false;
};

/// SGD, and with momentum for tensors that have an average.
struct Sgd {
  using Hypers = math::SgdHypers;
  static constexpr Arrays kArrays{};
  __device__ static void update(float& p, float g, float& average, float&, bool has_average, const Hypers& h) {
    if (has_average)
      math::momentum_update(p, g, average, h);
    else
      math::sgd_update(p, g, h);
  }
};

struct Adam {
  using Hypers = math::AdamHypers;
  static constexpr Arrays kArrays{.squared = true};
  __device__ static void update(float& p, float g, float& average, float& squared, bool, const Hypers& h) {
    math::adam_update(p, g, average, squared, h);
  }
};

/// RMSProp, and with momentum for tensors that have an average.
struct RmsProp {
  using Hypers = math::RmsPropHypers;
  static constexpr Arrays kArrays{.squared = true};
  __device__ static void update(float& p, float g, float& average, float& squared, bool has_average, const Hypers& h) {
    if (has_average)
      math::rmsprop_momentum_update(p, g, average, squared, h);
    else
      math::rmsprop_update(p, g, squared, h);
  }
};

/// The second pass of LAMB; the first brought the statistics up to date.
struct Lamb {
  using Hypers = math::LambHypers;
  static constexpr Arrays kArrays{.grad = false, .squared = true, .statistics_change = false, .ratio = true};
  static constexpr bool kFirstPassKeepsStatistics = true;
  __device__ static void update(float& p, float, float& average, float& squared, bool, const Hypers& h) {
    p -= h.lr * math::lamb_direction(p, average, squared, h);
  }
  __device__ static float2 squares(float p, float g, float& average, float& squared, const Hypers& h) {
    math::lamb_statistics(g, average, squared, h);
    const float direction = math::lamb_direction(p, average, squared, h);
    return make_float2(p * p, direction * direction);
  }
  __device__ static float ratio(double params, double directions, const Hypers& h) {
    return math::lamb_trust(params, directions, h);
  }
};

/// The second pass of LARS.
struct Lars {
  using Hypers = math::LarsHypers;
  static constexpr Arrays kArrays{.ratio = true};
  static constexpr bool kFirstPassKeepsStatistics = false;
  __device__ static void update(float& p, float g, float& average, float&, bool, const Hypers& h) {
    math::lars_update(p, g, average, h);
  }
  __device__ static float2 squares(float p, float g, float&, float&, const Hypers&) {
    return make_float2(p * p, g * g);
  }
  __device__ static float ratio(double params, double grads, const Hypers& h) {
    return math::lars_trust(params, grads, h);
  }
};

/// Updates N neighbouring elements, each array with one access.
template <class Method, int N>
__device__ void update_pack(const Entry& e, int64_t i, const typename Method::Hypers& h) {
  using P = Pack<float, N>;
  constexpr Arrays kArrays = Method::kArrays;
  P p = *reinterpret_cast<const P*>(e.param + i), g{}, average{}, squared{};
  if constexpr (kArrays.grad) g = *reinterpret_cast<const P*>(e.grad + i);
  const bool has_average = e.average != nullptr;
  if (has_average) average = *reinterpret_cast<const P*>(e.average + i);
  if constexpr (kArrays.squared) squared = *reinterpret_cast<const P*>(e.average_squared + i);
#pragma unroll
  for (int k = 0; k < N; ++k) Method::update(p.at[k], g.at[k], average.at[k], squared.at[k], has_average, h);
  *reinterpret_cast<P*>(e.param + i) = p;
  if constexpr (kArrays.statistics_change) {
    if (has_average) *reinterpret_cast<P*>(e.average + i) = average;
    if constexpr (kArrays.squared) *reinterpret_cast<P*>(e.average_squared + i) = squared;
  }
}

/// Calls pack(i) for packs of kPack elements and single(i) for elements, which together are the block's: kChunk of one
/// tensor, four packs a thread. Tensors that are not aligned to packs go element by element.
template <class WithPack, class WithElement>
__device__ void for_block_elements(const Entry& e, const WithPack& pack, const WithElement& single) {
  const int64_t start = static_cast<int64_t>(blockIdx.x - e.first_block) * kChunk;
  const int64_t end = start + kChunk < e.count ? start + kChunk : e.count;
  const auto bits = reinterpret_cast<uintptr_t>(e.param) | reinterpret_cast<uintptr_t>(e.grad) |
                    reinterpret_cast<uintptr_t>(e.average) | reinterpret_cast<uintptr_t>(e.average_squared);
  if (bits % sizeof(Pack<float, kPack>) != 0) {
    for (int64_t i = start + threadIdx.x; i < end; i += kThreads) single(i);
    return;
  }
#pragma unroll
  for (int64_t i = start + int64_t{kPack} * threadIdx.x; i < start + kChunk; i += int64_t{kPack} * kThreads) {
    if (i + kPack <= end) {
      pack(i);
    } else {
      for (int64_t k = i; k < end; ++k) single(k);
    }
  }
}

/// A block updates kChunk elements of one tensor. `ratios` has a number for each tensor, for those methods that have
/// them.
template <class Method>
__global__ void __launch_bounds__(kThreads)
    step_tensors(const __grid_constant__ TensorList list, const float* hypers, const float* ratios) {
  const int entry = entry_of_block(list);
  const Entry& e = list.entries[entry];
  auto h = read_row<typename Method::Hypers>(hypers, e.row);
  if constexpr (Method::kArrays.ratio) h.lr *= ratios[entry];
  for_block_elements(
      e, [&](int64_t i) { update_pack<Method, kPack>(e, i, h); }, [&](int64_t i) { update_pack<Method, 1>(e, i, h); });
}

/// Adds the two squares of N neighbouring elements to `sums`.
template <class Method, int N>
__device__ void add_squares(const Entry& e, int64_t i, const typename Method::Hypers& h, float2& sums) {
  using P = Pack<float, N>;
  constexpr bool kKeeps = Method::kFirstPassKeepsStatistics;
  const P p = *reinterpret_cast<const P*>(e.param + i), g = *reinterpret_cast<const P*>(e.grad + i);
  P average{}, squared{};
  if constexpr (kKeeps) {
    average = *reinterpret_cast<const P*>(e.average + i);
    squared = *reinterpret_cast<const P*>(e.average_squared + i);
  }
#pragma unroll
  for (int k = 0; k < N; ++k) {
    const float2 found = Method::squares(p.at[k], g.at[k], average.at[k], squared.at[k], h);
    sums.x += found.x;
    sums.y += found.y;
  }
  if constexpr (kKeeps) {
    *reinterpret_cast<P*>(e.average + i) = average;
    *reinterpret_cast<P*>(e.average_squared + i) = squared;
  }
}

/// The first pass of a method with norms: every block leaves the two sums of squares of its kChunk elements in
/// `partial`, and LAMB brings its statistics up to date on the way.
template <class Method>
__global__ void __launch_bounds__(kThreads)
    sum_squares(float2* partial, const __grid_constant__ TensorList list, const float* hypers) {
  const Entry& e = list.entries[entry_of_block(list)];
  const auto h = read_row<typename Method::Hypers>(hypers, e.row);
  float2 sums = make_float2(0, 0);
  for_block_elements(
      e, [&](int64_t i) { add_squares<Method, kPack>(e, i, h, sums); },
      [&](int64_t i) { add_squares<Method, 1>(e, i, h, sums); });
  float* const scratch = shared_memory<float>();
  sums.x = block_sum(sums.x, scratch);
  sums.y = block_sum(sums.y, scratch);
  if (threadIdx.x == 0) partial[blockIdx.x] = sums;
}

/// A block adds up the sums of one tensor's blocks, always in the same order, and turns them into its ratio.
template <class Method>
__global__ void __launch_bounds__(kThreads)
    finish_ratios(float* ratios, const float2* partial, const __grid_constant__ TensorList list, const float* hypers) {
  const Entry& e = list.entries[blockIdx.x];
  const auto blocks = static_cast<unsigned>((e.count + kChunk - 1) / kChunk);
  double first = 0, second = 0;
  for (unsigned b = threadIdx.x; b < blocks; b += kThreads) {
    const float2 found = partial[e.first_block + b];
    first += found.x;
    second += found.y;
  }
  double* const scratch = shared_memory<double>();
  first = block_sum(first, scratch);
  second = block_sum(second, scratch);
  if (threadIdx.x == 0)
    ratios[blockIdx.x] = Method::ratio(first, second, read_row<typename Method::Hypers>(hypers, e.row));
}

float* address_of(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

/// Fills lists of up to kTensors tensors that are not empty, and calls launch_list(list, blocks) for each.
template <class LaunchList>
void for_each_list(std::span<const OptimizerTensors> tensors, const LaunchList& launch_list) {
  TensorList list{};
  unsigned blocks = 0;
  const auto flush = [&] {
    if (list.count > 0) launch_list(list, blocks);
    list.count = 0;
    blocks = 0;
  };
  for (const OptimizerTensors& t : tensors) {
    const int64_t count = t.param.numel();
    if (count == 0) continue;
    list.entries[list.count++] = {address_of(t.param),
                                  address_of(t.average),
                                  address_of(t.average_squared),
                                  t.grad.data<float>(),
                                  count,
                                  static_cast<int32_t>(t.row),
                                  blocks};
    blocks += blocks_for(count, kChunk);
    if (list.count == kTensors) flush();
  }
  flush();
}

/// One launch for each list.
template <class Method>
void step(const char* kernel, std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  for_each_list(tensors, [&](const TensorList& list, unsigned blocks) {
    launch(stream_for(hypers), {kernel, blocks, kThreads}, step_tensors<Method>, list, hypers.data<float>(), nullptr);
  });
}

/// The kernels of a method with norms, by name.
struct NormKernels {
  const char *sum, *finish, *step;
};

/// Three launches for each list.
template <class Method>
void step_by_norms(const NormKernels& kernels, std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  constexpr size_t kScratch = kThreads / kWarpSize * sizeof(double);
  const Stream stream = stream_for(hypers);
  const float* const rows = hypers.data<float>();
  for_each_list(tensors, [&](const TensorList& list, unsigned blocks) {
    const Tensor partial = empty({int64_t{blocks}, 2}, {.device = hypers.device()});
    const Tensor ratios = empty({list.count}, {.device = hypers.device()});
    auto* const sums = reinterpret_cast<float2*>(partial.data<float>());
    launch(stream, {kernels.sum, blocks, kThreads, kScratch}, sum_squares<Method>, sums, list, rows);
    launch(stream, {kernels.finish, static_cast<unsigned>(list.count), kThreads, kScratch}, finish_ratios<Method>,
           ratios.data<float>(), sums, list, rows);
    launch(stream, {kernels.step, blocks, kThreads}, step_tensors<Method>, list, rows, ratios.data<float>());
  });
}

}  // namespace

void sgd_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  step<Sgd>("sgd_step", tensors, hypers);
}
void adam_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  step<Adam>("adam_step", tensors, hypers);
}
void rmsprop_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  step<RmsProp>("rmsprop_step", tensors, hypers);
}
void lamb_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  step_by_norms<Lamb>({"lamb_sum_squares", "lamb_finish_ratios", "lamb_step"}, tensors, hypers);
}
void lars_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  step_by_norms<Lars>({"lars_sum_squares", "lars_finish_ratios", "lars_step"}, tensors, hypers);
}

}  // namespace gw::kernels::cuda
