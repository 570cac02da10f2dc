// Texts: any bytes give tokens that are the text again, or an IoError.
#include "data/text.h"

#include "tensor/error.h"
#include "tests/fuzz/input_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string path = gw::fuzz::input_file(bytes, size);
  try {
    const std::string text = gw::read_text(path, /*replace=*/true);
    std::string again;
    for (const std::string_view token : gw::split_tokens(text, gw::TokenKind::character)) again += token;
    if (again != text) std::abort();
    gw::split_tokens(text, gw::TokenKind::word);
  } catch (const gw::IoError&) {
    if (size > 0) std::abort();  // with replacement, every text but the empty one is readable
  }
  try {
    gw::read_text(path);
  } catch (const gw::IoError&) {
  }
  return 0;
}
