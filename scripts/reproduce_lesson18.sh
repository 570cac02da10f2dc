#!/usr/bin/env bash
# Trains every row of the results table of the course's lesson 18, then our recipes, and writes a Markdown table of the published
# accuracies and ours.
#   scripts/reproduce_lesson18.sh [--ablation] [--quick] [--seeds N] [--device D] [--dtype T] [--out DIR] [ROW...]
#   --ablation  instead, what each idea of the recipe fast5 adds to those before it, judged by a held-out tenth of the training images
#   --quick   a minute's version on a few images: shows that everything runs; its accuracies mean nothing
#   --seeds   runs of each row (1), from seed 42 up      --device, --dtype   as of groundwork train (cpu, f32)
#   --out     where logs, weights and the table, lesson.md or ablation.md, go (lesson18)
#   ROW       rows to run, by name (all of them)
# What is finished is not run again: called a second time, it goes on where it was stopped, after the last whole epoch.
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/reproduce_rows.sh
out=lesson18 set=lesson arguments=()
for argument in "$@"; do
  if [ "$argument" = --ablation ]; then set=ablation; else arguments+=("$argument"); fi
done
read_options "${arguments[@]+"${arguments[@]}"}"

# As in reproduce_rows.sh; and "+ensemble" is the accuracy of two runs of different seeds averaged.
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
# Each has the options of the row before it, too, but a model starts anew.
steps=(
  "base|resnet-wide as in the lesson|--model resnet-wide --lr 1e-2"
  "resnet9|resnet9 at half its width instead|--model resnet9 --width 0.5 --lr 1e-2"
  "batch|batches of 128|--batch 128"
  "decay|weight decay 0.05|--wd 0.05"
  "smooth|label smoothing|--label-smoothing 0.1"
  "flip|each image flipped or not|--aug flip --aug-per image --tta"
  "flip+tta|test time augmentation|"
)
if [ "$set" = ablation ]; then
  rows=()
  for step in "${steps[@]}"; do
    IFS='|' read -r name title added <<<"$step"
    [[ $added == --model* ]] && options=--holdout
    options="$options $added"
    rows+=("$name|5||$title|$options")
  done
fi

check_wanted "${rows[@]}"
prepare

# Averages the predictions of the runs of NAME with two seeds; leaves the accuracy in a file.
ensemble() {  # NAME SEED SEED
  local result="$out/$1-$2+$3.accuracy"
  [ -e "$result" ] && return
  echo "== $1, ensemble of seeds $2 and $3"
  local small=()
  [ ${#quick[@]} -gt 0 ] && small=("${quick[@]}" --batch 256)
  "$groundwork" eval --load "$out/$1-$2.safetensors" --load "$out/$1-$3.safetensors" "${device[@]+"${device[@]}"}" \
    "${dtype[@]+"${dtype[@]}"}" "${small[@]+"${small[@]}"}" | tee "$result.part"
  sed -n 's/^ensemble.* accuracy //p' "$result.part" >"$result"
  rm "$result.part"
}

has_ensemble() { printf '%s\n' "${rows[@]}" | grep -q "^$1+ensemble|"; }  # NAME
for row in "${rows[@]}"; do
  IFS='|' read -r name epochs _ _ options <<<"$row"
  is_needed "$name" || continue
  case $name in
    *+tta) ;;
    *+ensemble) for seed in $(seeds_wanted); do ensemble "${name%+*}" "$seed" $((seed + 100)); done ;;
    *)
      read -ra options <<<"$options"
      for seed in $(seeds_wanted); do
        train "$name" "$epochs" "$seed" "${options[@]}"
        if has_ensemble "$name"; then train "$name" "$epochs" $((seed + 100)) "${options[@]}"; fi
      done ;;
  esac
done

figures() {  # NAME
  case $1 in
    *+ensemble) cat "$out/${1%+*}"-*.accuracy 2>/dev/null ;;
    *) accuracies "$1" ;;
  esac
}
table experiment figures "${rows[@]}" | tee "$out/$set.md"
warn_if_quick
