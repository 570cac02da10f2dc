#include "train/plots/plot_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "tensor/file.h"
#include "train/plots/gnuplot.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

std::string html_text(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

}  // namespace

PlotFolder::PlotFolder(std::string path, OnFailure on_failure) : path_(std::move(path)), on_failure_(on_failure) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (!error && !fs::is_directory(path_, error)) error = std::make_error_code(std::errc::not_a_directory);
  if (!error && access(path_.c_str(), W_OK) != 0) error = std::error_code(errno, std::generic_category());
  if (error) throw IoError(fmt::format("plots: {}: {}", path_, error.message()));
}

void PlotFolder::add(const std::string& name, const std::string& caption, const Figure& figure) {
  if (charts_off_ || failed_) return;
  std::optional<std::string> png;
  try {
    png = run_gnuplot(gnuplot_script(figure));
    if (!png)
      fmt::print(stderr, "plots: no charts, because gnuplot is missing; on Debian, install the package gnuplot-nox\n");
  } catch (const IoError& e) {
    fmt::print(stderr, "plots: no charts: {}\n", e.what());
  }
  charts_off_ = !png;
  if (png) add_png(name, caption, *png);
}

void PlotFolder::add(const std::string& name, const std::string& caption, const Canvas& canvas) {
  add_png(name, caption, canvas.png());
}

void PlotFolder::add_png(const std::string& name, const std::string& caption, const std::string& png) {
  if (failed_) return;
  try {
    write(name, caption, png);
  } catch (const IoError& e) {
    failed_ = true;
    if (on_failure_ == OnFailure::raise) throw;
    fmt::print(stderr, "plots: no more pictures: {}\n", e.what());
  }
}

void PlotFolder::write(const std::string& name, const std::string& caption, const std::string& png) {
  write_file_atomically(path_ + "/" + name + ".png", png);
  const auto same = std::find_if(pictures_.begin(), pictures_.end(), [&](const Picture& p) { return p.name == name; });
  if (same == pictures_.end())
    pictures_.push_back({name, caption});
  else
    same->caption = caption;
  write_index();
}

void PlotFolder::write_index() const {
  std::vector<Picture> all = pictures_;
  // Those of earlier commands are still there, and still shown.
  std::vector<std::string> older;
  std::error_code ignored;  // a folder that is gone is noticed by the next write
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    const std::string name = entry.path().stem();
    const bool known = std::any_of(all.begin(), all.end(), [&](const Picture& p) { return p.name == name; });
    if (entry.path().extension() == ".png" && !known) older.push_back(name);
  }
  std::sort(older.begin(), older.end());
  for (const std::string& name : older) all.push_back({name, name});

  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Groundwork: plots</title>\n"
      "<style>body { font: 16px sans-serif; max-width: 1500px; margin: 2em auto; color: #333 }\n"
      "figure { margin: 0 0 3em } img { max-width: 100%; border: 1px solid #ddd } figcaption { margin-top: .5em }"
      "</style>\n";
  for (const auto& [name, caption] : all)
    html += fmt::format("<figure><img src=\"{0}.png\" alt=\"{1}\"><figcaption>{1}</figcaption></figure>\n",
                        html_text(name), html_text(caption));
  write_file_atomically(path_ + "/index.html", html + "</html>\n");
}

}  // namespace gw
