"""Golden files of mixup and cutmix: DIR/mix, read by tests/kernels/mix_test.cpp.

  metadata  args  JSON object: shift, keep, and the box's top, left, bottom, right; lam, the share of the own label
  tensors   input [N, C, H, W], labels [N], output [N, C, H, W], targets [N, classes]
            logits [N, classes], loss: lam CE(logits, labels) + (1 - lam) CE(logits, partners' labels), grad_logits

The partner of image n is image n - shift, as torch.roll(x, shift, 0) gives it. torchvision's transforms, which roll by
one, must agree.
"""

import json

import torch
import torch.nn.functional as F
from golden_case import save_safetensors
from torchvision.transforms import v2

CASES = (  # images, channels, height, width, classes, shift, cut, lam drawn, y and x of the cut's middle
    (5, 3, 6, 7, 4, 1, False, 0.3, 0, 0),
    (4, 1, 8, 8, 10, 3, False, 0.8125, 0, 0),
    (1, 2, 5, 5, 3, 0, False, 0.6, 0, 0),
    (6, 3, 9, 8, 5, 1, True, 0.4, 4, 3),
    (6, 3, 9, 8, 5, 4, True, 0.7, 0, 7),  # cut off at a corner
    (3, 1, 7, 7, 3, 1, True, 0.999, 2, 2),  # nothing to paste
)


def box_of(lam, height, width, y, x):
    """As torchvision's CutMix.make_params."""
    half = 0.5 * (1 - lam) ** 0.5
    half_h, half_w = int(half * height), int(half * width)
    return max(y - half_h, 0), max(x - half_w, 0), min(y + half_h, height), min(x + half_w, width)


def check_torchvision(cut, classes, lam, box, x, labels, output, targets):
    top, left, bottom, right = box
    transform = (v2.CutMix if cut else v2.MixUp)(num_classes=classes)
    params = {"lam": lam}
    if cut:
        params = {"box": (left, top, right, bottom), "lam_adjusted": lam}
    transform.make_params = lambda inputs: params
    their_output, their_targets = transform(x, labels)
    assert torch.allclose(their_output, output, atol=1e-6) and torch.allclose(their_targets, targets, atol=1e-6)


def write_mix_files(folder, seed):
    (folder / "mix").mkdir(exist_ok=True)
    for number, (n, c, h, w, classes, shift, cut, lam, y, x_middle) in enumerate(CASES):
        generator = torch.Generator().manual_seed(seed * 1000 + number)
        x = torch.randn(n, c, h, w, generator=generator)
        labels = torch.randint(0, classes, (n,), generator=generator)
        logits = torch.randn(n, classes, generator=generator).requires_grad_()
        box = box_of(lam, h, w, y, x_middle) if cut else (0, 0, h, w)
        top, left, bottom, right = box
        partner = x.roll(shift, 0)
        if cut:
            output = x.clone()
            output[..., top:bottom, left:right] = partner[..., top:bottom, left:right]
            lam = 1 - (bottom - top) * (right - left) / (h * w)
        else:
            output = lam * x + (1 - lam) * partner
        own, other = F.one_hot(labels, classes).float(), F.one_hot(labels.roll(shift), classes).float()
        targets = lam * own + (1 - lam) * other
        if shift == 1:
            check_torchvision(cut, classes, lam, box, x, labels, output, targets)
        loss = lam * F.cross_entropy(logits, labels) + (1 - lam) * F.cross_entropy(logits, labels.roll(shift))
        loss.backward()
        args = dict(shift=shift, keep=0.0 if cut else lam, top=top, left=left, bottom=bottom, right=right, lam=lam)
        tensors = {"input": x, "labels": labels, "output": output, "targets": targets, "logits": logits.detach(),
                   "loss": loss.detach(), "grad_logits": logits.grad}
        name = f"{'cutmix' if cut else 'mixup'}_{number}"
        save_safetensors(folder / "mix" / f"{name}.safetensors", tensors, {"args": json.dumps(args)})
