// Fused optimizer steps: one launch updates up to kTensors parameters, however unequal they are, so that a network
// takes one or two. The list of tensors travels in the launch's arguments, and the schedule's values are read from
// device memory: a captured launch can be repeated with other values. Memory-bound: SGD moves 12 bytes an element, with
// momentum 20, Adam 28.
#include "kernels/cuda/optimizer.h"

#include "kernels/cuda/primitives.h"

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

/// SGD, and with momentum for tensors that have an average.
struct Sgd {
  using Hypers = math::SgdHypers;
  static constexpr bool kSquared = false;
  __device__ static void update(float& p, float g, float& average, float&, bool has_average, const Hypers& h) {
    if (has_average)
      math::momentum_update(p, g, average, h);
    else
      math::sgd_update(p, g, h);
  }
};

struct Adam {
  using Hypers = math::AdamHypers;
  static constexpr bool kSquared = true;
  __device__ static void update(float& p, float g, float& average, float& squared, bool, const Hypers& h) {
    math::adam_update(p, g, average, squared, h);
  }
};

/// Updates N neighbouring elements, each array with one access.
template <class Method, int N>
__device__ void update_pack(const Entry& e, int64_t i, const typename Method::Hypers& h) {
  using P = Pack<float, N>;
  P p = *reinterpret_cast<const P*>(e.param + i), average{}, squared{};
  const P g = *reinterpret_cast<const P*>(e.grad + i);
  const bool has_average = e.average != nullptr;
  if (has_average) average = *reinterpret_cast<const P*>(e.average + i);
  if constexpr (Method::kSquared) squared = *reinterpret_cast<const P*>(e.average_squared + i);
#pragma unroll
  for (int k = 0; k < N; ++k) Method::update(p.at[k], g.at[k], average.at[k], squared.at[k], has_average, h);
  *reinterpret_cast<P*>(e.param + i) = p;
  if (has_average) *reinterpret_cast<P*>(e.average + i) = average;
  if constexpr (Method::kSquared) *reinterpret_cast<P*>(e.average_squared + i) = squared;
}

/// A block updates kChunk elements of one tensor, a thread four packs of four; tensors that are not aligned to packs
/// element by element.
template <class Method>
__global__ void __launch_bounds__(kThreads) step_tensors(const __grid_constant__ TensorList list, const float* hypers) {
  const Entry& e = list.entries[entry_of_block(list)];
  const auto h = read_row<typename Method::Hypers>(hypers, e.row);
  const int64_t start = static_cast<int64_t>(blockIdx.x - e.first_block) * kChunk;
  const int64_t end = start + kChunk < e.count ? start + kChunk : e.count;
  const auto bits = reinterpret_cast<uintptr_t>(e.param) | reinterpret_cast<uintptr_t>(e.grad) |
                    reinterpret_cast<uintptr_t>(e.average) | reinterpret_cast<uintptr_t>(e.average_squared);
  if (bits % sizeof(Pack<float, kPack>) != 0) {
    for (int64_t i = start + threadIdx.x; i < end; i += kThreads) update_pack<Method, 1>(e, i, h);
    return;
  }
#pragma unroll
  for (int64_t i = start + int64_t{kPack} * threadIdx.x; i < start + kChunk; i += int64_t{kPack} * kThreads) {
    if (i + kPack <= end) {
      update_pack<Method, kPack>(e, i, h);
    } else {
      for (int64_t k = i; k < end; ++k) update_pack<Method, 1>(e, k, h);
    }
  }
}

float* address_of(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

/// One launch for each kTensors tensors that are not empty.
template <class Method>
void step(const char* kernel, std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  TensorList list{};
  unsigned blocks = 0;
  const auto flush = [&] {
    launch(stream_for(hypers), {kernel, blocks, kThreads}, step_tensors<Method>, list, hypers.data<float>());
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

}  // namespace

void sgd_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  step<Sgd>("sgd_step", tensors, hypers);
}
void adam_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  step<Adam>("adam_step", tensors, hypers);
}

}  // namespace gw::kernels::cuda
