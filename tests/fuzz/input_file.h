// What the fuzz targets share: the fuzzer's bytes as a file, since readers take paths.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace gw::fuzz {

/// The path of a file in memory that holds these bytes, until the next call.
inline std::string input_file(const uint8_t* bytes, size_t size) {
  static const int file = memfd_create("input", 0);
  if (file < 0 || ftruncate(file, 0) != 0) std::abort();
  for (size_t done = 0; done < size;) {
    const ssize_t written = pwrite(file, bytes + done, size - done, static_cast<off_t>(done));
    if (written <= 0) std::abort();
    done += static_cast<size_t>(written);
  }
  return "/proc/self/fd/" + std::to_string(file);
}

}  // namespace gw::fuzz
