// What PyTorch prints for the same tensors, apart from the names of dtypes and the size of summarised tensors.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "tensor/creation.h"
#include "tensor/tensor.h"

namespace gw {
namespace {

Tensor floats(const std::vector<float>& values, const Shape& shape) { return from_values<float>(values, shape); }

TEST(Print, WholeNumbersHaveNoDigits) {
  EXPECT_EQ(floats({1, 2, 3, 4}, {2, 2}).to_string(), "tensor([[1., 2.],\n        [3., 4.]])");
  EXPECT_EQ(floats({0, 0, 0}, {3}).to_string(), "tensor([0., 0., 0.])");
  EXPECT_EQ(floats({-0.0f, 0}, {2}).to_string(), "tensor([-0., 0.])");
}

TEST(Print, FractionsHaveFourDigits) {
  EXPECT_EQ(floats({1.5f, 2, 3.25f, -4}, {2, 2}).to_string(),
            "tensor([[ 1.5000,  2.0000],\n        [ 3.2500, -4.0000]])");
}

TEST(Print, Scalars) {
  EXPECT_EQ(scalar(3.5).to_string(), "tensor(3.5000)");
  EXPECT_EQ(from_values<int64_t>({7}, {}, {.dtype = DType::i64}).to_string(), "tensor(7)");
}

TEST(Print, WideRangesAreScientific) {
  EXPECT_EQ(tensor({1e-5f, 1, 1000}).to_string(), "tensor([1.0000e-05, 1.0000e+00, 1.0000e+03])");
  EXPECT_EQ(tensor({1e9f, 1}).to_string(), "tensor([1.0000e+09, 1.0000e+00])");
  EXPECT_EQ(tensor({0.001f, 1.5f, 2000}).to_string(), "tensor([1.0000e-03, 1.5000e+00, 2.0000e+03])");
  EXPECT_EQ(tensor({1, 5000}).to_string(), "tensor([1.0000e+00, 5.0000e+03])");
}

TEST(Print, NanAndInfinity) {
  EXPECT_EQ(tensor({NAN, 1, INFINITY, -INFINITY}).to_string(), "tensor([nan, 1., inf, -inf])");
  EXPECT_EQ(tensor({NAN, 1.5f, INFINITY, -INFINITY}).to_string(), "tensor([   nan, 1.5000,    inf,   -inf])");
  EXPECT_EQ(tensor({-NAN}).to_string(), "tensor([nan])");
}

TEST(Print, EmptyTensorsShowTheirSize) {
  EXPECT_EQ(empty({0}).to_string(), "tensor([])");
  EXPECT_EQ(empty({2, 0, 3}).to_string(), "tensor([], size=(2, 0, 3))");
  EXPECT_EQ(empty({0}, {.dtype = DType::i64}).to_string(), "tensor([], dtype=i64)");
  EXPECT_EQ(empty({2, 0}, {.dtype = DType::u8}).to_string(), "tensor([], size=(2, 0), dtype=u8)");
}

TEST(Print, Integers) {
  EXPECT_EQ(from_values<int64_t>({1, -20, 300, 4}, {2, 2}, {.dtype = DType::i64}).to_string(),
            "tensor([[  1, -20],\n        [300,   4]])");
  EXPECT_EQ(from_values<uint8_t>({1, 2, 255}, {3}, {.dtype = DType::u8}).to_string(),
            "tensor([  1,   2, 255], dtype=u8)");
  EXPECT_EQ(from_values<int32_t>({1, 2}, {2, 1}, {.dtype = DType::i32}).to_string(),
            "tensor([[1],\n        [2]], dtype=i32)");
  EXPECT_EQ(from_values<int64_t>({INT64_MAX}, {1}, {.dtype = DType::i64}).to_string(), "tensor([9223372036854775807])");
}

TEST(Print, Bf16) { EXPECT_EQ(tensor({1, 2.5f}).to(DType::bf16).to_string(), "tensor([1.0000, 2.5000], dtype=bf16)"); }

TEST(Print, ThreeDimensionsAreSeparatedByAnEmptyLine) {
  EXPECT_EQ(arange(0, 12).reshape({2, 3, 2}).to_string(),
            "tensor([[[ 0.,  1.],\n         [ 2.,  3.],\n         [ 4.,  5.]],\n\n"
            "        [[ 6.,  7.],\n         [ 8.,  9.],\n         [10., 11.]]])");
}

TEST(Print, LongRowsAreBroken) {
  EXPECT_EQ(arange(0, 30).to_string(),
            "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
            "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,\n"
            "        28., 29.])");
}

TEST(Print, LargeTensorsShowTheirEdges) {
  EXPECT_EQ(arange(0, 2000, 1, {.dtype = DType::i64}).to_string(),
            "tensor([   0,    1,    2,  ..., 1997, 1998, 1999], size=(2000,))");
  EXPECT_EQ(arange(0, 1000, 1, {.dtype = DType::i64}).to_string().find("..."), std::string::npos);
  const std::string row = "[0, 0, 0,  ..., 0, 0, 0]";
  const std::string rows = row + ",\n        " + row + ",\n        " + row;
  EXPECT_EQ(zeros({40, 40}, {.dtype = DType::u8}).to_string(),
            "tensor([" + rows + ",\n        ...,\n        " + rows + "], size=(40, 40), dtype=u8)");
}

TEST(Print, SummarisedRowsAreBrokenToo) {
  const std::string text = arange(0, 10000).reshape({100, 100}).to_string();
  EXPECT_TRUE(
      text.starts_with("tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.7000e+01, 9.8000e+01,\n"
                       "         9.9000e+01],\n        [1.0000e+02, "))
      << text;
}

TEST(Print, ViewsPrintWhatTheyShow) {
  EXPECT_EQ(arange(0, 6).reshape({2, 3}).t().to_string(), "tensor([[0., 3.],\n        [1., 4.],\n        [2., 5.]])");
}

TEST(Print, RequiresGrad) {
  EXPECT_EQ(ones({2}, {.requires_grad = true}).to_string(), "tensor([1., 1.], requires_grad=True)");
  const Tensor wide = full({2, 8}, 1.0 / 3).set_requires_grad();
  const std::string row = "[0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333]";
  EXPECT_EQ(wide.to_string(), "tensor([" + row + ",\n        " + row + "],\n       requires_grad=True)");
}

TEST(Print, StreamsAndUndefinedTensors) {
  std::ostringstream out;
  out << tensor({1, 2}) << Tensor();
  EXPECT_EQ(out.str(), "tensor([1., 2.])tensor(undefined)");
}

TEST(Values, ItemIsTheOnlyElement) {
  EXPECT_EQ(scalar(2.5).item(), 2.5);
  EXPECT_EQ(from_values<int64_t>({-3}, {1, 1}, {.dtype = DType::i64}).item(), -3);
  EXPECT_EQ(arange(0, 6).select(0, 4).item(), 4);
  EXPECT_THROW(zeros({2}).item(), ShapeError);
  EXPECT_THROW(empty({0}).item(), ShapeError);
}

TEST(Values, ToVectorIsRowMajorAndConverts) {
  const Tensor t = arange(0, 6).reshape({2, 3}).t();
  EXPECT_EQ(t.to_vector<float>(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(t.to_vector<int64_t>(), (std::vector<int64_t>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(tensor({1.5f}).to(DType::bf16).to_vector<double>(), std::vector<double>{1.5});
  EXPECT_TRUE(empty({3, 0}).to_vector<float>().empty());
}

}  // namespace
}  // namespace gw
