"""Ways to get exercise saliency wrong, and other ways to get it right."""

import numpy as np

import tinylucid as tl


def asked(number, model, x, target):
    """∂ number(logits, target) / ∂x in eval mode."""
    was = model.training
    model.eval()
    leaf = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(number(model(leaf), target), leaf)
    model.train(was)
    return g.numpy()


def own(z, target):
    return z[np.arange(len(target)), target].sum()


def gradient__of_the_probability(model, x, target):
    """probability, after softmax"""
    return asked(lambda z, t: own(tl.softmax(z, 1), t), model, x, target)


def gradient__of_the_loss(model, x, target):
    """loss"""
    return asked(tl.cross_entropy, model, x, target)


def gradient__all_classes(model, x, target):
    """sum of all logits"""
    return asked(lambda z, t: z.sum(), model, x, target)


def gradient__the_winner(model, x, target):
    """largest logit"""
    return asked(lambda z, t: z.max(1)[0].sum(), model, x, target)


def gradient__mean(model, x, target):
    """mean of the logits | divided by N"""
    return asked(lambda z, t: z[np.arange(len(t)), t].mean(), model, x, target)


def gradient__columns_of_all(model, x, target):
    """N × N"""
    return asked(lambda z, t: z[:, t].sum(), model, x, target)


def gradient__first_target(model, x, target):
    """target[0] in every picture"""
    return asked(lambda z, t: z[:, t[0]].sum(), model, x, target)


def gradient__training_mode(model, x, target):
    """asked in training mode | model.eval() before"""
    leaf = tl.tensor(x, requires_grad=True)
    return tl.grad(own(model(leaf), target), leaf)[0].numpy()


def gradient__mode_left(model, x, target):
    """leaves the model in eval mode | model.training"""
    leaf = tl.tensor(x, requires_grad=True)
    return tl.grad(own(model.eval()(leaf), target), leaf)[0].numpy()


def gradient__grad_left(model, x, target):
    """.grad of the model's parameters | tl.grad"""
    was = model.training
    leaf = tl.tensor(x, requires_grad=True)
    own(model.eval()(leaf), target).backward()
    model.train(was)
    return leaf.grad.numpy()


def gradient__ready_made(model, x, target):
    """tl.explain"""
    return tl.explain.gradient(model, x, target)


def gradient__the_logits(model, x, target):
    """Tensor"""
    was = model.training
    leaf = tl.tensor(x, requires_grad=True)
    z = model.eval()(leaf)
    model.train(was)
    return z[np.arange(len(x)), target]


def gradient__of_an_array(model, x, target):
    """raises | line"""
    was = model.training
    z = model.eval()(tl.tensor(x))
    model.train(was)
    return tl.grad(own(z, target), x)[0]


def gradient__times_x(model, x, target):
    """multiplied by x once too often"""
    return x * asked(own, model, x, target)


def saliency__signed(model, x, target):
    """without the absolute value"""
    return asked(own, model, x, target).max(1)


def saliency__size_of_largest(model, x, target):
    """size"""
    return np.abs(asked(own, model, x, target).max(1))


def saliency__mean(model, x, target):
    """mean over the channels"""
    return np.abs(asked(own, model, x, target)).mean(1)


def saliency__last_axis(model, x, target):
    """shape"""
    return np.abs(asked(own, model, x, target)).max(-1)


def saliency__kept(model, x, target):
    """shape | axis of size 1"""
    return np.abs(asked(own, model, x, target)).max(1, keepdims=True)


def saliency__all_pixels(model, x, target):
    """shape"""
    return np.abs(asked(own, model, x, target)).max((1, 2, 3))


def saliency__scaled(model, x, target):
    """over its largest value | leave it as it is"""
    m = np.abs(asked(own, model, x, target)).max(1)
    return m / m.max((1, 2), keepdims=True)


def gradient__right_picture_by_picture(model, x, target):
    """right"""
    one = lambda k: asked(lambda z, t: z[0, int(t[0])], model, x[k : k + 1], target[k : k + 1])
    return np.concatenate([one(k) for k in range(len(x))])


def gradient__right_by_backward(model, x, target):
    """right"""
    was = model.training
    leaf = tl.tensor(x, requires_grad=True)
    own(model.eval()(leaf), target).backward()
    model.train(was)
    model.zero_grad()
    return leaf.grad.numpy()


def gradient__right_by_one_hot(model, x, target):
    """right"""
    return asked(lambda z, t: (z * np.eye(z.shape[1])[t]).sum(), model, x, target)


def gradient__right_by_upstream(model, x, target):
    """right"""
    was = model.training
    leaf = tl.tensor(x, requires_grad=True)
    z = model.eval()(leaf)
    model.train(was)
    return tl.grad(z, leaf, np.eye(z.shape[1])[target])[0].numpy()


def saliency__right_by_both_ends(model, x, target):
    """right"""
    g = asked(own, model, x, target)
    return np.maximum(g.max(1), -g.min(1))
