"""The check of exercise adam: first steps and later ones, with an eps that counts, with weight decay and without."""

import numpy as np
from tinylucid_kernels import of

from ..drawn import one_of, positive, values, whole
from ..task import Exercise, Task


def cases(draw):
    """The state is zeros in the first step."""
    t = one_of(draw, 1, 2, 3, 10)
    shape = tuple(whole(draw, 1, 3) for _ in range(whole(draw, 0, 2)))
    p, g = values(draw, *shape), values(draw, *shape)
    m, v = (np.zeros(shape), np.zeros(shape)) if t == 1 else (values(draw, *shape), positive(draw, *shape))
    return {
        "p": p,
        "g": g,
        "m": m,
        "v": v,
        "t": t,
        "lr": one_of(draw, 0.5, 0.1),
        "beta1": one_of(draw, 0.75, 0.9),
        "beta2": one_of(draw, 0.8, 0.6),
        "eps": one_of(draw, 0.25, 0.5, 0.1),
        "weight_decay": one_of(draw, 0.0, 0.3, 0.2),
    }


def adam(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """The engine's step, which works in place."""
    p, m, v = np.array(p), np.array(m), np.array(v)
    of(p).adam(p, np.asarray(g + weight_decay * p), m, v, t, lr, beta1, beta2, eps)
    return p, m, v


def features(weight_decay, **_):
    """What cases differ in."""
    return {"weight_decay is not 0": weight_decay != 0}


def similar(
    weights=lambda beta: (beta, 1 - beta),
    square=lambda g, m: g * g,
    corrected=(True, True),
    later=0,
    under=lambda v, c, eps: np.sqrt(v / c) + eps,
    old=(False, False),
    power=lambda beta, t: beta**t,
):
    """A step that differs in one thing: a mean's weights, v's squares, what is corrected and by which t, what m̂ is divided by,
    which of m and v are the old ones in p, what betaᵗ is."""

    def step(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
        g, before = g + weight_decay * p, (m, v)
        m = weights(beta1)[0] * m + weights(beta1)[1] * g
        v = weights(beta2)[0] * v + weights(beta2)[1] * square(g, m)
        c1, c2 = (1 - power(beta, t + later) if is_so else 1.0 for beta, is_so in zip((beta1, beta2), corrected))
        used_m, used_v = (b if is_so else a for b, a, is_so in zip(before, (m, v), old))
        with np.errstate(all="ignore"):
            return p - lr * used_m / c1 / under(used_v, c2, eps), m, v

    return step


def undecayed(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """Without weight decay."""
    return adam(p, g, m, v, t, lr, beta1, beta2, eps, 0.0)


def decoupled(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """AdamW, which shrinks p itself."""
    return undecayed(p * (1 - lr * weight_decay), g, m, v, t, lr, beta1, beta2, eps, weight_decay)


def upwards(p, *rest):
    """A step to where the loss is larger."""
    below, m, v = adam(p, *rest)
    return 2 * p - below, m, v


def corrected_kept(p, g, m, v, t, lr, beta1, beta2, *rest):
    """m̂ and v̂ as the new state."""
    p, m, v = adam(p, g, m, v, t, lr, beta1, beta2, *rest)
    return p, m / (1 - beta1**t), v / (1 - beta2**t)


def betas_exchanged(p, g, m, v, t, lr, beta1, beta2, *rest):
    """beta2 for m and beta1 for v."""
    return adam(p, g, m, v, t, lr, beta2, beta1, *rest)


VARIANTS = {
    "without the bias correction: m̂ and v̂ are m and v divided by 1 − betaᵗ": similar(corrected=(False, False)),
    "if only m were corrected: v̂ = v / (1 − beta2ᵗ)": similar(corrected=(True, False)),
    "if only v were corrected: m̂ = m / (1 − beta1ᵗ)": similar(corrected=(False, True)),
    "with t + 1 in the place of t, which is 1 in the first step already": similar(later=1),
    "with beta and 1 − beta exchanged: beta is the share of the old": similar(weights=lambda beta: (1 - beta, beta)),
    "with eps under the root: √(v̂ + eps) is not √v̂ + eps": similar(under=lambda v, c, eps: np.sqrt(v / c + eps)),
    "with v̂ + eps in the place of √v̂ + eps: the root is missing": similar(under=lambda v, c, eps: v / c + eps),
    "if eps were added to √v, before v is corrected": similar(under=lambda v, c, eps: (np.sqrt(v) + eps) / np.sqrt(c)),
    "with the m and v of before the step in p: take the new ones": similar(old=(True, True)),
    "with the m of before the step in p: take the new one": similar(old=(True, False)),
    "with the v of before the step in p: take the new one": similar(old=(False, True)),
    "with beta · t in the place of betaᵗ, a power: beta ** t": similar(power=lambda beta, t: beta * t),
    "with g in the place of g² in v: v is the mean of the squares": similar(square=lambda g, m: g),
    "with m² in the place of g² in v": similar(square=lambda g, m: m * m),
    "with + in the place of −: p goes against the gradient": upwards,
    "if m̂ and v̂ were kept: they serve this step only, the state is m and v": corrected_kept,
    "with beta1 and beta2 exchanged": betas_exchanged,
    "if only the change of p were returned": lambda p, *rest: (adam(p, *rest)[0] - p, *adam(p, *rest)[1:]),
    "without weight decay, which is a part of g' in all three": undecayed,
    "for AdamW, which takes lr · weight_decay · p from p itself: here weight_decay · p is added to g": decoupled,
}


EXERCISE = Exercise(
    title="One step of Adam",
    tasks=(Task("step", adam, cases, ("p", "m", "v"), features=features, variants=VARIANTS),),
    hints=(
        "Four lines in the order of the formulas: g', then m and v, then m̂ and v̂, then p.",
        "A running mean of numbers is beta times the old one plus 1 − beta times the new number; v is that of the squares.",
        "In the first step m = (1 − beta1) · g', which is far too small: m̂ is g' again. Give the corrected ones names of their own.",
        "eps is added to the root, not under it; and weight decay is a part of the gradient, before anything else is done with it.",
        "p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps), with the new m and v, and all three are returned.",
    ),
)
