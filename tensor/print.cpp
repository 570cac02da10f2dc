// Values out of a tensor: item(), to_vector(), and printing in PyTorch's manner.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <type_traits>

#include "tensor/tensor.h"

namespace gw {
namespace {

constexpr int64_t kSummariseAbove = 1000;  // elements
constexpr int64_t kEdgeItems = 3;          // shown at each end of a summarised dimension
constexpr size_t kLineWidth = 80;

Tensor on_host(const Tensor& t) { return t.device().is_cpu() ? t.detach() : t.detach().to(kCpu); }

/// Calls f(offset in elements) for each element in row-major order. A `summarised` walk leaves out the middle of long
/// dimensions.
template <class F>
void for_each_offset(const Tensor& t, bool summarised, int64_t dim, int64_t offset, const F& f) {
  if (dim == t.dim()) {
    f(offset);
    return;
  }
  const int64_t size = t.shape()[dim], stride = t.strides()[dim];
  const bool cut = summarised && size > 2 * kEdgeItems;
  for (int64_t i = 0; i < size; ++i) {
    if (cut && i == kEdgeItems) i = size - kEdgeItems;
    for_each_offset(t, summarised, dim + 1, offset + i * stride, f);
  }
}

/// The shown elements as text, and the width of their columns.
struct Cells {
  std::vector<std::string> texts;
  size_t width = 1;
};

Cells integer_cells(const std::vector<int64_t>& values) {
  Cells cells;
  for (int64_t v : values) {
    cells.texts.push_back(fmt::format("{}", v));
    cells.width = std::max(cells.width, cells.texts.back().size());
  }
  return cells;
}

enum class Notation { integral, fixed, scientific };

/// One notation for all: scientific if fixed digits would hide some values, and without digits if all are whole.
Notation choose_notation(const std::vector<double>& values) {
  double smallest = INFINITY, largest = 0;
  bool whole = true;
  for (double v : values) {
    if (!std::isfinite(v) || v == 0) continue;
    smallest = std::min(smallest, std::abs(v));
    largest = std::max(largest, std::abs(v));
    whole = whole && v == std::ceil(v);
  }
  if (largest == 0) return Notation::integral;
  if (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4) return Notation::scientific;
  return whole ? Notation::integral : Notation::fixed;
}

std::string floating_text(double v, Notation notation) {
  if (std::isnan(v)) return "nan";  // its sign means nothing
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  if (notation == Notation::scientific) return fmt::format("{:.4e}", v);
  return notation == Notation::integral ? fmt::format("{:.0f}.", v) : fmt::format("{:.4f}", v);
}

/// As in PyTorch, only finite values other than zero set the width of the columns.
Cells floating_cells(const std::vector<double>& values) {
  const Notation notation = choose_notation(values);
  Cells cells;
  for (double v : values) {
    cells.texts.push_back(floating_text(v, notation));
    if (std::isfinite(v) && v != 0) cells.width = std::max(cells.width, cells.texts.back().size());
  }
  return cells;
}

Cells make_cells(const Tensor& t, bool summarised) {
  return visit(t.dtype(), [&](auto tag) {
    using T = decltype(tag);
    const T* data = t.data<T>();
    std::vector<std::conditional_t<std::is_integral_v<T>, int64_t, double>> values;
    for_each_offset(t, summarised, 0, 0, [&](int64_t i) { values.push_back(data[i]); });
    if constexpr (std::is_integral_v<T>)
      return integer_cells(values);
    else
      return floating_cells(values);
  });
}

/// Lays aligned cells out as nested brackets.
class Layout {
 public:
  Layout(const Shape& shape, Cells cells, bool summarised)
      : shape_(shape), cells_(std::move(cells)), summarised_(summarised) {}

  std::string text(size_t indent) { return block(0, indent); }

 private:
  std::string next_cell() { return fmt::format("{:>{}}", cells_.texts[next_++], cells_.width); }
  bool cut(int64_t dim) const { return summarised_ && shape_[dim] > 2 * kEdgeItems; }
  int64_t shown(int64_t dim) const { return cut(dim) ? 2 * kEdgeItems : shape_[dim]; }

  std::string block(int64_t dim, size_t indent) {
    if (dim == shape_.size()) return next_cell();
    if (dim == shape_.size() - 1) return row(dim, indent);
    const std::string separator = fmt::format(",{:\n>{}}{:{}}", "", shape_.size() - dim - 1, "", indent + 1);
    std::string out = "[";
    for (int64_t i = 0; i < shown(dim); ++i) {
      if (i > 0) out += separator;
      if (cut(dim) && i == kEdgeItems) out += "..." + separator;
      out += block(dim + 1, indent + 1);
    }
    return out + "]";
  }

  /// One dimension, broken into lines.
  std::string row(int64_t dim, size_t indent) {
    const size_t available = kLineWidth - std::min(indent, kLineWidth);
    const size_t per_line = std::max<size_t>(1, available / (cells_.width + 2));
    std::string out = "[";
    size_t items = 0;
    const auto add = [&](const std::string& item) {
      if (items > 0) out += items % per_line == 0 ? fmt::format(",\n{:{}}", "", indent + 1) : ", ";
      out += item;
      ++items;
    };
    for (int64_t i = 0; i < shown(dim); ++i) {
      if (cut(dim) && i == kEdgeItems) add(" ...");
      add(next_cell());
    }
    return out + "]";
  }

  Shape shape_;
  Cells cells_;
  bool summarised_;
  size_t next_ = 0;
};

/// "(2, 0, 3)", and "(3,)" for one dimension, as Python writes a tuple.
std::string tuple_text(const Shape& shape) {
  const std::string dims = shape.to_string();
  return fmt::format("({}{})", dims.substr(1, dims.size() - 2), shape.size() == 1 ? "," : "");
}

std::vector<std::string> suffixes(const Tensor& t, bool summarised) {
  std::vector<std::string> out;
  if (summarised || (t.numel() == 0 && t.dim() != 1)) out.push_back("size=" + tuple_text(t.shape()));
  const bool plain = t.dtype() == DType::f32 || (t.dtype() == DType::i64 && t.numel() > 0);
  if (!plain) out.push_back(fmt::format("dtype={}", name_of(t.dtype())));
  if (!t.device().is_cpu()) out.push_back(fmt::format("device='{}'", t.device().to_string()));
  if (t.requires_grad()) out.emplace_back(t.is_leaf() ? "requires_grad=True" : "grad_fn=<recorded>");
  return out;
}

}  // namespace

double Tensor::item() const {
  if (numel() != 1)
    throw ShapeError(fmt::format("item: expected a tensor of one element, got shape {}", shape().to_string()));
  const Tensor t = on_host(*this);
  return visit(t.dtype(), [&](auto tag) { return static_cast<double>(*t.data<decltype(tag)>()); });
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor t = on_host(*this);
  std::vector<T> out;
  out.reserve(static_cast<size_t>(t.numel()));
  visit(t.dtype(), [&](auto tag) {
    const auto* data = t.data<decltype(tag)>();
    for_each_offset(t, false, 0, 0, [&](int64_t i) { out.push_back(static_cast<T>(data[i])); });
  });
  return out;
}

template std::vector<float> Tensor::to_vector<float>() const;
template std::vector<double> Tensor::to_vector<double>() const;
template std::vector<bf16> Tensor::to_vector<bf16>() const;
template std::vector<uint8_t> Tensor::to_vector<uint8_t>() const;
template std::vector<int32_t> Tensor::to_vector<int32_t>() const;
template std::vector<int64_t> Tensor::to_vector<int64_t>() const;

std::string Tensor::to_string() const {
  static const std::string prefix = "tensor(";
  if (!defined()) return "tensor(undefined)";
  const bool summarised = numel() > kSummariseAbove;
  std::string body = "[]";
  if (numel() > 0) {
    const Tensor t = on_host(*this);
    body = Layout(t.shape(), make_cells(t, summarised), summarised).text(prefix.size());
  }
  std::string out = prefix + body;
  for (const std::string& suffix : suffixes(*this, summarised)) {
    const size_t last_line = out.size() - (out.rfind('\n') + 1);
    const bool fits = last_line + suffix.size() + 4 <= kLineWidth;
    out += fits ? ", " : fmt::format(",\n{:{}}", "", prefix.size());
    out += suffix;
  }
  return out + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << t.to_string(); }

}  // namespace gw
