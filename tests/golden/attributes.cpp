#include "attributes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tensor/error.h"

namespace golden {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& name, const json& value, const char* expected) {
  throw gw::ConfigError(fmt::format("attribute {}: expected {}, got {}", name, expected, value.dump()));
}

/// JSON has no words for the numbers that are not finite, but Python writes them: they become strings here.
std::string quote_non_finite(const std::string& text) {
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    const bool escape = in_string && text[i] == '\\' && i + 1 < text.size();
    if (text[i] == '"') in_string = !in_string;
    const char* word = nullptr;
    for (const char* candidate : {"-Infinity", "Infinity", "NaN"})
      if (!in_string && !word && text.compare(i, std::char_traits<char>::length(candidate), candidate) == 0)
        word = candidate;
    if (word) {
      out += fmt::format("\"{}\"", word);
      i += std::char_traits<char>::length(word);
      continue;
    }
    const size_t count = escape ? 2 : 1;
    out += text.substr(i, count);
    i += count;
  }
  return out;
}

double to_number(const std::string& name, const json& value) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  if (value.is_number()) return value.get<double>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value == "Infinity" || value == "inf") return inf;
  if (value == "-Infinity" || value == "-inf") return -inf;
  if (value == "NaN" || value == "nan") return std::numeric_limits<double>::quiet_NaN();
  fail(name, value, "a number");
}

int64_t to_integer(const std::string& name, const json& value) {
  if (value.is_null()) return Attributes::kNull;
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  fail(name, value, "an integer");
}

}  // namespace

Attributes::Attributes(const std::string& text) {
  try {
    values_ = text.empty() ? json::object() : json::parse(quote_non_finite(text));
  } catch (const json::exception& error) {
    throw gw::ConfigError(fmt::format("attrs is not JSON: {}", error.what()));
  }
  if (!values_.is_object()) throw gw::ConfigError(fmt::format("attrs: expected a JSON object, got {}", values_.dump()));
}

const json* Attributes::find(const std::string& name) {
  known_.insert(name);
  const auto it = values_.find(name);
  return it == values_.end() || it->is_null() ? nullptr : &*it;
}

bool Attributes::has(const std::string& name) { return find(name) != nullptr; }

bool Attributes::is_null(const std::string& name) { return !find(name) && values_.contains(name); }

bool Attributes::is_text(const std::string& name) {
  const json* value = find(name);
  return value && value->is_string();
}

std::optional<double> Attributes::number(const std::string& name) {
  const json* value = find(name);
  if (!value) return {};
  return to_number(name, *value);
}

double Attributes::number(const std::string& name, double otherwise) { return number(name).value_or(otherwise); }

std::optional<int64_t> Attributes::integer(const std::string& name) {
  const json* value = find(name);
  if (!value) return {};
  // torch.squeeze(x, dim=[1]) and the like: a list of one is that one.
  if (value->is_array() && value->size() == 1) return to_integer(name, (*value)[0]);
  return to_integer(name, *value);
}

int64_t Attributes::integer(const std::string& name, int64_t otherwise) { return integer(name).value_or(otherwise); }

bool Attributes::flag(const std::string& name, bool otherwise) {
  const json* value = find(name);
  if (!value) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number_integer()) return value->get<int64_t>() != 0;
  fail(name, *value, "true or false");
}

std::string Attributes::text(const std::string& name, const std::string& otherwise) {
  const json* value = find(name);
  if (!value) return otherwise;
  if (!value->is_string()) fail(name, *value, "a string");
  return value->get<std::string>();
}

std::optional<std::vector<int64_t>> Attributes::list(const std::string& name) {
  const json* value = find(name);
  if (!value) return {};
  if (!value->is_array()) return std::vector{to_integer(name, *value)};
  std::vector<int64_t> elements;
  for (const json& element : *value) elements.push_back(to_integer(name, element));
  return elements;
}

std::optional<gw::Shape> Attributes::integers(const std::string& name) {
  const std::optional<std::vector<int64_t>> elements = list(name);
  if (!elements) return {};
  return gw::Shape(*elements);
}

gw::Shape Attributes::integers(const std::string& name, const gw::Shape& otherwise) {
  return integers(name).value_or(otherwise);
}

std::array<int64_t, 2> Attributes::pair(const std::string& name, std::array<int64_t, 2> otherwise) {
  const std::optional<gw::Shape> list = integers(name);
  if (!list) return otherwise;
  if (list->size() == 1) return {(*list)[0], (*list)[0]};
  if (list->size() == 2) return {(*list)[0], (*list)[1]};
  fail(name, values_[name], "one or two integers");
}

std::optional<gw::DType> Attributes::dtype(const std::string& name) {
  std::string word = text(name, "");
  if (word.empty()) return {};
  if (word.starts_with("torch.")) word = word.substr(6);
  if (word == "float32" || word == "float") return gw::DType::f32;
  if (word == "bfloat16") return gw::DType::bf16;
  if (word == "uint8" || word == "bool") return gw::DType::u8;
  if (word == "int32" || word == "int") return gw::DType::i32;
  if (word == "int64" || word == "long") return gw::DType::i64;
  fail(name, values_[name], "a dtype that the engine has");
}

namespace {

template <class T>
T required(const std::string& name, const std::optional<T>& value) {
  if (!value) throw gw::ConfigError(fmt::format("attribute {} is missing", name));
  return *value;
}

}  // namespace

double Attributes::required_number(const std::string& name) { return required(name, number(name)); }
int64_t Attributes::required_integer(const std::string& name) { return required(name, integer(name)); }
gw::Shape Attributes::required_integers(const std::string& name) { return required(name, integers(name)); }

std::vector<int64_t> Attributes::required_list(const std::string& name) { return required(name, list(name)); }

std::array<int64_t, 2> Attributes::required_pair(const std::string& name) {
  required(name, integers(name));
  return pair(name, {});
}

void Attributes::only_pair(const std::string& name, int64_t value) {
  if (pair(name, {value, value}) != std::array{value, value}) only(name, value);
}

void Attributes::only(const std::string& name, const json& value) {
  const json* found = find(name);
  if (!found || *found == value) return;
  throw gw::ConfigError(fmt::format("attribute {} = {}: the engine has only {}", name, found->dump(), value.dump()));
}

void Attributes::check_all_known() const {
  std::vector<std::string> unknown;
  for (const auto& [name, value] : values_.items())
    if (!known_.contains(name)) unknown.push_back(name);
  if (!unknown.empty()) throw gw::ConfigError(fmt::format("unknown attribute {}", fmt::join(unknown, ", ")));
}

}  // namespace golden
