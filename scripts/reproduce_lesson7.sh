#!/usr/bin/env bash
# Trains the networks of the course's lesson 7: its ladder on CIFAR-10, and its character models. Writes Markdown tables of the
# published figures and ours.
#   scripts/reproduce_lesson7.sh [--quick] [--data DIR] [--text FILE] [--seeds N] [--device D] [--dtype T] [--out DIR] [ROW...]
#   --data    CIFAR-10: the folder of its binary batches (data_batch_1.bin, ...), or of pictures, train/CLASS/*.jpg and test/CLASS/*.jpg
#   --text    Nietzsche's works as one file        (without --data or --text the rows that need it are left out)
#   --quick   a minute's version on little data: shows that everything runs; its figures mean nothing
#   --seeds   runs of each row (1), from seed 42 up      --device, --dtype   as of groundwork train (cpu, f32)
#   --out     where logs, weights and table.md go (lesson7)
#   ROW       rows to run, by name (all of them)
# What is finished is not run again: called a second time, it goes on where it was stopped, after the last whole epoch (a character
# model begins its row again).
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }
fail() { echo "reproduce_lesson7: $*" >&2; exit 2; }

seeds=1 out=lesson7 data="" text="" quick=() device=() dtype=() wanted=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=(--limit 1000); shift ;;
    --seeds | --device | --dtype | --out | --data | --text)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --seeds) seeds=$2; [[ $seeds =~ ^[1-9][0-9]*$ ]] || fail "--seeds: expected a whole number above zero, not $2" ;;
        --out) out=$2 ;;
        --data) data=$2; [ -d "$data" ] || fail "--data: there is no folder $data" ;;
        --text) text=$2; [ -f "$text" ] || fail "--text: there is no file $text" ;;
        --device) device=("$1" "$2") ;;
        --dtype) dtype=("$1" "$2") ;;
      esac
      shift 2 ;;
    -h | --help) usage; exit 0 ;;
    -*) fail "unknown option $1" ;;
    *) wanted+=("$1"); shift ;;
  esac
done
[ -n "$data$text" ] || fail "expected --data DIR, --text FILE or both"

# Rows of the ladder: name | epochs | published accuracy | what it is | options of groundwork train. A name that ends in "+tta" is the
# accuracy of the row before the "+" with test time augmentation.
augment="--aug crop=4,flip --aug-per image"
ladder=(
  "simple|10|0.469|one hidden layer of 40|--model cifar-simple --lr 2e-3 $augment"
  "conv|10|0.60|convolutions 20-40-80|--model cifar-conv --lr 1e-2 $augment"
  "bn-by-hand|10|0.69|10-20-40-80-160, batch norm by hand|--model cifar-bn-by-hand --lr 1e-2 $augment"
  "bn|10|0.69|the same, our batch norm|--model cifar-bn --lr 1e-2 $augment"
  "resnet|30|0.829|Resnet 10-20-40-80-160|--model cifar-resnet --lr 1e-2 $augment"
  "resnet2|30|not given|Resnet2 16-32-64-128-256, dropout 0.2|--model cifar-resnet2 --drop 0.2 --lr 1e-2 $augment --tta"
  "resnet2+tta|30|0.851|the same, with test time augmentation|"
)
# Character models: name | epochs | published validation loss | what it is | options of groundwork charlm
texts=(
  "rnn|7|1.54|RNN of 256|--cell rnn --hidden 256 --batch 64 --bptt 8 --cycle-len 1 --cycle-mult 2"
  "gru|7|1.36|GRU of 384, dropout 0.2, bptt 16|--cell gru --hidden 384 --dropout 0.2 --batch 64 --bptt 16 --lr 3e-3 --cycle-len 1 --cycle-mult 2"
  "lstm|7|1.25 to 1.3|two-layer LSTM of 512, dropout 0.4, bptt 16|--cell lstm --layers 2 --hidden 512 --dropout 0.4 --batch 64 --bptt 16 --lr 3e-3 --cycle-len 1 --cycle-mult 2"
)

names=$(printf '%s\n' "${ladder[@]}" "${texts[@]}" | cut -d'|' -f1)
for name in "${wanted[@]+"${wanted[@]}"}"; do
  grep -qxF -- "$name" <<<"$names" || fail "no row \"$name\"; there are: ${names//$'\n'/, }"
done
is_wanted() {  # NAME
  [ ${#wanted[@]} -eq 0 ] || printf '%s\n' "${wanted[@]}" | grep -qxF -- "$1"
}

groundwork=${GROUNDWORK:-build/release/groundwork}
if [ -z "${GROUNDWORK:-}" ]; then
  scripts/install_deps.sh
  scripts/build.sh release -- groundwork_cli
fi
mkdir -p "$out"

pictures=(--folder "$data" --size 32)
if [ -e "$data/data_batch_1.bin" ] || [ -d "$data/cifar-10-batches-bin" ]; then pictures=(--cifar "$data"); fi

# Trains NAME with SEED unless that was done, or goes on with it where an earlier call was stopped.
train() {  # NAME EPOCHS SEED OPTION...
  local name=$1 epochs=$2 run="$out/$1-$3" seed=$3
  shift 3
  [ ${#quick[@]} -gt 0 ] && epochs=1
  [ -e "$run.jsonl" ] && return
  echo "== $name, seed $seed"
  local files=(--log "$run.log" --save "$run.safetensors" --checkpoint "$run.checkpoint")
  if [ -e "$run.checkpoint" ]; then
    "$groundwork" train --resume "$run.checkpoint" "${files[@]}"
  else
    "$groundwork" train "${pictures[@]}" --batch 256 --epochs "$epochs" --seed "$seed" "$@" "${device[@]+"${device[@]}"}" \
      "${dtype[@]+"${dtype[@]}"}" "${quick[@]+"${quick[@]}"}" "${files[@]}"
  fi
  mv "$run.log" "$run.jsonl"
  rm -f "$run.checkpoint"
}

# The same for a character model, which then writes a sample.
charlm() {  # NAME EPOCHS SEED OPTION...
  local name=$1 epochs=$2 run="$out/$1-$3" seed=$3 corpus=$text
  shift 3
  [ -e "$run.jsonl" ] && return
  echo "== $name, seed $seed"
  if [ ${#quick[@]} -gt 0 ]; then
    epochs=1 corpus="$out/beginning.txt"
    head -c 40000 "$text" >"$corpus"
  fi
  "$groundwork" charlm --text "$corpus" --lower --replace-invalid --epochs "$epochs" --seed "$seed" "$@" \
    "${device[@]+"${device[@]}"}" --save "$run.safetensors" --log "$run.log"
  "$groundwork" generate --load "$run.safetensors" --prompt "for thos" --chars 400 >"$run.txt"
  mv "$run.log" "$run.jsonl"
}

last_seed=$((41 + seeds))
run_rows() {  # FUNCTION ROW...
  local function=$1 row name epochs options seed
  shift
  for row in "$@"; do
    IFS='|' read -r name epochs _ _ options <<<"$row"
    [[ $name != *+* ]] || continue
    is_wanted "$name" || [[ " ${wanted[*]-} " == *" $name+"* ]] || continue
    read -ra options <<<"$options"
    for seed in $(seq 42 "$last_seed"); do "$function" "$name" "$epochs" "$seed" "${options[@]}"; done
  done
}
if [ -n "$data" ]; then run_rows train "${ladder[@]}"; fi
if [ -n "$text" ]; then run_rows charlm "${texts[@]}"; fi

# The figures of a row's runs, one a line: of each log the last accuracy, or that with test time augmentation; of a text the last loss.
figures() {  # NAME
  local log
  for log in "$out/${1%+*}"-[0-9]*.jsonl; do
    [ -e "$log" ] || continue
    case $1 in
      *+tta) sed -n 's/.*"event":"end".*"tta_accuracy":\([0-9.]*\).*/\1/p' "$log" ;;
      rnn | gru | lstm) sed -n 's/.*"split":"valid","loss":\([0-9.]*\).*/\1/p' "$log" | tail -n 1 ;;
      *) sed -n 's/.*"event":"end".*"valid_accuracy":\([0-9.]*\).*/\1/p' "$log" ;;
    esac
  done
}
# Seconds of training and validation of one run of a row, the mean.
seconds() {  # NAME
  local files=("$out/$1"-[0-9]*.jsonl)
  grep -h '"event":"epoch"' "${files[@]}" | sed 's/.*"seconds":\([0-9.]*\).*/\1/' |
    awk -v runs=${#files[@]} '{sum += $1} END {printf "%.0f", sum / runs}'
}
table() {  # WHAT ROW...
  local what=$1 row name epochs published title found time
  shift
  echo "| $what | epochs | published | mean | min | max | runs | seconds of one |"
  echo "|--|--|--|--|--|--|--|--|"
  for row in "$@"; do
    IFS='|' read -r name epochs published title _ <<<"$row"
    found=$(figures "$name")
    [ -n "$found" ] || continue
    time=""
    [[ $name == *+* ]] || time=$(seconds "$name")
    awk -v row="$title | $epochs | $published" -v time="$time" '
      NR == 1 || $1 < min {min = $1} NR == 1 || $1 > max {max = $1} {sum += $1}
      END {printf "| %s | %.4f | %.4f | %.4f | %d | %s |\n", row, sum / NR, min, max, NR, time}' <<<"$found"
  done
}
{
  table "CIFAR-10, accuracy" "${ladder[@]}"
  echo
  table "Nietzsche, validation loss" "${texts[@]}"
} | tee "$out/table.md"
[ ${#quick[@]} -eq 0 ] || echo "A quick run on little data: the figures say only that everything ran."
