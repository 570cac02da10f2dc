// The exceptions of Groundwork. Each message names the function, what was expected and what came.
#pragma once

#include <stdexcept>
#include <string>

namespace gw {

/// Base of every exception that Groundwork throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A shape, dimension or index that does not fit.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A dtype that the operation does not take.
class DTypeError : public Error {
 public:
  using Error::Error;
};

/// A device that is not there, or operands on different devices.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// A file that cannot be read or written, or that does not hold what it should.
class IoError : public Error {
 public:
  using Error::Error;
};

/// An option, name or value that is not allowed.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// Misuse of the autograd tape: a freed graph, a saved tensor changed in place, a gradient of nothing.
class AutogradError : public Error {
 public:
  using Error::Error;
};

}  // namespace gw
