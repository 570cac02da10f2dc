#!/usr/bin/env bash
# Everything that only a GPU can show, in one call and one file: the tests, compute-sanitizer over short training runs,
# kernel speeds and training steps beside PyTorch's, and the demo's training run.
#
#   bench/gpu_check.sh [BUILD] [OUT.json]      BUILD: a build of the preset cuda (default build/cuda; built if missing)
#
# Needs a GPU and a Python with torch. Without Fashion-MNIST ($GROUNDWORK_DATA, else /usr/share/datasets) the steps are
# measured on random images and the training run is left out. Ends within ten minutes; fails if a test does.
set -uo pipefail
cd "$(dirname "$0")/.."

build=${1:-build/cuda}
out=${2:-bench/results/$(date -u +%Y-%m-%d)-gpu.json}
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
failures=0

# cuDNN and cuBLAS may be there only as Python's packages.
libraries=$(python3 -c 'import glob, os, torch
print(":".join(glob.glob(os.path.join(os.path.dirname(torch.__file__), "..", "nvidia", "*", "lib"))))')
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
data=${GROUNDWORK_DATA:-/usr/share/datasets}

[ -d "$build" ] || scripts/build.sh cuda || exit 1

part() {  # NAME COMMAND...: runs it, shows the end of what it prints, and notes how it ended
  local name=$1 start=$SECONDS status=0
  shift
  echo "== $name"
  "$@" >"$parts/$name.log" 2>&1 || status=$?
  tail -n 6 "$parts/$name.log"
  echo "$status $((SECONDS - start))" >"$parts/$name.status"
  [ $status -eq 0 ] || { failures=$((failures + 1)); echo "gpu_check: $name failed with exit code $status" >&2; }
}

part tests "$build/tests/groundwork_tests" --gtest_filter='Cuda*:*/Cuda*'
part golden "$build/golden_runner" --device cuda tests/golden
if command -v compute-sanitizer >/dev/null; then
  part sanitizer compute-sanitizer --error-exitcode 9 "$build/tests/groundwork_tests" --gtest_filter="CudaTraining.*"
fi
part kernels python3 bench/cuda_kernels.py "$build" "$parts/kernels.json"
part steps python3 bench/compare_pytorch_cuda.py "$build" "$parts/steps.json"
if [ -d "$data/fashion-mnist" ]; then
  for dtype in f32 bf16; do
    part "train-$dtype" "$build/groundwork" train --model resnet-wide --device cuda --graph --dtype $dtype --data "$data" \
      --log "$parts/train-$dtype.jsonl"
  done
fi

python3 bench/gpu_report.py "$parts" "$out"
exit $((failures > 0))
