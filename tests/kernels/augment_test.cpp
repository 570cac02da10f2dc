#include "kernels/augment.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <array>
#include <set>

#include "kernels/batch_gather.h"
#include "kernels/math/augment.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr int64_t kHeight = 9, kWidth = 7;

/// Images whose bytes differ from pixel to pixel and are never 0, normalised to byte + 1.
struct Bytes {
  explicit Bytes(int64_t n, int64_t channels = 2)
      : images(
            ((arange(0, static_cast<double>(n * channels * kHeight * kWidth)) * 37) - 1).to(DType::i64).to(DType::u8)) {
    images = images.reshape({n, channels, kHeight, kWidth});
    mean.assign(static_cast<size_t>(channels), -1.0f / 255);
    std.assign(static_cast<size_t>(channels), 1.0f / 255);
  }
  Tensor gather(const std::optional<CropFlip>& crop_flip = {}, DType dtype = DType::f32) const {
    const Tensor all = arange(0, static_cast<double>(images.size(0))).to(DType::i64);
    return kernels::batch_gather(images, all, mean, std, dtype, crop_flip);
  }

  Tensor images;
  std::vector<float> mean, std;
};

/// The element at row-major position i of a 4-D tensor, wherever it lies in memory.
std::vector<float> values(const Tensor& x) { return x.to_vector<float>(); }

/// What the lesson does: pads by zeros, crops back, then mirrors.
std::vector<float> shifted(const Tensor& x, int64_t n, const math::CropFlipDraw& d) {
  std::vector<float> out;
  for (int64_t c = 0; c < x.size(1); ++c) {
    const std::vector<float> plane = x.select(0, n).select(0, c).to_vector<float>();
    for (int64_t y = 0; y < kHeight; ++y)
      for (int64_t column = 0; column < kWidth; ++column) {
        const int64_t sy = y + d.dy, sx = (d.mirrored ? kWidth - 1 - column : column) + d.dx;
        const bool inside = sy >= 0 && sy < kHeight && sx >= 0 && sx < kWidth;
        out.push_back(inside ? plane[static_cast<size_t>(sy * kWidth + sx)] : 0.0f);
      }
  }
  return out;
}

TEST(CropFlip, MovesEachImageAsDrawn) {
  for (const int64_t channels : {1, 3}) {
    const Bytes bytes(20, channels);
    const Tensor plain = bytes.gather();
    for (const int64_t padding : {0, 1, 3, 20}) {  // 20: some crops see nothing of the image
      Generator generator(static_cast<uint64_t>(padding));
      const CropFlip draw =
          kernels::draw_crop_flip({.padding = padding, .flip = 0.5f, .per_image = true}, 20, generator);
      const Tensor moved = bytes.gather(draw);
      EXPECT_TRUE(moved.is_contiguous(MemoryFormat::channels_last));
      for (int64_t n = 0; n < 20; ++n)
        ASSERT_EQ(values(moved.select(0, n)), shifted(plain, n, math::draw_crop_flip(draw.state, n, draw.options)))
            << channels << " channels, padding " << padding << ", image " << n;
    }
  }
}

TEST(CropFlip, PadsByZerosOrByWhatAByteOfZeroBecomes) {
  const Bytes bytes(20);  // bytes become themselves and 1
  Generator generator(5), twin(5);
  CropFlipOptions o{.padding = 3, .flip = 0.5f, .per_image = true};
  const std::vector<float> zeros = values(bytes.gather(kernels::draw_crop_flip(o, 20, generator)));
  o.pad_bytes = true;
  const std::vector<float> ones = values(bytes.gather(kernels::draw_crop_flip(o, 20, twin)));
  int padded = 0;
  for (size_t i = 0; i < zeros.size(); ++i) {
    EXPECT_NEAR(ones[i], zeros[i] == 0 ? 1 : zeros[i], 1e-6);
    padded += zeros[i] == 0;
  }
  EXPECT_GT(padded, 100);
}

TEST(CropFlip, OneDrawServesTheBatch) {
  const Bytes bytes(8);
  const Tensor plain = bytes.gather();
  Generator generator(3);
  const CropFlip draw = kernels::draw_crop_flip({.padding = 2, .flip = 1.0f}, 8, generator);
  const math::CropFlipDraw d = math::draw_crop_flip(draw.state, 0, draw.options);
  const Tensor moved = bytes.gather(draw);
  for (int64_t n = 0; n < 8; ++n) EXPECT_EQ(values(moved.select(0, n)), shifted(plain, n, d));
}

TEST(CropFlip, Bf16IsTheRoundedF32) {
  const Bytes bytes(8);
  Generator generator(3);
  const CropFlip draw = kernels::draw_crop_flip({.padding = 2, .flip = 0.5f, .per_image = true}, 8, generator);
  expect_close(bytes.gather(draw, DType::bf16).to(DType::f32), bytes.gather(draw).to(DType::bf16).to(DType::f32), 0, 0);
}

TEST(CropFlip, DrawsEveryCornerAndHalfTheFlips) {
  Generator generator(1);
  constexpr int64_t kImages = 8000;
  const CropFlip draw = kernels::draw_crop_flip({.padding = 1, .flip = 0.5f, .per_image = true}, kImages, generator);
  std::array<std::array<int, 3>, 3> corners{};
  int mirrored = 0;
  for (int64_t n = 0; n < kImages; ++n) {
    const math::CropFlipDraw d = math::draw_crop_flip(draw.state, n, draw.options);
    ++corners[static_cast<size_t>(d.dy + 1)][static_cast<size_t>(d.dx + 1)];
    mirrored += d.mirrored;
  }
  for (const auto& row : corners)
    for (const int count : row) EXPECT_NEAR(count, kImages / 9.0, 5 * std::sqrt(kImages / 9.0));
  EXPECT_NEAR(mirrored, kImages / 2.0, 5 * std::sqrt(kImages / 4.0));
}

TEST(CropFlip, TheGeneratorMovesPastWhatWasDrawn) {
  Generator generator(1);
  kernels::draw_crop_flip({.padding = 1}, 100, generator);
  EXPECT_EQ(generator.state().offset, 1u);
  kernels::draw_crop_flip({.padding = 1, .per_image = true}, 100, generator);
  EXPECT_EQ(generator.state().offset, 101u);
  EXPECT_THROW(kernels::draw_crop_flip({.padding = -1}, 1, generator), ConfigError);
  EXPECT_THROW(kernels::draw_crop_flip({.flip = 1.5f}, 1, generator), ConfigError);
}

TEST(BatchStatistics, AreThoseOfAllElements) {
  Generator generator(1);
  for (const int64_t n : {2, 31, 1024, 70001}) {
    const Tensor x = randn({n}, {}, generator) * 0.5 + 100;
    expect_close(kernels::batch_statistics(x), {x.mean().item(), x.std().item(), x.min().item(), x.max().item()}, 1e-5);
    const Tensor half = x.to(DType::bf16), back = half.to(DType::f32);
    expect_close(kernels::batch_statistics(half),
                 {back.mean().item(), back.std().item(), back.min().item(), back.max().item()}, 1e-5);
  }
  const Tensor one = kernels::batch_statistics(tensor({3}));
  EXPECT_TRUE(std::isnan(one.data<float>()[1]));
  EXPECT_THROW(kernels::batch_statistics(zeros({0})), ShapeError);
  EXPECT_THROW(kernels::batch_statistics(zeros({2}, {.dtype = DType::i64})), DTypeError);
}

/// A batch of noise, its patches as the kernels draw them, and the item that an image draws as.
struct Patched {
  Patched(const PatchOptions& o, uint64_t seed, Shape shape = {6, 2, 12, 10}, DType dtype = DType::f32)
      : options(o),
        params(math::patch_params(o, shape[2], shape[3])),
        generator(seed),
        state(generator.state()),
        x(random_batch(shape).to(dtype)) {}

  static Tensor random_batch(const Shape& shape) {
    Generator noise(99);
    return randn(shape, {}, noise).contiguous(MemoryFormat::channels_last);
  }
  std::vector<math::Patch> patches(int64_t image) const {
    const int64_t item = options.per_image ? image : 0;
    std::vector<math::Patch> all;
    for (int64_t k = 0; k < math::draw_patch_count(state, item, params); ++k)
      all.push_back(math::draw_patch(state, item, k, params));
    return all;
  }
  bool is_covered(int64_t image, math::Pixel at) const {
    for (const math::Patch& p : patches(image))
      if (math::covers(p.to, at, params)) return true;
    return false;
  }

  PatchOptions options;
  math::PatchParams params;
  Generator generator;
  PhiloxState state;
  Tensor x;
};

TEST(RandomErase, FillsPatchesWithNoiseOfTheBatchAndNothingElse) {
  int covered = 0;
  for (const bool per_image : {false, true})
    for (uint64_t seed = 0; seed < 8; ++seed) {
      Patched b({.pct = 0.3, .per_image = per_image}, seed);
      const Tensor before = b.x.clone();
      Generator twin(seed);
      kernels::random_erase_(b.x, b.options, b.generator);
      twin.reserve(4 * (per_image ? 6 : 1) * (1 + b.options.max_num));
      const std::vector<float> noise = randn(b.x.shape(), {}, twin).to_vector<float>();
      const double mean = before.mean().item(), std = before.std().item();
      const std::vector<float> was = values(before), is = values(b.x);
      for (size_t i = 0; i < is.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        if (!b.is_covered(at / 240, {at / 10 % 12, at % 10})) {
          ASSERT_EQ(is[i], was[i]);
          continue;
        }
        ++covered;
        const double expected = std::clamp(mean + std * noise[i], before.min().item(), before.max().item());
        ASSERT_NEAR(is[i], expected, 1e-5);
      }
    }
  EXPECT_GT(covered, 1000);
}

TEST(RandomErase, TheWholeBatchSharesItsPatchesUnlessEachImageDraws) {
  Patched shared({}, 4), own({.per_image = true}, 4);
  std::set<size_t> counts;
  for (int64_t n = 0; n < 6; ++n) {
    EXPECT_EQ(shared.patches(n).size(), shared.patches(0).size());
    counts.insert(own.patches(n).size());
  }
  EXPECT_GT(counts.size(), 1u);
}

TEST(RandomErase, DrawsAsTheLessonDoes) {
  Patched b({.per_image = true}, 7, {1, 1, 28, 28});
  EXPECT_EQ(b.params.height, 5);
  EXPECT_EQ(b.params.width, 5);
  constexpr int64_t kImages = 10000;
  std::array<int, 5> counts{};
  std::array<int, 23> corners{};
  int patches = 0;
  for (int64_t n = 0; n < kImages; ++n) {
    ++counts.at(b.patches(n).size());
    for (const math::Patch& p : b.patches(n)) {
      ++corners.at(static_cast<size_t>(p.to.y));
      ++patches;
    }
  }
  for (const int count : counts) EXPECT_NEAR(count, kImages / 5.0, 5 * std::sqrt(kImages / 5.0));
  // int(uniform * 22.4): the last corner is drawn 0.4 times as often as the others.
  for (size_t y = 0; y < 23; ++y) {
    const double expected = patches / 22.4 * (y < 22 ? 1 : 0.4);
    EXPECT_NEAR(corners[y], expected, 5 * std::sqrt(expected)) << y;
  }
}

TEST(RandomCopy, EqualsCopiesOneAfterAnother) {
  int changed = 0;
  for (const bool per_image : {false, true})
    for (uint64_t seed = 0; seed < 8; ++seed) {
      Patched b({.pct = 0.4, .max_num = 6, .per_image = per_image}, seed);
      const Tensor before = b.x.clone(), result = kernels::random_copy(b.x, b.options, b.generator);
      Tensor expected = b.x.clone();
      for (int64_t n = 0; n < 6; ++n)
        for (const math::Patch& p : b.patches(n)) {
          const auto patch = [&](math::Pixel corner) {
            return expected.select(0, n).narrow(1, corner.y, b.params.height).narrow(2, corner.x, b.params.width);
          };
          patch(p.to).copy_(patch(p.from).clone());
        }
      expect_close(result, expected, 0, 0);
      expect_close(b.x, before, 0, 0);
      changed += (result != before).to(DType::f32).sum().item() > 0;
    }
  EXPECT_GT(changed, 8);
}

TEST(Patches, OddSizesEmptyBatchesAndBothTypes) {
  const Shape shapes[] = {{0, 1, 28, 28}, {1, 1, 1, 1}, {1, 3, 5, 2}, {300, 1, 7, 9}};
  for (const Shape& shape : shapes)
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const double pct : {0.0, 0.2, 1.0}) {
        Patched b({.pct = pct, .per_image = true}, 5, shape, dtype);
        EXPECT_EQ(kernels::random_copy(b.x, b.options, b.generator).shape(), shape);
        if (shape.numel() == 1) continue;  // has no deviation
        const Tensor before = b.x.clone();
        kernels::random_erase_(b.x, b.options, b.generator);
        EXPECT_EQ(b.x.dtype(), dtype);
        if (pct == 0.0) expect_close(b.x, before, 0, 0);
        if (shape.numel() == 0) continue;
        EXPECT_GE(b.x.min().item(), before.min().item());
        EXPECT_LE(b.x.max().item(), before.max().item());
      }
}

TEST(Patches, TheSeedDecidesWhateverTheThreads) {
  const int threads = omp_get_max_threads();
  std::vector<Tensor> erased, copied;
  for (const int count : {1, 3}) {
    omp_set_num_threads(count);
    Patched b({.per_image = true}, 11, {200, 1, 28, 28});
    kernels::random_erase_(b.x, b.options, b.generator);
    erased.push_back(b.x);
    copied.push_back(kernels::random_copy(b.x, b.options, b.generator));
  }
  omp_set_num_threads(threads);
  expect_close(erased[0], erased[1], 0, 0);
  expect_close(copied[0], copied[1], 0, 0);
}

TEST(Patches, NamesWhatDoesNotFit) {
  Generator generator(1);
  const Tensor x = zeros({2, 3, 4, 4});
  EXPECT_EQ(message_of<ShapeError>([&] { kernels::random_erase_(x, {}, generator); }),
            "random_erase: expected [N, C, H, W] in channels-last memory, got [2, 3, 4, 4]");
  const Tensor y = x.contiguous(MemoryFormat::channels_last);
  EXPECT_THROW(kernels::random_copy(y, {.pct = 1.1}, generator), ConfigError);
  EXPECT_THROW(kernels::random_copy(y, {.max_num = -1}, generator), ConfigError);
  EXPECT_THROW(kernels::random_copy(y.to(DType::u8), {}, generator), DTypeError);
  EXPECT_THROW(kernels::random_copy(zeros({4}), {}, generator), ShapeError);
}

}  // namespace
}  // namespace gw
