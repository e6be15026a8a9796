"""Wrong solutions that no diagnosis was made for."""


def backward__mean_over_the_samples(g, x, w):
    """w | n/rows/samples | divid/mean/times/factor"""
    return g @ w.T, x.T @ g / x.shape[0]


def backward__gradient_of_x_on_its_side(g, x, w):
    """x | transpose"""
    return w @ g.T, x.T @ g
