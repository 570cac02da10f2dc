// Safetensors files: named tensors and text metadata (https://github.com/huggingface/safetensors#format).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

/// Named tensors, in an order.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

struct SafetensorsFile {
  NamedTensors tensors;  ///< in the order of their data in the file
  std::map<std::string, std::string> metadata;

  /// The tensor of that name; IoError, naming what is there, if it is missing.
  const Tensor& at(const std::string& name) const;
  bool contains(const std::string& name) const;
};

/// Reads a whole file to the CPU. Every field of the header is checked against the file: IoError, naming the file and
/// the fault, for a truncated, oversized, overlapping or otherwise lying one. Dtypes: F32, BF16, U8, I32, I64, and BOOL
/// as u8.
SafetensorsFile load_safetensors(const std::string& path);

/// Writes tensors (any strides, any device) in row-major order, those of wider dtypes first (so that all are aligned),
/// else in the given order. The file appears whole or not at all: it is written
/// aside, flushed and renamed. IoError, naming the file and the cause, if that fails.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace gw
