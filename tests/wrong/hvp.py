"""Ways to get exercise hvp wrong, and other ways to get it right."""

import numpy as np

import tinylucid as tl


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_differences__one_sided(gradient, x, v, h):
    """the difference ahead alone"""
    return (gradient(x + h * v) - gradient(x)) / h


def by_differences__not_divided(gradient, x, v, h):
    """without the division by 2·h"""
    return gradient(x + h * v) - gradient(x - h * v)


def by_differences__divided_by_h(gradient, x, v, h):
    """divided by h, not by 2·h"""
    return (gradient(x + h * v) - gradient(x - h * v)) / h


def by_differences__v_forgotten(gradient, x, v, h):
    """right if v were 1"""
    return (gradient(x + h) - gradient(x - h)) / (2 * h)


def by_differences__v_behind(gradient, x, v, h):
    """with v behind the difference"""
    return (gradient(x + h) - gradient(x - h)) / (2 * h) * v


def by_differences__each_coordinate(gradient, x, v, h):
    """each is a sum, (H·v)_i"""
    return np.array([(gradient(x + h * e) - gradient(x - h * e)) / (2 * h) for e in np.eye(len(x))])


def by_differences__diagonal(gradient, x, v, h):
    """only the diagonal of H"""
    steps = [h * v * e for e in np.eye(len(x))]
    return np.array([(gradient(x + s) - gradient(x - s))[k] / (2 * h) for k, s in enumerate(steps)])


def by_differences__into_x(gradient, x, v, h):
    """writes to its argument x"""
    x += h * v
    ahead = gradient(x)
    x -= 2 * h * v
    return (ahead - gradient(x)) / (2 * h)


def of_logistic_loss__no_mean(a, t, x, v):
    """the size of axis 0 of a | should be divided by it"""
    p = sigmoid(a @ x)
    return a.T @ (p * (1 - p) * (a @ v))


def of_logistic_loss__no_slope(a, t, x, v):
    """without the slope of σ"""
    return a.T @ (a @ v) / len(a)


def of_logistic_loss__half_a_slope(a, t, x, v):
    """σ in the place of its slope"""
    return a.T @ (sigmoid(a @ x) * (a @ v)) / len(a)


def of_logistic_loss__diagonal(a, t, x, v):
    """only the diagonal of H"""
    p = sigmoid(a @ x)
    return (a**2).T @ (p * (1 - p)) / len(a) * v


def of_logistic_loss__gradient(a, t, x, v):
    """for the gradient itself"""
    return -a.T @ (t * sigmoid(-t * (a @ x))) / len(a)


def of_logistic_loss__v_not_contracted(a, t, x, v):
    """each is a sum, (H·v)_i"""
    p = sigmoid(a @ x)
    return (a.T * p * (1 - p)) @ a / len(a) * v


def of_logistic_loss__t_once(a, t, x, v):
    """one t too many"""
    p = sigmoid(a @ x)
    return a.T @ (t * p * (1 - p) * (a @ v)) / len(a)


def of_logistic_loss__one_number(a, t, x, v):
    """H·v has shape"""
    p = sigmoid(a @ x)
    return (p * (1 - p) * (a @ v) ** 2).mean()


def of_logistic_loss__slope_at_v(a, t, x, v):
    """v where x belongs"""
    p = sigmoid(a @ v)
    return a.T @ (p * (1 - p) * (a @ v)) / len(a)


def by_engine__no_graph(f, x, v):
    """raises RuntimeError | requires no gradient | line"""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x)
    return tl.grad((g * v).sum(), x)[0].numpy()


def by_engine__v_forgotten(f, x, v):
    """right if v were 1"""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x, create_graph=True)
    return tl.grad(g.sum(), x)[0].numpy()


def by_engine__times_v_behind(f, x, v):
    """H times ones, and then times v"""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x, create_graph=True)
    return tl.grad(g.sum(), x)[0].numpy() * v


def by_engine__not_summed(f, x, v):
    """raises RuntimeError | only a single element | line"""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x, create_graph=True)
    return tl.grad(g * v, x)[0].numpy()


def by_engine__first_derivative(f, x, v):
    """for the gradient times v"""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x, create_graph=True)
    return (g * v).detach().numpy()


def by_engine__right_as_a_tuple(f, x, v):
    """right"""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x, create_graph=True)
    return tl.grad((g * v).sum(), x)


def by_engine__right_by_upstream(f, x, v):
    """right"""
    x = tl.tensor(x, requires_grad=True)
    return tl.grad(tl.grad(f(x), [x], create_graph=True), [x], [v])[0].numpy()


def by_engine__right_row_by_row(f, x, v):
    """right"""
    x = tl.tensor(x, requires_grad=True)
    (g,) = tl.grad(f(x), x, create_graph=True)
    return [float(tl.grad(g[k], x, retain_graph=True)[0].numpy() @ v) for k in range(len(v))]


def of_logistic_loss__right_by_the_matrix(a, t, x, v):
    """right"""
    z = t * (a @ x)
    h = np.einsum("m,mi,mj->ij", np.exp(-z) / (1 + np.exp(-z)) ** 2, a, a) / a.shape[0]
    return h @ v


def of_logistic_loss__right_in_float32(a, t, x, v):
    """right"""
    a = np.float32(a)
    p = sigmoid(-t * (a @ x))
    return np.mean(np.float32(t**2 * p * (1 - p) * (a @ v))[:, None] * a, 0)


def by_differences__right_in_two_lines(gradient, x, v, h):
    """right"""
    ahead, behind = gradient(x + v * h), gradient(x - v * h)
    return ((ahead - behind) / h / 2).tolist()
