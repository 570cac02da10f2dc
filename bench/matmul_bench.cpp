// Matrix products by our kernel and by oneDNN: the classifier of resnet-wide, square sizes, recurrent cells, attention,
// tiny ones.
#include <benchmark/benchmark.h>

#include <string>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/tile_gemm.h"
#include "kernels/cpu/tile_registers.h"
#include "kernels/matmul.h"
#include "tensor/creation.h"

namespace gw {
namespace {

struct Product {
  const char* name;
  int64_t batch, m, n, k;
  bool a_transposed, b_transposed;
};

constexpr Product kProducts[] = {
    {"classifier_forward", 1, 1024, 10, 512, false, true},
    {"classifier_backward_input", 1, 1024, 512, 10, false, false},
    {"classifier_backward_weight", 1, 10, 512, 1024, true, false},
    {"square_256", 1, 256, 256, 256, false, false},
    {"square_1024", 1, 1024, 1024, 1024, false, false},
    {"square_1024_b_transposed", 1, 1024, 1024, 1024, false, true},
    {"square_1024_a_transposed", 1, 1024, 1024, 1024, true, false},
    {"lstm_cell", 1, 64, 4600, 1150, false, true},
    {"lstm_backward_weight", 1, 4600, 1150, 64, true, false},
    {"decoder", 1, 4480, 10000, 400, false, true},
    {"attention", 256, 64, 64, 64, false, true},
    {"row_by_matrix", 1, 1, 1024, 1024, false, true},
    {"tiny_4", 1, 4, 4, 4, false, false},
    {"tiny_16", 1, 16, 16, 16, false, false},
    {"tiny_32", 1, 32, 32, 32, false, false},
    {"tiny_64", 1, 64, 64, 64, false, false},
};

using Multiply = void (*)(const kernels::cpu::MatrixProduct&);

kernels::cpu::MatrixRef matrix(const Tensor& t, DType dtype, int64_t rows, int64_t columns, bool transposed) {
  return {t.raw(), dtype, rows * columns, transposed ? 1 : columns, transposed ? rows : 1};
}

void run(benchmark::State& state, const Product& p, DType dtype, Multiply multiply) {
  const Tensor a = randn({p.batch, p.m, p.k}).to(dtype), b = randn({p.batch, p.k, p.n}).to(dtype);
  const Tensor c = empty({p.batch, p.m, p.n}, {.dtype = dtype});
  const kernels::cpu::MatrixProduct product{p.batch,
                                            p.m,
                                            p.n,
                                            p.k,
                                            matrix(a, dtype, p.m, p.k, p.a_transposed),
                                            matrix(b, dtype, p.k, p.n, p.b_transposed),
                                            c.raw(),
                                            dtype,
                                            p.m * p.n,
                                            p.n};
  multiply(product);
  for (auto _ : state) multiply(product);
  const double flops = 2.0 * static_cast<double>(p.batch * p.m * p.n * p.k);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void register_all() {
  for (DType dtype : {DType::f32, DType::bf16})
    for (const Product& p : kProducts) {
      const std::string name = std::string(name_of(dtype)) + "/" + p.name + "/";
      benchmark::RegisterBenchmark((name + "chosen").c_str(), run, p, dtype, kernels::cpu::multiply)->UseRealTime();
      benchmark::RegisterBenchmark((name + "gemm").c_str(), run, p, dtype, kernels::cpu::gemm)->UseRealTime();
      if (dtype == DType::f32 && kernels::cpu::tile::in_hardware())
        benchmark::RegisterBenchmark((name + "tiles").c_str(), run, p, dtype, kernels::cpu::tile_gemm)->UseRealTime();
      if (kernels::cpu::onednn::available())
        benchmark::RegisterBenchmark((name + "onednn").c_str(), run, p, dtype, kernels::cpu::onednn::matmul)
            ->UseRealTime();
    }
}

const bool kRegistered = (register_all(), true);

}  // namespace
}  // namespace gw
