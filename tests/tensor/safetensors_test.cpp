#include "tensor/safetensors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tensor/creation.h"
#include "tensor/file.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

class SafetensorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "groundwork-safetensors-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = (folder_ / "file.safetensors").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// The error of loading a file of this header and data; empty if it loads.
  std::string error_of(const std::string& header, const std::string& data) {
    std::string bytes(8, '\0');
    const uint64_t length = header.size();
    std::memcpy(bytes.data(), &length, 8);
    return error_of_bytes(bytes + header + data);
  }
  std::string error_of_bytes(const std::string& bytes) {
    // Not write_file_atomically, which waits for the disk each time.
    std::ofstream(path_, std::ios::binary) << bytes;
    try {
      load_safetensors(path_);
    } catch (const IoError& e) {
      const std::string prefix = fmt::format("load_safetensors: '{}': ", path_);
      EXPECT_TRUE(std::string(e.what()).starts_with(prefix)) << e.what();
      return std::string(e.what()).substr(prefix.size());
    }
    return "";
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(SafetensorsTest, RoundTripsEveryDtype) {
  save_safetensors(path_,
                   {{"bytes", from_values<uint8_t>({1, 2, 255}, {3}, {.dtype = DType::u8})},
                    {"weight", from_values<float>({1, 2, 3, 4, 5, 6}, {2, 3})},
                    {"half", from_values<float>({1.5f, -2}, {1, 2}, {.dtype = DType::bf16})},
                    {"count", from_values<int64_t>({INT64_MIN}, {}, {.dtype = DType::i64})},
                    {"index", from_values<int32_t>({-7}, {1}, {.dtype = DType::i32})},
                    {"none", empty({2, 0})}},
                   {{"epoch", "3"}, {"quote", "\"\n\u00e9"}});
  const SafetensorsFile file = load_safetensors(path_);
  ASSERT_EQ(file.tensors.size(), 6u);
  EXPECT_EQ(file.tensors[0].first, "count");
  EXPECT_EQ(file.tensors[1].first, "weight");
  EXPECT_EQ(file.tensors.back().first, "bytes");
  EXPECT_EQ(file.at("weight").shape(), Shape({2, 3}));
  EXPECT_EQ(file.at("weight").to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.at("half").dtype(), DType::bf16);
  EXPECT_EQ(file.at("half").to_vector<float>(), (std::vector<float>{1.5f, -2}));
  EXPECT_EQ(file.at("count").to_vector<int64_t>(), std::vector<int64_t>{INT64_MIN});
  EXPECT_EQ(file.at("count").dim(), 0);
  EXPECT_EQ(file.at("index").to_vector<int32_t>(), std::vector<int32_t>{-7});
  EXPECT_EQ(file.at("bytes").to_vector<uint8_t>(), (std::vector<uint8_t>{1, 2, 255}));
  EXPECT_EQ(file.at("none").shape(), Shape({2, 0}));
  EXPECT_EQ(file.metadata.at("epoch"), "3");
  EXPECT_EQ(file.metadata.at("quote"), "\"\n\u00e9");
}

TEST_F(SafetensorsTest, WritesViewsInRowMajorOrder) {
  const Tensor t = arange(0, 24).reshape({1, 2, 3, 4});
  save_safetensors(path_, {{"nhwc", t.contiguous(MemoryFormat::channels_last)},
                           {"t", t.reshape({6, 4}).t()},
                           {"part", t.reshape({24}).slice(0, 3, 20, 5)}});
  const SafetensorsFile file = load_safetensors(path_);
  EXPECT_EQ(file.at("nhwc").to_vector<float>(), t.to_vector<float>());
  EXPECT_TRUE(file.at("nhwc").is_contiguous());
  EXPECT_EQ(file.at("t").to_vector<float>(), t.reshape({6, 4}).t().to_vector<float>());
  EXPECT_EQ(file.at("part").to_vector<float>(), (std::vector<float>{3, 8, 13, 18}));
}

TEST_F(SafetensorsTest, AnEmptyFileOfTensorsIsAFile) {
  save_safetensors(path_, {});
  EXPECT_TRUE(load_safetensors(path_).tensors.empty());
}

TEST_F(SafetensorsTest, AMissingTensorIsNamed) {
  save_safetensors(path_, {{"a", zeros({1})}, {"b", zeros({1})}});
  const SafetensorsFile file = load_safetensors(path_);
  EXPECT_TRUE(file.contains("a"));
  EXPECT_FALSE(file.contains("c"));
  try {
    file.at("c");
    FAIL();
  } catch (const IoError& e) {
    EXPECT_STREQ(e.what(), "safetensors: no tensor 'c' among the 2 of the file (a, b)");
  }
}

TEST_F(SafetensorsTest, RefusesNamesThatCannotBeReadBack) {
  EXPECT_THROW(save_safetensors(path_, {{"a", zeros({1})}, {"a", zeros({1})}}), ConfigError);
  EXPECT_THROW(save_safetensors(path_, {{"__metadata__", zeros({1})}}), ConfigError);
  EXPECT_THROW(save_safetensors(path_, {{"\xff", zeros({1})}}), ConfigError);
  EXPECT_THROW(save_safetensors(path_, {{"a", Tensor()}}), ConfigError);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(SafetensorsTest, ReadsWhatOthersWrite) {
  EXPECT_EQ(error_of(R"({"m":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}   )", std::string("\1\0", 2)), "");
  EXPECT_EQ(load_safetensors(path_).at("m").dtype(), DType::u8);
  EXPECT_EQ(error_of(R"({"b":{"data_offsets":[4,4],"shape":[0],"dtype":"F32"},)"
                     R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                     "abcd"),
            "");
}

TEST_F(SafetensorsTest, LyingHeadersAreRefused) {
  const std::string data(8, 'x');
  const auto entry = [&](const std::string& fields) { return error_of(R"({"a":{)" + fields + "}}", data); };
  const std::string dtype = R"("dtype":"F32",)", shape = R"("shape":[2],)", offsets = R"("data_offsets":[0,8])";
  EXPECT_EQ(entry(dtype + shape + offsets), "");
  EXPECT_EQ(entry(R"("dtype":"F16",)" + shape + offsets),
            "tensor \"a\": expected dtype F32, BF16, U8, I32, I64 or BOOL, got \"F16\"");
  EXPECT_EQ(entry(R"("dtype":4,)" + shape + offsets), "tensor \"a\": its dtype is not a string");
  EXPECT_EQ(entry(dtype + offsets), "tensor \"a\": the field shape is missing");
  EXPECT_EQ(entry(dtype + shape + offsets + R"(,"x":1)"), "tensor \"a\": unexpected field \"x\"");
  EXPECT_EQ(entry(dtype + R"("shape":{},)" + offsets), "tensor \"a\": its shape is not an array");
  for (const char* bad : {"-2", "2.0", "null", "\"2\"", "99999999999999999999"})
    EXPECT_EQ(entry(dtype + fmt::format(R"("shape":[{}],)", bad) + offsets),
              "tensor \"a\": its shape holds something other than non-negative integers");
  for (const char* huge : {"4294967296,4294967296", "9223372036854775807,2", "0,9223372036854775807,4"})
    EXPECT_EQ(entry(dtype + fmt::format(R"("shape":[{}],)", huge) + offsets),
              "tensor \"a\": its shape has too many elements");
  EXPECT_EQ(entry(dtype + R"("shape":[1,1,1,1,1,1,1,1,2],)" + offsets),
            "tensor \"a\": expected at most 8 dimensions, got 9");
  EXPECT_EQ(entry(dtype + R"("shape":[3],)" + offsets),
            "tensor \"a\": shape [3] of F32 takes 12 bytes, its data_offsets [0, 8] hold 8");
  for (const char* bad : {"[0]", "[0,8,9]", "[0,-8]", "[0,8.0]", "8"})
    EXPECT_EQ(entry(dtype + shape + R"("data_offsets":)" + bad),
              "tensor \"a\": its data_offsets are not two non-negative integers");
  EXPECT_EQ(entry(dtype + shape + R"("data_offsets":[8,0])"),
            "tensor \"a\": its data_offsets [8, 0] do not lie in the file's 8 bytes of data");
  EXPECT_EQ(entry(dtype + shape + R"("data_offsets":[4,12])"),
            "tensor \"a\": its data_offsets [4, 12] do not lie in the file's 8 bytes of data");
}

TEST_F(SafetensorsTest, OverlapsGapsAndLeftoversAreRefused) {
  const auto two = [&](int a_begin, int a_end, int b_begin, int b_end) {
    const std::string text = R"("{}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}})";
    return error_of("{" + fmt::format(fmt::runtime(text), "a", a_end - a_begin, a_begin, a_end) + "," +
                        fmt::format(fmt::runtime(text), "b", b_end - b_begin, b_begin, b_end) + "}",
                    "12345678");
  };
  EXPECT_EQ(two(0, 4, 4, 8), "");
  EXPECT_EQ(two(4, 8, 0, 4), "");
  EXPECT_EQ(two(0, 5, 4, 8), "tensor \"b\": its data begins at byte 4, expected 5: tensors overlap");
  EXPECT_EQ(two(0, 3, 4, 8), "tensor \"b\": its data begins at byte 4, expected 3: there is a gap");
  EXPECT_EQ(two(0, 3, 3, 7), "the tensors end at byte 7 of 8 bytes of data");
  EXPECT_EQ(two(1, 4, 4, 8), "tensor \"a\": its data begins at byte 1, expected 0: there is a gap");
}

TEST_F(SafetensorsTest, BrokenHeadersAreRefused) {
  EXPECT_EQ(error_of_bytes(""), "expected at least 8 bytes, got 0");
  EXPECT_EQ(error_of_bytes("1234567"), "expected at least 8 bytes, got 7");
  EXPECT_EQ(error_of_bytes(std::string(8, '\0')), "the header is not a JSON object");
  EXPECT_EQ(error_of_bytes(std::string(8, '\xff') + "{}"),
            "the header length 18446744073709551615 is above the limit of 100000000 bytes");
  EXPECT_EQ(error_of_bytes(std::string("\3\0\0\0\0\0\0\0{}", 10)),
            "the header of 3 bytes is longer than the file of 10");
  EXPECT_EQ(error_of("[]", ""), "the header is not a JSON object");
  EXPECT_EQ(error_of("{]", ""), "the header is not valid JSON");
  EXPECT_EQ(error_of("{} {}", ""), "the header is not valid JSON");
  EXPECT_EQ(error_of("{\"\xff\":1}", ""), "the header is not valid JSON");
  EXPECT_EQ(error_of(R"({"a":3})", ""), "tensor \"a\": its entry is not a JSON object");
  EXPECT_EQ(error_of(R"({"__metadata__":[]})", ""), "the metadata is not a JSON object");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":1}})", ""), "the metadata value of \"a\" is not a string");
  EXPECT_EQ(error_of(R"({"a":1,"a":2})", ""), "the key \"a\" comes twice in the header");
  EXPECT_EQ(error_of(R"({"__metadata__":{"k":"1","k":"2"}})", ""), "the key \"k\" comes twice in the header");
  EXPECT_EQ(error_of("{\"a\":" + std::string(100000, '['), ""), "the header is nested too deeply");
  EXPECT_EQ(error_of("{\"line\\nbreak\":1}", ""), "tensor \"line\\nbreak\": its entry is not a JSON object");
}

// Whatever is wrong with a file, the answer is an IoError, never a crash.
TEST_F(SafetensorsTest, EveryTruncationAndManyFlipsAreSurvived) {
  save_safetensors(
      path_, {{"a", arange(0, 6).reshape({2, 3})}, {"b", from_values<uint8_t>({1, 2, 3}, {3}, {.dtype = DType::u8})}},
      {{"key", "value"}});
  const std::string good = read_file(path_);
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_NE(error_of_bytes(good.substr(0, length)), "") << "cut to " << length;
  EXPECT_NE(error_of_bytes(good + "x"), "");
  const size_t data = good.size() - 27;
  for (size_t i = 0; i < data; ++i) {
    for (const int flip : {1, 2, 16, 128}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      error_of_bytes(bad);
    }
  }
}

}  // namespace
}  // namespace gw
