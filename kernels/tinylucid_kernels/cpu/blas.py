"""Matrix products inside kernels: what Numba's ``np.dot`` calls, SciPy's BLAS, and two things that it does not offer.

``gemm`` adds to what is there, so that a sum of products needs no second array; and it takes matrices whose rows stand apart, so
that part of one needs no copy. It is for kernels that are not counted (``jit.jit``), where Numba has no ``np.dot``.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.linalg import get_blas_kind

from .jit import inlined, machine

MANY = 48  # rows of a at a time, so that they stay in L1
SMALL = 1_000_000  # products up to which OpenBLAS packs nothing, and is half as fast again


def apart(builder, array):
    """How many numbers from one row to the next; where there are none, as many as BLAS insists on."""
    step = builder.sdiv(cgutils.unpack_tuple(builder, array.strides)[0], array.itemsize)
    for least in (cgutils.unpack_tuple(builder, array.shape)[1], ir.Constant(step.type, 1)):
        step = builder.select(builder.icmp_signed("<", step, least), least, step)
    return step


def multiplier(a_flipped, b_flipped):
    """The intrinsic below, of a or of its transpose, by b or by its transpose."""

    def in_python(a, b, out, add):
        product = np.dot(a.T if a_flipped else a, b.T if b_flipped else b)
        out[:] = out + product if add else product

    @machine(in_python)
    def multiply(typing, a, b, out, add):
        def generate(context, builder, signature, values):
            word, char, raw = ir.IntType(64), ir.IntType(8), ir.IntType(8).as_pointer()
            number = context.get_data_type(out.dtype)
            x, y, z = (context.make_array(kind)(context, builder, v) for kind, v in zip((a, b, out), values))

            def slot(value):
                place = cgutils.alloca_once(builder, number)
                builder.store(value, place)
                return builder.bitcast(place, raw)

            m, n = cgutils.unpack_tuple(builder, z.shape)
            k = cgutils.unpack_tuple(builder, y.shape)[1 if b_flipped else 0]
            as_stored = lambda flipped: char(ord("t" if flipped else "n"))
            kinds = [char, char, char, word, word, word, raw, raw, word, raw, word, raw, raw, word]
            xxgemm = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.IntType(32), kinds), "numba_xxgemm"
            )
            beta = builder.select(values[3], number(1.0), number(0.0))
            # BLAS counts down columns, so what it sees are the transposes: outᵀ = bᵀ aᵀ
            builder.call(
                xxgemm,
                [
                    char(ord(get_blas_kind(out.dtype))), as_stored(b_flipped), as_stored(a_flipped), n, m, k,
                    slot(number(1.0)), builder.bitcast(y.data, raw), apart(builder, y),
                    builder.bitcast(x.data, raw), apart(builder, x), slot(beta),
                    builder.bitcast(z.data, raw), apart(builder, z),
                ],
            )  # fmt: skip
            return context.get_dummy_value()

        return types.void(a, b, out, types.boolean), generate

    return multiply


gemm = multiplier(False, False)  # out = a @ b, or out += a @ b if ``add``; the rows of each may stand apart
gemm_flipped = multiplier(True, False)  # the same with aᵀ in the place of a
gemm_by_flipped = multiplier(False, True)  # with bᵀ in the place of b; at half the speed, but for few rows


@inlined
def matrix(room, rows, columns):
    """The first rows·columns elements of a flat array as a matrix: last chunks are shorter than the others."""
    return room[: rows * columns].reshape(rows, columns)


@inlined
def product(a, b, out, add):
    """gemm by some rows of a at a time, so that each product is small enough for OpenBLAS to be at its best."""
    rows = min(MANY, SMALL // (b.shape[0] * b.shape[1]) // 8 * 8)
    if rows == 0:
        rows = a.shape[0]
    for top in range(0, a.shape[0], rows):
        gemm(a[top : top + rows], b, out[top : top + rows], add)
