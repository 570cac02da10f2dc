#include "tensor/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tensor/error.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "groundwork-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}));
  }

  fs::path folder_;
};

template <class F>
std::string io_error_of(const F& f) {
  try {
    f();
  } catch (const IoError& e) {
    return e.what();
  }
  return "no IoError";
}

TEST_F(FileTest, WritesAndReadsBack) {
  const std::string bytes("a\0b\nc", 5);
  write_file_atomically(path("x"), bytes);
  EXPECT_EQ(read_file(path("x")), bytes);
  write_file_atomically(path("x"), "");
  EXPECT_EQ(read_file(path("x")), "");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, ReadsFilesLargerThanOneRead) {
  std::string bytes(3'000'000, 'x');
  bytes[2'999'999] = 'y';
  write_file_atomically(path("x"), bytes);
  EXPECT_EQ(read_file(path("x")), bytes);
}

TEST_F(FileTest, ReadsFilesOfUnknownSize) { EXPECT_FALSE(read_file("/proc/self/status").empty()); }

TEST_F(FileTest, MissingFilesAndFoldersAreNamed) {
  EXPECT_EQ(io_error_of([&] { read_file(path("none")); }),
            "read_file: cannot open '" + path("none") + "': No such file or directory");
  EXPECT_EQ(io_error_of([&] { read_file(folder_.string()); }),
            "read_file: cannot read '" + folder_.string() + "': Is a directory");
  EXPECT_EQ(io_error_of([&] { write_file_atomically(path("none/x"), "1"); }),
            "write_file: cannot create '" + path("none/x") + "': No such file or directory");
  EXPECT_EQ(io_error_of([&] { write_file_atomically(folder_.string(), "1"); }),
            "write_file: cannot write '" + folder_.string() + "': Is a directory");
}

TEST_F(FileTest, KeepsModeAndFollowsLinks) {
  write_file_atomically(path("x"), "1");
  ASSERT_EQ(::chmod(path("x").c_str(), 0640), 0);
  fs::create_symlink("x", folder_ / "link");
  write_file_atomically(path("link"), "2");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(path("x")), "2");
  EXPECT_EQ(static_cast<int>(fs::status(folder_ / "x").permissions()), 0640);
}

TEST_F(FileTest, ReadOnlyFolderIsReportedAndNothingChanges) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  write_file_atomically(path("x"), "1");
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(io_error_of([&] { write_file_atomically(path("x"), "2"); }),
            "write_file: cannot create '" + path("x") + "': Permission denied");
  fs::permissions(folder_, fs::perms::owner_all);
  EXPECT_EQ(read_file(path("x")), "1");
}

// A limit on the size of files stands for the full disk: both end a write half-way.
TEST_F(FileTest, AWriteCutShortLeavesTheOldFileAndNoOther) {
  write_file_atomically(path("x"), "old");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = io_error_of([&] { write_file_atomically(path("x"), std::string(5000, 'n')); });
    ::_exit(message == "write_file: cannot write '" + path("x") + "': File too large" ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(path("x")), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, DevicesAreWrittenNotReplaced) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  EXPECT_EQ(io_error_of([&] { write_file_atomically("/dev/full", "1"); }),
            "write_file: cannot write '/dev/full': No space left on device");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  write_file_atomically("/dev/null", "1");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace gw
