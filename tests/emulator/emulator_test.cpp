// The emulator's own tests: what kernels can do under it, and that it finds the mistakes that it promises to find.
#if GROUNDWORK_EMULATE_CUDA
#include "kernels/cuda/emulator/emulator.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/primitives.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

using kernels::cuda::kAllLanes;
using kernels::cuda::launch;
using kernels::cuda::shared_memory;
using kernels::cuda::stream_for;

const Device kCuda{DeviceType::cuda, 0};

/// Puts the natural order back.
struct EmulatorTest : testing::Test {
  ~EmulatorTest() override { emulator::set_seed(0); }
};

Tensor device_empty(int64_t n) { return empty({n}, {.device = kCuda}); }

void write_indices(float* out) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = static_cast<float>(i);
}

TEST_F(EmulatorTest, ThreadsKnowTheirPlace) {
  const Tensor out = device_empty(96);
  launch(stream_for(out), {"write_indices", 3, 32}, write_indices, out.data<float>());
  const std::vector<float> values = out.to_vector<float>();
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<float>(i));
}

void place_in_three_dimensions(float* out) {
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = 1;
}

TEST_F(EmulatorTest, GridsAndBlocksHaveThreeDimensions) {
  const Tensor out = zeros({24 * 12}, {.device = kCuda});
  launch(stream_for(out), {"place", dim3(2, 3, 4), dim3(3, 2, 2)}, place_in_three_dimensions, out.data<float>());
  for (const float v : out.to_vector<float>()) EXPECT_EQ(v, 1);
}

/// Each thread gives its number to its mirror image through shared memory.
void reverse(float* out, const float* in) {
  float* values = shared_memory<float>();
  values[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}

void reverse_without_barrier(float* out, const float* in) {
  float* values = shared_memory<float>();
  values[threadIdx.x] = in[threadIdx.x];
  out[threadIdx.x] = 2 * values[blockDim.x - 1 - threadIdx.x];
}

TEST_F(EmulatorTest, BarriersSeparateWritesFromReads) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    emulator::set_seed(seed);
    const Tensor in = arange(0, 70, 1, {.device = kCuda}), out = device_empty(70);
    launch(stream_for(out), {"reverse", 1, 70, 70 * sizeof(float)}, reverse, out.data<float>(), in.data<float>());
    EXPECT_EQ(out.to_vector<float>()[0], 69);
    EXPECT_EQ(out.to_vector<float>()[69], 0);
  }
}

TEST_F(EmulatorTest, FindsAMissingBarrier) {
  const Tensor in = arange(0, 64, 1, {.device = kCuda}), out = device_empty(64);
  const std::string message = message_of<emulator::KernelError>([&] {
    launch(stream_for(out), {"reverse_without_barrier", 1, 64, 64 * sizeof(float)}, reverse_without_barrier,
           out.data<float>(), in.data<float>());
  });
  EXPECT_NE(message.find("reverse_without_barrier: computed with memory that nobody wrote"), std::string::npos)
      << message;
}

/// The last writer wins, whoever that is.
void race(float* out) {
  float* last = shared_memory<float>();
  last[0] = static_cast<float>(threadIdx.x);
  __syncthreads();
  if (threadIdx.x == 0) out[0] = last[0];
}

TEST_F(EmulatorTest, OrderOfThreadsFollowsTheSeed) {
  const auto winner = [](uint64_t seed) {
    emulator::set_seed(seed);
    const Tensor out = device_empty(1);
    launch(stream_for(out), {"race", 1, 64, sizeof(float)}, race, out.data<float>());
    return out.item();
  };
  EXPECT_EQ(winner(0), 63);
  bool differs = false;
  for (uint64_t seed = 1; seed < 10; ++seed) differs |= winner(seed) != 63;
  EXPECT_TRUE(differs);
}

void barrier_for_half() {
  if (threadIdx.x < 16) __syncthreads();
}

TEST_F(EmulatorTest, FindsABarrierThatNotAllReach) {
  const Tensor any = device_empty(1);
  const std::string message = message_of<emulator::KernelError>([&] {
    launch(stream_for(any), {"barrier_for_half", 1, 32}, barrier_for_half);
  });
  EXPECT_NE(message.find("barrier_for_half: 16 of 32 threads wait at a __syncthreads"), std::string::npos) << message;
}

void shuffle_with_the_absent(float* out) {
  if (threadIdx.x >= 16) return;
  out[threadIdx.x] = __shfl_xor_sync(kAllLanes, 1.0f, 1);
}

TEST_F(EmulatorTest, FindsAShuffleWhoseMaskNamesAbsentThreads) {
  const Tensor out = device_empty(32);
  const std::string message = message_of<emulator::KernelError>([&] {
    launch(stream_for(out), {"shuffle_absent", 1, 32}, shuffle_with_the_absent, out.data<float>());
  });
  EXPECT_NE(message.find("shuffle_absent: thread 0 waits at a shuffle"), std::string::npos) << message;
}

void shuffle_outside_the_mask(float* out) { out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0); }

TEST_F(EmulatorTest, FindsAShuffleByAThreadThatItsMaskLeavesOut) {
  const Tensor out = device_empty(32);
  const std::string message = message_of<emulator::KernelError>([&] {
    launch(stream_for(out), {"outside", 1, 32}, shuffle_outside_the_mask, out.data<float>());
  });
  EXPECT_NE(message.find("whose mask 0x0000ffff does not name it"), std::string::npos) << message;
}

void double_all(float* out, const float* in) { out[threadIdx.x] = 2 * in[threadIdx.x]; }

TEST_F(EmulatorTest, FindsDeviceMemoryReadBeforeItWasWritten) {
  const Tensor in = device_empty(32), out = device_empty(32);
  const std::string message = message_of<emulator::KernelError>([&] {
    launch(stream_for(out), {"double_all", 1, 32}, double_all, out.data<float>(), in.data<float>());
  });
  EXPECT_NE(message.find("double_all: computed with memory that nobody wrote"), std::string::npos) << message;
}

TEST_F(EmulatorTest, FindsACopyOfWhatNobodyWrote) {
  const Tensor never_written = device_empty(8);
  EXPECT_NE(message_of<emulator::KernelError>([&] { never_written.to_vector<float>(); }).find("never written"),
            std::string::npos);
}

#if defined(__SANITIZE_ADDRESS__)
void write_past_the_end(float* out) { out[threadIdx.x] = 1; }

TEST_F(EmulatorTest, AddressSanitizerFindsWritesPastTheEnd) {
  const Tensor out = device_empty(30);
  EXPECT_DEATH(launch(stream_for(out), {"write_past_the_end", 1, 32}, write_past_the_end, out.data<float>()),
               "heap-buffer-overflow");
}

void write_past_shared() { shared_memory<float>()[threadIdx.x] = 1; }

TEST_F(EmulatorTest, AddressSanitizerFindsWritesPastSharedMemory) {
  const Tensor any = device_empty(1);
  EXPECT_DEATH(launch(stream_for(any), {"write_past_shared", 1, 32, 31 * sizeof(float)}, write_past_shared),
               "heap-buffer-overflow");
}
#endif

void warp_operations(int* out) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  int* const mine = out + threadIdx.x * 8;
  mine[0] = __shfl_sync(kAllLanes, lane, 5);
  mine[1] = __shfl_up_sync(kAllLanes, lane, 1);
  mine[2] = __shfl_down_sync(kAllLanes, lane, 2);
  mine[3] = __shfl_xor_sync(kAllLanes, lane, 3, 8);
  mine[4] = __popc(__ballot_sync(kAllLanes, lane < 7));
  mine[5] = __any_sync(kAllLanes, lane == 31);
  mine[6] = __all_sync(kAllLanes, lane < 31);
  mine[7] = __popc(__match_any_sync(kAllLanes, static_cast<uint64_t>(lane / 4)));
}

TEST_F(EmulatorTest, WarpOperations) {
  for (const uint64_t seed : {0, 3}) {
    emulator::set_seed(seed);
    const Tensor out = empty({64 * 8}, {.dtype = DType::i32, .device = kCuda});
    launch(stream_for(out), {"warp_operations", 1, 64}, warp_operations, out.data<int32_t>());
    const std::vector<int32_t> v = out.to_vector<int32_t>();
    for (int t = 0; t < 64; ++t) {
      const int lane = t % 32;
      const std::vector<int32_t> expected{
          5, lane == 0 ? 0 : lane - 1, lane + 2 < 32 ? lane + 2 : lane, lane ^ 3, 7, 1, 0, 4};
      for (int i = 0; i < 8; ++i) EXPECT_EQ(v[static_cast<size_t>(t * 8 + i)], expected[static_cast<size_t>(i)]);
    }
  }
}

void count_by_barrier(int* out) {
  const int i = static_cast<int>(threadIdx.x);
  out[3 * i] = __syncthreads_count(i < 10);
  out[3 * i + 1] = __syncthreads_and(i < 100) != 0;
  out[3 * i + 2] = __syncthreads_or(i == 100) != 0;
}

TEST_F(EmulatorTest, CountingBarriers) {
  const Tensor out = empty({3 * 48}, {.dtype = DType::i32, .device = kCuda});
  launch(stream_for(out), {"count_by_barrier", 1, 48}, count_by_barrier, out.data<int32_t>());
  const std::vector<int32_t> v = out.to_vector<int32_t>();
  for (size_t i = 0; i < v.size(); i += 3) {
    EXPECT_EQ(v[i], 10);
    EXPECT_EQ(v[i + 1], 1);
    EXPECT_EQ(v[i + 2], 0);
  }
}

void count_atomically(int* count, float* sum) {
  atomicAdd(count, 1);
  atomicAdd(sum, 0.5f);
}

TEST_F(EmulatorTest, AtomicsCountAcrossBlocks) {
  const Tensor count = zeros({}, {.dtype = DType::i32, .device = kCuda}), sum = zeros({}, {.device = kCuda});
  launch(stream_for(count), {"count_atomically", 50, 64}, count_atomically, count.data<int32_t>(), sum.data<float>());
  EXPECT_EQ(count.item(), 3200);
  EXPECT_EQ(sum.item(), 1600);
}

void sum_of_block(float* out, const float* in) {
  const float total = kernels::cuda::block_sum(in[threadIdx.x], shared_memory<float>());
  out[threadIdx.x] = total;
}

TEST_F(EmulatorTest, BlockSumGivesEveryThreadTheSum) {
  emulator::set_seed(7);
  const Tensor in = arange(0, 256, 1, {.device = kCuda}), out = device_empty(256);
  launch(stream_for(out), {"sum_of_block", 1, 256, 8 * sizeof(float)}, sum_of_block, out.data<float>(),
         in.data<float>());
  for (const float v : out.to_vector<float>()) EXPECT_EQ(v, 255 * 128);
}

TEST_F(EmulatorTest, ACapturedGraphRunsOnlyWhenReplayed) {
  const Tensor out = zeros({4}, {.device = kCuda}), in = ones({4}, {.device = kCuda});
  const kernels::cuda::Stream stream = stream_for(out);
  cuda::check(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal), "begin");
  launch(stream, {"double_all", 1, 4}, double_all, out.data<float>(), in.data<float>());
  EXPECT_EQ(cudaStreamSynchronize(stream.handle), cudaErrorStreamCaptureUnsupported);
  cudaGraph_t graph;
  cuda::check(cudaStreamEndCapture(stream.handle, &graph), "end");
  EXPECT_EQ(out.to_vector<float>()[0], 0);
  cudaGraphExec_t executable;
  cuda::check(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
  cuda::check(cudaGraphLaunch(executable, stream.handle), "launch");
  EXPECT_EQ(out.to_vector<float>()[0], 2);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
}

TEST_F(EmulatorTest, MemoryThatDoesNotFitIsAnErrorThatSaysHowMuch) {
  const std::string message =
      message_of<DeviceError>([] { empty({int64_t{1} << 40}, {.dtype = DType::u8, .device = kCuda}); });
  EXPECT_NE(message.find("no memory for 1099511627776 bytes on cuda:0"), std::string::npos) << message;
}

}  // namespace
}  // namespace gw
#endif
