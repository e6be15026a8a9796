"""Exercise 20 · A saliency map: the gradient of a logit in the picture.

How much would the net's answer change if a pixel changed a little? Simonyan, Vedaldi and Zisserman (2014) take the slope
of the logit z_k of a class in each number of the picture, for each picture n of the batch and its own class k = target[n]:

    G[n, c, i, j] = ∂z[n, target[n]] / ∂x[n, c, i, j]

and, so that a pixel has one number, the largest over the channels:  M[n, i, j] = max_c |G[n, c, i, j]|.

The logit is what the net gives, not the probability that softmax makes of it: the probability also falls when another
class rises. The net is to be asked as it answers later, in eval mode (dropout lets everything pass, batch norm uses its
running statistics), and is to be given back as it came: in the mode in which it was, with nothing in its parameters' .grad.

Derive: a picture's logits do not depend on the other pictures. So which one number can you differentiate to get G for
the whole batch in one go?
Shapes: model is a tl.nn.Module that makes logits (N, K) of a Tensor (N, C, H, W); x (N, C, H, W) and target (N,), whole
numbers, are NumPy arrays; G (N, C, H, W) and M (N, H, W) too. This exercise is done with the engine: tl.tensor(x,
requires_grad=True), z[rows, columns], tl.grad (which gives a tuple, and leaves every .grad alone), np.asarray(tensor);
model.training, model.eval() and model.train().

    tinylucid exercise check saliency
"""

import numpy as np

import tinylucid as tl


def gradient(model, x, target):
    """G (N, C, H, W), the slope of each picture's logit of its class."""
    raise NotImplementedError


def saliency(model, x, target):
    """M (N, H, W), the largest size of the slope over the channels."""
    raise NotImplementedError
