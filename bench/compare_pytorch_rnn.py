#!/usr/bin/env python3
"""Times a training pass (forward and backward) of recurrent layers in PyTorch and in Groundwork, turn by turn.

    python3 bench/compare_pytorch_rnn.py [--cells GRU,LSTM] [--rounds 5] [--threads 2] [--build build/release]

Needs a Python with torch and a release build. Input and hidden size are equal, one layer. Both sides take turns within
each round, so that whatever else the machine does hits both alike; the fastest time of each counts. Prints a Markdown
table with the ratio of PyTorch's time to Groundwork's.
"""
import argparse
import json
import os
import subprocess
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
SIZES = [(batch, steps, hidden) for batch in (64, 512) for steps in (8, 64) for hidden in (256, 512)]
SECONDS = 1.0  # of each side's turn


def pytorch_milliseconds(cell, batch, steps, hidden):
    layer = getattr(torch.nn, cell)(hidden, hidden)
    x = torch.randn(steps, batch, hidden, requires_grad=True)
    dy = torch.randn(steps, batch, hidden)
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end or best == float("inf"):
        layer.zero_grad()
        x.grad = None
        start = time.perf_counter()
        layer(x)[0].backward(dy)
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def groundwork_milliseconds(build, cell, batch, steps, hidden, threads):
    """The fastest of a few repetitions."""
    name = f"^{cell}/batch:{batch}/steps:{steps}/hidden:{hidden}/bf16:0/"
    command = [
        build / "bench/recurrent_bench",
        f"--benchmark_filter={name}",
        "--benchmark_format=json",
        f"--benchmark_min_time={SECONDS / 5}",
        "--benchmark_repetitions=5",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    times = [b["real_time"] for b in json.loads(run.stdout)["benchmarks"] if b["run_type"] == "iteration"]
    return min(times)


def main():
    parser = argparse.ArgumentParser(description="Compare recurrent layers with PyTorch's.")
    parser.add_argument("--cells", default="GRU,LSTM")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| cell | batch | steps | hidden | PyTorch, ms | Groundwork, ms | ratio |")
    print("|--|--:|--:|--:|--:|--:|--:|")
    for cell in options.cells.split(","):
        for sizes in SIZES:
            theirs, ours = float("inf"), float("inf")
            for _ in range(options.rounds):
                theirs = min(theirs, pytorch_milliseconds(cell, *sizes))
                ours = min(ours, groundwork_milliseconds(options.build, cell, *sizes, options.threads))
            print(
                f"| {cell} | {sizes[0]} | {sizes[1]} | {sizes[2]} | {theirs:.1f} | {ours:.1f} | {theirs / ours:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
