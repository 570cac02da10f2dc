// Holding out part of the training data, so that choices can be made without looking at the test set.
#pragma once

#include "data/dataset.h"

namespace gw {

/// Splits data into nine tenths to train on and one tenth, drawn at random, to validate on. The draw is fixed: it
/// depends on nothing but the number of items, so that runs of any seed hold out the same ones. Works where the data
/// are. ConfigError for less than ten items.
DatasetPair hold_out_tenth(const ImageDataset& data);

}  // namespace gw
