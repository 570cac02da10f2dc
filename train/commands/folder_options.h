// --folder and what belongs to it: any folder of pictures as the data set.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "data/image_stream.h"
#include "data/loader.h"

namespace gw::commands {

struct FolderOptions {
  std::string folder;  ///< with train/CLASS/ and valid/CLASS/ (or val, or test); empty: not given
  int64_t size = 128;  ///< height and width of the images that the model sees
  std::string fit = "crop";
  std::string on_bad_image = "error";
  int workers = 0;  ///< 0: as many as the machine has cores

  void add_to(CLI::App* command);
  bool given() const { return !folder.empty(); }
  /// True if training images are made anew in each epoch, because what is made of them is drawn.
  bool makes_anew() const { return fit == "random"; }

  /// Both sides in memory, of at most `limit` items each. Says on the terminal what was found and what was left out.
  DatasetPair load(std::optional<int64_t> limit) const;
  /// The validation images in memory, and the training pictures to be read during training.
  struct Streamed {
    std::shared_ptr<ImageStream> train;
    ImageDataset valid;
  };
  Streamed stream(std::optional<int64_t> limit) const;
  /// Says which pictures a pass left out.
  static void report_bad(const Loader& loader);

 private:
  ImageItemsPair items(std::optional<int64_t> limit) const;
  ImageStreamOptions stream_options(bool random) const;
  ImageDataset load_part(const ImageItems& items) const;
};

}  // namespace gw::commands
