"""How good generators are: ``python -m benchmarks.gan`` trains them and writes results/gan.md, in some ten minutes.

``python -m benchmarks.gan digits`` measures one section anew and leaves the others as they stand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np

import tinylucid as tl
from tinylucid import gan
from tinylucid.gan import recipes
from tinylucid.gan.recipes import Recipe
from tinylucid.gan.scores import HEAD, Comparison

from .report import columns
from .sections import measure

SEEDS, SAMPLES = 3, 1000
FOUND = [*HEAD, "bars held", "seconds", "CPU seconds"]


def learnt(recipe: Recipe, seed: int, name: str, **more: Any) -> tuple[Comparison, list[str]]:
    """Train by a recipe and compare; what was found of it, and its row of the table."""
    start, cpu = perf_counter(), process_time()
    trained = recipe.fit(seed=seed, **more)
    cost = [f"{perf_counter() - start:.0f}", f"{process_time() - cpu:.0f}"]
    train, test = recipe.data
    y = np.arange(SAMPLES) % len(train.classes)
    x = gan.sample(trained.generator, SAMPLES, y, rng=tl.Generator(seed + 1))
    found = gan.compare(gan.judge_of(train, seed=seed), train, test, {name: (x, y)}, seed=seed)
    print(found, *trained.remarks, sep="\n", file=sys.stderr)
    bars = found.bars(name).values()
    return found, [name, *found.scores[name].cells(), f"{sum(bars)} of {len(bars)}", *cost]


def beside(found: Comparison, name: str) -> list[list[str]]:
    """The rows of what a GAN's samples are held beside."""
    return [[other, *scores.cells(), "", "", ""] for other, scores in found.scores.items() if other != name]


def digits() -> str:
    """The recipe of `tinylucid gan digits` from three seeds, of data, judge and nets."""
    rows = [FOUND]
    for seed in range(SEEDS):
        tl.manual_seed(seed)
        name = f"GAN, seed {seed}"
        found, row = learnt(recipes.digits(seed), seed, name)
        rows += [row, *beside(found, name)]
    return f"{DIGITS}\n\n{columns(rows)}"


DIGITS = f"""`digits(seed)`: 1,347 pictures to learn from; {SAMPLES:,} samples, beside as many of two Gaussians. Dense nets that are told
the class, non-saturating loss with real label 0.9, Adam 4e-4, 7,000 steps of 64 pictures, averaged generator."""

WAYS: dict[str, dict[str, Any]] = {
    "least squares": {"loss": "least_squares"},
    "hinge": {"loss": "hinge"},
    "non-saturating with R1": {"penalty": gan.r1(0.1)},
    "WGAN-GP": {"loss": "wasserstein", "penalty": gan.gradient_penalty(10), "d_steps": 3},
}


def ways() -> str:
    """The same nets with other losses and penalties, from one seed."""
    rows = [FOUND]
    for name, how in WAYS.items():
        tl.manual_seed(0)
        rows.append(learnt(recipes.digits(0), 0, name, **how)[1])
    return f"The same nets and steps with other losses; WGAN-GP: three steps of the discriminator to one.\n\n{columns(rows)}"


def textures() -> str:
    """The recipe of `tinylucid gan textures`."""
    tl.manual_seed(0)
    found, row = learnt(recipes.textures(0), 0, "GAN, colour textures")
    return f"{TEXTURES}\n\n{columns([FOUND, row, *beside(found, row[0])])}"


TEXTURES = """`textures(color=True)`: 4,000 patches of 32×32 pixels of ten surfaces; DCGAN that is told the class, non-saturating loss with
real label 0.9, Adam 4e-4, 2,000 steps of 64 pictures, mirrored. **A stated limit**: colours and grain, and no bricks."""

SECTIONS: dict[str, Callable[[], str]] = {"digits": digits, "ways": ways, "textures": textures}

HEAD_OF_PAGE = "# Generating pictures\n\nWritten by `python -m benchmarks.gan`."

if __name__ == "__main__":
    measure("gan.md", HEAD_OF_PAGE, SECTIONS, sys.argv[1:])
