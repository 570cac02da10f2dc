// Matrix products by cuBLASLt. Its matrices are column-major, so it is asked for c^T = b^T a^T, which in memory is c:
// our right operand is its first. Transposed views are read as they lie.
#include <cublasLt.h>
#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>

#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/matmul.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "tensor/creation.h"
#include "tensor/cuda_runtime.h"
#include "tensor/views.h"

namespace gw::kernels::cuda {
namespace {

constexpr size_t kWorkspaceBytes = size_t{32} << 20;  // what NVIDIA recommends for Hopper

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError(fmt::format("{}: {} ({})", call, cublasLtGetStatusString(status), cublasLtGetStatusName(status)));
}

cudaDataType_t type_of(DType dtype) { return dtype == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F; }

/// A column-major matrix that cuBLASLt reads as it is or transposed.
struct Operand {
  Tensor tensor;  ///< keeps the memory
  bool transposed = false;
  int64_t rows = 0, columns = 0, ld = 0;  ///< before transposing
};

/// The last two dimensions of t, row-major with any strides, as a column-major matrix of their transpose; copied if
/// neither dimension runs through neighbouring elements.
Operand operand_of(const Tensor& t) {
  const int64_t r = t.size(-2), c = t.size(-1), sr = t.strides()[t.dim() - 2], sc = t.strides()[t.dim() - 1];
  if ((sc == 1 || c == 1) && (sr >= c || r == 1)) return {t, false, c, r, r == 1 ? c : sr};
  if ((sr == 1 || r == 1) && (sc >= r || c == 1)) return {t, true, r, c, c == 1 ? r : sc};
  return {contiguous(t), false, c, r, c};
}

/// The greatest power of two, up to 256, that divides an address.
int64_t alignment_of(const void* address) {
  const auto bits = reinterpret_cast<uintptr_t>(address) | 256;
  return static_cast<int64_t>(bits & (~bits + 1));
}

/// All that a plan depends on, as numbers: two products of one key run the same algorithm.
using Key = std::array<int64_t, 18>;

/// Descriptors and the algorithm for products of one key.
class Plan {
 public:
  Plan(cublasLtHandle_t handle, const Key& key, cublasComputeType_t compute, const Operand& first,
       const Operand& second, DType result, int64_t n, int64_t m, int64_t batch, std::array<int64_t, 3> batch_strides,
       bool bias, std::array<int64_t, 3> alignments) {
    check(cublasLtMatmulDescCreate(&product_, compute, CUDA_R_32F), "cublasLtMatmulDescCreate");
    set(CUBLASLT_MATMUL_DESC_TRANSA, first.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, second.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (bias) set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    layouts_[0] = layout(first.tensor.dtype(), first.rows, first.columns, first.ld, batch, batch_strides[0]);
    layouts_[1] = layout(second.tensor.dtype(), second.rows, second.columns, second.ld, batch, batch_strides[1]);
    layouts_[2] = layout(result, n, m, n, batch, batch_strides[2]);

    cublasLtMatmulPreference_t preference;
    check(cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    const std::unique_ptr<std::remove_pointer_t<cublasLtMatmulPreference_t>, decltype(&cublasLtMatmulPreferenceDestroy)>
        owner(preference, cublasLtMatmulPreferenceDestroy);
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value)),
            "cublasLtMatmulPreferenceSetAttribute");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{kWorkspaceBytes});
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<uint32_t>(alignments[0]));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<uint32_t>(alignments[1]));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<uint32_t>(alignments[2]));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<uint32_t>(alignments[2]));
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;
    check(cublasLtMatmulAlgoGetHeuristic(handle, product_, layouts_[0], layouts_[1], layouts_[2], layouts_[2],
                                         preference, 1, &found, &count),
          "cublasLtMatmulAlgoGetHeuristic");
    if (count == 0)
      throw DeviceError(
          fmt::format("cublasLtMatmulAlgoGetHeuristic: no algorithm for a product with {} rows, {} "
                      "columns and a batch of {} (key {})",
                      m, n, batch, fmt::join(key, " ")));
    algorithm_ = found.algo;
  }
  ~Plan() {
    for (const cublasLtMatrixLayout_t layout : layouts_)
      if (layout) cublasLtMatrixLayoutDestroy(layout);
    if (product_) cublasLtMatmulDescDestroy(product_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  void run(cublasLtHandle_t handle, const void* first, const void* second, const void* bias, void* result,
           void* workspace, cudaStream_t stream) {
    if (bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    const float one = 1, zero = 0;
    check(cublasLtMatmul(handle, product_, &one, first, layouts_[0], second, layouts_[1], &zero, result, layouts_[2],
                         result, layouts_[2], &algorithm_, workspace, kWorkspaceBytes, stream),
          "cublasLtMatmul");
  }

 private:
  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    check(cublasLtMatmulDescSetAttribute(product_, attribute, &value, sizeof(value)), "cublasLtMatmulDescSetAttribute");
  }

  static cublasLtMatrixLayout_t layout(DType dtype, int64_t rows, int64_t columns, int64_t ld, int64_t batch,
                                       int64_t batch_stride) {
    cublasLtMatrixLayout_t l;
    check(
        cublasLtMatrixLayoutCreate(&l, type_of(dtype), static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), ld),
        "cublasLtMatrixLayoutCreate");
    const auto count = static_cast<int32_t>(batch);
    check(cublasLtMatrixLayoutSetAttribute(l, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof(count)),
          "cublasLtMatrixLayoutSetAttribute");
    check(cublasLtMatrixLayoutSetAttribute(l, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &batch_stride,
                                           sizeof(batch_stride)),
          "cublasLtMatrixLayoutSetAttribute");
    return l;
  }

  cublasLtMatmulDesc_t product_ = nullptr;
  std::array<cublasLtMatrixLayout_t, 3> layouts_{};
  cublasLtMatmulAlgo_t algorithm_{};
};

/// What the library keeps for a device. The workspace is shared by all products, as they stand in one stream.
struct Library {
  cublasLtHandle_t handle = nullptr;
  std::unique_ptr<Storage> workspace;
  std::map<Key, std::unique_ptr<Plan>> plans;
  std::mutex mutex;

  explicit Library(Device device) {
    const gw::cuda::DeviceGuard guard(device);
    check(cublasLtCreate(&handle), "cublasLtCreate");
    workspace = std::make_unique<Storage>(kWorkspaceBytes, device);
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

struct Batch {
  int64_t count = 1;
  int64_t a = 0, b = 0, c = 0;  ///< strides, in elements
};

/// One product, or one batch of them at even distances.
void multiply(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c, const Batch& batch) {
  const int64_t m = c.size(-2), n = c.size(-1), k = a.size(-1);
  const Operand first = operand_of(b), second = operand_of(a);
  // A copied operand is a batch without gaps.
  const int64_t b_stride = first.tensor.raw() == b.raw() ? batch.b : k * n;
  const int64_t a_stride = second.tensor.raw() == a.raw() ? batch.a : m * k;
  const bool tf32 = allow_tf32() && a.dtype() == DType::f32;
  const std::array<int64_t, 3> alignments{alignment_of(first.tensor.raw()), alignment_of(second.tensor.raw()),
                                          alignment_of(c.raw())};
  const Key key{m,
                n,
                k,
                batch.count,
                first.transposed,
                first.ld,
                second.transposed,
                second.ld,
                b_stride,
                a_stride,
                batch.c,
                static_cast<int64_t>(a.dtype()),
                static_cast<int64_t>(c.dtype()),
                bias.defined(),
                tf32,
                alignments[0],
                alignments[1],
                alignments[2]};
  Library& library = library_of(c.device());
  const gw::cuda::DeviceGuard guard(c.device());
  const std::lock_guard lock(library.mutex);
  auto& plan = library.plans[key];
  if (!plan)
    plan = std::make_unique<Plan>(library.handle, key, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, first,
                                  second, c.dtype(), n, m, batch.count,
                                  std::array<int64_t, 3>{b_stride, a_stride, batch.c}, bias.defined(), alignments);
  plan->run(library.handle, first.tensor.raw(), second.tensor.raw(), bias.defined() ? bias.raw() : nullptr, c.raw(),
            library.workspace->data(), gw::cuda::stream_of(c.device()));
}

/// The products of batch dimension `dim` and those after it; the last one, or all if they run on into each other, are
/// one batched product.
void multiply_batches(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c) {
  if (c.dim() == 2) return multiply(a, b, bias, c, {});
  if (c.dim() == 3) {
    const Batch batch{c.size(0), a.strides()[0], b.strides()[0], c.strides()[0]};
    return multiply(a, b, bias, c, batch);
  }
  const auto flat = [](const Tensor& t) {
    return views::try_view(t, {t.numel() / (t.size(-1) * t.size(-2)), t.size(-2), t.size(-1)});
  };
  const auto flat_a = flat(a), flat_b = flat(b), flat_c = flat(c);
  if (flat_a && flat_b && flat_c) return multiply_batches(*flat_a, *flat_b, bias, *flat_c);
  for (int64_t i = 0; i < c.size(0); ++i)
    multiply_batches(views::select(a, 0, i), views::select(b, 0, i), bias, views::select(c, 0, i));
}

/// bias as the epilogue reads it: of the result's dtype, at an aligned address.
Tensor epilogue_bias(const Tensor& bias, DType dtype) {
  if (!bias.defined()) return bias;
  const Tensor b = contiguous(cast(bias, dtype));
  if (alignment_of(b.raw()) >= 16) return b;
  const Tensor aligned = empty(b.shape(), {.dtype = dtype, .device = b.device()});
  cuda::copy(aligned, b);
  return aligned;
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c) {
  if (a.size(-1) == 0) {  // sums of nothing
    if (!bias.defined()) return cuda::fill(c, 0);
    return cuda::copy(c, views::expand(bias, c.shape()));
  }
  // cuBLASLt multiplies operands of one dtype, and rounds only products of bf16 to bf16.
  if (a.dtype() != b.dtype()) {
    const DType common = c.dtype() == DType::bf16 ? DType::bf16 : DType::f32;
    return matmul(cast(a, common), cast(b, common), bias, c);
  }
  if (a.dtype() == DType::f32 && c.dtype() == DType::bf16) {
    const Tensor wide = empty(c.shape(), {.dtype = DType::f32, .device = c.device()});
    matmul(a, b, bias, wide);
    return cuda::copy(c, wide);
  }
  multiply_batches(a, b, epilogue_bias(bias, c.dtype()), c);
}

}  // namespace gw::kernels::cuda
