#include "train/commands/augment_options.h"

#include <fmt/format.h>

#include "train/commands/options.h"

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
  command
      ->add_option("--mixup", mix.mixup,
                   "Mix every training image and its label with another's, by a share drawn for each batch from "
                   "Beta(ALPHA, ALPHA), such as 0.2")
      ->check(positive());
  command
      ->add_option("--cutmix", mix.cutmix,
                   "Paste a box of another image into every training image, and so much of its label, by a share from "
                   "Beta(ALPHA, ALPHA), such as 1; with --mixup, every batch draws which of both")
      ->check(positive());
}

void AugmentOptions::add_callbacks(Learner& learner) const {
  if (!list.empty()) learner.callbacks.push_back(std::make_shared<Augment>(parse_augmentation(list, per == "image")));
  if (mix.any()) learner.callbacks.push_back(std::make_shared<Mix>(mix));
}

std::string AugmentOptions::description() const {
  std::string text = list;
  const auto add = [&](const char* name, std::optional<double> alpha) {
    if (alpha) text += fmt::format("{}{} {:g}", text.empty() ? "" : ", ", name, *alpha);
  };
  add("mixup", mix.mixup);
  add("cutmix", mix.cutmix);
  return text;
}

}  // namespace gw::commands
