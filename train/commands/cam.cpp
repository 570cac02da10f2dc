// groundwork cam: where on these pictures a model sees what it says?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "data/item_transforms.h"
#include "nn/activation_map.h"
#include "tensor/creation.h"
#include "tensor/file.h"
#include "train/commands/command.h"
#include "train/commands/options.h"
#include "train/commands/pictures.h"
#include "train/commands/weights.h"
#include "train/plots/canvas.h"
#include "train/plots/heat_map.h"

namespace gw::commands {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string load, model, out, method = "auto", layer, class_name, device = "cpu";
  std::vector<std::string> images;
};

/// The part of the picture that the model sees, at its own resolution, or as the model sees it if more was done to it.
Tensor seen_part(const Tensor& picture, const ImageDataset& kind) {
  if (kind.fit == PictureFit::squish) return picture;
  if (kind.fit == PictureFit::object) return as_model_sees(picture, kind);
  const int64_t height = picture.size(1), width = picture.size(2), side = std::min(height, width);
  return crop(picture, (height - side) / 2, (width - side) / 2, side, side);
}

/// A small picture magnified by a whole number, so that its shorter side has at least 224 pixels.
Tensor magnified(const Tensor& picture) {
  constexpr int64_t kLeast = 224;
  const int64_t shorter = std::min(picture.size(1), picture.size(2)), factor = (kLeast + shorter - 1) / shorter;
  return factor > 1 ? resize(picture, picture.size(1) * factor, picture.size(2) * factor, Filter::nearest) : picture;
}

Tensor batch_of(const Tensor& image, const ImageDataset& kind, const Device& device) {
  ImageDataset data = kind;
  data.images = image.unsqueeze(0);
  data.labels = zeros({1}, {.dtype = DType::i64});
  Loader loader(data.to(device), {.batch_size = 1});
  Batch batch;
  loader.start();
  loader.next(batch);
  return batch.x;
}

std::vector<int64_t> wanted_class(const Options& o, const std::vector<std::string>& classes) {
  if (o.class_name.empty()) return {};
  const auto it = std::find(classes.begin(), classes.end(), o.class_name);
  if (it == classes.end())
    throw ConfigError(
        fmt::format("cam: {} knows no class {}; it knows {}", o.load, o.class_name, fmt::join(classes, ", ")));
  return {it - classes.begin()};
}

void check(const Options& o) {
  if (o.method == "cam" && !o.layer.empty())
    throw ConfigError("cam: --layer goes with --method grad-cam: a class activation map has no choice of a layer");
}

ActivationMap map_of(const Options& o, Module& model, const Tensor& x, const std::vector<int64_t>& classes) {
  const CamEnd end = o.method == "grad-cam" || !o.layer.empty() ? CamEnd{} : find_cam_end(model);
  if (end) return class_activation_map(model, end, x, classes);
  if (o.method == "cam")
    throw ConfigError(
        fmt::format("cam: {} does not end in a global average pool and a linear layer; take --method "
                    "grad-cam",
                    o.load));
  return grad_cam(model, o.layer.empty() ? last_map_layer(model, x) : o.layer, x, classes);
}

/// A file in the folder for the picture's map: its name with ".cam.png", numbered where two have the same.
std::string output_path(const std::string& folder, const std::string& image, std::set<std::string>& used) {
  const std::string stem = fs::path(image).stem().string();
  std::string name = stem + ".cam.png";
  for (int number = 2; !used.insert(name).second; ++number) name = fmt::format("{}-{}.cam.png", stem, number);
  return folder + "/" + name;
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path, error))
    throw IoError(fmt::format("cam: {}: {}", path, error ? error.message() : "not a folder"));
}

int run(const Options& o) {
  constexpr int kSomeFailed = 1;
  check(o);
  const Device device = device_from_name(o.device);
  const NamedModel loaded = load_model(o.load, o.model);
  loaded.model->to(device);
  const std::vector<int64_t> classes = wanted_class(o, loaded.kind.classes);
  make_folder(o.out);
  std::set<std::string> used;
  bool failed = false;
  for (const std::string& path : o.images) {
    Tensor picture;
    try {
      picture = read_image(path);
    } catch (const IoError& e) {
      fmt::print(stderr, "groundwork: {}\n", e.what());
      failed = true;
      continue;
    }
    const Tensor x = batch_of(as_model_sees(picture, loaded.kind), loaded.kind, device);
    const ActivationMap map = map_of(o, *loaded.model, x, classes);
    const int64_t shown = classes.empty() ? static_cast<int64_t>(map.logits.argmax(1).item()) : classes.front();
    const double probability = map.logits.softmax(1).select(1, shown).item();
    const Tensor heat = draw_heat_map(magnified(seen_part(picture, loaded.kind)), map.map.select(0, 0));
    Canvas canvas(static_cast<int>(heat.size(2)), static_cast<int>(heat.size(1)));
    canvas.draw_image(0, 0, heat, 1);
    const std::string goal = output_path(o.out, path, used);
    write_file_atomically(goal, canvas.png());
    fmt::print("{}: {} {:.1f}%, {} x {} places of {} -> {}\n", path, loaded.kind.classes[static_cast<size_t>(shown)],
               100 * probability, map.map.size(1), map.map.size(2), map.layer, goal);
  }
  return failed ? kSomeFailed : 0;
}

}  // namespace

Command add_cam(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("cam", "Draw where on pictures a model sees what it says");
  command->add_option("IMAGE", o->images, "PNG or JPEG files")->required();
  command->add_option("--load", o->load, "Safetensors file with the weights")->required();
  add_model(command, o->model)->description("Model, for files that do not name it");
  command->add_option("--out", o->out, "Folder for the heat maps, NAME.cam.png each")->required();
  command->add_option("--class", o->class_name, "Look for this class; default: what the model takes each picture for");
  command
      ->add_option("--method", o->method,
                   "cam: the last features weighed by the classifier, for models that end in a global average pool and "
                   "a linear layer; grad-cam: any layer's weighed by their gradients; auto: cam where it can be")
      ->check(CLI::IsMember({"auto", "cam", "grad-cam"}))
      ->capture_default_str();
  command->add_option("--layer", o->layer, "Layer for grad-cam, such as layer3; default: the last that has a map");
  command->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
