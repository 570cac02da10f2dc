#include "train/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace gw {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// "1:05" or "1:02:03".
std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

std::string bar_text(int64_t done, int64_t all) {
  constexpr int64_t kWidth = 24;
  const auto filled = static_cast<size_t>(all > 0 ? kWidth * done / all : kWidth);
  return std::string(filled, '#') + std::string(static_cast<size_t>(kWidth) - filled, '.');
}

}  // namespace

ProgressCallback::ProgressCallback(std::FILE* out, std::string unit)
    : out_(out), unit_(std::move(unit)), terminal_(isatty(fileno(out)) == 1) {}

void ProgressCallback::before_fit(Learner& learner) {
  batches_done_ = 0;
  batches_in_all_ = (learner.epochs - learner.epoch) * (learner.train_loader.size() + learner.valid_loader.size());
  fit_start_ = Clock::now();
}

void ProgressCallback::before_epoch(Learner&) {
  items_ = 0;
  epoch_start_ = last_drawn_ = Clock::now();
}

void ProgressCallback::after_batch(Learner& learner) {
  items_ += learner.batch.y.numel();
  ++batches_done_;
  constexpr double kRedrawSeconds = 0.2;
  if (terminal_ && seconds_since(last_drawn_) >= kRedrawSeconds) draw_bar(learner, seconds_since(epoch_start_));
}

void ProgressCallback::draw_bar(const Learner& learner, double seconds) {
  const int64_t done = learner.iteration + 1, all = learner.loader->size();
  const double left = seconds_since(fit_start_) / static_cast<double>(batches_done_) *
                      static_cast<double>(batches_in_all_ - batches_done_);
  fmt::print(out_, "\r\x1b[Kepoch {}/{} {} [{}] {}/{}  loss {:.4f}  {:.0f} {}/s  {} left", learner.epoch + 1,
             learner.epochs, learner.split(), bar_text(done, all), done, all, learner.loss.item(),
             static_cast<double>(items_) / seconds, unit_, clock_text(left));
  std::fflush(out_);
  bar_drawn_ = true;
  last_drawn_ = Clock::now();
}

void ProgressCallback::after_epoch(Learner& learner) {
  erase_bar();
  const EpochReport& report = learner.report;
  std::string line =
      fmt::format("epoch {}/{}  {}  loss {:.4f}", learner.epoch + 1, learner.epochs, learner.split(), report.loss);
  for (const auto& [name, value] : report.metrics) line += fmt::format("  {} {:.4f}", name, value);
  line += fmt::format("  {:.1f} s  {:.0f} {}/s", report.seconds,
                      static_cast<double>(items_) / std::max(report.seconds, 1e-9), unit_);
  fmt::print(out_, "{}\n", line);
  std::fflush(out_);
}

void ProgressCallback::cleanup_epoch(Learner&) { erase_bar(); }

void ProgressCallback::erase_bar() {
  if (!bar_drawn_) return;
  fmt::print(out_, "\r\x1b[K");
  std::fflush(out_);
  bar_drawn_ = false;
}

}  // namespace gw
