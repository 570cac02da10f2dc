// Files of character models: weights, and what is needed to use them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "data/text.h"
#include "nn/models/char_models.h"

namespace gw {

/// A character model with its vocabulary.
struct CharModelFile {
  std::shared_ptr<StatefulCharModel> model;
  Vocabulary vocabulary;
  bool lower = false;  ///< whether the text was put into lower case before it was read
};

/// "rnn", "gru" or "lstm", and back; ConfigError for another name.
std::string cell_name(RecurrentCell cell);
RecurrentCell cell_from_name(const std::string& name);

/// What a weights file of such a model says about itself.
std::map<std::string, std::string> char_model_metadata(RecurrentCell cell, const Vocabulary& vocabulary, bool lower);
/// The model of a weights file, on the CPU. IoError if the file is of another kind of model or damaged.
CharModelFile load_char_model(const std::string& path);

}  // namespace gw
