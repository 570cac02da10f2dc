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

source scripts/reproduce_rows.sh
out=lesson7 data="" text=""
own_option() {  # OPTION VALUE
  case $1 in
    --data) data=$2; [ -d "$data" ] || fail "--data: there is no folder $data" ;;
    --text) text=$2; [ -f "$text" ] || fail "--text: there is no file $text" ;;
    *) return 1 ;;
  esac
}
read_options "$@"
[ -n "$data$text" ] || fail "expected --data DIR, --text FILE or both"

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
# Character models, with options of groundwork charlm and the validation loss.
texts=(
  "rnn|7|1.54|RNN of 256|--cell rnn --hidden 256 --batch 64 --bptt 8 --cycle-len 1 --cycle-mult 2"
  "gru|7|1.36|GRU of 384, dropout 0.2, bptt 16|--cell gru --hidden 384 --dropout 0.2 --batch 64 --bptt 16 --lr 3e-3 --cycle-len 1 --cycle-mult 2"
  "lstm|15|1.25 to 1.3|two-layer LSTM of 512, dropout 0.5, batch 32, bptt 32|--cell lstm --layers 2 --hidden 512 --dropout 0.5 --batch 32 --bptt 32 --lr 3e-3 --cycle-len 1 --cycle-mult 2"
)

check_wanted "${ladder[@]}" "${texts[@]}"
prepare

pictures=(--folder "$data" --size 32)
if [ -e "$data/data_batch_1.bin" ] || [ -d "$data/cifar-10-batches-bin" ]; then pictures=(--cifar "$data"); fi
rung() {  # NAME EPOCHS SEED OPTION...
  train "$1" "$2" "$3" "${pictures[@]}" --batch 256 "${@:4}"
}

# As train, for a character model, which then writes a sample.
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

run_rows() {  # FUNCTION ROW...
  local function=$1 row name epochs options seed
  shift
  for row in "$@"; do
    IFS='|' read -r name epochs _ _ options <<<"$row"
    [[ $name != *+* ]] && is_needed "$name" || continue
    read -ra options <<<"$options"
    for seed in $(seeds_wanted); do "$function" "$name" "$epochs" "$seed" "${options[@]}"; done
  done
}
if [ -n "$data" ]; then run_rows rung "${ladder[@]}"; fi
if [ -n "$text" ]; then run_rows charlm "${texts[@]}"; fi

# The last validation loss of each log of a character model.
losses() {  # NAME
  local log
  for log in "$out/$1"-[0-9]*.jsonl; do
    [ -e "$log" ] || continue
    sed -n 's/.*"split":"valid","loss":\([0-9.]*\).*/\1/p' "$log" | tail -n 1
  done
}
{
  table "CIFAR-10, accuracy" accuracies "${ladder[@]}"
  echo
  table "Nietzsche, validation loss" losses "${texts[@]}"
} | tee "$out/table.md"
warn_if_quick
