#!/usr/bin/env bash
# Trains every row of the results table of the course's lesson 18, then our recipes, and writes a Markdown table of the published
# accuracies and ours.
#   scripts/reproduce_lesson18.sh [--ablation] [--quick] [--seeds N] [--device D] [--dtype T] [--out DIR] [ROW...]
#   --ablation  instead, what each of the recipes' ideas adds to those before it, on resnet, judged by a held-out tenth of the training images
#   --quick   a minute's version on a few images: shows that everything runs; its accuracies mean nothing
#   --seeds   runs of each row (1), from seed 42 up      --device, --dtype   as of groundwork train (cpu, f32)
#   --out     where logs, weights and the table, lesson.md or ablation.md, go (lesson18)
#   ROW       rows to run, by name (all of them)
# What is finished is not run again: called a second time, it goes on where it was stopped, after the last whole epoch.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,10s/^# \{0,1\}//p' "$0"; }
fail() { echo "reproduce_lesson18: $*" >&2; exit 2; }

seeds=1 out=lesson18 quick=() compute=() wanted=() set=lesson
while [ $# -gt 0 ]; do
  case $1 in
    --ablation) set=ablation; shift ;;
    --quick) quick=(--limit 1000); shift ;;
    --seeds | --device | --dtype | --out)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --seeds) seeds=$2; [[ $seeds =~ ^[1-9][0-9]*$ ]] || fail "--seeds: expected a whole number above zero, not $2" ;;
        --out) out=$2 ;;
        *) compute+=("$1" "$2") ;;
      esac
      shift 2 ;;
    -h | --help) usage; exit 0 ;;
    -*) fail "unknown option $1" ;;
    *) wanted+=("$1"); shift ;;
  esac
done

groundwork=${GROUNDWORK:-build/release/groundwork}
if [ -z "${GROUNDWORK:-}" ]; then
  scripts/install_deps.sh
  scripts/build.sh release -- groundwork_cli
fi
mkdir -p "$out"

# The rows: name | epochs | published | what it is | options of groundwork train. A name with "+" is a second figure of the runs of
# the row before the "+": tta, their accuracy with test time augmentation, or ensemble, two runs of different seeds averaged.
rows=(
  "convnet|5|0.917|convnet|--model convnet --lr 6e-2"
  "resnet|5|0.928|resnet|--model resnet --lr 2e-2"
  "resnet18d|5|0.920|timm's resnet18d|--model resnet18d --lr 2e-2"
  "resnet-wide|5|0.934|resnet-wide|--model resnet-wide --lr 1e-2"
  "resnet-gap|5|0.929|resnet-gap|--model resnet-gap --lr 1e-2"
  "resnet-slim|5|0.930|resnet-slim|--model resnet-slim --lr 1e-2"
  "resnet-fast|5|0.928|resnet-fast|--model resnet-fast --lr 1e-2"
  "resnet-drop|5|0.932|resnet-drop, p = 0.1|--model resnet-drop --drop 0.1 --lr 1e-2"
  "augment|20|0.943|resnet-wide, crop and flip|--model resnet-wide --lr 1e-2 --aug crop,flip --tta"
  "augment+tta|20|0.945|the same, with test time augmentation|"
  "erase|50|0.949|resnet-wide, crop, flip and random erase|--model resnet-wide --lr 2e-2 --aug crop,flip,erase"
  "copy|25|0.944|resnet-wide, crop, flip and random copy|--model resnet-wide --lr 1e-2 --aug crop,flip,copy"
  "copy+ensemble|25+25|0.947|two such runs averaged|"
  "fast5|5||recipe fast5|--recipe fast5"
  "fast5+tta|5||the same, with test time augmentation|"
  "best20|20||recipe best20|--recipe best20"
  "best20+tta|20||the same, with test time augmentation|"
  "best50|50||recipe best50|--recipe best50"
  "best50+tta|50||the same, with test time augmentation|"
)
# Each has the options of the row before it, too.
steps=(
  "base|resnet as in the lesson|--model resnet"
  "batch|batches of 256, half the learning rate|--batch 256 --lr 1e-2"
  "zero-init|blocks that begin as the identity|--zero-init"
  "smooth|label smoothing|--label-smoothing 0.1"
  "excite|squeeze and excitation|--squeeze-excite"
  "flip|each image flipped or not|--aug flip --aug-per image --tta-views 10"
  "flip+tta|test time augmentation, 10 views|"
)
if [ "$set" = ablation ]; then
  rows=() options=--holdout
  for step in "${steps[@]}"; do
    IFS='|' read -r name title added <<<"$step"
    options="$options $added"
    rows+=("$name|5||$title|$options")
  done
fi

names=$(printf '%s\n' "${rows[@]}" | cut -d'|' -f1)
for name in "${wanted[@]+"${wanted[@]}"}"; do
  grep -qxF -- "$name" <<<"$names" || fail "no row \"$name\"; there are: ${names//$'\n'/, }"
done
is_wanted() {  # NAME
  [ ${#wanted[@]} -eq 0 ] || printf '%s\n' "${wanted[@]}" | grep -qxF -- "$1"
}

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
    local small=("${quick[@]+"${quick[@]}"}")
    [[ ${#quick[@]} -gt 0 && " $* " != *" --batch "* ]] && small+=(--batch 256)
    "$groundwork" train --epochs "$epochs" --seed "$seed" "$@" "${compute[@]+"${compute[@]}"}" \
      "${small[@]+"${small[@]}"}" "${files[@]}"
  fi
  mv "$run.log" "$run.jsonl"
  rm -f "$run.checkpoint"
}

# Averages the predictions of the runs of NAME with two seeds; leaves the accuracy in a file.
ensemble() {  # NAME SEED SEED
  local result="$out/$1-$2+$3.accuracy"
  [ -e "$result" ] && return
  echo "== $1, ensemble of seeds $2 and $3"
  "$groundwork" eval --load "$out/$1-$2.safetensors" --load "$out/$1-$3.safetensors" "${compute[@]+"${compute[@]}"}" \
    "${quick[@]+"${quick[@]}"}" | tee "$result.part"
  sed -n 's/^ensemble.* accuracy //p' "$result.part" >"$result"
  rm "$result.part"
}

last_seed=$((41 + seeds))
for row in "${rows[@]}"; do
  IFS='|' read -r name epochs _ _ options <<<"$row"
  is_wanted "$name" || [[ $name != *+* && " ${wanted[*]-} " == *" $name+"* ]] || continue
  case $name in
    *+tta) ;;
    *+ensemble) for seed in $(seq 42 "$last_seed"); do ensemble "${name%+*}" "$seed" $((seed + 100)); done ;;
    *)
      read -ra options <<<"$options"
      for seed in $(seq 42 "$last_seed"); do
        train "$name" "$epochs" "$seed" "${options[@]}"
        [[ $names == *"$name+ensemble"* ]] && train "$name" "$epochs" $((seed + 100)) "${options[@]}"
      done ;;
  esac
done

# The figures of a row's runs, one a line: of each log the last accuracy, or that with test time augmentation; of an ensemble its own.
accuracies() {  # NAME
  local run=${1%+*}
  case $1 in
    *+tta) sed -n 's/.*"event":"end".*"tta_accuracy":\([0-9.]*\).*/\1/p' "$out/$run"-[0-9]*.jsonl ;;
    *+ensemble) cat "$out/$run"-*.accuracy ;;
    *) sed -n 's/.*"event":"end","[a-z]*_accuracy":\([0-9.]*\).*/\1/p' "$out/$run"-[0-9]*.jsonl ;;
  esac 2>/dev/null
}
# Seconds of training and validation of one run of a row, the mean.
seconds() {  # NAME
  local files=("$out/$1"-[0-9]*.jsonl)
  grep -h '"event":"epoch"' "${files[@]}" | sed 's/.*"seconds":\([0-9.]*\).*/\1/' |
    awk -v runs=${#files[@]} '{sum += $1} END {printf "%.0f", sum / runs}'
}

{
  echo "| experiment | epochs | published | mean | min | max | runs | seconds of one |"
  echo "|--|--|--|--|--|--|--|--|"
  for row in "${rows[@]}"; do
    IFS='|' read -r name epochs published title _ <<<"$row"
    figures=$(accuracies "$name") || true
    [ -n "$figures" ] || continue
    time=""
    [[ $name == *+* ]] || time=$(seconds "$name")
    awk -v row="$title | $epochs | $published" -v time="$time" '
      NR == 1 || $1 < min {min = $1} NR == 1 || $1 > max {max = $1} {sum += $1}
      END {printf "| %s | %.4f | %.4f | %.4f | %d | %s |\n", row, sum / NR, min, max, NR, time}' <<<"$figures"
  done
} | tee "$out/$set.md"
[ ${#quick[@]} -eq 0 ] || echo "A quick run on few images: the accuracies say only that everything ran."
