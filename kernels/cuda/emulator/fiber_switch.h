// A fiber: a function that runs on a stack of its own and can stop in its middle. The switching is Boost.Context's;
// around it AddressSanitizer is told which stack is in use.
#pragma once

#include <boost/context/fiber.hpp>
#include <exception>
#include <functional>

namespace gw::emulator {

class Fiber {
 public:
  Fiber() = default;
  /// Ends the body where it stands, if it has not ended.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  bool started() const { return started_; }
  bool finished() const { return finished_; }
  /// Prepares to run `body`, which must outlive the fiber.
  void start(const std::function<void()>& body);
  /// Runs the body from where it stopped until it stops again or ends.
  void resume();
  /// Called inside the body: goes back to who resumed it.
  void suspend();
  /// Throws what the body threw, if it did.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  boost::context::fiber run(const std::function<void()>& body, boost::context::fiber&& caller);

  boost::context::fiber inside_, outside_;
  std::exception_ptr error_;
  bool started_ = false, finished_ = false, abandoned_ = false;
  // For AddressSanitizer: this fiber's stack, the caller's, and the "fake stacks" that it keeps for both.
  const void* stack_ = nullptr;
  size_t stack_bytes_ = 0;
  const void* caller_stack_ = nullptr;
  size_t caller_stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace gw::emulator
