// Running gnuplot.
#pragma once

#include <optional>
#include <string>

namespace gw {

/// What gnuplot writes to its standard output for a script: with a PNG terminal, the picture. Nothing if gnuplot is not
/// installed; IoError, with its message, if it fails. The script goes through a pipe of files that no one else sees, so
/// nothing in it meets a shell.
std::optional<std::string> run_gnuplot(const std::string& script);

}  // namespace gw
