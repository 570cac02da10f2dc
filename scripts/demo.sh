#!/usr/bin/env bash
# The demonstration: installs what is missing, builds, and trains the course's wide ResNet on Fashion-MNIST for five epochs. Options are
# passed on to the training command: scripts/demo.sh --dtype bf16
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_deps.sh
scripts/build.sh release -DGROUNDWORK_BUILD_TESTS=OFF -DGROUNDWORK_BUILD_BENCH=OFF -- groundwork_cli
build/release/groundwork summary --model resnet-wide
build/release/groundwork train --model resnet-wide --epochs 5 "$@"
