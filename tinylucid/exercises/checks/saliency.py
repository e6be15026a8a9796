"""The check of exercise saliency: small nets in either mode, one picture and several, compared with tl.explain."""

import copy
from typing import Any
from unittest import mock

import numpy as np

from ... import explain, nn
from ...autograd import grad
from ...dtypes import float64
from ...ops import cross_entropy, softmax
from ...tensor import Tensor
from ..drawn import generator, labels, one_of, values, whole
from ..observe import agree
from ..task import Exercise, Objection, Task

CLASSES = 3


def cases(draw):
    """A net with random weights, pictures, and a class for each."""
    kind = one_of(draw, "linear", "conv", "norm", "dropout")
    n, c, h, w = whole(draw, 1, 3), whole(draw, 1, 3), whole(draw, 2, 4), whole(draw, 2, 4)
    model = net(kind, c, h, w, generator(draw))
    model.train(one_of(draw, False, True))
    return {"model": model, "x": values(draw, n, c, h, w), "target": labels(draw, n, CLASSES)}


def net(kind, c, h, w, rng):
    """A net of that kind in float64; its batch norm has running statistics of other pictures."""
    if kind == "linear":
        model = nn.Sequential(nn.Flatten(), nn.Linear(c * h * w, CLASSES))
    else:
        inner = [nn.BatchNorm2d(2) if kind == "norm" else nn.Dropout(0.5)] if kind in ("norm", "dropout") else []
        end = nn.Tanh(), nn.Flatten(), nn.Linear(2 * (h - 1) * (w - 1), CLASSES)
        model = nn.Sequential(nn.Conv2d(c, 2, 2), *inner, *end)
    model.to(float64)
    drawn = {k: np.round(rng.uniform(0.5, 2, t.shape), 2) for k, t in model.state_dict().items() if t.ndim}
    signs = {k: 1 if "running_var" in k else rng.choice([-1, 1], a.shape) for k, a in drawn.items()}
    model.load_state_dict({k: Tensor(a * signs[k]) for k, a in drawn.items()}, strict=False)
    return model


def unchanged(function):
    """A call of the learner's function on a copy of the model, which has to come back as it went."""

    def call(module, arguments):
        model = copy.deepcopy(arguments["model"])
        was = arguments["model"].training
        for layer in model.modules():
            if isinstance(layer, (nn.BatchNorm2d, nn.Dropout)):
                layer.register_forward_pre_hook(asked)
        alone = {"gradient": mended(module, arguments["model"])} if function == "saliency" else {}
        with mock.patch("tinylucid.explain.gradients.slope", ready_made), mock.patch.dict(vars(module), alone):
            result = getattr(module, function)(model, arguments["x"], arguments["target"])
        if any(m.training != was for m in model.modules()):
            came, left = ("training", "eval") if was else ("eval", "training")
            text = (
                f"{function} leaves the model in {left} mode, and it came in {came} mode: note model.training before, "
                "and put it back."
            )
            raise Objection("mode left", text)
        if any(p.grad is not None for p in model.parameters()):
            text = (
                f"{function} leaves gradients in the .grad of the model's parameters, where the next step of an optimiser would "
                "find them: tl.grad(…, leaf) gives the gradient for x and leaves them alone."
            )
            raise Objection("grad left", text)
        return result

    return call


def asked(layer, _):
    """Objects to training mode, in layers that are others in it."""
    if layer.training:
        text = (
            "The model is asked in training mode, where batch norm mixes the pictures and dropout leaves numbers out: model.eval() "
            "before the forward pass."
        )
        raise Objection("training mode", text)


def mended(module, original):
    """The learner's gradient, where it is right, or else the right one: what is wrong with it is said of it alone."""
    theirs: Any = getattr(module, "gradient", None)

    def gradient(model, x, target):
        right = OWN(model, x, target)
        try:
            found = theirs(copy.deepcopy(original).train(model.training), x, target)
            fits = agree(np.asarray(found, float), right)
        except Exception:
            return right
        return found if fits else Tensor(right) if isinstance(found, Tensor) else right

    return gradient


def ready_made(*_):
    """In the place of what tl.explain is made of."""
    text = "tl.explain has the answer ready; here it is to be made: by a forward pass, a sum of logits, and tl.grad."
    raise Objection("ready-made", text)


def largest(model, x, target):
    """The map of a picture."""
    return np.abs(explain.gradient(model, x, target)).max(1)


def of_all(number):
    """The gradient in x of one number made of the logits and targets, in eval mode."""

    def gradient(model, x, target):
        leaf, model = Tensor(x, requires_grad=True), copy.deepcopy(model).eval()
        return np.asarray(grad(number(model(leaf), target), leaf)[0])

    return gradient


OWN = of_all(lambda z, t: z[np.arange(len(t)), t].sum())
SIMILAR = {
    "for the mean of the logits: take their sum, or each picture's slope is divided by N": of_all(
        lambda z, t: z[np.arange(len(t)), t].mean()
    ),
    "for target[0] in every picture: z[np.arange(N), target] takes each picture's own": of_all(lambda z, t: z[:, t[0]].sum()),
    "for the probability, after softmax: take the logit": of_all(lambda z, t: softmax(z, 1)[np.arange(len(t)), t].sum()),
    "for the loss, cross_entropy(z, target): take the logit itself": of_all(cross_entropy),
    "for the sum of the losses: take the logit itself": of_all(lambda z, t: cross_entropy(z, t, reduction="sum")),
    "for the sum of all logits: take only z[n, target[n]] of each picture": of_all(lambda z, t: z.sum()),
    "for each picture's largest logit: take z[n, target[n]]": of_all(lambda z, t: z.max(1)[0].sum()),
    "for all targets at all pictures: z[:, target] takes N × N logits, z[np.arange(N), target] N": of_all(lambda z, t: z[:, t].sum()),
}  # fmt: skip
REDUCED = {
    "without the absolute value": lambda *a: explain.gradient(*a).max(1),
    "for the sum over the channels, of sizes": lambda *a: np.abs(explain.gradient(*a)).sum(1),
    "for each map over its largest value: leave it as it is": lambda *a: (
        largest(*a) / largest(*a).max((1, 2), keepdims=True)
    ),
    "for the mean over the channels, of sizes": lambda *a: np.abs(explain.gradient(*a)).mean(1),
    "for the size of the sum over the channels": lambda *a: np.abs(explain.gradient(*a).sum(1)),
    "for the size of the largest: take the size first, then the largest": lambda *a: np.abs(
        explain.gradient(*a).max(1)
    ),
    "for the length of the channels' vector": lambda *a: np.sqrt((explain.gradient(*a) ** 2).sum(1)),
}


def features(model, x, target):
    """What cases differ in."""
    return {
        "there is more than one picture": len(x) > 1,
    }


EXERCISE = Exercise(
    title="A saliency map: the gradient of a logit in the picture",
    tasks=(
        Task("gradient", explain.gradient, cases, results=("gradient",), call=unchanged("gradient"), features=features, variants=SIMILAR),
        Task("saliency", largest, cases, results=("map",), call=unchanged("saliency"), features=features, variants=REDUCED),
    ),
    hints=(
        "A pixel is important where a small change of it moves the logit: that is a derivative, and the engine takes derivatives.",
        "The picture has to be a leaf that is recorded: tl.tensor(x, requires_grad=True). The parameters are not asked.",
        "z[np.arange(N), target] holds N logits, one a picture; their sum has, in each picture, the slope of its own logit.",
        "Note model.training, call model.eval(), and put back what you noted when the gradient is taken.",
        "(g,) = tl.grad(z[np.arange(len(x)), target].sum(), leaf); the map is np.abs(np.asarray(g)).max(axis=1), the size first.",
    ),
    imports=("tinylucid",),
)  # fmt: skip
