#include "train/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

void check(const SamplingOptions& o) {
  if (!(o.temperature > 0) || !std::isfinite(o.temperature))
    throw ConfigError(fmt::format("generate: expected a temperature above 0, got {:g}", o.temperature));
  if (o.top_k < 0) throw ConfigError(fmt::format("generate: expected a top-k of at least 0, got {}", o.top_k));
}

/// The prompt as tokens [T, 1].
Tensor encode_prompt(const Vocabulary& vocabulary, std::string_view prompt) {
  if (prompt.empty()) throw ConfigError("generate: expected a prompt to go on from, got none");
  std::string unknown;
  for (const std::string_view token : split_tokens(prompt, vocabulary.kind()))
    if (vocabulary.number(token) == Vocabulary::kUnknown && unknown.find(token) == std::string::npos)
      unknown += fmt::format("{}\"{}\"", unknown.empty() ? "" : ", ", token);
  if (!unknown.empty())
    throw ConfigError(fmt::format("generate: the model's vocabulary lacks {} of the prompt", unknown));
  return vocabulary.encode(prompt).unsqueeze(1);
}

}  // namespace

int64_t sample_token(const Tensor& logits, const SamplingOptions& o, Generator& generator) {
  check(o);
  const std::vector<double> values = logits.to_vector<double>();
  std::vector<size_t> tokens;
  for (size_t i = Vocabulary::kUnknown + 1; i < values.size(); ++i) tokens.push_back(i);
  if (tokens.empty()) throw ConfigError("generate: the vocabulary holds no known token");
  std::stable_sort(tokens.begin(), tokens.end(), [&](size_t a, size_t b) { return values[a] > values[b]; });
  if (o.top_k > 0) tokens.resize(std::min(tokens.size(), static_cast<size_t>(o.top_k)));
  std::vector<double> ends;
  for (const size_t token : tokens) {
    const double weight = std::exp((values[token] - values[tokens.front()]) / o.temperature);
    ends.push_back(weight + (ends.empty() ? 0 : ends.back()));
  }
  const double drawn = generator.uniform() * ends.back();
  const auto chosen = std::upper_bound(ends.begin(), ends.end() - 1, drawn) - ends.begin();
  return static_cast<int64_t>(tokens[static_cast<size_t>(chosen)]);
}

void generate_text(StatefulCharModel& model, const Vocabulary& vocabulary, std::string_view prompt, int64_t count,
                   const SamplingOptions& o, const std::function<void(std::string_view)>& emit, Generator& generator) {
  check(o);
  const NoGrad no_grad;
  const Device device = model.parameters().front().device();
  model.eval();
  model.reset_state();
  Tensor x = encode_prompt(vocabulary, prompt);
  for (int64_t i = 0; i < count; ++i) {
    const Tensor logits = model(x.to(device));
    const int64_t token = sample_token(logits.select(0, -1).select(0, 0), o, generator);
    emit(vocabulary.token(token));
    x = from_values<int64_t>({token}, {1, 1}, {.dtype = DType::i64});
  }
}

}  // namespace gw
