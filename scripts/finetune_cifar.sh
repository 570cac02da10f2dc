#!/usr/bin/env bash
# Fine-tuning shown on CIFAR-10: resnet18 learns the first five classes from all their pictures, then the other five from a few of each,
# beside a resnet18 that learns those few from scratch. Writes a Markdown table of the accuracies.
#   scripts/finetune_cifar.sh --data DIR [--each N] [--epochs N] [--pretrain N] [--quick] [--seeds N] [--device D] [--out DIR]
#   --data      folder of pictures, train/CLASS/*.jpg and test/CLASS/*.jpg
#   --each      pictures of each of the other classes to learn from (100)
#   --epochs    from scratch, and of the fine-tuning (a quarter of them the head alone) (20)      --pretrain    of the pre-training (10)
#   --quick     a minute's version: shows that everything runs; its accuracies mean nothing
#   --seeds     runs (1), from seed 42 up; all of them begin with one pre-trained model
#   --out       where logs, weights and table.md go (finetune)
# What is finished is not run again.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0"; }
fail() { echo "finetune_cifar: $*" >&2; exit 2; }

data="" each=100 epochs=20 pretrain=10 seeds=1 out=finetune options=() pretrain_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) each=10 epochs=4 pretrain=1 pretrain_options=(--limit 500) options=(--width 0.25); shift ;;
    --data | --each | --epochs | --pretrain | --seeds | --device | --out)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --data) data=$2 ;;
        --out) out=$2 ;;
        --device) options+=("$1" "$2") ;;
        *)
          [[ $2 =~ ^[1-9][0-9]*$ ]] || fail "$1: expected a whole number above zero, not $2"
          declare "${1#--}=$2" ;;
      esac
      shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown option $1" ;;
  esac
done
first=(airplane automobile bird cat deer) others=(dog frog horse ship truck)
for class in "${first[@]}" "${others[@]}"; do
  [ -d "$data/train/$class" ] && [ -d "$data/test/$class" ] || fail "--data: \"$data\" has no train/$class and test/$class"
done
[ "$epochs" -ge 4 ] || fail "--epochs: expected at least 4, not $epochs"
data=$(cd "$data" && pwd)

groundwork=${GROUNDWORK:-build/release/groundwork}
if [ -z "${GROUNDWORK:-}" ]; then
  scripts/install_deps.sh
  scripts/build.sh release -- groundwork_cli
fi
mkdir -p "$out"

# Folders of links: all pictures of the first classes, and the first few in the order of their names of the others.
links=$(mktemp -d)
trap 'rm -rf "$links"' EXIT
mkdir -p "$links"/{first,others}/{train,valid}
for class in "${first[@]}"; do
  ln -s "$data/train/$class" "$links/first/train/$class"
  ln -s "$data/test/$class" "$links/first/valid/$class"
done
for class in "${others[@]}"; do
  mkdir "$links/others/train/$class"
  find "$data/train/$class" -type f | sort | sed -n "1,${each}p" | xargs ln -s -t "$links/others/train/$class"
  ln -s "$data/test/$class" "$links/others/valid/$class"
done

# Trains as NAME on a folder of links, unless that was done.
train() {  # NAME FOLDER OPTION...
  local run="$out/$1" folder=$2
  [ -e "$run.jsonl" ] && return
  echo "== $1"
  shift 2
  "$groundwork" train --folder "$links/$folder" --size 32 --aug crop=4,flip --aug-per image "$@" \
    --log "$run.log" --save "$run.safetensors"
  mv "$run.log" "$run.jsonl"
}

head_epochs=$((epochs / 4))
train pretrained first --model resnet18 --batch 256 --epochs "$pretrain" --lr 1e-2 "${options[@]+"${options[@]}"}" \
  "${pretrain_options[@]+"${pretrain_options[@]}"}"
for seed in $(seq 42 $((41 + seeds))); do
  few=(--batch 50 --seed "$seed")
  train "scratch-$seed" others --model resnet18 --epochs "$epochs" --lr 1e-2 "${few[@]}" "${options[@]+"${options[@]}"}"
  device=("${options[@]+"${options[@]}"}")
  [ "${device[0]-}" = --width ] && device=("${device[@]:2}")  # the weights know theirs
  train "head-$seed" others --load "$out/pretrained.safetensors" --new-head --freeze-to -1 --epochs "$head_epochs" --lr 1e-2 \
    "${few[@]}" "${device[@]+"${device[@]}"}"
  train "finetuned-$seed" others --load "$out/head-$seed.safetensors" --epochs $((epochs - head_epochs)) --lr 1e-3,3e-3,1e-2 \
    "${few[@]}" "${device[@]+"${device[@]}"}"
done

row() {  # TITLE EPOCHS NAME
  grep -h '"event":"end"' "$out/$3"*.jsonl | sed 's/.*"valid_accuracy":\([0-9.]*\).*/\1/' | awk -v title="$1 | $2" '
    NR == 1 || $1 < min {min = $1} NR == 1 || $1 > max {max = $1} {sum += $1}
    END {printf "| %s | %.4f | %.4f | %.4f | %d |\n", title, sum / NR, min, max, NR}'
}
{
  echo "| resnet18, $each pictures of each class | epochs | mean accuracy | min | max | runs |"
  echo "|--|--|--|--|--|--|"
  row "(pre-training on the first five classes, all pictures)" "$pretrain" pretrained
  row "from scratch" "$epochs" scratch-
  row "pre-trained, a new head alone" "$head_epochs" head-
  row "the same, then all layers, differential rates" "$((epochs - head_epochs)) more" finetuned-
} | tee "$out/table.md"
