#include "data/image_items.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tensor/error.h"

namespace gw {

ImageItems ImageItems::spread(int64_t count) const {
  if (count >= size()) return *this;
  ImageItems part{{}, {}, classes};
  for (int64_t i = 0; i < count; ++i) {
    const auto place = static_cast<size_t>(i * size() / count);
    part.paths.push_back(paths[place]);
    part.labels.push_back(labels[place]);
  }
  return part;
}

ImageItemsPair DataBlock::items(const std::string& folder) const {
  const std::vector<std::string> paths = find_files(folder, extensions);
  if (paths.empty())
    throw IoError(fmt::format("data block: no file below {} ends in {}", folder, fmt::join(extensions, ", ")));
  const Split sides = split(paths);

  const auto chosen = [&](const std::vector<int64_t>& places) {
    std::vector<std::string> part;
    part.reserve(places.size());
    for (const int64_t place : places) part.push_back(paths[static_cast<size_t>(place)]);
    return part;
  };
  const auto labels_of = [&](const std::vector<std::string>& part) {
    std::vector<std::string> labels;
    labels.reserve(part.size());
    for (const std::string& path : part) labels.push_back(label(path));
    return labels;
  };
  ImageItemsPair pair{{chosen(sides.train), {}, {}}, {chosen(sides.valid), {}, {}}};
  const std::vector<std::string> train_labels = labels_of(pair.train.paths);
  const Categories categories(train_labels, unseen);
  if (categories.size() < 2)
    throw ConfigError(fmt::format("data block: expected at least two classes below {}, got {}", folder,
                                  fmt::join(categories.names(), ", ")));
  pair.train.labels = categories.indices_of(train_labels);
  pair.valid.labels = categories.indices_of(labels_of(pair.valid.paths));
  pair.train.classes = pair.valid.classes = categories.names();
  return pair;
}

}  // namespace gw
