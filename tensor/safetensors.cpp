#include "tensor/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tensor/file.h"

namespace gw {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kLengthBytes = 8;
constexpr const char* kMetadataKey = "__metadata__";

struct DTypeName {
  std::string_view name;
  DType dtype;
};
// The first name of a dtype is the one that is written.
constexpr DTypeName kDTypeNames[] = {{"F32", DType::f32}, {"BF16", DType::bf16}, {"U8", DType::u8},
                                     {"I32", DType::i32}, {"I64", DType::i64},   {"BOOL", DType::u8}};

std::string_view name_for(DType dtype) {
  return std::find_if(std::begin(kDTypeNames), std::end(kDTypeNames), [&](auto& d) { return d.dtype == dtype; })->name;
}

/// Text from a file, made safe to print on one line.
std::string quoted(const std::string& text) {
  return json(text.substr(0, 200)).dump(-1, ' ', true, json::error_handler_t::replace);
}

/// One tensor's entry in the header.
struct Entry {
  std::string name;
  DType dtype;
  Shape shape;
  uint64_t begin, end;  // bytes from the start of the data
};

/// Checks a file's header, field by field.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), bytes_(read_file(path)) {}

  SafetensorsFile read() {
    const json header = parse_header();
    SafetensorsFile file;
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadataKey)
        file.metadata = parse_metadata(value);
      else
        entries_.push_back(parse_entry(name, value));
    }
    check_layout();
    for (const Entry& e : entries_) file.tensors.emplace_back(e.name, load(e));
    return file;
  }

 private:
  [[noreturn]] void fail(const std::string& fault) const {
    throw IoError(fmt::format("load_safetensors: '{}': {}", path_, fault));
  }
  [[noreturn]] void fail(const std::string& name, const std::string& fault) const {
    fail(fmt::format("tensor {}: {}", quoted(name), fault));
  }

  json parse_header() {
    if (bytes_.size() < kLengthBytes)
      fail(fmt::format("expected at least {} bytes, got {}", kLengthBytes, bytes_.size()));
    uint64_t length = 0;
    for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t{static_cast<uint8_t>(bytes_[i])} << (8 * i);
    if (length > kMaxHeaderBytes)
      fail(fmt::format("the header length {} is above the limit of {} bytes", length, kMaxHeaderBytes));
    if (length > bytes_.size() - kLengthBytes)
      fail(fmt::format("the header of {} bytes is longer than the file of {}", length, bytes_.size()));
    data_start_ = kLengthBytes + length;
    if (length == 0 || bytes_[kLengthBytes] != '{') fail("the header is not a JSON object");
    return parse_json(std::string_view(bytes_).substr(kLengthBytes, length));
  }

  /// JSON where no key comes twice: which of the two would a reader believe?
  json parse_json(std::string_view text) const {
    std::vector<std::set<std::string>> keys;
    const auto check = [&](int depth, json::parse_event_t event, json& value) {
      if (depth > 3) fail("the header is nested too deeply");
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end) keys.pop_back();
      if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
        fail(fmt::format("the key {} comes twice in the header", quoted(value.get<std::string>())));
      return true;
    };
    try {
      json header = json::parse(text, check);
      if (!header.is_object()) fail("the header is not a JSON object");
      return header;
    } catch (const json::exception&) {
      fail("the header is not valid JSON");
    }
  }

  std::map<std::string, std::string> parse_metadata(const json& value) const {
    if (!value.is_object()) fail("the metadata is not a JSON object");
    std::map<std::string, std::string> metadata;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail(fmt::format("the metadata value of {} is not a string", quoted(key)));
      metadata[key] = text.get<std::string>();
    }
    return metadata;
  }

  Entry parse_entry(const std::string& name, const json& value) const {
    if (!value.is_object()) fail(name, "its entry is not a JSON object");
    for (const auto& [key, unused] : value.items())
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        fail(name, fmt::format("unexpected field {}", quoted(key)));
    for (const char* key : {"dtype", "shape", "data_offsets"})
      if (!value.contains(key)) fail(name, fmt::format("the field {} is missing", key));
    const auto [begin, end] = parse_offsets(name, value["data_offsets"]);
    Entry entry{name, parse_dtype(name, value["dtype"]), parse_shape(name, value["shape"]), begin, end};
    const uint64_t expected = static_cast<uint64_t>(entry.shape.numel()) * static_cast<uint64_t>(size_of(entry.dtype));
    if (end - begin != expected)
      fail(name, fmt::format("shape {} of {} takes {} bytes, its data_offsets [{}, {}] hold {}",
                             entry.shape.to_string(), name_for(entry.dtype), expected, begin, end, end - begin));
    return entry;
  }

  DType parse_dtype(const std::string& name, const json& value) const {
    if (!value.is_string()) fail(name, "its dtype is not a string");
    const auto& text = value.get_ref<const std::string&>();
    for (const DTypeName& d : kDTypeNames)
      if (d.name == text) return d.dtype;
    fail(name, fmt::format("expected dtype F32, BF16, U8, I32, I64 or BOOL, got {}", quoted(text)));
  }

  Shape parse_shape(const std::string& name, const json& value) const {
    if (!value.is_array()) fail(name, "its shape is not an array");
    if (value.size() > Shape::kMaxDims)
      fail(name, fmt::format("expected at most {} dimensions, got {}", Shape::kMaxDims, value.size()));
    Shape shape;
    // Zeros count as one here: strides, unlike the count of elements, do not vanish with them.
    int64_t limit = INT64_MAX / 8;
    for (const json& size : value) {
      if (!size.is_number_unsigned()) fail(name, "its shape holds something other than non-negative integers");
      const uint64_t n = size.get<uint64_t>();
      if (n > static_cast<uint64_t>(limit)) fail(name, "its shape has too many elements");
      limit /= std::max<int64_t>(1, static_cast<int64_t>(n));
      shape.push_back(static_cast<int64_t>(n));
    }
    return shape;
  }

  std::pair<uint64_t, uint64_t> parse_offsets(const std::string& name, const json& value) const {
    if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned() || !value[1].is_number_unsigned())
      fail(name, "its data_offsets are not two non-negative integers");
    const uint64_t begin = value[0].get<uint64_t>(), end = value[1].get<uint64_t>(), size = bytes_.size() - data_start_;
    if (begin > end || end > size)
      fail(name, fmt::format("its data_offsets [{}, {}] do not lie in the file's {} bytes of data", begin, end, size));
    return {begin, end};
  }

  /// The tensors must tile the data: no overlap, no gap, nothing left over.
  void check_layout() {
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t position = 0;
    for (const Entry& e : entries_) {
      if (e.begin != position)
        fail(e.name, fmt::format("its data begins at byte {}, expected {}: {}", e.begin, position,
                                 e.begin < position ? "tensors overlap" : "there is a gap"));
      position = e.end;
    }
    const uint64_t size = bytes_.size() - data_start_;
    if (position != size) fail(fmt::format("the tensors end at byte {} of {} bytes of data", position, size));
  }

  Tensor load(const Entry& e) const {
    const uint64_t size = e.end - e.begin;
    Tensor t(std::make_shared<Storage>(size, kCpu), e.shape, contiguous_strides(e.shape), e.dtype);
    if (size > 0) std::memcpy(t.raw(), bytes_.data() + data_start_ + e.begin, size);
    return t;
  }

  std::string path_;
  std::string bytes_;
  uint64_t data_start_ = 0;
  std::vector<Entry> entries_;
};

/// Wider dtypes first, so that every tensor is aligned in the file.
NamedTensors in_file_order(NamedTensors tensors) {
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const auto& a, const auto& b) { return size_of(a.second.dtype()) > size_of(b.second.dtype()); });
  return tensors;
}

void check_names(const NamedTensors& tensors) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) throw ConfigError(fmt::format("save_safetensors: tensor {} is undefined", quoted(name)));
    if (name == kMetadataKey || !names.insert(name).second)
      throw ConfigError(fmt::format("save_safetensors: the name {} is {}", quoted(name),
                                    name == kMetadataKey ? "reserved" : "given to two tensors"));
  }
}

std::string make_header(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  int64_t position = 0;
  for (const auto& [name, t] : tensors) {
    const int64_t end = position + t.numel() * size_of(t.dtype());
    header[name] = {{"dtype", name_for(t.dtype())},
                    {"shape", std::vector<int64_t>(t.shape().begin(), t.shape().end())},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    throw ConfigError("save_safetensors: a name or metadata text is not valid UTF-8");
  }
  // Padded with spaces to where the data is aligned, as the format suggests.
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void append_length(std::string& bytes, uint64_t length) {
  for (size_t i = 0; i < kLengthBytes; ++i) bytes += static_cast<char>(length >> (8 * i));
}

}  // namespace

bool SafetensorsFile::contains(const std::string& name) const {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.first == name; });
}

const Tensor& SafetensorsFile::at(const std::string& name) const {
  for (const auto& [tensor_name, tensor] : tensors)
    if (tensor_name == name) return tensor;
  std::string names;
  for (size_t i = 0; i < std::min<size_t>(tensors.size(), 8); ++i) names += (i ? ", " : "") + tensors[i].first;
  if (tensors.size() > 8) names += ", ...";
  throw IoError(fmt::format("safetensors: no tensor '{}' among the {} of the file ({})", name, tensors.size(), names));
}

SafetensorsFile load_safetensors(const std::string& path) { return Reader(path).read(); }

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  check_names(tensors);
  const NamedTensors ordered = in_file_order(tensors);
  const std::string header = make_header(ordered, metadata);
  std::string bytes;
  append_length(bytes, header.size());
  bytes += header;
  for (const auto& [name, tensor] : ordered) {
    const Tensor t = tensor.detach().to(kCpu).contiguous();
    if (t.numel() > 0)
      bytes.append(static_cast<const char*>(t.raw()), static_cast<size_t>(t.numel() * size_of(t.dtype())));
  }
  write_file_atomically(path, bytes);
}

}  // namespace gw
