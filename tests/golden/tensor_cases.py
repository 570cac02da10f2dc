"""Golden cases of torch.NAME and Tensor.NAME: arithmetic, comparisons, reductions, products, shapes."""

from golden_case import BF16, BOOL, F32, I32, I64, U8, bf16_case, case, distinct, mask, randint, randn, uniform, values

INF, NAN = float("inf"), float("nan")

# Pairs of shapes that broadcast together as NumPy's do.
BROADCASTS = [
    ((3, 5), (3, 5)),
    ((3, 1, 5), (4, 1)),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((7,), (1,)),
    ((), (2, 3)),
    ((1, 5), (5, 1)),
    ((0, 3), (1, 3)),
    ((2, 3, 4, 5), (2, 1, 4, 1)),
    ((1, 1, 17), (3, 2, 1)),
]

EDGES = [0.0, -0.0, 1.0, -1.0, 1e-30, -1e-30, 88.0, -88.0, 1e30, -1e30, INF, -INF]

ARITHMETIC = [
    *[case(f"torch.{op}", randn(*a), randn(*b)) for op in ("add", "sub", "mul") for a, b in BROADCASTS],
    *[case("torch.div", randn(*a), uniform(0.5, 2, *b)) for a, b in BROADCASTS],
    *[case(f"torch.{op}", randn(3, 7), other=2.0) for op in ("add", "sub", "mul", "div")],
    *[case(f"torch.{op}", randn(3, 7), other=-3) for op in ("add", "sub", "mul", "div")],
    *[case(f"Tensor.{op}", randn(3, 1, 7), uniform(0.5, 2, 5, 1)) for op in ("add", "sub", "mul", "div")],
    case("torch.add", randn(4, 3), randn(3), alpha=0.5),
    case("torch.add", randn(4, 3), other=1.5, alpha=-2),
    case("torch.sub", randn(4, 3), randn(4, 1), alpha=2.5),
    case("torch.div", values([1.0, -1.0, 0.0, 4.0]), values([0.0, 0.0, 2.0, -0.5])),
    case("torch.mul", values([INF, 1e30, 1e-30, -2.0]), values([2.0, 1e30, 1e-30, INF])),
    *[
        case(f"torch.{op}", randint(-9, 9, 3, 5, dtype=t), randint(-9, 9, 5, dtype=t))
        for op in ("add", "sub", "mul")
        for t in (I64, I32)
    ],
    *[
        bf16_case(f"torch.{op}", randn(3, 9, dtype=BF16), uniform(0.5, 2, 9, dtype=BF16))
        for op in ("add", "sub", "mul", "div")
    ],
    # Mixed dtypes are promoted.
    case("torch.add", randn(3, 5), mask(3, 1)),
    case("torch.mul", randn(3, 5), mask(5)),
    *[
        case(f"torch.{op}", randn(3, 5), other)
        for op in ("add", "sub", "mul")
        for other in (randint(-9, 9, 3, 5), randint(0, 9, 5, dtype=U8), randint(-9, 9, 3, 5, dtype=I32))
    ],
    *[bf16_case(f"torch.{op}", randn(3, 5, dtype=BF16), randn(5)) for op in ("add", "mul", "div")],
    *[
        case(f"torch.{op}", randint(0, 9, 3, 5, dtype=a), randint(0, 9, 3, 5, dtype=b))
        for op in ("add", "mul")
        for a, b in ((U8, I64), (I32, I64), (U8, I32), (U8, U8))
    ],
    *[case(f"torch.{op}", randint(-9, 9, 3, 5), other=1.5) for op in ("add", "mul")],
    *[case("torch.div", randint(-9, 9, 3, 5), other) for other in (randint(1, 9, 5), uniform(1, 2, 5))],
    bf16_case("torch.add", randn(3, 5, dtype=BF16), other=1.5),
]

POINTWISE = [
    *[
        case(f"torch.{op}", randn(*shape))
        for op in ("neg", "exp", "abs", "sign", "sigmoid", "tanh", "relu")
        for shape in ((5, 7), (), (0, 3), (2, 3, 1, 33))
    ],
    *[
        case(f"torch.{op}", uniform(0.1, 4, *shape))
        for op in ("log", "sqrt", "rsqrt")
        for shape in ((5, 7), (), (0, 3), (2, 3, 1, 33))
    ],
    *[
        case(f"torch.{op}", values(EDGES), grad=False)
        for op in ("neg", "exp", "abs", "sign", "sigmoid", "tanh", "relu")
    ],
    *[case(f"torch.{op}", values([0.0, 1e-30, 1e30, INF, -1.0]), grad=False) for op in ("log", "sqrt", "rsqrt")],
    *[
        case(f"torch.{op}", values([0.0, -0.0, 1.0, -1.0, 30.0, -30.0]))
        for op in ("abs", "sign", "sigmoid", "tanh", "relu")
    ],
    *[case(f"torch.{op}", values([NAN, 1.0, -1.0]), grad=False) for op in ("relu", "exp", "tanh", "abs")],
    *[
        case(f"Tensor.{op}", uniform(0.2, 3, 4, 5))
        for op in ("neg", "exp", "log", "sqrt", "rsqrt", "abs", "sigmoid", "tanh", "relu")
    ],
    *[
        bf16_case(f"torch.{op}", uniform(0.2, 3, 5, 7, dtype=BF16))
        for op in ("neg", "exp", "log", "sqrt", "sigmoid", "tanh", "relu")
    ],
    *[case("torch.pow", uniform(0.2, 3, 4, 5), exponent=e) for e in (2, 0.5, -1, 1.7, -2.5, 0, 1)],
    *[case("torch.pow", randn(4, 5), exponent=e) for e in (2, 3, 2.0)],
    case("torch.pow", values([0.0, -1.5, 2.0, INF]), exponent=2),
    case("Tensor.pow", randn(4, 5), exponent=2),
    *[
        case("torch.clamp", randn(4, 6), **limits)
        for limits in (
            {"min": -0.5},
            {"max": 0.3},
            {"min": -0.5, "max": 0.5},
            {"min": None, "max": 0.1},
            {"min": 0, "max": 1},
            {"min": 0.5, "max": -0.5},
        )
    ],
    case("torch.clamp", values([-1.0, 0.0, 1.0, NAN, INF, -INF]), min=-1.0, max=1.0, grad=False),
    case("torch.clamp", values([-1.0, -0.5, 0.0, 1.0, 2.0]), min=-1.0, max=1.0),
    case("torch.clamp", randint(-9, 9, 11), min=-3, max=4),
    case("Tensor.clamp", randn(4, 6), min=-0.5, max=0.5),
]

COMPARISONS = [
    *[
        case(f"torch.{op}", randint(0, 3, *a, dtype=F32), randint(0, 3, *b, dtype=F32), grad=False)
        for op in ("eq", "ne", "lt", "le", "gt", "ge")
        for a, b in (((3, 5), (3, 5)), ((3, 1, 5), (4, 1)))
    ],
    *[case(f"torch.{op}", randint(0, 3, 4, 5), randint(0, 3, 5)) for op in ("eq", "ne", "lt", "ge")],
    *[case(f"torch.{op}", randn(4, 5), other=0.0, grad=False) for op in ("eq", "ne", "lt", "le", "gt", "ge")],
    case("torch.eq", values([NAN, INF, -INF, 0.0]), values([NAN, INF, INF, -0.0]), grad=False),
    case("torch.eq", randint(0, 3, 9, dtype=U8), other=1),
    case("torch.lt", randint(0, 3, 9), randint(0, 3, 9, dtype=F32), grad=False),
    case("torch.gt", randint(-3, 3, 9), other=0.5),
    *[
        case(f"torch.{op}", randn(*a), randn(*b))
        for op in ("maximum", "minimum")
        for a, b in (((3, 5), (3, 5)), ((3, 1, 5), (4, 1)), ((), (2, 3)), ((0, 3), (3,)))
    ],
    *[
        case(f"torch.{op}", values([1.0, 2.0, -1.0, 0.0]), values([1.0, 1.0, -1.0, 5.0]))
        for op in ("maximum", "minimum")
    ],
    *[
        case(f"torch.{op}", values([NAN, 1.0, INF]), values([0.0, NAN, -INF]), grad=False)
        for op in ("maximum", "minimum")
    ],
    case("torch.where", mask(3, 5), randn(3, 5), randn(3, 5)),
    case("torch.where", mask(3, 1), randn(5), randn(2, 1, 1)),
    case("torch.where", mask(4, 1, 5), randn(4, 3, 5), randn(3, 1)),
    case("torch.where", mask(3, 5), randn(3, 5), other=0.5),
    case("torch.where", mask(0, 5), randn(0, 5), randn(5)),
    case("torch.where", values([True, False], BOOL), values([1.0, NAN]), values([INF, 2.0])),
    case("Tensor.where", randn(3, 5), mask(3, 5), randn(5)),
    case("torch.where", mask(3, 5), randint(0, 9, 3, 5), randint(0, 9, 5)),
    case("Tensor.masked_fill", randint(0, 9, 3, 5), mask(3, 5), value=-1),
    case("Tensor.masked_fill", randn(3, 5), mask(3, 5), value=-2.5),
    case("Tensor.masked_fill", randn(2, 3, 5), mask(3, 1), value=0.0),
    case("Tensor.masked_fill", randn(3, 5), mask(3, 5), value=-INF, grad=False),
]

# Shapes and the dimensions to reduce them over.
REDUCED = [
    ((5, 7), {}),
    ((5, 7), {"dim": 0}),
    ((5, 7), {"dim": -1, "keepdim": True}),
    ((5, 7), {"dim": [1]}),
    ((2, 3, 4, 5), {"dim": [0, 2, 3], "keepdim": True}),
    ((2, 3, 4, 5), {"dim": [0, 2, 3]}),
    ((2, 3, 4, 5), {"dim": [-1, 1]}),
    ((2, 3, 4, 5), {"dim": 2}),
    ((3, 1, 129), {"dim": [0, 1, 2]}),
    ((1, 33), {"dim": 0}),
    ((), {}),
    ((2, 3, 4), {"dim": [], "keepdim": False}),
]

REDUCTIONS = [
    *[case(f"torch.{op}", randn(*shape), **attrs) for op in ("sum", "mean") for shape, attrs in REDUCED],
    *[
        case(f"torch.{op}", randn(*shape, shift=3), **attrs)
        for op in ("var", "std")
        for shape, attrs in REDUCED
        if shape and shape != (1, 33) and attrs.get("dim") != []
    ],
    *[
        case(f"torch.{op}", randn(6, 5), dim=0, **attrs)
        for op in ("var", "std")
        for attrs in (
            {"correction": 0},
            {"correction": 2},
            {"unbiased": False},
            {"unbiased": True, "keepdim": True},
            {"correction": 0, "keepdim": True},
        )
    ],
    case("torch.var", randn(2, 3, 4, 5), dim=[0, 2, 3], correction=0),
    case("torch.var", randn(40, 9, shift=1000), dim=0, rtol=1e-4),
    case("torch.sum", randn(2, 0, 3), dim=1),
    case("torch.sum", randn(0, 3), dim=1),
    case("torch.sum", randn(0)),
    case("torch.mean", randn(0, 3), dim=0, grad=False),
    case("torch.mean", randn(0, 3), dim=1),
    case("torch.sum", uniform(1, 2, 3, 4099), dim=1),
    case("torch.mean", uniform(1e5, 1e6, 2003)),
    case("torch.sum", values([1e30, 1.0, -1e30, INF]), grad=False),
    case("torch.sum", randint(-9, 9, 3, 5), dim=1),
    case("torch.sum", randint(0, 255, 3, 50, dtype=U8)),
    case("torch.sum", mask(3, 9), dim=1),
    case("torch.sum", randint(-9, 9, 3, 5, dtype=I32), dim=0),
    *[case(f"Tensor.{op}", randn(2, 3, 5), dim=[0, 2], keepdim=True) for op in ("sum", "mean", "var", "std")],
    *[case(f"Tensor.{op}", randn(3, 5)) for op in ("sum", "mean", "var", "std")],
    *[
        bf16_case(f"torch.{op}", randn(9, 33, dtype=BF16), **attrs)
        for op in ("sum", "mean")
        for attrs in ({}, {"dim": 0}, {"dim": [1], "keepdim": True})
    ],
    bf16_case("torch.var", randn(9, 33, dtype=BF16), dim=1),
    *[
        case(f"torch.{op}", distinct(*shape), **attrs)
        for op in ("amax", "amin")
        for shape, attrs in (
            ((5, 7), {}),
            ((5, 7), {"dim": 0}),
            ((5, 7), {"dim": -1, "keepdim": True}),
            ((2, 3, 4, 5), {"dim": [0, 2]}),
            ((0, 3), {"dim": 1}),
            ((3, 1), {"dim": [1]}),
        )
    ],
    *[case(f"torch.{op}", values([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), dim=1) for op in ("amax", "amin")],
    *[
        case(f"torch.{op}", values([[1.0, NAN, 3.0], [INF, -INF, 2.0]]), dim=1, grad=False)
        for op in ("amax", "amin", "argmax", "argmin", "max", "min")
    ],
    *[
        case(f"torch.{op}", distinct(*shape), **attrs)
        for op in ("max", "min")
        for shape, attrs in (
            ((5, 7), {}),
            ((5, 7), {"dim": 0}),
            ((5, 7), {"dim": -1, "keepdim": True}),
            ((2, 3, 4, 5), {"dim": 1}),
            ((4, 1), {"dim": 1}),
            ((0, 3), {"dim": 1}),
        )
    ],
    *[case(f"torch.{op}", randint(-9, 9, 4, 5), dim=1) for op in ("max", "min")],
    *[case(f"Tensor.{op}", distinct(5, 7), dim=1) for op in ("max", "min", "argmax", "argmin", "amax", "amin")],
    *[
        case(f"torch.{op}", distinct(*shape), grad=False, **attrs)
        for op in ("argmax", "argmin")
        for shape, attrs in (
            ((5, 7), {}),
            ((5, 7), {"dim": 0}),
            ((5, 7), {"dim": -1, "keepdim": True}),
            ((2, 3, 4, 5), {"dim": 2}),
            ((4, 1), {"dim": 1}),
            ((0, 3), {"dim": 1}),
            ((), {}),
            ((5, 7), {"dim": None}),
        )
    ],
    *[
        case(f"torch.{op}", values([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), dim=1, grad=False)
        for op in ("argmax", "argmin")
    ],
    *[bf16_case(f"torch.{op}", distinct(5, 7, dtype=BF16), dim=1) for op in ("max", "amax")],
    *[
        case(f"torch.{op}", randn(*shape, scale=scale), dim=dim)
        for op in ("softmax", "log_softmax", "logsumexp")
        for shape, scale, dim in (
            ((5, 7), 1, 1),
            ((5, 7), 3, 0),
            ((2, 3, 4, 5), 1, 1),
            ((3, 1), 1, -1),
            ((3, 9), 1000, 1),
            ((0, 4), 1, 1),
            ((1, 257), 2, -1),
        )
    ],
    case("torch.logsumexp", randn(3, 5), dim=[0, 1]),
    case("torch.logsumexp", randn(3, 5), dim=1, keepdim=True),
    case("torch.logsumexp", values([[1e30, 1e30], [-1e30, -1e30]]), dim=1),
    case("torch.softmax", values([[0.0, -INF, 1.0], [200.0, -200.0, 0.0]]), dim=1, grad=False),
    *[bf16_case(f"torch.{op}", randn(5, 9, dtype=BF16), dim=1) for op in ("softmax", "log_softmax")],
]

# Shapes of torch.matmul: dot, vectors, matrices, batches, broadcast batches, empty.
MATMULS = [
    ((5,), (5,)),
    ((5,), (5, 3)),
    ((4, 5), (5,)),
    ((4, 5), (5, 3)),
    ((1, 1), (1, 1)),
    ((1, 7), (7, 1)),
    ((2, 4, 5), (2, 5, 3)),
    ((2, 4, 5), (5, 3)),
    ((4, 5), (2, 5, 3)),
    ((2, 1, 4, 5), (3, 5, 2)),
    ((2, 3, 4, 5), (2, 3, 5, 6)),
    ((2, 4, 5), (5,)),
    ((5,), (2, 5, 3)),
    ((0, 5), (5, 3)),
    ((4, 0), (0, 3)),
    ((2, 0, 5), (2, 5, 3)),
    ((33, 17), (17, 65)),
    ((1, 3, 4, 5), (2, 1, 5, 2)),
    ((3, 100), (100, 2)),
]

PRODUCTS = [
    *[case("torch.matmul", randn(*a), randn(*b), atol=5e-6) for a, b in MATMULS],
    *[
        case("torch.mm", randn(*a), randn(*b), atol=5e-6)
        for a, b in (((3, 5), (5, 7)), ((1, 9), (9, 1)), ((31, 8), (8, 15)))
    ],
    *[
        case("torch.bmm", randn(*a), randn(*b), atol=5e-6)
        for a, b in (((2, 3, 5), (2, 5, 7)), ((1, 4, 1), (1, 1, 4)), ((7, 2, 3), (7, 3, 2)))
    ],
    *[
        case("torch.addmm", randn(*c), randn(4, 5), randn(5, 3), atol=5e-6, **attrs)
        for c, attrs in (
            ((4, 3), {}),
            ((3,), {}),
            ((4, 1), {"beta": 0.5, "alpha": 2.0}),
            ((1,), {"beta": 0, "alpha": -1}),
        )
    ],
    *[case(f"Tensor.{op}", randn(3, 5), randn(5, 2), atol=5e-6) for op in ("matmul", "mm")],
    *[
        bf16_case("torch.matmul", randn(*a, dtype=BF16), randn(*b, dtype=BF16), atol=5e-2)
        for a, b in (((4, 5), (5, 3)), ((2, 4, 5), (5, 3)), ((17, 33), (33, 9)), ((2, 3, 8), (2, 8, 4)))
    ],
]

SHAPES = [
    *[
        case("torch.cat", *[randn(*s) for s in shapes], dim=dim)
        for shapes, dim in (
            (((2, 3), (4, 3)), 0),
            (((2, 3), (2, 1), (2, 5)), 1),
            (((2, 3, 4), (2, 3, 1)), -1),
            (((2, 3), (0, 3)), 0),
            (((5,),), 0),
            (((1, 2, 3, 3), (1, 4, 3, 3)), 1),
        )
    ],
    case("torch.cat", randn(2, 3), randn(0), dim=1),
    case("torch.cat", randn(2, 3), randn(1, 3)),
    case("torch.cat", randint(0, 9, 2, 3), randint(0, 9, 2, 3), dim=1),
    bf16_case("torch.cat", randn(2, 3, dtype=BF16), randn(2, 2, dtype=BF16), dim=1),
    *[case("torch.stack", randn(2, 3), randn(2, 3), randn(2, 3), dim=d) for d in (0, 1, 2, -1)],
    case("torch.stack", randn(5), randn(5)),
    case("torch.stack", randn(), randn()),
    *[case("torch.flip", randn(3, 4, 5), dims=d) for d in ([0], [1], [2], [0, 2], [-1, -2], [0, 1, 2])],
    case("torch.flip", randn(2, 3, 5, 4), dims=[3]),
    case("torch.flip", randint(0, 9, 7), dims=[0]),
    case("torch.stack", randint(0, 9, 3, dtype=U8), randint(0, 9, 3, dtype=U8), dim=1),
    case("torch.gather", randint(0, 9, 3, 5), randint(0, 5, 3, 2), dim=1),
    case("torch.index_select", randint(0, 9, 3, 5, dtype=I32), randint(0, 5, 2), dim=1),
    *[case("torch.roll", randn(3, 5), shifts=s, dims=d) for s, d in ((1, 0), (-2, 1), ([1, 7], [0, 1]), (2, None))],
    case("torch.gather", randn(3, 5), randint(0, 5, 3, 2), dim=1),
    case("torch.gather", randn(3, 5), randint(0, 3, 4, 5), dim=0),
    case("torch.gather", randn(3, 5, 2), randint(0, 5, 2, 7, 2), dim=1),
    case("torch.gather", randn(3, 5), randint(0, 5, 3, 1), dim=-1),
    *[case("torch.index_select", randn(4, 5, 3), randint(0, 3, 6), dim=d) for d in (0, 1, 2, -1)],
    *[case("torch.reshape", randn(2, 3, 4), shape=s) for s in ([6, 4], [-1], [4, -1, 2], [2, 3, 4, 1])],
    case("torch.reshape", randn(0, 3), shape=[3, 0]),
    case("torch.reshape", randn(1), shape=[]),
    *[case("torch.transpose", randn(2, 3, 5), dim0=a, dim1=b) for a, b in ((0, 1), (-1, 0), (1, 1), (1, 2))],
    *[
        case("torch.permute", randn(2, 3, 4, 5), dims=d)
        for d in ([0, 2, 3, 1], [3, 2, 1, 0], [0, 1, 2, 3], [1, -1, 0, 2])
    ],
    *[
        case("torch.flatten", randn(2, 3, 4, 5), **a)
        for a in ({}, {"start_dim": 1}, {"start_dim": 1, "end_dim": 2}, {"start_dim": -2}, {"end_dim": 0})
    ],
    case("torch.flatten", randn()),
    *[
        case("torch.squeeze", randn(1, 3, 1, 5), **a)
        for a in ({}, {"dim": 0}, {"dim": 1}, {"dim": -2}, {"dim": [0, 2]})
    ],
    *[case("torch.unsqueeze", randn(3, 5), dim=d) for d in (0, 1, 2, -1, -3)],
    case("Tensor.expand", randn(3, 1), size=[3, 4]),
    case("Tensor.expand", randn(3, 1), size=[2, -1, 4]),
    case("Tensor.expand", randn(1, 3, 1, 1), size=[2, 3, 4, 5]),
    case("Tensor.expand", randn(), size=[2, 2]),
    case("Tensor.view", randn(2, 3, 4), size=[6, -1]),
    case("Tensor.view", randn(2, 6), size=[2, 2, 3]),
    case("Tensor.reshape", randn(2, 3, 4), shape=[4, 6]),
    case("Tensor.transpose", randn(2, 3, 4), dim0=0, dim1=2),
    case("Tensor.permute", randn(2, 3, 4), dims=[2, 0, 1]),
    case("Tensor.t", randn(3, 5)),
    case("Tensor.t", randn(5)),
    case("torch.t", randn(3, 5)),
    case("Tensor.contiguous", randn(3, 5)),
    case("Tensor.flatten", randn(2, 3, 4), start_dim=1),
    case("Tensor.squeeze", randn(2, 1, 3), dim=1),
    case("Tensor.unsqueeze", randn(2, 3), dim=1),
    case("Tensor.flip", randn(2, 3), dims=[1]),
    *[case("Tensor.select", randn(3, 4, 5), dim=d, index=i) for d, i in ((0, 1), (1, -1), (-1, 4))],
    *[
        case("Tensor.narrow", randn(3, 7, 5), dim=d, start=s, length=n)
        for d, s, n in ((1, 2, 3), (0, 0, 3), (-1, 4, 1), (1, 3, 0))
    ],
    case("torch.select", randn(3, 4), dim=1, index=2),
    case("torch.narrow", randn(3, 4), dim=0, start=1, length=2),
    case("Tensor.gather", randn(3, 5), randint(0, 5, 3, 2), dim=1),
    case("Tensor.index_select", randn(3, 5), randint(0, 5, 4), dim=1),
    case("Tensor.softmax", randn(3, 5), dim=1),
    case("Tensor.log_softmax", randn(3, 5), dim=-1),
    case("Tensor.logsumexp", randn(3, 5), dim=1),
]

PIECES_AND_CHANGES = [
    *[case("torch.chunk", randn(7, 3), chunks=3, dim=d) for d in (0, 1)],
    *[case("torch.split", randn(7, 3), split_size_or_sections=n) for n in (3, [2, 5])],
    case("torch.unbind", randn(2, 3), dim=1),
    case("torch.var_mean", randn(3, 5), dim=1),
    case("torch.square", randn(3, 5)),
    case("torch.reciprocal", uniform(0.5, 2, 3, 5)),
    case("Tensor.clone", randn(2, 3)),
    case("Tensor.expand_as", randn(3, 1), randn(2, 3, 4), grad=(0,)),
    case("Tensor.float", randint(0, 9, 5)),
    case("Tensor.long", uniform(-3, 3, 9), grad=False),
    case("Tensor.bfloat16", randn(9), grad=False),
    case("Tensor.add_", randn(3, 5), randn(5), alpha=2, grad=False),
    case("Tensor.mul_", randn(3, 5), other=0.5, grad=False),
    case("Tensor.zero_", randn(3), grad=False),
    case("Tensor.fill_", randn(3), value=2.5, grad=False),
    case("Tensor.clamp_", randn(9), min=0, grad=False),
    case("Tensor.copy_", randn(3, 5), randint(0, 9, 5), grad=False),
]

TENSOR_CASES = ARITHMETIC + POINTWISE + COMPARISONS + REDUCTIONS + PRODUCTS + SHAPES + PIECES_AND_CHANGES
