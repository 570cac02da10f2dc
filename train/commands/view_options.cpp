#include "train/commands/view_options.h"

#include <fmt/format.h>

namespace gw::commands {

void ViewOptions::add_to(CLI::App* command) {
  command->add_flag("--tta", tta, "Test time augmentation: average over each image and its mirror image");
  command
      ->add_option(
          "--tta-views", views,
          "Average over so many views: 1 is the image alone, 2 as --tta, 10 also shifted by a pixel, 18 diagonally too")
      ->check(CLI::IsMember({1, 2, 10, 18}));
}

std::string ViewOptions::description() const {
  if (count() == 1) return "";
  return count() == 2 ? "test time augmentation" : fmt::format("test time augmentation, {} views", count());
}

}  // namespace gw::commands
