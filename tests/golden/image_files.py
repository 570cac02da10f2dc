"""Transforms of single images as Pillow does them: DIR/images, read by tests/data/golden_images_test.cpp.

  metadata  op    a function of data/item_transforms.h, data/resize.h or data/perspective.h
            args  JSON object of its arguments
            tolerance   grey levels by which a pixel may differ
  tensors   input, output   u8 [C, H, W]
"""

import json

import numpy as np
import torch
from golden_case import save_safetensors
from PIL import Image, ImageEnhance

FILTERS = {"nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC,
           "lanczos": Image.LANCZOS}


def picture(generator, height, width, channels=3):
    """Smooth shapes with noise and a few hard edges."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(channels):
        a, b, c = generator.uniform(0.1, 0.6, 3)
        plane = 127 + 90 * np.sin(a * x + c) * np.cos(b * y) + generator.normal(0, 15, (height, width))
        plane[height // 3:height // 2, width // 4:width // 2] = generator.integers(0, 2) * 255
        planes.append(plane)
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def to_image(pixels):
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def resize(pixels, height, width, filter, box=None):
    return to_image(pixels).resize((width, height), FILTERS[filter], box=box)


def dihedral(pixels, symmetry):
    image = to_image(pixels)
    for bit, method in enumerate((Image.FLIP_LEFT_RIGHT, Image.FLIP_TOP_BOTTOM, Image.TRANSPOSE)):
        image = image.transpose(method) if symmetry >> bit & 1 else image
    return image


def pad(pixels, margins, mode, value=0):
    left, top, right, bottom = margins
    options = {"constant_values": value} if mode == "constant" else {}
    return np.pad(pixels, ((top, bottom), (left, right), (0, 0)), mode=mode, **options)


def adjust(pixels, what, factor):
    enhancer = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast,
                "saturation": ImageEnhance.Color}[what]
    return enhancer(to_image(pixels)).enhance(factor)


def perspective(pixels, to, source, filter):
    rows = []
    for (x, y), (u, v) in zip(to, source):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    coefficients = np.linalg.solve(np.array(rows, float), np.array(source, float).reshape(-1))
    return to_image(pixels).transform((pixels.shape[1], pixels.shape[0]), Image.PERSPECTIVE, coefficients,
                                      FILTERS[filter])


def cases():
    for filter in FILTERS:
        for size, target in (((23, 31), (7, 11)), ((9, 13), (20, 17)), ((16, 16), (16, 5)), ((40, 8), (8, 8)),
                             ((1, 5), (3, 1))):
            yield resize, size, 3, dict(height=target[0], width=target[1], filter=filter), 0
        yield resize, (21, 17), 3, dict(height=6, width=9, filter=filter, box=[2, 3, 15, 18]), 0
    yield resize, (21, 17), 1, dict(height=6, width=9, filter="bicubic", box=[2.25, 3.5, 14.75, 19.0]), 0
    for symmetry in range(8):
        yield dihedral, (5, 7), 3, dict(symmetry=symmetry), 0
    for mode in ("constant", "edge", "reflect", "symmetric"):
        yield pad, (6, 5), 3, dict(margins=[3, 1, 0, 4], mode=mode) | ({"value": 9} if mode == "constant" else {}), 0
    for what in ("brightness", "contrast", "saturation"):
        for factor in (0.0, 0.4, 1.0, 1.7):
            yield adjust, (9, 8), 3, dict(what=what, factor=factor), 1
    to, source = [[0, 0], [24, 0], [24, 18], [0, 18]], [[2, 1], [22, 3], [24, 16], [1, 18]]
    for filter in ("nearest", "bilinear"):
        yield perspective, (18, 24), 3, dict(to=to, source=source, filter=filter), 1


def write_image_files(out, seed):
    folder = out / "images"
    folder.mkdir(exist_ok=True)
    counts = {}
    for function, size, channels, args, tolerance in cases():
        op = function.__name__
        number = counts[op] = counts.get(op, -1) + 1
        pixels = picture(np.random.default_rng([seed, number, len(op)]), *size, channels)
        result = np.array(function(pixels, **args))
        result = result[..., None] if result.ndim == 2 else result
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
                   for name, array in (("input", pixels), ("output", result))}
        save_safetensors(folder / f"{op}_{number:02}.safetensors", tensors,
                         {"op": op, "args": json.dumps(args), "tolerance": str(tolerance)})
