"""Memory for kernels, and moves of numbers that LLVM knows on every processor but does not find in a loop.

``transpose`` turns what lay side by side along a row of pixels to lie side by side along the channels: number by number that is a
load and a store each; four rows of four at a time, 4 loads, 8 shuffles, 4 stores. ``deal`` parts a row's even pixels from its odd.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .jit import machine, moving, stay_apart
from .lanes import LANES, evens, load_some, odds, pointer, store


@machine(lambda like, count: np.zeros(count, like.dtype))
def scratch(typing, like, count):
    """``count`` numbers of like's dtype, flat and not initialised, for a kernel that is not counted; it must ``release`` them."""
    kind = types.Array(like.dtype, 1, "C")

    def generate(context, builder, signature, values):
        size = ir.Constant(ir.IntType(64), like.dtype.bitwidth // 8)
        malloc = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(8).as_pointer(), [ir.IntType(64)]), "malloc"
        )
        memory = builder.call(malloc, [builder.add(builder.mul(values[1], size), ir.Constant(ir.IntType(64), 64))])
        with builder.if_then(cgutils.is_null(builder, memory), likely=False):
            context.call_conv.return_user_exc(builder, MemoryError, ("no memory for a kernel's scratch",))
        array = context.make_array(kind)(context, builder)
        data = builder.bitcast(memory, array.data.type)
        context.populate_array(array, data=data, shape=[values[1]], strides=[size], itemsize=size, meminfo=None)
        return array._getvalue()

    return kind(like, types.int64), generate


@machine(lambda array: None)
def release(typing, array):
    """Give ``scratch`` back."""

    def generate(context, builder, signature, values):
        free = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()]), "free"
        )
        data = context.make_array(array)(context, builder, values[0]).data
        builder.call(free, [builder.bitcast(data, ir.IntType(8).as_pointer())])
        return context.get_dummy_value()

    return types.void(array), generate


@moving
def deal(source, first, count, target, even, odd):
    """target[even + k] = source[first + 2k] and target[odd + k] = source[first + 2k + 1] for k < count, and some zeros behind each."""
    stay_apart()
    for k in range(0, count, LANES):
        rest = 2 * (count - k)
        v, w = load_some(source, first + 2 * k, rest), load_some(source, first + 2 * k + LANES, rest - LANES)
        store(evens(v, w), target, even + k)
        store(odds(v, w), target, odd + k)


def transposed(builder, rows):
    """Code that transposes 4×4 numbers in each four lanes of four vectors: result k, lane 4·g + m = row m, lane 4·g + k."""
    lanes = rows[0].type.count

    def shuffle(a, b, order):
        chosen = [4 * g + k % 4 + k // 4 * lanes for g in range(lanes // 4) for k in order]
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), lanes), chosen))

    low = [shuffle(rows[m], rows[m + 1], [0, 4, 1, 5]) for m in (0, 2)]  # a0 b0 a1 b1, c0 d0 c1 d1
    high = [shuffle(rows[m], rows[m + 1], [2, 6, 3, 7]) for m in (0, 2)]
    first, second = [0, 1, 4, 5], [2, 3, 6, 7]
    return [shuffle(a, b, order) for a, b in (low, high) for order in (first, second)]


def transposer(rows):
    """An intrinsic: target[start + k·step + m] = source[first + m·row + k] for m < rows, a multiple of 4, and k < 4; both flat."""

    def in_python(source, first, row, target, start, step):
        for k in range(4):
            for m in range(rows):
                target[start + k * step + m] = source[first + m * row + k]

    @machine(in_python)
    def turn(typing, source, first, row, target, start, step):
        def generate(context, builder, signature, values):
            align = source.dtype.bitwidth // 8

            def place(kind, array, begin, stride, k, lanes):
                where = builder.add(begin, builder.mul(stride, ir.Constant(stride.type, k)))
                return pointer(context, builder, kind, array, where, lanes)

            def load(m):
                return builder.load(place(source, values[0], values[1], values[2], m, 4), align=align)

            def store(vector, k):
                builder.store(vector, place(target, values[3], values[4], values[5], k, rows), align=align)

            def joined(parts):
                while len(parts) > 1:
                    lanes = 2 * parts[0].type.count
                    order = ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(lanes)))
                    parts = [builder.shuffle_vector(a, b, order) for a, b in zip(parts[::2], parts[1::2])]
                return parts[0]

            wide = [joined([load(g + m) for g in range(0, rows, 4)]) for m in range(4)]
            for k, vector in enumerate(transposed(builder, wide)):
                store(vector, k)
            return context.get_dummy_value()

        return types.void(source, types.int64, types.int64, target, types.int64, types.int64), generate

    return turn


transpose4, transpose16by4 = transposer(4), transposer(16)


@moving
def transpose(source, first, row, rows, columns, target, start, step):
    """target[start + k·step + m] = source[first + m·row + k] for m < rows and k < columns; both flat."""
    stay_apart()
    sixteens, fours, wide = rows // 16 * 16, rows // 4 * 4, columns // 4 * 4
    for m in range(0, sixteens, 16):
        for k in range(0, wide, 4):
            transpose16by4(source, first + m * row + k, row, target, start + k * step + m, step)
    for m in range(sixteens, fours, 4):
        for k in range(0, wide, 4):
            transpose4(source, first + m * row + k, row, target, start + k * step + m, step)
    for k in range(wide, columns):
        for m in range(fours):
            target[start + k * step + m] = source[first + m * row + k]
    for m in range(fours, rows):
        for k in range(columns):
            target[start + k * step + m] = source[first + m * row + k]
