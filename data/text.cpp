#include "data/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tensor/creation.h"
#include "tensor/file.h"

namespace gw {
namespace {

/// Bytes of the UTF-8 character that begins at `at`; 0 if none does. Overlong forms, surrogates and numbers beyond
/// 0x10FFFF are none.
size_t character_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const uint8_t second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f, beyond = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_word_part(std::string_view character) {
  const auto c = static_cast<uint8_t>(character[0]);
  return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '\'';
}

bool is_space(std::string_view character) {
  const char c = character[0];
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_length(text, at);
    if (length == 0) throw IoError(fmt::format("text: byte {} does not begin a character of UTF-8", at));
    pieces.push_back(text.substr(at, length));
    at += length;
  }
  return pieces;
}

}  // namespace

std::vector<std::string_view> split_tokens(std::string_view text, TokenKind kind) {
  const std::vector<std::string_view> all = characters(text);
  if (kind == TokenKind::character) return all;
  std::vector<std::string_view> words;
  bool in_word = false;
  for (const std::string_view c : all) {
    const bool part = is_word_part(c);
    if (part && in_word)
      words.back() = {words.back().data(), words.back().size() + c.size()};
    else if (!is_space(c))
      words.push_back(c);
    in_word = part;
  }
  return words;
}

std::string replace_invalid(std::string_view text) {
  std::string valid;
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_length(text, at);
    valid += length > 0 ? text.substr(at, length) : "\xef\xbf\xbd";
    at += std::max<size_t>(length, 1);
  }
  return valid;
}

std::string read_text(const std::string& path, bool replace) {
  const std::string text = read_file(path);
  if (text.empty()) throw IoError(fmt::format("text: {} is empty", path));
  if (replace) return replace_invalid(text);
  try {
    characters(text);
  } catch (const IoError& e) {
    throw IoError(fmt::format("{} ({})", e.what(), path));
  }
  return text;
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Vocabulary::Vocabulary(std::string_view text, TokenKind kind, int64_t min_frequency) : kind_(kind) {
  std::map<std::string_view, int64_t> counts;
  for (const std::string_view token : split_tokens(text, kind)) ++counts[token];
  std::vector<std::pair<std::string_view, int64_t>> frequent;
  for (const auto& entry : counts)
    if (entry.second >= min_frequency) frequent.push_back(entry);
  std::stable_sort(frequent.begin(), frequent.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  tokens_.push_back("<unk>");
  for (const auto& entry : frequent) tokens_.emplace_back(entry.first);
  number_tokens();
}

Vocabulary::Vocabulary(std::vector<std::string> tokens, TokenKind kind) : tokens_(std::move(tokens)), kind_(kind) {
  if (tokens_.empty()) throw ConfigError("Vocabulary: expected at least the token for the unknown, got none");
  number_tokens();
}

void Vocabulary::number_tokens() {
  for (size_t i = 1; i < tokens_.size(); ++i) numbers_[tokens_[i]] = static_cast<int64_t>(i);
}

const std::string& Vocabulary::token(int64_t number) const {
  if (number < 0 || number >= size())
    throw ShapeError(fmt::format("Vocabulary: token {} is not among the {}", number, size()));
  return tokens_[static_cast<size_t>(number)];
}

int64_t Vocabulary::number(std::string_view token) const {
  const auto it = numbers_.find(token);
  return it == numbers_.end() ? kUnknown : it->second;
}

Tensor Vocabulary::encode(std::string_view text) const {
  std::vector<int64_t> numbers;
  for (const std::string_view token : split_tokens(text, kind_)) numbers.push_back(number(token));
  const auto count = static_cast<int64_t>(numbers.size());
  return from_values<int64_t>(numbers, {count}, {.dtype = DType::i64});
}

TextBatches::TextBatches(const Tensor& tokens, const TextBatchOptions& o) : options_(o) {
  if (o.batch_size < 1 || o.bptt < 1)
    throw ConfigError(
        fmt::format("TextBatches: expected a batch size and bptt of at least 1, got {} and {}", o.batch_size, o.bptt));
  const int64_t length = tokens.numel() / o.batch_size;
  if (length < 2)
    throw ConfigError(fmt::format("TextBatches: a text of {} tokens is too short for a batch of {} rows; each needs 2",
                                  tokens.numel(), o.batch_size));
  tokens_ = tokens.narrow(0, 0, length * o.batch_size)
                .reshape({o.batch_size, length})
                .transpose(0, 1)
                .contiguous()
                .to(o.device);
  batches_ = (length - 1 + o.bptt - 1) / o.bptt;
}

void TextBatches::start() {
  next_ = 0;
  const int64_t steps = tokens_.size(0) - 1;
  if (options_.vary) {
    cuts_ = drawn_cuts();
    return;
  }
  cuts_.clear();
  for (int64_t i = 0; i <= batches_; ++i) cuts_.push_back(std::min(steps, i * options_.bptt));
}

std::vector<int64_t> TextBatches::drawn_cuts() const {
  constexpr double kHalved = 0.05, kDeviation = 5, kLeast = 5;
  Generator& generator = options_.generator ? *options_.generator : default_generator();
  const std::vector<double> chance = rand({batches_}, {}, generator).to_vector<double>();
  const std::vector<double> noise = randn({batches_}, {}, generator).to_vector<double>();
  std::vector<double> ends{0};
  for (size_t i = 0; i < chance.size(); ++i) {
    const auto whole = static_cast<double>(options_.bptt);
    const double steps = (chance[i] < kHalved ? whole / 2 : whole) + kDeviation * noise[i];
    ends.push_back(ends.back() + std::max(kLeast, std::floor(steps)));
  }
  const int64_t all = tokens_.size(0) - 1;
  std::vector<int64_t> cuts{0};
  for (int64_t i = 1; i <= batches_; ++i) {
    const double share = ends[static_cast<size_t>(i)] / ends.back();
    const auto cut = static_cast<int64_t>(std::lround(share * static_cast<double>(all)));
    // Every batch keeps at least one step.
    cuts.push_back(std::clamp(cut, cuts.back() + 1, all - (batches_ - i)));
  }
  return cuts;
}

bool TextBatches::next(Batch& batch) {
  if (next_ + 1 >= cuts_.size()) return false;
  const int64_t begin = cuts_[next_], steps = cuts_[next_ + 1] - begin;
  ++next_;
  batch.x = tokens_.narrow(0, begin, steps);
  batch.y = tokens_.narrow(0, begin + 1, steps);
  return true;
}

TextDataset make_text_dataset(std::string_view text, TokenKind kind, int64_t min_frequency) {
  Vocabulary vocabulary(text, kind, min_frequency);
  const Tensor tokens = vocabulary.encode(text);
  const int64_t train = tokens.numel() - tokens.numel() / 5;
  return {std::move(vocabulary), tokens.narrow(0, 0, train), tokens.narrow(0, train, tokens.numel() - train)};
}

}  // namespace gw
