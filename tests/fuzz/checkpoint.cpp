// Checkpoints: any bytes give one or an IoError.
#include "train/checkpoint.h"

#include "tensor/error.h"
#include "tests/fuzz/input_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  try {
    gw::load_checkpoint(gw::fuzz::input_file(bytes, size));
  } catch (const gw::IoError&) {
  }
  return 0;
}
