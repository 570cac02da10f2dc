#include "autograd/softmax.h"

#include "autograd/autograd.h"
#include "kernels/softmax.h"

namespace gw {
namespace {

/// Over one dimension, which stays as 1.
Tensor logsumexp_along(const Tensor& x, int64_t dim) {
  Tensor y = kernels::logsumexp(x, dim);
  return record("logsumexp", y, {x}, [x = saved(x), y = saved(y), dim](const Tensor& dy) {
    return Grads{kernels::logsumexp_backward(dy, x, y, dim)};
  });
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim) {
  Tensor y = kernels::softmax(x, dim);
  return record("softmax", y, {x},
                [y = saved(y), dim](const Tensor& dy) { return Grads{kernels::softmax_backward(dy, y, dim)}; });
}

Tensor log_softmax(const Tensor& x, int64_t dim) {
  Tensor y = kernels::log_softmax(x, dim);
  return record("log_softmax", y, {x},
                [y = saved(y), dim](const Tensor& dy) { return Grads{kernels::log_softmax_backward(dy, y, dim)}; });
}

Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim) {
  Shape over = dims, kept = x.shape();
  if (dims.empty())
    for (int64_t d = 0; d < x.dim(); ++d) over.push_back(d);
  Tensor y = x;
  for (int64_t& d : over) {
    d = normalize_dim(d, x.dim(), "logsumexp");
    y = logsumexp_along(y, d);
  }
  if (keepdim || x.dim() == 0) return y;
  Shape squeezed;
  for (int64_t d = 0; d < kept.size(); ++d)
    if (std::find(over.begin(), over.end(), d) == over.end()) squeezed.push_back(kept[d]);
  return y.reshape(squeezed);
}

Tensor Tensor::softmax(int64_t dim) const { return gw::softmax(*this, dim); }
Tensor Tensor::log_softmax(int64_t dim) const { return gw::log_softmax(*this, dim); }

}  // namespace gw
