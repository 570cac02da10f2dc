// --init: how the weights start.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "train/learner.h"

namespace gw::commands {

/// Adds the option; its default leaves the weights as the model drew them.
void add_init(CLI::App* command, std::string& init);

/// Draws the weights of all convolutions and linear layers anew, or with "lsuv" scales them on a batch of the training
/// data (see nn/lsuv.h) and prints a line for each layer.
void initialise(const std::string& init, Learner& learner);

}  // namespace gw::commands
