#include "train/commands/folder_options.h"

#include <fmt/format.h>

#include "autograd/index.h"
#include "data/item_transforms.h"
#include "tensor/creation.h"
#include "train/commands/options.h"

namespace gw::commands {
namespace {

/// Normalisation is measured on so many training images, spread over all.
constexpr int64_t kMeasured = 2000;

/// Images from all parts of a data set, which may be ordered by class.
Tensor spread(const Tensor& images) {
  const int64_t step = std::max<int64_t>(1, images.size(0) / kMeasured);
  return index_select(images, 0,
                      arange(0, static_cast<double>(images.size(0)), static_cast<double>(step), {.dtype = DType::i64}));
}

void report_left_out(const std::map<std::string, std::string>& bad, int64_t of) {
  if (bad.empty()) return;
  fmt::print(stderr, "groundwork: left out {} of {} pictures; the first: {}\n", bad.size(), of, bad.begin()->second);
}

}  // namespace

void FolderOptions::add_to(CLI::App* command) {
  CLI::Option* const option =
      command->add_option("--folder", folder,
                          "Instead of Fashion-MNIST, the pictures below this folder: train/CLASS/ and valid/CLASS/ (or "
                          "val, or test)");
  command->add_option("--size", size, "Height and width to make of each picture")
      ->check(positive())
      ->capture_default_str()
      ->needs(option);
  command
      ->add_option("--fit", fit,
                   "How: crop its middle, squish it, or crop a random part, anew in each epoch (and the middle for "
                   "validation)")
      ->check(CLI::IsMember({"crop", "squish", "random"}))
      ->capture_default_str()
      ->needs(option);
  command->add_option("--workers", workers, "Threads that read pictures; 0: one per core")
      ->check(whole_number())
      ->capture_default_str()
      ->needs(option);
  command->add_option("--on-bad-image", on_bad_image, "What to do with one that cannot be read")
      ->check(CLI::IsMember({"error", "skip"}))
      ->capture_default_str()
      ->needs(option);
}

ImageItemsPair FolderOptions::items(std::optional<int64_t> limit) const {
  ImageItemsPair items = DataBlock{}.items(folder);
  if (limit) items = {items.train.spread(*limit), items.valid.spread(*limit)};
  fmt::print("{}: {} training and {} validation pictures of {} classes\n", folder, items.train.size(),
             items.valid.size(), items.train.classes.size());
  return items;
}

ImageStreamOptions FolderOptions::stream_options(bool random) const {
  ImageStreamOptions o;
  o.height = o.width = size;
  o.workers = workers;
  o.on_bad_image = on_bad_image == "skip" ? OnBadImage::skip : OnBadImage::error;
  if (random)
    o.transform = [size = size](const Tensor& image, Generator& g) { return random_resized_crop(image, size, g); };
  else if (fit == "squish")
    o.transform = [size = size](const Tensor& image, Generator&) { return resize(image, size, size); };
  else
    o.transform = [size = size](const Tensor& image, Generator&) { return resize_and_center_crop(image, size); };
  return o;
}

ImageDataset FolderOptions::load_part(const ImageItems& items) const {
  std::map<std::string, std::string> bad;
  ImageDataset data = load_images(items, stream_options(false), &bad);
  data.fit = fit == "squish" ? PictureFit::squish : PictureFit::crop;
  report_left_out(bad, items.size());
  return data;
}

DatasetPair FolderOptions::load(std::optional<int64_t> limit) const {
  const ImageItemsPair pair = items(limit);
  DatasetPair data{load_part(pair.train), load_part(pair.valid)};
  const ChannelStatistics statistics = channel_statistics(spread(data.train.images));
  for (ImageDataset* part : {&data.train, &data.valid}) {
    part->mean = statistics.mean;
    part->std = statistics.std;
  }
  return data;
}

FolderOptions::Streamed FolderOptions::stream(std::optional<int64_t> limit) const {
  const ImageItemsPair pair = items(limit);
  Streamed data{std::make_shared<ImageStream>(pair.train, stream_options(true)), load_part(pair.valid)};
  const ImageDataset measured = load_images(pair.train.spread(kMeasured), stream_options(false));
  const ChannelStatistics statistics = channel_statistics(measured.images);
  data.valid.mean = statistics.mean;
  data.valid.std = statistics.std;
  return data;
}

void FolderOptions::report_bad(const Loader& loader) {
  if (loader.stream()) report_left_out(loader.stream()->bad_images(), loader.item_count());
}

}  // namespace gw::commands
