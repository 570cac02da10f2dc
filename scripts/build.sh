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

# Where there is ccache, what was compiled before, here or in another clone, is not compiled again.
if command -v ccache >/dev/null; then
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=1
  options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
fi

cmake --preset "$preset" ${options[@]+"${options[@]}"} >/dev/null
cmake --build --preset "$preset" ${targets[@]+"${targets[@]}"}
