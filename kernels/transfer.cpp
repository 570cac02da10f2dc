#include "kernels/transfer.h"

#include "kernels/layout.h"
#include "tensor/creation.h"

#if GROUNDWORK_CUDA
#include "tensor/cuda_runtime.h"
#endif

namespace gw::kernels {
namespace {

void copy_bytes([[maybe_unused]] const Tensor& to, [[maybe_unused]] const Tensor& from) {
#if GROUNDWORK_CUDA
  const auto bytes = static_cast<size_t>(from.numel() * size_of(from.dtype()));
  if (from.device().is_cpu()) return gw::cuda::copy_to_device(to.device(), to.raw(), from.raw(), bytes);
  if (to.device().is_cpu()) return gw::cuda::copy_to_host(from.device(), to.raw(), from.raw(), bytes);
  gw::cuda::copy_on_device(to.device(), to.raw(), from.device(), from.raw(), bytes);
#endif
}

}  // namespace

Tensor to_device(const Tensor& x, Device device) {
  if (x.device() == device) return x;
  const Tensor from = dense(x);
  auto storage = std::make_shared<Storage>(static_cast<size_t>(from.numel() * size_of(from.dtype())), device);
  const Tensor to(std::move(storage), from.shape(), from.strides(), from.dtype());
  copy_bytes(to, from);
  return to;
}

}  // namespace gw::kernels
