#include "data/image_stream.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "data/item_transforms.h"
#include "data/loader.h"
#include "tensor/creation.h"
#include "tests/data/temporary_folder.h"

namespace gw {
namespace {

const std::string kImages = std::string(GROUNDWORK_SOURCE_DIR) + "/tests/data/images/";

/// `count` items of four pictures by turns.
ImageItems items_of(int64_t count) {
  ImageItems items{{}, {}, {"a", "b"}};
  const std::vector<std::string> names = {"rgb.png", "rgb.jpg", "grey.png", "progressive.jpg"};
  for (int64_t i = 0; i < count; ++i) {
    items.paths.push_back(kImages + names[static_cast<size_t>(i) % names.size()]);
    items.labels.push_back(i % 2);
  }
  return items;
}

ImageStreamOptions options_of(int workers, int64_t ahead = 2) {
  ImageStreamOptions o;
  o.transform = [](const Tensor& image, Generator& g) { return random_resized_crop(image, 6, g); };
  o.height = o.width = 6;
  o.workers = workers;
  o.ahead = ahead;
  return o;
}

std::vector<int64_t> order_of(int64_t count) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.rbegin(), order.rend(), int64_t{0});
  return order;
}

std::vector<ItemBatch> all_batches(ImageStream& stream) {
  std::vector<ItemBatch> batches;
  for (ItemBatch batch; stream.next(batch);) batches.push_back(batch);
  return batches;
}

TEST(ImageStream, TheNumberOfWorkersChangesNothing) {
  ImageStream one(items_of(23), options_of(1)), many(items_of(23), options_of(5, 3));
  for (const uint64_t seed : {7u, 8u}) {
    one.start(order_of(23), 5, seed);
    many.start(order_of(23), 5, seed);
    const auto expected = all_batches(one), found = all_batches(many);
    ASSERT_EQ(expected.size(), 5u);
    ASSERT_EQ(found.size(), 5u);
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(found[i].images.to_vector<uint8_t>(), expected[i].images.to_vector<uint8_t>());
      EXPECT_EQ(found[i].labels.to_vector<int64_t>(), expected[i].labels.to_vector<int64_t>());
    }
    EXPECT_EQ(found[4].images.size(0), 3);
  }
}

TEST(ImageStream, SeedsDiffer) {
  ImageStream stream(items_of(4), options_of(2));
  ItemBatch a, b;
  stream.start(order_of(4), 4, 1);
  ASSERT_TRUE(stream.next(a));
  stream.start(order_of(4), 4, 2);
  ASSERT_TRUE(stream.next(b));
  EXPECT_NE(a.images.to_vector<uint8_t>(), b.images.to_vector<uint8_t>());
}

TEST(ImageStream, APassCanBeLeftInItsMiddle) {
  ImageStream stream(items_of(40), options_of(3));
  ItemBatch batch;
  stream.start(order_of(40), 4, 1);
  ASSERT_TRUE(stream.next(batch));
  stream.start(order_of(40), 4, 1);
  EXPECT_EQ(all_batches(stream).size(), 10u);
  EXPECT_FALSE(stream.next(batch));
}

TEST(ImageStream, BadPicturesAreNamedOrLeftOut) {
  const TemporaryFolder folder;
  ImageItems items = items_of(6);
  items.paths[1] = folder.write("broken.png", "no picture");
  items.paths[4] = folder.write("empty.jpg", "");
  ImageStream strict(items, options_of(3));
  strict.start({0, 1, 2, 3, 4, 5}, 6, 1);
  ItemBatch batch;
  try {
    strict.next(batch);
    FAIL() << "expected an error";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("broken.png"), std::string::npos) << error.what();
  }
  ImageStreamOptions skipping = options_of(3);
  skipping.on_bad_image = OnBadImage::skip;
  ImageStream lenient(items, skipping);
  lenient.start({0, 1, 2, 3, 4, 5}, 6, 1);
  ASSERT_TRUE(lenient.next(batch));
  EXPECT_EQ(batch.images.size(0), 4);
  EXPECT_EQ(batch.labels.to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(lenient.bad_images().size(), 2u);
}

TEST(ImageStream, OptionsOutOfRange) {
  ImageStreamOptions o = options_of(1);
  o.height = 0;
  EXPECT_THROW(ImageStream(items_of(1), o), ConfigError);
  EXPECT_THROW(ImageStream(items_of(1), options_of(1, 0)), ConfigError);
}

TEST(LoadImages, AllInMemoryWithTheirStatistics) {
  ImageStreamOptions options = options_of(3);
  options.transform = [](const Tensor& image, Generator&) { return resize(image, 6, 6); };
  const ImageDataset data = load_images(items_of(9), options);
  EXPECT_EQ(data.images.shape(), (Shape{9, 3, 6, 6}));
  EXPECT_EQ(data.labels.size(0), 9);
  EXPECT_EQ(data.images.select(0, 0).to_vector<uint8_t>(), data.images.select(0, 4).to_vector<uint8_t>());
}

TEST(Loader, GivesAStreamsBatchesAsThoseOfADataSetInMemory) {
  ImageStreamOptions options = options_of(3);
  options.transform = [](const Tensor& image, Generator&) { return resize(image, 6, 6); };
  ImageDataset data = load_images(items_of(11), options);
  const ChannelStatistics statistics = channel_statistics(data.images);
  data.mean = statistics.mean;
  data.std = statistics.std;
  Generator a(3), b(3);
  Loader in_memory(data, {.batch_size = 4, .shuffle = true, .generator = &a});
  Loader streamed(std::make_shared<ImageStream>(items_of(11), options), statistics, kCpu,
                  {.batch_size = 4, .shuffle = true, .generator = &b});
  EXPECT_EQ(streamed.size(), 3);
  EXPECT_EQ(streamed.dataset().classes, data.classes);
  Batch expected, found;
  in_memory.start();
  streamed.start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(in_memory.next(expected));
    ASSERT_TRUE(streamed.next(found));
    EXPECT_EQ(found.x.to_vector<float>(), expected.x.to_vector<float>());
    EXPECT_EQ(found.y.to_vector<int64_t>(), expected.y.to_vector<int64_t>());
  }
  EXPECT_FALSE(streamed.next(found));
}

TEST(ChannelStatistics, MeanAndDeviationOfEachChannel) {
  const Tensor images = from_values<uint8_t>({0, 255, 51, 51, 255, 0, 51, 51}, {2, 2, 1, 2}, {.dtype = DType::u8});
  const ChannelStatistics s = channel_statistics(images);
  EXPECT_FLOAT_EQ(s.mean[0], 0.5f);
  EXPECT_FLOAT_EQ(s.std[0], 0.5f);
  EXPECT_FLOAT_EQ(s.mean[1], 0.2f);
  EXPECT_NEAR(s.std[1], 0, 1e-6);
}

}  // namespace
}  // namespace gw
