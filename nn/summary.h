// The table of a model's layers: shapes, parameters and arithmetic.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace gw {

/// A layer of the table.
struct SummaryRow {
  std::string module;
  Shape input;
  Shape output;
  int64_t parameters = 0;
  /// Multiplications per image, in millions, as the lesson counts them: each 4-D parameter is used once per pixel of
  /// the layer's output, every other one once.
  double mflops = 0;
};

/// One row for each direct child of `model`, from a real forward pass of zeros of `input_shape` (with a batch of two,
/// in eval mode; the rows name the batch that was asked for). Throws what the model's layers throw.
std::vector<SummaryRow> summarize(Module& model, const Shape& input_shape);

/// The rows as a Markdown table, |Module|Input|Output|Num params|MFLOPS|, and a line with the totals:
/// "Tot params: 1228908; MFLOPS: 4.7".
std::string summary(Module& model, const Shape& input_shape);

}  // namespace gw
