#include "train/char_model_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tensor/safetensors.h"

namespace gw {
namespace {

using nlohmann::json;

constexpr const char *kModelKey = "model", *kModelName = "charlm", *kCellKey = "cell", *kVocabularyKey = "vocabulary",
                     *kLowerKey = "lower";

const std::pair<const char*, RecurrentCell> kCells[] = {
    {"rnn", RecurrentCell::rnn_tanh}, {"gru", RecurrentCell::gru}, {"lstm", RecurrentCell::lstm}};

/// The sizes of a model, read off its weights.
StatefulCharOptions options_of(const SafetensorsFile& file, RecurrentCell cell) {
  const Tensor table = file.at("e.weight"), recurrent = file.at("rnn.weight_hh_l0");
  if (table.dim() != 2 || recurrent.dim() != 2) throw IoError("its weights are no matrices");
  StatefulCharOptions o;
  o.vocabulary = table.size(0);
  o.embed = table.size(1);
  o.hidden = recurrent.size(1);
  o.cell = cell;
  o.layers = 0;
  for (const auto& entry : file.tensors) o.layers += entry.first.starts_with("rnn.weight_hh_l");
  return o;
}

}  // namespace

std::string cell_name(RecurrentCell cell) {
  for (const auto& [name, value] : kCells)
    if (value == cell) return name;
  throw ConfigError("cell: the plain cell with relu has no name on the command line");
}

RecurrentCell cell_from_name(const std::string& name) {
  for (const auto& [known, value] : kCells)
    if (name == known) return value;
  throw ConfigError(fmt::format("cell: expected rnn, gru or lstm, got {}", name));
}

std::map<std::string, std::string> char_model_metadata(RecurrentCell cell, const Vocabulary& vocabulary, bool lower) {
  return {{kModelKey, kModelName},
          {kCellKey, cell_name(cell)},
          {kVocabularyKey, json(vocabulary.tokens()).dump()},
          {kLowerKey, lower ? "1" : "0"}};
}

CharModelFile load_char_model(const std::string& path) {
  const SafetensorsFile file = load_safetensors(path);
  const auto kind = file.metadata.find(kModelKey);
  if (kind == file.metadata.end() || kind->second != kModelName)
    throw IoError(fmt::format("load: {} is not of a character model, which charlm --save writes", path));
  try {
    Vocabulary vocabulary(json::parse(file.metadata.at(kVocabularyKey)).get<std::vector<std::string>>(),
                          TokenKind::character);
    const StatefulCharOptions options = options_of(file, cell_from_name(file.metadata.at(kCellKey)));
    if (options.vocabulary != vocabulary.size()) throw IoError("its vocabulary and its weights differ in size");
    auto model = std::make_shared<StatefulCharModel>(options);
    model->load_state_dict(file.tensors);
    return {std::move(model), std::move(vocabulary), file.metadata.at(kLowerKey) == "1"};
  } catch (const std::exception& e) {
    throw IoError(fmt::format("load: {} is damaged: {}", path, e.what()));
  }
}

}  // namespace gw
