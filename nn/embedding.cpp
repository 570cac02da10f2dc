#include "nn/embedding.h"

#include <fmt/format.h>

#include "autograd/index.h"
#include "nn/init.h"
#include "tensor/creation.h"

namespace gw {

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, std::optional<int64_t> padding)
    : padding_idx(padding), weight(register_parameter("weight", empty({num_embeddings, embedding_dim}))) {
  init::normal_(weight);
  if (padding_idx) init::zeros_(weight.detach().select(0, *padding_idx));
}

Tensor Embedding::forward(const Tensor& indices) { return embedding(weight, indices, padding_idx); }

std::string Embedding::extra_repr() const {
  std::string text = fmt::format("{}, {}", weight.size(0), weight.size(1));
  if (padding_idx) text += fmt::format(", padding_idx={}", *padding_idx);
  return text;
}

}  // namespace gw
