// Transforms of single images against Pillow's: tests/golden/images.
#include <cstdlib>

#include "data/item_transforms.h"
#include "data/perspective.h"
#include "tests/golden/golden_files.h"

namespace gw {
namespace {

using nlohmann::json;

Filter filter_named(const std::string& name) {
  const std::map<std::string, Filter> filters = {{"nearest", Filter::nearest},
                                                 {"box", Filter::box},
                                                 {"bilinear", Filter::bilinear},
                                                 {"bicubic", Filter::bicubic},
                                                 {"lanczos", Filter::lanczos}};
  return filters.at(name);
}

PadMode mode_named(const std::string& name) {
  const std::map<std::string, PadMode> modes = {{"constant", PadMode::constant},
                                                {"edge", PadMode::edge},
                                                {"reflect", PadMode::reflect},
                                                {"symmetric", PadMode::symmetric}};
  return modes.at(name);
}

Tensor run(const std::string& op, const Tensor& image, const json& args) {
  if (op == "resize") {
    const int64_t height = args.at("height"), width = args.at("width");
    const Filter filter = filter_named(args.at("filter"));
    if (!args.contains("box")) return resize(image, height, width, filter);
    const json& b = args.at("box");
    return resize(image, height, width, filter, {b[0], b[1], b[2], b[3]});
  }
  if (op == "dihedral") return dihedral(image, args.at("symmetry"));
  if (op == "pad") {
    const json& m = args.at("margins");
    return pad(image, {m[0], m[1], m[2], m[3]}, mode_named(args.at("mode")), args.value("value", uint8_t{0}));
  }
  if (op == "adjust") {
    const std::string what = args.at("what");
    const double factor = args.at("factor");
    if (what == "brightness") return adjust_brightness(image, factor);
    return what == "contrast" ? adjust_contrast(image, factor) : adjust_saturation(image, factor);
  }
  const auto corners = [&](const char* name) {
    Corners c{};
    for (size_t i = 0; i < c.size(); ++i) c[i] = {args.at(name)[i][0], args.at(name)[i][1]};
    return c;
  };
  return perspective(image, perspective_coefficients(corners("to"), corners("source")),
                     filter_named(args.at("filter")));
}

class GoldenImages : public testing::TestWithParam<std::string> {};

TEST_P(GoldenImages, EqualsPillow) {
  const SafetensorsFile file = load_golden("images", GetParam());
  const Tensor found = run(file.metadata.at("op"), file.at("input"), golden_json(file, "args"));
  const Tensor expected = file.at("output");
  ASSERT_EQ(found.shape(), expected.shape());
  const int tolerance = std::stoi(file.metadata.at("tolerance"));
  const auto a = found.to_vector<uint8_t>(), b = expected.to_vector<uint8_t>();
  int64_t largest = 0, wrong = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int difference = std::abs(int{a[i]} - int{b[i]});
    largest = std::max<int64_t>(largest, difference);
    wrong += difference > tolerance;
  }
  EXPECT_EQ(wrong, 0) << "of " << a.size() << " pixels; the largest difference is " << largest;
}

INSTANTIATE_TEST_SUITE_P(Pillow, GoldenImages, testing::ValuesIn(golden_names("images")), golden_test_name);

}  // namespace
}  // namespace gw
