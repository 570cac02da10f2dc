#include "kernels/losses.h"

#include "kernels/elementwise.h"
#include "kernels/softmax.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr Reduction kReductions[] = {Reduction::none, Reduction::mean, Reduction::sum};

Tensor values(const Shape& shape, DType dtype, uint64_t seed = 1) {
  Generator generator(seed);
  return kernels::mul(randn(shape, {}, generator), 2).to(dtype);
}

Tensor classes(const Shape& shape, int64_t count) {
  Generator generator(5);
  return randint(0, count, shape, {.dtype = DType::i64}, generator);
}

Tensor on_device(const Tensor& t) { return t.defined() ? t.to(kCuda) : t; }

kernels::ClassLoss on_device(const kernels::ClassLoss& l) {
  return {on_device(l.loss), on_device(l.total_weight), on_device(l.statistics)};
}

class CudaLosses : public CudaTest {};

void expect_equal_cross_entropy(const Tensor& x, const Tensor& targets, CrossEntropyOptions options) {
  const double tolerance = x.dtype() == DType::f32 ? 5e-6 : 8e-3;
  for (const Reduction reduction : kReductions) {
    options.reduction = reduction;
    CrossEntropyOptions there = options;
    there.weight = on_device(options.weight);
    const kernels::ClassLoss expected = kernels::cross_entropy(x, targets, options);
    const kernels::ClassLoss actual = kernels::cross_entropy(x.to(kCuda), targets.to(kCuda), there);
    expect_close(actual.loss, expected.loss, 5e-6, 1e-6);
    expect_close(actual.total_weight, expected.total_weight, 1e-6, 0);
    expect_close(actual.statistics, expected.statistics, 5e-6, 1e-6);
    const Tensor dloss = kernels::add(values(expected.loss.shape(), DType::f32, 3), 1.0);
    expect_close(
        kernels::cross_entropy_backward(dloss.to(kCuda), x.to(kCuda), targets.to(kCuda), on_device(expected), there),
        kernels::cross_entropy_backward(dloss, x, targets, expected, options), tolerance, 1e-6);
  }
}

TEST_F(CudaLosses, CrossEntropyOfClasses) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const int64_t n : {1, 33, 257}) expect_equal_cross_entropy(values({n, 10}, dtype), classes({n}, 10), {});
    for (const int64_t c : {1, 2, 32, 255, 1000, 1025})
      expect_equal_cross_entropy(values({5, c}, dtype), classes({5}, c), {});
    expect_equal_cross_entropy(values({2, 7, 5, 6}, dtype), classes({2, 5, 6}, 7), {});
    expect_equal_cross_entropy(values({2, 7, 5, 6}, dtype).contiguous(MemoryFormat::channels_last),
                               classes({2, 5, 6}, 7), {});
    expect_equal_cross_entropy(values({7}, dtype), classes({}, 7), {});
  }
}

TEST_F(CudaLosses, CrossEntropyWithOptions) {
  const Tensor weight = kernels::unary(kernels::Unary::abs, values({10}, DType::f32, 4));
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = values({300, 10}, dtype), targets = classes({300}, 10);
    expect_equal_cross_entropy(x, targets, {.label_smoothing = 0.1});
    expect_equal_cross_entropy(x, targets, {.weight = weight});
    expect_equal_cross_entropy(x, targets, {.label_smoothing = 0.3, .ignore_index = 3, .weight = weight});
  }
}

TEST_F(CudaLosses, CrossEntropyOfProbabilities) {
  const Tensor weight = kernels::unary(kernels::Unary::abs, values({10}, DType::f32, 4));
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = values({70, 10}, dtype), q = kernels::softmax(values({70, 10}, dtype, 2), 1);
    expect_equal_cross_entropy(x, q, {});
    expect_equal_cross_entropy(x, q, {.label_smoothing = 0.1, .weight = weight});
    expect_equal_cross_entropy(values({2, 7, 5}, dtype), kernels::softmax(values({2, 7, 5}, dtype, 2), 1), {});
  }
}

TEST_F(CudaLosses, NllLoss) {
  const Tensor weight = kernels::unary(kernels::Unary::abs, values({10}, DType::f32, 4));
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const Reduction reduction : kReductions) {
      const Tensor x = values({300, 10}, dtype), targets = classes({300}, 10);
      const NllLossOptions options{reduction, 3, weight}, there{reduction, 3, weight.to(kCuda)};
      const kernels::ClassLoss expected = kernels::nll_loss(x, targets, options);
      expect_close(kernels::nll_loss(x.to(kCuda), targets.to(kCuda), there).loss, expected.loss, 2e-6);
      const Tensor dloss = ones(expected.loss.shape());
      expect_close(
          kernels::nll_loss_backward(dloss.to(kCuda), x.to(kCuda), targets.to(kCuda), on_device(expected), there),
          kernels::nll_loss_backward(dloss, x, targets, expected, options), 1e-6);
    }
}

TEST_F(CudaLosses, TargetsThatAreNoClassAreReportedWhenTheHostReads) {
  const Tensor x = values({4, 10}, DType::f32).to(kCuda);
  const Tensor targets = from_values<int64_t>({1, 2, 10, 3}, {4}, {.dtype = DType::i64}).to(kCuda);
  const Tensor loss = kernels::cross_entropy(x, targets, {}).loss;
  EXPECT_EQ(message_of<ShapeError>([&] { loss.item(); }),
            "cuda:0: a loss found a target outside of the range of classes");
}

TEST_F(CudaLosses, EmptyBatches) {
  const Tensor x = empty({0, 10}), targets = empty({0}, {.dtype = DType::i64});
  for (const Reduction reduction : kReductions)
    expect_close(kernels::cross_entropy(x.to(kCuda), targets.to(kCuda), {.reduction = reduction}).loss,
                 kernels::cross_entropy(x, targets, {.reduction = reduction}).loss);
}

TEST_F(CudaLosses, PairLosses) {
  using kernels::PairLoss;
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const PairLoss kind :
         {PairLoss::mse, PairLoss::l1, PairLoss::binary_cross_entropy, PairLoss::binary_cross_entropy_with_logits})
      for (const Reduction reduction : kReductions)
        for (const int64_t n : {1, 33, 257, 5003}) {
          Tensor x = values({n}, dtype), y = kernels::unary(kernels::Unary::sigmoid, values({n}, dtype, 2));
          if (kind == PairLoss::binary_cross_entropy) x = kernels::unary(kernels::Unary::sigmoid, x);
          const Tensor weight =
              kind == PairLoss::binary_cross_entropy_with_logits && n > 100 ? full({1}, 2.5) : Tensor{};
          const Tensor expected = kernels::pair_loss(kind, x, y, weight, reduction);
          expect_close(kernels::pair_loss(kind, x.to(kCuda), y.to(kCuda), on_device(weight), reduction), expected, 5e-6,
                       1e-6);
          const Tensor dloss = kernels::add(values(expected.shape(), DType::f32, 3), 1.0);
          expect_close(kernels::pair_loss_backward(kind, dloss.to(kCuda), x.to(kCuda), y.to(kCuda), on_device(weight),
                                                   reduction),
                       kernels::pair_loss_backward(kind, dloss, x, y, weight, reduction),
                       dtype == DType::f32 ? 5e-6 : 8e-3, 1e-6);
        }
}

TEST_F(CudaLosses, AMeanOfManyBlocksRepeatsBitForBit) {
  const Tensor x = values({3000, 3}, DType::f32), targets = classes({3000}, 3);
  const float first = kernels::cross_entropy(x.to(kCuda), targets.to(kCuda), {}).loss.to_vector<float>()[0];
  EXPECT_NEAR(first, kernels::cross_entropy(x, targets, {}).loss.item(), 1e-6);
  EXPECT_EQ(kernels::cross_entropy(x.to(kCuda), targets.to(kCuda), {}).loss.to_vector<float>()[0], first);
}

}  // namespace
}  // namespace gw
