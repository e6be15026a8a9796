"""Gradient checking: is a gradient right, and if not, what is probably wrong with it?

The outputs are contracted with a random upstream gradient u (ones would accept a softmax whose backward returns zeros):
φ(x) = Σ u·f(x). For each input the analytic slope ⟨∇φ, d⟩ along random directions d is held against central differences
with a measured error bar. Three results: a pass, a failure that names the element and the cause, and "inconclusive",
where finite differences cannot tell: never a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import devices
from ..autograd import grad
from ..tensor import Tensor
from .compare import Check, own_stream
from .report import GradcheckError, InconclusiveError, Report
from .subject import Subject, prepared

__all__ = ["GradcheckError", "InconclusiveError", "Report", "dot_test", "gradcheck", "gradgradcheck"]


def gradcheck(func: Callable, inputs: Any, *, raise_exception: bool = True, **options: Any) -> Report:
    """Check the gradients of ``func(*inputs)``, a function of tensors or a Module (whose parameters are checked too).

    Floating arrays and tensors that require a gradient are checked, all else is constant. The check is made in float64;
    float32 inputs are then compared with the float64 gradient. Around it: the function gives the same twice, writes to
    neither inputs nor upstream gradient, keeps dtypes, and strided inputs give the same gradient.

    Options: ``rtol`` (1e-6, of the norm of one input's gradient) and ``atol`` (1e-8, of a result smaller than 1 that
    share), beyond the measured error bar; ``directions`` (3) an input; ``seed``
    (0) of upstream and directions; ``ties="first"``: among equal values the first in row-major order must take it all.
    Elements on a kink are held against both one-sided slopes, then moved off it, at most five times.
    Raises GradcheckError naming argument, element, both values and the probable cause, or returns a false Report.
    """
    with prepared(func, inputs) as subject:
        check = Check(subject, **options)
        report = check.run()
        points = [devices.host(leaf) for leaf in subject.leaves]
    if report and subject.float32:
        with prepared(func, inputs, np.float32) as single:
            report = check.compare_float32(single, points)
    return _deliver(report, raise_exception)


def gradgradcheck(func: Callable, inputs: Any, *, raise_exception: bool = True, **options: Any) -> Report:
    """Check second derivatives: gradcheck of (x, u) ↦ ∇ₓ Σ u·func(x). Options as in gradcheck."""
    with prepared(func, inputs) as first:
        outputs = [k for k, y in enumerate(first.call()) if y.tracked]
        rng = own_stream(options.get("seed", 0) + 1)
        ys = first.call()
        us = [Tensor(devices.beside(rng.normal(ys[k].shape, np.float64), ys[k]), requires_grad=True) for k in outputs]

        def gradient() -> list[Tensor]:
            ys = first.call()
            gs = grad([ys[k] for k in outputs], first.leaves, us, create_graph=True, allow_unused=True)
            return [g for g in gs if g is not None]

        report = _same_gradient(first, [first.call()[k] for k in outputs], us)
        names = [*first.names, *(f"the upstream gradient of output {k}" for k in outputs)]
        second = Subject(gradient, [*first.leaves, *us], names, first.buffers)
        if report is None:
            report = Check(second, **options).run()
        words = report.text.replace("gradcheck: ", "gradgradcheck, in the derivative of the gradient: ", 1)
        return _deliver(replace(report, text=words), raise_exception)


def _same_gradient(subject: Subject, ys: list[Tensor], us: list[Tensor]) -> Report | None:
    """A failure if create_graph differentiates another function than the rules do: a twin that is no twin."""
    plain, again = (
        grad(ys, subject.leaves, [u.detach() for u in us], retain_graph=True, create_graph=graph, allow_unused=True)
        for graph in (False, True)
    )
    for name, a, b in zip(subject.names, plain, again):
        if a is None or b is None:
            continue
        one, other = devices.host(a), devices.host(b)
        if np.abs(one - other).max(initial=0) > 1e-6 * np.abs(one).max(initial=1):
            text = f"gradcheck: the gradient of {name} is another one with create_graph=True: a twin is not the function it is for"
            return Report("fail", text, name, "the twin is another function")
    return None


def dot_test(func: Callable, x: Any, *, seed: int = 0, rtol: float = 1e-12) -> None:
    """Check the gradient of a *linear* function exactly, without a step: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for random y.

    ``x`` is a float64 array; raises GradcheckError beyond ``rtol`` of the terms' size.
    """
    leaf = Tensor(devices.put(np.asarray(x, np.float64), devices.default), requires_grad=True)
    ax = func(leaf)
    y = own_stream(seed).normal(ax.shape, np.float64)
    aty, ax = devices.host(grad(ax, [leaf], y)[0]), devices.host(ax)
    left, right = float((ax * y).sum()), float((x * aty).sum())
    size = float(np.abs(ax * y).sum() + np.abs(x * aty).sum())
    if not abs(left - right) <= rtol * size:  # NaN fails too
        text = f"⟨Ax, y⟩ = {left!r} but ⟨x, Aᵀy⟩ = {right!r}: the backward rule is not the adjoint (seed={seed})"
        raise GradcheckError(Report("fail", text, cause="not the adjoint"))


def _deliver(report: Report, raise_exception: bool) -> Report:
    if raise_exception and not report:
        raise (InconclusiveError if report.status == "inconclusive" else GradcheckError)(report)
    return report
