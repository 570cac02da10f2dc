// Whole files in and out.
#pragma once

#include <string>
#include <string_view>

namespace gw {

/// The bytes of a file; IoError, naming it and the cause, if it cannot be read.
std::string read_file(const std::string& path);

/// Writes a file whole or not at all: aside, flushed to the disk, then renamed. IoError, naming the file and the cause,
/// on failure; an earlier file of that name is then untouched.
void write_file_atomically(const std::string& path, std::string_view bytes);

}  // namespace gw
