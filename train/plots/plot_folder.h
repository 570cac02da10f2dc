// A folder of pictures with a page that shows them all.
#pragma once

#include <string>
#include <vector>

#include "train/plots/canvas.h"
#include "train/plots/figure.h"

namespace gw {

/// Writes pictures into a folder, each whole or not at all, and after each the page index.html. Where gnuplot is
/// missing or fails, figures are left out, one line says why, and all else goes on.
class PlotFolder {
 public:
  /// Makes the folder if it is not there. IoError at once if it cannot be made or written.
  explicit PlotFolder(std::string path);

  /// `name` is the file's, without its ending; `caption` stands under the picture on the page.
  void add(const std::string& name, const std::string& caption, const Figure& figure);
  void add(const std::string& name, const std::string& caption, const Canvas& canvas);

  const std::string& path() const { return path_; }

 private:
  struct Picture {
    std::string name, caption;
  };
  void add_png(const std::string& name, const std::string& caption, const std::string& png);
  void write_index() const;

  std::string path_;
  std::vector<Picture> pictures_;
  bool charts_off_ = false;  ///< gnuplot is missing, or has failed
};

}  // namespace gw
