"""Is a rendering any good? Measured beside photographs, beside pixels that climb for themselves, and by a second net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import devices
from ..data import ArrayDataset
from ..explain.evaluate.ranking import aligned, short
from ..explain.layers import last_plane
from ..nn import Module
from ..nn.module import check_model, device_of, mode
from ..random import Generator
from ..scopes import no_grad
from ..tensor import Tensor
from ..train import predict
from .data import checked_data, known_class, of_classes, preparation
from .measure import activations, checked, measure, one_each, sight
from .objective import Objective
from .parametrise import Parametrisation, fourier, pixel
from .render import render
from .transforms import Transform

BATCH = 250  # pictures of the data at a time
LEGEND = """best: the data's best picture. ratio: the renderings' median over it, where it is above 0.
apart: the mean distance of two renderings from different starts; of one start twice, only the transforms drawn
anew; of data pictures{like}. 0: the same stuff in the same amounts, 1: nothing in common."""


@dataclass(frozen=True)
class Comparison:
    """M objectives' renderings from S starts each, ``pictures`` (M, S, C, H, W), beside what else there is.

    ``objective`` and ``pixel`` (M, S): what the renderings reach, and what pixels reach that climb each by itself, through the
    same transforms for as many steps; ``data`` (M,): the best picture of the data. ``apart``, ``again``, ``data_apart`` (M,):
    the mean distance between starts, between two climbs from one start, and between S data pictures, those of the class
    that most excite it. ``recognised``, ``pixel_recognised`` (M, S): whether the other net answers with the class, or None.
    """

    names: tuple[str, ...]
    objective: Any
    pixel: Any
    data: Any
    apart: Any
    again: Any
    data_apart: Any
    recognised: Any
    pixel_recognised: Any
    pictures: Any

    @property
    def ratio(self) -> Any:
        """Each rendering's objective over that of the best data picture, (M, S); NaN where that is not above 0."""
        best = np.where(self.data > 0, self.data, np.nan)[:, None]
        return self.objective / best

    @property
    def verdict(self) -> str:
        """What beats what, in sentences."""
        m, s = self.objective.shape
        every, some = (how(self.objective > self.data[:, None], axis=1).sum() for how in (np.all, np.any))
        lines = [
            f"Renderings beat the data's best picture from every one of {s} starts for {every} of {m} objectives, from some "
            f"for {some}.",
            f"Waves beat pixels, median against median, for {(middle(self.objective) > middle(self.pixel)).sum()} of {m}.",
            f"Starts differ more than one start climbed twice for {(self.apart > self.again).sum()} of {m}, and more than the "
            f"data's pictures for {(self.apart > self.data_apart).sum()}.",
        ]
        if self.recognised is not None:
            waves, pixels = self.recognised.mean(), self.pixel_recognised.mean()
            lines.append(
                f"The other net recognises {waves:.0%} of the renderings, and {pixels:.0%} of those by pixels."
            )
        return "\n".join(lines)

    def table(self) -> str:
        """A line an objective, and what beats what, as plain text."""
        judged = self.recognised is not None
        head = [
            "objective",
            "rendered",
            "best",
            "ratio",
            "pixels",
            "apart",
            "again",
            "data",
            *["recognised", "of pixels"] * judged,
        ]
        columns = [middle(self.objective), self.data, middle(self.ratio), middle(self.pixel)]
        columns += [self.apart, self.again, self.data_apart]
        rows = [[name, *("–" if np.isnan(v) else short(v) for v in row)] for name, *row in zip(self.names, *columns)]
        if judged:
            for row, *found in zip(rows, self.recognised, self.pixel_recognised):
                row += [f"{known.sum()}/{len(known)}" for known in found]
        like = ", those of the class that most excite it" if judged else " that most excite it"
        return "\n".join([*aligned([head, *rows], 1), "", self.verdict, "", LEGEND.format(like=like)])

    __str__ = table


def compare(
    model: Module,
    data: ArrayDataset,
    goals: Sequence[Objective],
    *,
    picture: Callable[..., Parametrisation] = fourier,
    seeds: int = 5,
    transforms: Sequence[Transform] | None = None,
    steps: int = 256,
    other: Module | None = None,
    classes: Sequence[int] | None = None,
) -> Comparison:
    """Renderings of each objective from ``seeds`` starts, beside the data's pictures and beside pixels at the same budget.

    ``picture(shape, rng=…)`` gives the waves, such as ``functools.partial(fourier, decay=2)``; pictures are as large as the
    data's, and prepared as those are. ``other`` is a net that was trained separately, and ``classes`` says which class each
    objective is for: what it recognises, another net sees too. Renderings are told apart in ``other``, without one in the
    model itself: 1 − the cosine between Gram matrices (Gatys et al., 2015) of the last layer with planes, which know what occurs
    with what but not where: for photographs of ten surfaces that is 0.03 between a picture and itself shifted, 0.14 between two of
    a surface, 0.72 between surfaces, where 1 − SSIM is 0.97, 0.97 and 1.00. The text of the result says what
    beats what. Raises TypeError for what is no ArrayDataset, ValueError for fewer than two starts, for data with fewer pictures
    than that (with ``classes``, of each), for classes that are not one an objective or have no net, and for a net without planes.
    """
    goals = checked(model, goals, 0)
    fitting(goals, seeds, other, classes)
    judge = telling(model if other is None else other, data, seeds, classes)
    how, each = preparation(data) or same, (len(goals), seeds)

    def start() -> Parametrisation:
        return picture((len(goals) * seeds, *data.x.shape[1:]), rng=Generator(0))

    def climbed(begun: Parametrisation, draw: int) -> Any:
        x = render(model, goals, begun, transforms=transforms, normalize=how, steps=steps, rng=Generator(draw))
        return np.asarray(x)

    def reached(x: Any) -> Any:
        return measure(model, goals, x, normalize=how).reshape(each)

    def grams(x: Any) -> Any:
        return alike(judge, x).reshape(*each, -1)

    def recognised(x: Any) -> Any:
        named = None if classes is None else np.asarray(classes)[:, None]
        return None if other is None else predict(other, how(x)).argmax(1).reshape(each) == named

    waves, again, pixels = climbed(start(), 0), climbed(start(), 1), climbed(by_pixel(start()), 0)
    numbers = scores(model, goals, data)
    first, second = grams(how(waves)), grams(how(again))
    return Comparison(
        names=tuple(map(str, goals)),
        objective=reached(waves),
        pixel=reached(pixels),
        data=numbers.max(0),
        apart=between(first),
        again=(1 - (first * second).sum(2)).mean(1),
        data_apart=between(grams(data.x[most_exciting(numbers, data.y, seeds, classes)])),
        recognised=recognised(waves),
        pixel_recognised=recognised(pixels),
        pictures=waves.reshape(*each, *waves.shape[1:]),
    )


def same(x: Any) -> Any:
    """Pictures as they are."""
    return x


def fitting(goals: list[Objective], seeds: Any, other: Any, classes: Any) -> None:
    """ValueError for no objectives, fewer than two starts, and for classes that are not one an objective or have no other net."""
    if not goals:
        raise ValueError("compare: expected at least one objective, such as [logit(3)], got none")
    if not isinstance(seeds, (int, np.integer)) or seeds < 2:
        raise ValueError(f"compare: seeds must be a whole number of at least 2, to be told apart, got {seeds!r}")
    if (other is None) != (classes is None) or (classes is not None and len(classes) != len(goals)):
        raise ValueError(
            f"compare: expected another net and a class for each of {len(goals)} objectives, or neither; got "
            f"other={type(other).__name__} and classes={classes!r}"
        )


def enough(data: ArrayDataset, seeds: int, classes: Sequence[int] | None) -> None:
    """An error unless the data has ``seeds`` pictures, or as many of each class, so that they can be told apart too."""
    for k in [None] if classes is None else classes:
        n, of = (len(data), "") if k is None else ((data.y == k).sum(), f" of class {k}")
        if n < seeds:
            raise ValueError(
                f"compare: {seeds} starts are compared with as many pictures{of}, but the data has {n}; give more data, or fewer seeds"
            )


def telling(judge: Any, data: Any, seeds: int, classes: Sequence[int] | None) -> Module:
    """``judge``, in which renderings are told apart; errors where it cannot, and for data or classes that are none."""
    x = checked_data(data, "compare")
    if classes is not None:
        of_classes(data, "compare")
        for k in classes:
            known_class(k, data, "compare")
    enough(data, seeds, classes)
    check_model(judge, "compare: other")
    last_plane(judge, x[:1], "compare")
    return judge


def by_pixel(waves: Parametrisation) -> Parametrisation:
    """Pixels that each climb by itself, for as many pictures of the same size, range and mixture of colours."""
    each = pixel(waves.shape, rng=Generator(0), dtype=waves.parameters[0].dtype)
    return replace(waves, parameters=each.parameters, paint=each.paint)


def scores(model: Module, goals: list[Objective], data: ArrayDataset) -> Any:
    """What each objective is for each picture of the data, (N, M)."""
    look, found = sight(model, goals), []
    with mode(model, False), no_grad():
        for start in range(0, len(data.x), BATCH):
            x = data.x[start : start + BATCH]
            drawn = data.shown(slice(start, start + BATCH))
            seen = look(*(Tensor(v).to(device_of(model)) for v in (x, drawn)))
            found.append(np.stack([devices.host(one_each(goal, seen, len(x))) for goal in goals], 1))
    return np.concatenate(found)


def most_exciting(numbers: Any, y: Any, n: int, classes: Sequence[int] | None) -> Any:
    """The n pictures with the largest numbers (N, M) for each objective, (M · n,); of its class where there are classes."""
    if classes is not None:
        numbers = np.where(y[:, None] == np.asarray(classes), numbers, -np.inf)
    return np.argsort(-numbers, 0, kind="stable")[:n].T.ravel()


def alike(model: Module, x: Any) -> Any:
    """A row of unit length for each of the model's inputs x: the Gram matrix, channel by channel, of its last layer with planes."""
    planes = activations(model, x, last_plane(model, x[:1]))
    planes = planes.reshape(*planes.shape[:2], -1)
    grams = (planes @ planes.swapaxes(1, 2)).reshape(len(x), -1)
    return grams / np.maximum(np.linalg.norm(grams, axis=1, keepdims=True), 1e-12)


def between(grams: Any) -> Any:
    """The mean over all pairs of S rows of 1 − their cosine, of unit rows (M, S, D): (M,)."""
    first, second = np.triu_indices(grams.shape[1], 1)
    return (1 - (grams[:, first] * grams[:, second]).sum(2)).mean(1)


def middle(numbers: Any) -> Any:
    """The median over the starts, (M,)."""
    return np.median(numbers, 1)
