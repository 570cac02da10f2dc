// groundwork generate: lets a character model write.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "train/char_model_file.h"
#include "train/commands/command.h"
#include "train/commands/options.h"
#include "train/generate.h"

namespace gw::commands {
namespace {

struct Options {
  std::string load, prompt, device = "cpu";
  int64_t chars = 400;
  SamplingOptions sampling;
  uint64_t seed = 42;
};

void print_now(std::string_view text) {
  fmt::print("{}", text);
  std::fflush(stdout);
}

int run(const Options& o) {
  const Device device = device_from_name(o.device);
  const CharModelFile file = load_char_model(o.load);
  file.model->to(device);
  const std::string prompt = file.lower ? lower_case(o.prompt) : o.prompt;
  Generator generator(o.seed);
  bool begun = false;
  generate_text(
      *file.model, file.vocabulary, prompt, o.chars, o.sampling,
      [&](std::string_view token) {
        if (!std::exchange(begun, true)) print_now(prompt);
        print_now(token);
      },
      generator);
  fmt::print("\n");
  return 0;
}

}  // namespace

Command add_generate(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("generate", "Write text with a model that charlm trained");
  command->add_option("--load", o->load, "Weights that charlm --save wrote")->required();
  command->add_option("--prompt", o->prompt, "The text to go on from")->required();
  command->add_option("--chars", o->chars, "Characters to write")->check(positive())->capture_default_str();
  command->add_option("--temperature", o->sampling.temperature, "Below 1 the likely becomes likelier, above 1 less so")
      ->capture_default_str();
  command->add_option("--top-k", o->sampling.top_k, "Choose among the K likeliest characters only; 0: among all")
      ->check(whole_number())
      ->capture_default_str();
  add_seed(command, o->seed)->description("Seed of the choices");
  command->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
