// Decompression of gzip files.
#pragma once

#include <string>
#include <string_view>

namespace gw {

/// True if the bytes begin as a gzip file does.
bool is_gzip(std::string_view bytes);

/// The content of a whole gzip file of at most `limit` bytes. IoError, naming `path`, if it is corrupt, truncated,
/// longer, or followed by something else.
std::string gunzip(std::string_view bytes, const std::string& path, size_t limit);

}  // namespace gw
