#!/usr/bin/env python3
"""Trains the same models on the same batches in PyTorch and in Groundwork, turn by turn, and compares.

    python3 bench/compare_pytorch.py [--models resnet,resnet-wide,resnet-fast] [--dtypes f32,bf16] [--steps 10]

Needs a Python with torch and a release build. For every model and dtype both sides start from the same weights and take
the same AdamW steps, one after the other within each round, so that whatever else the machine does hits all alike.
PyTorch runs with contiguous and with channels-last activations, and the faster of the two counts. The losses of the
first steps must agree, or the script stops. Peak memory is that of fresh processes. Results are printed and saved as
JSON in bench/results/.
"""
import argparse
import ctypes
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

import machine
import startup
from lesson_models import MODELS, create_model

ROOT = Path(__file__).resolve().parent.parent
LEARNING_RATE = 1e-3
BATCHES = 4
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
CHECKED_STEPS = 3
# Largest relative difference of the losses of the first steps. bf16 keeps 8 bits of each number, and the two sides
# round at different places.
TOLERANCE = {"f32": 1e-3, "bf16": 3e-2}
# Idle OpenMP threads spin for some milliseconds before they sleep. A pause keeps those of one side out of the other's
# turn.
PAUSE_SECONDS = 0.05


class Failure(Exception):
    pass


# --- data and weights, which both sides read

def save_safetensors(path, tensors):
    names = {torch.float32: "F32", torch.int64: "I64"}
    header, blocks, end = {}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        block = ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size())
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [end, end + len(block)]}
        blocks.append(block)
        end += len(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blocks))


def read_idx(path, header_bytes):
    return torch.frombuffer(bytearray(gzip.open(path).read()[header_bytes:]), dtype=torch.uint8)


def load_batches(folder, size):
    """Inputs [BATCHES, size, 1, 28, 28] and labels [BATCHES, size]: Fashion-MNIST, or random bytes without it."""
    count = BATCHES * size
    images_file = folder / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    if images_file.exists():
        source = "Fashion-MNIST"
        images = read_idx(images_file, 16)[:count * 784]
        labels = read_idx(folder / "fashion-mnist" / "train-labels-idx1-ubyte.gz", 8)[:count]
    else:
        source = "random bytes"
        generator = torch.Generator().manual_seed(1)
        images = torch.randint(256, (count * 784,), dtype=torch.uint8, generator=generator)
        labels = torch.randint(10, (count,), generator=generator)
    inputs = (images.float() / 255 - 0.28) / 0.35
    return inputs.view(BATCHES, size, 1, 28, 28), labels.long().view(BATCHES, size), source


# --- the two sides. Each has a name, a step() -> (loss, seconds), and a close().

class PyTorchSide:
    def __init__(self, model_name, dtype, layout, inputs, labels, compiled=False):
        self.name = f"PyTorch {layout}" + (", compiled" if compiled else "")
        self.autocast = dtype == "bf16"
        self.inputs = [x.to(memory_format=LAYOUTS[layout]) for x in inputs]
        self.labels = labels
        model = create_model(model_name).to(memory_format=LAYOUTS[layout])
        self.model = torch.compile(model) if compiled else model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)
        self.steps = 0

    def step(self):
        batch = self.steps % BATCHES
        self.steps += 1
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
            loss = F.cross_entropy(self.model(self.inputs[batch]), self.labels[batch])
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item(), time.perf_counter() - start

    def close(self):
        pass


class GroundworkSide:
    name = "Groundwork"

    def __init__(self, program, model_name, dtype, weights, batches, threads):
        arguments = ["--model", model_name, "--dtype", dtype, "--weights", weights, "--batches", batches,
                     "--lr", str(LEARNING_RATE)]
        self.start([program, *arguments], {**os.environ, "OMP_NUM_THREADS": str(threads)})

    def start(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.versions = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"train_step ended with exit code {self.process.wait()}")
        return json.loads(line)

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        answer = self.answer()
        return answer["loss"], answer["seconds"]

    def peak_mb(self):
        return peak_mb(self.process.pid)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# --- measurements

def peak_mb(pid="self"):
    """Largest resident memory of a process so far."""
    return int(re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def take_turns(sides, rounds):
    """Rounds of one step by each side, each round begun by another; a list of (loss, seconds) for each side."""
    results = [[] for _ in sides]
    for i in range(rounds):
        for j in range(len(sides)):
            side = (i + j) % len(sides)
            results[side].append(sides[side].step())
            time.sleep(PAUSE_SECONDS)
    return results


def check_losses(names, losses, tolerance):
    """The largest relative difference between the losses of the last side and those of the others."""
    worst = 0
    for name, others in zip(names[:-1], losses[:-1]):
        for step, (theirs, ours) in enumerate(zip(others, losses[-1])):
            difference = abs(ours - theirs) / abs(theirs)
            worst = max(worst, difference)
            if not difference <= tolerance:
                raise Failure(f"losses differ at step {step}: {name} {theirs:.6f}, Groundwork {ours:.6f} "
                              f"(relative {difference:.1e}, allowed {tolerance:.0e})")
    return worst


def summarise(seconds, batch_size):
    return {"median_ms": statistics.median(seconds) * 1e3, "min_ms": min(seconds) * 1e3,
            "images_per_second": batch_size / statistics.median(seconds), "all_ms": [s * 1e3 for s in seconds]}


def measure_pytorch_memory(model_name, dtype, layout, options):
    """Peak and starting memory (Python with torch imported, model and data loaded) of a fresh process in MB."""
    command = [sys.executable, __file__, "--memory-of", f"{model_name},{dtype},{layout}", "--data", str(options.data),
               "--batch", str(options.batch), "--threads", str(options.threads)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        raise Failure(f"the process that measures PyTorch's memory ended with exit code {run.returncode}")
    return json.loads(run.stdout)


def report_own_memory(options):
    """What the fresh process started above does."""
    model_name, dtype, layout = options.memory_of.split(",")
    inputs, labels, _ = load_batches(options.data, options.batch)
    side = PyTorchSide(model_name, dtype, layout, inputs, labels)
    start = peak_mb()
    for _ in range(CHECKED_STEPS):
        side.step()
    print(json.dumps({"start_mb": start, "peak_mb": peak_mb()}))


def compare(model_name, dtype, inputs, labels, options, folder):
    weights, batches = str(folder / "weights.safetensors"), str(folder / "batches.safetensors")
    save_safetensors(weights, {name: t for name, t in create_model(model_name).state_dict().items()})
    save_safetensors(batches, {"inputs": inputs, "labels": labels})

    sides = [PyTorchSide(model_name, dtype, layout, inputs, labels) for layout in LAYOUTS]
    if options.compile:
        sides.append(PyTorchSide(model_name, dtype, "channels-last", inputs, labels, compiled=True))
    groundwork = GroundworkSide(options.train_step, model_name, dtype, weights, batches, options.threads)
    sides.append(groundwork)

    warm_up = take_turns(sides, CHECKED_STEPS)
    names = [side.name for side in sides]
    losses = [[loss for loss, _ in steps] for steps in warm_up]
    difference = check_losses(names, losses, TOLERANCE[dtype])
    seconds = [[s for _, s in steps] for steps in take_turns(sides, options.steps)]
    groundwork.close()

    results = {name: summarise(s, options.batch) for name, s in zip(names, seconds)}
    best = min(range(len(LAYOUTS)), key=lambda i: statistics.median(seconds[i]))
    speedups = [theirs / ours for theirs, ours in zip(seconds[best], seconds[-1])]
    result = {"model": model_name, "dtype": dtype, "sides": results, "best_pytorch": names[best],
              "speedup_median": statistics.median(speedups), "speedup_of_min": min(seconds[best]) / min(seconds[-1]),
              "first_losses": dict(zip(names, losses)), "loss_difference": difference, "versions": groundwork.versions}

    if not options.no_memory:
        fresh = GroundworkSide(options.train_step, model_name, dtype, weights, batches, options.threads)
        start = fresh.peak_mb()
        for _ in range(CHECKED_STEPS):
            fresh.step()
        result["memory"] = {"Groundwork": {"start_mb": start, "peak_mb": fresh.peak_mb()}}
        fresh.close()
        layout = list(LAYOUTS)[best]
        result["memory"]["PyTorch"] = measure_pytorch_memory(model_name, dtype, layout, options)
    return result


# --- the table

COLUMNS = "{:<12} {:<5} {:<26} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9}"


def print_result(result):
    for name, side in result["sides"].items():
        is_ours, is_best = name == GroundworkSide.name, name == result["best_pytorch"]
        memory = result.get("memory", {}).get("Groundwork" if is_ours else "PyTorch") if is_ours or is_best else None
        print(COLUMNS.format(
            result["model"], result["dtype"], name + (" (best)" if is_best else ""), f"{side['median_ms']:.0f}",
            f"{side['min_ms']:.0f}", f"{side['images_per_second']:.0f}",
            f"{result['speedup_median']:.2f}" if is_ours else "",
            f"{memory['peak_mb']:.0f}" if memory else "",
            f"{memory['peak_mb'] - memory['start_mb']:.0f}" if memory else ""))
    print(f"{'':<18} losses of the first {CHECKED_STEPS} steps agree within {result['loss_difference']:.1e}", flush=True)


def parse_options():
    def names(allowed):
        def parse(text):
            chosen = text.split(",")
            for name in chosen:
                if name not in allowed:
                    raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(allowed)}")
            return chosen
        return parse

    default_data = os.environ.get("GROUNDWORK_DATA", "/usr/share/datasets")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=names(MODELS), default=["resnet", "resnet-wide", "resnet-fast"])
    parser.add_argument("--dtypes", type=names(TOLERANCE), default=list(TOLERANCE))
    parser.add_argument("--steps", type=int, default=10, help="timed steps, after %d others" % CHECKED_STEPS)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(default_data), help="folder that holds fashion-mnist/")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="folder of the release build")
    parser.add_argument("--compile", action="store_true", help="also run PyTorch's model through torch.compile")
    parser.add_argument("--no-memory", action="store_true", help="do not measure peak memory")
    parser.add_argument("--out", type=Path, help="file for the results, instead of bench/results/DATE.json")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.train_step = str(options.build / "bench" / "train_step")
    return options


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        return report_own_memory(options)
    if not Path(options.train_step).exists():
        raise Failure(f"{options.train_step} is missing: build the preset release first")

    inputs, labels, source = load_batches(options.data, options.batch)
    about = {"machine": machine.describe(), "threads": options.threads, "batch": options.batch, "data": source,
             "torch": torch.__version__,
             "torch_onednn": machine.first_match(r"MKL-DNN v(\S+)", torch.__config__.show())}
    for key, value in about["machine"].items():
        print(f"{key}: {value}")
    print(f"PyTorch {about['torch']} with oneDNN {about['torch_onednn']}, {options.threads} threads, "
          f"batch {options.batch} of {source}, AdamW (PyTorch's fused one)\n")
    print(COLUMNS.format("model", "dtype", "side", "median ms", "min ms", "images/s", "speed-up", "peak MB", "step's MB"))

    results = []
    with tempfile.TemporaryDirectory() as folder:
        for model_name in options.models:
            for dtype in options.dtypes:
                results.append(compare(model_name, dtype, inputs, labels, options, Path(folder)))
                print_result(results[-1])

    groundwork = options.build / "groundwork"
    model_name, dtype = max(options.models, key="resnet-wide".__eq__), options.dtypes[0]
    if groundwork.exists():
        about["startup"] = startup.measure(str(groundwork), model_name, dtype, options.data, options.batch, options.threads)
        if about["startup"]:
            print("\ngroundwork train --model {} --dtype {}: the first step begins {first_step_begins_s:.2f} s after the "
                  "start and ends at {first_step_ends_s:.2f} s".format(model_name, dtype, **about["startup"]))

    out = options.out or ROOT / "bench" / "results" / f"{about['machine']['date'].replace(':', '')}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"about": about, "results": results}, indent=1) + "\n")
    print(f"\nsaved as {out}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"compare_pytorch: {failure}")
