"""Matrix products inside kernels: what Numba's ``np.dot`` calls, SciPy's BLAS, and two things that it does not offer.

``gemm`` adds to what is there, so that a sum of products needs no second array; and it takes matrices whose rows stand apart, so
that part of one needs no copy. It is for kernels that are not counted (``jit.jit``), where Numba has no ``np.dot``.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.linalg import get_blas_kind

from .jit import intrinsic


@intrinsic
def gemm(typing, a, b, out, add):
    """out = a @ b, or out += a @ b if ``add``; a may be transposed (``x.T``), and the rows of each may stand apart."""

    def generate(context, builder, signature, values):
        word, char, raw = ir.IntType(64), ir.IntType(8), ir.IntType(8).as_pointer()
        number = context.get_data_type(out.dtype)
        x, y, z = (context.make_array(kind)(context, builder, v) for kind, v in zip((a, b, out), values))
        flipped = a.layout == "F"

        def apart(array, axis):
            """How many numbers from one row to the next; of none there are too few for BLAS, which wants a row's at least."""
            step = builder.sdiv(cgutils.unpack_tuple(builder, array.strides)[axis], array.itemsize)
            for least in (cgutils.unpack_tuple(builder, array.shape)[1 - axis], word(1)):
                step = builder.select(builder.icmp_signed("<", step, least), least, step)
            return step

        def slot(value):
            place = cgutils.alloca_once(builder, number)
            builder.store(value, place)
            return builder.bitcast(place, raw)

        (m, k), n = cgutils.unpack_tuple(builder, x.shape), cgutils.unpack_tuple(builder, y.shape)[1]
        kinds = [char, char, char, word, word, word, raw, raw, word, raw, word, raw, raw, word]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(32), kinds), "numba_xxgemm"
        )
        beta = builder.select(values[3], number(1.0), number(0.0))
        # BLAS counts down columns, so what it sees are the transposes: outᵀ = bᵀ aᵀ
        builder.call(
            function,
            [
                char(ord(get_blas_kind(out.dtype))), char(ord("n")), char(ord("t" if flipped else "n")), n, m, k,
                slot(number(1.0)), builder.bitcast(y.data, raw), apart(y, 0),
                builder.bitcast(x.data, raw), apart(x, 1 if flipped else 0), slot(beta),
                builder.bitcast(z.data, raw), apart(z, 0),
            ],
        )  # fmt: skip
        return context.get_dummy_value()

    return types.void(a, b, out, types.boolean), generate
