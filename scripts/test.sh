#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: the optimised build first, then the same tests under AddressSanitizer and
# UndefinedBehaviorSanitizer, with the CUDA kernels under the emulator. The preset cuda is built by hand where there is nvcc (see
# scripts/kernel_resources.sh for what its kernels use).
set -euo pipefail
cd "$(dirname "$0")/.."

# Several tests run at a time, so threads that wait should give their core away rather than spin.
export OMP_WAIT_POLICY=passive

scripts/install_deps.sh --tests
test_preset() {  # PRESET [CMAKE-OPTION...]
  echo "== $1"
  scripts/build.sh "$@" -DGROUNDWORK_BUILD_TESTS=ON
  ctest --preset "$1" -j "$(nproc)"
}
test_preset release -DGROUNDWORK_BUILD_BENCH=ON
test_preset asan
echo "== asan, CUDA threads and blocks in shuffled order"
GROUNDWORK_EMULATOR_SEED=1 ctest --preset asan -j "$(nproc)" -R '^Cuda|golden_cuda'
