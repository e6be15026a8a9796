"""y = a x."""


def scale(x, a):
    """y."""
    return a * x
