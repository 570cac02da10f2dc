// Views, joining and rearranging, lookups, conversions and changes in place.
#include <algorithm>
#include <functional>

#include "autograd/index.h"
#include "operations.h"

namespace golden {
namespace {

using gw::DType;
using gw::Shape;
using gw::Tensor;

// --- views ----------------------------------------------------------------------------------------------------------

/// The new shape, which reshape calls `shape`, and view and expand `size`.
Shape new_shape(Attributes& attrs) { return attrs.required_integers(attrs.has("size") ? "size" : "shape"); }

Tensors reshape(const Inputs& in, Attributes& attrs) { return {in[0].reshape(new_shape(attrs))}; }
Tensors reshape_as(const Inputs& in, Attributes&) { return {in[0].reshape(in[1].shape())}; }
Tensors view(const Inputs& in, Attributes& attrs) { return {in[0].view(new_shape(attrs))}; }
Tensors expand(const Inputs& in, Attributes& attrs) { return {in[0].expand(new_shape(attrs))}; }
Tensors expand_as(const Inputs& in, Attributes&) { return {in[0].expand(in[1].shape())}; }

Tensors flatten(const Inputs& in, Attributes& attrs) {
  return {in[0].flatten(attrs.integer("start_dim", 0), attrs.integer("end_dim", -1))};
}

Tensors transpose(const Inputs& in, Attributes& attrs) {
  return {in[0].transpose(attrs.required_integer("dim0"), attrs.required_integer("dim1"))};
}

Tensors permute(const Inputs& in, Attributes& attrs) { return {in[0].permute(attrs.required_integers("dims"))}; }

/// One dimension, several, or all of size 1.
Tensors squeeze(const Inputs& in, Attributes& attrs) {
  std::optional<Shape> dims = attrs.integers("dim");
  if (!dims) return {in[0].squeeze()};
  for (int64_t& d : *dims) d = gw::normalize_dim(d, in[0].dim(), "squeeze");
  std::sort(dims->begin(), dims->end(), std::greater<>());
  Tensor t = in[0];
  for (const int64_t d : *dims) t = t.squeeze(d);
  return {t};
}

Tensors unsqueeze(const Inputs& in, Attributes& attrs) { return {in[0].unsqueeze(attrs.required_integer("dim"))}; }

Tensors select(const Inputs& in, Attributes& attrs) {
  return {in[0].select(attrs.required_integer("dim"), attrs.required_integer("index"))};
}

Tensors narrow(const Inputs& in, Attributes& attrs) {
  return {
      in[0].narrow(attrs.required_integer("dim"), attrs.required_integer("start"), attrs.required_integer("length"))};
}

/// Pieces of `length` along a dimension, the last one shorter where it does not divide the size.
Tensors pieces(const Tensor& t, int64_t dim, int64_t length) {
  Tensors parts;
  for (int64_t start = 0; start < t.size(dim); start += length)
    parts.push_back(t.narrow(dim, start, std::min(length, t.size(dim) - start)));
  return parts;
}

Tensors split(const Inputs& in, Attributes& attrs) {
  const char* name = attrs.has("split_size") ? "split_size" : "split_size_or_sections";
  const Shape lengths = attrs.required_integers(name);
  const int64_t dim = attrs.integer("dim", 0);
  if (lengths.size() == 1) return pieces(in[0], dim, lengths[0]);
  Tensors parts;
  int64_t start = 0;
  for (const int64_t length : lengths) {
    parts.push_back(in[0].narrow(dim, start, length));
    start += length;
  }
  return parts;
}

Tensors chunk(const Inputs& in, Attributes& attrs) {
  const int64_t dim = attrs.integer("dim", 0), count = attrs.required_integer("chunks");
  return pieces(in[0], dim, (in[0].size(dim) + count - 1) / count);
}

Tensors unbind(const Inputs& in, Attributes& attrs) {
  const int64_t dim = attrs.integer("dim", 0);
  Tensors parts;
  for (int64_t i = 0; i < in[0].size(dim); ++i) parts.push_back(in[0].select(dim, i));
  return parts;
}

// --- joining, rearranging, looking up -------------------------------------------------------------------------------

Tensors cat(const Inputs& in, Attributes& attrs) { return {gw::cat(in.all(), attrs.integer("dim", 0))}; }
Tensors stack(const Inputs& in, Attributes& attrs) { return {gw::stack(in.all(), attrs.integer("dim", 0))}; }
Tensors flip(const Inputs& in, Attributes& attrs) { return {gw::flip(in[0], attrs.required_integers("dims"))}; }

Tensors roll(const Inputs& in, Attributes& attrs) {
  const Shape shifts = attrs.required_integers("shifts");
  const std::optional<Shape> dims = attrs.integers("dims");
  if (dims && !dims->empty()) return {gw::roll(in[0], shifts, *dims)};
  return {gw::roll(in[0].flatten(), shifts, {0}).reshape(in[0].shape())};
}

Tensors gather(const Inputs& in, Attributes& attrs) {
  attrs.ignore("sparse_grad");
  return {gw::gather(in[0], attrs.required_integer("dim"), in[1])};
}

Tensors index_select(const Inputs& in, Attributes& attrs) {
  return {gw::index_select(in[0], attrs.required_integer("dim"), in[1])};
}

Tensors embedding(const Inputs& in, Attributes& attrs) {
  attrs.only("max_norm", nullptr);
  attrs.only("scale_grad_by_freq", false);
  attrs.ignore("norm_type");
  attrs.ignore("sparse");
  return {gw::embedding(in[1], in[0], attrs.integer("padding_idx"))};
}

Tensors one_hot(const Inputs& in, Attributes& attrs) { return {gw::one_hot(in[0], attrs.integer("num_classes", -1))}; }

Tensors pad(const Inputs& in, Attributes& attrs) {
  attrs.only("mode", "constant");
  return {gw::pad(in[0], attrs.required_list("pad"), attrs.number("value", 0))};
}

// --- conversions ----------------------------------------------------------------------------------------------------

Tensors contiguous(const Inputs& in, Attributes& attrs) {
  const bool last = attrs.text("memory_format", "").ends_with("channels_last");
  return {in[0].contiguous(last ? gw::MemoryFormat::channels_last : gw::MemoryFormat::contiguous)};
}

template <DType dtype>
Tensors to_dtype(const Inputs& in, Attributes&) {
  return {in[0].to(dtype)};
}

// --- changes in place: the result is input 0 itself -----------------------------------------------------------------

Tensors zero_(const Inputs& in, Attributes&) { return {in[0].zero_()}; }
Tensors fill_(const Inputs& in, Attributes& attrs) { return {in[0].fill_(attrs.required_number("value"))}; }
Tensors copy_(const Inputs& in, Attributes&) { return {in[0].copy_(in[1])}; }
Tensors clamp_(const Inputs& in, Attributes& attrs) { return {in[0].clamp_(attrs.number("min"), attrs.number("max"))}; }

Tensors add_(const Inputs& in, Attributes& attrs) {
  const double alpha = attrs.number("alpha", 1);
  if (in.has(1)) return {in[0].add_(in[1], alpha)};
  return {in[0].add_(alpha * attrs.required_number("other"))};
}

Tensors sub_(const Inputs& in, Attributes& attrs) {
  const double alpha = attrs.number("alpha", 1);
  if (in.has(1)) return {in[0].add_(in[1], -alpha)};
  return {in[0].add_(-alpha * attrs.required_number("other"))};
}

Tensors mul_(const Inputs& in, Attributes& attrs) {
  if (in.has(1)) return {in[0].mul_(in[1])};
  return {in[0].mul_(attrs.required_number("other"))};
}

Tensors div_(const Inputs& in, Attributes& attrs) {
  if (in.has(1)) return {in[0].div_(in[1])};
  return {in[0].mul_(1 / attrs.required_number("other"))};
}

}  // namespace

Operations shape_operations() {
  using At = Attributes&;
  using In = const Inputs&;
  return {
      {"reshape", reshape},
      {"reshape_as", reshape_as},
      {"view", view},
      {"view_as", reshape_as},
      {"expand", expand},
      {"expand_as", expand_as},
      {"broadcast_to", expand},
      {"flatten", flatten},
      {"transpose", transpose},
      {"swapaxes", transpose},
      {"swapdims", transpose},
      {"t", unary<&Tensor::t>},
      {"permute", permute},
      {"squeeze", squeeze},
      {"unsqueeze", unsqueeze},
      {"select", select},
      {"narrow", narrow},
      {"split", split},
      {"chunk", chunk},
      {"unbind", unbind},

      {"cat", cat},
      {"concat", cat},
      {"concatenate", cat},
      {"stack", stack},
      {"flip", flip},
      {"roll", roll},
      {"gather", gather},
      {"index_select", index_select},
      {"embedding", embedding},
      {"one_hot", one_hot},
      {"pad", pad},

      {"contiguous", contiguous},
      {"clone", [](In in, At) -> Tensors { return {in[0].clone()}; }},
      {"detach", unary<&Tensor::detach>},
      {"to", [](In in, At attrs) -> Tensors { return {converted(in, attrs)}; }},
      {"float", to_dtype<DType::f32>},
      {"bfloat16", to_dtype<DType::bf16>},
      {"long", to_dtype<DType::i64>},
      {"int", to_dtype<DType::i32>},
      {"byte", to_dtype<DType::u8>},

      {"zero_", zero_},
      {"fill_", fill_},
      {"copy_", copy_},
      {"clamp_", clamp_},
      {"add_", add_},
      {"sub_", sub_},
      {"mul_", mul_},
      {"div_", div_},
  };
}

}  // namespace golden
