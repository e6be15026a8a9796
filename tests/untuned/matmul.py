"""Wrong solutions that no diagnosis was made for."""


def backward__mean_over_the_samples(g, x, w):
    """w is wrong | the size of axis 0 of x | divides"""
    return g @ w.T, x.T @ g / x.shape[0]


def backward__gradient_of_x_on_its_side(g, x, w):
    """gradient for x | transposed"""
    return w @ g.T, x.T @ g
