"""What a golden case is, how its tensors are drawn, and how it is run and written.

A case is one call of one PyTorch function. `case("torch.sum", randn(3, 5), dim=[1])` reads as the
call `torch.sum(<3x5 normal numbers>, dim=[1])`: tensors come first, everything else by keyword.
"""

import json
import zlib
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

F32, BF16, I32, I64, U8, BOOL = torch.float32, torch.bfloat16, torch.int32, torch.int64, torch.uint8, torch.bool

# Functions whose first argument is a list of tensors. The file holds the list laid out flat.
LIST_FUNCTIONS = {"torch.cat", "torch.stack"}

# Functions of recurrent layers: how many states stand between the input and the list of weights.
RECURRENT_FUNCTIONS = {"torch.lstm": 2, "torch.gru": 1, "torch.rnn_tanh": 1, "torch.rnn_relu": 1}

# Functions whose further tensors come after arguments of other kinds: the keywords of those tensors.
KEYWORD_TENSORS = {
    "gather": ["index"],
    "index_select": ["index"],
    "group_norm": ["weight", "bias"],
    "layer_norm": ["weight", "bias"],
}


# --- How an input is drawn: each maker returns a function of a torch.Generator -----------------


def randn(*shape, scale=1.0, shift=0.0, dtype=F32):
    """Normal numbers of mean `shift` and standard deviation `scale`."""
    return lambda g: (torch.randn(shape, generator=g) * scale + shift).to(dtype)


def uniform(low, high, *shape, dtype=F32):
    return lambda g: (torch.rand(shape, generator=g) * (high - low) + low).to(dtype)


def randint(low, high, *shape, dtype=I64):
    """Whole numbers in [low, high)."""
    return lambda g: torch.randint(low, high, shape, generator=g).to(dtype)


def mask(*shape):
    return lambda g: torch.rand(shape, generator=g) < 0.5


def distinct(*shape, dtype=F32):
    """Shuffled whole numbers around zero: no ties, even in bf16 (up to 257 of them)."""

    def draw(g):
        count = torch.Size(shape).numel()
        return (torch.randperm(count, generator=g) - count // 2).reshape(shape).to(dtype)

    return draw


def values(data, dtype=F32):
    """Exactly these numbers."""
    return lambda g: torch.tensor(data, dtype=dtype)


def probabilities(*shape):
    """Rows over dimension 1 that sum to one."""
    return lambda g: torch.softmax(torch.randn(shape, generator=g), 1)


# --- A case ------------------------------------------------------------------------------------


@dataclass
class Case:
    op: str
    inputs: tuple  # makers, in positional order; None where an optional tensor is left out
    attrs: dict
    rtol: float
    atol: float
    grad: tuple | bool | None  # inputs to differentiate; None: every floating-point one
    name: str = field(default="", init=False)


def case(op, *inputs, rtol=1e-5, atol=1e-6, grad=None, **attrs):
    """One call of `op`. `grad=False` or `grad=(0, 2)` narrows the inputs that get a gradient."""
    return Case(op, inputs, attrs, rtol, atol, grad)


def bf16_case(op, *inputs, rtol=1.6e-2, atol=1e-2, grad=None, **attrs):
    """A case with bf16 numbers: 8 bits of mantissa, so a rounding is 2^-9 relative."""
    return Case(op, inputs, attrs, rtol, atol, grad)


def resolve(op):
    """The PyTorch function that `op` names."""
    owner, _, name = op.rpartition(".")
    return getattr({"torch": torch, "Tensor": torch.Tensor, "": F}[owner], name)


def call(op, inputs, attrs):
    """The outputs of the call, as a list."""
    keywords = KEYWORD_TENSORS.get(op.rpartition(".")[2])
    if op in LIST_FUNCTIONS:
        result = resolve(op)(list(inputs), **attrs)
    elif op in RECURRENT_FUNCTIONS:
        states = list(inputs[1 : 1 + RECURRENT_FUNCTIONS[op]])
        result = resolve(op)(
            inputs[0], states if op == "torch.lstm" else states[0], list(inputs[1 + len(states) :]), **attrs
        )
    elif op == "torch.lstm_cell":
        result = resolve(op)(inputs[0], list(inputs[1:3]), *inputs[3:], **attrs)
    elif keywords:
        result = resolve(op)(inputs[0], **dict(zip(keywords, inputs[1:])), **attrs)
    else:
        result = resolve(op)(*inputs, **attrs)
    return [result] if isinstance(result, torch.Tensor) else list(result)


def differentiable_inputs(case, inputs):
    if case.grad is False:
        return []
    floating = [i for i, x in enumerate(inputs) if x is not None and x.is_floating_point()]
    return [i for i in floating if case.grad is None or i in case.grad]


def evaluate(case, drawn, generator):
    """Calls the function on clones of `drawn`; returns every tensor of the golden file."""
    inputs = [None if x is None else x.clone() for x in drawn]
    wanted = differentiable_inputs(case, inputs)
    for i in wanted:
        inputs[i].requires_grad_()
    outputs = call(case.op, inputs, case.attrs)

    tensors = {f"input.{i}": x for i, x in enumerate(drawn) if x is not None}
    tensors |= {f"output.{i}": y for i, y in enumerate(outputs)}
    roots = [i for i, y in enumerate(outputs) if y.requires_grad]
    if roots:
        # Rounded to bf16 first, so that every dtype of output gets the same numbers.
        gradients = [torch.randn(outputs[i].shape, generator=generator).to(BF16).to(outputs[i].dtype) for i in roots]
        found = torch.autograd.grad(
            [outputs[i] for i in roots], [inputs[i] for i in wanted], gradients, allow_unused=True
        )
        tensors |= {f"grad_output.{i}": d for i, d in zip(roots, gradients)}
        tensors |= {f"grad_input.{i}": d for i, d in zip(wanted, found) if d is not None}
    for i, (before, now) in enumerate(zip(drawn, inputs)):
        if before is not None and not torch.equal(before.nan_to_num(), now.detach().nan_to_num()):
            tensors[f"after.{i}"] = now
    return tensors


def in_double(x):
    return x.double() if x is not None and x.dtype in (F32, BF16) else x


def widened_atol(case, drawn, gradient_seed, tensors):
    """The case's atol, raised where PyTorch's own result strays from the one in double precision.

    An engine that adds in another order deserves four times PyTorch's own error.
    """
    exact = evaluate(case, [in_double(x) for x in drawn], torch.Generator().manual_seed(gradient_seed))
    atol = case.atol
    for key, found in tensors.items():
        if key.startswith("input") or not found.is_floating_point():
            continue
        error = (found.double() - exact[key].double()).abs() - case.rtol / 4 * found.double().abs()
        error = error[error.isfinite()]
        if error.numel():
            atol = max(atol, 4 * error.max().item())
    return float(f"{atol:.1e}")


SAFETENSORS_NAMES = {F32: "F32", BF16: "BF16", I32: "I32", I64: "I64", U8: "U8", BOOL: "BOOL"}


def save_safetensors(path, tensors, metadata):
    """Writes the format by hand: the same content gives the same bytes, which the package does not promise."""
    header, data = {"__metadata__": metadata}, b""
    for name, x in tensors.items():
        flat = torch.empty(x.numel(), dtype=x.dtype).copy_(x.detach().reshape(-1))
        raw = flat.view(U8).numpy().tobytes()
        header[name] = {
            "dtype": SAFETENSORS_NAMES[x.dtype],
            "shape": list(x.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def generator_of(name, seed):
    """A generator of its own for every file, so that no file depends on another."""
    return torch.Generator().manual_seed(zlib.crc32(f"{name}/{seed}".encode()))


def write_case(case, folder, seed):
    """Runs the case and writes its file. Returns True if its tolerance had to be widened."""
    generator = generator_of(case.name, seed)
    drawn = [None if make is None else make(generator) for make in case.inputs]
    gradient_seed = generator.initial_seed() + 1
    tensors = evaluate(case, drawn, torch.Generator().manual_seed(gradient_seed))
    atol = widened_atol(case, drawn, gradient_seed, tensors)
    metadata = {"op": case.op, "attrs": json.dumps(case.attrs), "rtol": repr(case.rtol), "atol": repr(atol)}
    save_safetensors(folder / f"{case.name}.safetensors", tensors, metadata)
    return atol > case.atol


def named(cases):
    """Gives every case its file name: the op and a running number within the op."""
    counts = {}
    for c in cases:
        counts[c.op] = counts.get(c.op, -1) + 1
        c.name = f"{c.op}_{counts[c.op]:02d}"
    return cases
