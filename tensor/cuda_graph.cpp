#include "tensor/cuda_graph.h"

#include "tensor/cuda_runtime.h"

namespace gw::cuda {

struct Graph::State {
  Device device;
  Generator& generator;
  cudaStream_t stream;
  std::shared_ptr<GraphMemory> memory;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  uint64_t captured_offset = 0;  // of the generator
  uint64_t drawn = 0;            // blocks of random numbers in one replay
};

Graph::Graph(Device device, Generator& generator)
    : state_(new State{device, generator, stream_of(device), make_graph_memory(device)}) {}

Graph::~Graph() {
  // The last replay may still run.
  cudaStreamSynchronize(state_->stream);
  if (state_->executable) cudaGraphExecDestroy(state_->executable);
  if (state_->graph) cudaGraphDestroy(state_->graph);
}

void Graph::capture(const std::function<void()>& body) {
  State& s = *state_;
  const DeviceGuard guard(s.device);
  s.captured_offset = s.generator.state().offset;
  {
    const UseGraphMemory use(s.device, s.memory);
    check(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    try {
      body();
    } catch (...) {
      cudaStreamEndCapture(s.stream, &s.graph);
      throw;
    }
    check(cudaStreamEndCapture(s.stream, &s.graph), "cudaStreamEndCapture");
  }
  s.drawn = s.generator.state().offset - s.captured_offset;
  // Nothing was drawn yet: the first replay does that.
  s.generator.set_state({s.generator.state().seed, s.captured_offset});
  check(cudaGraphInstantiate(&s.executable, s.graph, 0), "cudaGraphInstantiate");
}

void Graph::replay() {
  State& s = *state_;
  if (!s.executable) throw DeviceError("Graph: replay before capture");
  const DeviceGuard guard(s.device);
  PhiloxState now = s.generator.state();
  if (s.drawn > 0) set_random_offset(s.device, now.offset - s.captured_offset);
  check(cudaGraphLaunch(s.executable, s.stream), "cudaGraphLaunch");
  now.offset += s.drawn;
  s.generator.set_state(now);
}

int64_t Graph::nodes() const {
  size_t count = 0;
  if (state_->graph) check(cudaGraphGetNodes(state_->graph, nullptr, &count), "cudaGraphGetNodes");
  return static_cast<int64_t>(count);
}

}  // namespace gw::cuda
