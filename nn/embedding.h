// Embedding: a table of vectors.
#pragma once

#include <optional>

#include "nn/module.h"

namespace gw {

/// Looks up rows of a table: indices [...] -> [..., embedding_dim]. The row `padding_idx` starts at zero and stays
/// there.
struct Embedding : Module {
  Embedding(int64_t num_embeddings, int64_t embedding_dim, std::optional<int64_t> padding_idx = {});
  Tensor forward(const Tensor& indices) override;
  std::string extra_repr() const override;

  std::optional<int64_t> padding_idx;
  Tensor weight;  ///< [num_embeddings, embedding_dim], standard normal at first
};

}  // namespace gw
