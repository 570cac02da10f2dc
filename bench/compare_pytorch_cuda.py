#!/usr/bin/env python3
"""Trains the same models on the same batches on a GPU, in PyTorch and in Groundwork, and compares.

    python3 bench/compare_pytorch_cuda.py BUILD OUT.json [--models resnet-wide] [--precisions f32,tf32,bf16]

BUILD is the folder of a build of the preset cuda. PyTorch runs in channels-last layout: eagerly, through torch.compile
with CUDA graphs (mode="reduce-overhead"), and with the whole step captured in one CUDA graph. Groundwork runs eagerly
and with --graph. Both sides use the same precision. The losses of the first steps must agree, or the script stops. Each
round times a run of steps of every side, with one wait at its end; the median of the rounds counts.
"""
import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from compare_pytorch import (BATCHES, CHECKED_STEPS, LEARNING_RATE, Failure, GroundworkSide, check_losses, load_batches,
                             save_safetensors)
from lesson_models import MODELS, create_model

# Largest relative difference of the losses of the first steps.
TOLERANCE = {"f32": 1e-3, "tf32": 1e-2, "bf16": 3e-2}


class PyTorchSide:
    """One way to train in PyTorch: "eager", "compiled" or "graph"."""

    def __init__(self, way, model_name, precision, inputs, labels):
        self.name = f"PyTorch {way}"
        self.way = way
        self.autocast = precision == "bf16"
        self.inputs = [x.cuda().to(memory_format=torch.channels_last) for x in inputs]
        self.labels = [y.cuda() for y in labels]
        model = create_model(model_name).cuda().to(memory_format=torch.channels_last)
        self.model = torch.compile(model, mode="reduce-overhead") if way == "compiled" else model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True, capturable=way == "graph")
        self.steps = 0
        self.graph = None

    def forward_and_backward(self, x, y):
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.autocast):
            loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        return loss.detach()

    def eager(self, x, y):
        loss = self.forward_and_backward(x, y)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def replay(self, x, y):
        if self.graph is None:
            self.x, self.y = x.clone(), y.clone()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.loss = self.eager(self.x, self.y)
        self.x.copy_(x)
        self.y.copy_(y)
        self.graph.replay()
        return self.loss

    def one(self):
        batch = self.steps % BATCHES
        self.steps += 1
        x, y = self.inputs[batch], self.labels[batch]
        if self.way != "graph":
            return self.eager(x, y)
        if self.steps > CHECKED_STEPS:
            return self.replay(x, y)
        # Warming up for a capture has to happen in another stream.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            loss = self.eager(x, y)
        torch.cuda.current_stream().wait_stream(stream)
        return loss

    def run(self, count):
        start = time.perf_counter()
        for _ in range(count):
            loss = self.one()
        value = loss.item()
        return value, (time.perf_counter() - start) / count

    def launches(self):
        """Kernels, copies and fills that one eager step gives to the device."""
        from torch.profiler import ProfilerActivity, profile
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            self.run(1)
        return sum(event.count for event in profiler.key_averages() if event.device_time_total > 0)

    def close(self):
        pass


class GroundworkCudaSide(GroundworkSide):
    def __init__(self, build, way, model_name, precision, weights, batches):
        arguments = ["--model", model_name, "--dtype", "bf16" if precision == "bf16" else "f32", "--weights", weights,
                     "--batches", batches, "--lr", str(LEARNING_RATE), "--device", "cuda"]
        arguments += ["--graph"] if way == "graph" else []
        arguments += ["--tf32"] if precision == "tf32" else []
        self.start([str(build / "bench" / "train_step"), *arguments], os.environ)
        self.name = f"Groundwork {way}"

    def run(self, count):
        self.process.stdin.write(f"steps {count}\n")
        self.process.stdin.flush()
        answer = self.answer()
        self.operations = answer["operations"]
        return answer["loss"], answer["seconds"]


def compare(model_name, precision, inputs, labels, options, folder):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    weights, batches = str(folder / "weights.safetensors"), str(folder / "batches.safetensors")
    save_safetensors(weights, create_model(model_name).state_dict())
    save_safetensors(batches, {"inputs": inputs, "labels": labels})
    sides = [PyTorchSide(way, model_name, precision, inputs, labels) for way in ("eager", "compiled", "graph")]
    sides += [GroundworkCudaSide(options.build, way, model_name, precision, weights, batches)
              for way in ("eager", "graph")]

    names = [side.name for side in sides]
    losses = [[side.run(1)[0] for _ in range(CHECKED_STEPS)] for side in sides]
    difference = check_losses(names, losses, TOLERANCE[precision])
    for side in sides:
        side.run(10)
    seconds = {name: [] for name in names}
    for _ in range(options.rounds):
        for side in sides:
            seconds[side.name].append(side.run(options.steps)[1])
    median = {name: statistics.median(values) for name, values in seconds.items()}
    ours = min(median["Groundwork eager"], median["Groundwork graph"])
    result = {"model": model_name, "precision": precision, "seconds": seconds,
              "median_ms": {name: value * 1e3 for name, value in median.items()},
              "speedup_over": {name: m / ours for name, m in median.items() if name.startswith("PyTorch")},
              "first_losses": dict(zip(names, losses)), "loss_difference": difference,
              "launches": {"PyTorch eager": sides[0].launches(), "Groundwork": sides[-1].operations}}
    for side in sides:
        side.close()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", default="resnet,resnet-wide,resnet-fast")
    parser.add_argument("--precisions", default="f32,tf32,bf16")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=30, help="of each side in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GROUNDWORK_DATA", "/usr/share/datasets")))
    options = parser.parse_args()
    inputs, labels, source = load_batches(options.data, options.batch)
    print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}, batch {options.batch} of {source}, AdamW")
    results = []
    for model_name in options.models.split(","):
        assert model_name in MODELS, model_name
        for precision in options.precisions.split(","):
            with tempfile.TemporaryDirectory() as folder:
                result = compare(model_name, precision, inputs, labels, options, Path(folder))
            results.append(result)
            times = "  ".join(f"{name} {ms:.2f}" for name, ms in result["median_ms"].items())
            print(f"{model_name:<12} {precision:<5} ms: {times}  losses within {result['loss_difference']:.1e}  "
                  f"operations {result['launches']}", flush=True)
            options.out.write_text(json.dumps({"torch": torch.__version__, "batch": options.batch, "data": source,
                                               "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        raise SystemExit(f"compare_pytorch_cuda: {failure}")
