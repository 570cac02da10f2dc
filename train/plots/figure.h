// Figures: charts as values, which gnuplot then draws.
#pragma once

#include <string>
#include <vector>

namespace gw {

/// A curve. Where y is not finite, it has a gap.
struct Line {
  std::string name = {};  ///< in the key; empty: not there
  std::vector<double> x = {}, y = {};
  double width = 2;
  std::string color = {};    ///< "#rrggbb"; empty: the next of the palette
  bool points = false;       ///< marks each value too
  bool second_axis = false;  ///< measured on the right
};

/// A vertical line with a text.
struct Mark {
  double x;
  std::string text;
};

/// Values in a grid, told by their colour: values[row][column], row 0 at the bottom (or, with names, at the top).
struct Grid {
  std::vector<std::vector<double>> values = {};
  std::vector<std::string> row_names = {}, column_names = {};
  bool numbers = false;  ///< writes each value into its cell
};

/// One chart: curves, or a grid.
struct Panel {
  std::string title = {}, x_label = {}, y_label = {}, y2_label = {};
  std::vector<Line> lines = {};
  std::vector<Mark> marks = {};
  Grid grid = {};
  bool log_x = false;
  bool whole_x = false;  ///< few whole numbers: no tics between them
  enum class Key { top_right, bottom_right, outside, below } key = Key::top_right;
  double y_min = 0, y_max = 0;  ///< equal: as the values ask for
};

/// Panels in rows of `columns`.
struct Figure {
  std::string title = {};
  std::vector<Panel> panels = {};
  int columns = 1;
  int panel_width = 720, panel_height = 440;  ///< pixels
};

/// The gnuplot script that draws a figure as PNG on its standard output.
std::string gnuplot_script(const Figure& figure);

}  // namespace gw
