"""Vectors of the processor as values in kernels: so many numbers side by side, loaded, added and multiplied as if they were one.

LLVM turns loops over numbers into such code by itself, but where rows may overlap it compares all of them first, compiles each
loop three times over, and holds no sums in registers from one row to the next. With NUMBA_DISABLE_JIT a vector is a NumPy array.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

from .jit import inlined, machine

LANES = 16  # numbers of a vector, of whatever dtype: one register of AVX-512, two of AVX2, four of NEON in float32


class Vector(types.Type):
    """Numba's type of LANES numbers of a dtype."""

    def __init__(self, dtype):
        super().__init__(f"Vector({dtype})")
        self.dtype = dtype


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A vector is LLVM's vector."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(manager[kind.dtype].get_value_type(), LANES))


@inlined
def whole(count):
    """So many numbers, in whole vectors."""
    return (count + LANES - 1) // LANES * LANES


def pointer(context, builder, kind, array, place, lanes=LANES):
    """Where ``lanes`` numbers of a flat array begin, as the address of a vector."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), ir.VectorType(data.type.pointee, lanes).as_pointer())


def filled(builder, number):
    """The vector that holds the number in every lane."""
    one = builder.insert_element(
        ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined), number, ir.IntType(32)(0)
    )
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def define(operation, instruction):
    """Let kernels write ``operation`` of two vectors, or of a number and a vector."""

    @type_callable(operation)
    def typed(context):
        def result(a, b):
            if isinstance(b, Vector) and (a == b or isinstance(a, types.Number)):
                return b

        return result

    @lower_builtin(operation, Vector, Vector)
    def vectors(context, builder, signature, values):
        return getattr(builder, instruction)(*values, flags=("contract",))

    @lower_builtin(operation, types.Number, Vector)
    def number_and_vector(context, builder, signature, values):
        number = context.cast(builder, values[0], signature.args[0], signature.args[1].dtype)
        return getattr(builder, instruction)(filled(builder, number), values[1], flags=("contract",))


for operation, instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    define(operation, instruction)


@machine(lambda array, place: array[place : place + LANES].copy())
def load(typing, array, place):
    """The LANES numbers of a flat array from ``place`` on."""

    def generate(context, builder, signature, values):
        return builder.load(pointer(context, builder, array, values[0], values[1]), align=array.dtype.bitwidth // 8)

    return Vector(array.dtype)(array, types.int64), generate


def store_in_python(vector, array, place):
    """What store means."""
    array[place : place + LANES] = vector


@machine(store_in_python)
def store(typing, vector, array, place):
    """array[place : place + LANES] = vector."""

    def generate(context, builder, signature, values):
        builder.store(
            values[0], pointer(context, builder, array, values[1], values[2]), align=array.dtype.bitwidth // 8
        )
        return context.get_dummy_value()

    return types.void(vector, array, types.int64), generate


@machine(lambda array, place: None)
def prefetch(typing, array, place):
    """Have the numbers around ``place``, 64 bytes of them, brought into the cache meanwhile; it may lie outside of the array."""

    def generate(context, builder, signature, values):
        where, bits = pointer(context, builder, array, values[0], values[1]), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [where.type, bits, bits, bits])
        code = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(code, [where, bits(0), bits(3), bits(1)])  # for reading, into all caches, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def lanes(builder, count):
    """The mask of the first ``count`` lanes."""
    kind = ir.VectorType(ir.IntType(64), LANES)
    return builder.icmp_signed("<", ir.Constant(kind, list(range(LANES))), filled(builder, count))


def masked(builder, what, kind, arguments):
    """Call LLVM's "load" or "store" of some lanes of vectors of float32 or float64; it touches no memory of the others."""
    number = "f32" if isinstance(kind.element, ir.FloatType) else "f64"
    function = ir.FunctionType(kind if what == "load" else ir.VoidType(), [value.type for value in arguments])
    name = f"llvm.masked.{what}.v{LANES}{number}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), arguments)


def load_some_in_python(array, place, count):
    """What load_some means."""
    vector = np.zeros(LANES, array.dtype)
    vector[: max(0, count)] = array[place : place + max(0, min(LANES, count))]
    return vector


@machine(load_some_in_python)
def load_some(typing, array, place, count):
    """The ``count`` numbers from ``place`` on, and zeros behind; all LANES where there are more."""

    def generate(context, builder, signature, values):
        kind, align = ir.VectorType(context.get_data_type(array.dtype), LANES), array.dtype.bitwidth // 8
        where = pointer(context, builder, array, values[0], values[1])
        zeros = ir.Constant(kind, [0.0] * LANES)
        return masked(builder, "load", kind, [where, ir.IntType(32)(align), lanes(builder, values[2]), zeros])

    return Vector(array.dtype)(array, types.int64, types.int64), generate


def store_some_in_python(vector, array, place, count):
    """What store_some means."""
    array[place : place + max(0, min(LANES, count))] = vector[: max(0, count)]


@machine(store_some_in_python)
def store_some(typing, vector, array, place, count):
    """Store the first ``count`` lanes, or all where there are fewer."""

    def generate(context, builder, signature, values):
        where = pointer(context, builder, array, values[1], values[2])
        align = ir.IntType(32)(array.dtype.bitwidth // 8)
        masked(builder, "store", values[0].type, [values[0], where, align, lanes(builder, values[3])])
        return context.get_dummy_value()

    return types.void(vector, array, types.int64, types.int64), generate


@machine(lambda vector, count: np.where(np.arange(LANES) < count, vector, vector.dtype.type(0)))
def select(typing, vector, count):
    """The vector's first ``count`` numbers, and zeros behind."""

    def generate(context, builder, signature, values):
        zeros = ir.Constant(values[0].type, [0.0] * LANES)
        return builder.select(lanes(builder, values[1]), values[0], zeros)

    return vector(vector, types.int64), generate


def chosen(lanes_of_both):
    """The intrinsic of some lanes of two vectors side by side."""

    @machine(lambda a, b: np.concatenate([a, b])[lanes_of_both])
    def choose(typing, a, b):
        def generate(context, builder, signature, values):
            order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(lanes_of_both))
            return builder.shuffle_vector(*values, order)

        return a(a, b), generate

    return choose


evens, odds = chosen(range(0, 2 * LANES, 2)), chosen(range(1, 2 * LANES, 2))
one_on, two_on = chosen(range(1, LANES + 1)), chosen(range(2, LANES + 2))  # the vectors one and two numbers later
lower = chosen([k // 2 + k % 2 * LANES for k in range(LANES)])  # a[0], b[0], a[1], b[1], …
upper = chosen([k // 2 + k % 2 * LANES for k in range(LANES, 2 * LANES)])  # and from the middle on


@machine(np.sum)
def total(typing, vector):
    """The sum of a vector's numbers, halves upon halves."""

    def generate(context, builder, signature, values):
        (sums,) = values
        for half in (8, 4, 2, 1):
            order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [k % half + half for k in range(LANES)])
            sums = builder.fadd(sums, builder.shuffle_vector(sums, sums, order))
        return builder.extract_element(sums, ir.IntType(32)(0))

    return vector.dtype(vector), generate
