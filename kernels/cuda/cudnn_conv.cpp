// Convolutions by cuDNN 9, in channels-last memory. cuDNN multiplies activations and weights of one dtype and sums in
// f32; for bf16 activations the f32 weights are cast at each call, and the weight's gradient is rounded to bf16 once,
// after its sums, before it becomes f32.
#include <cudnn.h>
#include <fmt/format.h>

#include <array>
#include <compare>
#include <map>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "kernels/cuda/conv.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "kernels/reduce.h"
#include "tensor/creation.h"
#include "tensor/cuda_runtime.h"

namespace gw::kernels::cuda {
namespace {

/// Most memory that an algorithm may ask for.
constexpr size_t kMostWorkspace = size_t{1} << 30;

void check(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> reason{};
  cudnnGetLastErrorString(reason.data(), reason.size());
  throw DeviceError(fmt::format("{}: {} {}", call, cudnnGetErrorString(status), reason.data()));
}

/// Destroys a descriptor with its handle's own function.
template <auto kDestroy>
struct Destroy {
  template <class T>
  void operator()(T* descriptor) const {
    kDestroy(descriptor);
  }
};
using TensorDescriptor =
    std::unique_ptr<std::remove_pointer_t<cudnnTensorDescriptor_t>, Destroy<cudnnDestroyTensorDescriptor>>;
using FilterDescriptor =
    std::unique_ptr<std::remove_pointer_t<cudnnFilterDescriptor_t>, Destroy<cudnnDestroyFilterDescriptor>>;
using ConvolutionDescriptor =
    std::unique_ptr<std::remove_pointer_t<cudnnConvolutionDescriptor_t>, Destroy<cudnnDestroyConvolutionDescriptor>>;

cudnnDataType_t type_of(DType dtype) { return dtype == DType::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT; }
int to_int(int64_t n) { return static_cast<int>(n); }

TensorDescriptor tensor_descriptor(DType dtype, int64_t n, int64_t c, int64_t h, int64_t w) {
  cudnnTensorDescriptor_t d;
  check(cudnnCreateTensorDescriptor(&d), "cudnnCreateTensorDescriptor");
  TensorDescriptor owner(d);
  check(cudnnSetTensor4dDescriptor(d, CUDNN_TENSOR_NHWC, type_of(dtype), to_int(n), to_int(c), to_int(h), to_int(w)),
        "cudnnSetTensor4dDescriptor");
  return owner;
}

FilterDescriptor filter_descriptor(const ConvShape& s, DType dtype) {
  cudnnFilterDescriptor_t d;
  check(cudnnCreateFilterDescriptor(&d), "cudnnCreateFilterDescriptor");
  FilterDescriptor owner(d);
  check(cudnnSetFilter4dDescriptor(d, type_of(dtype), CUDNN_TENSOR_NHWC, to_int(s.out_c), to_int(s.in_c / s.groups),
                                   to_int(s.kernel_h), to_int(s.kernel_w)),
        "cudnnSetFilter4dDescriptor");
  return owner;
}

ConvolutionDescriptor convolution_descriptor(const ConvShape& s) {
  cudnnConvolutionDescriptor_t d;
  check(cudnnCreateConvolutionDescriptor(&d), "cudnnCreateConvolutionDescriptor");
  ConvolutionDescriptor owner(d);
  check(cudnnSetConvolution2dDescriptor(d, to_int(s.pad_h), to_int(s.pad_w), to_int(s.stride_h), to_int(s.stride_w),
                                        to_int(s.dilation_h), to_int(s.dilation_w), CUDNN_CROSS_CORRELATION,
                                        CUDNN_DATA_FLOAT),
        "cudnnSetConvolution2dDescriptor");
  check(cudnnSetConvolutionGroupCount(d, to_int(s.groups)), "cudnnSetConvolutionGroupCount");
  return owner;
}

enum class Pass { forward, backward_input, backward_weight };

/// How one convolution is done: descriptors, the algorithm of its pass, and the workspace that this needs.
struct Plan {
  TensorDescriptor x, y, bias;
  FilterDescriptor w;
  ConvolutionDescriptor convolution;
  cudnnConvolutionFwdAlgo_t forward{};
  cudnnConvolutionBwdDataAlgo_t backward_input{};
  cudnnConvolutionBwdFilterAlgo_t backward_weight{};
  size_t workspace = 0;

  Plan(cudnnHandle_t handle, Pass pass, const ConvShape& s, DType dtype, bool tf32)
      : x(tensor_descriptor(dtype, s.n, s.in_c, s.in_h, s.in_w)),
        y(tensor_descriptor(dtype, s.n, s.out_c, s.out_h, s.out_w)),
        bias(tensor_descriptor(dtype, 1, s.out_c, 1, 1)),
        w(filter_descriptor(s, dtype)),
        convolution(convolution_descriptor(s)) {
    // The default allows TF32 for f32 operands.
    set_math(dtype == DType::f32 && !tf32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH);
    const cudnnConvolutionDescriptor_t c = convolution.get();
    if (pass == Pass::forward)
      find(forward, "cudnnGetConvolutionForwardAlgorithm_v7", s, [&](int most, int* count, auto* found) {
        return cudnnGetConvolutionForwardAlgorithm_v7(handle, x.get(), w.get(), c, y.get(), most, count, found);
      });
    if (pass == Pass::backward_input)
      find(backward_input, "cudnnGetConvolutionBackwardDataAlgorithm_v7", s, [&](int most, int* count, auto* found) {
        return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, w.get(), y.get(), c, x.get(), most, count, found);
      });
    if (pass == Pass::backward_weight)
      find(backward_weight, "cudnnGetConvolutionBackwardFilterAlgorithm_v7", s, [&](int most, int* count, auto* found) {
        return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, x.get(), y.get(), c, w.get(), most, count, found);
      });
  }

 private:
  void set_math(cudnnMathType_t type) {
    check(cudnnSetConvolutionMathType(convolution.get(), type), "cudnnSetConvolutionMathType");
  }

  static cudnnConvolutionFwdAlgoPerf_t results_of(cudnnConvolutionFwdAlgo_t) { return {}; }
  static cudnnConvolutionBwdDataAlgoPerf_t results_of(cudnnConvolutionBwdDataAlgo_t) { return {}; }
  static cudnnConvolutionBwdFilterAlgoPerf_t results_of(cudnnConvolutionBwdFilterAlgo_t) { return {}; }

  /// Takes the first of cuDNN's proposals, which come best first, that repeats bit for bit and fits into memory.
  template <class Algorithm, class Ask>
  void find(Algorithm& algorithm, const char* call, const ConvShape& s, const Ask& ask) {
    std::array<decltype(results_of(algorithm)), 16> found{};
    int count = 0;
    check(ask(static_cast<int>(found.size()), &count, found.data()), call);
    for (int i = 0; i < count; ++i) {
      const auto& f = found[static_cast<size_t>(i)];
      if (f.status != CUDNN_STATUS_SUCCESS || f.determinism != CUDNN_DETERMINISTIC || f.memory > kMostWorkspace)
        continue;
      algorithm = f.algo;
      workspace = f.memory;
      return set_math(f.mathType);
    }
    throw DeviceError(fmt::format(
        "{}: no deterministic algorithm for an input [{}, {}, {}, {}], a weight [{}, {}, {}, {}], {} groups", call, s.n,
        s.in_c, s.in_h, s.in_w, s.out_c, s.in_c / s.groups, s.kernel_h, s.kernel_w, s.groups));
  }
};

/// All that a plan depends on.
struct Key {
  Pass pass;
  DType dtype;
  bool tf32;
  std::array<int64_t, 16> shape;
  auto operator<=>(const Key&) const = default;
};

Key key_of(Pass pass, const ConvShape& s, DType dtype) {
  return {pass,
          dtype,
          dtype == DType::f32 && allow_tf32(),
          {s.n, s.in_c, s.in_h, s.in_w, s.out_c, s.out_h, s.out_w, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w,
           s.pad_h, s.pad_w, s.dilation_h, s.dilation_w, s.groups}};
}

/// What the library keeps for a device.
struct Library {
  cudnnHandle_t handle = nullptr;
  std::map<Key, std::unique_ptr<Plan>> plans;
  std::mutex mutex;

  explicit Library(Device device) {
    const gw::cuda::DeviceGuard guard(device);
    check(cudnnCreate(&handle), "cudnnCreate");
    check(cudnnSetStream(handle, gw::cuda::stream_of(device)), "cudnnSetStream");
  }
};

Library& library_of(Device device) {
  // Never destroyed: the driver may be gone before static variables are.
  static auto* libraries = new std::map<int, std::unique_ptr<Library>>;
  static auto* mutex = new std::mutex;
  const std::lock_guard lock(*mutex);
  auto& slot = (*libraries)[device.index];
  if (!slot) slot = std::make_unique<Library>(device);
  return *slot;
}

/// Calls run(handle, plan, workspace) for a convolution on the device of `t`, whose dtype the activations have.
template <class Run>
void with_plan(Pass pass, const ConvShape& s, const Tensor& t, const Run& run) {
  Library& library = library_of(t.device());
  const gw::cuda::DeviceGuard guard(t.device());
  const std::lock_guard lock(library.mutex);
  const Key key = key_of(pass, s, t.dtype());
  auto& plan = library.plans[key];
  if (!plan) plan = std::make_unique<Plan>(library.handle, pass, s, t.dtype(), key.tf32);
  const Tensor workspace = empty({static_cast<int64_t>(plan->workspace)}, {.dtype = DType::u8, .device = t.device()});
  run(library.handle, *plan, plan->workspace > 0 ? workspace.raw() : nullptr);
}

constexpr float kOne = 1, kZero = 0;

/// A channels-last weight in the activations' dtype, in channels-last memory.
Tensor weight_like(const Tensor& w, DType dtype) {
  if (w.dtype() == dtype) return w;
  const Tensor out = empty(w.shape(), {.dtype = dtype, .device = w.device()}, MemoryFormat::channels_last);
  cuda::copy(out, w);
  return out;
}

}  // namespace

void conv_forward(const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& y,
                  BatchMoments*) {
  const Tensor weight = weight_like(w, x.dtype());
  const Tensor added = bias.defined() ? cast(bias, x.dtype()) : bias;
  with_plan(Pass::forward, s, x, [&](cudnnHandle_t handle, const Plan& p, void* workspace) {
    check(cudnnConvolutionForward(handle, &kOne, p.x.get(), x.raw(), p.w.get(), weight.raw(), p.convolution.get(),
                                  p.forward, workspace, p.workspace, &kZero, p.y.get(), y.raw()),
          "cudnnConvolutionForward");
    if (added.defined())
      check(cudnnAddTensor(handle, &kOne, p.bias.get(), added.raw(), &kOne, p.y.get(), y.raw()), "cudnnAddTensor");
  });
}

void conv_backward_input(const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx) {
  const Tensor weight = weight_like(w, dy.dtype());
  with_plan(Pass::backward_input, s, dy, [&](cudnnHandle_t handle, const Plan& p, void* workspace) {
    check(cudnnConvolutionBackwardData(handle, &kOne, p.w.get(), weight.raw(), p.y.get(), dy.raw(), p.convolution.get(),
                                       p.backward_input, workspace, p.workspace, &kZero, p.x.get(), dx.raw()),
          "cudnnConvolutionBackwardData");
  });
}

void conv_backward_weight(const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw, const Tensor& db) {
  const bool narrow = x.dtype() != dw.dtype();
  const Tensor gradient = narrow ? empty_like(dw, x.dtype()) : dw;
  with_plan(Pass::backward_weight, s, x, [&](cudnnHandle_t handle, const Plan& p, void* workspace) {
    check(cudnnConvolutionBackwardFilter(handle, &kOne, p.x.get(), x.raw(), p.y.get(), dy.raw(), p.convolution.get(),
                                         p.backward_weight, workspace, p.workspace, &kZero, p.w.get(), gradient.raw()),
          "cudnnConvolutionBackwardFilter");
  });
  if (narrow) cuda::copy(dw, gradient);
  if (db.defined()) cuda::copy(db, kernels::sum(cast(dy, DType::f32), {0, 2, 3}));
}

}  // namespace gw::kernels::cuda
