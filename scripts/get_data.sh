#!/usr/bin/env bash
# Downloads a data set into ~/.cache/groundwork: scripts/get_data.sh fashion-mnist
set -euo pipefail

name=${1:-}
if [ "$name" != "fashion-mnist" ]; then
  echo "get_data: expected fashion-mnist, got '${name}'" >&2
  exit 2
fi

download() {  # URL FILE
  if command -v curl >/dev/null; then
    curl --fail --location --silent --show-error --output "$2" "$1"
  else
    wget --quiet --output-document "$2" "$1"
  fi
}

target=$HOME/.cache/groundwork/$name
source=https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion
mkdir -p "$target"
for file in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
  [ -f "$target/$file.gz" ] && continue
  part=$target/$file.gz.part
  if ! download "$source/$file.gz" "$part" || ! gzip -t "$part"; then
    rm -f "$part"
    echo "get_data: $file.gz could not be downloaded; on Debian the package dataset-fashion-mnist has it too" >&2
    exit 1
  fi
  mv "$part" "$target/$file.gz"
done
echo "get_data: $target is complete"
