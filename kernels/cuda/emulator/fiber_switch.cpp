#include "kernels/cuda/emulator/fiber_switch.h"

#include <cstdlib>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace gw::emulator {
namespace {

/// Kernels keep little on their stack; instrumented code keeps several times as much.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStackBytes = 128 * 1024;
#else
constexpr size_t kStackBytes = 32 * 1024;
#endif

/// Keeps the stacks of ended fibers for the next ones of this thread of the CPU.
class StackPool {
 public:
  ~StackPool() {
    for (void* stack : free_) std::free(stack);
  }
  void* take() {
    if (free_.empty()) return std::aligned_alloc(64, kStackBytes);
    void* stack = free_.back();
    free_.pop_back();
    return stack;
  }
  void give_back(void* stack) { free_.push_back(stack); }

 private:
  std::vector<void*> free_;
};

thread_local StackPool stacks;

/// Boost.Context's view of the pool.
struct PooledStack {
  boost::context::stack_context allocate() {
    void* stack = stacks.take();
    if (!stack) throw std::bad_alloc();
    boost::context::stack_context context;
    context.size = kStackBytes;
    context.sp = static_cast<char*>(stack) + kStackBytes;
    return context;
  }
  void deallocate(boost::context::stack_context& context) {
    stacks.give_back(static_cast<char*>(context.sp) - kStackBytes);
  }
};

void announce_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] const void* stack,
                     [[maybe_unused]] size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
#endif
}

void finish_switch([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void** from,
                   [[maybe_unused]] size_t* bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, from, bytes);
#endif
}

/// Thrown inside a body that is given up, to leave it. (Boost.Context has its own such exception, but it would switch
/// stacks without telling AddressSanitizer.)
struct Abandoned {};

}  // namespace

Fiber::~Fiber() {
  if (!started_ || finished_) return;
  abandoned_ = true;
  resume();
}

void Fiber::start(const std::function<void()>& body) {
  started_ = true;
  PooledStack allocator;
  const boost::context::stack_context context = allocator.allocate();
  stack_ = static_cast<char*>(context.sp) - kStackBytes;
  stack_bytes_ = kStackBytes;
  inside_ = boost::context::fiber(
      std::allocator_arg, boost::context::preallocated(context.sp, context.size, context), allocator,
      [this, &body](boost::context::fiber&& caller) { return run(body, std::move(caller)); });
}

boost::context::fiber Fiber::run(const std::function<void()>& body, boost::context::fiber&& caller) {
  finish_switch(nullptr, &caller_stack_, &caller_stack_bytes_);
  outside_ = std::move(caller);
  try {
    body();
  } catch (const Abandoned&) {
  } catch (...) {
    error_ = std::current_exception();
  }
  finished_ = true;
  announce_switch(nullptr, caller_stack_, caller_stack_bytes_);  // for good
  return std::move(outside_);
}

void Fiber::resume() {
  void* fake_stack = nullptr;
  announce_switch(&fake_stack, stack_, stack_bytes_);
  inside_ = std::move(inside_).resume();
  finish_switch(fake_stack, nullptr, nullptr);
}

void Fiber::suspend() {
  announce_switch(&fake_stack_, caller_stack_, caller_stack_bytes_);
  outside_ = std::move(outside_).resume();
  finish_switch(fake_stack_, &caller_stack_, &caller_stack_bytes_);
  if (abandoned_) throw Abandoned{};
}

}  // namespace gw::emulator
