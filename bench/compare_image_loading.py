#!/usr/bin/env python3
"""Reads a folder of pictures with torchvision's ImageFolder and with Groundwork, turn by turn, with as many workers.

    python3 bench/compare_image_loading.py FOLDER [--size N] [--workers N] [--limit N] [--rounds N]

FOLDER has one folder per class. Both sides decode each picture, resize it so that its shorter side fits, crop the middle
and give batches of 64 as bytes. Workers are started before the clock on PyTorch's side, by a first batch; Groundwork's
are threads, started within it. Needs torch and torchvision.
"""
import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

import torch
from torchvision import datasets, transforms

BATCH = 64


class PyTorchSide:
    def __init__(self, options):
        size = options.size
        steps = [transforms.Resize(size), transforms.CenterCrop(size), transforms.PILToTensor()]
        data = datasets.ImageFolder(options.folder, transforms.Compose(steps))
        if options.limit < len(data):
            data = torch.utils.data.Subset(data, [i * len(data) // options.limit for i in range(options.limit)])
        self.loader = torch.utils.data.DataLoader(data, BATCH, num_workers=options.workers, persistent_workers=True)
        next(iter(self.loader))

    def images_per_second(self):
        start = time.perf_counter()
        images = sum(x.shape[0] for x, _ in self.loader)
        return images / (time.perf_counter() - start)


class GroundworkSide:
    def __init__(self, options):
        self.command = [str(options.build / "bench" / "image_loading"), str(options.folder), "--size", str(options.size),
                        "--workers", str(options.workers), "--limit", str(options.limit), "--batch", str(BATCH)]

    def images_per_second(self):
        result = json.loads(subprocess.run(self.command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        return result["images"] / result["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=Path("build/release"))
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sides = [PyTorchSide(options), GroundworkSide(options)]
    rounds = [[side.images_per_second() for side in sides] for _ in range(options.rounds)]
    theirs, ours = (statistics.median(values) for values in zip(*rounds))
    ratio = statistics.median(b / a for a, b in rounds)
    print(f"{options.workers} workers, {options.size} x {options.size}: PyTorch {theirs:.0f} images/s, "
          f"Groundwork {ours:.0f}, {ratio:.2f} times as many")


if __name__ == "__main__":
    main()
