"""Wrong solutions that no diagnosis was made for."""


def backward__as_for_a_bias(g, a, b):
    """shape (1,) | broadcast over axis 0 | sum over it"""
    if b.shape != g.shape:
        return g, g.sum(axis=0)
    return g, g


def backward__repeats_come_first(g, a, b):
    """b is wrong | broadcast over"""
    return g.reshape(-1, *a.shape).sum(0), g.reshape(-1, *b.shape).sum(0)
