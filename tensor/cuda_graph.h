// A captured sequence of device work that can be replayed at the cost of one launch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "tensor/device.h"
#include "tensor/random.h"

namespace gw::cuda {

/// Work of one device, captured once and replayed as often as wanted. It replays with the addresses and arguments that
/// it was captured with: inputs are changed by writing into the same tensors, results appear in the same tensors.
/// Random numbers go on: each replay draws what an eager run would have drawn from `generator` next.
class Graph {
 public:
  /// DeviceError unless the device is a CUDA device that is there.
  explicit Graph(Device device, Generator& generator = default_generator());
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Records what `body` gives to the device, without doing it. Nothing in it may wait for the device (DeviceError).
  /// Memory that it allocates stays with the graph.
  void capture(const std::function<void()>& body);
  /// Does what was captured.
  void replay();
  /// How many operations were captured: kernels, copies and fills.
  int64_t nodes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::cuda
