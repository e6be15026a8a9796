"""The cases in JAX: the lists of ``nets`` read again, compiled whole, pictures in JAX's own order (N, H, W, C).

Weights and batches are the other libraries'; what is measured ends when the result is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import nets
from .cases_ops import Convolution, drawn

ORDER = ("NHWC", "HWIO", "NHWC")
EPS, MOMENTUM = 1e-5, 0.1  # batch norm's


def build(kind: str, *arguments: Any) -> Callable[[], Any]:
    """The function of this room that a case names, for its arguments."""
    makers: dict[str, Callable[..., Any]] = {"step": step, "inference": inference, "convolution": convolution}
    return makers[kind](*arguments)


def last(a: np.ndarray) -> Any:
    """Pictures with channels last; rows as they are."""
    return jnp.asarray(a.transpose(0, 2, 3, 1) if a.ndim == 4 else a)


def kernel(a: np.ndarray) -> Any:
    """A weight (out, in, height, width) or (out, in), the outputs last."""
    return jnp.asarray(a.transpose((2, 3, 1, 0)) if a.ndim == 4 else a.T)


def conv(x: Any, w: Any, stride: int, padding: int, dilation: int = 1, groups: int = 1) -> Any:
    """A convolution as in the other libraries."""
    return lax.conv_general_dilated(
        x, w, (stride, stride), [(padding, padding)] * 2, rhs_dilation=(dilation, dilation), dimension_numbers=ORDER,
        feature_group_count=groups,
    )  # fmt: skip


# --- nets --------------------------------------------------------------------------------------------------------


def apply(
    layers: Sequence[Any], weights: Iterator[Any], stats: Iterator[Any], x: Any, key: Any = None
) -> tuple[Any, list]:
    """What the layers make of x, and the running statistics after it; with a ``key``, as in training."""
    kept: list[Any] = []
    for layer in layers:
        match layer:
            case nets.Conv():
                x = conv(x, next(weights), layer.stride, layer.kernel // 2, groups=layer.groups)
                x = x + next(weights) if layer.bias else x
            case nets.Linear():
                x = x @ next(weights) + next(weights)
            case nets.Residual():
                y, of_main = apply(layer.main, weights, stats, x, key)
                x, of_short = apply(layer.short, weights, stats, x, key)
                x, kept = jax.nn.relu(y + x), [*kept, *of_main, *of_short]
            case nets.Layer(kind="BatchNorm2d"):
                mean, var = next(stats), next(stats)
                if key is not None:
                    running, count = (mean, var), x.size // x.shape[-1]
                    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
                    now = (mean, var * count / (count - 1))
                    kept += [(1 - MOMENTUM) * old + MOMENTUM * new for old, new in zip(running, now)]
                x = (x - mean) * (next(weights) * lax.rsqrt(var + EPS)) + next(weights)
            case _:
                x = plain(layer, x, key)
    return x, kept


def plain(layer: nets.Layer, x: Any, key: Any) -> Any:
    """A layer without weights."""
    match layer.kind:
        case "ReLU":
            return jax.nn.relu(x)
        case "MaxPool2d":
            return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        case "AdaptiveAvgPool2d":
            return x.mean((1, 2), keepdims=True)
        case "Flatten":
            return x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        case "Dropout" if key is not None:
            keep = 1 - layer.arguments[0]
            return jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, 0)
        case "Dropout":
            return x
    raise NotImplementedError(layer.kind)


def statistics(net: nets.Net) -> list[Any]:
    """Running means 0 and variances 1 of each batch norm."""
    norms = [layer for layer, _ in nets.flat(net.layers, net.shape) if getattr(layer, "kind", "") == "BatchNorm2d"]
    return [make(norm.arguments[0]) for norm in norms for make in (jnp.zeros, jnp.ones)]


def step(net: nets.Net) -> Callable[[], Any]:
    """A training step with Adam; gives the loss."""
    pictures, labels = nets.batch(net)
    x, y = last(pictures), jnp.asarray(labels)

    def loss(weights: list, stats: list, key: Any, x: Any, y: Any) -> tuple[Any, list]:
        logits, kept = apply(net.layers, iter(weights), iter(stats), x, key)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean(), kept

    @partial(jax.jit, donate_argnums=0)
    def train(state: Any, x: Any, y: Any) -> Any:
        weights, stats, m, v, t, key = state
        key, own = jax.random.split(key)
        (value, stats), grads = jax.value_and_grad(loss, has_aux=True)(weights, stats, own, x, y)
        t = t + 1
        m = [0.9 * a + 0.1 * g for a, g in zip(m, grads)]
        v = [0.999 * a + 0.001 * g * g for a, g in zip(v, grads)]
        size, root = 1e-3 / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        weights = [w - size * a / (jnp.sqrt(b) / root + 1e-8) for w, a, b in zip(weights, m, v)]
        return value, (weights, stats, m, v, t, key)

    weights = [kernel(w) for w in nets.weights(net)]
    zeros = [[jnp.zeros_like(w) for w in weights] for _ in range(2)]
    state = (weights, statistics(net), *zeros, jnp.float32(0), jax.random.key(0))

    def once() -> Any:
        nonlocal state
        value, state = train(state, x, y)
        jax.block_until_ready(state)
        return value

    return once


def inference(net: nets.Net, n: int) -> Callable[[], Any]:
    """The logits of n pictures."""
    x, _ = nets.batch(net, (n, *net.shape[1:]))
    infer = jax.jit(lambda weights, stats, x: apply(net.layers, iter(weights), iter(stats), x)[0])
    given = [kernel(w) for w in nets.weights(net)], statistics(net), last(x)
    return lambda: infer(*given).block_until_ready()


# --- convolutions ------------------------------------------------------------------------------------------------


def convolution(case: Convolution, direction: str) -> Callable[[], Any]:
    """A convolution forward, or its gradient by the input (∂x) or by the weight (∂w)."""
    rng = np.random.default_rng(0)
    x, w = (drawn(shape, rng) for shape in case.shapes[:2])
    given = last(x), kernel(w)
    g = last(drawn(case.shapes[2], np.random.default_rng(1)))
    ordinary = partial(
        conv, stride=case.stride, padding=case.padding, dilation=case.dilation, groups=case.groups
    )  # fmt: skip

    def compute(x: Any, w: Any) -> Any:
        if not case.transposed:
            return ordinary(x, w)
        return jax.vjp(lambda z: ordinary(z, w), jnp.zeros_like(g))[1](x)[0]  # the gradient of the one that shrinks

    by_x = lambda x, w, g: jax.vjp(lambda x: compute(x, w), x)[1](g)[0]
    by_w = lambda x, w, g: jax.vjp(lambda w: compute(x, w), w)[1](g)[0]
    call = jax.jit({"forward": lambda x, w, g: compute(x, w), "∂x": by_x, "∂w": by_w}[direction])
    return lambda: call(*given, g).block_until_ready()
