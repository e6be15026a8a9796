"""The operations against PyTorch: elementwise, reductions, shapes, indexing, matrix products."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, array, both_raise, close, noise, numbers, shapes

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


x23 = noise((2, 3), 0)
leaf = lambda t: t.tensor(x23, requires_grad=True)

# --- elementwise -------------------------------------------------------------------------------------------------

REAL = {
    "neg": lambda t, x: -x,
    "pos": lambda t, x: +x,
    "abs": lambda t, x: t.abs(x),
    "sign": lambda t, x: t.sign(x),
    "exp": lambda t, x: t.exp(x),
    "sin": lambda t, x: t.sin(x),
    "cos": lambda t, x: t.cos(x),
    "tanh": lambda t, x: t.tanh(x),
    "sigmoid": lambda t, x: t.sigmoid(x),
    "relu": lambda t, x: t.relu(x),
    "leaky_relu": lambda t, x: t.nn.functional.leaky_relu(x),
    "leaky_relu(0.2)": lambda t, x: t.nn.functional.leaky_relu(x, 0.2),
    "leaky_relu(0)": lambda t, x: t.nn.functional.leaky_relu(x, negative_slope=0),
    "gelu": lambda t, x: t.nn.functional.gelu(x),
    "gelu(tanh)": lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
    "clip(-0.5, 0.5)": lambda t, x: t.clip(x, -0.5, 0.5),
    "clamp(min)": lambda t, x: t.clamp(x, min=-0.5),
    "clamp(max)": lambda t, x: x.clamp(max=0),
    "clip(1, -1)": lambda t, x: x.clip(1, -1),
    "x + 2": lambda t, x: x + 2,
    "2 - x": lambda t, x: 2 - x,
    "x * 2.5": lambda t, x: x * 2.5,
    "x / 3": lambda t, x: x / 3,
    "x**0": lambda t, x: x**0,
    "x**1": lambda t, x: x**1,
    "x**2": lambda t, x: x**2,
    "x**2.0": lambda t, x: t.pow(x, 2.0),
    "x**3": lambda t, x: x.pow(3),
    "2**x": lambda t, x: 2**x,
    "0.5**x": lambda t, x: t.pow(0.5, x),
    "x * True": lambda t, x: x * True,
    "x * x": lambda t, x: x * x,
    "x / exp(x)": lambda t, x: x / t.exp(x),
    "clone": lambda t, x: x.clone(),
    "to(float32)": lambda t, x: x.to(t.float32),
    "to(float64)": lambda t, x: x.to(t.float64),
    "detach": lambda t, x: x * x.detach(),
}
POSITIVE = {
    "log": lambda t, x: t.log(x),
    "sqrt": lambda t, x: t.sqrt(x),
    "1 / x": lambda t, x: 1 / x,
    "x**-1": lambda t, x: x**-1,
    "x**-2.0": lambda t, x: x**-2.0,
    "x**0.5": lambda t, x: x**0.5,
    "x**-0.5": lambda t, x: x**-0.5,
    "x**2.5": lambda t, x: x**2.5,
}
BINARY = {
    "add": lambda t, x, y: t.add(x, y),
    "sub": lambda t, x, y: t.sub(x, y),
    "mul": lambda t, x, y: t.mul(x, y),
    "maximum": lambda t, x, y: t.maximum(x, y),
    "minimum": lambda t, x, y: x.minimum(y),
    "where": lambda t, x, y: t.where(x > y, x, y),
    "where(0, y)": lambda t, x, y: t.where(x > 0, 0.0, y),
    "x - x y": lambda t, x, y: x - x * y,
    "positive x ** y": lambda t, x, y: (x * x + 0.5) ** (y * 2 + 0.25),
    "div": lambda t, x, y: t.div(x, y * y + 0.5),
    "+=": lambda t, x, y: in_place(x + y * 0, "__iadd__", y),
    "-=": lambda t, x, y: in_place(x + y * 0, "__isub__", y),
    "*=": lambda t, x, y: in_place(x + y * 0, "__imul__", y),
    "/=": lambda t, x, y: in_place(x + y * 0, "__itruediv__", y * y + 0.5),
}
COMPARISONS = {
    "==": lambda t, x, y: x == y,
    "!=": lambda t, x, y: x != y,
    "<": lambda t, x, y: x < y,
    "<=": lambda t, x, y: x <= y,
    ">": lambda t, x, y: x > y,
    ">=": lambda t, x, y: x >= y,
    "and": lambda t, x, y: (x > 0) & (y > 0),
    "or": lambda t, x, y: (x > 0) | (y > 0),
    "not": lambda t, x, y: ~(x > y),
}
pairs = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4, min_side=0).map(
    lambda s: s.input_shapes
)


def in_place(x, method, y):
    """``x op= y``, returned."""
    return getattr(x, method)(y)


@pytest.mark.parametrize("name", REAL)
@given(x=numbers(shapes))
def test_elementwise(name, x):
    agree(REAL[name], x)


@pytest.mark.parametrize("name", POSITIVE)
@given(x=numbers(shapes, positive=True))
def test_elementwise_positive(name, x):
    agree(POSITIVE[name], x)


@pytest.mark.parametrize("name", {**BINARY, **COMPARISONS})
@given(data=st.data(), shape=pairs)
def test_binary(name, data, shape):
    x, y = (data.draw(numbers(s)) for s in shape)
    assume("**" not in name or y.all())  # at exponent 0 PyTorch's second derivative is 0, ours 1/x
    agree({**BINARY, **COMPARISONS}[name], x, y)


@given(shape=pairs, seed=st.integers(0, 999))
def test_pow_tensor(shape, seed):
    """Whole, half and negative exponents."""
    rng = np.random.default_rng(seed)
    x, y = (np.asarray(rng.choice(v, s) * 1.0) for v, s in zip(([0.25, 0.5, 1, 2], [-1, -0.5, 0.5, 1, 2, 3]), shape))
    agree(lambda t, x, y: x**y, x, y)


def test_pow_tensor_of_exponent_zero():
    """First order as in PyTorch; ∂²(x^y)/∂x∂y at y = 0 is 1/x either way round (PyTorch gives 0 one way)."""
    x, y = np.array([0.5, 1.0, 2.0]), np.zeros(3)
    agree(lambda t, x, y: x**y, x, y, second=False)
    for first in (0, 1):
        xy = [tl.tensor(a, requires_grad=True) for a in (x, y)]
        g = tl.autograd.grad((xy[0] ** xy[1]).sum(), [xy[first]], create_graph=True)[0]
        close(array(tl.autograd.grad(g.sum(), [xy[1 - first]])[0]), 1 / x)


@given(shape=pairs, seed=st.integers(0, 999))
def test_pow_of_negative_base(shape, seed):
    """By whole exponents; the exponent itself then has no gradient, NaN."""
    rng = np.random.default_rng(seed)
    x, y = (np.asarray(rng.choice(v, s) * 1.0) for v, s in zip(([-2, -1, 1], [-1, 0, 1, 2]), shape))
    agree(lambda t, x, y: x**y, x, fixed=[y])
    with np.errstate(invalid="ignore"):
        agree(lambda t, x, y: x**y, x, y, second=False)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_pow_tensor_at_zero(exponent):
    """The gradients are finite for exponents 0 and ≥ 1, and there is no warning."""
    with np.errstate(divide="ignore" if exponent == 0.5 else "warn"):
        agree(lambda t, x, y: x**y, np.array([0.0, 1.0]), np.array([exponent, 1.0]), second=False)


SINGULAR = {
    "log": lambda t, x: t.log(x),
    "sqrt": lambda t, x: t.sqrt(x),
    "1 / x": lambda t, x: 1 / x,
    "x / 0": lambda t, x: x / 0.0,
    "x**-1": lambda t, x: x**-1,
    "x**0.5": lambda t, x: x**0.5,
    "x**1.5": lambda t, x: x**1.5,
    "x**-0.5": lambda t, x: x**-0.5,
    "x**0": lambda t, x: x**0,
    "0**x": lambda t, x: 0**x,
    "0.0**x": lambda t, x: 0.0**x,
    "x**tensor": lambda t, x: x ** t.tensor([0.0, 0.5, 1.0, 2.0, 3.0]).to(x.dtype),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_at_zero(name):
    """Values and gradients at 0, where they may be infinite."""
    with np.errstate(all="ignore"):
        agree(SINGULAR[name], np.array([0.0, 0.0, 1.0, 0.0, 0.0]), second=False)


LARGE = ["sigmoid", "tanh", "gelu", "gelu(tanh)", "relu", "leaky_relu", "abs", "sign", "clip(-0.5, 0.5)", "x**2"]


@pytest.mark.parametrize("name", LARGE)
def test_large_numbers(name):
    """Nothing overflows that does not in PyTorch."""
    agree(REAL[name], np.array([-1e4, -800.0, -90.0, -20.0, 20.0, 90.0, 800.0, 1e4]))


NAN = {
    "relu": lambda t, x: t.relu(x),
    "clip": lambda t, x: t.clip(x, -1, 1),
    "maximum": lambda t, x: t.maximum(x, t.zeros(3, dtype=x.dtype)),
    "minimum": lambda t, x: t.minimum(t.zeros(3, dtype=x.dtype), x),
    "max": lambda t, x: t.max(x),
    "min": lambda t, x: t.min(x),
    "max(dim)": lambda t, x: t.max(x, 0),
    "min(dim)": lambda t, x: t.min(x, 0),
    "argmax": lambda t, x: t.argmax(x),
    "argmin": lambda t, x: t.argmin(x),
    "where": lambda t, x: t.where(x > 0, x, -x),
    "sigmoid": lambda t, x: t.sigmoid(x),
    "max_pool2d": lambda t, x: t.nn.functional.max_pool2d(x.reshape(1, 1, 1, 3), (1, 2), 1),
}


@pytest.mark.parametrize("name", NAN)
@pytest.mark.parametrize("x", [[np.nan, 1.0, -2.0], [0.5, np.nan, 2.0], [1.0, 2.0, np.nan]])
def test_nan_is_passed_on(name, x):
    for dtype in ("float32", "float64"):
        ours, theirs = (NAN[name](t, t.tensor(np.array(x, dtype))) for t in (tl, torch))
        for a, b in zip(*[(y if isinstance(y, tuple) else (y,)) for y in (ours, theirs)]):
            close(array(a), array(b))


def test_where_needs_no_finite_branch():
    """The branch not chosen may be infinite; its gradient is zero times that, NaN, as in PyTorch."""
    with np.errstate(all="ignore"):
        agree(lambda t, x: t.where(x > 0, t.sqrt(x), x), np.array([-1.0, 0.0, 2.0]), second=False)


# --- dtypes --------------------------------------------------------------------------------------------------------

DTYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]
MIXING = {
    "add": lambda t, x, y: x + y,
    "mul": lambda t, x, y: x * y,
    "sub": lambda t, x, y: x - y,
    "div": lambda t, x, y: x / y,
    "maximum": lambda t, x, y: t.maximum(x, y),
    "where": lambda t, x, y: t.where(t.tensor([True, False, True]), x, y),
}
ONE = {
    "exp": lambda t, x: t.exp(x),
    "sigmoid": lambda t, x: t.sigmoid(x),
    "neg": lambda t, x: -x,
    "abs": lambda t, x: t.abs(x),
    "sign": lambda t, x: t.sign(x),
    "relu": lambda t, x: t.relu(x),
    "x + 2": lambda t, x: x + 2,
    "x + 2.5": lambda t, x: x + 2.5,
    "2 * x": lambda t, x: 2 * x,
    "x / 2": lambda t, x: x / 2,
    "2 / x": lambda t, x: 2 / x,
    "x ** 2": lambda t, x: x**2,
    "x ** 0.5": lambda t, x: x**0.5,
    "clip": lambda t, x: t.clip(x, 1, 2),
    "clip to fractions": lambda t, x: t.clip(x, 0.5, 2.5),
    "sum": lambda t, x: t.sum(x),
    "sum(dim)": lambda t, x: t.sum(x, 0),
    "max": lambda t, x: t.max(x),
    "min(dim)": lambda t, x: t.min(x, 0),
    "argmax": lambda t, x: t.argmax(x),
    "sqrt": lambda t, x: t.sqrt(x),
    "cat": lambda t, x: t.cat([x, x]),
    "x > 1": lambda t, x: x > 1,
    "to": lambda t, x: x.to(t.int64),
}


def same_or_both_raise(f, *arrays):
    """Assert that values and dtypes are the same without gradients, or that both libraries raise."""
    try:
        theirs = f(torch, *[torch.tensor(a) for a in arrays])
    except (RuntimeError, TypeError):
        both_raise(lambda t: f(t, *[t.tensor(a) for a in arrays]))
        return
    ours = f(tl, *[tl.tensor(a) for a in arrays])
    for a, b in zip(*[(y if isinstance(y, tuple) else (y,)) for y in (ours, theirs)]):
        close(array(a), array(b))


def mixed(first, second):
    """All functions of MIXING on two dtypes, as wanted in both libraries; bool − int is offered by ours alone."""
    for name, f in MIXING.items():
        if name != "sub" or "bool" not in (first.dtype, second.dtype):
            same_or_both_raise(f, first, second)


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_mixed_dtypes(first, second):
    """Integers become the floating dtype they meet; two tensors of one rank must not be float32 and float64."""
    x, y = np.array([2, 1, 3]).astype(first), np.array([1, 1, 2]).astype(second)
    if {first, second} == {"float32", "float64"}:
        for f in MIXING.values():
            with pytest.raises(TypeError, match=r"float32 .* and float64 |float64 .* and float32 "):
                f(tl, tl.tensor(x), tl.tensor(y))
    else:
        mixed(x, y)


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_mixed_with_0d(first, second):
    """A tensor with axes decides before a 0-d tensor of the same kind (bool, integer, floating)."""
    mixed(np.array([2, 1, 3]).astype(first), np.array(1).astype(second))
    mixed(np.array(2).astype(first), np.array([1, 1, 2]).astype(second))


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_of_result(name, dtype):
    """Of one tensor; of bool, NumPy's answers are not all PyTorch's."""
    if dtype == "bool" and name in ("abs", "relu", "argmax", "sign", "x ** 2"):
        return
    same_or_both_raise(ONE[name], np.array([2, 1, 3]).astype(dtype))


def test_scalar_tensor_does_not_widen():
    """A 0-d float64 tensor meets float32 with axes: the result is float32, its own gradient float64."""

    def f(t):
        x, s = t.tensor(np.ones((2, 3), "float32"), requires_grad=True), t.tensor(np.array(1.7), requires_grad=True)
        y = x * s + s
        y.sum().backward()
        return y, x.grad, s.grad

    for a, b in zip(f(tl), f(torch)):
        close(array(a), array(b), tolerance=1e-5)


# --- reductions -----------------------------------------------------------------------------------------------------


with_axes = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


@st.composite
def dims_of(draw, ndim, several=True):
    """None, an axis or several, counted from either end."""
    if not ndim:
        return None
    axis = st.integers(-ndim, ndim - 1)
    if not several:
        return draw(axis)
    many = st.lists(axis, min_size=1, max_size=ndim, unique_by=lambda k: k % ndim).map(tuple)
    return draw(st.one_of(st.none(), axis, many))


OVER_DIMS = {
    "sum": lambda t, x, d, k: t.sum(x, d, k),
    "mean": lambda t, x, d, k: t.mean(x, dim=d, keepdim=k),
    "x.sum": lambda t, x, d, k: x.sum(d, keepdim=k),
}
OVER_ONE = {
    "max": lambda t, x, d, k: t.max(x, d, k),
    "min": lambda t, x, d, k: x.min(dim=d, keepdim=k),
    "argmax": lambda t, x, d, k: x.argmax(d, k),
    "argmin": lambda t, x, d, k: t.argmin(x, dim=d, keepdim=k),
    "softmax": lambda t, x, d, k: t.softmax(x, d),
    "log_softmax": lambda t, x, d, k: t.log_softmax(x, dim=d),
    "F.softmax": lambda t, x, d, k: t.nn.functional.softmax(x, dim=d),
    "F.log_softmax": lambda t, x, d, k: t.nn.functional.log_softmax(x, dim=d),
    "logsumexp": lambda t, x, d, k: t.logsumexp(x, d, k),
}
OVER_ALL = {
    "max": lambda t, x: t.max(x),
    "min": lambda t, x: x.min(),
    "mean": lambda t, x: t.mean(x),
    "sum": lambda t, x: x.sum(),
    "argmax": lambda t, x: t.argmax(x),
    "argmin": lambda t, x: x.argmin(),
}


@pytest.mark.parametrize("name", OVER_DIMS)
@given(data=st.data(), keepdim=st.booleans(), x=numbers())
def test_reduce(name, data, keepdim, x):
    dim = data.draw(dims_of(x.ndim))
    agree(lambda t, x: OVER_DIMS[name](t, x, dim, keepdim), x)


@pytest.mark.parametrize("name", OVER_ONE)
@given(data=st.data(), keepdim=st.booleans(), x=numbers(with_axes), strided=st.booleans())
def test_reduce_one(name, data, keepdim, x, strided):
    """Along one axis; of equal largest elements the first gets the gradient."""
    dim = data.draw(dims_of(x.ndim, several=False))
    agree(lambda t, x: OVER_ONE[name](t, x, dim, keepdim), x, strided=strided)


@pytest.mark.parametrize("name", OVER_ALL)
@given(x=numbers(), strided=st.booleans())
def test_reduce_all(name, x, strided):
    """Over everything; equal largest elements share the gradient."""
    agree(lambda t, x: OVER_ALL[name](t, x), x, strided=strided)


@given(data=st.data(), keepdim=st.booleans(), x=numbers(with_axes))
def test_logsumexp_over_several(data, keepdim, x):
    dim = data.draw(dims_of(x.ndim).filter(lambda d: d is not None))
    agree(lambda t, x: t.logsumexp(x, dim, keepdim), x)


@pytest.mark.parametrize("name", ["var", "std"])
@given(data=st.data(), keepdim=st.booleans(), correction=st.sampled_from([0, 1, 2, 0.5]), x=numbers(kinds=("apart",)))
def test_var_std(name, data, keepdim, correction, x):
    dim = data.draw(dims_of(x.ndim))
    axes = range(x.ndim) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    n = np.prod([x.shape[k] for k in axes])
    if n <= correction or (name == "std" and n == 1):
        return
    agree(lambda t, x: getattr(t, name)(x, dim=dim, correction=correction, keepdim=keepdim), x)


def test_std_of_equal_elements():
    """The value is 0; the gradient of the root has no limit there (PyTorch puts 0)."""
    x = tl.tensor(np.full(3, 1.5), requires_grad=True)
    with np.errstate(all="ignore"):
        y = tl.std(x)
        y.backward()
    assert y.item() == 0
    assert not np.isfinite(x.grad.numpy()).any()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize(
    "row", [[1e4, 0, -1e4], [1e30, 1e30, 0], [-1e30, 0, 1], [-np.inf, 0, 1], [5, -np.inf, -np.inf]]
)
def test_softmax_of_extremes(name, row):
    """No overflow, and −inf is probability 0."""
    agree(lambda t, x: OVER_ONE[name](t, x, 1, False), np.array([row, [0.0, 1.0, 2.0]]))


def test_logsumexp_of_nothing():
    """A row of −inf is −inf."""
    x = np.full((2, 3), -np.inf)
    close(array(tl.logsumexp(tl.tensor(x), 1)), array(torch.logsumexp(torch.tensor(x), 1)))


# --- shapes ---------------------------------------------------------------------------------------------------------


@st.composite
def reshapes(draw, x):
    """Another shape of the same size, perhaps with one −1."""
    if not x.size:
        return draw(st.permutations(x.shape).map(tuple))
    rest, shape = x.size, []
    while rest > 1 and len(shape) < 4:
        shape.append(draw(st.sampled_from([k for k in range(1, rest + 1) if rest % k == 0])))
        rest //= shape[-1]
    shape += [rest] if rest > 1 else []
    if shape and draw(st.booleans()):
        shape[draw(st.integers(0, len(shape) - 1))] = -1
    return tuple(shape)


@st.composite
def expansions(draw, x):
    """A shape that x can be expanded to, kept sizes perhaps as −1."""
    sizes = [draw(st.integers(0, 3)) if n == 1 and draw(st.booleans()) else n for n in x.shape]
    sizes = [-1 if n == m and draw(st.booleans()) else n for n, m in zip(sizes, x.shape)]
    return tuple(draw(st.lists(st.integers(1, 3), max_size=2)) + sizes)


@st.composite
def summed(draw, x):
    """A shape that x can be summed to."""
    sizes = tuple(1 if draw(st.booleans()) else n for n in x.shape)
    return sizes[draw(st.integers(0, len(sizes))) :]


@st.composite
def split_sizes(draw, x):
    """A dim of x and a size, or sizes that add up, to split it by."""
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    if draw(st.booleans()):
        return draw(st.integers(1, 3)), dim
    cuts = sorted(draw(st.lists(st.integers(0, x.shape[dim]), max_size=2)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, x.shape[dim]])], dim


@st.composite
def spans(draw, x):
    """Two axes in order, counted from either end."""
    first, last = sorted(draw(st.tuples(st.integers(0, x.ndim - 1), st.integers(0, x.ndim - 1))))
    return draw(st.sampled_from([first, first - x.ndim])), draw(st.sampled_from([last, last - x.ndim]))


@st.composite
def places(draw, x):
    """An axis of x, and an index for gather along it, with repeats."""
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    shape = [draw(st.integers(1, n)) for n in x.shape]
    shape[dim] = draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    return dim, rng.integers(0, x.shape[dim], shape)


some_axis = lambda x: st.integers(-x.ndim, x.ndim - 1)
some_axes = lambda x: st.lists(some_axis(x), unique_by=lambda k: k % x.ndim).map(tuple)
nothing = lambda x: st.none()
SHAPED = {  # name: what further arguments there may be for x, and the function
    "reshape": (reshapes, lambda t, x, a: t.reshape(x, a)),
    "x.reshape(*)": (reshapes, lambda t, x, a: x.reshape(*a) if a else x.reshape(a)),
    "x.view": (reshapes, lambda t, x, a: x.view(a)),
    "permute": (lambda x: st.permutations(range(x.ndim)).map(tuple), lambda t, x, a: t.permute(x, a)),
    "squeeze": (nothing, lambda t, x, a: t.squeeze(x)),
    "unsqueeze": (lambda x: st.integers(-x.ndim - 1, x.ndim), lambda t, x, a: t.unsqueeze(x, a)),
    "expand": (expansions, lambda t, x, a: x.expand(a)),
    "x.expand(*)": (expansions, lambda t, x, a: x.expand(*a) if a else x.expand(a)),
    "sum_to_size": (summed, lambda t, x, a: x.sum_to_size(a)),
    "T": (nothing, lambda t, x, a: x.T if x.ndim == 2 else x),
    "stack": (lambda x: st.integers(-x.ndim - 1, x.ndim), lambda t, x, a: t.stack([x, x * 3], a)),
}
SHAPED_WITH_AXES = {
    "permute(negative)": (lambda x: st.permutations(range(-x.ndim, 0)), lambda t, x, a: x.permute(*a)),
    "transpose": (lambda x: st.tuples(some_axis(x), some_axis(x)), lambda t, x, a: t.transpose(x, *a)),
    "flatten": (spans, lambda t, x, a: t.flatten(x, *a)),
    "flatten()": (nothing, lambda t, x, a: x.flatten()),
    "squeeze(dim)": (some_axis, lambda t, x, a: t.squeeze(x, a)),
    "squeeze(dims)": (some_axes, lambda t, x, a: x.squeeze(a)),
    "cat with itself": (some_axis, lambda t, x, a: t.cat([x, x * 2, x], a)),
    "split": (split_sizes, lambda t, x, a: t.split(x, *a)),
    "x.split": (split_sizes, lambda t, x, a: x.split(a[0], dim=a[1])),
    "gather": (places, lambda t, x, a: t.gather(x, a[0], t.tensor(a[1]))),
    "iteration": (nothing, lambda t, x, a: list(x)),
}


@pytest.mark.parametrize("name", SHAPED)
@given(data=st.data(), x=numbers(shapes, kinds=("smooth",)))
def test_shape(name, data, x):
    arguments, f = SHAPED[name]
    a = data.draw(arguments(x))
    agree(lambda t, x: f(t, x, a), x)


@pytest.mark.parametrize("name", SHAPED_WITH_AXES)
@given(data=st.data(), x=numbers(with_axes, kinds=("smooth",)))
def test_shape_with_axes(name, data, x):
    arguments, f = SHAPED_WITH_AXES[name]
    a = data.draw(arguments(x))
    agree(lambda t, x: f(t, x, a), x)


AXIS_OF_0D = {
    **{name: lambda t, x, d, f=f: f(t, x, d, False) for name, f in {**OVER_DIMS, **OVER_ONE}.items()},
    "var": lambda t, x, d: t.var(x, dim=d, correction=0),
    "flatten": lambda t, x, d: t.flatten(x, 0, d),
    "flatten()": lambda t, x, d: t.flatten(x),
    "squeeze": lambda t, x, d: t.squeeze(x, d),
    "transpose": lambda t, x, d: t.transpose(x, d, d),
    "gather": lambda t, x, d: t.gather(x, d, t.tensor(0)),
    "pad": lambda t, x, d: t.nn.functional.pad(x, ()),
}


@pytest.mark.parametrize("name", AXIS_OF_0D)
@pytest.mark.parametrize("dim", [0, -1])
def test_axis_of_0d(name, dim):
    """A 0-d tensor may be reduced over its axis 0 or −1; what works along an axis wants one (PyTorch lends it one)."""
    if name.split(".")[-1] in ("softmax", "log_softmax", "max", "min", "transpose", "gather", "argmax", "argmin"):
        with pytest.raises(IndexError, match="out of range for a tensor of 0 axes"):
            AXIS_OF_0D[name](tl, tl.tensor(1.5), dim)
        return
    agree(lambda t, x: AXIS_OF_0D[name](t, x, dim), np.array(1.5))


@pytest.mark.parametrize("name", ["cat", "concatenate"])
@given(data=st.data(), shape=hnp.array_shapes(max_dims=3, max_side=3), sizes=st.lists(st.integers(0, 3), min_size=1))
def test_concatenate(name, data, shape, sizes):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    resized = lambda n: tuple(n if k == dim % len(shape) else size for k, size in enumerate(shape))
    xs = [noise(resized(n), n) for n in sizes]
    agree(lambda t, *xs: getattr(t, name)(xs, dim), *xs)


@given(data=st.data(), x=numbers(hnp.array_shapes(min_side=0, max_side=4)), value=st.sampled_from([0, 1.5, -np.inf]))
def test_pad(data, x, value):
    pads = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=x.ndim))
    flat = tuple(n for pair in pads for n in pair)
    agree(lambda t, x: t.nn.functional.pad(x, flat, value=value), x)


def negotiated(t, x, name, a):
    """A shape function by name, on arguments that may not fit."""
    return getattr(x, name)(a)


@pytest.mark.parametrize("name", ["reshape", "expand", "sum_to_size", "permute", "squeeze", "unsqueeze"])
@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, max_side=3))
def test_shapes_that_may_not_fit(name, data, shape):
    """Where PyTorch refuses the arguments, tinylucid does."""
    size = {"permute": st.integers(-4, 3), "squeeze": st.integers(-4, 3)}.get(name, st.integers(-1, 4))
    a = data.draw(size if "squeeze" in name else st.lists(size, min_size=1, max_size=4).map(tuple))
    agree(lambda t, x: negotiated(t, x, name, a), noise(shape, 0), may_raise=True)


# --- indexing -------------------------------------------------------------------------------------------------------


def forward_only(key):
    """The key with negative steps, which PyTorch has not, made positive."""
    one = lambda k: slice(None, None, -k.step) if isinstance(k, slice) and (k.step or 1) < 0 else k
    return tuple(map(one, key)) if isinstance(key, tuple) else one(key)


@st.composite
def keys(draw, shape, unique=False):
    """An index: basic; or integer arrays that broadcast, boolean arrays and slices; or a mask of leading axes."""
    kind = draw(st.sampled_from(["basic", "arrays", "mask"]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    if kind == "basic":
        return draw(hnp.basic_indices(shape, allow_newaxis=True).map(forward_only))
    if kind == "mask":
        return rng.random(shape[: draw(st.integers(1, len(shape)))]) < 0.5
    if unique:  # each place at most once
        return rng.permutation(shape[0])[: draw(st.integers(0, shape[0]))]
    m = draw(st.integers(1, 3))
    forms = draw(st.lists(st.sampled_from(["slice", "list", "row", "column", "one"]), min_size=1, max_size=len(shape)))
    sizes = {"list": (m,), "row": (1, m), "column": (2, 1), "one": (1,)}
    return tuple(
        slice(draw(st.integers(0, n)), None, draw(st.integers(1, 2)))
        if form == "slice"
        else rng.integers(-n, n, sizes[form])
        for form, n in zip(forms, shape)
    )


def native(t, key):
    """The index with its arrays as tensors of the library t."""
    one = lambda k: t.tensor(k) if isinstance(k, np.ndarray) else k
    return tuple(map(one, key)) if isinstance(key, tuple) else one(key)


def replaced(t, x, value, key):
    """A copy of x with x[key] = value."""
    y = x.clone()
    y[native(t, key)] = value
    return y


@given(data=st.data(), shape=with_axes)
def test_index(data, shape):
    key = data.draw(keys(shape))
    agree(lambda t, x: x[native(t, key)], noise(shape, 0))


@given(data=st.data(), shape=with_axes)
def test_assign(data, shape):
    """x[key] = value, differentiable in both; the value is broadcast."""
    key = data.draw(keys(shape, unique=True))
    part = np.empty(shape)[key].shape
    value = noise(data.draw(st.sampled_from([part, (), (1,) * len(part), part[1:]])), 1)
    agree(lambda t, x, v: replaced(t, x, v, key), noise(shape, 0), value)


@given(data=st.data(), shape=with_axes)
def test_assign_number(data, shape):
    key = data.draw(keys(shape))
    agree(lambda t, x: replaced(t, x, 1.5, key), noise(shape, 0))


VIEWS = {
    "index": lambda t, x: x[1],
    "slices": lambda t, x: x[:, 1:, ::2],
    "newaxis": lambda t, x: x[None, ..., None],
    "reshape": lambda t, x: x.reshape(6, 4),
    "view": lambda t, x: x.view(-1),
    "flatten": lambda t, x: x.flatten(1),
    "permute": lambda t, x: x.permute(2, 0, 1),
    "transpose": lambda t, x: x.transpose(0, 1),
    "squeeze": lambda t, x: x[:1].squeeze(),
    "unsqueeze": lambda t, x: x.unsqueeze(0),
    "expand": lambda t, x: x.unsqueeze(0).expand(2, -1, -1, -1),
    "split": lambda t, x: t.split(x, 2)[0],
    "detach": lambda t, x: x.detach(),
    "iteration": lambda t, x: next(iter(x)),
    "reshape of permuted": lambda t, x: x.permute(2, 0, 1).reshape(-1),
    "flatten of permuted": lambda t, x: x.permute(2, 0, 1).flatten(),
    "list": lambda t, x: x[[0, 1]],
    "mask": lambda t, x: x[x > 0],
    "clone": lambda t, x: x.clone(),
    "cat": lambda t, x: t.cat([x]),
    "to another dtype": lambda t, x: x.to(t.float32),
    "tensor": lambda t, x: t.tensor(x.numpy()),
    "+x": lambda t, x: +x,
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory(name):
    """An edit of x shows in what was made of it in both libraries, or in neither."""
    changed = []
    for t in (tl, torch):
        x = t.tensor(noise((2, 3, 4), 0))
        y = VIEWS[name](t, x)
        before = array(y).copy()
        x += 1
        changed.append(bool((array(y) != before).any()))
    assert changed[0] == changed[1]


CORNERS = {
    "x[list]": lambda t, x: x[[1, 0, 1]],
    "x[list, list]": lambda t, x: x[[1, 0], [2, 2]],
    "x[empty list]": lambda t, x: x[[]],
    "x[0-d tensor]": lambda t, x: x[t.tensor(1)],
    "x[np.int64]": lambda t, x: x[np.int64(-1)],
    "x[list of bool]": lambda t, x: x[[True, False]],
    "x[True]": lambda t, x: x[True],
    "x[()]": lambda t, x: x[()],
    "argmax(keepdim)": lambda t, x: t.argmax(x, keepdim=True),
    "cat of one": lambda t, x: t.cat((x,), -1),
    "split of nothing": lambda t, x: t.split(x[:0], 2),
    "sum of a list": lambda t, x: sum([x, x[0], 1]),
    "chained": lambda t, x: (-x.T[None, :, 1:] * 2).squeeze(0).unsqueeze(-1).flatten(),
    "x itself": lambda t, x: x,
    "same twice": lambda t, x: (x, x),
    "round trip": lambda t, x: t.stack(list(x.unsqueeze(0).expand(3, 2, 3)), 1).sum_to_size(2, 1, 1),
}


@pytest.mark.parametrize("name", CORNERS)
def test_corner(name):
    agree(CORNERS[name], x23)


# --- creation --------------------------------------------------------------------------------------------------------

CREATED = {
    "tensor(int)": lambda t: t.tensor(3),
    "tensor(float)": lambda t: t.tensor(3.5),
    "tensor(bool)": lambda t: t.tensor([True, False]),
    "tensor(ints)": lambda t: t.tensor([[1, 2], [3, 4]]),
    "tensor(floats and ints)": lambda t: t.tensor([1, 2.5]),
    "tensor(nothing)": lambda t: t.tensor([]),
    "tensor(dtype)": lambda t: t.tensor([1, 2], dtype=t.float64),
    "tensor(float to int)": lambda t: t.tensor([1.9, -1.9], dtype=t.int64),
    "tensor(np.float64)": lambda t: t.tensor(np.float64(1.5)),
    "tensor(uint8 array)": lambda t: t.tensor(np.arange(3, dtype="uint8")),
    "tensor(int32 array)": lambda t: t.tensor(np.arange(3, dtype="int32")),
    "tensor(bool array)": lambda t: t.tensor(np.arange(3) > 1),
    "zeros": lambda t: t.zeros(2, 3),
    "zeros of a tuple": lambda t: t.zeros((2, 3), dtype=t.float64),
    "zeros()": lambda t: t.zeros(()),
    "ones of a list": lambda t: t.ones([2, 3], dtype=t.int64),
    "ones": lambda t: t.ones(4),
    "full": lambda t: t.full((2, 3), 1.5),
    "full of an int": lambda t: t.full((2,), 3),
    "full of a bool": lambda t: t.full((2,), True),
    "full(dtype)": lambda t: t.full((), 3, dtype=t.float32),
    "zeros_like": lambda t: t.zeros_like(t.ones(2, 3, dtype=t.float64)),
    "ones_like": lambda t: t.ones_like(t.zeros(2, dtype=t.int32)),
    "arange(end)": lambda t: t.arange(5),
    "arange(start, end)": lambda t: t.arange(-2, 5),
    "arange(step)": lambda t: t.arange(5, -2, -3),
    "arange(float)": lambda t: t.arange(0, 1, 0.3),
    "arange(float end)": lambda t: t.arange(3.5),
    "arange(dtype)": lambda t: t.arange(3, dtype=t.float64),
    "rand": lambda t: t.rand(2, 3) * 0,
    "randn": lambda t: t.randn((2, 3), dtype=t.float64) * 0,
    "to float from bool": lambda t: t.tensor([True, False]).to(t.float32),
    "to int from float": lambda t: t.tensor([1.7, -1.7]).to(t.int32),
    "where of numbers": lambda t: t.where(t.tensor([True, False]), 1.0, 0.0),
    "to itself": lambda t: t.tensor([1.5]).to("cpu"),
}


@pytest.mark.parametrize("name", CREATED)
def test_creation(name):
    """Shapes, values and the dtype that is chosen."""
    close(*(array(CREATED[name](t)) for t in (tl, torch)))


# --- matrix products ------------------------------------------------------------------------------------------------


@st.composite
def factors(draw):
    """Shapes of two factors: vectors, matrices, stacks that broadcast."""
    i, j, k = (draw(st.integers(0 if draw(st.booleans()) else 1, 4)) for _ in range(3))
    left, right = draw(pairs.filter(lambda p: max(map(len, p)) <= 2))
    form = draw(st.sampled_from(["stacks", "dot", "row", "column"]))
    if form == "dot":
        return (k,), (k,)
    return (k,) if form == "row" else (*left, i, k), (k,) if form == "column" else (*right, k, j)


@given(shape=factors(), strided=st.booleans())
def test_matmul(shape, strided):
    agree(lambda t, x, y: x @ y, noise(shape[0], 0), noise(shape[1], 1), strided=strided)


@given(
    lead=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 4)),
    bias=st.booleans(),
    strided=st.booleans(),
)
def test_linear(lead, sizes, bias, strided):
    i, o = sizes
    arrays = [noise((*lead, i), 0), noise((o, i), 1)] + ([noise((o,), 2)] if bias else [])
    agree(lambda t, *args: t.nn.functional.linear(*args), *arrays, strided=strided)


@given(shape=st.tuples(*[hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=2)] * 2))
def test_matmul_that_may_not_fit(shape):
    agree(lambda t, x, y: t.matmul(x, y), noise(shape[0], 0), noise(shape[1], 1), may_raise=True)


# --- the graph ------------------------------------------------------------------------------------------------------

STEPS = {
    "tanh": lambda t, a, b: t.tanh(a),
    "sin": lambda t, a, b: t.sin(a),
    "mul": lambda t, a, b: a * b,
    "add": lambda t, a, b: a + b,
    "sub": lambda t, a, b: a - b.sum(1, keepdim=True),
    "matmul": lambda t, a, b: t.tanh(a @ b.transpose(0, 1)) @ b,
    "max": lambda t, a, b: t.maximum(a, b),
    "softmax": lambda t, a, b: t.softmax(a, 1),
    "index": lambda t, a, b: a[native(t, (np.array([1, 1, 0]),))][:2] + b,
    "mean": lambda t, a, b: a.mean() * b,
    "edit": lambda t, a, b: replaced(t, a, b[0], (1,)),
}


@given(x=numbers((2, 3), kinds=("smooth",)), y=numbers((2, 3), kinds=("smooth",)), data=st.data())
def test_programs(x, y, data):
    """Random programs in which results are used again, or not at all."""
    n = data.draw(st.integers(1, 6))
    program = [
        (data.draw(st.sampled_from(list(STEPS))), *[data.draw(st.integers(0, k + 1)) for _ in range(2)])
        for k in range(n)
    ]

    def run(t, *values):
        values = list(values)
        for name, a, b in program:
            values.append(STEPS[name](t, values[a], values[b]) * 0.5)
        return values[-1], values[-2]

    agree(run, x, y)


def trace(t, x, create_graph):
    """Gradients at x and on the way, with a hook that doubles and one that only looks."""
    x = t.tensor(x, requires_grad=True)
    seen = []
    middle = t.tanh(x)
    middle.retain_grad()
    doubled = middle * 3
    doubled.register_hook(lambda g: g * 2)
    middle.register_hook(lambda g: seen.append(g))
    y = (doubled * middle).sum()
    grads = t.autograd.grad(y, [middle, x], create_graph=create_graph, retain_graph=True)
    grads += t.autograd.grad(y, [doubled], create_graph=create_graph, retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    return [*grads, x.grad, middle.grad, *seen]


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_and_intermediate_gradients(create_graph):
    ours, theirs = (trace(t, noise((2, 3), 0), create_graph) for t in (tl, torch))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        close(array(a), array(b))


def test_second_backward_raises():
    """On a released graph, also where PyTorch happens to have saved nothing."""
    x = tl.tensor(noise((3,), 0), requires_grad=True)
    y = (x + 1).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="released"):
        y.backward()


# --- what both refuse -----------------------------------------------------------------------------------------------

GRAPHS = {  # what grad and backward give in special places
    "grad of itself": lambda t, x: t.autograd.grad(x, x, t.ones(2, 3, dtype=t.float64)),
    "an input twice": lambda t, x: t.autograd.grad((x * x).sum(), [x, x]),
    "an output twice": lambda t, x: t.autograd.grad([x.sum(), x.sum(), x[0, 0]], [x]),
    "an intermediate result": lambda t, x: (lambda y: t.autograd.grad((y * x).sum(), [y, x]))(x * 2),
    "unused": lambda t, x: t.autograd.grad((x * 2).sum(), [x, leaf(t)], allow_unused=True),
    "upstream of one": lambda t, x: t.autograd.grad([x.sum(), x], [x], [None, t.tensor(x23)]),
    "leaf's own backward": lambda t, x: (x.backward(t.tensor(x23)), x.grad)[1:],
    "accumulated": lambda t, x: (x.sum().backward(), (x * x).sum().backward(), x.grad)[2:],
    "frozen in between": lambda t, x: t.autograd.grad((x * x.detach()).sum(), [x]),
    "no_grad in between": lambda t, x: t.autograd.grad((x * t.no_grad()(lambda: x * 2)()).sum(), [x]),
    "enable_grad": lambda t, x: t.autograd.grad(t.no_grad()(t.enable_grad()(lambda: (x * x).sum()))(), [x]),
    "assigned over": lambda t, x: t.autograd.grad(replaced(t, x * 2, x[0] * 3, (1,)).sum(), [x]),
    "edited in place": lambda t, x: t.autograd.grad((x * 2).__imul__(x).__iadd__(1).sum(), [x]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name):
    ours, theirs = (GRAPHS[name](t, leaf(t)) for t in (tl, torch))
    assert [g is None for g in ours] == [g is None for g in theirs]
    for a, b in zip(ours, theirs):
        if b is not None:
            close(array(a), array(b))


REFUSED = {
    "add: shapes": lambda t: t.tensor(x23) + t.tensor(x23.T),
    "maximum: shapes": lambda t: t.maximum(t.tensor(x23), t.tensor(x23.T)),
    "where: shapes": lambda t: t.where(t.tensor(x23 > 0), t.tensor(x23), t.tensor(x23.T)),
    "where: float condition": lambda t: t.where(t.tensor(x23), t.tensor(x23), t.tensor(x23)),
    "clip: no bound": lambda t: t.clip(t.tensor(x23)),
    "gelu: approximate": lambda t: t.nn.functional.gelu(t.tensor(x23), approximate="erf"),
    "int ** -1": lambda t: t.tensor([1, 2]) ** -1,
    "sum: dim": lambda t: t.sum(t.tensor(x23), 2),
    "sum: dim < -ndim": lambda t: t.sum(t.tensor(x23), -3),
    "sum: dim twice": lambda t: t.sum(t.tensor(x23), (0, -2)),
    "sum: dim 1.5": lambda t: t.sum(t.tensor(x23), 1.5),
    "mean: dim": lambda t: t.mean(t.tensor(x23), (0, 2)),
    "var: dim": lambda t: t.var(t.tensor(x23), 5),
    "max: dim": lambda t: t.max(t.tensor(x23), 2),
    "max: empty": lambda t: t.max(t.zeros(0)),
    "max: empty dim": lambda t: t.max(t.zeros(2, 0), 1),
    "argmax: dim": lambda t: t.argmax(t.tensor(x23), 2),
    "argmax: empty": lambda t: t.argmax(t.zeros(0)),
    "softmax: dim": lambda t: t.softmax(t.tensor(x23), 2),
    "logsumexp: dim": lambda t: t.logsumexp(t.tensor(x23), 2),
    "reshape: size": lambda t: t.tensor(x23).reshape(4),
    "reshape: two -1": lambda t: t.tensor(x23).reshape(-1, -1),
    "reshape: -2": lambda t: t.tensor(x23).reshape(-2, -3),
    "reshape: -1 of nothing": lambda t: t.zeros(2, 0).reshape(0, -1),
    "flatten: order": lambda t: t.flatten(t.zeros(2, 3, 4), 2, 1),
    "flatten: dim": lambda t: t.flatten(t.tensor(x23), 0, 2),
    "squeeze: dim": lambda t: t.squeeze(t.tensor(x23), 2),
    "unsqueeze: dim": lambda t: t.unsqueeze(t.tensor(x23), 3),
    "permute: too few": lambda t: t.tensor(x23).permute(0),
    "permute: twice": lambda t: t.tensor(x23).permute(0, 0),
    "transpose: dim": lambda t: t.transpose(t.tensor(x23), 0, 2),
    "expand: size": lambda t: t.tensor(x23).expand(4, 3),
    "expand: too few": lambda t: t.tensor(x23).expand(3),
    "expand: leading -1": lambda t: t.tensor(x23).expand(-1, 2, 3),
    "sum_to_size": lambda t: t.tensor(x23).sum_to_size(2, 2),
    "cat: sizes": lambda t: t.cat([t.tensor(x23), t.tensor(x23.T)], 0),
    "cat: axes": lambda t: t.cat([t.tensor(x23), t.zeros(2, dtype=t.float64)], 0),
    "cat: none": lambda t: t.cat([]),
    "cat: dim": lambda t: t.cat([t.tensor(x23)], 2),
    "cat: 0-d": lambda t: t.cat([t.tensor(1.0), t.tensor(2.0)]),
    "stack: shapes": lambda t: t.stack([t.tensor(x23), t.tensor(x23.T)]),
    "stack: none": lambda t: t.stack([]),
    "stack: dim": lambda t: t.stack([t.tensor(x23)], 4),
    "split: sizes": lambda t: t.split(t.tensor(x23), [1, 1], 1),
    "split: negative": lambda t: t.split(t.tensor(x23), [4, -1], 1),
    "split: -1": lambda t: t.split(t.tensor(x23), -1),
    "split: dim": lambda t: t.split(t.tensor(x23), 1, 2),
    "pad: odd": lambda t: t.nn.functional.pad(t.tensor(x23), (1, 1, 1)),
    "pad: too many": lambda t: t.nn.functional.pad(t.tensor(x23), (1,) * 6),
    "pad: mode": lambda t: t.nn.functional.pad(t.tensor(x23), (1, 1), mode="wrong"),
    "gather: range": lambda t: t.gather(t.tensor(x23), 1, t.tensor([[3]])),
    "gather: negative": lambda t: t.gather(t.tensor(x23), 1, t.tensor([[-1]])),
    "gather: axes": lambda t: t.gather(t.tensor(x23), 1, t.tensor([0])),
    "gather: float": lambda t: t.gather(t.tensor(x23), 1, t.tensor([[0.0]])),
    "gather: longer": lambda t: t.gather(t.tensor(x23), 1, t.tensor([[0], [0], [0]])),
    "index: range": lambda t: t.tensor(x23)[2],
    "index: too many": lambda t: t.tensor(x23)[0, 0, 0],
    "index: array range": lambda t: t.tensor(x23)[t.tensor([2])],
    "index: float": lambda t: t.tensor(x23)[t.tensor([0.5])],
    "index: mask shape": lambda t: t.tensor(x23)[t.tensor([True, False, True])],
    "index: arrays": lambda t: t.tensor(x23)[t.tensor([0, 1]), t.tensor([0, 1, 2])],
    "assign: shape": lambda t: replaced(t, t.tensor(x23), t.zeros(4, dtype=t.float64), (0,)),
    "assign: leaf": lambda t: leaf(t).__setitem__(0, 1.0),
    "+=: leaf": lambda t: leaf(t).__iadd__(1),
    "+=: grows": lambda t: t.tensor(x23[:1]).__iadd__(t.tensor(x23)),
    "+=: int by float": lambda t: t.tensor([1, 2]).__iadd__(0.5),
    "matmul: 0-d": lambda t: t.tensor(x23) @ t.tensor(1.5),
    "matmul: sizes": lambda t: t.tensor(x23) @ t.tensor(x23),
    "matmul: stacks": lambda t: t.zeros(2, 3, 4) @ t.zeros(3, 4, 5),
    "linear: sizes": lambda t: t.nn.functional.linear(t.zeros(2, 3), t.zeros(4, 2)),
    "linear: bias": lambda t: t.nn.functional.linear(t.zeros(2, 3), t.zeros(4, 3), t.zeros(3)),
    "linear: weight axes": lambda t: t.nn.functional.linear(t.zeros(2, 3), t.zeros(1, 4, 3)),
    "backward: no gradient": lambda t: leaf(t).exp().backward(),
    "backward: gradient's shape": lambda t: leaf(t).exp().backward(t.tensor(x23.T)),
    "backward: constant": lambda t: t.tensor(x23).sum().backward(),
    "backward: no_grad": lambda t: t.no_grad()(lambda: leaf(t).sum())().backward(),
    "grad: unused": lambda t: t.autograd.grad(leaf(t).sum(), [leaf(t)]),
    "grad: constant": lambda t: t.autograd.grad(leaf(t).sum(), [t.tensor(x23)]),
    "requires_grad: int": lambda t: t.tensor([1, 2], requires_grad=True),
    "requires_grad: off": lambda t: setattr(leaf(t).exp(), "requires_grad", False),
    "numpy: recorded": lambda t: leaf(t).numpy(),
    "item: several": lambda t: t.tensor(x23).item(),
    "bool: several": lambda t: bool(t.tensor(x23)),
    "len: 0-d": lambda t: len(t.tensor(1.0)),
    "iteration: 0-d": lambda t: list(t.tensor(1.0)),
    "tensor: ragged": lambda t: t.tensor([[1.0], [1.0, 2.0]]),
    "tensor: text": lambda t: t.tensor("x"),
    "to: dtype": lambda t: t.tensor(x23).to("wrong"),
    "zeros: size": lambda t: t.zeros(2, -1),
    "full: size": lambda t: t.full((-1,), 1.0),
    "rand: size": lambda t: t.rand(-1),
    "randn: size": lambda t: t.randn(2, -1),
    "ones_like: a list": lambda t: t.ones_like([1.0]),
    "zeros_like: None": lambda t: t.zeros_like(None),
    "arange: no steps": lambda t: t.arange(0, 3, 0),
    "arange: backwards": lambda t: t.arange(3, 0),
    "arange: below 0": lambda t: t.arange(-1),
    "arange: a step too far": lambda t: t.arange(0, 3, -1),
    "div: shapes": lambda t: t.div(t.ones(2), t.ones(3)),
    "pow: shapes": lambda t: t.pow(t.ones(2), t.ones(3)),
    "add: text": lambda t: t.ones(2) + "2",
    "maximum: text": lambda t: t.maximum(t.ones(2), "2"),
    "where: text": lambda t: t.where(t.ones(2) > 0, t.ones(2), "3"),
    "pow: text": lambda t: t.pow(t.ones(2), "2"),
    "clamp: text": lambda t: t.clamp(t.ones(2), "a"),
    "concatenate: axes": lambda t: t.concatenate([t.ones(2), t.ones(2, 1)]),
    "min: empty": lambda t: t.min(t.ones(0)),
    "argmin: dim": lambda t: t.argmin(t.ones(2), 1),
    "std: dim": lambda t: t.std(t.ones(2, 2), 2),
    "log_softmax: dim": lambda t: t.log_softmax(t.ones(2), 1),
    "linear: dtypes": lambda t: t.nn.functional.linear(t.ones(2, 3, dtype=t.float64), t.ones(2, 3)),
    "matmul: dtypes": lambda t: t.ones(2, 3, dtype=t.float64) @ t.ones(3, 3),
    "view: sizes": lambda t: t.tensor(x23).view(4, 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_raise(REFUSED[name])


def edited(t, edit):
    """The gradient of a graph in which ``edit`` changed a tensor after it was saved."""
    x = leaf(t)
    y = x * 2
    z = y * y
    edit(t, x, y)
    z.sum().backward()


EDITS = {
    "saved input of an operation": lambda t, x, y: t.no_grad()(lambda: y.__iadd__(1))(),
    "its view": lambda t, x, y: t.no_grad()(lambda: y[0].__iadd__(1))(),
    "its detached view": lambda t, x, y: y.detach().__imul__(2),
}


@pytest.mark.parametrize("name", EDITS)
def test_both_refuse_stale_arrays(name):
    both_raise(lambda t: edited(t, EDITS[name]))
