"""Layer-wise relevance propagation: the answer itself, handed back from sum to summands in proportion to what they gave.

Every rule here is written as a modified gradient G: at each array a of the net the relevance is R = a·G elementwise. G is 1
at the explained number, and the map is x·G. Then whatever moves, adds or scales numbers keeps its plain backward rule, and
only sums with weights, z = w x + b, and nonlinearities y(x) need one of their own.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..nn import Module
from ..ops.choice import maximum, minimum
from ..ops.conv import _conv2d, _conv2d_input
from ..ops.dense import _linear, _matmul
from ..ops.norm import batch_norm_fixed
from ..scopes import backward_rules
from ..tensor import Tensor
from .common import beside, pixels, recording, score
from .gradients import slope
from .passing import KINKED, MAX_POOLS, SMOOTH, Call, calls_between, refuse_others

EPSILON = 1e-6  # keeps a sum that nearly cancels from being divided by


@giving(Maps)
def lrp(model: Callable[[Any], Any], x: Any, target: Any, *, rule: Any = "epsilon") -> Any:
    """The relevance of each pixel, shaped like x: shares of the answer, which they sum to but for what biases gave.

    ``rule`` says how the relevance of z = w x + b, of a convolution or a dense layer, is shared among x: "epsilon",
    "gamma", "alpha_beta" or "z_plus", with other parameters Epsilon(1e-9), Gamma(0.1), AlphaBeta(1.5, 0.5), or by layer
    {"features": "gamma", "features.0": "z_plus", "": "epsilon"}: the longest name that a layer is or lies in counts, ""
    is all others (by default epsilon). A batch norm right behind such a layer is folded into it; one that stands alone has
    the epsilon rule, whichever you name. Elementwise y(x) hands all its relevance on, so that a ReLU's G is the gradient; a
    max pool's goes to the winner. Every other linear operation, a product with a constant too, shares in proportion, without
    ε. So on a ReLU net the epsilon rule is gradient times input, but for ε: the other rules are those that differ.
    Model, x, target and errors as in gradient; ValueError for a rule or layer that there is not; RuntimeError for an
    operation that has no rule, such as softmax, layer norm, silu and other products of two that depend on the picture.
    Bach et al., 2015; Montavon et al., 2019.
    """
    model, leaf = beside(model, x), Tensor(pixels(x), requires_grad=True)
    rules = by_layer(rule, model)
    folded: dict[int, tuple[Any, Any]] = {}
    others = {**dict.fromkeys(SMOOTH, handed_on), batch_norm_fixed: normalised(EPSILON, folded)}
    with recording(model), backward_rules(others), contextlib.ExitStack() as scopes:
        for name in sorted(rules):  # a layer after those it lies in: the innermost scope holds
            scopes.enter_context(backward_rules(weighted(rules[name], folded), within(name)))
        numbers = score(model, leaf, target)
        calls = calls_between(leaf, numbers)
        refuse_others(calls, "lrp", (*KINKED, *SMOOTH, *MAX_POOLS, maximum, minimum))
        folded.update(norms_behind(calls))
        check_used(rules, [(n, inputs) for n, inputs in calls if id(n.saved.get("x")) not in folded])
        return leaf.data * slope(numbers, leaf, "x")


# --- the rules: from G of z = w x + b to G of x -----------------------------------------------------------------------


@dataclass(frozen=True)
class Sum:
    """One call of a layer with weights, z = w x + b: its arrays, w x + b for others, and wᵀ g."""

    x: Any
    w: Any
    b: Any
    z: Any
    forward: Callable[[Any, Any, Any], Any]
    transposed: Callable[[Any, Any], Any]

    def by_sign(self) -> tuple[Any, Any]:
        """z⁺ and z⁻, the sums of the positive and of the negative products x·w, each with the biases of its sign."""
        (x_up, x_down), (w_up, w_down) = signs(self.x), signs(self.w)
        b_up, b_down = (None, None) if self.b is None else signs(self.b)
        up = self.forward(x_up, w_up, b_up) + self.forward(x_down, w_down, None)
        return up, self.forward(x_up, w_down, b_down) + self.forward(x_down, w_up, None)

    def to_signs(self, g_up: Any, g_down: Any) -> Any:
        """G of x if only positive products hand on g_up, and only negative ones g_down."""
        w_up, w_down = signs(self.w)
        return np.where(
            self.x > 0,
            self.transposed(g_up, w_up) + self.transposed(g_down, w_down),
            self.transposed(g_up, w_down) + self.transposed(g_down, w_up),
        )


@dataclass(frozen=True)
class Epsilon:
    """G_x = wᵀ (G·z / (z + ε·sign z)), sign 0 = 1 (Bach et al., 2015, equation 58): for ε → 0 a ReLU net's gradient."""

    epsilon: float = EPSILON

    def __post_init__(self) -> None:
        if not self.epsilon > 0:
            raise ValueError(
                f"lrp: epsilon must be above 0, got {self.epsilon!r}; for ε → 0 it is gradient times input"
            )

    def __call__(self, g: Any, s: Sum) -> Any:
        return s.transposed(g * s.z / stable(s.z, self.epsilon), s.w)


@dataclass(frozen=True)
class Gamma:
    """R_x = (x w + γ·(x w)⁺) / (z + γ·z⁺) · R where z ≥ 0, and with (x w)⁻ and z⁻ where z < 0 (Montavon et al., 2019).

    What agrees with z in sign counts more. For x ≥ 0 and z ≥ 0 this is their w + γ·w⁺; by its sign z + γ·z± never cancels.
    z± are the sums of what is positive or negative, and biases join them by their sign.
    """

    gamma: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.gamma < np.inf:
            raise ValueError(f"lrp: gamma must be at least 0, got {self.gamma!r}")

    def __call__(self, g: Any, s: Sum) -> Any:
        up, down = s.by_sign()
        share = quotient(g * s.z, s.z + self.gamma * np.where(s.z < 0, down, up))
        agreeing = s.to_signs(np.where(s.z < 0, 0, share), np.where(s.z < 0, share, 0))
        return s.transposed(share, s.w) + self.gamma * agreeing


@dataclass(frozen=True)
class AlphaBeta:
    """R_x = α·(x w)⁺/z⁺·R − β·(x w)⁻/z⁻·R, α − β = 1, z± the sums of what is positive or negative (Bach et al., 2015, equation 60).

    Biases join z± by their sign. Where all is of one sign that one takes R, so that nothing is lost. (1, 0) is z⁺.
    """

    alpha: float = 2
    beta: float = 1

    def __post_init__(self) -> None:
        if not (self.beta >= 0 and abs(self.alpha - self.beta - 1) < 1e-9):
            raise ValueError(f"lrp: alpha − beta must be 1 and beta at least 0, got {self.alpha!r} and {self.beta!r}")

    def __call__(self, g: Any, s: Sum) -> Any:
        up, down = s.by_sign()
        r = g * s.z
        r_up = quotient(np.where(down == 0, 1, self.alpha).astype(r.dtype) * r, up)
        r_down = quotient(np.where(up == 0, -1, self.beta).astype(r.dtype) * r, down)
        return s.to_signs(r_up, -r_down)


RULES: dict[str, Callable] = {
    "epsilon": Epsilon(),
    "gamma": Gamma(),
    "alpha_beta": AlphaBeta(),
    "z_plus": AlphaBeta(1, 0),
}


def handed_on(g, x, out):
    """G·y / x, 0 where x = 0: of an elementwise y(x), whose relevance R = y·G is x's."""
    return quotient(g * out, x)


def stable(z: Any, epsilon: float) -> Any:
    """z + ε·sign z, sign 0 = 1."""
    return np.where(z < 0, z - epsilon, z + epsilon)


def quotient(r: Any, z: Any) -> Any:
    """r / z, 0 where z = 0."""
    zero = z == 0
    out = r / (z + zero)
    out[zero] = 0
    return out


def signs(a: Any) -> tuple[Any, Any]:
    """a⁺ and a⁻, whose sum is a."""
    return np.maximum(a, 0), np.minimum(a, 0)


# --- where they hold --------------------------------------------------------------------------------------------------


def weighted(rule: Callable[[Any, Sum], Any], folded: Mapping[int, tuple]) -> dict[Any, Callable]:
    """``rule`` as the backward rule of convolutions, transposed ones too, and dense layers; epsilon of batch norm too.

    ``folded`` holds the batch norms that are part of the layer before them, as norms_behind gives them.
    """

    def conv(g, x, weight, bias, out, stride, padding, dilation, groups):
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        forward = lambda x, w, b: _conv2d(x, w, b, **how)
        transposed = lambda g, w: _conv2d_input(g, w, input_size=x.shape, **how)
        return rule(g, Sum(x, *with_norm(weight, bias, out, folded), forward, transposed)), None, None

    def conv_transpose(g, y, weight, out, input_size, stride, padding, dilation, groups):
        how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        forward = lambda y, w, b: _conv2d_input(y, w, input_size=input_size, **how)  # its bias is added later
        transposed = lambda g, w: _conv2d(g, w, None, **how)
        return rule(g, Sum(y, weight, None, out, forward, transposed)), None

    def linear(g, x, weight, bias, out):
        return rule(g, Sum(x, *with_norm(weight, bias, out, folded), _linear, _matmul)), None, None

    kinds: dict[Any, Callable] = {_conv2d: conv, _conv2d_input: conv_transpose, _linear: linear}
    return {**kinds, batch_norm_fixed: normalised(rule.epsilon, folded)} if isinstance(rule, Epsilon) else kinds


def normalised(epsilon: float, folded: Mapping[int, tuple]) -> Callable:
    """The epsilon rule of batch norm by fixed statistics, whose weight is a number a channel; a folded one only hands G on."""

    def rule(g, x, weight, bias, mean, inv_std, out):
        if id(x) in folded:
            return g, None, None, None, None
        zeros = np.zeros_like(inv_std)
        g = batch_norm_fixed(g * out / stable(out, epsilon), weight, zeros, zeros, inv_std)
        return g, None, None, None, None

    return rule


def norms_behind(calls: list[Call]) -> dict[int, tuple[Any, Any]]:
    """Of each z = w x + b that goes into a batch norm and nowhere else: id(z) → (s, t), the norm being s·z + t a channel.

    Then w x + b and the norm are one layer, s·w x + s·b + t (Montavon et al., 2019). Apart they would be shared out by the
    signs of a z that no ReLU has seen. The record holds every z until its layer has been asked, so its id stays its own.
    """
    users = Counter(id(p) for n, _ in calls for p in n.parents)
    found = {}
    for n, inputs in calls:
        if n.op is not batch_norm_fixed.op or inputs != (0,):
            continue
        layer, z = n.parents[0], n.saved["x"]
        weighs = (
            getattr(layer, "op", None) in (_conv2d.op, _linear.op) and z.ndim != 3
        )  # dense on (N, C, L): C is no unit
        if weighs and users[id(layer)] == 1:
            scale = n.saved["weight"] * n.saved["inv_std"]
            found[id(z)] = scale, n.saved["bias"] - n.saved["mean"] * scale
    return found


def with_norm(w: Any, b: Any, z: Any, folded: Mapping[int, tuple]) -> tuple[Any, Any, Any]:
    """Weight, bias and result of a layer with the batch norm that is folded into it, if there is one."""
    if id(z) not in folded:
        return w, b, z
    scale, shift = folded[id(z)]
    along = lambda a, axis, like: a.reshape([-1 if k == axis else 1 for k in range(like.ndim)])
    z = z * along(scale, 1, z) + along(shift, 1, z)
    return w * along(scale, 0, w), shift if b is None else scale * b + shift, z


def by_layer(rule: Any, model: Any) -> dict[str, Callable]:
    """The rule of each layer that is named, "" for all others; ValueError for a rule or a layer that there is not."""
    if not isinstance(rule, Mapping):
        return {"": known(rule)}
    if not isinstance(model, Module):
        raise TypeError(f"lrp: rules by layer need a Module, whose layers have names, got {type(model).__name__}")
    names = [name for name, _ in model.named_modules()]
    for name in rule:
        if name not in names and name != "":
            raise ValueError(
                f"lrp: {type(model).__name__} has no layer {name!r}; it has: {', '.join(filter(None, names))}"
            )
    return {"": RULES["epsilon"], **{name: known(r) for name, r in rule.items()}}


def known(rule: Any) -> Callable:
    """The rule of this name, or the rule itself."""
    if isinstance(rule, (Epsilon, Gamma, AlphaBeta)):
        return rule
    if not isinstance(rule, str) or rule not in RULES:
        raise ValueError(
            f"lrp: a rule is {', '.join(map(repr, RULES))}, or Epsilon(…), Gamma(…), AlphaBeta(…), or these by layer; got {rule!r}"
        )
    return RULES[rule]


def within(name: str) -> Callable[[str], bool]:
    """Whether a layer is the one of this name or lies in it."""
    return lambda layer: name in ("", layer) or layer.startswith(name + ".")


def check_used(rules: Mapping[str, Callable], calls: list[Call]) -> None:
    """ValueError for a rule of a layer in which nothing runs that it is for."""
    for name in filter(None, rules):
        concerned = {f.op for f in weighted(rules[name], {})}
        layers = [n.layer for n, _ in calls if n.op in concerned]
        if not any(map(within(name), layers)):
            raise ValueError(
                f"lrp: in layer {name!r} nothing runs that its rule is for, convolutions and dense layers; "
                f"they run in: {', '.join(dict.fromkeys(layers))}"
            )
