"""The sum of all elements."""


def sum(x):
    """total."""
    return x.sum()
