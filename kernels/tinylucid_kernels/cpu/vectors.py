"""Moves of a few numbers at a time that LLVM knows on every processor but does not find in a loop: short rows, transposes.

``copy`` moves a row by vectors of 16, 8 or 4, where a loop would do what is left over from 64 number by number, and rows of
pictures are shorter than that. ``transpose`` turns what lay side by side along a row of pixels to lie side by side along the
channels: number by number that is a load and a store each; four rows of four at a time, 4 loads, 8 shuffles, 4 stores.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .jit import machine, moving, stay_apart


@machine(lambda like, count: np.empty(count, like.dtype))
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


def pointer(context, builder, kind, array, place, lanes):
    """Where ``lanes`` numbers of a flat array begin, as the address of a vector."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), ir.VectorType(data.type.pointee, lanes).as_pointer())


def mover(lanes):
    """An intrinsic: target[start : start + lanes] = source[first : first + lanes], one load and one store."""

    def in_python(source, first, target, start):
        target[start : start + lanes] = source[first : first + lanes]

    @machine(in_python)
    def move(typing, source, first, target, start):
        def generate(context, builder, signature, values):
            align = source.dtype.bitwidth // 8
            row = builder.load(pointer(context, builder, source, values[0], values[1], lanes), align=align)
            builder.store(row, pointer(context, builder, target, values[2], values[3], lanes), align=align)
            return context.get_dummy_value()

        return types.void(source, types.int64, target, types.int64), generate

    return move


move4, move8, move16 = mover(4), mover(8), mover(16)


@moving
def copy(source, first, target, start, count):
    """target[start : start + count] = source[first : first + count]; flat arrays that do not overlap."""
    stay_apart()
    if count >= 64:
        a, b = source[first:], target[start:]
        for k in range(count):
            b[k] = a[k]
    elif count >= 16:
        for k in range(0, count - 15, 16):
            move16(source, first + k, target, start + k)
        if count % 16 != 0:  # the last vector overlaps the one before
            move16(source, first + count - 16, target, start + count - 16)
    elif count >= 8:
        move8(source, first, target, start)
        if count > 8:
            move8(source, first + count - 8, target, start + count - 8)
    elif count >= 4:
        move4(source, first, target, start)
        if count > 4:
            move4(source, first + count - 4, target, start + count - 4)
    else:
        for k in range(count):
            target[start + k] = source[first + k]


def deal8_in_python(source, first, even, start, odd, other):
    """What deal8 means."""
    even[start : start + 8], odd[other : other + 8] = source[first : first + 16 : 2], source[first + 1 : first + 16 : 2]


@machine(deal8_in_python)
def deal8(typing, source, first, even, start, odd, other):
    """even[start + k] = source[first + 2k] and odd[other + k] = source[first + 2k + 1] for k < 8."""

    def generate(context, builder, signature, values):
        align = source.dtype.bitwidth // 8
        low = builder.load(pointer(context, builder, source, values[0], values[1], 8), align=align)
        more = builder.add(values[1], ir.Constant(values[1].type, 8))
        high = builder.load(pointer(context, builder, source, values[0], more, 8), align=align)
        for parity, kind, array, place in ((0, even, values[2], values[3]), (1, odd, values[4], values[5])):
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), 8), [2 * k + parity for k in range(8)])
            vector = builder.shuffle_vector(low, high, lanes)
            builder.store(vector, pointer(context, builder, kind, array, place, 8), align=align)
        return context.get_dummy_value()

    return types.void(source, types.int64, even, types.int64, odd, types.int64), generate


@moving
def deal(source, first, evens, even, start, odds, odd, other):
    """even[start + k] = source[first + 2k] for k < evens, odd[other + k] = source[first + 2k + 1] for k < odds; flat arrays."""
    stay_apart()
    both = min(evens, odds)
    if both >= 8:
        for k in range(0, both - 7, 8):
            deal8(source, first + 2 * k, even, start + k, odd, other + k)
        if both % 8 != 0:
            deal8(source, first + 2 * both - 16, even, start + both - 8, odd, other + both - 8)
    else:
        for k in range(both):
            even[start + k] = source[first + 2 * k]
            odd[other + k] = source[first + 2 * k + 1]
    for k in range(both, evens):
        even[start + k] = source[first + 2 * k]
    for k in range(both, odds):
        odd[other + k] = source[first + 2 * k + 1]


def transposed(builder, rows):
    """Code that transposes 4×4 numbers in each four lanes of four vectors: result k, lane 4·g + m = row m, lane 4·g + k."""
    lanes = rows[0].type.count

    def shuffle(a, b, order):
        chosen = [4 * g + k % 4 + k // 4 * lanes for g in range(lanes // 4) for k in order]
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), lanes), chosen))

    low = [shuffle(rows[m], rows[m + 1], [0, 4, 1, 5]) for m in (0, 2)]  # a0 b0 a1 b1, c0 d0 c1 d1
    high = [shuffle(rows[m], rows[m + 1], [2, 6, 3, 7]) for m in (0, 2)]
    pairs = (low, low, high, high)
    return [shuffle(*pair, [0, 1, 4, 5] if k % 2 == 0 else [2, 3, 6, 7]) for k, pair in enumerate(pairs)]


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
                return builder.load(place(source, *values[:3], m, 4), align=align)

            def store(vector, k):
                builder.store(vector, place(target, *values[3:], k, rows), align=align)

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
    fours, wide = rows // 4 * 4, columns // 4 * 4
    for k in range(0, wide, 4):
        for m in range(0, fours, 4):
            transpose4(source, first + m * row + k, row, target, start + k * step + m, step)
    for k in range(wide, columns):
        for m in range(fours):
            target[start + k * step + m] = source[first + m * row + k]
    for m in range(fours, rows):
        for k in range(columns):
            target[start + k * step + m] = source[first + m * row + k]
