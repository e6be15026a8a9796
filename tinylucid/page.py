"""The page about a trained net, a function a section: how often it is right, where it is not, what its answers rest on."""

from __future__ import annotations

import platform
from dataclasses import replace
from typing import Any

import numpy as np

from . import explain, metrics, plot, visualize
from .data import Preprocess
from .explain.evaluate import benchmark
from .explain.evaluate.ranking import ARROWS, BETTER, NAIVE
from .findings import Findings
from .metrics import percent
from .nn import Module
from .plot.maps import called
from .random import Generator
from .report import Report
from .summary import summary
from .visualize.data import palette
from .visualize.gallery import counted, times
from .visualize.many import active_layers

MISTAKES = 10  # pictures shown
EXPLAINED = 6  # pictures explained, a third of them mistakes where there are as many
MEASURED = 40  # pictures on which the explanations are measured
CLASSES = 20  # classes rendered
CHANNELS = 12  # channels of a layer rendered
LAYERS = 4  # layers of which some are
METHODS = (
    "gradient", "smoothgrad", "integrated_gradients", "guided_backprop", "lrp", "deeplift", "grad_cam", "occlusion",
)  # fmt: skip


def report_of(found: Findings) -> Report:
    """The page, ready to be saved."""
    report = Report(found.title, lead(found))
    for part in (answers, learning, confusions, mistakes, reasons, truth, gallery, the_net, how):
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
        (name, percent(recall), percent(p), int(n))
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
        plot.picture_grid(found.test.shown(shown), said, [False] * len(shown)),
        "The mistakes of which the net was surest: " + "; ".join(words.replace("\n", ", ") for words in said) + ".",
        "The wrong answers of which it was surest: what it said and how sure it was, and what the picture is.",
    )


def reasons(report: Report, found: Findings) -> None:
    """A handful of pictures, each beside the maps of four methods."""
    shown = handful(found)
    x, targets = found.test.x[shown], found.answers[shown]
    with found.timed("explaining"):
        maps, refused = explain.applied(explain.ready(METHODS, seed=found.seed), found.model, x, targets)
    report.section("What its answers rest on")
    report.text(
        "Each column is a held-back picture with the net's answer. Red raises the logit of that answer, blue lowers it, and "
        "white does not matter. The gradient says what a small change of a pixel would do; SmoothGrad averages it over "
        f"noisy copies; integrated gradients and DeepLIFT share out the whole way from {nothing(found.test.preprocess)} to "
        "this picture; guided backprop follows only what fired and helps; LRP hands the answer itself back from layer to "
        "layer; Grad-CAM says roughly where the last convolution found the class; occlusion hides one window after the "
        "other. None of them says why in words, and they need not agree."
    )
    if refused:
        report.text("Not for this net: " + "; ".join(f"{called(name)} ({why})" for name, why in refused.items()) + ".")
    names = ", ".join(found.said(k).replace("\n", ", ") for k in shown)
    report.figure(
        plot.explanation_grid(found.test.shown(shown), maps, [found.said(k) for k in shown], found.right[shown]),
        f"{len(shown)} held-back pictures ({names}), each with the maps of {', '.join(map(called, maps))}.",
        "Each map has its own scale: full colour is the 99th percentile of its magnitude.",
    )


def truth(report: Report, found: Findings) -> None:
    """How far the maps are true, measured: all methods beside a random map and an edge detector."""
    n = min(found.half(MEASURED), len(found.test))
    ready = explain.ready(METHODS, seed=found.seed)
    with found.timed("measuring the explanations"):
        usable, _ = explain.applied(ready, found.model, found.test.x[:1], found.answers[:1])
        methods = {name: ready[name] for name in usable}
        ranked = benchmark(found.model, found.test, methods, n=n, steps=16, rng=Generator(found.seed))
    report.section("Whether the explanations are true")
    report.text(
        f"A map that looks convincing need not be true, so each method was tried on {n} held-back pictures, beside two maps "
        "that know nothing of the net: noise, and the picture's edges. Deletion hides the places from the most relevant "
        "on, and the answer should fall soon; insertion shows them first, and it should rise soon; sensitivity-n compares "
        "what random sets of places are said to give with what hiding them costs; randomisation makes the net forget all "
        "that it learned, and the map should change: near 1 it shows the picture and not the net."
    )
    best, *others = (called(ranked.methods[k]) for k in ranked.order)
    report.figure(
        plot.ranking(ranked),
        f"Mean ranks of {len(ranked.methods)} methods: {best} is best, then {', '.join(others)}.",
        "Ranks over the pictures, 1 the best: a row a method, a column a measure. To the right the mean over all measures "
        "with its 95 % interval.",
    )
    report.table(*scores(ranked), "Mean scores. Those beside which no other is significantly better bear a =.")
    alike = [called(m) for m, (rho, *_) in zip(ranked.methods, ranked.intervals["randomisation"]) if rho > 0.5]
    told = [name for name in alike if name not in map(called, NAIVE)]
    report.text(
        f"When the net has forgotten everything, these still draw much the same map (rank correlation above 0.5): "
        f"{', '.join(told)}. Do not take what they show for what the net learned."
        if told
        else "When the net has forgotten everything, the map of every method changes (rank correlation below 0.5)."
    )


def scores(ranked: Any) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of the table: what each method scored, the best first, and how it does beside noise and edges."""
    head = [
        "method",
        *(called(name) + ARROWS[BETTER[name]].rstrip() for name in ranked.scores),
        "beside noise",
        "beside edges",
    ]
    rows = []
    for k in ranked.order:
        cells = [ranked.cell(name, k).rstrip() for name in ranked.scores]
        rows.append([called(ranked.methods[k]), *cells, *ranked.verdicts[ranked.methods[k]][1:]])
    return head, rows


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
    """The picture that most excites each class, and channels beside the held-back pictures that excite them most."""
    model, x, how = found.model, found.test.x, found.test.preprocess
    classes, steps = found.test.classes[:CLASSES], found.half(256)
    goals = [visualize.logit(k) for k in range(len(classes))]
    look = {"decay": 2, "colors": palette(found.test)}
    with found.timed("rendering"):
        drawn = visualize.exciting(model, goals, x.shape[1:], how, **look, steps=steps, seed=found.seed)
    report.section("What excites it")
    report.text(
        "These pictures were not photographed. Each began as noise and was changed, step by step, into what makes the net "
        "answer most strongly. The fewer pictures a net learned from, the vaguer they are; what stands along an edge is "
        "often there because of the edge."
    )
    report.figure(
        plot.picture_grid(drawn, classes),
        f"Rendered pictures that most excite the classes {', '.join(classes)}.",
        "What the net takes for the clearest case of each class.",
    )
    layers = spread(active_layers(model, x.shape[1:]))
    if not layers:
        report.text("No layer of this net gives planes, so there are no channels to show.")
        return
    with found.timed("rendering"):
        there = [k for k in range(len(classes)) if (found.test.y == k).any()]
        kept = visualize.remembered(model, found.test, there, steps=found.half(512), seed=found.seed)
    report.text(
        "What most excites a class is an exaggeration. These were climbed for likeness instead: in each, what the net's "
        "layers find occurs together as it does in held-back pictures of the class."
    )
    report.figure(
        plot.picture_grid(kept, [classes[k] for k in there]),
        f"Pictures made of the same stuff as the classes {', '.join(classes[k] for k in there)}.",
        "What the net has kept of each class: of places and forms little, of the surface much.",
    )
    with found.timed("rendering"):
        way = {"channels": found.half(CHANNELS), "steps": steps, "seed": found.seed}
        channels = visualize.gallery(model, found.test, layers=layers, **way)
    report.text(
        "Channels of its layers, rendered to excite them, each beside the held-back pictures that do so most: what they have in "
        "common is what it looks for, and the rendering is that and little else. How much a picture excites a channel is the "
        f"channel's mean over its plane. In {counted(len(channels.ratio), 'channel')} {times(channels.ratio)}."
    )
    for layer in channels.layers:
        report.figure(
            plot.gallery(layer),
            f"{len(layer.numbers)} channels of {layer.called}: each as a rendering beside held-back pictures: "
            f"{times(layer.ratio)}.",
            f"Layer {layer.name} ({layer.kind}): what its channels look for.",
        )


def spread(layers: list[Any]) -> list[str]:
    """The names of the layers, of many some from the first to the last."""
    return (
        [layers[k].name for k in np.unique(np.linspace(0, len(layers) - 1, LAYERS).round().astype(int))]
        if layers
        else []
    )


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
