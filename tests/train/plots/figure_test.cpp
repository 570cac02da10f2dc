#include "train/plots/figure.h"

#include <gtest/gtest.h>

#include <cmath>

#include "train/plots/gnuplot.h"

namespace gw {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Figure, ScriptHoldsDataAndLabels) {
  const std::string script = gnuplot_script(
      {.panels = {{.title = "it's a_title", .lines = {{.name = "curve", .x = {1, 2}, .y = {0.5, std::nan("")}}}}}});
  EXPECT_TRUE(has(script, "'it''s a_title' noenhanced")) << script;
  EXPECT_TRUE(has(script, "1 0.5\n2 NaN\n")) << script;
  EXPECT_TRUE(has(script, "title 'curve'")) << script;
}

TEST(Figure, NothingInAnyTextReachesGnuplotAsACommand) {
  const std::string evil = "x'\n!touch /tmp/evil\n`id`\\";
  const std::string script = gnuplot_script(
      {.title = evil,
       .panels = {{.title = evil, .x_label = evil, .lines = {{.name = evil, .x = {1}, .y = {1}}}, .marks = {{1, evil}}},
                  {.grid = {{{1}}, {evil}, {evil}}}}});
  EXPECT_FALSE(has(script, "\n!touch")) << script;
  const auto png = run_gnuplot(script);
  if (!png) GTEST_SKIP() << "gnuplot is not installed";
  EXPECT_EQ(png->substr(1, 3), "PNG");
}

TEST(Figure, GnuplotDrawsCurvesGridsAndEmptyOnes) {
  const Figure figure{
      .title = "All",
      .panels = {{.title = "log", .lines = {{.x = {1e-3, 1}, .y = {1, 2}}}, .marks = {{0.1, "here"}}, .log_x = true},
                 {.title = "grid", .grid = {{{1, 2}, {0, std::nan("")}}, {"a", "b"}, {"c", "d"}, true}},
                 {.title = "zeros", .grid = {.values = {{0, 0}}}},
                 {.title = "two axes",
                  .y2_label = "right",
                  .lines = {{.x = {1, 2}, .y = {1, 2}}, {.x = {1, 2}, .y = {5, 6}, .second_axis = true}},
                  .key = Panel::Key::below}},
      .columns = 2};
  const auto png = run_gnuplot(gnuplot_script(figure));
  if (!png) GTEST_SKIP() << "gnuplot is not installed";
  ASSERT_GT(png->size(), 1000u);
  // Width and height stand in the header.
  EXPECT_EQ(static_cast<unsigned char>((*png)[18]) * 256 + static_cast<unsigned char>((*png)[19]), 2 * 720);
  EXPECT_EQ(static_cast<unsigned char>((*png)[22]) * 256 + static_cast<unsigned char>((*png)[23]), 2 * 440 + 40);
}

TEST(Gnuplot, SaysWhatIsWrong) {
  if (!run_gnuplot("")) GTEST_SKIP() << "gnuplot is not installed";
  try {
    run_gnuplot("dance\n");
    FAIL();
  } catch (const std::exception& e) {
    EXPECT_TRUE(has(e.what(), "invalid command")) << e.what();
  }
}

}  // namespace
}  // namespace gw
