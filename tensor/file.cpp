#include "tensor/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "tensor/error.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

/// An open file descriptor, closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  operator int() const { return fd_; }
  /// Closes now; false, with errno set, if the system reports a late write error.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

/// Removes the file at the end of its scope unless it was renamed away.
struct TemporaryFile {
  std::string path;
  bool kept = false;
  ~TemporaryFile() {
    if (!kept) ::unlink(path.c_str());
  }
};

[[noreturn]] void fail(const char* op, const char* what, const std::string& path, int error) {
  throw IoError(fmt::format("{}: cannot {} '{}': {}", op, what, path, std::strerror(error)));
}

/// False, with errno set, if not everything could be written.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Devices and pipes cannot be replaced by a rename (as root, that would turn /dev/null into a file): they are written
/// directly.
void write_in_place(const std::string& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file < 0) fail("write_file", "open", path, errno);
  if (!write_all(file, bytes) || !file.close()) fail("write_file", "write", path, errno);
}

/// The file that a chain of symbolic links leads to, so that the link stays and its target is replaced.
std::string resolve_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  return resolved ? std::string(resolved.get()) : path;
}

/// A rename is on the disk only once its folder is. Some file systems cannot flush a folder; there is nothing more to
/// do there.
void flush_folder(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const Descriptor descriptor(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor >= 0) ::fsync(descriptor);
}

}  // namespace

std::string read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file < 0) fail("read_file", "open", path, errno);
  struct stat info {};
  if (::fstat(file, &info) != 0) fail("read_file", "read", path, errno);
  // The size is a first guess: a pipe has none, and a file may grow or shrink meanwhile.
  std::string bytes(S_ISREG(info.st_mode) ? static_cast<size_t>(info.st_size) + 1 : 65536, '\0');
  size_t length = 0;
  for (;;) {
    const ssize_t got = ::read(file, bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read_file", "read", path, errno);
    if (got == 0) break;
    length += static_cast<size_t>(got);
    if (length == bytes.size()) bytes.resize(2 * bytes.size());
  }
  bytes.resize(length);
  return bytes;
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) fail("write_file", "write", path, EISDIR);
  if (exists && !S_ISREG(info.st_mode)) return write_in_place(path, bytes);

  static std::atomic<unsigned> counter{0};
  const std::string target = exists ? resolve_links(path) : path;
  TemporaryFile temporary{fmt::format("{}.tmp-{}-{}", target, ::getpid(), counter++)};
  Descriptor file(::open(temporary.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file < 0) {
    temporary.kept = true;  // it is not ours to remove
    fail("write_file", "create", path, errno);
  }
  if (exists) ::fchmod(file, info.st_mode & 07777);
  if (!write_all(file, bytes) || ::fsync(file) != 0 || !file.close()) fail("write_file", "write", path, errno);
  if (::rename(temporary.path.c_str(), target.c_str()) != 0) fail("write_file", "replace", path, errno);
  temporary.kept = true;
  flush_folder(target);
}

}  // namespace gw
