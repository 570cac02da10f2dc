#!/usr/bin/env bash
# Configures and builds a preset: scripts/build.sh PRESET [CMAKE-OPTION...] [-- TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
options=()
while [ $# -gt 0 ] && [ "$1" != "--" ]; do
  options+=("$1")
  shift
done
[ $# -gt 0 ] && shift
targets=()
[ $# -gt 0 ] && targets=(--target "$@")

cmake --preset "$preset" ${options[@]+"${options[@]}"} >/dev/null
cmake --build --preset "$preset" ${targets[@]+"${targets[@]}"}
