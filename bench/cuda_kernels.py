#!/usr/bin/env python3
"""Times Groundwork's CUDA kernels and PyTorch's for the same work, beside the device's copy bandwidth.

    python3 bench/cuda_kernels.py BUILD OUT.json

BUILD is the folder of a build of the preset cuda. "of copy" is a kernel's speed in bytes per second, counting what it
has to read and write, by that of a device-to-device copy of 1 GiB.
"""
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def seconds_of(function, rounds=7, calls=20):
    function()
    torch.cuda.synchronize()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / calls)
    return statistics.median(times)


def copy_bandwidth():
    source = torch.empty(2**30, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    return 2 * source.numel() / seconds_of(lambda: target.copy_(source))


def general_relu(x):
    return F.leaky_relu(x, 0.1).sub_(0.4)


def pytorch_call(op, dtype, shape):
    """What PyTorch does for the same result, eagerly; None where it has no counterpart."""
    if op in ("softmax", "cross_entropy"):
        x, targets = torch.randn(shape, device="cuda"), torch.randint(shape[1], (shape[0],), device="cuda")
        return {"softmax": lambda: torch.softmax(x, 1), "cross_entropy": lambda: F.cross_entropy(x, targets)}[op]
    if op == "adamw":
        params = []
        for part in (2, 4, 8, 16, 32, 64):
            for _ in range(8):
                params.append(torch.randn(shape[0] * 2 // part, device="cuda", requires_grad=True))
                params[-1].grad = torch.ones_like(params[-1])
        return torch.optim.AdamW(params, lr=1e-3, fused=True).step
    x = torch.randn(shape, device="cuda").to(DTYPES[dtype]).to(memory_format=torch.channels_last)
    y = x * 0.5
    channels = shape[1]
    weight, bias = torch.ones(channels, device="cuda"), torch.zeros(channels, device="cuda")
    running_mean, running_var = bias.clone(), weight.clone()

    def batch_norm(input):
        return F.batch_norm(input, running_mean, running_var, weight, bias, training=True)

    if op == "batch_norm_relu_backward":
        tracked = x.detach().requires_grad_()
        weight.requires_grad_(), bias.requires_grad_()
        result = general_relu(batch_norm(tracked))
        return lambda: torch.autograd.grad(result, (tracked, weight, bias), y, retain_graph=True)
    if op == "avg_pool_backward":
        tracked = x.detach().requires_grad_()
        result = F.avg_pool2d(tracked, 2)
        gradient = torch.ones_like(result)
        return lambda: torch.autograd.grad(result, tracked, gradient, retain_graph=True)
    return {
        "copy": lambda: x.clone(),
        "add": lambda: x + y,
        "exp": lambda: torch.exp(x),
        "tanh": lambda: torch.tanh(x),
        "to_contiguous": lambda: x.contiguous(),
        "sum": lambda: x.sum(),
        "sum_per_channel": lambda: x.sum((0, 2, 3)),
        "general_relu": lambda: general_relu(x),
        "add_general_relu": lambda: general_relu(x + y),
        "dropout": lambda: F.dropout(x, 0.3),
        "batch_norm_relu": lambda: general_relu(batch_norm(x)),
        "batch_norm_add_relu": lambda: general_relu(batch_norm(x) + y),
        "avg_pool": lambda: F.avg_pool2d(x, 2),
    }.get(op)


def main():
    build, out = Path(sys.argv[1]), Path(sys.argv[2])
    run = subprocess.run([str(build / "bench" / "cuda_kernels")], stdout=subprocess.PIPE, text=True, check=True)
    copy = copy_bandwidth()
    print(f"copy: {copy / 1e12:.2f} TB/s")
    print(f"{'kernel':<26} {'dtype':<5} {'shape':<22} {'ours ms':>8} {'of copy':>8} {'PyTorch ms':>10} {'speed-up':>8}")
    rows = []
    for line in run.stdout.splitlines():
        row = json.loads(line)
        function = pytorch_call(row["op"], row["dtype"], row["shape"])
        row["of_copy"] = row["bytes"] / row["seconds"] / copy
        row["pytorch_seconds"] = seconds_of(function) if function else None
        rows.append(row)
        theirs = row["pytorch_seconds"]
        print(f"{row['op']:<26} {row['dtype']:<5} {str(row['shape']):<22} {row['seconds'] * 1e3:8.3f} {row['of_copy']:8.2f} "
              + (f"{theirs * 1e3:10.3f} {theirs / row['seconds']:8.2f}" if theirs else ""), flush=True)
        torch.cuda.empty_cache()
    out.write_text(json.dumps({"copy_bytes_per_second": copy, "kernels": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
