"""The mean of each row."""


def means(x):
    """y."""
    return x.mean(axis=1)
