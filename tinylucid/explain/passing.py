"""What LRP and DeepLIFT know of operations: through which a share of the answer can be handed back, and how that is asked.

Both hand a gradient back by rules of their own. A linear operation keeps its plain rule; of the others a method has a rule
for some. An operation that nothing is known of is refused by its name, never passed in silence.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..autograd import leading_to
from ..ops.activation import _elu, _erf, _leaky_relu, _softplus, relu, sigmoid
from ..ops.adaptive import _adaptive_avg_pool2d, _adaptive_max_pool2d
from ..ops.arithmetic import add, cast, div, move, mul, neg, sub
from ..ops.choice import _clip, _where, abs
from ..ops.conv import _conv2d, _conv2d_input
from ..ops.dense import _linear, _matmul
from ..ops.elementwise import _power, cos, exp, log, sin, sqrt, tanh
from ..ops.fft import _irfft2, _rfft2
from ..ops.indexing import _assign, _put, _take
from ..ops.join import _concatenate
from ..ops.norm import batch_norm_fixed, batch_norm_train
from ..ops.padding import _pad, _pick
from ..ops.pool import _avg_pool2d, _max_pool2d
from ..ops.reduce import _mean, _sum
from ..ops.resize import _grid_sample, _resize
from ..ops.shape import _expand, _permute, _reshape, _sum_to, clone
from ..scopes import here
from ..tensor import Node, Tensor

MOVING = (_reshape, _permute, _expand, _take, _put, _assign, _concatenate, _pad, _pick, _where, clone, cast, move)
ADDING = (add, sub, neg, _sum, _sum_to, _mean, _avg_pool2d, _adaptive_avg_pool2d, _resize, _rfft2, _irfft2)
LINEAR = {f.op for f in (*MOVING, *ADDING)}  # in all their inputs together
PRODUCTS = {f.op for f in (mul, _matmul)}  # linear while one of the two is a constant
WEIGHTED = {  # linear while all but the first input are constants
    f.op for f in (_conv2d, _conv2d_input, _linear, batch_norm_fixed, div, _grid_sample)
}
KINKED = (relu, _leaky_relu, abs)  # elementwise, a straight line on either side of 0: y = slope · x
SMOOTH = (sigmoid, tanh, _erf, _softplus, _elu, exp, log, sqrt, sin, cos, _clip, _power)  # elementwise
MAX_POOLS = (_max_pool2d, _adaptive_max_pool2d)

Call = tuple[Node, tuple[int, ...]]  # a recorded call, and which of its inputs depend on the pictures


def calls_between(leaf: Tensor, numbers: Tensor) -> list[Call]:
    """The recorded calls on the way from ``leaf`` to ``numbers``, in the order in which they ran."""
    paths, _ = leading_to({leaf}, [numbers])
    return [
        (n, tuple(k for k, p in enumerate(n.parents) if p is leaf or p in paths))
        for n in sorted(paths, key=lambda n: n.rank)
    ]


def is_linear(call: Call) -> bool:
    """Whether a call is linear in those of its inputs that depend on the pictures."""
    n, inputs = call
    return n.op in LINEAR or (n.op in PRODUCTS and len(inputs) == 1) or (n.op in WEIGHTED and inputs == (0,))


def refuse_others(calls: list[Call], method: str, known: Collection[Any]) -> None:
    """RuntimeError, with operation and layer, for the first call that is neither linear nor of an operation in ``known``."""
    for call in calls:
        n, inputs = call
        if is_linear(call) or n.op in {f.op for f in known}:
            continue
        which = "" if len(n.parents) == 1 else f" where its inputs {inputs} depend on the picture"
        if n.op is batch_norm_train.op and not n.layer:
            which = (
                " (batch norm in training mode? a net inside a function is explained as it is: call its eval() first)"
            )
        raise RuntimeError(
            f"{here(n.op.__name__, n.layer)}: {method} has no rule for this operation{which}; explain something that comes "
            "before it, such as the logits, or use integrated_gradients"
        )
