#include "data/warp.h"

#include <gtest/gtest.h>

#include "data/loader.h"
#include "kernels/batch_gather.h"
#include "kernels/math/warp.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

ImageDataset picture_set(int64_t channels = 3) {
  Generator generator(1);
  return {randint(0, 256, {4, channels, 9, 7}, {.dtype = DType::u8}, generator),
          zeros({4}, {.dtype = DType::i64}),
          {"a"},
          std::vector<float>(static_cast<size_t>(channels), 0.4f),
          std::vector<float>(static_cast<size_t>(channels), 0.3f)};
}

const Tensor kOrder = from_values<int64_t>({2, 0, 3}, {3}, {.dtype = DType::i64});

Tensor warped(const ImageDataset& data, const Tensor& warps, SamplePadding padding = SamplePadding::zeros) {
  return kernels::warp_gather(data.images, kOrder, warps, data.mean, data.std, DType::f32, padding);
}

ImageWarp first_of(const Tensor& warps) { return math::read_warp(warps.data<float>()); }

TEST(Warp, NothingWantedIsAPlainGather) {
  const ImageDataset data = picture_set();
  Generator generator(2);
  expect_close(warped(data, draw_warps({}, {}, 3, 9, 7, generator)),
               kernels::batch_gather(data.images, kOrder, data.mean, data.std, DType::f32), 1e-5, 1e-5);
}

TEST(Warp, ACropAndFlipAsAMapIsThatOfTheGather) {
  const ImageDataset data = picture_set(2);
  for (const bool per_image : {false, true}) {
    Generator generator(3);
    const CropFlip crop = kernels::draw_crop_flip({.padding = 3, .flip = 0.5f, .per_image = per_image}, 3, generator);
    expect_close(warped(data, draw_warps({.per_image = per_image}, crop, 3, 9, 7, generator)),
                 kernels::batch_gather(data.images, kOrder, data.mean, data.std, DType::f32, crop), 1e-5, 1e-5);
  }
}

TEST(Warp, AQuarterTurnOfASquare) {
  ImageDataset data = picture_set(1);
  data.images = from_values<uint8_t>({0, 1, 2, 3, 4, 5, 6, 7, 8}, {1, 1, 3, 3}, {.dtype = DType::u8});
  const ImageWarp turn{.matrix = {0, 1, 0, -1, 0, 2, 0, 0, 1}};  // (x, y) reads from (y, 2 - x)
  const Tensor warps = empty({1, kWarpNumbers});
  math::write_warp(warps.data<float>(), turn);
  const Tensor out = kernels::warp_gather(data.images, zeros({1}, {.dtype = DType::i64}), warps, {0.0f}, {1.0f / 255},
                                          DType::f32, SamplePadding::zeros);
  expect_close(out.reshape({9}), from_values<float>({6, 3, 0, 7, 4, 1, 8, 5, 2}, {9}), 1e-5, 1e-5);
}

TEST(Warp, RotationsAreDrawnWithinTheirRange) {
  Generator generator(4);
  const Tensor warps = draw_warps({.rotate = 30}, {}, 200, 9, 9, generator);
  float largest = 0;
  for (int64_t n = 0; n < 200; ++n) {
    const ImageWarp warp = first_of(warps.select(0, n));
    EXPECT_NEAR(warp.matrix[0] * warp.matrix[0] + warp.matrix[1] * warp.matrix[1], 1, 1e-5);
    EXPECT_NEAR(warp.matrix[0] * 4 + warp.matrix[1] * 4 + warp.matrix[2], 4, 1e-4);  // the middle stays
    largest = std::max(largest, std::abs(warp.matrix[1]));
  }
  EXPECT_LE(largest, 0.5f + 1e-5f);
  EXPECT_GT(largest, 0.4f);
}

TEST(Warp, BrightnessContrastAndHoles) {
  Generator generator(5);
  const ImageDataset data = picture_set();
  const Tensor bright = draw_warps({.brightness = 0.5}, {}, 3, 9, 7, generator);
  EXPECT_NE(first_of(bright).gain, 1.0f);
  EXPECT_EQ(first_of(bright).offset, 0.0f);
  const ImageWarp contrast = first_of(draw_warps({.contrast = 0.5}, {}, 3, 9, 7, generator));
  EXPECT_NEAR(contrast.gain * 127.5f + contrast.offset, 127.5f, 1e-3);
  const Tensor holes = draw_warps({.cutout = 0.5}, {}, 3, 9, 7, generator);
  const ImageWarp hole = first_of(holes);
  const Tensor out = warped(data, holes);
  int64_t zeros_found = 0;
  for (const float v : out.select(0, 0).select(0, 0).to_vector<float>()) zeros_found += v == 0.0f;
  EXPECT_EQ(zeros_found, static_cast<int64_t>((hole.bottom - hole.top) * (hole.right - hole.left)));
  EXPECT_EQ(zeros_found, 5 * 4);
}

TEST(Warp, OneDrawForABatchOrOneForEachImage) {
  Generator generator(6);
  const WarpOptions all{.rotate = 20, .zoom = 1.3, .translate = 0.1, .shear = 10, .perspective = 0.2};
  WarpOptions shared = all;
  shared.per_image = false;
  const Tensor one = draw_warps(shared, {}, 3, 9, 7, generator), each = draw_warps(all, {}, 3, 9, 7, generator);
  EXPECT_EQ(one.select(0, 0).to_vector<float>(), one.select(0, 2).to_vector<float>());
  EXPECT_NE(each.select(0, 0).to_vector<float>(), each.select(0, 2).to_vector<float>());
}

TEST(Warp, ConstantImagesStayConstantUnderReflection) {
  ImageDataset data = picture_set(1);
  data.images.fill_(100);
  Generator generator(7);
  const WarpOptions strong{.rotate = 90, .zoom = 2, .translate = 0.5, .shear = 40, .perspective = 0.3};
  const Tensor out = warped(data, draw_warps(strong, {}, 3, 9, 7, generator), SamplePadding::reflection);
  expect_close(out, full({3, 1, 9, 7}, (100 / 255.0 - 0.4) / 0.3), 1e-4, 1e-4);
}

TEST(Warp, OptionsAndShapesThatCannotBe) {
  Generator generator(8);
  EXPECT_THROW(draw_warps({.rotate = 181}, {}, 1, 3, 3, generator), ConfigError);
  EXPECT_THROW(draw_warps({.zoom = 0.5}, {}, 1, 3, 3, generator), ConfigError);
  EXPECT_THROW(draw_warps({.perspective = 0.6}, {}, 1, 3, 3, generator), ConfigError);
  const ImageDataset data = picture_set();
  EXPECT_THROW(warped(data, zeros({2, kWarpNumbers})), ShapeError);
  const Tensor beyond = full({3}, 4, {.dtype = DType::i64});
  EXPECT_THROW(kernels::warp_gather(data.images, beyond, zeros({3, kWarpNumbers}), data.mean, data.std, DType::f32,
                                    SamplePadding::zeros),
               ShapeError);
}

}  // namespace
}  // namespace gw
