#include "data/image_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdlib>

namespace {
/// For stb_image, whose decoder of JPEGs leaves to chance what a damaged file does not define.
void* allocate_zeros(size_t bytes) { return std::calloc(1, bytes); }
}  // namespace

#define STB_IMAGE_IMPLEMENTATION
#define STBI_MALLOC(bytes) allocate_zeros(bytes)
#define STBI_REALLOC(memory, bytes) std::realloc(memory, bytes)
#define STBI_FREE(memory) std::free(memory)
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
// Behind the end of a damaged JPEG's data, stb_image shifts zeros by 32 bits and more. They stay zeros, but the
// sanitizer objects.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("shift"))), apply_to = function)
#endif
#include <stb/stb_image.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "tensor/creation.h"
#include "tensor/file.h"

namespace gw {
namespace {

constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n", kJpegStart = "\xff\xd8\xff";

/// The bytes of a picture's file, read from front to back: checks what stb_image takes on trust.
class Bytes {
 public:
  Bytes(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  /// Of the image, as its header has it: before any memory is taken for it.
  void check_size(int64_t width, int64_t height) const {
    constexpr int64_t kMostPixels = int64_t{64} << 20;
    if (width > 0 && height > kMostPixels / width)  // the product may be too large for 63 bits
      fail(fmt::format("{} x {} pixels are more than the {} million that are read", width, height, kMostPixels >> 20));
  }
  [[noreturn]] void fail(const std::string& fault) const { throw IoError(fmt::format("image: {}: {}", path_, fault)); }
  const std::string& path() const { return path_; }
  bool at_end() const { return position_ >= bytes_.size(); }
  uint8_t next() {
    if (at_end()) fail("the file ends too early");
    return static_cast<uint8_t>(bytes_[position_++]);
  }
  /// A number of so many bytes, the highest first.
  uint32_t number(int size) {
    uint32_t value = 0;
    while (size-- > 0) value = value << 8 | next();
    return value;
  }
  std::string_view take(size_t size) {
    if (size > bytes_.size() - position_) fail("the file ends too early");
    const std::string_view part = bytes_.substr(position_, size);
    position_ += size;
    return part;
  }

 private:
  std::string_view bytes_;
  const std::string& path_;
  size_t position_ = 0;
};

/// Walks through the chunks of a PNG to its end, and checks their sums and the image's size.
void check_png(Bytes file) {
  file.take(kPngStart.size());
  while (true) {
    const uint32_t length = file.number(4);
    const std::string_view type_and_data = file.take(size_t{length} + 4);
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(type_and_data.data()), static_cast<uInt>(length + 4));
    if (sum != file.number(4)) file.fail("damaged: the checksum of a part is wrong");
    const std::string_view type = type_and_data.substr(0, 4);
    if (type == "IEND") return;
    if (type != "IHDR") continue;
    Bytes header(type_and_data.substr(4), file.path());
    const uint32_t width = header.number(4);
    header.check_size(width, header.number(4));
  }
}

/// The Huffman tables that a JPEG has defined so far. stb_image reads what it likes where one is missing or too long.
class HuffmanTables {
 public:
  void define(Bytes segment) {
    constexpr int kLengths = 16;
    constexpr size_t kMostCodes = 256;
    while (!segment.at_end()) {
      const uint8_t which = segment.next();
      size_t codes = 0;
      for (int i = 0; i < kLengths; ++i) codes += segment.next();
      if (codes > kMostCodes) segment.fail(fmt::format("damaged: a Huffman table of {} codes", codes));
      segment.take(codes);
      (which >> 4 ? ac_ : dc_).insert(which & 15);
    }
  }

  /// For a scan with this header.
  void check_used(Bytes header, bool progressive) const {
    std::vector<uint8_t> tables(header.next());
    for (uint8_t& table : tables) {
      header.next();  // which component
      table = header.next();
    }
    const bool has_dc = header.next() == 0;  // the first coefficient
    header.next();
    const bool refines = header.next() >> 4 != 0;
    for (const uint8_t table : tables) {
      const bool uses_dc = has_dc && !(progressive && refines), uses_ac = !progressive || !has_dc;
      if ((uses_dc && !dc_.contains(table >> 4)) || (uses_ac && !ac_.contains(table & 15)))
        header.fail("damaged: a Huffman table is missing");
    }
  }

 private:
  std::set<int> dc_, ac_;
};

/// Height and width in the header of a JPEG's frame.
void check_frame_size(Bytes segment) {
  segment.next();  // bits per sample
  const uint32_t height = segment.number(2);
  segment.check_size(segment.number(2), height);
}

/// Walks through the segments of a JPEG to its end mark, without which decoders fill up with grey.
void check_jpeg(Bytes file) {
  constexpr uint8_t kEnd = 0xd9, kScan = 0xda, kHuffman = 0xc4, kFirstRestart = 0xd0, kLastRestart = 0xd7;
  constexpr uint8_t kFirstFrame = 0xc0, kLastFrame = 0xc2;  // baseline to progressive: what stb_image reads
  file.take(2);
  HuffmanTables tables;
  bool progressive = false, in_scan = false;
  while (true) {
    if (file.next() != 0xff) {
      if (in_scan) continue;
      file.fail("damaged: a part does not begin where it should");
    }
    uint8_t mark = file.next();
    while (mark == 0xff) mark = file.next();  // fill bytes
    if (mark == kEnd) return;
    const bool data = mark == 0 || (mark >= kFirstRestart && mark <= kLastRestart);
    if (data && in_scan) continue;
    const uint32_t length = file.number(2);
    if (length < 2) file.fail("damaged: a part has no length");
    const Bytes segment(file.take(length - 2), file.path());
    if (mark >= kFirstFrame && mark <= kLastFrame) {
      check_frame_size(segment);
      progressive = mark == kLastFrame;
    }
    if (mark == kHuffman) tables.define(segment);
    in_scan = mark == kScan;
    if (in_scan) tables.check_used(segment, progressive);
  }
}

struct Size {
  int width, height;
};

/// What the header promises.
Size size_in_header(std::string_view bytes, const std::string& path) {
  Size size{};
  int channels = 0;
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  if (!stbi_info_from_memory(data, static_cast<int>(bytes.size()), &size.width, &size.height, &channels))
    throw IoError(fmt::format("image: {}: damaged: {}", path, stbi_failure_reason()));
  return size;
}

void check_file(std::string_view bytes, const std::string& path) {
  constexpr size_t kMostBytes = size_t{1} << 30;
  const Bytes file(bytes, path);
  if (bytes.empty()) file.fail("the file is empty");
  if (bytes.size() > kMostBytes) file.fail("the file is larger than 1 GiB");
  if (bytes.starts_with(kPngStart)) return check_png(file);
  if (bytes.starts_with(kJpegStart)) return check_jpeg(file);
  file.fail(bytes.starts_with("GIF8") ? "expected a PNG or JPEG image, got a GIF" : "expected a PNG or JPEG image");
}

}  // namespace

Tensor read_image(const std::string& path) {
  const std::string bytes = read_file(path);
  check_file(bytes, path);
  const Size expected = size_in_header(bytes, path);
  constexpr int kRgba = 4;
  Size size{};
  int channels = 0;
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &size.width,
                            &size.height, &channels, kRgba),
      &stbi_image_free);
  if (!pixels) throw IoError(fmt::format("image: {}: damaged: {}", path, stbi_failure_reason()));
  if (size.width != expected.width || size.height != expected.height)
    throw IoError(fmt::format("image: {}: damaged: its size changes", path));

  const Tensor out = empty({3, size.height, size.width}, {.dtype = DType::u8});
  uint8_t* to = out.data<uint8_t>();
  const int64_t plane = int64_t{size.height} * size.width;
  for (int64_t i = 0; i < plane; ++i) {
    const stbi_uc* pixel = pixels.get() + i * kRgba;
    const int alpha = pixel[3];
    for (int64_t c = 0; c < 3; ++c)
      to[c * plane + i] = static_cast<uint8_t>((pixel[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return out;
}

}  // namespace gw
