"""Ways to get exercise matmul wrong, and other ways to get it right."""

import numpy as np


def backward__w_not_transposed(g, x, w):
    """w.T in the place of w"""
    return g @ w, x.T @ g


def backward__x_not_transposed(g, x, w):
    """x.T in the place of x"""
    return g @ w.T, x @ g


def backward__order_of_the_product(g, x, w):
    """Your gradient for w | transposed"""
    return g @ w.T, g.T @ x


def backward__order_of_both(g, x, w):
    """transposed"""
    return w @ g.T, g.T @ x


def backward__factors_exchanged(g, x, w):
    """factors in the other order"""
    return w.T @ g, g @ x.T


def backward__exchanged(g, x, w):
    """wrong order"""
    return x.T @ g, g @ w.T


def backward__reshaped_w(g, x, w):
    """w.reshape in the place of w.T"""
    return g @ w.reshape(w.shape[::-1]), x.T @ g


def backward__reshaped_x(g, x, w):
    """x.reshape in the place of x.T"""
    return g @ w.T, x.reshape(x.shape[::-1]) @ g


def backward__no_g(g, x, w):
    """The upstream gradient is not used"""
    g = np.ones_like(g)
    return g @ w.T, x.T @ g


def backward__mean_of_the_batch(g, x, w):
    """the size of axis 0 of x | the rule divides by it and the function does not"""
    return g @ w.T, x.T @ g / len(x)


def backward__last_sample(g, x, w):
    """only the last entry | axis 0 | +="""
    gw = np.zeros_like(w)
    for i in range(len(x)):
        gw[...] = np.outer(x[i], g[i])
    return g @ w.T, gw


def backward__gradient_of_one_sample_summed(g, x, w):
    """Your gradient for w"""
    return g @ w.T, np.outer(x.sum(0), g.sum(0))


def backward__each_sample_apart(g, x, w):
    """broadcast over axis 0 | sum over it"""
    return g @ w.T, x[:, :, None] * g[:, None, :]


def backward__loop_one_short(g, x, w):
    """Your gradient for x | at the border (bottom) | outermost"""
    gx = np.zeros_like(x)
    for i in range(len(x) - 1):
        gx[i] = w @ g[i]
    return gx, x.T @ g


def forward__elementwise(x, w):
    """element by element"""
    return x * w


def forward__x_transposed(x, w):
    """x transposed"""
    return x.T @ w


def forward__the_other_way(x, w):
    """w @ x | order of the factors"""
    return w @ x


def forward__last_product_left_out(x, w):
    """without the last product | range(K)"""
    y = np.zeros((len(x), w.shape[1]))
    for k in range(len(w) - 1):
        y += np.outer(x[:, k], w[k])
    return y


def forward__first_product_left_out(x, w):
    """without the first product | range(K)"""
    y = np.zeros((len(x), w.shape[1]))
    for k in range(1, len(w)):
        y += np.outer(x[:, k], w[k])
    return y


def backward__elementwise(g, x, w):
    """element by element | the matrix product is @"""
    return g * w, g * x


def backward__elementwise_and_transposed(g, x, w):
    """line"""
    return g * w.T, x.T * g


def forward__assigned(x, w):
    """the last product alone | +="""
    y = np.zeros((len(x), w.shape[1]))
    for i in range(len(x)):
        for j in range(w.shape[1]):
            for k in range(len(w)):
                y[i, j] = x[i, k] * w[k, j]
    return y


def backward__right_by_einsum(g, x, w):
    """right"""
    return np.einsum("ij,kj->ik", g, w), np.einsum("ik,ij->kj", x, g)


def backward__right_by_loops(g, x, w):
    """right"""
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for i in range(len(x)):
        for j in range(w.shape[1]):
            gx[i] += g[i, j] * w[:, j]
            gw[:, j] += g[i, j] * x[i]
    return gx, gw


def backward__right_as_lists_in_float32(g, x, w):
    """right"""
    g = np.float32(g)
    return [(g @ w.T).tolist(), (g.T @ x).T]


def forward__right_by_sum(x, w):
    """right"""
    return (x[:, :, None] * w).sum(1)
