#include "train/plots/figure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace gw {
namespace {

/// A string for gnuplot, where nothing in it has a meaning.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + "'";
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.8g}", value) : "NaN"; }

std::string color_of(const Line& line, size_t index) {
  // Tableau's ten colours, told apart by most eyes.
  static constexpr std::array kPalette = {"#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2",
                                          "#b07aa1", "#edc948", "#ff9da7", "#9c755f", "#79706e"};
  return line.color.empty() ? kPalette[index % kPalette.size()] : line.color;
}

using Out = std::back_insert_iterator<std::string>;

void write_line_data(Out out, size_t index, const Line& line) {
  fmt::format_to(out, "$line{} << EOD\n", index);
  const size_t n = std::min(line.x.size(), line.y.size());
  for (size_t i = 0; i < n; ++i) fmt::format_to(out, "{} {}\n", number(line.x[i]), number(line.y[i]));
  // gnuplot refuses data without a single row.
  if (n == 0) fmt::format_to(out, "0 NaN\n");
  fmt::format_to(out, "EOD\n");
}

void write_lines(Out out, const Panel& panel) {
  for (size_t i = 0; i < panel.lines.size(); ++i) write_line_data(out, i, panel.lines[i]);
  std::vector<std::string> plots;
  for (size_t i = 0; i < panel.lines.size(); ++i) {
    const Line& line = panel.lines[i];
    const std::string title = line.name.empty() ? "notitle" : "title " + quoted(line.name);
    plots.push_back(fmt::format("$line{} using 1:2 axes {} with {} lw {} lc rgb '{}' {} {}", i,
                                line.second_axis ? "x1y2" : "x1y1", line.points ? "linespoints" : "lines", line.width,
                                color_of(line, i), line.points ? "pt 7 ps 0.9" : "", title));
  }
  fmt::format_to(out, "plot {}\n", fmt::join(plots, ", \\\n     "));
}

std::string tics(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (size_t i = 0; i < names.size(); ++i) all.push_back(fmt::format("{} {}", quoted(names[i]), i));
  return fmt::format("({})", fmt::join(all, ", "));
}

void write_grid(Out out, const Grid& grid) {
  const size_t rows = grid.values.size(), columns = rows ? grid.values.front().size() : 0;
  double high = 0;
  fmt::format_to(out, "$grid << EOD\n");
  for (const auto& row : grid.values) {
    for (double v : row) {
      fmt::format_to(out, "{} ", number(v));
      if (std::isfinite(v)) high = std::max(high, v);
    }
    fmt::format_to(out, "\n");
  }
  fmt::format_to(out, "EOD\nset xrange [-0.5:{}]\n", static_cast<double>(columns) - 0.5);
  const double top = static_cast<double>(rows) - 0.5;
  if (grid.row_names.empty())
    fmt::format_to(out, "set yrange [-0.5:{}]\n", top);
  else
    fmt::format_to(out, "set yrange [{}:-0.5]\n", top);
  if (!grid.row_names.empty()) fmt::format_to(out, "set ytics {}\n", tics(grid.row_names));
  if (!grid.column_names.empty()) fmt::format_to(out, "set xtics {} rotate by 40 right\n", tics(grid.column_names));
  fmt::format_to(out, "set cbrange [0:{}]\n", high > 0 ? number(high) : "1");
  if (!grid.numbers) {
    // Dark to bright, as matplotlib's viridis; few colours would show as bands.
    fmt::format_to(out,
                   "set palette defined (0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', 0.75 '#5ec962', 1 '#fde725')\n"
                   "plot $grid matrix using 1:2:3 with image notitle\n");
    return;
  }
  fmt::format_to(out,
                 "set palette defined (0 '#ffffff', 0.15 '#c6dbef', 0.5 '#6baed6', 1 '#2171b5')\n"
                 "plot $grid matrix using 1:2:3 with image notitle, \\\n");
  fmt::format_to(
      out, "     $grid matrix using 1:2:($3 > 0 ? sprintf('%g', $3) : '') with labels tc rgb '#222222' notitle\n");
}

const char* key_place(Panel::Key key) {
  switch (key) {
    case Panel::Key::top_right:
      return "top right";
    case Panel::Key::bottom_right:
      return "bottom right";
    case Panel::Key::outside:
      return "outside right";
    case Panel::Key::below:
      break;
  }
  return "outside below";
}

void write_panel(Out out, const Panel& panel) {
  fmt::format_to(out,
                 "reset\nset encoding utf8\nset border lc rgb '#888888'\nset tics tc rgb '#333333'\nunset colorbox\n");
  if (!panel.title.empty()) fmt::format_to(out, "set title {} noenhanced\n", quoted(panel.title));
  if (!panel.x_label.empty()) fmt::format_to(out, "set xlabel {} noenhanced\n", quoted(panel.x_label));
  if (!panel.y_label.empty()) fmt::format_to(out, "set ylabel {} noenhanced\n", quoted(panel.y_label));
  fmt::format_to(out, "set xtics noenhanced nomirror\nset ytics noenhanced {}\n",
                 panel.y2_label.empty() ? "" : "nomirror");
  if (!panel.y2_label.empty()) fmt::format_to(out, "set y2label {} noenhanced\nset y2tics\n", quoted(panel.y2_label));
  fmt::format_to(out, "set key noenhanced {}\n", key_place(panel.key));
  if (panel.whole_x) fmt::format_to(out, "set xtics 1\n");
  if (panel.y_min != panel.y_max) fmt::format_to(out, "set yrange [{}:{}]\n", panel.y_min, panel.y_max);
  if (panel.log_x) fmt::format_to(out, "set logscale x\nset format x '%.0e'\n");
  if (!panel.grid.values.empty()) return write_grid(out, panel.grid);
  fmt::format_to(out, "set grid lc rgb '#dddddd' lw 1\n");
  for (size_t i = 0; i < panel.marks.size(); ++i) {
    const Mark& mark = panel.marks[i];
    fmt::format_to(out,
                   "set arrow {} from first {}, graph 0 to first {}, graph 1 nohead dt 2 lw 1.5 lc rgb '#555555'\n"
                   "set label {} {} at first {}, graph 0.95 offset 0.6,0 noenhanced tc rgb '#333333'\n",
                   i + 1, number(mark.x), number(mark.x), i + 1, quoted(mark.text), number(mark.x));
  }
  write_lines(out, panel);
}

}  // namespace

std::string gnuplot_script(const Figure& figure) {
  const int panels = static_cast<int>(figure.panels.size()), columns = std::max(1, std::min(figure.columns, panels));
  const int rows = (panels + columns - 1) / columns;
  const int width = columns * figure.panel_width, height = rows * figure.panel_height + (figure.title.empty() ? 0 : 40);
  std::string script;
  const Out out(script);
  for (const char* terminal : {"png", "pngcairo"})
    fmt::format_to(out,
                   "if (strstrt(GPVAL_TERMINALS, ' {0} ')) {{ set terminal {0} size {1},{2} noenhanced font 'Sans,11' "
                   "background '#ffffff' }}\n",
                   terminal, width, height);
  fmt::format_to(out, "set multiplot layout {},{}{}\n", rows, columns,
                 figure.title.empty() ? "" : fmt::format(" title {} noenhanced font ',15'", quoted(figure.title)));
  for (const Panel& panel : figure.panels) write_panel(out, panel);
  fmt::format_to(out, "unset multiplot\n");
  return script;
}

}  // namespace gw
