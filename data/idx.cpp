#include "data/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "data/gzip.h"
#include "tensor/creation.h"
#include "tensor/file.h"

namespace gw {
namespace {

constexpr unsigned char kUnsignedByte = 0x08;
/// No IDX data set comes near it; a corrupt file shall not take all memory.
constexpr size_t kLimit = size_t{4} << 30;

class Parser {
 public:
  Parser(const std::string& path, std::string_view bytes) : path_(path), bytes_(bytes) {}

  Tensor parse() const {
    const Shape shape = parse_shape();
    const size_t start = header_size(shape.size()), expected = static_cast<size_t>(shape.numel());
    if (bytes_.size() - start != expected)
      fail(fmt::format("its dimensions {} mean {} bytes of data, but {} follow the header", shape.to_string(), expected,
                       bytes_.size() - start));
    const Tensor t = empty(shape, {.dtype = DType::u8});
    if (expected > 0) std::memcpy(t.raw(), bytes_.data() + start, expected);
    return t;
  }

 private:
  static size_t header_size(int64_t dims) { return 4 + 4 * static_cast<size_t>(dims); }
  unsigned char byte(size_t i) const { return static_cast<unsigned char>(bytes_[i]); }

  Shape parse_shape() const {
    if (bytes_.size() < 4) fail(fmt::format("expected an IDX file, got {} bytes", bytes_.size()));
    if (byte(0) != 0 || byte(1) != 0 || byte(2) != kUnsignedByte || byte(3) < 1 || byte(3) > 4)
      fail(
          fmt::format("expected the magic number 00 00 08 01 to 04 (unsigned bytes of 1 to 4 dimensions), got {:02x} "
                      "{:02x} {:02x} {:02x}",
                      byte(0), byte(1), byte(2), byte(3)));
    const int64_t dims = byte(3);
    if (bytes_.size() < header_size(dims))
      fail(fmt::format("expected a header of {} bytes, got {} bytes in all", header_size(dims), bytes_.size()));
    Shape shape;
    size_t count = 1;
    for (int64_t d = 0; d < dims; ++d) {
      uint32_t size = 0;
      for (size_t i = 0; i < 4; ++i) size = size << 8 | byte(4 + 4 * static_cast<size_t>(d) + i);
      if (__builtin_mul_overflow(count, static_cast<size_t>(size), &count) || count > kLimit)
        fail("its dimensions are too large");
      shape.push_back(size);
    }
    return shape;
  }

  [[noreturn]] void fail(const std::string& why) const { throw IoError(fmt::format("read_idx: {}: {}", path_, why)); }

  const std::string& path_;
  std::string_view bytes_;
};

}  // namespace

Tensor read_idx(const std::string& path) {
  std::string bytes = read_file(path);
  if (is_gzip(bytes)) {
    bytes = gunzip(bytes, path, kLimit);
  } else if (path.ends_with(".gz")) {
    throw IoError(fmt::format("read_idx: {}: expected a gzip file, but it does not begin as one", path));
  }
  return Parser(path, bytes).parse();
}

}  // namespace gw
