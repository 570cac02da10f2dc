// What cuDNN and cuBLASLt do on a GPU: under the emulator, the CPU's own convolutions and matrix products.
#include "kernels/cpu/conv.h"
#include "kernels/cpu/matmul.h"
#include "kernels/cuda/conv.h"
#include "kernels/cuda/emulator/emulator.h"
#include "kernels/cuda/matmul.h"
#include "tensor/cuda_runtime.h"

namespace gw::kernels::cuda {
namespace {

/// An emulated device's tensor as one of the CPU: its memory is the CPU's.
Tensor on_cpu(const Tensor& t) {
  if (!t.defined()) return {};
  auto storage = std::make_shared<Storage>(t.storage()->data(), t.storage()->bytes(), kCpu);
  return Tensor(std::move(storage), t.shape(), t.strides(), t.dtype(), t.offset());
}

void submit(const Tensor& out, std::function<void()> work) {
  emulator::submit(gw::cuda::stream_of(out.device()), std::move(work));
}

}  // namespace

void conv_forward(const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& y,
                  BatchMoments*) {
  submit(y, [s, x = on_cpu(x), w = on_cpu(w), bias = on_cpu(bias), y = on_cpu(y)] {
    cpu::conv_forward(s, x, w, bias, y);
  });
}

void conv_backward_input(const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx) {
  submit(dx, [s, dy = on_cpu(dy), w = on_cpu(w), dx = on_cpu(dx)] { cpu::conv_backward_input(s, dy, w, dx); });
}

void conv_backward_weight(const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw, const Tensor& db) {
  submit(dw, [s, x = on_cpu(x), dy = on_cpu(dy), dw = on_cpu(dw), db = on_cpu(db)] {
    cpu::conv_backward_weight(s, x, dy, dw, db);
  });
}

void matmul(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c) {
  submit(c, [a = on_cpu(a), b = on_cpu(b), bias = on_cpu(bias), c = on_cpu(c)] { cpu::matmul(a, b, bias, c); });
}

}  // namespace gw::kernels::cuda
