"""From wrong arrays to their probable cause: the mistakes people make leave marks that can be recognised.

The rules of recognition know nothing of particular functions. Each looks at one comparison and names every cause that would
explain it; a cause counts if it explains all the comparisons there are, and the first rule that has one is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import patterns, places, shapes, whatif
from .evidence import CLOSE, Evidence, Finding, same

UNKNOWN = ("unknown",)
CHANCE = 0.02  # of seeing a finding in all comparisons though the cause is another: below it the finding is believed
Rule = Callable[[Evidence], "list[Finding] | None"]  # None: this comparison is too small or too plain to tell

RULES: tuple[Rule, ...] = (
    patterns.zero,
    patterns.truly_zero,
    whatif.exchanged,
    patterns.sign,
    patterns.factor,
    whatif.factor,
    patterns.orientation,
    places.named,
    whatif.arguments,
    whatif.options,
    whatif.parts,
    whatif.parts_of_channels,
    patterns.offset,
    patterns.power,
    patterns.statistics,
    patterns.constant_axis,
    places.border,
    places.along,
    patterns.rearranged,
    patterns.total,
    patterns.some_factor,
)


def diagnose(evidence: Sequence[Evidence]) -> Finding:
    """What is probably wrong, in words: the first cause that explains every comparison. The words are those of the first."""
    if similar := common(whatif.variant, evidence):  # whatever their shapes
        return similar
    if any(not np.isfinite(e.given).all() for e in evidence):
        return not_finite(evidence)
    misshapen = [e for e in evidence if e.given.shape != e.true.shape]
    if not misshapen:
        return of_values(evidence)
    wrong_shape = common(shapes.shape, misshapen) or shapes.shape(misshapen[0])[-1]
    mended = [shapes.mended(e) for e in evidence]
    rest = of_values([e for e in mended if e.given.shape == e.true.shape and not same(e.given, e.true)])
    return wrong_shape if rest.key == UNKNOWN else wrong_shape._replace(text=f"{wrong_shape.text} {rest.text}")


def not_finite(evidence: Sequence[Evidence]) -> Finding:
    """NaN or infinity; if only in some comparisons, what explains the others comes first."""
    text = "NaN or infinity: a division by 0, a logarithm of 0, a root of a negative number, or an exponential that overflows."
    others = [e for e in evidence if np.isfinite(e.given).all()]
    if others and np.isfinite(evidence[0].given).all():
        found = diagnose(others)
        return found._replace(text=f"{found.text} In other cases it holds {text}")
    return Finding(("not finite",), f"It holds {text}")


def of_values(evidence: Sequence[Evidence]) -> Finding:
    """The cause of wrong values in the right shape."""
    for rule in RULES if evidence else ():
        if found := common(rule, evidence):
            return found
    if all(e.true.size == 1 for e in evidence):
        return Finding(UNKNOWN, "It is off in no way that is recognised.")
    share = np.mean([np.mean(np.abs(e.given - e.true) > CLOSE * e.scale) for e in evidence])
    return Finding(UNKNOWN, f"{share:.0%} of its elements are wrong, by no factor, shift or turn that is recognised.")


def common(rule: Rule, evidence: Sequence[Evidence]) -> Finding | None:
    """The finding that a rule has for each comparison, if that is no chance: the likeliest, of equals the first."""
    remaining: dict[tuple, Finding] | None = None
    for e in evidence:
        found = rule(e)
        if found is None:
            continue
        named = {f.key: f for f in reversed(found)}  # of one key the first counts
        named = {f.key: named[f.key] for f in found}
        if remaining is None:
            remaining = named
        else:
            remaining = {
                key: f._replace(chance=f.chance * named[key].chance) for key, f in remaining.items() if key in named
            }
        if not remaining:
            return None
    likeliest = min((remaining or {}).values(), key=lambda f: f.chance, default=None)
    return likeliest if likeliest and likeliest.chance < CHANCE else None
