// IDX files: the format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist, "the IDX file format").
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace gw {

/// Reads an IDX file of unsigned bytes, gzipped or plain, into a u8 tensor of its dimensions. Everything is checked:
/// IoError, naming the file, what was expected and what came, for a missing or unreadable file, a corrupt or truncated
/// gzip stream, a wrong magic number, and a number of bytes that differs from what the dimensions say.
Tensor read_idx(const std::string& path);

}  // namespace gw
