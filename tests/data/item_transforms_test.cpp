#include "data/item_transforms.h"

#include <gtest/gtest.h>

#include "data/perspective.h"
#include "tensor/creation.h"

namespace gw {
namespace {

Tensor image_of(const Shape& shape) {
  return arange(0, static_cast<double>(shape.numel())).to(DType::u8).reshape(shape);
}

TEST(Resize, RefusesWhatIsNoImage) {
  EXPECT_THROW(resize(zeros({3, 4, 4}), 2, 2), ShapeError);
  EXPECT_THROW(resize(empty({3, 0, 4}, {.dtype = DType::u8}), 2, 2), ShapeError);
  EXPECT_THROW(resize(image_of({4, 4}), 2, 2), ShapeError);
  EXPECT_THROW(resize(image_of({1, 4, 4}), 0, 2), ShapeError);
  EXPECT_THROW(resize(image_of({1, 4, 4}), 2, 2, Filter::box, {0, 0, 5, 4}), ConfigError);
  EXPECT_THROW(resize(image_of({1, 4, 4}), 2, 2, Filter::box, {3, 0, 3, 4}), ConfigError);
}

TEST(Resize, OfASlicedViewIsThatOfItsCopy) {
  const Tensor whole = image_of({3, 8, 10}), view = whole.slice(2, 1, 9).slice(1, 2, 7);
  EXPECT_EQ(resize(view, 3, 4).to_vector<uint8_t>(), resize(view.clone(), 3, 4).to_vector<uint8_t>());
}

TEST(ItemTransforms, CropAndItsBounds) {
  EXPECT_EQ(crop(image_of({1, 3, 4}), 1, 2, 2, 2).to_vector<uint8_t>(), (std::vector<uint8_t>{6, 7, 10, 11}));
  EXPECT_THROW(crop(image_of({1, 3, 4}), 2, 0, 2, 2), ConfigError);
  EXPECT_THROW(crop(image_of({1, 3, 4}), 0, -1, 2, 2), ConfigError);
}

TEST(ItemTransforms, TheMiddleOfAWidePicture) {
  const Tensor middle = resize_and_center_crop(image_of({1, 2, 6}), 2);
  EXPECT_EQ(middle.to_vector<uint8_t>(), (std::vector<uint8_t>{2, 3, 8, 9}));
}

TEST(ItemTransforms, MarginsThatCannotBe) {
  EXPECT_THROW(pad(image_of({1, 3, 3}), {3, 0, 0, 0}, PadMode::reflect), ConfigError);
  EXPECT_THROW(pad(image_of({1, 3, 3}), {4, 0, 0, 0}, PadMode::symmetric), ConfigError);
  EXPECT_THROW(pad(image_of({1, 3, 3}), {-1, 0, 0, 0}), ConfigError);
  EXPECT_THROW(dihedral(image_of({1, 3, 3}), 8), ConfigError);
}

TEST(ItemTransforms, RandomCropsFitAndKeepTheirAreaAndRatio) {
  Generator generator(5);
  for (int i = 0; i < 300; ++i) {
    const Box box = draw_crop(40, 60, {}, generator);
    ASSERT_GE(box.left, 0);
    ASSERT_GE(box.top, 0);
    ASSERT_LE(box.right, 60);
    ASSERT_LE(box.bottom, 40);
    const double w = box.right - box.left, h = box.bottom - box.top;
    ASSERT_GT(w / h, 0.75 * 0.9);
    ASSERT_LT(w / h, 4.0 / 3 * 1.1);
    ASSERT_GT(w * h, 0.07 * 2400);
  }
}

TEST(ItemTransforms, ACropThatNeverFitsIsTheMiddle) {
  Generator generator(1);
  const RandomResizedCropOptions whole{.least_area = 1, .most_area = 1};
  const Box wide = draw_crop(10, 100, whole, generator);
  EXPECT_EQ(wide.bottom - wide.top, 10);
  EXPECT_EQ(wide.right - wide.left, 13);
  EXPECT_EQ(wide.left, 43);
}

TEST(ItemTransforms, OneSeedGivesOneJitter) {
  const Tensor image = image_of({3, 5, 5});
  Generator a(3), b(3), c(4);
  const ColorJitterOptions options{.brightness = 0.4, .contrast = 0.4, .saturation = 0.4};
  const auto first = color_jitter(image, options, a).to_vector<uint8_t>();
  EXPECT_EQ(color_jitter(image, options, b).to_vector<uint8_t>(), first);
  EXPECT_NE(color_jitter(image, options, c).to_vector<uint8_t>(), first);
}

TEST(ItemTransforms, RunInTheirOrder) {
  std::string log;
  const auto step = [&](const char* name, int order) {
    return ItemTransform{name, order, [&log, name](const Tensor& image, Generator&) {
                           log += name;
                           return image;
                         }};
  };
  Generator generator(1);
  compose({step("c", 2), step("a", 0), step("d", 2), step("b", 1)})(image_of({1, 1, 1}), generator);
  EXPECT_EQ(log, "abcd");
}

TEST(Perspective, CornersOnALineAreRefused) {
  const Corners square = {{{0, 0}, {4, 0}, {4, 4}, {0, 4}}}, line = {{{0, 0}, {1, 1}, {2, 2}, {3, 3}}};
  EXPECT_THROW(perspective_coefficients(line, square), ConfigError);
  EXPECT_THROW(perspective(image_of({1, 4, 4}), perspective_coefficients(square, square), Filter::lanczos),
               ConfigError);
}

TEST(Perspective, TheIdentityChangesNothing) {
  const Corners square = {{{0, 0}, {4, 0}, {4, 4}, {0, 4}}};
  const Tensor image = image_of({2, 4, 4});
  EXPECT_EQ(perspective(image, perspective_coefficients(square, square)).to_vector<uint8_t>(),
            image.to_vector<uint8_t>());
}

}  // namespace
}  // namespace gw
