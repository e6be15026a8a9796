"""Right in most places: where the wrong elements are says what was left out."""

from __future__ import annotations

import numpy as np

from .evidence import CLOSE, Evidence, Finding


def wrong_elements(e: Evidence) -> np.ndarray:
    """A mask of the elements that are wrong."""
    off = np.abs(e.given - e.true)
    wrong = ~(off <= CLOSE * e.scale)
    return wrong if wrong.any() else off > 100 * CLOSE * np.abs(e.true)  # small ones beside large ones


def there(e: Evidence, wrong: np.ndarray) -> str:
    """What is at the wrong elements."""
    given, true = e.given[wrong], e.true[wrong]
    if given.size < 2:
        return ""
    if not np.abs(given).max(initial=0):
        return ", and 0 there"
    if np.abs(true).max(initial=0) <= CLOSE * e.scale:
        return ", where it should be 0"
    ratios = given / np.where(true, true, np.nan)
    ratio = float(ratios.mean())
    if np.ptp(ratios) < 1e-3 * abs(ratio):
        return f", {ratio:.4g} times what it should be there"
    return ""


def named(e: Evidence) -> list[Finding] | None:
    """Wrong only in places that have a name: where an argument is negative, where windows overlap, at ties."""
    wrong = wrong_elements(e)
    if not wrong.any() or wrong.size < 2:
        return None
    found, active = [], wrong | (np.abs(e.true) > CLOSE * e.scale)  # what is rightly 0 tells nothing
    for words, mask in {**e.places, **by_value(e)}.items():
        mask = np.broadcast_to(mask, wrong.shape)
        enough = words in e.places or (wrong & mask).sum() > 0.7 * (mask & active).sum()
        if enough and not (wrong & ~mask).any():
            place, _, advice = words.partition(": ")
            told = f": {advice}" if advice and (wrong & mask).sum() > 0.25 * (mask & active).sum() else ""
            text = f"It is right except where {place}{there(e, wrong)}{told}."
            chance = float((mask & active).sum() / active.sum()) ** float(wrong.sum())
            found.append(Finding(("where", words), text, chance))
    return found


def by_value(e: Evidence) -> dict[str, np.ndarray]:
    """Masks of where an argument of the same shape is negative, positive, zero, equal to others."""
    masks: dict[str, np.ndarray] = {}
    for name, a in e.arrays().items():
        if a.shape == e.true.shape and name not in e.upstream:
            masks |= {
                f"{name} = 0": a == 0,
                f"{name} < 0": a < 0,
                f"{name} > 0": a > 0,
                f"{name} ≤ 0": a <= 0,
                f"{name} ≥ 0": a >= 0,
            }
            masks |= {f"|{name}| > 1": np.abs(a) > 1, f"|{name}| < 1": np.abs(a) < 1}
            _values, inverse, counts = np.unique(a, return_inverse=True, return_counts=True)
            masks[f"{name} has equal values (ties)"] = counts[inverse].reshape(a.shape) > 1
    return masks


def border(e: Evidence) -> list[Finding] | None:
    """Right inside and wrong at the border of the last two axes."""
    wrong = wrong_elements(e)
    if wrong.ndim < 2 or min(wrong.shape[-2:]) < 3 or not wrong.any():
        return None
    if wrong[..., 1:-1, 1:-1].any():
        return []
    if wrong.mean() < 0.2:  # a few elements that happen to lie there
        return None
    sides = {"top": wrong[..., 0, :], "bottom": wrong[..., -1, :], "left": wrong[..., :, 0], "right": wrong[..., :, -1]}
    names = [name for name, side in sides.items() if side.mean() > 0.5] or ["border"]
    where = f"at the border ({', '.join(names)})"
    text = f"It is right inside and wrong {where}: a padding row or column, or an outermost one, is lost or counted wrongly."
    return [Finding(("border",), text)]


def along(e: Evidence) -> list[Finding] | None:
    """Wrong only at some indices along an axis: some samples, channels, rows or columns."""
    wrong = wrong_elements(e)
    if not wrong.any() or wrong.size < 2:
        return None
    found = []
    for k in range(wrong.ndim):
        bad = np.asarray(wrong.any(tuple(j for j in range(wrong.ndim) if j != k)))
        n = len(bad)
        if n > 1 and not bad.all():
            places = np.flatnonzero(bad)
            zero = "zero" if not np.abs(np.take(e.given, places, k)).max() else "wrong"
            text = f"It is {zero} only at {places.tolist()} along axis {k} (of {n}), right elsewhere: those are left out or treated apart."
            which = places.tolist()
            names = {
                "first": [0],
                "last": [n - 1],
                "all but the first": [*range(1, n)],
                "all but the last": [*range(n - 1)],
            }
            keys = [name for name, indices in names.items() if indices == which] or [f"only {which}"]
            chance = (len(which) / n) ** float(wrong.sum())
            found += [Finding(("along", k - wrong.ndim, key), text, chance) for key in keys]
    return found
