// CIFAR-10's binary batches made by tests.
#pragma once

#include <string>

#include "tests/data/temporary_folder.h"

namespace gw {

/// A record: a label and 3 planes of 32 x 32 pixels, each plane of one value.
inline std::string cifar10_record(int label, char red, char green, char blue) {
  constexpr size_t kPlane = 32 * 32;
  return std::string(1, static_cast<char>(label)) + std::string(kPlane, red) + std::string(kPlane, green) +
         std::string(kPlane, blue);
}

/// All six batches, of `each` records; the brightness of an image tells its class.
inline void write_cifar10(const TemporaryFolder& folder, const std::string& in, int each) {
  std::string records;
  for (int i = 0; i < each; ++i) {
    const auto value = static_cast<char>(i % 10 * 25);
    records += cifar10_record(i % 10, value, static_cast<char>(255 - static_cast<unsigned char>(value)), value);
  }
  for (const char* part :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"})
    folder.write(in + "/" + part + ".bin", records);
}

}  // namespace gw
