"""Transposing in registers: what lay side by side along a row of pixels comes to lie side by side along the channels.

Done number by number, a transpose costs a load and a store each, and was half the time of a Winograd convolution. Four rows of
four at a time it is 4 loads, 8 shuffles, 4 stores; LLVM knows them on every processor, but does not find them in a loop.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import inlined


@intrinsic
def transpose4(typing, source, first, row, target, start, step):
    """target[start + k·step + m] = source[first + m·row + k] for k, m = 0 … 3; both flat."""

    def generate(context, builder, signature, values):
        vector = ir.VectorType(context.get_data_type(source.dtype), 4)

        def place(kind, array, begin, stride, k):
            data = context.make_array(kind)(context, builder, array).data
            where = builder.add(begin, builder.mul(stride, ir.Constant(stride.type, k)))
            return builder.bitcast(builder.gep(data, [where]), vector.as_pointer())

        def shuffle(a, b, lanes):
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), 4), lanes))

        align = source.dtype.bitwidth // 8
        rows = [builder.load(place(source, values[0], values[1], values[2], m), align=align) for m in range(4)]
        low = [shuffle(rows[m], rows[m + 1], [0, 4, 1, 5]) for m in (0, 2)]  # a0 b0 a1 b1, c0 d0 c1 d1
        high = [shuffle(rows[m], rows[m + 1], [2, 6, 3, 7]) for m in (0, 2)]
        for k, (a, b) in enumerate((low, low, high, high)):
            column = shuffle(a, b, [0, 1, 4, 5] if k % 2 == 0 else [2, 3, 6, 7])
            builder.store(column, place(target, values[3], values[4], values[5], k), align=align)
        return context.get_dummy_value()

    return types.void(source, types.int64, types.int64, target, types.int64, types.int64), generate


@inlined
def transpose(source, first, row, rows, columns, target, start, step):
    """target[start + k·step + m] = source[first + m·row + k] for m < rows and k < columns; both flat."""
    fours, wide = rows // 4 * 4, columns // 4 * 4
    for m in range(0, fours, 4):
        for k in range(0, wide, 4):
            transpose4(source, first + m * row + k, row, target, start + k * step + m, step)
        for k in range(wide, columns):
            for i in range(m, m + 4):
                target[start + k * step + i] = source[first + i * row + k]
    for m in range(fours, rows):
        for k in range(columns):
            target[start + k * step + m] = source[first + m * row + k]
