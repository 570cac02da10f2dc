#include "kernels/activation.h"

#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

using kernels::Activation;

constexpr int64_t kSizes[] = {0, 1, 7, 31, 32, 33, 255, 257, 4099};
constexpr DType kFloats[] = {DType::f32, DType::bf16};

Tensor values(const Shape& shape, DType dtype, uint64_t seed) {
  Generator generator(seed);
  return randn(shape, {}, generator).to(dtype);
}

/// The kernels compute what the CPU computes but for fused multiplications and additions, so bf16 may round otherwise.
void expect_same(const Tensor& cuda, const Tensor& cpu) {
  EXPECT_EQ(cuda.strides(), cpu.strides());
  const bool wide = cpu.dtype() == DType::f32;
  expect_close(cuda, cpu, wide ? 2e-6 : 8e-3, 1e-6);
}

class CudaActivation : public CudaTest {};

TEST_F(CudaActivation, GeneralReluEqualsTheCpu) {
  const GeneralReluOptions lesson{.leak = 0.1f, .sub = 0.4f}, clamped{.leak = 0.1f, .sub = 0.4f, .maxv = 1.0f};
  for (const DType dtype : kFloats)
    for (const int64_t n : kSizes) {
      const Tensor x = values({n}, dtype, 1), b = values({n}, dtype, 2), there = x.to(kCuda), b_there = b.to(kCuda);
      for (const GeneralReluOptions& o : {lesson, clamped, GeneralReluOptions{}}) {
        expect_same(kernels::general_relu(there, o), kernels::general_relu(x, o));
        expect_same(kernels::add_general_relu(there, b_there, o), kernels::add_general_relu(x, b, o));
        expect_same(kernels::general_relu_backward(b_there, there, o), kernels::general_relu_backward(b, x, o));
        if (o.derivative_from_output())
          expect_same(kernels::general_relu_backward_from_output(b_there, there, o),
                      kernels::general_relu_backward_from_output(b, x, o));
      }
    }
}

TEST_F(CudaActivation, SmoothActivationsEqualTheCpu) {
  const std::pair<Activation, kernels::ActivationParams> cases[] = {
      {Activation::silu, {}},          {Activation::gelu, {}},      {Activation::gelu_tanh, {}},
      {Activation::softplus, {2, 20}}, {Activation::elu, {1.5, 0}}, {Activation::hardtanh, {-0.5, 1}},
      {Activation::mish, {}}};
  for (const auto& [f, params] : cases)
    for (const DType dtype : kFloats)
      for (const int64_t n : {1, 33, 1031}) {
        const Tensor x = values({n}, dtype, 3), dy = values({n}, dtype, 4);
        expect_same(kernels::activation(f, x.to(kCuda), params), kernels::activation(f, x, params));
        expect_same(kernels::activation_backward(f, dy.to(kCuda), x.to(kCuda), params),
                    kernels::activation_backward(f, dy, x, params));
      }
}

TEST_F(CudaActivation, KeepsLayoutsAndReadsViews) {
  const GeneralReluOptions o{.leak = 0.1f, .sub = 0.4f};
  const Tensor x = values({2, 5, 3, 7}, DType::f32, 5), last = x.contiguous(MemoryFormat::channels_last);
  const Tensor y = kernels::general_relu(last.to(kCuda), o);
  EXPECT_TRUE(y.is_contiguous(MemoryFormat::channels_last));
  expect_close(y, kernels::general_relu(x, o));
  expect_close(kernels::add_general_relu(last.to(kCuda), x.to(kCuda), o), kernels::add_general_relu(x, x, o));
  expect_close(kernels::general_relu(x.to(kCuda).slice(3, 1, 6, 2), o), kernels::general_relu(x.slice(3, 1, 6, 2), o));
}

}  // namespace
}  // namespace gw
