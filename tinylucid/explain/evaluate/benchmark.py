"""Which method to believe on this net and these pictures: all methods, and two that know nothing, on all measures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ... import devices, patience
from ...data.dataset import ArrayDataset, as_float
from ...nn import Module
from ...nn.module import check_model
from ...random import Generator
from ..by_name import ready
from ..common import Method, at_least_one, classes_of, planes
from .alike import spearman
from .curves import deletion, insertion
from .faithful import correlation, set_sums, without
from .maps import flat, plane_maps
from .naive import edges, random_map
from .pointing import mass_in_mask, pointing_game, relevance_rank, sparsity
from .ranking import Ranking
from .sanity import forget_all, lending, restored

SETS = 50  # of a quarter of the places each, for sensitivity-n


def benchmark(
    model: Module,
    data: Any,
    methods: Mapping[str, Method] | Iterable[str | Method],
    *,
    n: int = 100,
    steps: int = 20,
    baseline: Any = "mean",
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Ranking:
    """Rank methods on n pictures of ``data``, each explained for its own class, beside random_map and edges.

    Each picture and method is scored by deletion and insertion (areas, ``steps`` steps), sensitivity_n (sets of a quarter of
    the places) and randomisation, |Spearman's ρ| with the map of the same net when all layers have forgotten; where the data
    has masks by pointing_game, mass_in_mask and relevance_rank; and sparsity and seconds a picture, which do not count in
    the ranking. A picture without a value counts as the worst. infidelity is left out: maps have different units.

    ``data``: x (N, C, H, W), y (N,) and perhaps masks, as a ShapeDataset, or a pair (x, y); n of them are drawn, or all if there are fewer.
    ``methods``: name → method, or a list of functions and of names, which mean what tl.explain.ready gives. ``rng``, by
    default Generator(0), draws pictures, sets, forgetful weights and the bootstrap. Everything else as in deletion. The
    result is a Ranking: print it, or draw it by tl.plot.ranking. Raises TypeError and ValueError for a model, data or
    methods of another kind; what a method raises names the method.
    """
    check_model(model, "benchmark")
    tried = {**named(methods), "random_map": random_map, "edges": edges}
    rng = rng or Generator(0)
    chosen, x, y, masks = drawn(data, n, rng)
    size = max(1, x.shape[2] * x.shape[3] // 4)
    sets, changes = without(model, x, y, size, SETS, baseline, rng, batch_size)
    blank, seed = Generator(int(rng.integers(0, 2**31, ()))), int(rng.integers(0, 2**31, ()))

    def scores(maps: Any, forgetful: Any) -> dict[str, Any]:
        found = {
            "deletion": deletion(model, x, y, maps, baseline=baseline, steps=steps, batch_size=batch_size).area,
            "insertion": insertion(model, x, y, maps, baseline=baseline, steps=steps, batch_size=batch_size).area,
            "sensitivity_n": correlation(set_sums(flat(maps), sets), changes),
        }
        if masks is not None:
            found |= {f.__name__: f(maps, masks) for f in (pointing_game, mass_in_mask, relevance_rank)}
        return {**found, "randomisation": abs(spearman(maps, forgetful)), "sparsity": sparsity(maps)}

    table, seconds = [], []
    for name, method in shown(tried):
        maps, took = timed(name, method, model, x, y)
        with restored(model):
            with lending(Generator(blank.seed)):
                forget_all(model)
            forgetful, again = timed(name, method, model, x, y)
        table.append(scores(maps, forgetful))
        seconds.append(min(took, again) / len(x))
    found = {measure: np.array([row[measure] for row in table], np.float64) for measure in table[0]}
    return Ranking(tuple(tried), chosen, found, np.array(seconds), seed)


def named(methods: Any) -> dict[str, Method]:
    """name → method; TypeError for what cannot be called or has no name, ValueError for an unknown or doubled name."""
    if isinstance(methods, str) or not isinstance(methods, (Mapping, Iterable)):
        raise TypeError(f'benchmark: expected methods as {{"name": method}} or a list, got {methods!r}')
    pairs = methods.items() if isinstance(methods, Mapping) else [(name_of(each), each) for each in methods]
    found: dict[str, Method] = {}
    for name, method in pairs:
        if name in found or name in ("random_map", "edges"):
            raise ValueError(f"benchmark: {name!r} is there already; each method needs a name of its own")
        found[name] = ready([method])[method] if isinstance(method, str) else method
        if not callable(found[name]):
            raise TypeError(f"benchmark: {name!r} is no method (model, x, target) → maps, got {type(method).__name__}")
    if not found:
        raise ValueError("benchmark: expected at least one method, got none")
    return found


def name_of(method: Any) -> str:
    """What a method in a list is called."""
    name = method if isinstance(method, str) else getattr(method, "__name__", None)
    if name is None:
        raise TypeError(f'benchmark: {method!r} has no name; give methods as {{"name": method}}')
    return str(name)


def drawn(data: Any, n: int, rng: Generator) -> tuple[Any, Any, Any, Any]:
    """The numbers of n random pictures in order, the pictures, their classes, and their masks, if the data has some."""
    at_least_one(n, "benchmark: n")
    data = ArrayDataset(*data) if isinstance(data, (tuple, list)) and len(data) == 2 else data
    if not hasattr(data, "x") or not hasattr(data, "y"):
        raise TypeError(
            f"benchmark: expected data with x (N, C, H, W) and y (N,), such as tl.data.ArrayDataset(x, y), got {type(data).__name__}"
        )
    x, y = planes(as_float(devices.host(data.x))), devices.host(data.y)
    if not len(x) or y.shape != (len(x),):
        raise ValueError(f"benchmark: expected at least one picture and a class each, got x {x.shape} and y {y.shape}")
    chosen = np.sort(rng.permutation(len(x))[:n])
    masks = getattr(data, "masks", None)
    return chosen, x[chosen], classes_of(y[chosen], len(chosen)), None if masks is None else devices.host(masks)[chosen]


def shown(tried: dict[str, Method]) -> Iterable[tuple[str, Method]]:
    """The methods in turn, with a bar if they take longer than 2 seconds."""
    from tqdm import tqdm

    with tqdm(total=len(tried), disable=None, delay=patience.SECONDS, leave=False) as bar:
        for name, method in tried.items():
            bar.set_description(name, refresh=False)
            yield name, method
            bar.update()


def timed(name: str, method: Callable, model: Module, x: Any, y: Any) -> tuple[Any, float]:
    """A method's planes and the seconds that they took; what it raises says which method it was."""
    start = time.perf_counter()
    try:
        maps = method(model, x, y)
        took = time.perf_counter() - start
        return plane_maps(maps, x), took
    except Exception as error:
        error.add_note(f"benchmark: this was the method {name!r}")
        raise
