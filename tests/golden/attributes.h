// Attributes: the keyword arguments of a golden case, read by name and type as PyTorch takes them.
#pragma once

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace golden {

/// A JSON object of arguments. null counts as left out; a number may stand for a list of one. Every getter marks its
/// name as known, so that `check_all_known` can find the arguments that nobody asked for. ConfigError, naming the
/// attribute, for a value of the wrong type.
class Attributes {
 public:
  /// What null reads as inside a list.
  static constexpr int64_t kNull = std::numeric_limits<int64_t>::min();

  /// Parses what Python's json module writes: JSON, and also Infinity, -Infinity and NaN. ConfigError for other text.
  explicit Attributes(const std::string& text);

  bool has(const std::string& name);
  /// True if the argument is there and null: an optional tensor left out in so many words.
  bool is_null(const std::string& name);
  bool is_text(const std::string& name);
  std::optional<double> number(const std::string& name);
  double number(const std::string& name, double otherwise);
  std::optional<int64_t> integer(const std::string& name);
  int64_t integer(const std::string& name, int64_t otherwise);
  bool flag(const std::string& name, bool otherwise);
  std::string text(const std::string& name, const std::string& otherwise);
  /// A list of integers, or one integer; of any length, or as a Shape.
  std::optional<std::vector<int64_t>> list(const std::string& name);
  std::optional<gw::Shape> integers(const std::string& name);
  gw::Shape integers(const std::string& name, const gw::Shape& otherwise);
  /// Height and width: a list of two, or one number for both.
  std::array<int64_t, 2> pair(const std::string& name, std::array<int64_t, 2> otherwise);
  /// "float32", "torch.bfloat16", ...
  std::optional<gw::DType> dtype(const std::string& name);

  /// As `integer` and the others, for an argument that must be there.
  double required_number(const std::string& name);
  int64_t required_integer(const std::string& name);
  gw::Shape required_integers(const std::string& name);
  std::vector<int64_t> required_list(const std::string& name);
  std::array<int64_t, 2> required_pair(const std::string& name);

  /// An argument without influence on the result.
  void ignore(const std::string& name) { known_.insert(name); }
  /// ConfigError if the argument is there with another value than the only one that the engine has.
  void only(const std::string& name, const nlohmann::json& value);
  /// The same for an argument that may also be given for height and width.
  void only_pair(const std::string& name, int64_t value);
  /// ConfigError that names the arguments which no getter asked for.
  void check_all_known() const;

 private:
  const nlohmann::json* find(const std::string& name);

  nlohmann::json values_;
  std::set<std::string> known_;
};

}  // namespace golden
