// IDX files, plain and gzipped: any bytes give a tensor or an IoError.
#include "data/idx.h"

#include "tensor/error.h"
#include "tests/fuzz/input_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  try {
    gw::read_idx(gw::fuzz::input_file(bytes, size));
  } catch (const gw::IoError&) {
  }
  return 0;
}
