"""Golden files of what is more than one call: schedules, optimizers, layers and a whole net.

schedules/*.safetensors
  metadata  scheduler (class in torch.optim.lr_scheduler), args (JSON), optimizer (JSON: name and its arguments),
            lr, momentum: JSON lists of decimal strings, the exact float64 value that step i trains with (i = 0, 1, ...);
            momentum is beta1 of an AdamW, and is left out where the schedule does not touch it
  tensors   lr [steps], momentum [steps]: the same, rounded to f32

optim/*.safetensors: 100 steps on two parameters, whose gradients are given
  metadata  optimizer (class in torch.optim), args (JSON)
  tensors   param.0, param.1            before the first step
            grad.0, grad.1              one gradient a step, along a leading dimension of 100
            after_N.0, after_N.1        the parameters after N = 1, 10, 100 steps
            lr [100], beta1 [100]       only where both are set anew before each step

layers/*.safetensors: one forward and backward pass in training mode
  metadata  layer, args (JSON: the arguments of its constructor below)
  tensors   state.KEY (state_dict before the pass), input, output, grad_output, grad_input,
            grad.KEY (of every parameter), after.KEY (buffers that the pass changed),
            eval_output (a second pass afterwards, in evaluation mode)

layers/net.safetensors: a whole net of the lesson's, trained for three steps
  metadata  layer "net", args (its three sizes), optimizer (JSON: AdamW and its arguments)
  tensors   state.KEY, input [3, N, 1, H, W] and target [3, N] (a batch a step), output and grad.KEY of the
            first step, losses [3], final.KEY (the state_dict after the third step)
"""

import json

import torch
import torch.nn.functional as F
from golden_case import F32, generator_of, save_safetensors
from torch import nn, optim
from torch.optim import lr_scheduler

# --- Schedules ---------------------------------------------------------------------------------

ADAMW = {"name": "AdamW", "lr": 0.01, "betas": [0.9, 0.999]}
SGD = {"name": "SGD", "lr": 0.1, "momentum": 0.9}

SCHEDULES = [  # (scheduler, its arguments, optimizer, steps)
    ("OneCycleLR", {"max_lr": 0.01, "total_steps": 295}, ADAMW, 295),
    ("OneCycleLR", {"max_lr": 0.06, "total_steps": 100}, ADAMW, 100),
    ("OneCycleLR", {"max_lr": 0.02, "total_steps": 37, "pct_start": 0.25}, SGD, 37),
    (
        "OneCycleLR",
        {"max_lr": 0.02, "epochs": 3, "steps_per_epoch": 7, "pct_start": 0.1, "anneal_strategy": "linear"},
        ADAMW,
        21,
    ),
    (
        "OneCycleLR",
        {"max_lr": 1.0, "total_steps": 50, "anneal_strategy": "linear", "base_momentum": 0.8, "max_momentum": 0.9},
        SGD,
        50,
    ),
    (
        "OneCycleLR",
        {"max_lr": 0.3, "total_steps": 20, "div_factor": 10.0, "final_div_factor": 100.0, "pct_start": 0.5},
        ADAMW,
        20,
    ),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 20, "cycle_momentum": False}, ADAMW, 20),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 5}, ADAMW, 5),
    ("CosineAnnealingLR", {"T_max": 20}, SGD, 21),
    ("CosineAnnealingLR", {"T_max": 33, "eta_min": 0.001}, ADAMW, 34),
    ("CosineAnnealingLR", {"T_max": 10}, SGD, 35),
    ("CosineAnnealingWarmRestarts", {"T_0": 10}, SGD, 35),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.001}, ADAMW, 50),
    ("ExponentialLR", {"gamma": 0.9}, SGD, 30),
    ("ExponentialLR", {"gamma": 0.97}, ADAMW, 100),
]


def make_optimizer(settings, params):
    arguments = {k: v for k, v in settings.items() if k != "name"}
    return getattr(optim, settings["name"])(params, **arguments)


def write_schedule(path, scheduler, arguments, settings, steps):
    optimizer = make_optimizer(settings, [nn.Parameter(torch.zeros(1))])
    schedule = getattr(lr_scheduler, scheduler)(optimizer, **arguments)
    group, rates, momenta = optimizer.param_groups[0], [], []
    for step in range(steps):
        rates.append(float(group["lr"]))
        momenta.append(float(group["betas"][0] if "betas" in group else group["momentum"]))
        optimizer.step()
        if step + 1 < steps:
            schedule.step()
    metadata = {
        "scheduler": scheduler,
        "args": json.dumps(arguments),
        "optimizer": json.dumps(settings),
        "lr": json.dumps([repr(x) for x in rates]),
    }
    tensors = {"lr": torch.tensor(rates, dtype=F32)}
    if scheduler == "OneCycleLR" and arguments.get("cycle_momentum", True):
        metadata["momentum"] = json.dumps([repr(x) for x in momenta])
        tensors["momentum"] = torch.tensor(momenta, dtype=F32)
    save_safetensors(path, tensors, metadata)


# --- Optimizers --------------------------------------------------------------------------------

OPTIMIZERS = [  # (optimizer with its arguments, whether a one-cycle schedule drives lr and beta1)
    ({"name": "SGD", "lr": 0.1}, False),
    ({"name": "SGD", "lr": 0.1, "weight_decay": 0.01}, False),
    ({"name": "SGD", "lr": 0.05, "momentum": 0.9}, False),
    ({"name": "SGD", "lr": 0.05, "momentum": 0.9, "dampening": 0.1}, False),
    ({"name": "SGD", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001}, False),
    ({"name": "Adam", "lr": 0.01}, False),
    ({"name": "Adam", "lr": 0.01, "betas": [0.8, 0.95], "eps": 1e-5, "weight_decay": 0.1}, False),
    ({"name": "AdamW", "lr": 0.01}, False),
    ({"name": "AdamW", "lr": 0.02, "betas": [0.85, 0.99], "eps": 1e-5, "weight_decay": 0.1}, False),
    ({"name": "AdamW", "lr": 0.01, "weight_decay": 0.0}, False),
    ({"name": "AdamW", "lr": 0.01}, True),
    ({"name": "RMSprop", "lr": 0.01}, False),
    ({"name": "RMSprop", "lr": 0.02, "alpha": 0.9, "eps": 1e-5}, False),
    ({"name": "SGD", "lr": 0.05, "momentum": 0.9, "dampening": 0.9, "weight_decay": 0.1}, False),
    ({"name": "RMSprop", "lr": 0.01, "weight_decay": 0.1}, False),
    ({"name": "RMSprop", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.01, "eps": 1e-4}, False),
    ({"name": "RMSprop", "lr": 0.01, "centered": True, "eps": 1e-3}, False),
    ({"name": "RMSprop", "lr": 0.01, "centered": True, "momentum": 0.5, "alpha": 0.9, "eps": 1e-3}, False),
]


def write_optimizer(path, settings, scheduled, seed):
    generator = generator_of(path.name, seed)
    shapes, steps = [(3, 5), (7,)], 100
    params = [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    gradients = [torch.randn((steps, *shape), generator=generator) for shape in shapes]
    tensors = {f"param.{i}": p.detach().clone() for i, p in enumerate(params)}
    tensors |= {f"grad.{i}": g for i, g in enumerate(gradients)}

    optimizer = make_optimizer(settings, params)
    schedule = lr_scheduler.OneCycleLR(optimizer, settings["lr"], total_steps=steps) if scheduled else None
    rates, betas = [], []
    for step in range(steps):
        if schedule:
            rates.append(optimizer.param_groups[0]["lr"])
            betas.append(optimizer.param_groups[0]["betas"][0])
        for p, g in zip(params, gradients):
            p.grad = g[step].clone()
        optimizer.step()
        if schedule and step + 1 < steps:
            schedule.step()
        if step + 1 in (1, 10, 100):
            tensors |= {f"after_{step + 1}.{i}": p.detach().clone() for i, p in enumerate(params)}
    if schedule:
        tensors |= {"lr": torch.tensor(rates, dtype=F32), "beta1": torch.tensor(betas, dtype=F32)}
    arguments = {k: v for k, v in settings.items() if k != "name"}
    save_safetensors(path, tensors, {"optimizer": settings["name"], "args": json.dumps(arguments)})


# --- Layers, as lesson 18 defines them ---------------------------------------------------------


class GeneralRelu(nn.Module):
    def __init__(self, leak=0.1, sub=0.4):
        super().__init__()
        self.leak, self.sub = leak, sub

    def forward(self, x):
        return F.leaky_relu(x, self.leak) - self.sub


def conv(ni, nf, ks=3, stride=2, act=True, norm=True):
    layers = [nn.Conv2d(ni, nf, ks, stride, padding=ks // 2)]
    if norm:
        layers.append(nn.BatchNorm2d(nf))
    if act:
        layers.append(GeneralRelu())
    return nn.Sequential(*layers)


def pre_activation_conv(ni, nf, ks=3, stride=2):
    return nn.Sequential(nn.BatchNorm2d(ni), GeneralRelu(), nn.Conv2d(ni, nf, ks, stride, padding=ks // 2))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=16):
        super().__init__()
        narrow = max(4, channels // reduction)
        self.fc1, self.fc2 = nn.Linear(channels, narrow), nn.Linear(narrow, channels)

    def forward(self, x):
        return x * self.fc2(self.fc1(x.mean((-2, -1))).relu()).sigmoid()[:, :, None, None]


class ResBlock(nn.Module):
    def __init__(self, ni, nf, stride=1, ks=3, pre_activation=False, squeeze_excite=False):
        super().__init__()
        if pre_activation:
            convs = [pre_activation_conv(ni, nf, ks, stride=1), pre_activation_conv(nf, nf, ks, stride=stride)]
        else:
            convs = [conv(ni, nf, ks, stride=1), conv(nf, nf, ks, stride=stride, act=False)]
        self.convs = nn.Sequential(*convs, *([SqueezeExcite(nf)] if squeeze_excite else []))
        self.idconv = nn.Identity() if ni == nf else conv(ni, nf, ks=1, stride=1, act=False, norm=False)
        self.pool = nn.Identity() if stride == 1 else nn.AvgPool2d(2, ceil_mode=True)
        self.act = nn.Identity() if pre_activation else GeneralRelu()

    def forward(self, x):
        return self.act(self.convs(x) + self.idconv(self.pool(x)))


class GlobalAvgPool(nn.Module):
    def forward(self, x):
        return x.mean((-2, -1))


def net(width=4, features=8, classes=10):
    return nn.Sequential(
        conv(1, width, ks=5, stride=1),
        ResBlock(width, features, stride=2),
        ResBlock(features, features),
        GlobalAvgPool(),
        nn.Linear(features, classes, bias=False),
        nn.BatchNorm1d(classes),
    )


MAKERS = {
    "RNN": nn.RNN,
    "GRU": nn.GRU,
    "LSTM": nn.LSTM,
    "RNNCell": nn.RNNCell,
    "GRUCell": nn.GRUCell,
    "LSTMCell": nn.LSTMCell,
    "Linear": nn.Linear,
    "Conv2d": nn.Conv2d,
    "BatchNorm1d": nn.BatchNorm1d,
    "BatchNorm2d": nn.BatchNorm2d,
    "conv": conv,
    "ResBlock": ResBlock,
    "SqueezeExcite": SqueezeExcite,
    "net": net,
}

LAYERS = [  # (layer, constructor's arguments, input shape)
    ("RNN", {"input_size": 3, "hidden_size": 5, "num_layers": 2}, (4, 2, 3)),
    ("RNN", {"input_size": 3, "hidden_size": 4, "nonlinearity": "relu"}, (3, 2, 3)),
    ("GRU", {"input_size": 4, "hidden_size": 3, "num_layers": 2}, (4, 3, 4)),
    ("GRU", {"input_size": 3, "hidden_size": 5, "bidirectional": True, "bias": False}, (3, 2, 3)),
    ("LSTM", {"input_size": 5, "hidden_size": 4, "num_layers": 2, "batch_first": True}, (2, 3, 5)),
    ("LSTM", {"input_size": 2, "hidden_size": 3, "num_layers": 2, "bidirectional": True}, (4, 2, 2)),
    ("RNNCell", {"input_size": 3, "hidden_size": 5}, (4, 3)),
    ("RNNCell", {"input_size": 3, "hidden_size": 5, "nonlinearity": "relu"}, (2, 3)),
    ("GRUCell", {"input_size": 4, "hidden_size": 3, "bias": False}, (3, 4)),
    ("LSTMCell", {"input_size": 2, "hidden_size": 6}, (3, 2)),
    ("Linear", {"in_features": 7, "out_features": 3}, (5, 7)),
    ("Linear", {"in_features": 4, "out_features": 6, "bias": False}, (2, 3, 4)),
    ("Conv2d", {"in_channels": 3, "out_channels": 5, "kernel_size": 3, "stride": 2, "padding": 1}, (2, 3, 7, 6)),
    ("Conv2d", {"in_channels": 1, "out_channels": 4, "kernel_size": 5, "padding": 2, "bias": False}, (3, 1, 6, 6)),
    ("Conv2d", {"in_channels": 4, "out_channels": 3, "kernel_size": 1}, (1, 4, 5, 3)),
    ("BatchNorm1d", {"num_features": 5}, (6, 5)),
    ("BatchNorm1d", {"num_features": 3, "eps": 1e-3, "momentum": 0.3}, (4, 3, 5)),
    ("BatchNorm2d", {"num_features": 3}, (4, 3, 5, 3)),
    ("BatchNorm2d", {"num_features": 1, "affine": False}, (2, 1, 3, 3)),
    ("conv", {"ni": 3, "nf": 4}, (3, 3, 7, 7)),
    ("conv", {"ni": 1, "nf": 5, "ks": 5, "stride": 1}, (2, 1, 6, 5)),
    ("conv", {"ni": 3, "nf": 4, "act": False}, (3, 3, 5, 5)),
    ("conv", {"ni": 3, "nf": 4, "norm": False}, (3, 3, 5, 5)),
    ("ResBlock", {"ni": 3, "nf": 5, "stride": 1}, (3, 3, 6, 6)),
    ("ResBlock", {"ni": 4, "nf": 4, "stride": 1}, (2, 4, 5, 7)),
    ("ResBlock", {"ni": 3, "nf": 5, "stride": 2}, (3, 3, 7, 7)),
    ("ResBlock", {"ni": 4, "nf": 4, "stride": 2}, (2, 4, 7, 6)),
    ("ResBlock", {"ni": 1, "nf": 3, "stride": 2, "ks": 5}, (4, 1, 8, 8)),
    ("ResBlock", {"ni": 3, "nf": 5, "stride": 2, "pre_activation": True}, (3, 3, 7, 7)),
    ("ResBlock", {"ni": 4, "nf": 4, "squeeze_excite": True}, (2, 4, 5, 6)),
    ("ResBlock", {"ni": 3, "nf": 4, "stride": 2, "pre_activation": True, "squeeze_excite": True}, (3, 3, 6, 5)),
    ("SqueezeExcite", {"channels": 6}, (3, 6, 4, 5)),
    ("SqueezeExcite", {"channels": 12, "reduction": 2}, (2, 12, 1, 1)),
]


def drawn_layer(layer, arguments, generator):
    """The layer with every weight drawn from `generator`: none starts at a trivial one or zero."""
    module = MAKERS[layer](**arguments)
    with torch.no_grad():
        for name, x in module.state_dict().items():
            if x.is_floating_point():
                scale = 1 / x[0].numel() ** 0.5 if x.dim() > 1 else 0.3
                x.copy_(torch.randn(x.shape, generator=generator) * scale)
            if name.endswith("running_var") or (x.dim() == 1 and name.endswith("weight")):
                x.copy_(x + 1)
    return module


def copied_state(module, prefix):
    return {f"{prefix}.{k}": v.detach().clone() for k, v in module.state_dict().items()}


def gradients_of(module):
    return {f"grad.{k}": p.grad.clone() for k, p in module.named_parameters()}


def first_result(result):
    """What a recurrent layer returns beside its output, its last states, is left out."""
    return result[0] if isinstance(result, tuple) else result


def write_layer(path, layer, arguments, shape, seed):
    generator = generator_of(path.name, seed)
    module = drawn_layer(layer, arguments, generator)
    tensors = copied_state(module, "state")
    x = torch.randn(shape, generator=generator).requires_grad_()
    y = first_result(module(x))
    dy = torch.randn(y.shape, generator=generator)
    y.backward(dy)
    tensors |= {"input": x, "output": y, "grad_output": dy, "grad_input": x.grad} | gradients_of(module)
    tensors |= {f"after.{k}": v for k, v in module.named_buffers()}
    module.eval()
    tensors["eval_output"] = first_result(module(x))
    save_safetensors(path, tensors, {"layer": layer, "args": json.dumps(arguments)})


def write_net(path, seed):
    generator = generator_of(path.name, seed)
    arguments = {"width": 4, "features": 8, "classes": 10}
    # The gradient of a bias under a norm is rounding noise; a large eps keeps Adam from magnifying it.
    settings = {"name": "AdamW", "lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-3, "weight_decay": 0.01}
    module = drawn_layer("net", arguments, generator)
    inputs = torch.randn((3, 6, 1, 9, 9), generator=generator)
    targets = torch.randint(0, 10, (3, 6), generator=generator)
    tensors = copied_state(module, "state") | {"input": inputs, "target": targets}
    optimizer, losses = make_optimizer(settings, module.parameters()), []
    for x, target in zip(inputs, targets):
        output = module(x)
        loss = F.cross_entropy(output, target)
        optimizer.zero_grad()
        loss.backward()
        if not losses:
            tensors |= {"output": output} | gradients_of(module)
        losses.append(loss.item())
        optimizer.step()
    tensors |= {"losses": torch.tensor(losses)} | copied_state(module, "final")
    save_safetensors(path, tensors, {"layer": "net", "args": json.dumps(arguments), "optimizer": json.dumps(settings)})


# --- All of them -------------------------------------------------------------------------------


def numbered(names):
    """name_00, name_01, ... counting each name on its own."""
    counts = {}
    for name in names:
        counts[name] = counts.get(name, -1) + 1
        yield f"{name}_{counts[name]:02d}.safetensors"


def write_training_files(folder, seed):
    for name in ("schedules", "optim", "layers"):
        (folder / name).mkdir(exist_ok=True)
        for stale in (folder / name).glob("*.safetensors"):
            stale.unlink()
    for file, row in zip(numbered(row[0] for row in SCHEDULES), SCHEDULES):
        write_schedule(folder / "schedules" / file, *row)
    for file, row in zip(numbered(row[0]["name"] for row in OPTIMIZERS), OPTIMIZERS):
        write_optimizer(folder / "optim" / file, *row, seed)
    for file, row in zip(numbered(row[0] for row in LAYERS), LAYERS):
        write_layer(folder / "layers" / file, *row, seed)
    write_net(folder / "layers" / "net.safetensors", seed)
