#include "kernels/cpu/onednn.h"

#include "kernels/cpu/scratch.h"
#include "tensor/error.h"

#if GROUNDWORK_ONEDNN

#include <dnnl.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

namespace gw::kernels::cpu::onednn {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;

memory::data_type type_of(DType dtype) {
  return dtype == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

dnnl::engine& engine() {
  static auto* e = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *e;
}

dnnl::stream& stream() {
  static thread_local dnnl::stream s(engine());
  return s;
}

memory wrap(const memory::desc& desc, const void* data) { return memory(desc, engine(), const_cast<void*>(data)); }

/// Memory of oneDNN's for one call. From our allocator, which keeps it for the next one: the library's own asks the
/// system each time, and what that takes to clear the pages can be a third of a product.
class OwnMemory {
 public:
  explicit OwnMemory(const memory::desc& desc)
      : scratch_(static_cast<int64_t>((desc.get_size() + sizeof(float) - 1) / sizeof(float))),
        memory_(wrap(desc, scratch_.data())) {}
  const memory& get() const { return memory_; }

 private:
  Scratch scratch_;
  memory memory_;
};

const dnnl::primitive_attr& own_scratchpad() {
  static const dnnl::primitive_attr attributes = [] {
    dnnl::primitive_attr a;
    a.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return a;
  }();
  return attributes;
}

/// Creating a primitive generates code, which takes milliseconds; so each is made once for a key and kept.
template <class Primitive>
class Cache {
 public:
  template <class Make>
  std::shared_ptr<Primitive> get(const std::string& key, Make make) {
    const std::lock_guard lock(mutex_);
    auto it = kept_.find(key);
    if (it != kept_.end()) return it->second;
    if (kept_.size() >= kMost) kept_.clear();
    return kept_.emplace(key, std::make_shared<Primitive>(make())).first->second;
  }

 private:
  static constexpr size_t kMost = 1024;  // shapes may vary without end, as with sentences of all lengths
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Primitive>> kept_;
};

/// The bytes of a few integers, as a key.
template <class... Ints>
std::string key_of(Ints... values) {
  const int64_t all[] = {static_cast<int64_t>(values)...};
  return {reinterpret_cast<const char*>(all), sizeof all};
}

std::string key_of(const ConvShape& s, DType dtype, bool bias) {
  return key_of(s.n, s.in_c, s.in_h, s.in_w, s.out_c, s.out_h, s.out_w, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w,
                s.pad_h, s.pad_w, s.dilation_h, s.dilation_w, s.groups, static_cast<int>(dtype), bias);
}

/// Turns oneDNN's errors into ours.
template <class F>
void checked(const char* op, F&& f) {
  try {
    f();
  } catch (const dnnl::error& e) {
    throw Error(std::string(op) + ": oneDNN failed: " + e.what());
  }
}

// --- convolution

/// The descriptions of a convolution's operands: activations channels-last, weights as oneDNN likes them.
struct ConvDescs {
  memory::desc x, y, bias, weight, our_weight;
  Dims weight_dims, strides, dilates, pad_low, pad_high;

  ConvDescs(const ConvShape& s, DType dtype) {
    const auto type = type_of(dtype);
    x = {{s.n, s.in_c, s.in_h, s.in_w}, type, Tag::nhwc};
    y = {{s.n, s.out_c, s.out_h, s.out_w}, type, Tag::nhwc};
    bias = {{s.out_c}, memory::data_type::f32, Tag::x};
    const int64_t in = s.in_c / s.groups, out = s.out_c / s.groups, taps = s.taps();
    weight_dims =
        s.groups == 1 ? Dims{out, in, s.kernel_h, s.kernel_w} : Dims{s.groups, out, in, s.kernel_h, s.kernel_w};
    const Dims steps = s.groups == 1 ? Dims{taps * in, 1, s.kernel_w * in, in}
                                     : Dims{out * taps * in, taps * in, 1, s.kernel_w * in, in};
    weight = {weight_dims, type, Tag::any};
    our_weight = {weight_dims, memory::data_type::f32, steps};
    strides = {s.stride_h, s.stride_w};
    dilates = {s.dilation_h - 1, s.dilation_w - 1};
    pad_low = {s.pad_h, s.pad_w};
    pad_high = {(s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1 - s.in_h - s.pad_h,
                (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1 - s.in_w - s.pad_w};
  }
};

constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
constexpr auto kTraining = dnnl::prop_kind::forward_training;

// The weight gradient is asked for in f32 whatever the dtype of the activations.
memory::desc weight_gradient(const ConvDescs& d) { return {d.weight_dims, memory::data_type::f32, Tag::any}; }

dnnl::convolution_forward::primitive_desc forward_desc(const ConvDescs& d, bool has_bias) {
  const memory::desc bias = has_bias ? d.bias : memory::desc();
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), kTraining, kAlgorithm, d.x,       d.weight,   bias,
          d.y,      d.strides, d.dilates,  d.pad_low, d.pad_high, own_scratchpad()};
#else
  return {{kTraining, kAlgorithm, d.x, d.weight, bias, d.y, d.strides, d.dilates, d.pad_low, d.pad_high},
          own_scratchpad(),
          engine()};
#endif
}

dnnl::convolution_backward_data::primitive_desc backward_data_desc(const ConvDescs& d) {
  const auto hint = forward_desc(d, false);
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),  kAlgorithm, d.x,  d.weight,        d.y, d.strides, d.dilates,
          d.pad_low, d.pad_high, hint, own_scratchpad()};
#else
  return {
      {kAlgorithm, d.x, d.weight, d.y, d.strides, d.dilates, d.pad_low, d.pad_high}, own_scratchpad(), engine(), hint};
#endif
}

dnnl::convolution_backward_weights::primitive_desc backward_weights_desc(const ConvDescs& d, bool has_bias) {
  const auto hint = forward_desc(d, has_bias);
  const memory::desc bias = has_bias ? d.bias : memory::desc(), dw = weight_gradient(d);
#if DNNL_VERSION_MAJOR >= 3
  return {engine(),  kAlgorithm, d.x,       dw,         bias, d.y,
          d.strides, d.dilates,  d.pad_low, d.pad_high, hint, own_scratchpad()};
#else
  return {
      {kAlgorithm, d.x, dw, bias, d.y, d.strides, d.dilates, d.pad_low, d.pad_high}, own_scratchpad(), engine(), hint};
#endif
}

/// A convolution primitive, and the reorder between our weights and its own.
struct Convolution {
  dnnl::primitive primitive, reorder;
  memory::desc x, y, bias, weight, our_weight, scratchpad;
};

Convolution make_forward(const ConvShape& s, DType dtype, bool bias) {
  const ConvDescs d(s, dtype);
  const auto desc = forward_desc(d, bias);
  const dnnl::reorder::primitive_desc reorder(engine(), d.our_weight, engine(), desc.weights_desc());
  return {dnnl::convolution_forward(desc), dnnl::reorder(reorder), d.x, d.y, d.bias, desc.weights_desc(), d.our_weight,
          desc.scratchpad_desc()};
}

Convolution make_backward_input(const ConvShape& s, DType dtype) {
  const ConvDescs d(s, dtype);
  const auto desc = backward_data_desc(d);
  const dnnl::reorder::primitive_desc reorder(engine(), d.our_weight, engine(), desc.weights_desc());
  return {dnnl::convolution_backward_data(desc),
          dnnl::reorder(reorder),
          d.x,
          d.y,
          d.bias,
          desc.weights_desc(),
          d.our_weight,
          desc.scratchpad_desc()};
}

Convolution make_backward_weight(const ConvShape& s, DType dtype, bool bias) {
  const ConvDescs d(s, dtype);
  const auto desc = backward_weights_desc(d, bias);
  const dnnl::reorder::primitive_desc reorder(engine(), desc.diff_weights_desc(), engine(), d.our_weight);
  return {dnnl::convolution_backward_weights(desc),
          dnnl::reorder(reorder),
          d.x,
          d.y,
          d.bias,
          desc.diff_weights_desc(),
          d.our_weight,
          desc.scratchpad_desc()};
}

/// Our weights as the primitive wants them.
class Weight {
 public:
  Weight(const Convolution& c, const float* w) : ours_(wrap(c.our_weight, w)) {
    if (c.weight == c.our_weight) return;
    theirs_.emplace(c.weight);
    c.reorder.execute(stream(), {{DNNL_ARG_FROM, ours_}, {DNNL_ARG_TO, theirs_->get()}});
  }
  const memory& get() const { return theirs_ ? theirs_->get() : ours_; }

 private:
  memory ours_;
  std::optional<OwnMemory> theirs_;
};

// --- matrix products

memory::desc matrix_desc(int64_t batch, int64_t rows, int64_t columns, const MatrixRef& ref) {
  const int64_t matrices = ref.batch_stride == 0 ? 1 : batch;
  // The stride of a dimension of size one means nothing, but oneDNN checks it.
  const int64_t row = rows == 1 ? columns * ref.column_stride : ref.row_stride;
  const int64_t column = columns == 1 ? (ref.row_stride == 1 ? rows : 1) : ref.column_stride;
  if (batch == 1) return {{rows, columns}, type_of(ref.dtype), {row, column}};
  const int64_t step = matrices == 1 ? rows * columns : ref.batch_stride;
  return {{matrices, rows, columns}, type_of(ref.dtype), {step, row, column}};
}

struct Matmul {
  dnnl::matmul primitive;
  memory::desc a, b, c, bias, scratchpad;
};

Matmul make_matmul(const MatrixProduct& p) {
  const MatrixRef c{p.c, p.c_dtype, p.c_batch_stride, p.c_row_stride, 1};
  Matmul m;
  m.a = matrix_desc(p.batch, p.m, p.k, p.a);
  m.b = matrix_desc(p.batch, p.k, p.n, p.b);
  m.c = matrix_desc(p.batch, p.m, p.n, c);
  if (p.bias)
    m.bias = {p.batch == 1 ? Dims{1, p.n} : Dims{1, 1, p.n}, memory::data_type::f32, p.batch == 1 ? Tag::ab : Tag::abc};
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc desc(engine(), m.a, m.b, m.bias, m.c, own_scratchpad());
#else
  const dnnl::matmul::primitive_desc desc({m.a, m.b, m.bias, m.c}, own_scratchpad(), engine());
#endif
  m.primitive = dnnl::matmul(desc);
  m.scratchpad = desc.scratchpad_desc();
  return m;
}

std::string key_of(const MatrixProduct& p) {
  return key_of(p.batch, p.m, p.n, p.k, static_cast<int>(p.a.dtype), p.a.batch_stride, p.a.row_stride,
                p.a.column_stride, static_cast<int>(p.b.dtype), p.b.batch_stride, p.b.row_stride, p.b.column_stride,
                static_cast<int>(p.c_dtype), p.c_batch_stride, p.c_row_stride, p.bias != nullptr);
}

}  // namespace

bool available() { return true; }

bool has_amx() {
  static const bool amx = [] {
    const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_amx);
    return (isa & needed) == needed;
  }();
  return amx;
}

bool computes_backward_weight(const ConvShape& s, DType dtype) {
  const bool strided_pixel = s.in_h * s.in_w == 1 && s.taps() > 1 && s.stride_h * s.stride_w > 1;
  return !(dtype == DType::bf16 && strided_pixel);
}

void conv_forward(const ConvShape& shape, DType dtype, const void* x, const float* w, const float* bias, void* y) {
  checked("conv2d", [&] {
    static Cache<Convolution> cache;
    const bool has_bias = bias != nullptr;
    const auto c = cache.get(key_of(shape, dtype, has_bias), [&] { return make_forward(shape, dtype, has_bias); });
    const Weight weight(*c, w);
    const OwnMemory scratchpad(c->scratchpad);
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, wrap(c->x, x)},
                                              {DNNL_ARG_WEIGHTS, weight.get()},
                                              {DNNL_ARG_DST, wrap(c->y, y)},
                                              {DNNL_ARG_SCRATCHPAD, scratchpad.get()}};
    if (has_bias) arguments.emplace(DNNL_ARG_BIAS, wrap(c->bias, bias));
    c->primitive.execute(stream(), arguments);
    stream().wait();
  });
}

void conv_backward_input(const ConvShape& shape, DType dtype, const void* dy, const float* w, void* dx) {
  checked("conv2d_backward_input", [&] {
    static Cache<Convolution> cache;
    const auto c = cache.get(key_of(shape, dtype, false), [&] { return make_backward_input(shape, dtype); });
    const Weight weight(*c, w);
    const OwnMemory scratchpad(c->scratchpad);
    c->primitive.execute(stream(), {{DNNL_ARG_DIFF_DST, wrap(c->y, dy)},
                                    {DNNL_ARG_WEIGHTS, weight.get()},
                                    {DNNL_ARG_DIFF_SRC, wrap(c->x, dx)},
                                    {DNNL_ARG_SCRATCHPAD, scratchpad.get()}});
    stream().wait();
  });
}

void conv_backward_weight(const ConvShape& shape, DType dtype, const void* x, const void* dy, float* dw, float* db) {
  checked("conv2d_backward_weight", [&] {
    static Cache<Convolution> cache;
    const bool has_bias = db != nullptr;
    const auto c =
        cache.get(key_of(shape, dtype, has_bias), [&] { return make_backward_weight(shape, dtype, has_bias); });
    const memory ours = wrap(c->our_weight, dw);
    const bool reorder = c->weight != c->our_weight;
    const OwnMemory reordered(reorder ? c->weight : memory::desc());
    const memory theirs = reorder ? reordered.get() : ours;
    const OwnMemory scratchpad(c->scratchpad);
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, wrap(c->x, x)},
                                              {DNNL_ARG_DIFF_DST, wrap(c->y, dy)},
                                              {DNNL_ARG_DIFF_WEIGHTS, theirs},
                                              {DNNL_ARG_SCRATCHPAD, scratchpad.get()}};
    if (has_bias) arguments.emplace(DNNL_ARG_DIFF_BIAS, wrap(c->bias, db));
    c->primitive.execute(stream(), arguments);
    if (reorder) c->reorder.execute(stream(), {{DNNL_ARG_FROM, theirs}, {DNNL_ARG_TO, ours}});
    stream().wait();
  });
}

bool can_multiply(const MatrixProduct& p) {
  const auto plain = [](const MatrixRef& ref) { return ref.row_stride == 1 || ref.column_stride == 1; };
  return p.a.dtype == p.b.dtype && !(p.a.dtype == DType::f32 && p.c_dtype == DType::bf16) && plain(p.a) && plain(p.b) &&
         p.m > 0 && p.n > 0 && p.k > 0;
}

void matmul(const MatrixProduct& p) {
  checked("matmul", [&] {
    static Cache<Matmul> cache;
    const auto m = cache.get(key_of(p), [&] { return make_matmul(p); });
    const OwnMemory scratchpad(m->scratchpad);
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, wrap(m->a, p.a.data)},
                                              {DNNL_ARG_WEIGHTS, wrap(m->b, p.b.data)},
                                              {DNNL_ARG_DST, wrap(m->c, p.c)},
                                              {DNNL_ARG_SCRATCHPAD, scratchpad.get()}};
    if (p.bias) arguments.emplace(DNNL_ARG_BIAS, wrap(m->bias, p.bias));
    m->primitive.execute(stream(), arguments);
    stream().wait();
  });
}

}  // namespace gw::kernels::cpu::onednn

#else

namespace gw::kernels::cpu::onednn {
namespace {

[[noreturn]] void missing(const char* op) {
  throw Error(std::string(op) + ": this build of Groundwork is without oneDNN");
}

}  // namespace

bool available() { return false; }
bool has_amx() { return false; }
bool computes_backward_weight(const ConvShape&, DType) { return false; }
void conv_forward(const ConvShape&, DType, const void*, const float*, const float*, void*) { missing("conv2d"); }
void conv_backward_input(const ConvShape&, DType, const void*, const float*, void*) {
  missing("conv2d_backward_input");
}
void conv_backward_weight(const ConvShape&, DType, const void*, const void*, float*, float*) {
  missing("conv2d_backward_weight");
}
bool can_multiply(const MatrixProduct&) { return false; }
void matmul(const MatrixProduct&) { missing("matmul"); }

}  // namespace gw::kernels::cpu::onednn

#endif
