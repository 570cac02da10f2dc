"""Golden files of whole models: what torchvision's and timm's ResNets, fast.ai's XResNets, the CNNs of lessons 10 and 11
and resnet9 compute with given weights. XResNets and CNNs are written down here from the course's definitions, resnet9 in
bench/lesson_models.py.

models/NAME_CHANNELSxHEIGHTxWIDTH.safetensors (NAME with _ for -)
  metadata  model (timm's or fast.ai's name), classes, batch, in_channels, height, width
            state: FNV-1a (64 bits, hexadecimal) of the lines "NAME [SHAPE]\n" of the state_dict
  tensors   output [batch, classes] in evaluation mode
            grad_input (small inputs only): the input's gradient for an output's gradient of `values("grad_output", ...)`

The weights, tens of millions of numbers, are not in the files. Both sides compute them: element i of the tensor NAME is
`values(NAME, ...)[i]`, in the range that `weight_range` gives. So is the input, as a tensor of the name that the
metadata's `input` says.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from golden_case import save_safetensors
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
from lesson_models import resnet9  # noqa: E402

MODELS = ("resnet18", "resnet18d", "resnet26d", "resnet34", "resnet50")
INPUTS = ((1, 28, 28, 10), (3, 40, 36, 7))  # channels, height, width, classes
BATCH = 2
MASK = (1 << 64) - 1


# --- fast.ai's XResNet (fastai/vision/models/xresnet.py: names of the weights are its own)


def conv_layer(ni, nf, ks=3, stride=1, act=True):
    layers = [nn.Conv2d(ni, nf, ks, stride, padding=ks // 2, bias=False), nn.BatchNorm2d(nf)]
    return nn.Sequential(*layers, *([nn.ReLU()] if act else []))


class XResBlock(nn.Module):
    def __init__(self, expansion, ni, nh, stride):
        super().__init__()
        ni, nf = ni * expansion, nh * expansion
        if expansion == 1:
            convs = [conv_layer(ni, nh, 3, stride), conv_layer(nh, nf, 3, act=False)]
        else:
            convs = [conv_layer(ni, nh, 1), conv_layer(nh, nh, 3, stride), conv_layer(nh, nf, 1, act=False)]
        self.convpath = nn.Sequential(*convs)
        pool = [nn.AvgPool2d(2, ceil_mode=True)] if stride != 1 else []
        conv = [conv_layer(ni, nf, 1, act=False)] if ni != nf else []
        self.idpath = nn.Sequential(*pool, *conv)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.convpath(x) + self.idpath(x))


def xresnet(expansion, blocks, channels, classes):
    stem = [channels, 32, 32, 64]
    layers = [conv_layer(stem[i], stem[i + 1], stride=2 if i == 0 else 1) for i in range(3)]
    layers.append(nn.MaxPool2d(3, 2, 1))
    widths = [64 // expansion, 64, 128, 256, 512]
    for i, count in enumerate(blocks):
        steps = [(widths[i] if j == 0 else widths[i + 1], 2 if i > 0 and j == 0 else 1) for j in range(count)]
        layers.append(nn.Sequential(*[XResBlock(expansion, ni, widths[i + 1], stride) for ni, stride in steps]))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.0), nn.Linear(widths[-1] * expansion, classes)]
    return nn.Sequential(*layers, *head)


# --- The CNNs of lessons 10 (07_batchnorm) and 11 (08_data_block): convolution, ReLU, batch norm


def conv_relu_norm(ni, nf, ks=3, stride=2):
    return nn.Sequential(
        nn.Conv2d(ni, nf, ks, stride, padding=ks // 2, bias=False), nn.ReLU(), nn.BatchNorm2d(nf)
    )


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def small_cnn(channels, classes):
    nfs = [channels, 8, 16, 32, 32]
    layers = [conv_relu_norm(nfs[i], nfs[i + 1], 5 if i == 0 else 3) for i in range(4)]
    return nn.Sequential(*layers, Mean(), nn.Linear(nfs[-1], classes))


def imagenette_cnn(channels, classes):
    first = 2 ** math.floor(math.log2(channels * 3 * 3))
    nfs = [first * 4, 64, 64, 128, 256]
    layers = [conv_relu_norm(channels, first, stride=1), conv_relu_norm(first, first * 2), conv_relu_norm(first * 2, first * 4)]
    layers += [conv_relu_norm(nfs[i], nfs[i + 1]) for i in range(4)]
    return nn.Sequential(*layers, Mean(), nn.Linear(nfs[-1], classes))


OWN_DEFINITIONS = {
    "xresnet18": lambda c, n: xresnet(1, (2, 2, 2, 2), c, n),
    "xresnet34": lambda c, n: xresnet(1, (3, 4, 6, 3), c, n),
    "xresnet50": lambda c, n: xresnet(4, (3, 4, 6, 3), c, n),
    "small-cnn": small_cnn,
    "imagenette-cnn": imagenette_cnn,
    "resnet9": lambda c, n: nn.Sequential(*resnet9(c, n)),
}


# --- Weights and inputs


def fnv1a(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def values(name, shape, low, high):
    """Uniform numbers in [low, high): splitmix64, seeded by the name, its upper 24 bits."""
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    unit = (z >> np.uint64(40)).astype(np.float64) * 2.0**-24
    return torch.from_numpy((low + (high - low) * unit).astype(np.float32).reshape(shape))


def weight_range(name, shape):
    """Weights keep the variance, scales and variances lie around 1, biases and means around 0."""
    if len(shape) > 1:
        bound = math.sqrt(3 / math.prod(shape[1:]))
        return -bound, bound
    if name.endswith("running_var") or name.endswith("weight"):
        return 0.5, 1.5
    return -0.2, 0.2


def set_weights(model):
    with torch.no_grad():
        for name, x in model.state_dict().items():
            if x.is_floating_point():
                x.copy_(values(name, tuple(x.shape), *weight_range(name, tuple(x.shape))))
    return model.eval()


def state_lines(model):
    return "".join(f"{name} {list(x.shape)}\n" for name, x in model.state_dict().items())


def check_torchvision(name, classes, state, x, output):
    """Where torchvision has the model too, it must agree with timm."""
    import torchvision

    maker = getattr(torchvision.models, name, None)
    if maker is None or x.shape[1] != 3:
        return
    model = set_weights(maker(num_classes=classes))
    assert state_lines(model) == state, name
    assert torch.allclose(model(x), output, atol=1e-5), name


def gradient(model, x, dtype):
    x = x.detach().to(dtype).requires_grad_()
    y = model.to(dtype)(x)
    y.backward(values("grad_output", tuple(y.shape), -1, 1).to(dtype))
    return x.grad.float()


def find_input(model, shape):
    """The first input whose activations all keep so far from ReLU's corner, and its windows' maxima from one another,
    that rounding moves none across: the gradient would jump there."""
    for number in range(100):
        name = f"input.{number}"
        x = values(name, shape, -1.5, 1.5)
        exact, *others = [gradient(model, x.double() * (1 + step), torch.float64) for step in (0, -5e-6, 5e-6)]
        others.append(gradient(model, x, torch.float32))  # the model stays in f32
        if all(torch.allclose(exact, other, rtol=1e-4, atol=1e-5) for other in others):
            return name
    raise RuntimeError(f"no input of {shape} has a smooth gradient")


def make_model(name, channels, classes):
    if name in OWN_DEFINITIONS:
        return OWN_DEFINITIONS[name](channels, classes)
    import timm

    return timm.create_model(name, in_chans=channels, num_classes=classes)


def write_model(path, name, channels, height, width, classes):
    model = set_weights(make_model(name, channels, classes))
    shape = (BATCH, channels, height, width)
    name_of_input = find_input(model, shape)
    x = values(name_of_input, shape, -1.5, 1.5).requires_grad_()
    output = model(x)
    state = state_lines(model)
    if name not in OWN_DEFINITIONS:
        check_torchvision(name, classes, state, x, output)
    tensors = {"output": output}
    if x.numel() < 2000:
        output.backward(values("grad_output", tuple(output.shape), -1, 1))
        tensors["grad_input"] = x.grad
    numbers = {"input": name_of_input, "in_channels": channels, "height": height, "width": width, "classes": classes, "batch": BATCH}
    metadata = {"model": name, "args": json.dumps(numbers), "state": f"{fnv1a(state):016x}"}
    save_safetensors(path, tensors, metadata)
    print(f"{path.name}: {name_of_input}, logits {output.min():.3f} to {output.max():.3f}")


def write_model_files(folder):
    (folder / "models").mkdir(exist_ok=True)
    for name in MODELS + tuple(OWN_DEFINITIONS):
        for channels, height, width, classes in INPUTS:
            path = folder / "models" / f"{name.replace('-', '_')}_{channels}x{height}x{width}.safetensors"
            write_model(path, name, channels, height, width, classes)
