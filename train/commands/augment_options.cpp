#include "train/commands/augment_options.h"

namespace gw::commands {

void AugmentOptions::add_to(CLI::App* command) {
  const auto check = [](const std::string& text) -> std::string {
    try {
      parse_augmentation(text);
      return "";
    } catch (const ConfigError& e) {
      return e.what();
    }
  };
  command
      ->add_option("--aug", list,
                   "Augment the training images: a list of crop (=padding), shift (=padding, by black), flip "
                   "(=probability), erase and copy (=share "
                   "of each side), rotate and shear (=degrees), zoom (=factor), translate, warp, brightness, contrast "
                   "and cutout (=share), such as crop,flip,rotate=15")
      ->check(CLI::Validator(check, "LIST"));
  command->add_option("--aug-per", per, "What draws for itself: a batch, as in the course, or each image")
      ->check(CLI::IsMember({"batch", "image"}))
      ->capture_default_str();
}

}  // namespace gw::commands
