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
  /// What is done when a picture cannot be written: throw an IoError, or say so once and write no more, for those who
  /// have more to lose than pictures.
  enum class OnFailure { raise, go_on };

  /// Makes the folder if it is not there. IoError at once if it cannot be made or written.
  explicit PlotFolder(std::string path, OnFailure on_failure = OnFailure::raise);

  /// `name` is the file's, without its ending; `caption` stands under the picture on the page.
  void add(const std::string& name, const std::string& caption, const Figure& figure);
  void add(const std::string& name, const std::string& caption, const Canvas& canvas);

  const std::string& path() const { return path_; }
  /// Whether pictures are still written.
  bool is_open() const { return !failed_; }

 private:
  struct Picture {
    std::string name, caption;
  };
  void add_png(const std::string& name, const std::string& caption, const std::string& png);
  void write(const std::string& name, const std::string& caption, const std::string& png);
  void write_index() const;

  std::string path_;
  OnFailure on_failure_;
  std::vector<Picture> pictures_;
  bool charts_off_ = false;  ///< gnuplot is missing, or has failed
  bool failed_ = false;      ///< a picture could not be written
};

}  // namespace gw
