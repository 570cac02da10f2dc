#!/usr/bin/env python3
"""Gathers what bench/gpu_check.sh measured into one JSON file, and prints its tables: gpu_report.py FOLDER OUT.json"""
import json
import subprocess
import sys
from pathlib import Path

import torch


def command_output(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    cudnn = torch.backends.cudnn.version()
    report = {
        "gpu": torch.cuda.get_device_name(),
        "driver": command_output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
        "cuda": torch.version.cuda,
        "nvcc": (command_output("nvcc", "--version") or "").splitlines()[-1:],
        "cudnn": f"{cudnn // 10000}.{cudnn // 100 % 100}.{cudnn % 100}",
        "torch": torch.__version__,
        "commit": command_output("git", "rev-parse", "HEAD"),
        "parts": {},
    }
    for status_file in sorted(folder.glob("*.status")):
        status, seconds = map(int, status_file.read_text().split())
        lines = status_file.with_suffix(".log").read_text(errors="replace").splitlines()
        report["parts"][status_file.stem] = {"exit_code": status, "seconds": seconds, "last_line": lines[-1:]}
    for name in ("kernels", "steps"):
        file = folder / f"{name}.json"
        report[name] = json.loads(file.read_text()) if file.exists() else None
    for file in sorted(folder.glob("train-*.jsonl")):
        report[file.stem] = [json.loads(line) for line in file.read_text().splitlines()]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{report['gpu']}, driver {report['driver']}, CUDA {report['cuda']}, cuDNN {report['cudnn']}")
    for name in ("kernels", "steps"):
        log = folder / f"{name}.log"
        if log.exists():
            print("\n" + log.read_text(errors="replace").rstrip())
    print()
    for name, part in report["parts"].items():
        print(f"{name:<12} {'ok' if part['exit_code'] == 0 else 'FAILED'}  {part['seconds']} s")
    print(f"saved as {out}")


if __name__ == "__main__":
    main()
