#include "train/augment.h"

#include <gtest/gtest.h>

#include <functional>

#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/sequential.h"
#include "nn/shape_layers.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

using Kind = PatchAugmentation::Kind;

TEST(ParseAugmentation, ReadsNamesAndValues) {
  const Augmentation a = parse_augmentation("crop,flip,erase,copy");
  EXPECT_EQ(a.crop_flip.padding, 1);
  EXPECT_EQ(a.crop_flip.flip, 0.5f);
  EXPECT_FALSE(a.crop_flip.per_image);
  ASSERT_EQ(a.patches.size(), 2u);
  EXPECT_EQ(a.patches[0].kind, Kind::erase);
  EXPECT_EQ(a.patches[0].options.pct, 0.2);
  EXPECT_EQ(a.patches[0].options.max_num, 4);
  EXPECT_EQ(a.patches[1].kind, Kind::copy);

  const Augmentation b = parse_augmentation("copy=0.3,crop=4", true);
  EXPECT_EQ(b.crop_flip.padding, 4);
  EXPECT_EQ(b.crop_flip.flip, 0);
  EXPECT_TRUE(b.crop_flip.per_image);
  ASSERT_EQ(b.patches.size(), 1u);
  EXPECT_EQ(b.patches[0].options.pct, 0.3);
  EXPECT_TRUE(b.patches[0].options.per_image);

  EXPECT_FALSE(b.crop_flip.pad_bytes);
  const Augmentation c = parse_augmentation("shift=2");
  EXPECT_EQ(c.crop_flip.padding, 2);
  EXPECT_TRUE(c.crop_flip.pad_bytes);

  EXPECT_FALSE(parse_augmentation("").moves());
  EXPECT_FALSE(parse_augmentation("erase").moves());
}

TEST(ParseAugmentation, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(message_of<ConfigError>([] { parse_augmentation("crop,blur"); }),
            "augmentation: expected crop, shift, flip, erase, copy, brightness, contrast, cutout, rotate, shear, "
            "translate, warp, zoom, got 'blur'");
  EXPECT_EQ(message_of<ConfigError>([] { parse_augmentation("flip=x"); }),
            "augmentation: expected a number after =, got 'flip=x'");
  for (const char* list : {"crop=1.5", "crop=-1", "crop=1e30", "flip=2", "flip=", "flip=nan", "erase=-0.1", "copy=1.5",
                           "crop,,flip", "flip=0.5x"})
    EXPECT_THROW(parse_augmentation(list), ConfigError) << list;
}

/// Calls a function with every batch, after the callbacks of smaller order.
struct Watch : Callback {
  explicit Watch(std::function<void(Learner&)> f) : function(std::move(f)) {}
  void before_batch(Learner& learner) override { function(learner); }
  std::function<void(Learner&)> function;
};

/// The training and validation batches that a model sees in `epochs` epochs under an augmentation.
struct Seen {
  std::vector<Tensor> train, valid;
};

Seen see(const std::string& list, Augment::On on, bool per_image = false, int64_t epochs = 2, uint64_t seed = 1) {
  const Tensor bytes = ((arange(0, 48 * 9 * 8) * 29) + 1).to(DType::i64).to(DType::u8).reshape({48, 1, 9, 8});
  const ImageDataset data{bytes, zeros({48}).to(DType::i64), {"x"}, {0.3f}, {0.4f}};
  Generator generator(seed);
  const auto model = std::make_shared<Sequential>(Flatten(), Linear(72, 1));
  Learner learner(
      model, Loader(data, {.batch_size = 48, .generator = &generator}),
      Loader(data, {.batch_size = 48, .generator = &generator}),
      [](const Tensor& p, const Tensor& y) { return cross_entropy(p, y); },
      [](std::vector<Tensor> params, double lr) { return sgd(std::move(params), {.lr = lr}); }, 0.1);
  Seen seen;
  learner.callbacks = {
      std::make_shared<Watch>([&](Learner& l) { (l.training ? seen.train : seen.valid).push_back(l.batch.x.clone()); }),
      std::make_shared<Augment>(parse_augmentation(list, per_image), on)};
  learner.fit(epochs);
  return seen;
}

bool equal(const Tensor& a, const Tensor& b) { return (a != b).to(DType::f32).sum().item() == 0; }

TEST(Augment, ChangesTheBatchesItIsMeantFor) {
  const Tensor plain = see("", Augment::On::both).train[0];
  for (const char* list : {"crop=3", "flip=1", "erase=0.3", "copy=0.3"}) {
    const Seen train = see(list, Augment::On::train, true), valid = see(list, Augment::On::valid, true);
    const Seen both = see(list, Augment::On::both, true);
    for (size_t epoch = 0; epoch < 2; ++epoch) {
      EXPECT_FALSE(equal(train.train[epoch], plain)) << list;
      EXPECT_TRUE(equal(train.valid[epoch], plain)) << list;
      EXPECT_TRUE(equal(valid.train[epoch], plain)) << list;
      EXPECT_FALSE(equal(valid.valid[epoch], plain)) << list;
      EXPECT_FALSE(equal(both.train[epoch], plain)) << list;
      EXPECT_FALSE(equal(both.valid[epoch], plain)) << list;
    }
  }
}

TEST(Augment, EveryEpochDrawsAnewAndTheSeedRepeatsIt) {
  for (const bool per_image : {false, true}) {
    const auto run = [&](uint64_t seed) {
      return see("crop=4,flip,erase,copy", Augment::On::train, per_image, 6, seed).train;
    };
    const std::vector<Tensor> first = run(1), again = run(1), other = run(2);
    int repeats = 0;
    for (size_t i = 0; i < first.size(); ++i) {
      EXPECT_TRUE(equal(first[i], again[i]));
      repeats += equal(first[i], first[0]) + equal(first[i], other[i]);
    }
    EXPECT_EQ(repeats, 1);  // the first batch is like itself
  }
}

TEST(Augment, TheLessonsBatchMovesAsOne) {
  const Tensor plain = see("", Augment::On::train).train[0];
  const Tensor mirrored = see("flip=1", Augment::On::train).train[0];
  for (int64_t x = 0; x < 8; ++x) expect_close(mirrored.select(3, x), plain.select(3, 7 - x), 0, 0);
}

}  // namespace
}  // namespace gw
