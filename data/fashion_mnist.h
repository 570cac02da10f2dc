// Fashion-MNIST: 70,000 grey images of 28 x 28 pixels in ten classes (Xiao, Rasul, Vollgraf, 2017).
#pragma once

#include <string>

#include "data/dataset.h"

namespace gw {

/// The folders in which data sets are looked for, in order: `dir` if it is not empty (then only that), else
/// $GROUNDWORK_DATA, /usr/share/datasets and ~/.cache/groundwork.
std::vector<std::string> data_folders(const std::string& dir);

/// Loads both parts from the folder `fashion-mnist` (four IDX files, gzipped or plain) of the first data folder that
/// has it. IoError, naming the places tried or the fault, if there is none or a file is not what it should be.
DatasetPair load_fashion_mnist(const std::string& dir = "");

/// The same without any item: what its images are like, how they are normalised, and the names of its classes.
ImageDataset empty_fashion_mnist();

}  // namespace gw
