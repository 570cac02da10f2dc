// Labels and their numbers: the third step of a data block.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace gw {

/// Makes an item's label of its path.
using Labeler = std::function<std::string(const std::string& path)>;

/// The name of the folder that a file is in.
std::string parent_label(const std::string& path);

/// What the first group of a regular expression (ECMAScript's) finds in a file's name: with "(.+)_\\d+\\.jpg$" the
/// label of great_pyrenees_173.jpg is great_pyrenees. ConfigError for a faulty expression or one without a group, and,
/// when it is used, for a name in which it finds nothing.
Labeler regex_label(const std::string& expression);

/// The vocabulary of labels, made on the training items and kept for all others.
class Categories {
 public:
  enum class Unseen {
    error,    ///< a label that was not there is refused
    unknown,  ///< it belongs to a category "unknown", the last one
  };

  /// The different ones of `labels`, sorted.
  explicit Categories(const std::vector<std::string>& labels, Unseen unseen = Unseen::error);

  const std::vector<std::string>& names() const { return names_; }
  int64_t size() const { return static_cast<int64_t>(names_.size()); }
  /// The place of a label among the names; ConfigError, with the label, if there is none.
  int64_t index_of(const std::string& label) const;
  std::vector<int64_t> indices_of(const std::vector<std::string>& labels) const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, int64_t> index_;
  Unseen unseen_;
};

}  // namespace gw
