// How many pictures a second are read, decoded and resized: Groundwork's side of compare_image_loading.py. Prints one
// line of JSON.
//
//   image_loading FOLDER --size N --workers N [--limit N]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <numeric>

#include "data/image_stream.h"
#include "data/item_transforms.h"

int main(int argc, char** argv) {
  using namespace gw;
  using Clock = std::chrono::steady_clock;
  std::string folder;
  int64_t size = 32, limit = 1'000'000, batch = 64;
  int workers = 2;
  CLI::App app("Times the reading of pictures");
  app.add_option("folder", folder)->required();
  app.add_option("--size", size)->check(CLI::PositiveNumber);
  app.add_option("--workers", workers)->check(CLI::PositiveNumber);
  app.add_option("--batch", batch)->check(CLI::PositiveNumber);
  app.add_option("--limit", limit, "Read so many, spread over all")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    ImageItems items{find_files(folder), {}, {"all"}};
    items.labels.assign(items.paths.size(), 0);
    items = items.spread(limit);
    ImageStreamOptions options;
    options.transform = [size](const Tensor& image, Generator&) { return resize_and_center_crop(image, size); };
    options.height = options.width = size;
    options.workers = workers;
    ImageStream stream(items, options);
    std::vector<int64_t> order(items.paths.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    const auto start = Clock::now();
    stream.start(order, batch, 0);
    int64_t images = 0;
    for (ItemBatch b; stream.next(b);) images += b.images.size(0);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    fmt::print("{{\"images\": {}, \"seconds\": {:.4f}}}\n", images, seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "image_loading: {}\n", error.what());
    return 1;
  }
}
