#include "data/idx.h"

#include <gtest/gtest.h>

#include "tests/data/idx_files.h"
#include "tests/data/temporary_folder.h"

namespace gw {
namespace {

const std::string kImages = idx_bytes({2, 2, 3}, "abcdefghijkl");

/// The message with which reading fails.
std::string error_of(const std::string& path) {
  try {
    read_idx(path);
  } catch (const IoError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Idx, ReadsPlainAndGzippedFiles) {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.write("plain", kImages), folder.write("packed.gz", gzipped(kImages))}) {
    const Tensor t = read_idx(path);
    EXPECT_EQ(t.shape(), (Shape{2, 2, 3}));
    EXPECT_EQ(t.dtype(), DType::u8);
    EXPECT_EQ(t.to_vector<uint8_t>()[11], 'l');
  }
  EXPECT_EQ(read_idx(folder.write("empty", idx_bytes({0, 5}, ""))).shape(), (Shape{0, 5}));
}

TEST(Idx, EveryTruncationIsAnError) {
  const TemporaryFolder folder;
  const std::string packed = gzipped(kImages);
  for (size_t n = 0; n < kImages.size(); ++n)
    EXPECT_THROW(read_idx(folder.write("cut", kImages.substr(0, n))), IoError) << n;
  for (size_t n = 0; n < packed.size(); ++n)
    EXPECT_THROW(read_idx(folder.write("cut.gz", packed.substr(0, n))), IoError) << n;
}

TEST(Idx, EveryFlippedByteOfTheGzipDataIsAnError) {
  const TemporaryFolder folder;
  const std::string packed = gzipped(kImages);
  for (size_t n = 10; n < packed.size();
       ++n) {  // the ten bytes of the gzip header hold a time and a system, which may be anything
    std::string bad = packed;
    bad[n] = static_cast<char>(bad[n] ^ 0x55);
    EXPECT_THROW(read_idx(folder.write("bad.gz", bad)), IoError) << n;
  }
}

TEST(Idx, ErrorsSayWhatCame) {
  const TemporaryFolder folder;
  EXPECT_NE(error_of(folder.file("none")).find("No such file"), std::string::npos);
  EXPECT_NE(error_of(folder.write("more", kImages + "x")).find("mean 12 bytes of data, but 13 follow"),
            std::string::npos);
  std::string other = kImages;
  other[0] = '\x01';
  EXPECT_NE(error_of(folder.write("magic", other)).find("got 01 00 08 03"), std::string::npos);
  EXPECT_NE(error_of(folder.write("text.gz", "not gzip at all")).find("does not begin as one"), std::string::npos);
  EXPECT_NE(error_of(folder.write("tail.gz", gzipped(kImages) + "xx")).find("2 bytes follow"), std::string::npos);
  const std::string huge = idx_bytes({0xffffffff, 0xffffffff, 0xffffffff}, "");
  EXPECT_NE(error_of(folder.write("huge", huge)).find("too large"), std::string::npos);
  EXPECT_NE(error_of(folder.path()).find("read_file"), std::string::npos);
}

}  // namespace
}  // namespace gw
