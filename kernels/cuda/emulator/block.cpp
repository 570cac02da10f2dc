#include "kernels/cuda/emulator/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/context/fiber.hpp>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "kernels/cuda/emulator/fiber_switch.h"
#include "kernels/cuda/emulator/poison.h"

constinit thread_local uint3 threadIdx{}, blockIdx{};
constinit thread_local dim3 blockDim{}, gridDim{};

namespace gw::emulator {
namespace {

constexpr int kWarp = 32;

enum class State { ready, at_barrier, at_warp_operation, finished };
enum class WarpOperation { none, sync, ballot, shuffle, match };

const char* name_of(WarpOperation operation) {
  switch (operation) {
    case WarpOperation::sync:
      return "__syncwarp";
    case WarpOperation::ballot:
      return "vote";
    case WarpOperation::shuffle:
      return "shuffle";
    case WarpOperation::match:
      return "match";
    case WarpOperation::none:
      break;
  }
  return "warp operation";
}

/// One CUDA thread.
struct Thread {
  Fiber fiber;
  uint3 index{};
  State state = State::ready;
  int predicate = 0;  // brought to a block barrier
  // Brought to a warp operation, and what it gave.
  WarpOperation operation = WarpOperation::none;
  unsigned mask = 0;
  uint64_t value = 0;
  int source_lane = 0;
  uint64_t result = 0;
};

/// A block while it runs.
class Block {
 public:
  Block(const LaunchShape& shape, const std::function<void()>& body, uint64_t order)
      : shape_(shape), body_(body), shuffled_(order != 0), random_(order) {
    const auto count = static_cast<size_t>(shape.block.x) * shape.block.y * shape.block.z;
    threads_ = std::vector<Thread>(count);
    size_t i = 0;
    for (unsigned z = 0; z < shape.block.z; ++z)
      for (unsigned y = 0; y < shape.block.y; ++y)
        for (unsigned x = 0; x < shape.block.x; ++x) threads_[i++].index = {x, y, z};
    if (shape.shared_bytes > 0) {
      shared_.reset(static_cast<std::byte*>(::operator new (shape.shared_bytes, std::align_val_t{128})));
      poison(shared_.get(), shape.shared_bytes);
    }
  }

  void run();
  void* shared() { return shared_.get(); }
  int lane() const { return static_cast<int>(current_ % kWarp); }

  /// The count of threads whose predicate is not 0.
  int barrier(int predicate);
  uint64_t warp_operation(WarpOperation operation, unsigned mask, uint64_t value, int source_lane);
  unsigned active_mask() const;

 private:
  struct SharedDeleter {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{128}); }
  };

  void resume(size_t thread);
  void wait(State state);
  void release_barrier();
  void complete_warp_operation(size_t thread);
  [[noreturn]] void report_stuck() const;
  size_t count(State state) const {
    return static_cast<size_t>(
        std::count_if(threads_.begin(), threads_.end(), [&](const Thread& t) { return t.state == state; }));
  }
  size_t warp_start(size_t thread) const { return thread / kWarp * kWarp; }

  const LaunchShape& shape_;
  const std::function<void()>& body_;
  bool shuffled_;
  std::mt19937_64 random_;
  std::vector<Thread> threads_;
  std::unique_ptr<std::byte, SharedDeleter> shared_;
  size_t current_ = 0;
  size_t finished_ = 0, at_barrier_ = 0;
  int barrier_count_ = 0;
};

thread_local Block* running = nullptr;

void Block::run() {
  running = this;
  std::vector<size_t> order(threads_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  while (finished_ < threads_.size()) {
    if (shuffled_) std::shuffle(order.begin(), order.end(), random_);
    bool progress = false;
    for (const size_t i : order) {
      if (threads_[i].state != State::ready) continue;
      resume(i);
      progress = true;
    }
    if (progress) continue;
    if (at_barrier_ != threads_.size()) report_stuck();
    release_barrier();
  }
  running = nullptr;
}

void Block::resume(size_t i) {
  Thread& t = threads_[i];
  current_ = i;
  threadIdx = t.index;
  if (!t.fiber.started()) t.fiber.start(body_);
  t.fiber.resume();
  if (!t.fiber.finished()) return;
  t.state = State::finished;
  ++finished_;
  t.fiber.rethrow();
}

/// Gives the CPU to the other threads until this one is ready again.
void Block::wait(State state) {
  Thread& t = threads_[current_];
  t.state = state;
  t.fiber.suspend();
}

int Block::barrier(int predicate) {
  threads_[current_].predicate = predicate;
  ++at_barrier_;
  wait(State::at_barrier);
  return barrier_count_;
}

void Block::release_barrier() {
  barrier_count_ = 0;
  at_barrier_ = 0;
  for (Thread& t : threads_) {
    barrier_count_ += t.predicate != 0;
    t.state = State::ready;
  }
}

uint64_t Block::warp_operation(WarpOperation operation, unsigned mask, uint64_t value, int source_lane) {
  Thread& t = threads_[current_];
  if (!(mask >> lane() & 1u))
    throw KernelError(fmt::format("{}: thread {} calls a {} whose mask {:#010x} does not name it", shape_.kernel,
                                  current_, name_of(operation), mask));
  t.operation = operation;
  t.mask = mask;
  t.value = value;
  t.source_lane = source_lane;
  t.state = State::at_warp_operation;
  complete_warp_operation(current_);
  if (t.state == State::at_warp_operation) t.fiber.suspend();
  return t.result;
}

/// If all threads that the mask names have come to the same operation, gives each its result and lets them go on.
void Block::complete_warp_operation(size_t thread) {
  const Thread& caller = threads_[thread];
  const size_t start = warp_start(thread);
  std::array<Thread*, kWarp> lanes{};
  for (size_t lane = 0; lane < kWarp; ++lane) {
    if (!(caller.mask >> lane & 1u)) continue;
    if (start + lane >= threads_.size()) return;
    Thread& t = threads_[start + lane];
    const bool here = t.state == State::at_warp_operation && t.operation == caller.operation && t.mask == caller.mask;
    if (!here) return;
    lanes[lane] = &t;
  }
  unsigned votes = 0;
  for (size_t lane = 0; lane < kWarp; ++lane)
    if (lanes[lane] && lanes[lane]->value != 0) votes |= 1u << lane;
  for (Thread* t : lanes) {
    if (!t) continue;
    t->state = State::ready;
    t->result = votes;
    if (t->operation == WarpOperation::shuffle) {
      const Thread* source = lanes[static_cast<size_t>(t->source_lane)];
      if (!source)
        throw KernelError(fmt::format("{}: a shuffle reads from lane {}, which its mask {:#010x} does not name",
                                      shape_.kernel, t->source_lane, t->mask));
      t->result = source->value;
    }
    if (t->operation == WarpOperation::match) {
      unsigned same = 0;
      for (size_t lane = 0; lane < kWarp; ++lane)
        if (lanes[lane] && lanes[lane]->value == t->value) same |= 1u << lane;
      t->result = same;
    }
  }
}

unsigned Block::active_mask() const {
  unsigned mask = 0;
  const size_t start = warp_start(current_);
  for (size_t lane = 0; lane < kWarp && start + lane < threads_.size(); ++lane)
    if (threads_[start + lane].state != State::finished) mask |= 1u << lane;
  return mask;
}

/// Throws the error that says why no thread can go on.
void Block::report_stuck() const {
  const size_t finished = count(State::finished);
  for (size_t i = 0; i < threads_.size(); ++i) {
    const Thread& t = threads_[i];
    if (t.state != State::at_warp_operation) continue;
    throw KernelError(fmt::format(
        "{}: thread {} waits at a {} with mask {:#010x}, but not all the threads that it names come ({} of {} ended)",
        shape_.kernel, i, name_of(t.operation), t.mask, finished, threads_.size()));
  }
  throw KernelError(fmt::format("{}: {} of {} threads wait at a __syncthreads that the others never reach ({} ended)",
                                shape_.kernel, count(State::at_barrier), threads_.size(), finished));
}

Block& block() {
  if (!running) throw KernelError("a device function was called outside of a kernel");
  return *running;
}

}  // namespace

void run_block(const LaunchShape& shape, uint3 block_index, const std::function<void()>& thread, uint64_t order) {
  blockIdx = block_index;
  blockDim = shape.block;
  gridDim = shape.grid;
  Block b(shape, thread, order);
  try {
    b.run();
  } catch (...) {
    running = nullptr;
    throw;
  }
}

void* shared_memory() { return block().shared(); }
int lane() { return block().lane(); }
uint64_t shuffle(unsigned mask, uint64_t value, int lane) {
  return block().warp_operation(WarpOperation::shuffle, mask, value, lane);
}

}  // namespace gw::emulator

using gw::emulator::WarpOperation;

void __syncthreads() { gw::emulator::block().barrier(0); }
int __syncthreads_count(int predicate) { return gw::emulator::block().barrier(predicate); }
int __syncthreads_or(int predicate) { return gw::emulator::block().barrier(predicate) != 0; }
int __syncthreads_and(int predicate) { return gw::emulator::block().barrier(!predicate) == 0; }
void __syncwarp(unsigned mask) { gw::emulator::block().warp_operation(WarpOperation::sync, mask, 0, 0); }
unsigned __activemask() { return gw::emulator::block().active_mask(); }
unsigned __ballot_sync(unsigned mask, int predicate) {
  return static_cast<unsigned>(
      gw::emulator::block().warp_operation(WarpOperation::ballot, mask, predicate != 0 ? 1 : 0, 0));
}
unsigned __match_any_sync(unsigned mask, uint64_t value) {
  return static_cast<unsigned>(gw::emulator::block().warp_operation(WarpOperation::match, mask, value, 0));
}
