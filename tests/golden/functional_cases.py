"""Golden cases of torch.nn.functional: layers, poolings, activations, losses."""

from golden_case import BF16, I64, bf16_case, case, distinct, mask, probabilities, randint, randn, uniform, values

INF, NAN = float("inf"), float("nan")

LINEAR = [
    *[
        case("linear", randn(*x), randn(*w), *([randn(w[0])] if bias else []), atol=5e-6)
        for x, w in (
            ((4, 5), (3, 5)),
            ((1, 7), (1, 7)),
            ((2, 3, 5), (4, 5)),
            ((5,), (3, 5)),
            ((33, 65), (10, 65)),
            ((0, 5), (3, 5)),
        )
        for bias in (True, False)
    ],
    bf16_case("linear", randn(9, 33, dtype=BF16), randn(5, 33, dtype=BF16, scale=0.2), randn(5, dtype=BF16)),
    bf16_case("linear", randn(9, 33, dtype=BF16), randn(5, 33, dtype=BF16, scale=0.2)),
]

# (N, C, H, W), (O, kernel height, kernel width), arguments
CONVOLUTIONS = [
    ((2, 3, 8, 8), (4, 3, 3), {"padding": 1}),
    ((2, 3, 8, 8), (4, 3, 3), {"stride": 2, "padding": 1}),
    ((1, 1, 7, 9), (5, 5, 5), {"padding": 2}),
    ((1, 1, 7, 9), (5, 5, 5), {"stride": 2, "padding": 2}),
    ((3, 5, 6, 4), (7, 1, 1), {}),
    ((3, 5, 7, 5), (2, 1, 1), {"stride": 2}),
    ((2, 3, 5, 7), (4, 3, 3), {}),
    ((1, 3, 9, 4), (1, 3, 3), {"stride": [2, 1], "padding": [1, 0]}),
    ((2, 2, 6, 11), (3, 5, 3), {"padding": [2, 1]}),
    ((2, 2, 6, 11), (3, 1, 3), {"stride": [1, 3], "padding": [0, 1]}),
    ((1, 1, 1, 1), (1, 1, 1), {}),
    ((1, 4, 1, 1), (3, 3, 3), {"padding": 1}),
    ((4, 1, 5, 5), (8, 5, 5), {}),
    ((2, 16, 4, 4), (17, 3, 3), {"padding": 1}),
    ((2, 33, 2, 2), (32, 3, 3), {"stride": 2, "padding": 1}),
    ((5, 8, 3, 3), (9, 3, 3), {"padding": 2}),
    ((0, 3, 5, 5), (4, 3, 3), {"padding": 1}),
    ((1, 2, 5, 6), (3, 3, 3), {"stride": 1, "padding": "same"}),
    ((1, 2, 5, 6), (3, 3, 3), {"stride": 2, "padding": "valid"}),
    ((2, 3, 6, 5), (2, 2, 4), {"padding": [1, 2], "dilation": 1, "groups": 1}),
    ((17, 1, 6, 6), (3, 3, 3), {"stride": 3, "padding": 1}),
    ((1, 3, 14, 14), (16, 5, 5), {"stride": 1, "padding": 2}),
    ((2, 3, 7, 8), (4, 3, 3), {"padding": 2, "dilation": 2}),
    ((1, 2, 9, 6), (3, 3, 2), {"stride": 2, "dilation": [3, 1]}),
    ((3, 5, 6), (2, 3, 3), {"padding": 1}),
]

# The same with groups: (N, C, H, W), (O, C / groups, kernel height, kernel width), arguments
GROUPED_CONVOLUTIONS = [
    ((2, 4, 5, 6), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
    ((2, 3, 7, 5), (6, 1, 3, 3), {"groups": 3, "stride": 2, "padding": 1}),
    ((1, 6, 4, 4), (3, 2, 1, 1), {"groups": 3}),
]

CONV = [
    *[
        case("conv2d", randn(*x), randn(o, x[-3], kh, kw, scale=0.5), *([randn(o)] if bias else []), atol=1e-5, **attrs)
        for x, (o, kh, kw), attrs in CONVOLUTIONS
        for bias in (True, False)
    ],
    *[
        case("conv2d", randn(*x), randn(*w, scale=0.5), randn(w[0]), atol=1e-5, **attrs)
        for x, w, attrs in GROUPED_CONVOLUTIONS
    ],
    *[
        bf16_case(
            "conv2d",
            randn(*x, dtype=BF16),
            randn(o, x[1], k, k, dtype=BF16, scale=0.2),
            randn(o, dtype=BF16),
            atol=4e-2,
            **attrs
        )
        for x, o, k, attrs in (
            ((2, 3, 8, 8), 4, 3, {"padding": 1}),
            ((2, 8, 7, 5), 16, 3, {"stride": 2, "padding": 1}),
            ((1, 1, 9, 9), 5, 5, {"padding": 2}),
            ((3, 5, 4, 4), 7, 1, {}),
        )
    ],
]

BATCH_NORM = [
    *[
        case(
            "batch_norm",
            randn(*x, shift=0.5, scale=2),
            randn(c),
            uniform(0.5, 2, c),
            randn(c, shift=1),
            randn(c),
            grad=(0, 3, 4),
            atol=1e-5,
            rtol=1e-4,
            training=training,
            **attrs
        )
        for x, c in (
            ((5, 3), 3),
            ((4, 3, 7), 3),
            ((2, 5, 4, 3), 5),
            ((3, 1, 2, 2), 1),
            ((1, 3, 4, 4), 3),
            ((2, 17, 3, 3), 17),
            ((2, 4), 4),
        )
        for training, attrs in ((True, {}), (False, {}), (True, {"momentum": 0.3, "eps": 1e-3}))
    ],
    *[
        case(
            "batch_norm",
            randn(*x),
            randn(3),
            uniform(0.5, 2, 3),
            grad=(0,),
            training=training,
            momentum=0.1,
            eps=1e-5,
            atol=1e-5,
            rtol=1e-4,
        )
        for x in ((5, 3), (2, 3, 4, 5))
        for training in (True, False)
    ],
    case("batch_norm", randn(4, 3, 2, 2), None, None, randn(3), randn(3), training=True, atol=1e-5, rtol=1e-4),
    case("batch_norm", randn(4, 3, 2, 2), None, None, training=True, atol=1e-5, rtol=1e-4),
    case(
        "batch_norm",
        randn(4, 3, 2, 2),
        randn(3),
        uniform(0.5, 2, 3),
        randn(3),
        randn(3),
        grad=(0, 3, 4),
        training=True,
        momentum=1.0,
        atol=1e-5,
        rtol=1e-4,
    ),
    case(
        "batch_norm",
        randn(4, 3, 2, 2),
        randn(3),
        uniform(0.5, 2, 3),
        randn(3),
        randn(3),
        grad=(0, 3, 4),
        training=True,
        momentum=0.0,
        atol=1e-5,
        rtol=1e-4,
    ),
    case(
        "batch_norm",
        randn(8, 3, 5, 5, shift=100),
        randn(3),
        uniform(0.5, 2, 3),
        randn(3),
        randn(3),
        grad=(0, 3, 4),
        training=True,
        atol=1e-4,
        rtol=1e-3,
    ),
    case(
        "batch_norm",
        randn(4, 2, 3, 3, scale=1e-4),
        randn(2),
        uniform(0.5, 2, 2),
        randn(2),
        randn(2),
        grad=(0, 3, 4),
        training=True,
        atol=1e-4,
        rtol=1e-3,
    ),
    *[
        bf16_case(
            "batch_norm",
            randn(4, 3, 5, 5, dtype=BF16),
            randn(3),
            uniform(0.5, 2, 3),
            randn(3),
            randn(3),
            grad=(0, 3, 4),
            training=training,
            atol=4e-2,
        )
        for training in (True, False)
    ],
]

# Shape and number of groups.
GROUP_NORMS = [
    ((2, 6), 2),
    ((3, 4, 5), 4),
    ((2, 6, 4, 3), 3),
    ((2, 6, 4, 3), 1),
    ((1, 8, 7, 7), 2),
    ((2, 34, 3, 3), 17),
    ((5, 3, 2, 2), 1),
    ((2, 4, 3, 2, 3), 2),
    ((0, 4, 3, 3), 2),
]

# Input and the dimensions that are normalised.
LAYER_NORMS = [
    ((4, 7), [7]),
    ((2, 3, 33), [33]),
    ((2, 3, 4), [3, 4]),
    ((2, 3, 4, 5), [3, 4, 5]),
    ((5,), [5]),
    ((1, 128), [128]),
    ((3, 1), [1]),
    ((0, 6), [6]),
]

# What they have in common with batch norm: tolerances, and gradients of the input, the weight and the bias.
SAMPLE_NORMS = [
    *[
        case("group_norm", randn(*x), *affine, num_groups=groups, atol=1e-5, rtol=1e-4)
        for x, groups in GROUP_NORMS
        for affine in ((randn(x[1]), randn(x[1])), ())
    ],
    case("group_norm", randn(2, 6, 4, 4, shift=50), randn(6), randn(6), num_groups=2, eps=1e-3, atol=1e-4, rtol=1e-3),
    case("group_norm", randn(2, 6, 4, 4), randn(6), num_groups=2, atol=1e-5, rtol=1e-4),
    *[
        case("layer_norm", randn(*x), *affine, normalized_shape=shape, atol=1e-5, rtol=1e-4)
        for x, shape in LAYER_NORMS
        for affine in ((randn(*shape), randn(*shape)), ())
    ],
    case("layer_norm", randn(3, 20, shift=50), randn(20), randn(20), normalized_shape=[20], atol=1e-4, rtol=1e-3),
    case("layer_norm", randn(3, 20), randn(20), normalized_shape=[20], eps=0.1, atol=1e-5, rtol=1e-4),
    *[
        case("instance_norm", randn(*x), *statistics, *affine, grad=grad, atol=1e-5, rtol=1e-4, **attrs)
        for x in ((3, 4, 5), (2, 3, 4, 5), (1, 33, 3, 3))
        for statistics, affine, grad, attrs in (
            ((), (), None, {}),
            ((None, None), (randn(x[1]), randn(x[1])), None, {"eps": 1e-3}),
            ((randn(x[1]), uniform(0.5, 2, x[1])), (randn(x[1]), randn(x[1])), (0, 3, 4), {"momentum": 0.3}),
            ((randn(x[1]), uniform(0.5, 2, x[1])), (), (0,), {"use_input_stats": False}),
        )
    ],
    *[
        bf16_case("group_norm", randn(2, 6, 5, 5, dtype=BF16), *affine, num_groups=3, atol=4e-2)
        for affine in ((randn(6, dtype=BF16), randn(6, dtype=BF16)), ())
    ],
    bf16_case(
        "layer_norm",
        randn(4, 40, dtype=BF16),
        randn(40, dtype=BF16),
        randn(40, dtype=BF16),
        normalized_shape=[40],
        atol=4e-2,
    ),
    bf16_case("instance_norm", randn(2, 3, 5, 5, dtype=BF16), atol=4e-2),
]

# (N, C, H, W) and the arguments of an average pooling.
AVERAGE_POOLS = [
    ((2, 3, 6, 8), {"kernel_size": 2}),
    ((2, 3, 7, 5), {"kernel_size": 2}),
    ((2, 3, 7, 5), {"kernel_size": 2, "ceil_mode": True}),
    ((1, 1, 7, 7), {"kernel_size": 2, "ceil_mode": True}),
    ((1, 2, 1, 1), {"kernel_size": 2, "ceil_mode": True}),
    ((1, 2, 3, 1), {"kernel_size": 2, "ceil_mode": True}),
    ((2, 3, 9, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 3, 9, 7), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ((2, 3, 8, 6), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((2, 3, 8, 6), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
    ((1, 2, 5, 6), {"kernel_size": [3, 2], "stride": [1, 2], "padding": [1, 0]}),
    ((1, 2, 6, 5), {"kernel_size": 3, "stride": 3, "ceil_mode": True}),
    ((1, 2, 5, 5), {"kernel_size": 2, "stride": 1}),
    ((1, 2, 5, 5), {"kernel_size": 2, "stride": None, "divisor_override": None}),
    ((1, 2, 5, 5), {"kernel_size": 3, "stride": 2, "ceil_mode": True, "divisor_override": 4}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
    ((1, 17, 4, 4), {"kernel_size": 4}),
    ((2, 5, 4, 9), {"kernel_size": [1, 3], "ceil_mode": True}),
    ((3, 6, 6), {"kernel_size": 2}),
]

MAX_POOLS = [
    ((2, 3, 4, 5), {"kernel_size": 2}),
    ((2, 3, 5, 7), {"kernel_size": 2, "ceil_mode": True}),
    ((1, 2, 7, 9), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((1, 2, 8, 6), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((1, 2, 5, 6), {"kernel_size": [3, 2], "stride": [1, 2], "padding": [1, 0]}),
    ((1, 1, 1, 1), {"kernel_size": 2, "ceil_mode": True}),
    ((1, 2, 5, 5), {"kernel_size": 2, "stride": 1}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
    ((2, 17, 4, 4), {"kernel_size": 3, "stride": 3, "dilation": 1, "ceil_mode": True}),
    ((3, 4, 4), {"kernel_size": 2}),
    ((2, 3, 4, 6), {"kernel_size": 2, "stride": None, "padding": 0, "return_indices": False}),
]

ADAPTIVE = [
    ((2, 3, 6, 8), [2, 4]),
    ((2, 3, 7, 5), [3, 2]),
    ((2, 3, 7, 5), 1),
    ((1, 4, 1, 1), 1),
    ((1, 2, 5, 7), [1, None]),
    ((1, 2, 3, 3), 5),
    ((1, 2, 5, 6), 3),
    ((0, 2, 4, 4), 2),
    ((3, 5, 6), 2),
]

POOLS = [
    *[case("avg_pool2d", randn(*x), **attrs) for x, attrs in AVERAGE_POOLS],
    *[case("max_pool2d", distinct(*x), **attrs) for x, attrs in MAX_POOLS],
    case("max_pool2d", values([[[[-5.0, -INF], [-7.0, -2.0]]]]), kernel_size=2, padding=1, grad=False),
    case("max_pool2d", values([[[[1.0, NAN], [7.0, 2.0]]]]), kernel_size=2, grad=False),
    *[case("adaptive_avg_pool2d", randn(*x), output_size=size) for x, size in ADAPTIVE],
    *[case("adaptive_max_pool2d", distinct(*x), output_size=size) for x, size in ADAPTIVE],
    bf16_case("avg_pool2d", randn(2, 3, 7, 5, dtype=BF16), kernel_size=2, ceil_mode=True),
    bf16_case("avg_pool2d", randn(2, 3, 6, 8, dtype=BF16), kernel_size=2),
    bf16_case("max_pool2d", distinct(1, 3, 7, 7, dtype=BF16), kernel_size=2, ceil_mode=True),
    bf16_case("adaptive_avg_pool2d", randn(2, 3, 5, 5, dtype=BF16), output_size=1),
]

SAMPLING = [
    *[
        case("grid_sample", randn(2, 3, *size), randn(2, 4, 5, 2, scale=0.9), mode=mode, padding_mode=padding,
             align_corners=align)
        for size, mode in (((5, 7), "bilinear"), ((4, 3), "nearest"), ((1, 6), "bilinear"))
        for padding in ("zeros", "border", "reflection")
        for align in (False, True)
    ],
    case("grid_sample", randn(1, 1, 1, 1), randn(1, 3, 3, 2), align_corners=False),
    case("grid_sample", randn(0, 2, 4, 4), randn(0, 2, 2, 2), align_corners=False),
    *[case("affine_grid", randn(2, 2, 3), size=[2, 3, *size], align_corners=align)
      for size in ((4, 5), (1, 3), (6, 1)) for align in (False, True)],
]

ACTIVATIONS = [
    *[
        case(op, randn(*shape, scale=2), **attrs)
        for op, attrs in (
            ("relu", {}),
            ("relu", {"inplace": False}),
            ("leaky_relu", {}),
            ("leaky_relu", {"negative_slope": 0.1}),
            ("sigmoid", {}),
            ("tanh", {}),
        )
        for shape in ((5, 7), (2, 3, 4, 5), (0, 3), (1,))
    ],
    *[
        case(op, values([0.0, -0.0, 50.0, -50.0, 1e30, -1e30, INF, -INF]), grad=False)
        for op in ("relu", "leaky_relu", "sigmoid", "tanh")
    ],
    *[
        case(op, randn(*shape, scale=scale), dim=dim)
        for op in ("softmax", "log_softmax")
        for shape, scale, dim in (
            ((5, 7), 1, 1),
            ((2, 3, 4, 5), 2, 1),
            ((2, 3, 4), 1, 0),
            ((3, 9), 1000, -1),
            ((1, 1), 1, 1),
            ((0, 4), 1, 1),
        )
    ],
    *[
        bf16_case(op, randn(5, 9, dtype=BF16), **attrs)
        for op, attrs in (
            ("relu", {}),
            ("leaky_relu", {"negative_slope": 0.1}),
            ("sigmoid", {}),
            ("tanh", {}),
            ("softmax", {"dim": 1}),
            ("log_softmax", {"dim": 1}),
        )
    ],
]

LOSSES = [
    *[
        case("cross_entropy", randn(*x, scale=2), randint(0, x[1], x[0], *x[2:]), **attrs)
        for x in ((5, 7), (1, 3), (9, 10))
        for attrs in (
            {},
            {"reduction": "sum"},
            {"reduction": "none"},
            {"label_smoothing": 0.1},
            {"label_smoothing": 0.3, "reduction": "sum"},
        )
    ],
    case("cross_entropy", randn(2, 5, 3, 4), randint(0, 5, 2, 3, 4)),
    case("cross_entropy", randn(2, 5, 3), randint(0, 5, 2, 3), reduction="none", label_smoothing=0.2),
    case("cross_entropy", randn(7), randint(0, 7)),
    case("cross_entropy", randn(4, 6), values([1, -100, 3, -100], I64)),
    case("cross_entropy", randn(4, 6), values([1, 2, 3, 2], I64), ignore_index=2),
    *[
        case("cross_entropy", randn(4, 6), values([1, 2, 3, 2], I64), ignore_index=2, label_smoothing=0.1, reduction=r)
        for r in ("mean", "none")
    ],
    case("cross_entropy", randn(3, 4, scale=500), randint(0, 4, 3)),
    case("cross_entropy", values([[1e4, -1e4, 0.0], [-1e30, 1e30, 0.0]]), values([0, 1], I64)),
    *[
        case("cross_entropy", randn(4, 6), probabilities(4, 6), grad=(0,), **attrs)
        for attrs in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1})
    ],
    bf16_case("cross_entropy", randn(6, 10, dtype=BF16), randint(0, 10, 6)),
    bf16_case("cross_entropy", randn(6, 10, dtype=BF16), randint(0, 10, 6), label_smoothing=0.1),
    *[
        case("nll_loss", randn(*x), randint(0, x[1], x[0], *x[2:]), **attrs)
        for x, attrs in (
            ((5, 7), {}),
            ((5, 7), {"reduction": "sum"}),
            ((5, 7), {"reduction": "none"}),
            ((1, 2), {}),
            ((2, 3, 4, 5), {}),
        )
    ],
    case("nll_loss", randn(4, 6), values([1, 2, 3, 2], I64), ignore_index=2),
    case("nll_loss", randn(6), randint(0, 6)),
    *[
        case(op, randn(*shape), randn(*shape), **attrs)
        for op in ("mse_loss", "l1_loss")
        for shape, attrs in (
            ((5, 7), {}),
            ((5, 7), {"reduction": "sum"}),
            ((5, 7), {"reduction": "none"}),
            ((1,), {}),
            ((2, 3, 4, 5), {"reduction": "mean"}),
        )
    ],
    *[
        case("binary_cross_entropy", uniform(0.05, 0.95, *shape), uniform(0, 1, *shape), grad=(0,), **attrs)
        for shape, attrs in (((5, 7), {}), ((5, 7), {"reduction": "sum"}), ((4,), {"reduction": "none"}))
    ],
    case("binary_cross_entropy", values([0.0, 1.0, 1.0, 0.0]), values([0.0, 1.0, 0.0, 1.0]), grad=False),
    *[
        case("binary_cross_entropy_with_logits", randn(*shape, scale=3), uniform(0, 1, *shape), grad=(0,), **attrs)
        for shape, attrs in (((5, 7), {}), ((5, 7), {"reduction": "sum"}), ((4,), {"reduction": "none"}), ((1, 1), {}))
    ],
    case(
        "binary_cross_entropy_with_logits",
        values([100.0, -100.0, 0.0, 1e4]),
        values([1.0, 1.0, 0.0, 0.0]),
        reduction="none",
        grad=(0,),
    ),
]

CLASS_WEIGHTS = [
    *[
        case(op, randn(5, 4), randint(0, 4, 5), uniform(0.5, 2, 4), grad=(0,), **attrs)
        for op in ("cross_entropy", "nll_loss")
        for attrs in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"ignore_index": 1})
    ],
    case("cross_entropy", randn(5, 4), randint(0, 4, 5), uniform(0.5, 2, 4), grad=(0,), label_smoothing=0.1),
]

LOOKUPS = [
    *[
        case("embedding", randint(0, 7, *shape), randn(7, 3), **attrs)
        for shape, attrs in (
            ((5,), {}),
            ((2, 4), {}),
            ((), {}),
            ((0,), {}),
            ((20,), {"padding_idx": 2}),
            ((3, 3), {"padding_idx": -1}),
            ((3,), {"padding_idx": None}),
        )
    ],
    case("embedding", randint(0, 7, 5, dtype=I64), randn(7, 1)),
    bf16_case("embedding", randint(0, 7, 5), randn(7, 4, dtype=BF16)),
    *[
        case("one_hot", randint(0, 5, *shape), **attrs)
        for shape, attrs in (((4,), {"num_classes": 5}), ((2, 3), {"num_classes": 9}), ((), {"num_classes": 5}))
    ],
    case("one_hot", values([0, 3, 1], I64)),
    case("one_hot", values([2, 0], I64), num_classes=-1),
    *[
        case("pad", randn(*x), pad=p, **attrs)
        for x, p, attrs in (
            ((2, 3), [1, 2], {}),
            ((2, 3), [1, 2, 3, 0], {}),
            ((1, 2, 3, 4), [1, 1, 1, 1], {}),
            ((1, 2, 3, 4), [-1, 1, 0, -1], {}),
            ((2, 5), [-2, -1], {}),
            ((2, 3), [0, 1], {"value": 2.5}),
            ((1, 2, 3, 4), [1, 1, 2, 2], {"mode": "constant", "value": -1.0}),
            ((2, 3, 4), [0, 0, 1, 1, 2, 0], {}),
            ((4,), [0, 0], {}),
            ((0, 3), [1, 1], {}),
            ((2, 3), [1, 1], {"value": None}),
        )
    ],
    case("dropout", randn(5, 7), p=0.0),
    case("dropout", randn(5, 7), p=0.0, training=True),
    case("dropout", randn(5, 7), p=0.5, training=False),
    case("dropout", randn(5, 7), p=1.0, training=True),
    case("dropout2d", randn(2, 3, 4, 4), p=0.5, training=False),
    case("dropout2d", randn(2, 3, 4, 4), p=0.0),
]

# What the lessons' models do not need.
MORE_ACTIVATIONS = [
    case(op, randn(*shape, scale=2), **attrs)
    for op, attrs in (
        ("hardtanh", {}),
        ("hardtanh", {"min_val": -0.5, "max_val": 2.0}),
        ("gelu", {}),
        ("silu", {}),
        ("softplus", {}),
        ("softplus", {"beta": 2.0}),
        ("elu", {}),
        ("elu", {"alpha": 0.5}),
        ("mish", {}),
    )
    for shape in ((5, 7), (2, 3, 4, 5))
]

# Targets that are probabilities have gradients too.
SOFT_TARGETS = [
    *[
        case("cross_entropy", randn(*x), probabilities(*x), **attrs)
        for x in ((4, 6), (2, 5, 3))
        for attrs in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1})
    ],
    case("cross_entropy", randn(4, 6), probabilities(4, 6), uniform(0.5, 2, 6), grad=(0, 1), label_smoothing=0.2),
]

FUNCTIONAL_CASES = (
    LINEAR
    + CONV
    + BATCH_NORM
    + SAMPLE_NORMS
    + POOLS
    + SAMPLING
    + ACTIVATIONS
    + LOSSES
    + CLASS_WEIGHTS
    + LOOKUPS
    + MORE_ACTIVATIONS
    + SOFT_TARGETS
)
