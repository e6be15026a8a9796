"""From a wrong shape to its probable cause: an axis not summed after broadcasting, lost, or exchanged."""

from __future__ import annotations

from dataclasses import replace

from .evidence import Evidence, Finding, same


def shape(e: Evidence) -> list[Finding]:
    """What may have given this shape, the likeliest first, and at the end that it is wrong."""
    came, due = e.given.shape, e.true.shape
    lead, what = f"It has shape {came} and should have {due}", "result"
    if e.upstream:
        lead, what = f"It has shape {came}, {e.name} has {due}", "gradient"
    found = []
    if axes := repeated(came, due):
        words = f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
        mend = f"so sum over {'it' if len(axes) == 1 else 'them'}"
        if not e.upstream:
            mend = "since NumPy lines arrays up at their last axes (a[:, None] moves one), or a sum is missing"
        text = f"{lead}: it was broadcast over {words}, {mend}."
        found.append(Finding(("shape", "not summed"), text))
    squeezed, wanted = (tuple(n for n in s if n != 1) for s in (came, due))
    if squeezed == wanted and len(came) != len(due):
        text = f"{lead}: an axis of size 1 is {'lost' if len(came) < len(due) else 'too many'}; keepdims=True or a reshape mends it."
        found.append(Finding(("shape", "axis of size 1"), text))
    transposed = len(came) > 1 and same(e.given.swapaxes(-1, -2), e.true)
    for name, other in e.others.items():
        if other.shape == came and (same(e.given, other) or not (found or transposed)):
            found.append(
                Finding(("exchanged", name), f"{lead}, {name} has {came}: the {what}s are returned in the wrong order.")
            )
    if came == due[::-1] or (len(came) == len(due) and came == (*due[:-2], *due[-2:][::-1])):
        found.append(Finding(("shape", "transposed"), f"{lead}: it is transposed."))
    if not came:
        found.append(Finding(("shape", "one number"), f"{lead}: it is summed over everything."))
    if len(came) < len(due):
        for k in range(len(due)):
            if came == due[:k] + due[k + 1 :]:
                found.append(
                    Finding(("shape", "axis missing"), f"{lead}: axis {k} is missing, reduced over an axis too many.")
                )
                break
    if sorted(came) == sorted(due):
        found.append(Finding(("shape", "axes"), f"{lead}: its axes are in another order."))
    return [*found, Finding(("shape",), f"{lead}.")]


def repeated(came: tuple[int, ...], due: tuple[int, ...]) -> list[int]:
    """The axes along which an array of shape ``due`` was repeated to get ``came``; none if it was not."""
    lead = len(came) - len(due)
    if lead < 0 or 0 in came or not all(n in (1, m) for n, m in zip(due, came[lead:])):
        return []
    return [k for k in range(len(came)) if k < lead or due[k - lead] != came[k]]


def mended(e: Evidence) -> Evidence:
    """A gradient summed over the axes along which its argument was repeated: what else is wrong with it?"""
    axes = tuple(repeated(e.given.shape, e.true.shape)) if e.upstream else ()
    return replace(e, given=e.given.sum(axes, keepdims=True).reshape(e.true.shape)) if axes else e
