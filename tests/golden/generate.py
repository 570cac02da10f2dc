#!/usr/bin/env python3
"""Writes the golden files: what PyTorch computes, for Groundwork's tests to compare with.

    python3 tests/golden/generate.py [--out DIR] [--seed N] [--models]      (needs torch, Pillow; timm, torchvision for --models)

DIR/*.safetensors, one call of one function a file, read by `golden_runner`:
  metadata  op      NAME in torch.nn.functional, torch.NAME or Tensor.NAME
            attrs   JSON object: the call's other arguments under PyTorch's keyword names
            rtol, atol   |found - expected| <= atol + rtol * |expected|
  tensors   input.N        the tensors of the call in positional order; a list argument (torch.cat) is
                           laid out flat; a number is skipped where an optional tensor is left out
            output.N       the results; integers and booleans must match exactly
            grad_output.N, grad_input.N   incoming gradients and those of the inputs that have one
            after.N        inputs that the call changes (running statistics)
  The calls are the tables of tensor_cases.py, functional_cases.py and recurrent_cases.py; golden_case.py runs them.

DIR/schedules, DIR/optim, DIR/layers hold files of their own layouts, explained in training_files.py, DIR/images those of
image_files.py, made with Pillow, DIR/mix those of mix_files.py. DIR/models holds those of model_files.py, which are only written with --models.

A file's numbers depend only on its name and the seed: a case added at an op's end changes no other file.
"""

import argparse
from pathlib import Path

import torch

from functional_cases import FUNCTIONAL_CASES
from golden_case import named, write_case
from image_files import write_image_files
from mix_files import write_mix_files
from model_files import write_model_files
from recurrent_cases import RECURRENT_CASES
from tensor_cases import TENSOR_CASES
from training_files import write_training_files


def main():
    parser = argparse.ArgumentParser(description="Write the golden files of Groundwork's tests.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", action="store_true", help="write the files of whole models too")
    options = parser.parse_args()

    # One thread: sums are added in the same order on every machine, as far as PyTorch allows.
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    cases = named(TENSOR_CASES + FUNCTIONAL_CASES + RECURRENT_CASES)
    for stale in options.out.glob("*.safetensors"):
        stale.unlink()
    widened = [c.name for c in cases if write_case(c, options.out, options.seed)]
    write_training_files(options.out, options.seed)
    write_image_files(options.out, options.seed)
    write_mix_files(options.out, options.seed)
    if options.models:
        write_model_files(options.out)

    files = list(options.out.rglob("*.safetensors"))
    size = sum(f.stat().st_size for f in files)
    print(f"{len(cases)} cases, {len(files)} files, {size / 1e6:.2f} MB in {options.out}")
    print(f"{len(widened)} with a widened tolerance: {' '.join(widened)}")


if __name__ == "__main__":
    main()
