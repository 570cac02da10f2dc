"""Golden cases of the recurrent layers and cells: torch.lstm, torch.gru_cell, ... with their flat lists of states and weights."""

from golden_case import BF16, F32, bf16_case, case, randn

GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def weights(cell, inputs, hidden, layers=1, directions=1, bias=True, dtype=F32):
    """Makers of all weights in the order in which PyTorch flattens them."""
    gates, makers = GATES[cell] * hidden, []
    for layer in range(layers):
        width = inputs if layer == 0 else directions * hidden
        for _ in range(directions):
            shapes = [(gates, width), (gates, hidden)] + ([(gates,), (gates,)] if bias else [])
            makers += [randn(*shape, scale=0.4, dtype=dtype) for shape in shapes]
    return makers


def layer(cell, steps, batch, inputs, hidden, layers=1, bidirectional=False, batch_first=False, bias=True, dtype=F32):
    directions = 2 if bidirectional else 1
    x = (batch, steps, inputs) if batch_first else (steps, batch, inputs)
    states = [randn(layers * directions, batch, hidden, dtype=dtype) for _ in range(2 if cell == "lstm" else 1)]
    return (bf16_case if dtype == BF16 else case)(
        f"torch.{cell}",
        randn(*x, dtype=dtype),
        *states,
        *weights(cell, inputs, hidden, layers, directions, bias, dtype),
        has_biases=bias,
        num_layers=layers,
        dropout=0.0,
        train=False,
        bidirectional=bidirectional,
        batch_first=batch_first,
    )


def cell_case(cell, batch, inputs, hidden, bias=True):
    states = [randn(batch, hidden) for _ in range(2 if cell == "lstm" else 1)]
    return case(f"torch.{cell}_cell", randn(batch, inputs), *states, *weights(cell, inputs, hidden, bias=bias))


RECURRENT_CASES = [
    *[
        layer(cell, *sizes, **options)
        for cell in GATES
        for sizes, options in (
            ((4, 3, 5, 7), {}),
            ((1, 1, 1, 1), {}),
            ((3, 2, 4, 16), {}),
            ((3, 17, 3, 5), {}),
            ((3, 2, 5, 6), {"layers": 3}),
            ((2, 2, 3, 5), {"bias": False}),
            ((3, 2, 4, 5), {"batch_first": True}),
            ((3, 2, 4, 5), {"layers": 2, "bidirectional": True}),
            ((2, 3, 3, 4), {"layers": 2, "bias": False, "batch_first": True}),
            ((5, 2, 3, 35), {}),
        )
    ],
    layer("gru", 3, 2, 4, 8, dtype=BF16),
    layer("lstm", 3, 2, 4, 8, dtype=BF16),
    layer("gru", 2, 17, 3, 64, dtype=BF16),  # large enough for tile registers
    *[
        cell_case(cell, *sizes, bias=bias)
        for cell in GATES
        for sizes, bias in (((3, 5, 7), True), ((1, 4, 3), True), ((2, 3, 16), False), ((18, 2, 5), True))
    ],
]
