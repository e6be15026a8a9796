"""Whole jobs: training steps, inference, and what explains and shows a net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from . import nets
from .case import Case, Work

SAMPLES, STEPS = 64, 100  # of SmoothGrad and of a rendering


def training() -> Iterator[Case]:
    """A step of each net."""
    for net in nets.NETS:
        name = f"train {net.name} {'×'.join(map(str, net.shape))}"
        works = nets.works(net, net.shape, training=True)
        yield Case("train", name, partial(nets.step, net=net), works, net.bound, ("step", net))


def inferring() -> Iterator[Case]:
    """The logits of one picture and of 64."""
    for n, bound in ((1, 3.0), (64, None)):
        for net in nets.NETS:
            works = nets.works(net, (n, *net.shape[1:]), training=False)
            make = partial(nets.inference, net=net, n=n)
            yield Case("inference", f"infer {net.name}, batch {n}", make, works, bound, ("inference", net, n))


def saliency(library: Any) -> Callable[[], Any]:
    """The gradient of each of 64 pictures' own logit."""
    model, (x, y) = nets.model(library, nets.LENET).eval(), nets.batch(nets.LENET)
    if library.__name__ == "tinylucid":
        return lambda: library.explain.gradient(model, x, y)
    rows, labels = library.arange(len(y)), library.tensor(y)

    def by_hand() -> Any:
        leaf = library.tensor(x, requires_grad=True)
        return library.autograd.grad(model(leaf)[rows, labels].sum(), leaf)[0]

    return by_hand


def smoothgrad(library: Any) -> Callable[[], Any]:
    """The mean gradient of 64 noisy versions of a picture."""
    model, x = nets.model(library, nets.LENET).eval(), nets.batch(nets.LENET)[0][:1]
    if library.__name__ == "tinylucid":
        return lambda: library.explain.smoothgrad(model, x, 3, n=SAMPLES, batch_size=SAMPLES)
    level = 0.15 * float(x.max() - x.min())

    def by_hand() -> Any:
        noisy = library.tensor(x) + level * library.randn(SAMPLES, *x.shape[1:])
        leaf = noisy.requires_grad_()
        return library.autograd.grad(model(leaf)[:, 3].sum(), leaf)[0].mean(0, keepdim=True)

    return by_hand


def rendering(library: Any) -> Callable[[], Any]:
    """A picture that climbs a logit for 100 steps of Adam, pixel by pixel, from nearly even grey."""
    model, shape = nets.model(library, nets.LENET).eval(), (1, 1, 28, 28)
    if library.__name__ == "tinylucid":
        from tinylucid.visualize import logit, pixel, render

        return lambda: render(model, logit(3), pixel(shape), transforms=(), steps=STEPS)

    def by_hand() -> Any:
        p = (0.01 * library.randn(*shape)).requires_grad_()
        optimiser = library.optim.Adam([p], lr=0.02)
        for _ in range(STEPS):
            (p.grad,) = library.autograd.grad(-model(library.sigmoid(p))[:, 3].sum(), [p])
            optimiser.step()
        return library.sigmoid(p).detach()

    return by_hand


def explaining() -> Iterator[Case]:
    """Maps and renderings of the LeNet-size net."""
    pictures = nets.LENET.shape
    once = without_weights(pictures)
    yield Case("explain", "gradient saliency, 64 pictures", saliency, once, None)
    yield Case("explain", f"SmoothGrad, {SAMPLES} samples of a picture", smoothgrad, once, None)
    climb = without_weights((1, *pictures[1:])) * STEPS
    yield Case("explain", f"a rendering of {STEPS} steps", rendering, climb, None)


def without_weights(shape: tuple[int, ...]) -> tuple[Work, ...]:
    """LeNet's forward pass and the gradient by its input, which needs none by the weights."""
    return nets.works(nets.LENET, shape, training=False) * 2


def cases() -> Iterator[Case]:
    """All of them."""
    for some in (training, inferring, explaining):
        yield from some()
