#include "data/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tensor/creation.h"
#include "tests/data/temporary_folder.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

std::vector<std::string> strings(const std::vector<std::string_view>& views) { return {views.begin(), views.end()}; }

TEST(Text, CharactersAreCodePoints) {
  EXPECT_EQ(strings(split_tokens("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n", TokenKind::character)),
            (std::vector<std::string>{"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\n"}));
}

TEST(Text, WordsPunctuationAndLineBreaks) {
  EXPECT_EQ(strings(split_tokens("It's so,  na\xc3\xafve!\n42", TokenKind::word)),
            (std::vector<std::string>{"It's", "so", ",", "na\xc3\xafve", "!", "\n", "42"}));
}

TEST(Text, WhatIsNotUtf8IsRefusedWithItsPlace) {
  const auto message = [](const std::string& text) {
    return message_of<IoError>([&] { split_tokens(text, TokenKind::character); });
  };
  EXPECT_NE(message("ab\xff").find("byte 2"), std::string::npos);
  for (const char* bad : {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_NE(message(bad).find("byte 0"), std::string::npos);
}

TEST(Text, InvalidBytesMayBeReplaced) {
  EXPECT_EQ(replace_invalid("a\xe3\xa4z\xc3\xa4\xff"), "a\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa4\xef\xbf\xbd");
  EXPECT_EQ(replace_invalid(""), "");
}

TEST(Text, FilesThatAreMissingEmptyOrNotUtf8) {
  const TemporaryFolder folder;
  EXPECT_THROW(read_text(folder.file("none")), IoError);
  folder.write("empty", "");
  EXPECT_NE(message_of<IoError>([&] { read_text(folder.file("empty")); }).find("is empty"), std::string::npos);
  folder.write("bad", "good\xfe");
  EXPECT_NE(message_of<IoError>([&] { read_text(folder.file("bad")); }).find("byte 4"), std::string::npos);
  EXPECT_EQ(read_text(folder.file("bad"), /*replace=*/true), "good\xef\xbf\xbd");
}

TEST(Vocabulary, MostFrequentFirstAndRareOnesUnknown) {
  const Vocabulary all("abracadabra", TokenKind::character);
  EXPECT_EQ(all.tokens(), (std::vector<std::string>{"<unk>", "a", "b", "r", "c", "d"}));
  const Vocabulary frequent("abracadabra", TokenKind::character, 2);
  EXPECT_EQ(frequent.size(), 4);
  EXPECT_EQ(frequent.encode("cab!").to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 0}));
  EXPECT_EQ(frequent.token(3), "r");
  EXPECT_THROW(frequent.token(4), ShapeError);
  const Vocabulary words("the cat and the dog", TokenKind::word, 2);
  EXPECT_EQ(words.tokens(), (std::vector<std::string>{"<unk>", "the"}));
  EXPECT_EQ(Vocabulary(all.tokens(), TokenKind::character).number("d"), 5);
}

Tensor counting(int64_t n) { return arange(0, static_cast<double>(n), 1, {.dtype = DType::i64}); }

TEST(TextBatches, RowsGoOnFromBatchToBatch) {
  TextBatches batches(counting(23), {.batch_size = 2, .bptt = 4});
  // Two rows of 11 tokens: ten steps.
  EXPECT_EQ(batches.size(), 3);
  for (int pass = 0; pass < 2; ++pass) {
    batches.start();
    Batch batch;
    std::vector<int64_t> first_row, targets;
    for (const int64_t steps : {4, 4, 2}) {
      ASSERT_TRUE(batches.next(batch));
      ASSERT_EQ(batch.x.shape(), (Shape{steps, 2}));
      EXPECT_TRUE(batch.x.is_contiguous());
      for (const int64_t v : batch.x.select(1, 0).to_vector<int64_t>()) first_row.push_back(v);
      for (const int64_t v : batch.y.select(1, 1).to_vector<int64_t>()) targets.push_back(v);
    }
    EXPECT_FALSE(batches.next(batch));
    EXPECT_EQ(first_row, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(targets, (std::vector<int64_t>{12, 13, 14, 15, 16, 17, 18, 19, 20, 21}));
  }
}

TEST(TextBatches, VariedStepsCoverTheSameTextInAsManyBatches) {
  Generator generator(3);
  TextBatches batches(counting(20001), {.batch_size = 2, .bptt = 20, .vary = true, .generator = &generator});
  EXPECT_EQ(batches.size(), 500);
  std::vector<std::vector<int64_t>> passes;
  for (int pass = 0; pass < 2; ++pass) {
    batches.start();
    Batch batch;
    int64_t next = 0;
    std::vector<int64_t> lengths;
    while (batches.next(batch)) {
      EXPECT_EQ(batch.x.select(0, 0).to_vector<int64_t>()[0], next);
      next += batch.x.size(0);
      lengths.push_back(batch.x.size(0));
    }
    EXPECT_EQ(next, 9999);
    EXPECT_EQ(lengths.size(), 500u);
    passes.push_back(lengths);
  }
  EXPECT_NE(passes[0], passes[1]);
  const auto& lengths = passes[0];
  const double mean = std::accumulate(lengths.begin(), lengths.end(), 0.0) / 500;
  double variance = 0;
  for (const int64_t n : lengths) variance += (static_cast<double>(n) - mean) * (static_cast<double>(n) - mean) / 500;
  // Noise of 5, and halves of 5% of the batches.
  EXPECT_NEAR(std::sqrt(variance), 5.4, 0.8);
}

TEST(TextBatches, NoBatchIsEmptyHoweverShortTheyAre) {
  Generator generator(4);
  for (const int64_t bptt : {1, 2, 3}) {
    TextBatches batches(counting(100), {.batch_size = 3, .bptt = bptt, .vary = true, .generator = &generator});
    batches.start();
    Batch batch;
    int64_t steps = 0, count = 0;
    while (batches.next(batch)) {
      EXPECT_GE(batch.x.size(0), 1);
      steps += batch.x.size(0);
      ++count;
    }
    EXPECT_EQ(steps, 32);
    EXPECT_EQ(count, batches.size());
  }
}

TEST(TextBatches, TooShortTextsAreRefused) {
  const auto message = [](int64_t tokens, const TextBatchOptions& o) {
    return message_of<ConfigError>([&] { TextBatches(counting(tokens), o); });
  };
  EXPECT_NE(message(127, {.batch_size = 64}).find("127 tokens is too short for a batch of 64 rows"), std::string::npos);
  EXPECT_NE(message(100, {.batch_size = 0}).find("at least 1"), std::string::npos);
  EXPECT_EQ(TextBatches(counting(128), {.batch_size = 64}).size(), 1);
}

TEST(TextDataset, TheLastFifthIsForValidation) {
  const TextDataset data = make_text_dataset("aaaaaaaabc", TokenKind::character);
  EXPECT_EQ(data.train.numel(), 8);
  EXPECT_EQ(data.valid.to_vector<int64_t>(), (std::vector<int64_t>{2, 3}));
}

}  // namespace
}  // namespace gw
