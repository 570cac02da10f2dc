#!/usr/bin/env bash
# Installs what Groundwork builds with, on Debian and its relatives. Does nothing where all of it is there already.
#   scripts/install_deps.sh [--tests]     --tests adds GoogleTest, Google Benchmark, what the CUDA emulator needs, and clang for the fuzzer
set -euo pipefail

packages=(g++ cmake ninja-build libdnnl-dev libfmt-dev libcli11-dev nlohmann-json3-dev zlib1g-dev libstb-dev
          gnuplot-nox dataset-fashion-mnist)
[ "${1:-}" = "--tests" ] && packages+=(libgtest-dev libbenchmark-dev libboost-context-dev clang libclang-rt-dev)

if ! command -v dpkg-query >/dev/null; then
  echo "install_deps: this is not a Debian system; please install the equivalents of: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "install_deps: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
