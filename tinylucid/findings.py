"""What a report says of a trained net: what it gets right and wrong, what its answers rest on, what excites it most."""

from __future__ import annotations

import contextlib
import math
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import explain, metrics, plot, visualize
from .data import ArrayDataset, Preprocess
from .nn import Module
from .nn import functional as F
from .plot.maps import called
from .random import Generator
from .report import Report
from .summary import summary
from .train import evaluate

MISTAKES = 10  # pictures shown
EXPLAINED = 6  # pictures explained, a third of them mistakes where there are as many
CLASSES = 20  # classes rendered
CHANNELS = 16  # channels rendered


@dataclass
class Findings:
    """What is known of a net: fill in as it is found (``judge``), then save ``report_of`` it.

    ``baselines`` is the accuracy of simple methods by name, ``caveat`` what the accuracy does not mean, ``settings`` how
    the net was trained, ``seconds`` how long each part took. ``quick``: half as many
    pictures are explained and rendered, in half as many steps.
    """

    title: str
    seed: int
    caveat: str = ""
    quick: bool = False
    baselines: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def judge(self, model: Module, test: ArrayDataset, history: Any) -> None:
        """Ask a trained net about all test pictures."""
        self.model, self.test, self.history = model, test, history
        self.chances = F.softmax(evaluate(model, test).logits, 1)
        self.answers = self.chances.argmax(1)
        self.right = self.answers == test.y
        self.confusion = metrics.confusion_matrix(self.answers, test.y, len(test.classes))

    def half(self, number: int) -> int:
        """So many pictures, or half of them."""
        return number // 2 if self.quick else number

    @property
    def accuracy(self) -> float:
        """The share of the test pictures that are answered right."""
        return float(self.right.mean())

    @property
    def doubt(self) -> float:
        """The accuracy's standard error √(p(1 − p)/n), as if n other pictures of the same kind had been drawn.

        p is kept 1/(n + 2) away from 0 and 1 (Laplace's rule): no mistake in a few pictures is not certainty.
        """
        n = len(self.right)
        p = min(max(self.accuracy, 1 / (n + 2)), 1 - 1 / (n + 2))
        return math.sqrt(p * (1 - p) / n)

    @property
    def give_or_take(self) -> str:
        """The doubt in words: 0.0798 as "give or take 8 points"."""
        points = 100 * self.doubt
        return f"give or take {points:.{0 if points >= 1.5 else 1}f} points"

    @property
    def by_class(self) -> dict[str, float]:
        """The share answered right of each class; NaN for a class without test pictures."""
        return dict(zip(self.test.classes, metrics.recall(self.confusion).tolist()))

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add the seconds of a ``with`` to what that part took."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0) + time.perf_counter() - start

    @property
    def mistakes(self) -> Any:
        """The numbers of the pictures answered wrong, the surest first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.chances[wrong].max(1), kind="stable")]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, for a file."""
        return {
            "accuracy": self.accuracy,
            "standard_error": self.doubt,
            "classes": self.by_class,
            "baselines": dict(self.baselines),
            "seconds": self.seconds,
            "seed": self.seed,
        }

    def said(self, k: int) -> str:
        """What the net says of test picture k, and what it is if that is something else."""
        classes = self.test.classes
        words = f"{classes[self.answers[k]]} {self.chances[k].max():.0%}"
        return words if self.right[k] else f"{words}\nis {classes[self.test.y[k]]}"


def report_of(found: Findings) -> Report:
    """The page, ready to be saved."""
    report = Report(found.title, lead(found))
    for part in (answers, learning, confusions, mistakes, reasons, gallery, the_net, how):
        part(report, found)
    return report


def lead(found: Findings) -> str:
    """What this page is, in two sentences."""
    return (
        f"A net of {sum(p.data.size for p in found.model.parameters()):,} parameters learned to tell "
        f"{len(found.test.classes)} classes apart and was then asked about {len(found.test):,} pictures that were held "
        "back. This page shows how often it is right, where it is not, and what its answers rest on."
    )


def answers(report: Report, found: Findings) -> None:
    """How often the net is right, beside what simple methods reach."""
    report.section("How often it is right")
    report.number(
        f"{found.accuracy:.1%}", f"of {len(found.test):,} held-back pictures are answered right, {found.give_or_take}."
    )
    report.text(found.caveat)
    if found.baselines:
        table = {"this net": found.accuracy, **found.baselines}
        words = ", ".join(f"{name} {value:.1%}" for name, value in table.items())
        report.figure(
            plot.accuracy_bars(table), f"Accuracy as bars: {words}.", "This net beside methods that learn no features."
        )
    precision = metrics.precision(found.confusion)
    counts = np.bincount(found.test.y, minlength=len(found.test.classes))
    rows = [
        (name, share(recall), share(p), int(n))
        for (name, recall), p, n in zip(found.by_class.items(), precision, counts)
    ]
    report.table(
        ("class", "recall", "precision", "pictures"),
        rows,
        "Recall is the share of a class's pictures that are found, precision the share of such answers that are right.",
    )


def learning(report: Report, found: Findings) -> None:
    """The curves of the training."""
    history = found.history
    report.section("How it learned")
    report.figure(
        plot.training_curves(history),
        f"Loss and accuracy over {len(history.loss)} epochs; the training loss falls from {history.loss[0]:.2f} to "
        f"{history.loss[-1]:.2f}.",
        "Loss and accuracy after each round over the training pictures. Training figures are taken on the way, with "
        "dropout and altered pictures, so the held-back pictures may look easier.",
    )


def confusions(report: Report, found: Findings) -> None:
    """What was taken for what."""
    report.section("What it takes for what")
    classes = found.test.classes
    off = found.confusion * (1 - np.eye(len(classes), dtype=int))
    i, j = np.unravel_index(off.argmax(), off.shape)
    often = "once" if off[i, j] == 1 else f"{off[i, j]} times"
    most = f"Most often, {often}, {classes[i]} is taken for {classes[j]}." if off.any() else "No mistakes."
    report.figure(
        plot.confusion(found.confusion, classes),
        f"Confusion matrix of {len(classes)} classes. {most}",
        f"A row is what a picture is, a column what the net says. {most}",
    )


def mistakes(report: Report, found: Findings) -> None:
    """The wrong answers of which the net was surest."""
    shown = found.mistakes[:MISTAKES]
    if not len(shown):
        return
    report.section("Its worst mistakes")
    said = [found.said(k) for k in shown]
    report.figure(
        plot.picture_grid(seen(found, shown), said, [False] * len(shown)),
        "The mistakes of which the net was surest: " + "; ".join(words.replace("\n", ", ") for words in said) + ".",
        "The wrong answers of which it was surest: what it said and how sure it was, and what the picture is.",
    )


def reasons(report: Report, found: Findings) -> None:
    """A handful of pictures, each beside the maps of four methods."""
    shown = handful(found)
    x, targets = found.test.x[shown], found.answers[shown]
    with found.timed("explaining"):
        maps = {
            "gradient": explain.gradient(found.model, x, targets),
            "smoothgrad": explain.smoothgrad(found.model, x, targets, rng=Generator(found.seed)),
            "integrated_gradients": explain.integrated_gradients(found.model, x, targets),
            "grad_cam": explain.grad_cam(found.model, x, targets),
        }
    report.section("What its answers rest on")
    report.text(
        "Each row is a held-back picture with the net's answer. Red pixels raise the logit of that answer, blue ones lower it; "
        "white ones do not matter. The gradient says what a small change of a pixel would do; SmoothGrad averages it over "
        f"noisy copies; integrated gradients share out the whole way from {nothing(found.test.preprocess)} to this picture; "
        "Grad-CAM says roughly where the last convolution found the class. None of them says why in words, and they need "
        "not agree."
    )
    names = ", ".join(found.said(k).replace("\n", ", ") for k in shown)
    report.figure(
        plot.explanation_grid(seen(found, shown), maps, [found.said(k) for k in shown], found.right[shown]),
        f"{len(shown)} held-back pictures ({names}), each beside the maps of {', '.join(map(called, maps))}.",
        "Each map has its own scale: full colour is the 99th percentile of its magnitude.",
    )


def nothing(how: Preprocess | None) -> str:
    """What an input of zeros looks like, from which integrated gradients start."""
    if how is None or not (how.per_picture or how.mean):
        return "a black picture"
    if how.per_picture:
        return "an even grey"
    return f"the mean {'colour' if how.color else 'brightness'} of the training pictures"


def handful(found: Findings) -> Any:
    """A few pictures answered right, of different classes, and the surest mistakes, a third of them at most."""
    wrong = found.mistakes[: found.half(EXPLAINED) // 3]
    right = np.flatnonzero(found.right)
    _, first = np.unique(found.test.y[right], return_index=True)
    return np.concatenate([right[np.sort(first)][: found.half(EXPLAINED) - len(wrong)], wrong])


def gallery(report: Report, found: Findings) -> None:
    """The picture that most excites each class, and each of a layer's channels."""
    classes = found.test.classes[:CLASSES]
    layer, channels, kind = middle_layer(found)
    goals = [visualize.logit(k) for k in range(len(classes))]
    goals += [visualize.channel(layer, k) for k in range(min(channels, found.half(CHANNELS)))]
    with found.timed("rendering"):
        drawn = exciting(found.model, goals, found.test.x.shape[1:], found.test.preprocess, found.seed, found.half(256))
    report.section("What excites it")
    report.text(
        "These pictures were not photographed. Each began as noise and was changed, step by step, into what makes the net "
        "answer most strongly: first each class, then some channels of a layer in the middle. The fewer pictures a net "
        "learned from, the vaguer they are; what stands along an edge is often there because of the edge."
    )
    report.figure(
        plot.picture_grid(drawn[: len(classes)], classes),
        f"Rendered pictures that most excite the classes {', '.join(classes)}.",
        "What the net takes for the clearest case of each class.",
    )
    numbers = [f"{k}" for k in range(len(goals) - len(classes))]
    report.figure(
        plot.picture_grid(drawn[len(classes) :], numbers, columns=8),
        f"Rendered pictures that most excite the first {len(numbers)} channels of layer {layer} ({kind}).",
        f"What the first {len(numbers)} of the {channels} channels of layer {layer} ({kind}) look for.",
    )


def exciting(model: Module, goals: Sequence[Any], shape: Any, how: Any, seed: int, steps: int) -> Any:
    """The picture (N, C, H, W) in [0, 1] for which each objective is largest, of a net whose pictures ``how`` prepares."""
    picture = visualize.fourier((len(goals), *shape), rng=Generator(seed))
    normalize = how.normalized if how else None
    return visualize.render(model, goals, picture, normalize=normalize, steps=steps, rng=Generator(seed))


def middle_layer(found: Findings) -> tuple[str, int, str]:
    """Name, number of channels and kind of a layer in the middle: an activation that gives planes, if there is one."""
    rows = summary(found.model, found.test.x.shape[1:]).rows
    planes = [
        (row.name, row.output_shape[1], row.kind) for row in rows if row.output_shape and len(row.output_shape) == 4
    ]
    active = [each for each in planes if each[2] in ("ReLU", "SiLU", "ELU", "LeakyReLU")] or planes
    return active[len(active) // 2]


def the_net(report: Report, found: Findings) -> None:
    """The layers, a row each."""
    report.section("The net")
    table = summary(found.model, found.test.x.shape[1:])
    table = replace(table, kind=architecture(found.model)["name"])
    report.preformatted(
        str(table), "Its layers: shapes, parameters, floating-point operations and memory for one picture."
    )


def how(report: Report, found: Findings) -> None:
    """Settings, timings, versions and the seed: what it takes to repeat this."""
    from . import __version__

    report.section("How this was made")
    net = architecture(found.model)
    given = ", ".join(f"{name} {value}" for name, value in net["arguments"].items())
    settings = {"net": f"{net['name']} ({given})" if given else net["name"], **found.settings}
    report.table(("setting", "value"), list(settings.items()), "How the net was trained.")
    report.table(
        ("part", "seconds"),
        [(name, f"{value:.1f}") for name, value in found.seconds.items()],
        "How long each part took.",
    )
    rows = [("seed", str(found.seed)), ("tinylucid", __version__), ("NumPy", np.__version__)]
    rows += [("Python", platform.python_version()), ("system", f"{platform.system()} {platform.machine()}")]
    report.table(("what", "version"), rows, "The same versions and seed give the same figures.")


def architecture(model: Module) -> dict[str, Any]:
    """By which name and arguments the net was built; its class where that is not known."""
    return getattr(model, "architecture", None) or {"name": type(model).__name__, "arguments": {}}


def seen(found: Findings, numbers: Any) -> Any:
    """Test pictures as they look."""
    return looks(found.test.x[numbers], found.test.preprocess)


def looks(x: Any, how: Preprocess | None) -> Any:
    """Pictures as they look, not as the net is given them; colours whose range is lost are stretched over [0, 1]."""
    if how is None:
        return x
    if how.per_picture and how.color:
        low, high = (pick(x, (1, 2, 3), keepdims=True) for pick in (np.min, np.max))
        return (x - low) / np.maximum(high - low, 1e-6)
    return how.shown(x)


def share(value: float) -> str:
    """0.973 as 97.3 %, and a dash for what has no value."""
    return f"{value:.1%}" if value == value else "–"
