"""Matrix products, the dense layer, and its rows looked up; the kernels compute, the rules are products again."""

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import Tensor, operation
from .choice import where
from .indexing import _take
from .shape import _permute, _reshape, tensor_like, unsqueeze


def flip(x):
    """The last two axes exchanged: a stack of matrices transposed."""
    if not isinstance(x, Tensor):
        return x.swapaxes(-1, -2)
    k = x.ndim - 2
    return _permute(x, axes=(*range(k), k + 1, k))


@operation(broadcasts=True, dtypes="float")
def _matmul(x, y):
    return of(x).matmul(x, y)


@_matmul.rule
def _(g, need, x, y):
    return _matmul(g, flip(y)) if need[0] else None, _matmul(flip(x), g) if need[1] else None


def matmul(input, other):
    """z = x @ y: z[i, j] = Σ_k x[i, k]·y[k, j] for input x and other y;  ∂x = g yᵀ, ∂y = xᵀ g.

    Leading axes are broadcast, vectors as in NumPy. Raises ValueError where the axes summed over differ.

    Shapes: x (…, I, K), y (…, K, J) → z (…, I, J); a vector is one row as x, one column as y.
    Derivation: y[k, j] meets x[i, k] in the sum z[i, j] only, so ∂z[i, j]/∂x[i, k] = y[k, j]. Collected over all z that
        x[i, k] stands in, ∂x[i, k] = Σ_j g[i, j]·y[k, j] = (g yᵀ)[i, k]; likewise
        ∂y[k, j] = Σ_i x[i, k]·g[i, j] = (xᵀ g)[k, j]. Where a leading axis was broadcast, gradients add along it.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 6.5.
    Exercise: matmul.
    """
    if not input.ndim or not other.ndim or input.shape[-1] != other.shape[-2 if other.ndim > 1 else 0]:
        raise ValueError(
            f"{here('matmul')}: {input.shape} @ {other.shape}: the last axis of the first must match the second's last but one; "
            "x.T or x.transpose(…) turns one"
        )
    z = _matmul(unsqueeze(input, 0) if input.ndim == 1 else input, unsqueeze(other, 1) if other.ndim == 1 else other)
    if other.ndim == 1:
        z = _reshape(z, shape=z.shape[:-1])
    return _reshape(z, shape=z.shape[:-2] + z.shape[-1:] if other.ndim > 1 else z.shape[:-1]) if input.ndim == 1 else z


@operation(dtypes="float")
def _linear(x, weight, bias):
    return of(x).linear(x, weight, bias)


@_linear.rule
def _(g, need, x, weight):
    if not isinstance(g, Tensor):
        return of(g).linear_grads(g, x, weight, *need)  # the same three in one call
    return (
        _matmul(g, weight) if need[0] else None,
        _matmul(g.T, x) if need[1] else None,
        g.sum(0) if need[2] else None,
    )


def linear(input, weight, bias=None):
    """y = x Wᵀ + b, for input x, weight W and bias b;  ∂x = g W, ∂W = gᵀ x, ∂b = Σ g over the batch.

    Raises ValueError where the shapes do not fit.

    Shapes: x (…, I), W (O, I), b (O,) → y (…, O).
    Derivation: y[n, o] = Σ_i x[n, i]·W[o, i] + b[o]. Collected over all y that a number stands in:
        ∂x[n, i] = Σ_o g[n, o]·W[o, i] = (g W)[n, i], ∂W[o, i] = Σ_n g[n, o]·x[n, i] = (gᵀ x)[o, i] and
        ∂b[o] = Σ_n g[n, o]·1.
    Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", 1986.
    Exercise: matmul.
    """
    shape, sizes = tensor_like(input, "linear").shape, weight.shape
    if len(sizes) != 2 or not shape or shape[-1] != sizes[1]:
        raise ValueError(
            f"{here('linear')}: input {shape} does not fit weight {sizes}: expected (…, {sizes[-1]}). "
            f"Flatten pictures by nn.Flatten(), or make the layer with in_features={shape[-1] if shape else '…'}"
        )
    if bias is not None and bias.shape != sizes[:1]:
        raise ValueError(f"{here('linear')}: bias {bias.shape} does not fit weight {sizes}: expected {sizes[:1]}")
    if len(shape) == 2:
        return _linear(input, weight, bias)
    y = _linear(_reshape(input, shape=(-1, weight.shape[1]) if input.size else (0, weight.shape[1])), weight, bias)
    return _reshape(y, shape=(*input.shape[:-1], weight.shape[0]))


def embedding(input, weight, padding_idx=None):
    """y = W[input]: row input[k] of the weight W, for each integer;  ∂W = g added at the rows taken.

    A row taken twice gets both; row ``padding_idx`` gets none. Raises TypeError for what is no integer, IndexError for
    one outside 0 … V − 1.

    Shapes: input (…) of integers, W (V, D) → y (…, D).
    Derivation: y = E W with the one-hot rows E[k, v] = [input[k] = v], and as in matmul ∂W = Eᵀ g, that is
        ∂W[v] = Σ_k g[k]·[input[k] = v]. The integers move in steps and get none.
    Source: Bengio et al., "A neural probabilistic language model", 2003.
    Exercise: matmul.
    """
    rows = devices.constant(input, weight, here("embedding"))
    if tensor_like(weight, "embedding").ndim != 2:
        raise ValueError(f"{here('embedding')}: expected weight (V, D), got {weight.shape}")
    if rows.dtype.kind not in "iu":
        raise TypeError(
            f"{here('embedding')}: expected integers, the numbers of rows, got {rows.dtype} {rows.shape}; use .long()"
        )
    count = weight.shape[0]
    outside = (rows < 0) | (rows >= count)
    if outside.any():
        place = tuple(int(k) for k in np.argwhere(outside)[0])
        raise IndexError(
            f"{here('embedding')}: {rows[place]} at {place} is outside 0 … {count - 1}, the rows of weight; enlarge num_embeddings"
        )
    y = _take(weight, index=(rows,))
    if padding_idx is None:
        return y
    kept = (rows != row_number(padding_idx, count))[..., None]
    return where(kept, y, y.detach()) if isinstance(y, Tensor) else y


def row_number(padding_idx, count):
    """padding_idx as a number 0 … count − 1, negative ones from the end; IndexError outside."""
    if not -count <= padding_idx < count:
        raise IndexError(f"{here('embedding')}: padding_idx {padding_idx} is outside the {count} rows of weight")
    return padding_idx % count
