// CIFAR-10's binary batches: any bytes give images or an IoError.
#include "data/cifar10.h"

#include "tensor/error.h"
#include "tests/fuzz/input_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  try {
    gw::read_cifar10_batch(gw::fuzz::input_file(bytes, size));
  } catch (const gw::IoError&) {
  }
  return 0;
}
