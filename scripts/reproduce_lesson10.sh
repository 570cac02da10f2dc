#!/usr/bin/env bash
# Runs the experiments of the course's lesson 10 on Fashion-MNIST: norms with two images a batch, "best in one epoch", and what
# activations are like under different initialisations. Writes a Markdown table, a chart of the losses, and the charts of each
# initialisation.
#   scripts/reproduce_lesson10.sh [--quick] [--device D] [--out DIR] [ROW...]
#   --quick   a minute's version on a few images: shows that everything runs; its accuracies mean nothing
#   --device  as of groundwork train (cpu)
#   --out     where logs, charts and table.md go (lesson10)
#   ROW       rows to run, by name (all of them)
# What is finished is not run again: called a second time, it goes on where it was stopped.
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/reproduce_rows.sh
out=lesson10
read_options "$@"
[ "$seeds" = 1 ] && [ ${#dtype[@]} -eq 0 ] || fail "expected neither --seeds nor --dtype: each experiment is one run in f32"

# The rows: name | what it is | options of groundwork train. All are one epoch of lesson 10's net, with plain SGD.
two="--batch 2 --lr 0.4 --sched constant --log-every 300"
init="--batch 512 --lr 0.1 --sched constant --norm none --stats ReLU,GeneralRelu"
rows=(
  "two-batch|batches of 2, rate 0.4: batch norm|--norm batch $two"
  "two-running|batches of 2, rate 0.4: running batch norm|--norm running $two"
  "two-group|batches of 2, rate 0.4: group norm|--norm group $two"
  "two-layer|batches of 2, rate 0.4: layer norm|--norm layer $two"
  "two-instance|batches of 2, rate 0.4: instance norm|--norm instance $two"
  "two-none|batches of 2, rate 0.4: no norm|--norm none $two"
  "best-batch|batches of 32, rate 1 to 0.2: batch norm|--norm batch --batch 32 --lr 1 --sched linear"
  "best-running|batches of 32, rate 1 to 0.2: running batch norm|--norm running --batch 32 --lr 1 --sched linear"
  "init-default|batches of 512, rate 0.1, no norm: ReLU, PyTorch's weights|$init --act relu --init default"
  "init-kaiming|batches of 512, rate 0.1, no norm: GeneralRelu, Kaiming|$init --act general-relu:0.1:0.4 --init kaiming-normal"
  "init-lsuv|batches of 512, rate 0.1, no norm: GeneralRelu, LSUV|$init --act general-relu:0.1:0.4 --init lsuv"
)

check_wanted "${rows[@]}"
prepare

for row in "${rows[@]}"; do
  IFS='|' read -r name title options <<<"$row"
  is_wanted "$name" || continue
  [ -e "$out/$name.jsonl" ] && continue
  echo "== $title"
  read -ra options <<<"$options"
  [[ $name == init-* ]] && options+=(--plots "$out/$name")
  # A run whose loss is no longer a number ends with an error: that is a result too.
  if "$groundwork" train --model small-cnn --opt sgd --epochs 1 --seed 42 "${options[@]}" "${device[@]+"${device[@]}"}" \
      "${quick[@]+"${quick[@]}"}" --log "$out/$name.log" 2>&1 | tee "$out/$name.txt"; then
    :
  elif ! grep -q "the loss became" "$out/$name.txt"; then
    exit 1
  fi
  mv "$out/$name.log" "$out/$name.jsonl"
done

# The last line with FIELD in a log: its value.
field() {  # NAME PATTERN FIELD
  sed -n "/$2/s/.*\"$3\":\([-+0-9.e]*\).*/\1/p" "$out/$1.jsonl" | tail -1
}

{
  echo "| experiment | loss in training | accuracy in validation | seconds |"
  echo "|--|--|--|--|"
  for row in "${rows[@]}"; do
    IFS='|' read -r name title _ <<<"$row"
    [ -e "$out/$name.jsonl" ] || continue
    accuracy=$(field "$name" '"event":"end"' valid_accuracy)
    if [ -z "$accuracy" ]; then
      echo "| $title | diverged | | |"
    else
      printf '| %s | %.3f | %.4f | %.0f |\n' "$title" "$(field "$name" '"split":"train"' loss)" "$accuracy" \
        "$(field "$name" '"event":"end"' train_seconds)"
    fi
  done
} | tee "$out/table.md"

# The losses of the runs with two images a batch, as a chart.
if command -v gnuplot >/dev/null && compgen -G "$out/two-*.jsonl" >/dev/null; then
  {
    echo "set terminal pngcairo size 1000,540; set output '$out/two.png'"
    echo "set title 'Batches of two images, learning rate 0.4: mean loss of every 300 steps'"
    echo "set xlabel 'step'; set ylabel 'loss'; set yrange [0:2.6]; set grid; set key outside right"
    plots=()
    for name in batch running group layer instance none; do
      [ -e "$out/two-$name.jsonl" ] || continue
      sed -n 's/.*"event":"steps".*"step":\([0-9]*\).*"loss":\([-+0-9.e]*\).*/\1 \2/p' "$out/two-$name.jsonl" >"$out/two-$name.data"
      [ -s "$out/two-$name.data" ] && plots+=("'$out/two-$name.data' with lines linewidth 2 title '$name'")
    done
    (IFS=,; echo "plot ${plots[*]}")
  } | gnuplot
  echo "chart: $out/two.png"
fi
warn_if_quick
