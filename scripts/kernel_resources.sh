#!/usr/bin/env bash
# Prints the registers, the stack (spilled registers among it) and the static shared memory of every kernel in build/cuda. Fails if a
# kernel uses stack without being on the list of explained ones, scripts/kernel_stack.txt: lines of a part of the kernel's name, a tab or
# spaces, and why. Reads the kernels with cuobjdump; where the CUDA toolkit came without, its Python package is put under build/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

shopt -s nullglob
objects=(build/cuda/CMakeFiles/groundwork.dir/kernels/cuda/*.cu.o)
if [ ${#objects[@]} -eq 0 ]; then
  echo "kernel_resources: build the preset cuda first" >&2
  exit 1
fi

find_cuobjdump() {
  command -v cuobjdump && return
  local candidate
  for candidate in /usr/local/cuda/bin/cuobjdump build/tools/nvidia/*/bin/cuobjdump; do
    [ -x "$candidate" ] && echo "$candidate" && return
  done
  return 1
}
cuobjdump=${CUOBJDUMP:-$(find_cuobjdump || true)}
if [ -z "$cuobjdump" ]; then
  python3 -m pip install --quiet --root-user-action=ignore --no-deps --target build/tools nvidia-cuda-cuobjdump
  cuobjdump=$(find_cuobjdump)
fi

for object in "${objects[@]}"; do
  "$cuobjdump" --dump-resource-usage "$object" 2>/dev/null |
    awk '/ Function /{name = $2; sub(/:$/, "", name)}
         / REG:/{split("", use); for (i = 1; i <= NF; ++i) {split($i, pair, ":"); use[pair[1]] = pair[2]}
                 print use["REG"], use["STACK"], use["SHARED"], name}'
done | c++filt | sed -E 's/gw::kernels::cuda::|\(anonymous namespace\)::|gw::math::|gw:://g' |
  awk -v list=scripts/kernel_stack.txt '
    BEGIN {while ((getline line < list) > 0) if (line !~ /^#/ && split(line, part) > 0) explained[part[1]] = 1
           print "registers  stack  shared  kernel"}
    {registers = $1; stack = $2; shared = $3; kernel = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", kernel)
     sub(/^void /, "", kernel); gsub(/\(.*\)$/, "", kernel)
     ++kernels
     note = ""
     if (stack > 0) {
       known = 0
       for (name in explained) if (index(kernel, name)) known = 1
       note = known ? "  (explained)" : "  <- uses stack"
       if (!known) ++unexplained
     }
     printf "%9d %6d %7d  %s%s\n", registers, stack, shared, substr(kernel, 1, 160), note}
    END {printf "kernel_resources: %d kernels, %d with unexplained stack\n", kernels, unexplained
         exit unexplained > 0 || kernels == 0}'
