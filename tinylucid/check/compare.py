"""The comparison: autograd's slopes against finite differences with a measured error bar, kinks and ties."""

from __future__ import annotations

import numpy as np

from .. import devices
from ..autograd import grad
from ..devices import host as values  # finite differences are computed on the CPU
from ..random import Generator
from ..tensor import Tensor
from .diagnose import diagnose
from .evidence import CLOSE, Evidence, worst
from .patterns import at_worst
from .report import Found, Report
from .subject import Subject, place

STEP = float(
    np.finfo(np.float64).eps ** (1 / 3)
)  # balances a central difference's truncation (h²) and rounding (eps/h)
REDRAWS = 5
FLOAT32_TOLERANCE = 1e-4  # of the largest gradient: thousands of float32 roundings


def own_stream(seed: int) -> Generator:
    """A generator for a check: not the stream that ``manual_seed(seed)`` draws inputs from, or u would equal x."""
    return Generator((seed + 0x9E3779B97F4A7C15) % 2**64)


class Check:
    """One gradient check of one subject."""

    def __init__(
        self,
        subject: Subject,
        rtol: float = 1e-6,
        atol: float = 1e-8,
        directions: int = 3,
        seed: int = 0,
        ties: str | None = None,
    ) -> None:
        if ties not in (None, "first"):
            raise ValueError(
                f"gradcheck: ties must be None or 'first', got {ties!r}; leave it out where no order is promised"
            )
        self.subject, self.rtol, self.atol, self.directions, self.seed, self.ties = (
            subject,
            rtol,
            atol,
            directions,
            seed,
            ties,
        )
        self.rng = own_stream(seed)
        self.upstream: list[np.ndarray] = []
        self.unit = 1.0  # absolute tolerances shrink with a result smaller than 1

    # --- the two sides ----------------------------------------------------------------------------------------

    def phi(self) -> float:
        """Σ u·f at the leaves' present values."""
        return float(sum((u * values(y)).sum() for u, y in zip(self.upstream, self.subject.call())))

    def gradients(self) -> list[np.ndarray]:
        """∇φ by autograd, zeros where the outputs do not depend on a leaf."""
        leaves = self.subject.leaves
        us = [Tensor(devices.beside(u.astype(leaves[0].dtype), leaves[0])) for u in self.upstream]
        given = [values(u).copy() for u in us]
        ys = self.subject.call()
        live = [k for k, y in enumerate(ys) if y.tracked]
        gs = (
            grad([ys[k] for k in live], leaves, [us[k] for k in live], allow_unused=True)
            if live
            else [None] * len(leaves)
        )
        if any((values(u) != kept).any() for u, kept in zip(us, given)):
            raise Found("the upstream gradient was written to by a backward rule: rules return new arrays")
        for leaf, g, name in zip(leaves, gs, self.subject.names):
            if g is not None and not np.isfinite(values(g)).all():
                raise Found(f"the gradient of {name} holds NaN or inf at this point", name, "NaN or inf")
            if g is not None and g.dtype != leaf.dtype:
                raise Found(f"the gradient of {name} is {g.dtype}, {name} itself {leaf.dtype}", name)
        return [np.zeros_like(values(leaf)) if g is None else values(g) for leaf, g in zip(leaves, gs)]

    def slope(self, k: int, direction: np.ndarray) -> tuple[float, float, float]:
        """(slope of φ along the direction in leaf k, its error bar, and how far left and right slope disagree at a kink)."""
        leaf = self.subject.leaves[k]
        kept, x, found = leaf.data, values(leaf), {}
        for step in (0.0, STEP, -STEP, STEP / 2, -STEP / 2):
            place(leaf, x + step * direction)
            found[step] = self.phi()
        leaf.data = kept
        coarse = (found[STEP] - found[-STEP]) / (2 * STEP)
        fine = (found[STEP / 2] - found[-STEP / 2]) / STEP
        bend = abs(found[STEP] - 2 * found[0.0] + found[-STEP]) / STEP
        fine_bend = abs(found[STEP / 2] - 2 * found[0.0] + found[-STEP / 2]) / (STEP / 2)
        rounding = 8 * np.finfo(float).eps * max(map(abs, found.values())) / STEP
        error = abs(fine - coarse) + rounding
        if fine_bend <= 0.75 * bend:  # a smooth bend halves with the step, a kink's does not
            return (4 * fine - coarse) / 3, error, 0.0
        return (4 * fine - coarse) / 3, error + abs(fine_bend - bend), fine_bend

    def scaled(self, k: int) -> np.ndarray:
        """max(1, |x|) elementwise: by how much an element moves for a step of 1."""
        return np.maximum(1, np.abs(values(self.subject.leaves[k])))

    # --- the check --------------------------------------------------------------------------------------------

    def run(self) -> Report:
        """Around it, then every leaf; kinks are looked at and stepped off."""
        try:
            self.around()
            for k in range(len(self.subject.leaves) if self.ties == "first" else 0):
                self.check_ties(k)
            for _ in range(REDRAWS):
                self.subject.analytic = self.gradients()
                kinks = [kink for k in range(len(self.subject.leaves)) for kink in self.check_leaf(k)]
                if not kinks:
                    return Report("pass")
                for k, index in kinks:
                    self.step_off(k, index)
        except Found as found:
            return Report("fail", f"gradcheck: {found.text} (seed={self.seed})", found.argument, found.cause)
        except (ValueError, TypeError) as error:
            if "its rule returned" not in str(error):
                raise
            return Report("fail", f"gradcheck: {error} (seed={self.seed})", cause=str(error))
        k, index = kinks[0]
        name = self.subject.names[k]
        text = f"{name}{list(index)} sits on a kink wherever it is moved, or the function is too quick for the step: "
        text += "finite differences cannot tell. Check at another point"
        return Report("inconclusive", f"gradcheck: {text} (seed={self.seed})", name, "a kink")

    def compare_float32(self, single: Subject, points: list[np.ndarray]) -> Report:
        """The gradient in float32 against the float64 one: finite differences in float32 tell nothing."""
        expected, self.subject = self.subject.analytic, single
        # a true zero comes out as the rounding of what cancelled: of the size of the other gradients
        cancellation = 1e-5 * max(np.abs(part).max(initial=0) for part in (*expected, *self.upstream))
        for leaf, point in zip(single.leaves, points):
            place(leaf, point.astype(np.float32))
        try:
            for y in single.call():
                if y.dtype != np.float32:
                    raise Found(f"float32 inputs gave a {y.dtype} result")
            for name, g, g64 in zip(single.names, self.gradients(), expected):
                if np.abs(g - g64).max(initial=0) > FLOAT32_TOLERANCE * np.abs(g64).max(initial=0) + cancellation:
                    index = worst(g, g64)
                    raise Found(
                        f"{name}{list(index)}: float32 gradient {g[index]:.6g}, in float64 {g64[index]:.6g}", name
                    )
        except Found as found:
            return Report("fail", f"gradcheck: {found.text} (seed={self.seed})", found.argument, found.cause)
        return Report("pass")

    def around(self) -> None:
        """What must hold around any gradient: repeatable, no writes to inputs, strided inputs no different."""
        before = [values(leaf).copy() for leaf in self.subject.leaves]
        first, second = self.subject.call(), self.subject.call()
        if any(
            a.shape != b.shape or not np.array_equal(values(a), values(b), equal_nan=True)
            for a, b in zip(first, second)
        ):
            raise Found(
                "the function gave two results for one input: pass a generator that it resets, or fix its randomness"
            )
        self.unit = min(1.0, max((float(np.abs(values(y)).max(initial=0)) for y in first), default=0.0))
        if any(not np.isfinite(values(y)).all() for y in first):
            raise Found("the function's result holds NaN or inf at this point: check where it is finite")
        self.upstream = [self.rng.normal(y.shape, np.float64) for y in first]
        plain = self.gradients()
        for leaf, data, name in zip(self.subject.leaves, before, self.subject.names):
            if (values(leaf) != data).any():
                raise Found(f"{name} was written to by the function or a backward rule", name)
            place(leaf, np.repeat(data, 2, -1) if data.ndim else data)
            leaf.data = leaf.data[..., ::2] if data.ndim else leaf.data
        strided = self.gradients()
        for leaf, data in zip(self.subject.leaves, before):
            place(leaf, data)
        for a, b, name in zip(plain, strided, self.subject.names):
            size = max(np.abs(part).max(initial=0) for part in (a, *self.upstream))  # a true zero comes out as rounding
            if np.abs(a - b).max(initial=0) > 1e-10 * size:
                raise Found(f"the gradient of {name} is another one when the inputs are not contiguous in memory", name)

    def check_leaf(self, k: int) -> list[tuple[int, tuple]]:
        """Compare along random directions; returns the kinks met, raises Found for a wrong gradient."""
        leaf, g = self.subject.leaves[k], self.subject.analytic[k]
        if not leaf.data.size:
            return []
        for _ in range(self.directions):
            v = self.rng.normal(leaf.shape, np.float64)
            v = (np.sign(v) + (v == 0)) * (0.1 + np.abs(v)) / np.sqrt(v.size) * self.scaled(k)  # no element is left out
            slope, error, gap = self.slope(k, v)
            size = max(np.sqrt(((g * v) ** 2).sum()), abs(slope))
            if not max(error, gap) <= 1e-4 * size + 1e-7 * self.unit:  # also where φ is NaN a step away
                return self.kinks(k)
            if abs((g * v).sum() - slope) > self.rtol * size + self.atol * self.unit + error:
                self.fail(k)
        self.check_small_ones(k)
        return []

    def check_small_ones(self, k: int) -> None:
        """Once more along the elements whose gradient is a thousandth of the largest or less: the others would hide them."""
        g, scale = self.subject.analytic[k], self.scaled(k)
        small = np.abs(g * scale) < 1e-3 * np.abs(g * scale).max()
        if small.any():
            v = small * scale * np.where(self.rng.normal(g.shape, np.float64) < 0, -1, 1)
            slope, error, gap = self.slope(k, v)
            if not gap and abs((g * v).sum() - slope) > 10 * error + 1e-3 * abs(slope) + self.atol * self.unit:
                self.fail(k)

    def numeric(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each element of leaf k: the slope, its error bar and the gap at a kink."""
        shape, scale = self.subject.leaves[k].shape, self.scaled(k)
        out = np.zeros((3, *shape))
        for index in np.ndindex(*shape):
            direction = np.zeros(shape)
            direction[index] = scale[index]
            out[(slice(None), *index)] = np.array(self.slope(k, direction)) / scale[index]
        return out[0], out[1], out[2]

    def kinks(self, k: int) -> list[tuple[int, tuple]]:
        """The elements of leaf k where finite differences cannot decide; the others, and ties as a group, are checked."""
        g, x = self.subject.analytic[k], values(self.subject.leaves[k])
        slope, error, gap = self.numeric(k)
        size = max(np.abs(g).max(), np.abs(slope).max())
        size = np.nan_to_num(size, nan=np.abs(g).max())
        unclear = ~(np.maximum(error, gap) <= 1e-4 * size + 1e-7 * self.unit)
        wrong = ~unclear & (np.abs(g - slope) > 10 * self.rtol * size + self.atol * self.unit + error)
        kinked = unclear & (error < 0.1 * gap)  # left and right slope differ, and g must lie between them
        outside = kinked & (np.abs(g - slope) > gap / 2 + 1e-3 * size)
        if wrong.any() or outside.any():
            self.fail(k, slope)
        for value in np.unique(x[unclear]):
            group = (unclear & (x == value)).astype(float)
            together, bar, bend = self.slope(k, group)
            tied = int(group.sum())
            if tied > 1 and max(bar, bend) < 1e-4 * size and abs((g * group).sum() - together) > 1e-3 * size:
                ratio = (g * group).sum() / together if together else np.inf
                raise Found(
                    f"{self.subject.names[k]}: {tied} elements tie at {value:.6g}; moved together, φ changes by {together:.6g} but "
                    f"their gradients add up to {(g * group).sum():.6g} ({ratio:.4g} times as much): of equal values one takes the "
                    "gradient, the first in row-major order, or they share it",
                    self.subject.names[k],
                    "ties: the gradient's mass is not conserved",
                )
        return [(k, tuple(int(i) for i in index)) for index in np.argwhere(unclear)]

    def step_off(self, k: int, index: tuple) -> None:
        """Move one element by 0.01 … 0.1 of its size."""
        data = values(self.subject.leaves[k]).copy()
        u = float(self.rng.uniform((1,), np.float64)[0])
        data[index] += (0.01 + 0.09 * u) * max(1, abs(data[index]))
        place(self.subject.leaves[k], data)

    def check_ties(self, k: int) -> None:
        """At equal values the gradient must be the one of a nearby point where earlier elements are a little larger."""
        leaf, g = self.subject.leaves[k], self.gradients()[k]
        kept, x, n = leaf.data, values(leaf), leaf.data.size
        place(leaf, x - 1e-7 * self.scaled(k) * (np.arange(n).reshape(x.shape) / max(n, 1)))
        broken = self.gradients()[k]
        leaf.data = kept
        if np.abs(broken - g).max(initial=0) > 1e-4 * np.abs(g).max(initial=1e-300):
            index = worst(g, broken)
            raise Found(
                f"{self.subject.names[k]}{list(index)}: gradient {g[index]:.6g}, but {broken[index]:.6g} once ties are broken in "
                "favour of the first in row-major order: at ties another element wins",
                self.subject.names[k],
                "ties: not the first in row-major order",
            )

    def fail(self, k: int, numeric: np.ndarray | None = None) -> None:
        """Element by element now: name the worst element of leaf k, and the probable cause."""
        g, name = self.subject.analytic[k], self.subject.names[k]
        numeric = self.numeric(k)[0] if numeric is None else numeric
        numeric = np.where(np.isfinite(numeric), numeric, g)  # what cannot be told is not blamed
        evidence = self.evidence(k, numeric)
        cause = diagnose([evidence]).text
        raise Found(f"the gradient of {name} is wrong at {at_worst(evidence, 'analytic')} {cause}", name, cause)

    def evidence(self, k: int, numeric: np.ndarray) -> Evidence:
        """What a diagnosis of leaf k's gradient needs."""
        leaves, names, g = self.subject.leaves, self.subject.names, self.subject.analytic[k]
        us = {"g" if len(self.upstream) == 1 else f"g of output {j}": u for j, u in enumerate(self.upstream)}
        alike = [j for j, leaf in enumerate(leaves) if j != k and leaf.shape == g.shape]
        return Evidence(
            names[k],
            g,
            numeric,
            {**{name: values(leaf) for name, leaf in zip(names, leaves)}, **us},
            upstream=tuple(us),
            outputs=tuple(values(y) for y in self.subject.call()),
            fits=lambda changed: self.fits(k, changed),
            others={names[j]: self.numeric(j)[0] for j in alike},
        )

    def fits(self, k: int, changed: dict[str, np.ndarray]) -> bool:
        """Whether leaf k's gradient would be right at other leaves and another upstream gradient: along two directions."""
        g, leaves, names = self.subject.analytic[k], self.subject.leaves, self.subject.names
        kept, kept_upstream, rng = [leaf.data for leaf in leaves], self.upstream, own_stream(self.seed + 1)
        try:
            for name, leaf in zip(names, leaves):
                place(leaf, changed[name])
            self.upstream = [u for name, u in changed.items() if name not in names]
            for _ in range(2):
                v = rng.normal(g.shape, np.float64) * self.scaled(k)
                slope, error, _ = self.slope(k, v)
                if not abs((g * v).sum() - slope) <= 10 * error + CLOSE * np.abs(g * v).max(initial=0):
                    return False
            return True
        finally:
            self.upstream = kept_upstream
            for leaf, data in zip(leaves, kept):
                leaf.data = data
