#include "train/guards.h"

#include <fmt/format.h>

#include <cmath>
#include <csignal>

namespace gw {
namespace {

volatile std::sig_atomic_t interrupt_requested = 0;
void (*previous_handler)(int) = SIG_DFL;

void on_interrupt(int) {
  interrupt_requested = 1;
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace

void NanGuard::after_batch(Learner& learner) {
  if (!learner.training) return;
  // Reading a loss on the GPU waits for all that it was given, so that is done less often.
  const size_t between_checks = learner.loss.device().is_cpu() ? 16 : 256;
  epoch_ = learner.epoch;
  pending_.emplace_back(learner.step, learner.loss.detach());
  if (pending_.size() >= between_checks) check();
}

void NanGuard::after_epoch(Learner&) { check(); }

void NanGuard::check() {
  for (const auto& [step, loss] : std::exchange(pending_, {})) {
    const double value = loss.item();
    if (!std::isfinite(value))
      throw Error(fmt::format(
          "train: the loss became {} at step {} (epoch {}); training stops. A smaller learning rate may help", value,
          step, epoch_ + 1));
  }
}

void InterruptGuard::before_fit(Learner&) {
  interrupt_requested = 0;
  previous_handler = std::signal(SIGINT, on_interrupt);
}

void InterruptGuard::after_batch(Learner&) {
  if (interrupt_requested) throw CancelFit{};
}

void InterruptGuard::cleanup_fit(Learner&) { std::signal(SIGINT, previous_handler); }

bool InterruptGuard::interrupted() { return interrupt_requested != 0; }

}  // namespace gw
