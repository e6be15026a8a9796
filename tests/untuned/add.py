"""Wrong solutions that no diagnosis was made for."""


def backward__as_for_a_bias(g, a, b):
    """shape | sum/add | axis/axes"""
    if b.shape != g.shape:
        return g, g.sum(axis=0)
    return g, g


def backward__repeats_come_first(g, a, b):
    """sum | axis/axes | last/size 1/length 1/of 1"""
    return g.reshape(-1, *a.shape).sum(0), g.reshape(-1, *b.shape).sum(0)
