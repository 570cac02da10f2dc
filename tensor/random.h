// The random generator: a seed and a position in the stream of Philox 4x32-10.
#pragma once

#include <cstdint>

namespace gw {

/// Where a kernel reads its random numbers: element i takes word i % 4 of block `offset` + i / 4 of the stream of
/// `seed`.
struct PhiloxState {
  uint64_t seed = 0;
  uint64_t offset = 0;
};

/// A counter-based generator (Philox 4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Its
/// state is two numbers, so saving and restoring it continues the stream exactly, and any element can be computed on
/// any device on its own.
class Generator {
 public:
  explicit Generator(uint64_t seed = 0) : state_{seed, 0} {}

  /// Starts the stream of `seed` from its beginning.
  void manual_seed(uint64_t seed) { state_ = {seed, 0}; }
  PhiloxState state() const { return state_; }
  void set_state(PhiloxState state) { state_ = state; }

  /// The state from which a kernel may draw `count` 32-bit words; the generator moves past them.
  PhiloxState reserve(int64_t count) {
    const PhiloxState start = state_;
    state_.offset += (static_cast<uint64_t>(count) + 3) / 4;
    return start;
  }
  /// One number, uniform in [0, 1), on the host.
  double uniform();

 private:
  PhiloxState state_;
};

/// The generator that is used where none is given.
Generator& default_generator();
/// Seeds the default generator.
void manual_seed(uint64_t seed);

}  // namespace gw
