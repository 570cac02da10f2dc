// PNG and JPEG files: any bytes give a picture or an IoError.
#include "data/image_file.h"

#include <zlib.h>

#include "tensor/error.h"
#include "tests/fuzz/input_file.h"

namespace {

constexpr size_t kSignature = 8;

uint32_t number_at(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

/// The checksums of a PNG's parts made right, without which no changed part would get as far as the decoder.
std::string with_checksums(std::string bytes) {
  for (size_t at = kSignature; at + 12 <= bytes.size();) {
    const size_t length = number_at(bytes, at);
    if (length > bytes.size() - at - 12) break;
    const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + at + 4), static_cast<uInt>(length + 4));
    for (size_t i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i));
    at += length + 12;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string input(reinterpret_cast<const char*>(bytes), size);
  if (input.starts_with("\x89PNG")) input = with_checksums(std::move(input));
  try {
    gw::read_image(gw::fuzz::input_file(reinterpret_cast<const uint8_t*>(input.data()), input.size()));
  } catch (const gw::IoError&) {
  }
  return 0;
}
