#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: the optimised build first, half a minute of fuzzing the readers of files, then
# the same tests under AddressSanitizer and UndefinedBehaviorSanitizer, with the CUDA kernels under the emulator. Where there is nvcc, the
# CUDA build is compiled and linked too, with a report of what its kernels use; its tests run where there is a GPU.
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
if command -v clang++ >/dev/null; then
  scripts/fuzz.sh --seconds 5
else
  echo "== fuzz: left out, as there is no clang"
fi
test_preset asan
echo "== asan, CUDA threads and blocks in shuffled order"
GROUNDWORK_EMULATOR_SEED=1 ctest --preset asan -j "$(nproc)" -R '^Cuda|golden_cuda'

if command -v nvcc >/dev/null || [ -x /usr/local/cuda/bin/nvcc ]; then
  if nvidia-smi >/dev/null 2>&1; then
    test_preset cuda
  else
    echo "== cuda: compiled and linked, not run, as there is no GPU"
    scripts/build.sh cuda -DGROUNDWORK_BUILD_TESTS=OFF -DGROUNDWORK_BUILD_BENCH=ON
  fi
  scripts/kernel_resources.sh
fi
