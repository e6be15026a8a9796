"""Solution 20 · A saliency map: the gradient of a logit in the picture.

Let S = Σ_m z[m, target[m]]. Picture n enters only its own logits, so ∂S/∂x[n] = Σ_m ∂z[m, target[m]]/∂x[n] has one term that
is not zero, m = n: the gradient of the sum holds each picture's own. (A mean would divide it by N.) This needs eval mode: in
training mode batch norm's mean would let each picture enter the logits of all.
"""

import numpy as np

import tinylucid as tl


def gradient(model, x, target):
    """G (N, C, H, W), the slope of each picture's logit of its class."""
    was = model.training
    model.eval()
    leaf = tl.tensor(x, requires_grad=True)
    z = model(leaf)
    (g,) = tl.grad(z[np.arange(len(x)), target].sum(), leaf)
    model.train(was)
    return np.asarray(g)


def saliency(model, x, target):
    """M (N, H, W), the largest size of the slope over the channels."""
    return np.abs(gradient(model, x, target)).max(axis=1)
