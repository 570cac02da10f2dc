// Finding the files of a data set: the first step of a data block.
#pragma once

#include <string>
#include <vector>

namespace gw {

/// Endings of the picture files that read_image reads.
const std::vector<std::string>& image_extensions();

/// The paths of all files below `root`, at any depth, whose names end in one of `extensions` (in upper or lower case;
/// all files if there are none), in the order of their bytes. Hidden files and folders are left out; links are
/// followed, but no folder is entered twice, so that loops of links end. IoError, naming the folder, if one cannot be
/// read.
std::vector<std::string> find_files(const std::string& root,
                                    const std::vector<std::string>& extensions = image_extensions());

}  // namespace gw
