#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/tile_gemm.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

Tensor values(const Shape& shape, DType dtype, uint64_t seed) {
  Generator generator(seed);
  return cast(cast(randn(shape, {}, generator), DType::bf16), dtype);
}

/// a [m, k] @ b [k, n] in double precision.
std::vector<double> reference(const Tensor& a, const Tensor& b, const Tensor& bias = {}) {
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  const auto extra = bias.defined() ? bias.to_vector<double>() : std::vector<double>(static_cast<size_t>(b.size(1)));
  const auto m = static_cast<size_t>(a.size(0)), k = static_cast<size_t>(a.size(1)), n = static_cast<size_t>(b.size(1));
  std::vector<double> c(m * n);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      c[i * n + j] = extra[j];
      for (size_t l = 0; l < k; ++l) c[i * n + j] += x[i * k + l] * y[l * n + j];
    }
  return c;
}

void expect_close(const Tensor& got, const std::vector<double>& expected, double tolerance, const std::string& what) {
  const auto g = got.to_vector<double>();
  ASSERT_EQ(g.size(), expected.size()) << what;
  double scale = 1e-6, error = 0;
  for (double e : expected) scale = std::max(scale, std::abs(e));
  for (size_t i = 0; i < g.size(); ++i)
    error = std::max(error, std::isnan(g[i]) ? INFINITY : std::abs(g[i] - expected[i]));
  EXPECT_LE(error / scale, tolerance) << what;
}

double tolerance_of(DType dtype) { return dtype == DType::bf16 ? 4e-3 : 5e-6; }

TEST(Matmul, SizesLayoutsAndDtypes) {
  const std::vector<Shape> sizes = {{1, 1, 1},    {3, 5, 7},     {14, 16, 32},  {15, 17, 33},  {37, 1, 10},
                                    {64, 100, 1}, {10, 512, 64}, {1, 64, 1000}, {29, 2500, 5}, {130, 70, 90}};
  for (const Shape& s : sizes)
    for (DType dtype : {DType::f32, DType::bf16})
      for (bool a_transposed : {false, true})
        for (bool b_transposed : {false, true}) {
          const Tensor a =
              a_transposed ? views::transpose(values({s[1], s[0]}, dtype, 1), 0, 1) : values({s[0], s[1]}, dtype, 1);
          const Tensor b =
              b_transposed ? views::transpose(values({s[2], s[1]}, dtype, 2), 0, 1) : values({s[1], s[2]}, dtype, 2);
          const std::string what =
              s.to_string() + std::string(name_of(dtype)) + (a_transposed ? " a^T" : "") + (b_transposed ? " b^T" : "");
          const auto expected = reference(a, b);
          const Tensor c = matmul(a, b);
          EXPECT_EQ(c.dtype(), dtype);
          expect_close(c, expected, tolerance_of(dtype), what);
          const Tensor wide = matmul(a, b, DType::f32);
          EXPECT_EQ(wide.dtype(), DType::f32);
          expect_close(wide, expected, 5e-6, what + " to f32");
        }
}

/// Runs both implementations on the same product.
void compare_implementations(const cpu::MatrixProduct& product, const Tensor& c, const std::vector<double>& expected,
                             double tolerance) {
  fill(c, NAN);
  cpu::gemm(product);
  expect_close(c, expected, tolerance, "gemm");
  if (!cpu::onednn::can_multiply(product)) return;
  fill(c, NAN);
  cpu::onednn::matmul(product);
  expect_close(c, expected, tolerance, "oneDNN");
}

TEST(Matmul, GemmAndOneDnnAgree) {
  for (DType dtype : {DType::f32, DType::bf16}) {
    const Tensor a = values({33, 65}, dtype, 1), b = values({65, 47}, dtype, 2), bias = values({47}, DType::f32, 3);
    const Tensor c = empty({33, 47}, {.dtype = dtype});
    const cpu::MatrixProduct product{1,       33,    47, 65, {a.raw(), dtype, 0, 65, 1}, {b.raw(), dtype, 0, 47, 1},
                                     c.raw(), dtype, 0,  47, bias.data<float>()};
    compare_implementations(product, c, reference(a, b, bias), tolerance_of(dtype));
  }
}

double largest_error(const Tensor& got, const std::vector<double>& expected) {
  const auto g = got.to_vector<double>();
  double error = 0;
  for (size_t i = 0; i < g.size(); ++i) error = std::max(error, std::abs(g[i] - expected[i]));
  return error;
}

// Random f32 numbers use all 24 bits, which the tiles see as three parts of 8.
TEST(TileGemm, IsAsExactAsF32) {
  for (const Shape& s : std::vector<Shape>{{32, 64, 32}, {70, 100, 45}, {33, 1100, 65}, {5, 3, 7}})
    for (bool a_transposed : {false, true})
      for (bool b_transposed : {false, true}) {
        const int64_t m = s[0], k = s[1], n = s[2];
        Generator generator(7);
        const Tensor a =
            a_transposed ? views::transpose(randn({k, m}, {}, generator), 0, 1) : randn({m, k}, {}, generator);
        const Tensor b =
            b_transposed ? views::transpose(randn({n, k}, {}, generator), 0, 1) : randn({k, n}, {}, generator);
        const Tensor bias = randn({n}, {}, generator), c = full({m, n}, NAN);
        const auto ref = [](const Tensor& t) {
          return cpu::MatrixRef{t.raw(), DType::f32, 0, t.strides()[0], t.strides()[1]};
        };
        const cpu::MatrixProduct product{1, m, n, k, ref(a), ref(b), c.raw(), DType::f32, 0, n, bias.data<float>()};
        const auto expected = reference(a, b, bias);
        cpu::gemm(product);
        const double f32_error = largest_error(c, expected);
        fill(c, NAN);
        cpu::tile_gemm(product);
        const std::string what = s.to_string() + (a_transposed ? " a^T" : "") + (b_transposed ? " b^T" : "");
        EXPECT_LE(largest_error(c, expected), 1.5 * f32_error + 1e-6) << what;
      }
}

TEST(TileGemm, LargestNumbersAndNan) {
  const float most = std::numeric_limits<float>::max();
  const Tensor a = zeros({40, 40}), b = zeros({40, 40}), c = empty({40, 40});
  for (int64_t i = 0; i < 40; ++i) views::select(views::select(b, 0, i), 0, i).fill_(1.0);
  views::select(views::select(a, 0, 3), 0, 5).fill_(most);
  views::select(views::select(a, 0, 4), 0, 6).fill_(NAN);
  cpu::tile_gemm(
      {1, 40, 40, 40, {a.raw(), DType::f32, 0, 40, 1}, {b.raw(), DType::f32, 0, 40, 1}, c.raw(), DType::f32, 0, 40});
  const auto result = c.to_vector<float>();
  EXPECT_EQ(result[3 * 40 + 5], most);
  EXPECT_TRUE(std::isnan(result[4 * 40 + 6]));
  EXPECT_EQ(result[0], 0.0f);
}

TEST(Matmul, StridedSlices) {
  const Tensor a = values({20, 30}, DType::f32, 1), b = values({40, 50}, DType::f32, 2);
  const Tensor part_a = views::slice(views::slice(a, 0, 1, 20, 2), 1, 0, 30, 3),
               part_b = views::slice(views::slice(b, 0, 3, 13, 1), 1, 5, 50, 4);
  expect_close(matmul(part_a, part_b), reference(part_a, part_b), 5e-6, "slices");
}

TEST(Matmul, BatchesBroadcast) {
  const Tensor a = values({2, 1, 5, 6}, DType::f32, 1), b = values({3, 6, 4}, DType::f32, 2);
  const Tensor c = matmul(a, b);
  EXPECT_EQ(c.shape(), (Shape{2, 3, 5, 4}));
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 3; ++j)
      expect_close(views::select(views::select(c, 0, i), 0, j),
                   reference(views::select(views::select(a, 0, i), 0, 0), views::select(b, 0, j)), 5e-6, "batch");
}

TEST(Matmul, BatchTimesMatrix) {
  const Tensor a = values({3, 5, 6}, DType::f32, 1), b = values({6, 4}, DType::f32, 2);
  for (const Tensor& view : {a, views::transpose(values({3, 6, 5}, DType::f32, 1), 1, 2)}) {
    const Tensor c = matmul(view, b);
    for (int64_t i = 0; i < 3; ++i)
      expect_close(views::select(c, 0, i), reference(views::select(view, 0, i), b), 5e-6, "batch");
  }
}

TEST(Matmul, LargeTransposedColumnsOfWiderRows) {
  const Tensor rows = values({4200, 600}, DType::f32, 1), b = values({4200, 256}, DType::f32, 2);
  const Tensor columns = views::transpose(views::slice(rows, 1, 100, 600, 1), 0, 1);
  expect_close(matmul(columns, b), matmul(contiguous(columns), b).to_vector<double>(), 5e-6, "columns");
}

TEST(Matmul, Vectors) {
  const Tensor a = values({5, 6}, DType::f32, 1), v = values({6}, DType::f32, 2), u = values({5}, DType::f32, 3);
  EXPECT_EQ(matmul(a, v).shape(), Shape{5});
  expect_close(matmul(a, v), reference(a, views::unsqueeze(v, 1)), 5e-6, "matrix x vector");
  EXPECT_EQ(matmul(u, a).shape(), Shape{6});
  expect_close(matmul(u, a), reference(views::unsqueeze(u, 0), a), 5e-6, "vector x matrix");
  EXPECT_EQ(matmul(v, v).dim(), 0);
  expect_close(matmul(v, v), reference(views::unsqueeze(v, 0), views::unsqueeze(v, 1)), 5e-6, "dot");
}

TEST(Matmul, EmptyOperands) {
  EXPECT_EQ(matmul(zeros({0, 3}), zeros({3, 4})).shape(), (Shape{0, 4}));
  EXPECT_EQ(matmul(zeros({2, 0}), zeros({0, 2})).to_vector<float>(), std::vector<float>(4, 0));
}

TEST(Matmul, MixedDtypesPromote) {
  const Tensor a = values({9, 20}, DType::bf16, 1), b = values({20, 3}, DType::f32, 2);
  EXPECT_EQ(matmul(a, b).dtype(), DType::f32);
  expect_close(matmul(a, b), reference(a, b), 5e-6, "mixed");
  expect_close(matmul(a, b, DType::bf16), reference(a, b), 4e-3, "mixed to bf16");
}

TEST(Matmul, RepeatsBitForBit) {
  const Tensor a = values({129, 3000}, DType::f32, 1), b = values({3000, 65}, DType::f32, 2);
  const auto first = matmul(a, b).to_vector<float>();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(matmul(a, b).to_vector<float>(), first);
}

TEST(Linear, MatchesReference) {
  const Tensor w = values({10, 40}, DType::f32, 2), bias = values({10}, DType::f32, 3);
  for (DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = values({33, 40}, dtype, 1);
    const Tensor y = linear(x, w, bias);
    EXPECT_EQ(y.dtype(), dtype);
    expect_close(y, reference(x, views::transpose(w, 0, 1), bias), tolerance_of(dtype), "with bias");
    expect_close(linear(x, cast(w, dtype), {}), reference(x, views::transpose(w, 0, 1)), tolerance_of(dtype),
                 "without bias");
  }
}

TEST(Linear, AnyLeadingDimensions) {
  const Tensor x = values({2, 3, 4}, DType::f32, 1), w = values({5, 4}, DType::f32, 2);
  EXPECT_EQ(linear(x, w, {}).shape(), (Shape{2, 3, 5}));
  EXPECT_EQ(linear(views::select(views::select(x, 0, 0), 0, 0), w, {}).shape(), (Shape{5}));
  const Tensor t = views::transpose(x, 0, 1);
  expect_close(views::select(linear(t, w, {}), 0, 1), reference(views::select(t, 0, 1), views::transpose(w, 0, 1)),
               5e-6, "strided");
}

template <class Error, class F>
void expect_error(const std::string& message, F f) {
  try {
    f();
    ADD_FAILURE() << "expected: " << message;
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), message);
  }
}

TEST(Matmul, Errors) {
  expect_error<ShapeError>("matmul: [2, 3] x [4, 5]: 3 columns do not meet 4 rows", [] {
    matmul(zeros({2, 3}), zeros({4, 5}));
  });
  expect_error<DTypeError>("matmul: expected f32 or bf16, got f32 and i64", [] {
    matmul(zeros({2, 3}), zeros({3, 2}, {.dtype = DType::i64}));
  });
  expect_error<ShapeError>("linear: input [2, 3], weight [5, 4]: expected [..., in] and [out, in]", [] {
    linear(zeros({2, 3}), zeros({5, 4}), {});
  });
  expect_error<ShapeError>("linear: expected a bias [5], got [4]", [] {
    linear(zeros({2, 4}), zeros({5, 4}), zeros({4}));
  });
}

}  // namespace
}  // namespace gw::kernels
