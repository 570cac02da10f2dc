#!/usr/bin/env bash
# Feeds the readers of files with inputs that libFuzzer makes up, under AddressSanitizer and UndefinedBehaviorSanitizer: any bytes must
# give a result or an error, never a crash.
#   scripts/fuzz.sh [--seconds N] [TARGET...]
#   --seconds   for each target (5)        TARGET   those of tests/fuzz: checkpoint cifar10 folder idx image safetensors text (all)
# Only the readers are compiled for it, by clang; the rest is the library of build/release, which must be there. Inputs begin with
# tests/fuzz/corpus; what is found grows in build/fuzz/corpus, and an input that fails is left as build/fuzz/TARGET-crash-*.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=5 targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?fuzz: --seconds needs a value}; shift 2 ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "fuzz: unknown option $1" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi

library=build/release/libgroundwork.a
[ -e $library ] || { echo "fuzz: $library is not there; build it with scripts/build.sh release -- groundwork" >&2; exit 1; }
command -v clang++ >/dev/null || { echo "fuzz: clang++ is not there; scripts/install_deps.sh --tests installs it" >&2; exit 1; }

# What reads files. Linked before the library, whose own copies of these are then left out.
readers=(tensor/file.cpp tensor/safetensors.cpp data/categories.cpp data/cifar10.cpp data/files.cpp data/gzip.cpp data/idx.cpp data/image_file.cpp
         data/image_items.cpp data/split.cpp data/text.cpp train/checkpoint.cpp)
cxx=(clang++)
if command -v ccache >/dev/null; then
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=1
  cxx=(ccache clang++)
fi
sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=all)
compile() {  # SOURCE OBJECT
  [ "$2" -nt "$1" ] && [ "$2" -nt $library ] && return
  rm -f "$2"  # so that a failure is not passed over
  "${cxx[@]}" -std=c++20 -O1 -g -I. "${sanitize[@]}" -fsanitize=fuzzer-no-link -DGROUNDWORK_CUDA=0 -DGROUNDWORK_ONEDNN=0 \
    -c "$1" -o "$2"
}
mkdir -p build/fuzz/objects
objects=()
for source in "${readers[@]}" tests/fuzz/*.cpp; do
  object=build/fuzz/objects/${source//\//_}.o
  [[ $source == tests/* ]] || objects+=("$object")
  compile "$source" "$object" &
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
done
while [ -n "$(jobs -rp)" ]; do wait -n; done

libraries=(-lfmt -lz -lgomp)
grep -q '^OneDNN_LIBRARY:[A-Z]*=/' build/release/CMakeCache.txt && libraries+=("$(sed -n 's/^OneDNN_LIBRARY:[A-Z]*=//p' build/release/CMakeCache.txt)")
for target in "${targets[@]}"; do
  [ -e "tests/fuzz/$target.cpp" ] || { echo "fuzz: there is no target $target" >&2; exit 2; }
  clang++ "${sanitize[@]}" -fsanitize=fuzzer "build/fuzz/objects/tests_fuzz_$target.cpp.o" "${objects[@]}" $library \
    "${libraries[@]}" -o "build/fuzz/$target"
  mkdir -p "build/fuzz/corpus/$target"
  echo "== fuzz: $target"
  log=build/fuzz/$target.log
  if ! OMP_NUM_THREADS=1 "build/fuzz/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=65536 \
      -artifact_prefix="build/fuzz/$target-" "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    tail -60 "$log"
    exit 1
  fi
  tail -1 "$log"
done
