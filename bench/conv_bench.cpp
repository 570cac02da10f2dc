// The convolutions of resnet-wide at batch 1024: each pass of each shape by each implementation, and all of them
// together, as one training step needs them. GFLOP/s count multiplications by real inputs only, not by padding.
//   conv_bench --benchmark_filter=step            the totals
//   conv_bench --benchmark_filter=f32/.*/direct   one implementation
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/tile_registers.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using kernels::ConvShape;
using kernels::cpu::ConvMethod;
using kernels::cpu::ConvPass;

ConvShape square(int64_t grid, int64_t in_c, int64_t out_c, int64_t kernel, int64_t stride) {
  const int64_t pad = kernel / 2, out = kernels::conv_output_size(grid, kernel, stride, pad, 1);
  return {.n = 1024,
          .in_c = in_c,
          .in_h = grid,
          .in_w = grid,
          .out_c = out_c,
          .out_h = out,
          .out_w = out,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_h = pad,
          .pad_w = pad};
}

// First block, then for each block conv1, conv2 (stride 2) and idconv (after the pool).
const std::vector<ConvShape>& resnet_wide() {
  static const std::vector<ConvShape> shapes = [] {
    std::vector<ConvShape> all = {square(28, 1, 16, 5, 1), square(28, 16, 16, 5, 1), square(28, 1, 16, 1, 1)};
    int64_t grid = 28;
    for (int64_t c = 16; c <= 256; c *= 2) {
      all.push_back(square(grid, c, 2 * c, 3, 1));
      all.push_back(square(grid, 2 * c, 2 * c, 3, 2));
      grid = (grid + 1) / 2;
      all.push_back(square(grid, c, 2 * c, 1, 1));
    }
    return all;
  }();
  return shapes;
}

/// Pairs of an output position and a tap that reads inside the input, along one axis.
int64_t valid_pairs(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
  int64_t pairs = 0;
  for (int64_t o = 0; o < out; ++o)
    for (int64_t k = 0; k < kernel; ++k) pairs += o * stride + k >= pad && o * stride + k - pad < in;
  return pairs;
}

double flops(const ConvShape& s) {
  return 2.0 *
         static_cast<double>(s.n * s.in_c * s.out_c * valid_pairs(s.in_h, s.out_h, s.kernel_h, s.stride_h, s.pad_h) *
                             valid_pairs(s.in_w, s.out_w, s.kernel_w, s.stride_w, s.pad_w));
}

struct Operands {
  Tensor x, y, w, b, dx, dw, db;

  Operands(const ConvShape& s, DType dtype) {
    const auto make = [](const Shape& shape, DType type) {
      Tensor t = randn(shape).to(type).contiguous(MemoryFormat::channels_last);
      return t;
    };
    x = make({s.n, s.in_c, s.in_h, s.in_w}, dtype);
    y = make({s.n, s.out_c, s.out_h, s.out_w}, dtype);
    w = make({s.out_c, s.in_c, s.kernel_h, s.kernel_w}, DType::f32);
    b = randn({s.out_c});
    dx = empty_like(x), dw = empty_like(w), db = empty_like(b);
  }
};

void run(ConvMethod method, ConvPass pass, const ConvShape& s, const Operands& t) {
  switch (pass) {
    case ConvPass::forward:
      return kernels::cpu::conv_forward(method, s, t.x, t.w, t.b, t.y);
    case ConvPass::backward_input:
      return kernels::cpu::conv_backward_input(method, s, t.y, t.w, t.dx);
    case ConvPass::backward_weight:
      return kernels::cpu::conv_backward_weight(method, s, t.x, t.y, t.dw, t.db);
  }
}

constexpr std::array kPasses = {ConvPass::forward, ConvPass::backward_input, ConvPass::backward_weight};
constexpr std::array kPassNames = {"forward", "backward_input", "backward_weight"};
constexpr std::array kMethods = {ConvMethod::direct, ConvMethod::tiles, ConvMethod::pixel_tiles, ConvMethod::onednn,
                                 ConvMethod::im2col};
constexpr std::array kMethodNames = {"direct", "tiles", "pixel_tiles", "onednn", "im2col"};

/// The first layers' input is data: nobody asks for its gradient.
bool needed(const ConvShape& s, ConvPass pass) { return pass != ConvPass::backward_input || s.in_c > 1; }

void one_pass(benchmark::State& state, ConvMethod method, ConvPass pass, const ConvShape& s, DType dtype) {
  const Operands t(s, dtype);
  run(method, pass, s, t);
  for (auto _ : state) run(method, pass, s, t);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops(s) * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

/// All convolutions of a training step; `method` none: those that the rule chooses.
void whole_step(benchmark::State& state, const ConvMethod* method, DType dtype) {
  std::vector<Operands> operands;
  for (const ConvShape& s : resnet_wide()) operands.emplace_back(s, dtype);
  const auto step = [&] {
    for (size_t i = 0; i < operands.size(); ++i)
      for (ConvPass pass : kPasses) {
        const ConvShape& s = resnet_wide()[i];
        if (needed(s, pass)) run(method ? *method : choose_conv_method(s, pass, dtype), pass, s, operands[i]);
      }
  };
  step();
  for (auto _ : state) step();
}

void register_all() {
  for (DType dtype : {DType::f32, DType::bf16}) {
    const std::string type(name_of(dtype));
    benchmark::RegisterBenchmark(("step/" + type + "/chosen").c_str(), whole_step, nullptr, dtype)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
    for (size_t m = 0; m < kMethods.size(); ++m) {
      if (kMethods[m] == ConvMethod::onednn && !kernels::cpu::onednn::available()) continue;
      const bool tiles = kMethods[m] == ConvMethod::tiles || kMethods[m] == ConvMethod::pixel_tiles;
      if (tiles && (dtype == DType::f32 || !kernels::cpu::tile::in_hardware())) continue;
      benchmark::RegisterBenchmark(("step/" + type + "/" + kMethodNames[m]).c_str(), whole_step, &kMethods[m], dtype)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
      for (const ConvShape& s : resnet_wide())
        for (size_t p = 0; p < kPasses.size(); ++p) {
          if (!needed(s, kPasses[p])) continue;
          const std::string name = type + "/" + std::to_string(s.in_h) + "x" + std::to_string(s.in_w) + "_" +
                                   std::to_string(s.in_c) + "to" + std::to_string(s.out_c) + "_k" +
                                   std::to_string(s.kernel_h) + "_s" + std::to_string(s.stride_h) + "/" +
                                   kPassNames[p] + "/" + kMethodNames[m];
          benchmark::RegisterBenchmark(name.c_str(), one_pass, kMethods[m], kPasses[p], s, dtype)
              ->Unit(benchmark::kMillisecond)
              ->UseRealTime();
        }
    }
  }
}

const bool kRegistered = (register_all(), true);

}  // namespace
}  // namespace gw
