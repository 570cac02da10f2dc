// Text for language models: a vocabulary of characters or words, and streams of tokens in batches.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/loader.h"

namespace gw {

enum class TokenKind { character, word };

/// The pieces of a UTF-8 text: its characters (code points); or its words, runs of letters, digits, apostrophes and
/// everything beyond ASCII, with each other visible character and each line break on its own and spaces left out. The
/// pieces are views of `text`. IoError, naming the byte, where the text is not UTF-8.
std::vector<std::string_view> split_tokens(std::string_view text, TokenKind kind);

/// The text with U+FFFD in place of each byte that belongs to no character of UTF-8.
std::string replace_invalid(std::string_view text);

/// The text of a file. IoError if it cannot be read, is empty, or is not UTF-8; with `replace`, see replace_invalid
/// instead of the last.
std::string read_text(const std::string& path, bool replace = false);

/// The letters A to Z in lower case; all else stays.
std::string lower_case(std::string text);

/// Tokens and their numbers. Number 0 stands for all that the vocabulary does not know.
class Vocabulary {
 public:
  static constexpr int64_t kUnknown = 0;

  /// The tokens that occur at least `min_frequency` times in the text, the most frequent first, equally frequent ones
  /// in the order of their bytes.
  Vocabulary(std::string_view text, TokenKind kind, int64_t min_frequency = 1);
  /// Of the tokens of another one, number 0 included.
  Vocabulary(std::vector<std::string> tokens, TokenKind kind);

  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  TokenKind kind() const { return kind_; }
  const std::vector<std::string>& tokens() const { return tokens_; }
  /// ShapeError for a number that is none.
  const std::string& token(int64_t number) const;
  /// The number of a token, or kUnknown.
  int64_t number(std::string_view token) const;
  /// The numbers of a text's tokens: i64 [length].
  Tensor encode(std::string_view text) const;

 private:
  void number_tokens();

  std::vector<std::string> tokens_;
  TokenKind kind_;
  std::map<std::string, int64_t, std::less<>> numbers_;
};

struct TextBatchOptions {
  int64_t batch_size = 64;
  int64_t bptt = 8;                ///< steps of a batch
  bool vary = false;               ///< vary the steps at random, for training
  Device device = kCpu;            ///< where the tokens lie
  Generator* generator = nullptr;  ///< the default generator if not given
};

/// Batches of a stream of tokens for a model that remembers: the stream is cut into batch_size pieces of equal length
/// side by side, and a batch is the next few steps of all of them: x [steps, batch_size] and y, of the same shape, the
/// tokens that come after those of x. So row n of one batch goes on where row n of the one before ended. What is left
/// over at the end is left out.
///
/// With `vary` the steps of a batch are drawn anew for each pass, that the model may not count on where it is cut: 5%
/// are half of bptt, normal noise of standard deviation 5 is added, and none is below 5 (Merity et al. 2017); then all
/// are stretched alike to fill the pass, which so always has the same number of batches.
class TextBatches : public BatchSource {
 public:
  /// ConfigError for sizes below 1, and for a text too short to give every row two tokens.
  TextBatches(const Tensor& tokens, const TextBatchOptions& o);

  int64_t size() const override { return batches_; }
  void start() override;
  bool next(Batch& batch) override;

 private:
  /// Where the batches of this pass begin, and where the last one ends.
  std::vector<int64_t> drawn_cuts() const;

  TextBatchOptions options_;
  Tensor tokens_;  ///< [length of a piece, batch_size]: steps lie one after another
  int64_t batches_;
  std::vector<int64_t> cuts_;
  size_t next_ = 0;
};

/// The tokens of a text, and where they are cut in two: the last fifth is for validation.
struct TextDataset {
  Vocabulary vocabulary;
  Tensor train, valid;  ///< i64
};
/// The vocabulary is that of the whole text.
TextDataset make_text_dataset(std::string_view text, TokenKind kind, int64_t min_frequency = 1);

}  // namespace gw
