#!/usr/bin/env bash
# Installs a build of Groundwork into a fresh prefix and builds a small project against it: run.sh BUILD_DIR WORK_DIR [CXX_FLAGS]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$2
flags=${3:-}

rm -rf "$work"
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_CXX_FLAGS="$flags" >/dev/null
cmake --build "$work/build"
"$work/build/consumer"
