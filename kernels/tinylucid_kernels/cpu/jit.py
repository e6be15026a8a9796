"""Compiling: ``@jit`` is Numba with the settings of this house and a cache that never stands in the way.

A kernel is compiled when it is first called, once a dtype, and kept on disk for the next process.

The textbook's way to all cores is ``@njit(parallel=True)`` on each kernel. LLVM would then optimise every kernel four times
over, 2.5 s each. So just one small loop is compiled that way, ``drive``, and it *jumps* to the kernels' machine code: ``start``
lays a kernel's arguments into memory and hands over their place and a *thunk*, a few instructions that take them from there
and call the kernel. To read the kernels themselves, nothing of that is needed.
"""

import gc
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import config, extending, int64, prange, types
from numba import njit as typed_njit
from numba.core import cgutils, event
from numba.core.caching import FunctionCache

njit: Any = typed_njit  # whose types do not know all of its options
# Sums may be reordered into SIMD lanes and a·b + c fused. Not "nnan", not "ninf": they would let NaN and ±inf vanish.
FASTMATH = {"reassoc", "contract", "nsz"}


class ForgivingCache(FunctionCache):
    """Numba's cache of compiled code, for which a broken or unwritable file is as good as none: it compiles again.

    Kernels share helpers, and Numba would notice no edit in another file: so what is cached belongs to the state of all of them.
    """

    def __init__(self, function):
        super().__init__(function)
        files = [path.stat() for path in Path(__file__).parent.glob("*.py")]
        self._cache_file._source_stamp = (max(file.st_mtime for file in files), sum(file.st_size for file in files))

    def load_overload(self, sig, target_context):
        """The compiled function of that signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever unpickling a damaged file raises
            return None

    def save_overload(self, sig, data):
        """Write it, over a damaged index if need be; a folder that became full or read-only only costs the cache."""
        try:
            super().save_overload(sig, data)
        except Exception:
            try:
                self.flush()
                super().save_overload(sig, data)
            except OSError:
                self.disable()


def is_ours(event):
    """Whether the function that Numba compiles is one of this package."""
    return event.data["dispatcher"].py_func.__module__.startswith(__package__)


class Announcement(event.Listener):
    """Says once that kernels are being compiled, so that nobody wonders why the first step takes seconds; and keeps Python from
    looking for garbage meanwhile, a tenth of the time, since a compiler makes little and many objects."""

    said, depth, paused = False, 0, False

    def on_start(self, event):
        """Called by Numba before it compiles any function, those that it calls inside; only ours are announced."""
        if is_ours(event):
            self.depth += 1
            if self.depth == 1 and gc.isenabled():
                self.paused = True
                gc.disable()
            if not self.said:
                self.said = True
                print("tinylucid: compiling CPU kernels (some seconds, the first time)", file=sys.stderr, flush=True)

    def on_end(self, event):
        """Called when it is done."""
        if is_ours(event):
            self.depth -= 1
            if self.depth == 0 and self.paused:
                self.paused = False
                gc.enable()


event.register("numba:compile", Announcement())


def is_plain(kernel):
    """Whether the kernel is Python and not machine code, since NUMBA_DISABLE_JIT is set: no thread could call it."""
    return not hasattr(kernel, "py_func")


def jit(function=None, parallel=False, counted=True):
    """Compile a kernel (decorator); ``parallel`` lets its ``prange`` use all threads.

    Numba counts who holds an array, atomically: some 5 ns for each slice, where a row of pixels is copied in 1. A kernel that
    cuts its arrays small is not ``counted``, and borrows its memory by ``vectors.scratch``.
    """
    if function is None:
        return lambda f: jit(f, parallel, counted)
    how: dict[str, Any] = {
        "nogil": True,
        "fastmath": FASTMATH,
        "error_model": "numpy",
        "parallel": parallel,
        "_nrt": counted,
        "no_cfunc_wrapper": True,
    }
    dispatcher = njit(**how)(function)
    with suppress(RuntimeError):  # no folder can be written, neither beside the source nor in the user's cache
        dispatcher._cache = ForgivingCache(function)  # what cache=True does
    return dispatcher


# For the helpers of kernels: Numba copies them into each kernel before it compiles it. Compiled apart, a helper would exist
# twice, optimised once and twice, differ in the last bit, and which one runs would depend on what came from the cache.
inlined = njit(inline="always")


def moving(function):
    """Compile a helper (decorator) that only moves numbers, or computes on vectors (``lanes.py``), which LLVM never reorders: it
    gives the same bits however it is compiled. So it is compiled once, and called from all kernels. It begins with ``stay_apart()``.
    """
    helper = njit(nogil=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)(function)
    if not is_plain(helper):
        template = helper.get_call_template  # for calls with 0 and with k alike, where Numba would compile it for each
        helper.get_call_template = lambda args, kws: template([types.unliteral(a) for a in args], kws)
    return helper


intrinsic: Any = extending.intrinsic  # a function that LLVM's code is written for; callers omit its first parameter


def machine(meaning):
    """An intrinsic (decorator) and what it means in Python, which is called where NUMBA_DISABLE_JIT is set, to debug."""
    return lambda code: meaning if config.DISABLE_JIT else intrinsic(code)  # type: ignore[attr-defined]


RUNS = 32  # into so many runs of neighbouring items a parallel loop is split, so that each allocates its buffers once


@machine(lambda: None)
def stay_apart(typing):
    """Keep LLVM from copying the function that calls this into its callers, where it would split their loops in every way, and from
    unrolling its own, which are of vectors already: half the time to compile."""

    def generate(context, builder, signature, values):
        builder.function.attributes.add("noinline")
        builder.function.attributes.add("optsize")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def jump(typing, thunk, first, last, where):
    """Call the machine code ``thunk`` with a range of items and where its arguments lie; 0, or an error's code."""

    def generate(context, builder, signature, values):
        code = ir.FunctionType(ir.IntType(32), [value.type for value in values[1:]])
        return builder.zext(builder.call(builder.inttoptr(values[0], code.as_pointer()), values[1:]), ir.IntType(64))

    return types.int64(thunk, first, last, where), generate


@jit(parallel=True)
def drive(items, thunk, where):
    """The parallel loop of every kernel, compiled once: runs of neighbouring items on all threads; how many failed."""
    runs, failed = min(items, RUNS), 0
    for run in prange(runs):
        k = int64(run)  # prange may count in uint64, which times int64 would be float64
        if jump(thunk, k * items // runs, (k + 1) * items // runs, where) != 0:
            failed += 1
    return failed


@intrinsic
def hand_over(typing, items, driver, args):
    """Lay ``args`` (the kernel's address first) into memory, and have the driver jump to a thunk that takes them from there."""
    kinds = (types.int64, types.int64, *args.types[1:])

    def generate(context, builder, signature, values):
        where = builder.ptrtoint(cgutils.alloca_once_value(builder, values[2]), ir.IntType(64))
        thunk = ir.Function(builder.module, ir.FunctionType(ir.IntType(32), [ir.IntType(64)] * 3), "thunk")
        thunk.linkage = "internal"
        inside = ir.IRBuilder(thunk.append_basic_block())
        first, last, place = thunk.args
        given = inside.load(inside.inttoptr(place, values[2].type.as_pointer()))
        kernel = context.call_conv.get_function_type(types.none, kinds).as_pointer()
        kernel = inside.inttoptr(inside.extract_value(given, 0), kernel)
        rest = [inside.extract_value(given, k) for k in range(1, len(args.types))]
        status, _ = context.call_conv.call_function(inside, kernel, types.none, kinds, [first, last, *rest])
        inside.ret(inside.select(status.is_error, ir.IntType(32)(1), ir.IntType(32)(0)))
        loop = context.call_conv.get_function_type(types.int64, (types.int64,) * 3).as_pointer()
        loop = builder.inttoptr(values[1], loop)
        todo = [values[0], builder.ptrtoint(thunk, ir.IntType(64)), where]
        return context.call_conv.call_function(builder, loop, types.int64, (types.int64,) * 3, todo)[1]

    return types.int64(items, driver, args), generate


@jit
def start(items, driver, args):
    """``hand_over`` for Python to call."""
    return hand_over(items, driver, args)


@cache
def address_of(kernel, kinds):
    """Where the machine code of a kernel for arguments of these Numba types begins."""
    kernel.compile(kinds)
    compiled = kernel.overloads[kinds]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
