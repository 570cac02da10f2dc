#include "data/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <memory>

#include "tensor/error.h"

namespace gw {
namespace {

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

/// What the last four bytes of a gzip file say of its content's size (modulo 2^32): a hint for the buffer, no more. A
/// lying one is limited by what deflate can make of so few bytes.
size_t size_hint(std::string_view bytes) {
  constexpr size_t kLargestRatio = 1032;
  if (bytes.size() < 4) return 0;
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i)
    size |= static_cast<size_t>(static_cast<unsigned char>(bytes[bytes.size() - 4 + i])) << (8 * i);
  return std::min(size, bytes.size() * kLargestRatio);
}

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw IoError(fmt::format("gunzip: {}: {}", path, why));
}

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b'; }

std::string gunzip(std::string_view bytes, const std::string& path, size_t limit) {
  z_stream stream{};
  constexpr int kGzipFormat = 16;
  if (inflateInit2(&stream, MAX_WBITS + kGzipFormat) != Z_OK) fail(path, "zlib could not be started");
  const std::unique_ptr<z_stream, InflateEnd> guard(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());

  std::string out(std::clamp<size_t>(size_hint(bytes), 1024, limit), '\0');
  size_t filled = 0;
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    stream.avail_out = static_cast<uInt>(out.size() - filled);
    const int status = inflate(&stream, Z_NO_FLUSH);
    filled = out.size() - stream.avail_out;
    if (status == Z_STREAM_END) break;
    if (status == Z_DATA_ERROR)
      fail(path, fmt::format("corrupt gzip data ({})", stream.msg ? stream.msg : "invalid stream"));
    if (status != Z_OK && status != Z_BUF_ERROR) fail(path, fmt::format("zlib error {}", status));
    if (stream.avail_out > 0) fail(path, fmt::format("the gzip data ends too early, after {} bytes", filled));
    if (out.size() == limit) fail(path, fmt::format("the content is larger than {} bytes", limit));
    out.resize(std::min(limit, out.size() * 2));
  }
  if (stream.avail_in > 0) fail(path, fmt::format("{} bytes follow the end of the gzip data", stream.avail_in));
  out.resize(filled);
  return out;
}

}  // namespace gw
