// Arithmetic, comparisons, selections, reductions and matrix products.
#include "autograd/arithmetic.h"
#include "autograd/softmax.h"
#include "operations.h"
#include "tensor/creation.h"

namespace golden {
namespace {

using gw::Shape;
using gw::Tensor;

// --- two operands ---------------------------------------------------------------------------------------------------

/// op(a, b) of two tensors, or of one and a number: `other`, or `input` (also called `self`) where it stands first.
template <class Op>
Tensors with_operands(const Inputs& in, Attributes& attrs, const Op& op) {
  if (in.has(0) && in.has(1)) return {op(in[0], in[1])};
  if (in.has(1)) return {op(attrs.required_number(attrs.has("self") ? "self" : "input"), in[1])};
  return {op(in[0], attrs.required_number("other"))};
}

/// The same for comparisons, where the number can only stand second.
template <class Op>
Tensors compared(const Inputs& in, Attributes& attrs, const Op& op) {
  if (in.has(1)) return {op(in[0], in[1])};
  return {op(in[0], attrs.required_number("other"))};
}

Tensors add(const Inputs& in, Attributes& attrs) {
  const double alpha = attrs.number("alpha", 1);
  if (in.has(0) && in.has(1)) return {gw::add(in[0], in[1], alpha)};
  return with_operands(in, attrs, [&](const auto& a, const auto& b) { return a + alpha * b; });
}

Tensors sub(const Inputs& in, Attributes& attrs) {
  const double alpha = attrs.number("alpha", 1);
  return with_operands(in, attrs, [&](const auto& a, const auto& b) { return alpha == 1 ? a - b : a - alpha * b; });
}

Tensors rsub(const Inputs& in, Attributes& attrs) {
  const double alpha = attrs.number("alpha", 1);
  return with_operands(in, attrs, [&](const auto& a, const auto& b) { return alpha == 1 ? b - a : b - alpha * a; });
}

Tensors mul(const Inputs& in, Attributes& attrs) {
  return with_operands(in, attrs, [](const auto& a, const auto& b) { return a * b; });
}

/// PyTorch divides integers as f32.
Tensor as_floating(const Tensor& t) { return gw::is_floating(t.dtype()) ? t : t.to(gw::DType::f32); }

Tensors div(const Inputs& in, Attributes& attrs) {
  attrs.only("rounding_mode", nullptr);
  if (in.has(0) && in.has(1)) return {as_floating(in[0]) / as_floating(in[1])};
  return with_operands(in, attrs, [](const auto& a, const auto& b) { return a / b; });
}

Tensors eq(const Inputs& in, Attributes& attrs) {
  return compared(in, attrs, [](const Tensor& a, const auto& b) { return a == b; });
}

Tensors ne(const Inputs& in, Attributes& attrs) {
  return compared(in, attrs, [](const Tensor& a, const auto& b) { return a != b; });
}

Tensors lt(const Inputs& in, Attributes& attrs) {
  return compared(in, attrs, [](const Tensor& a, const auto& b) { return a < b; });
}

Tensors le(const Inputs& in, Attributes& attrs) {
  return compared(in, attrs, [](const Tensor& a, const auto& b) { return a <= b; });
}

Tensors gt(const Inputs& in, Attributes& attrs) {
  return compared(in, attrs, [](const Tensor& a, const auto& b) { return a > b; });
}

Tensors ge(const Inputs& in, Attributes& attrs) {
  return compared(in, attrs, [](const Tensor& a, const auto& b) { return a >= b; });
}

Tensors maximum(const Inputs& in, Attributes&) { return {gw::maximum(in[0], in[1])}; }
Tensors minimum(const Inputs& in, Attributes&) { return {gw::minimum(in[0], in[1])}; }

// --- limits and selection -------------------------------------------------------------------------------------------

/// Limits are numbers or tensors; either may be left out.
Tensors clamp(const Inputs& in, Attributes& attrs) {
  const Tensor raised = in.has(1) ? gw::maximum(in[0], in[1]) : in[0];
  const Tensor lowered = in.has(2) ? gw::minimum(raised, in[2]) : raised;
  if (!attrs.has("min") && !attrs.has("max")) return {lowered};
  return {lowered.clamp(attrs.number("min"), attrs.number("max"))};
}

/// Input i, or else the number of that name as a tensor like `like`.
Tensor tensor_or_number(const Inputs& in, size_t i, Attributes& attrs, const std::string& name, const Tensor& like) {
  if (in.has(i)) return in[i];
  return gw::full({}, attrs.required_number(name), {.dtype = like.dtype(), .device = like.device()});
}

Tensors where(const Inputs& in, Attributes& attrs) {
  const Tensor like = in.has(1) ? in[1] : in.has(2) ? in[2] : gw::zeros({}, {.device = in[0].device()});
  return {gw::where(in[0], tensor_or_number(in, 1, attrs, attrs.has("self") ? "self" : "input", like),
                    tensor_or_number(in, 2, attrs, "other", like))};
}

Tensors masked_fill(const Inputs& in, Attributes& attrs) {
  if (in.has(2)) return {gw::where(in[1], in[2], in[0])};
  return {gw::masked_fill(in[0], in[1], attrs.required_number("value"))};
}

// --- reductions -----------------------------------------------------------------------------------------------------

struct Reduced {
  Shape dims;
  bool keepdim;
};
Reduced reduced(Attributes& attrs) { return {attrs.integers("dim", Shape{}), attrs.flag("keepdim", false)}; }

/// `correction`, or its older form `unbiased`.
int64_t correction(Attributes& attrs) {
  const int64_t by_flag = attrs.flag("unbiased", true) ? 1 : 0;
  return attrs.integer("correction", by_flag);
}

Tensors sum(const Inputs& in, Attributes& attrs) {
  const auto [dims, keepdim] = reduced(attrs);
  return {converted(in, attrs).sum(dims, keepdim)};
}

Tensors mean(const Inputs& in, Attributes& attrs) {
  const auto [dims, keepdim] = reduced(attrs);
  return {converted(in, attrs).mean(dims, keepdim)};
}

Tensors var(const Inputs& in, Attributes& attrs) {
  const auto [dims, keepdim] = reduced(attrs);
  return {in[0].var(dims, correction(attrs), keepdim)};
}

Tensors std(const Inputs& in, Attributes& attrs) {
  const auto [dims, keepdim] = reduced(attrs);
  return {in[0].std(dims, correction(attrs), keepdim)};
}

Tensors var_mean(const Inputs& in, Attributes& attrs) { return {var(in, attrs)[0], mean(in, attrs)[0]}; }
Tensors std_mean(const Inputs& in, Attributes& attrs) { return {std(in, attrs)[0], mean(in, attrs)[0]}; }

Tensors amax(const Inputs& in, Attributes& attrs) {
  const auto [dims, keepdim] = reduced(attrs);
  return {in[0].amax(dims, keepdim)};
}

Tensors amin(const Inputs& in, Attributes& attrs) {
  const auto [dims, keepdim] = reduced(attrs);
  return {in[0].amin(dims, keepdim)};
}

/// Of one tensor: over everything, or values and indices along `dim`. Of two: the larger of each pair.
Tensors max(const Inputs& in, Attributes& attrs) {
  if (in.has(1)) return maximum(in, attrs);
  if (!attrs.has("dim")) return {in[0].max()};
  const auto [values, indices] = in[0].max(attrs.required_integer("dim"), attrs.flag("keepdim", false));
  return {values, indices};
}

Tensors min(const Inputs& in, Attributes& attrs) {
  if (in.has(1)) return minimum(in, attrs);
  if (!attrs.has("dim")) return {in[0].min()};
  const auto [values, indices] = in[0].min(attrs.required_integer("dim"), attrs.flag("keepdim", false));
  return {values, indices};
}

Tensors argmax(const Inputs& in, Attributes& attrs) {
  return {in[0].argmax(attrs.integer("dim"), attrs.flag("keepdim", false))};
}

Tensors argmin(const Inputs& in, Attributes& attrs) {
  return {in[0].argmin(attrs.integer("dim"), attrs.flag("keepdim", false))};
}

/// The dimension of softmax and log_softmax. Left out, it is what torch.nn.functional then guesses.
int64_t softmax_dim(const Inputs& in, Attributes& attrs) {
  attrs.ignore("_stacklevel");
  const int64_t dims = in[0].dim();
  return attrs.integer("dim", dims == 0 || dims == 1 || dims == 3 ? 0 : 1);
}

Tensors softmax(const Inputs& in, Attributes& attrs) {
  return {gw::softmax(converted(in, attrs), softmax_dim(in, attrs))};
}

Tensors log_softmax(const Inputs& in, Attributes& attrs) {
  return {gw::log_softmax(converted(in, attrs), softmax_dim(in, attrs))};
}

Tensors logsumexp(const Inputs& in, Attributes& attrs) {
  return {gw::logsumexp(in[0], attrs.required_integers("dim"), attrs.flag("keepdim", false))};
}

// --- matrix products ------------------------------------------------------------------------------------------------

Tensors matmul(const Inputs& in, Attributes&) { return {in[0].matmul(in[1])}; }

/// beta * input 0 + alpha * (input 1 @ input 2). A beta of zero leaves input 0 out, NaNs and all.
Tensors addmm(const Inputs& in, Attributes& attrs) {
  const double beta = attrs.number("beta", 1), alpha = attrs.number("alpha", 1);
  Tensor product = in[1].matmul(in[2]);
  if (alpha != 1) product = product * alpha;
  if (beta == 0) return {product};
  return {product + (beta == 1 ? in[0] : in[0] * beta)};
}

}  // namespace

Operations arithmetic_operations() {
  using At = Attributes&;
  using In = const Inputs&;
  return {
      {"add", add},
      {"sub", sub},
      {"subtract", sub},
      {"rsub", rsub},
      {"mul", mul},
      {"multiply", mul},
      {"div", div},
      {"divide", div},
      {"true_divide", div},
      {"eq", eq},
      {"ne", ne},
      {"lt", lt},
      {"le", le},
      {"gt", gt},
      {"ge", ge},
      {"maximum", maximum},
      {"minimum", minimum},

      {"neg", [](In in, At) -> Tensors { return {-in[0]}; }},
      {"exp", unary<&Tensor::exp>},
      {"log", unary<&Tensor::log>},
      {"sqrt", unary<&Tensor::sqrt>},
      {"rsqrt", unary<&Tensor::rsqrt>},
      {"abs", unary<&Tensor::abs>},
      {"sign", [](In in, At) -> Tensors { return {gw::sign(in[0])}; }},
      {"square", [](In in, At) -> Tensors { return {in[0].pow(2)}; }},
      {"reciprocal", [](In in, At) -> Tensors { return {1.0 / in[0]}; }},
      {"pow", [](In in, At attrs) -> Tensors { return {in[0].pow(attrs.required_number("exponent"))}; }},

      {"clamp", clamp},
      {"clip", clamp},
      {"clamp_min", clamp},
      {"clamp_max", clamp},
      {"where", where},
      {"Tensor.where",
       [](In in, At attrs) {
         return where(Inputs({in[1], in[0], in[2]}), attrs);
       }},
      {"masked_fill", masked_fill},

      {"sum", sum},
      {"mean", mean},
      {"var", var},
      {"std", std},
      {"var_mean", var_mean},
      {"std_mean", std_mean},
      {"amax", amax},
      {"amin", amin},
      {"max", max},
      {"min", min},
      {"argmax", argmax},
      {"argmin", argmin},
      {"softmax", softmax},
      {"log_softmax", log_softmax},
      {"logsumexp", logsumexp},

      {"matmul", matmul},
      {"mm", matmul},
      {"bmm", matmul},
      {"mv", matmul},
      {"dot", matmul},
      {"addmm", addmm},
      {"addmv", addmm},
      {"baddbmm", addmm},
  };
}

}  // namespace golden
