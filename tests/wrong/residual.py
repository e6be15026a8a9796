"""Ways to get exercise residual wrong, and other ways to get it right."""

import numpy as np


def relu(x):
    return np.maximum(x, 0)


def forward__no_shortcut(x, w1, w2):
    """without the shortcut"""
    return relu(relu(x @ w1.T) @ w2.T)


def forward__no_outer_relu(x, w1, w2):
    """without the outer ReLU"""
    return x + relu(x @ w1.T) @ w2.T


def forward__relu_before_the_sum(x, w1, w2):
    """before the sum"""
    return x + relu(relu(x @ w1.T) @ w2.T)


def forward__weights_not_transposed(x, w1, w2):
    """raises ValueError | matmul | line"""
    return relu(x + relu(x @ w1) @ w2)


def forward__into_x(x, w1, w2):
    """writes to its argument x"""
    x += relu(x @ w1.T) @ w2.T
    return relu(x)


def backward__shortcut_forgotten(g, x, w1, w2):
    """Your gradient for x | through the shortcut is missing"""
    a = x @ w1.T
    gs = g * (x + relu(a) @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return ga @ w1, ga.T @ x, gs.T @ relu(a)


def backward__only_the_shortcut(g, x, w1, w2):
    """Your gradient for x | through the branch is missing"""
    a = x @ w1.T
    gs = g * (x + relu(a) @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return gs, ga.T @ x, gs.T @ relu(a)


def backward__shortcut_past_the_relu(g, x, w1, w2):
    """not on the shortcut"""
    a = x @ w1.T
    gs = g * (x + relu(a) @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return g + ga @ w1, ga.T @ x, gs.T @ relu(a)


def backward__branch_past_the_relu(g, x, w1, w2):
    """not on the branch"""
    a = x @ w1.T
    ga = (g @ w2) * (a > 0)
    return g * (x + relu(a) @ w2.T > 0) + ga @ w1, ga.T @ x, g.T @ relu(a)


def backward__mask_of_x(g, x, w1, w2):
    """taken of x, before the sum"""
    a = x @ w1.T
    gs = g * (x > 0)
    ga = (gs @ w2) * (a > 0)
    return gs + ga @ w1, ga.T @ x, gs.T @ relu(a)


def backward__mask_of_the_branch(g, x, w1, w2):
    """taken of F(x), before the sum"""
    a = x @ w1.T
    gs = g * (relu(a) @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return gs + ga @ w1, ga.T @ x, gs.T @ relu(a)


def backward__no_outer_mask(g, x, w1, w2):
    """without the outer ReLU's mask"""
    a = x @ w1.T
    ga = (g @ w2) * (a > 0)
    return g + ga @ w1, ga.T @ x, g.T @ relu(a)


def backward__no_inner_mask(g, x, w1, w2):
    """without the inner ReLU's mask"""
    a = x @ w1.T
    gs = g * (x + relu(a) @ w2.T > 0)
    ga = gs @ w2
    return gs + ga @ w1, ga.T @ x, gs.T @ relu(a)


def backward__before_the_inner_relu(g, x, w1, w2):
    """Your gradient for w2 | a in the place of relu(a)"""
    a = x @ w1.T
    gs = g * (x + relu(a) @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return gs + ga @ w1, ga.T @ x, gs.T @ a


def backward__weights_transposed(g, x, w1, w2):
    """transposed"""
    a = x @ w1.T
    gs = g * (x + relu(a) @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return gs + ga @ w1, x.T @ ga, relu(a).T @ gs


def backward__mean_over_samples(g, x, w1, w2):
    """off by exactly 1/ | axis 0 of x"""
    a = x @ w1.T
    gs = g * (x + relu(a) @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return gs + ga @ w1, ga.T @ x / len(x), gs.T @ relu(a) / len(x)


def backward__right_sample_by_sample(g, x, w1, w2):
    """right"""
    gx, gw1, gw2 = np.zeros_like(x), np.zeros_like(w1), np.zeros_like(w2)
    for n in range(len(x)):
        a = w1 @ x[n]
        gs = np.where(relu(x[n] + w2 @ relu(a)) > 0, g[n], 0)
        ga = np.where(a > 0, w2.T @ gs, 0)
        gx[n] = gs + w1.T @ ga
        gw1 += np.outer(ga, x[n])
        gw2 += np.outer(gs, relu(a))
    return gx, gw1, gw2


def backward__right_with_the_shortcut_as_a_matrix(g, x, w1, w2):
    """right"""
    a = np.einsum("nd,hd->nh", x, w1)
    wide = np.hstack([x, relu(a)]) @ np.hstack([np.eye(x.shape[1]), w2]).T
    both = (np.sign(relu(wide)) * g) @ np.hstack([np.eye(x.shape[1]), w2])
    shortcut, branch = both[:, : x.shape[1]], both[:, x.shape[1] :] * (a > 0)
    return [shortcut + branch @ w1, np.einsum("nh,nd->hd", branch, x), np.einsum("nd,nh->dh", shortcut, relu(a))]


def forward__right_in_float32(x, w1, w2):
    """right"""
    x, w1, w2 = np.float32(x), np.float32(w1), np.float32(w2)
    y = x + (w2 @ relu(w1 @ x.T)).T
    return y * (y > 0)
