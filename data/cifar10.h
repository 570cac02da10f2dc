// CIFAR-10: 60,000 colour images of 32 x 32 pixels in ten classes (Krizhevsky, 2009), from its binary batches.
#pragma once

#include <string>

#include "data/dataset.h"

namespace gw {

/// Reads one binary batch: records of a label byte and 3072 bytes of pixels, the red plane first, then green and blue.
/// IoError, naming the file, for one that cannot be read, is empty or not made of whole records, and for a label above
/// 9.
ImageDataset read_cifar10_batch(const std::string& path);

/// Loads data_batch_1.bin to data_batch_5.bin for training and test_batch.bin for validation from `folder`, or from the
/// folder cifar-10-batches-bin in it. IoError, naming the file and the fault, if one is missing or not what it should
/// be.
DatasetPair load_cifar10(const std::string& folder);

}  // namespace gw
