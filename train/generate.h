// Writing text with a character model.
#pragma once

#include <functional>
#include <string_view>

#include "data/text.h"
#include "nn/models/char_models.h"
#include "tensor/random.h"

namespace gw {

struct SamplingOptions {
  double temperature = 1;  ///< divides the logits: below 1 the likely becomes likelier
  int64_t top_k = 0;       ///< choose among the k likeliest only; 0: among all
};

/// A token drawn from softmax(logits / temperature), never Vocabulary::kUnknown. Logits [vocabulary]; waits for them.
/// ConfigError for a temperature that is not above 0, a negative top_k, or a vocabulary without known tokens.
int64_t sample_token(const Tensor& logits, const SamplingOptions& o, Generator& generator = default_generator());

/// Reads the prompt and goes on for `count` tokens; `emit` gets each as soon as it is drawn. The model's state begins
/// at zero. ConfigError for an empty prompt and one with tokens that the vocabulary lacks, which it names.
void generate_text(StatefulCharModel& model, const Vocabulary& vocabulary, std::string_view prompt, int64_t count,
                   const SamplingOptions& o, const std::function<void(std::string_view)>& emit,
                   Generator& generator = default_generator());

}  // namespace gw
