"""A product of matrices."""


def matmul(a, b):
    """c."""
    return a @ b
