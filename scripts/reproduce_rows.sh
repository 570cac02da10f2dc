# What the scripts reproduce_lesson*.sh share: their options, runs that go on where they were stopped, and tables. To be sourced.
#
# A row is a string "name|epochs|published|what it is|options of groundwork train". A name with "+tta" is a second figure of the runs of
# the row before the "+": their accuracy with test time augmentation.

seeds=1 out="" quick=() device=() dtype=() wanted=()
readonly first_seed=42

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 2
}

# The comment at the top of the calling script.
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; }

# Reads the options that all have, and the rows' names. Others are handed to own_option OPTION VALUE, if the caller has that function;
# it returns 1 for those that it does not know.
read_options() {  # ARGUMENT...
  while [ $# -gt 0 ]; do
    case $1 in
      --quick) quick=(--limit 1000) ;;
      -h | --help) usage; exit 0 ;;
      -*)
        [ $# -ge 2 ] || fail "$1 is unknown, or needs a value"
        case $1 in
          --seeds) seeds=$2; [[ $seeds =~ ^[1-9][0-9]*$ ]] || fail "--seeds: expected a whole number above zero, not $2" ;;
          --out) out=$2 ;;
          --device) device=("$1" "$2") ;;
          --dtype) dtype=("$1" "$2") ;;
          *) { declare -F own_option >/dev/null && own_option "$1" "$2"; } || fail "unknown option $1" ;;
        esac
        shift ;;
      *) wanted+=("$1") ;;
    esac
    shift
  done
}

# Fails unless all wanted names are those of rows.
check_wanted() {  # ROW...
  local names name
  names=$(printf '%s\n' "$@" | cut -d'|' -f1)
  for name in "${wanted[@]+"${wanted[@]}"}"; do
    grep -qxF -- "$name" <<<"$names" || fail "no row \"$name\"; there are: ${names//$'\n'/, }"
  done
}
is_wanted() {  # NAME
  [ ${#wanted[@]} -eq 0 ] || printf '%s\n' "${wanted[@]}" | grep -qxF -- "$1"
}
# Whether a row, or a second figure of it, is wanted.
is_needed() {  # NAME
  is_wanted "$1" || [[ " ${wanted[*]-} " == *" $1+"* ]]
}

# The program, $groundwork, and the folder for results.
prepare() {
  groundwork=${GROUNDWORK:-build/release/groundwork}
  if [ -z "${GROUNDWORK:-}" ]; then
    scripts/install_deps.sh
    scripts/build.sh release -- groundwork_cli
  fi
  mkdir -p "$out"
}

seeds_wanted() { seq "$first_seed" $((first_seed + seeds - 1)); }

# Trains NAME with SEED unless that was done, or goes on with it where an earlier call was stopped, after the last whole epoch.
train() {  # NAME EPOCHS SEED OPTION...
  local name=$1 epochs=$2 run="$out/$1-$3" seed=$3
  shift 3
  [ -e "$run.jsonl" ] && return
  echo "== $name, seed $seed"
  local files=(--log "$run.log" --save "$run.safetensors" --checkpoint "$run.checkpoint") small=("${quick[@]+"${quick[@]}"}")
  if [ ${#quick[@]} -gt 0 ]; then
    epochs=1
    [[ " $* " == *" --batch "* ]] || small+=(--batch 256)
  fi
  if [ -e "$run.checkpoint" ]; then
    "$groundwork" train --resume "$run.checkpoint" "${files[@]}"
  else
    "$groundwork" train --epochs "$epochs" --seed "$seed" "$@" "${device[@]+"${device[@]}"}" "${dtype[@]+"${dtype[@]}"}" \
      "${small[@]+"${small[@]}"}" "${files[@]}"
  fi
  mv "$run.log" "$run.jsonl"
  rm -f "$run.checkpoint"
}

# The figures of a row's runs, one a line: the last accuracy of each log, or that with test time augmentation.
accuracies() {  # NAME
  case $1 in
    *+tta) sed -n 's/.*"event":"end".*"tta_accuracy":\([0-9.]*\).*/\1/p' "$out/${1%+*}"-[0-9]*.jsonl ;;
    *) sed -n 's/.*"event":"end","[a-z]*_accuracy":\([0-9.]*\).*/\1/p' "$out/$1"-[0-9]*.jsonl ;;
  esac 2>/dev/null
}
# Seconds of training and validation of one run of a row, the mean.
seconds() {  # NAME
  local files=("$out/$1"-[0-9]*.jsonl)
  grep -h '"event":"epoch"' "${files[@]}" | sed 's/.*"seconds":\([0-9.]*\).*/\1/' |
    awk -v runs=${#files[@]} '{sum += $1} END {printf "%.0f", sum / runs}'
}
# Prints a table of all rows that have figures. FIGURES is a function as accuracies.
table() {  # WHAT FIGURES ROW...
  local what=$1 figures=$2 row name epochs published title found time
  shift 2
  echo "| $what | epochs | published | mean | min | max | runs | seconds of one |"
  echo "|--|--|--|--|--|--|--|--|"
  for row in "$@"; do
    IFS='|' read -r name epochs published title _ <<<"$row"
    found=$("$figures" "$name") || true
    [ -n "$found" ] || continue
    time=""
    [[ $name == *+* ]] || time=$(seconds "$name")
    awk -v row="$title | $epochs | $published" -v time="$time" '
      NR == 1 || $1 < min {min = $1} NR == 1 || $1 > max {max = $1} {sum += $1}
      END {printf "| %s | %.4f | %.4f | %.4f | %d | %s |\n", row, sum / NR, min, max, NR, time}' <<<"$found"
  done
}
warn_if_quick() { [ ${#quick[@]} -eq 0 ] || echo "A quick run on little data: the figures say only that everything ran."; }
