"""Compiling: ``@jit`` is Numba with the settings of this house and a cache that never stands in the way.

A kernel is compiled when it is first called, once a dtype, and kept on disk for the next process. Helpers stand in the
file of their caller, since Numba notices no edits in another file.
"""

import sys
from contextlib import suppress
from functools import cache

from numba import int64, njit, prange, types
from numba.core import cgutils, event
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

# Sums may be reordered into SIMD lanes and a·b + c fused. Not "nnan", not "ninf": they would let NaN and ±inf vanish.
FASTMATH = {"reassoc", "contract", "nsz"}


class ForgivingCache(FunctionCache):
    """Numba's cache of compiled code, for which a broken or unwritable file is as good as none: it compiles again."""

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


class Announcement(event.Listener):
    """Says once that kernels are being compiled, so that nobody wonders why the first step takes seconds."""

    said = False

    def on_start(self, event):
        """Called by Numba before it compiles any function; only ours are announced."""
        if not self.said and event.data["dispatcher"].py_func.__module__.startswith(__package__):
            self.said = True
            print("tinylucid: compiling CPU kernels (some seconds, the first time)", file=sys.stderr, flush=True)

    def on_end(self, event):
        """Nothing to say."""


event.register("numba:compile", Announcement())


def jit(function=None, parallel=False):
    """Compile a kernel (decorator); ``parallel`` lets its ``prange`` use all threads."""
    if function is None:
        return lambda f: jit(f, parallel)
    dispatcher = njit(nogil=True, fastmath=FASTMATH, error_model="numpy", parallel=parallel)(function)
    with suppress(RuntimeError):  # no folder can be written, neither beside the source nor in the user's cache
        dispatcher._cache = ForgivingCache(function)  # what cache=True does
    return dispatcher


@intrinsic
def call(typing, address, first, last, args):
    """Call the compiled kernel at ``address`` as kernel(first, last, *args).

    By its address, since Numba would otherwise compile a copy of the kernel into its caller, and LLVM optimise it again
    on each of the four levels of a parallel loop: 0.4 s a kernel instead of 2.5.
    """
    kinds = (types.int64, types.int64, *args.types)

    def generate(context, builder, signature, values):
        convention = context.call_conv
        kernel = builder.inttoptr(values[0], convention.get_function_type(types.none, kinds).as_pointer())
        rest = [builder.extract_value(values[3], k) for k in range(len(args.types))]
        status, _ = convention.call_function(builder, kernel, types.none, kinds, [*values[1:3], *rest])
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(address, first, last, args), generate


RUNS = 32  # into so many runs of neighbouring items a parallel loop is split, so that each allocates its buffers once


@jit(parallel=True)
def drive(items, address, args):
    """The parallel driver of every kernel: runs of its items on all threads."""
    runs = min(items, RUNS)
    for run in prange(runs):
        call(address, int64(run) * items // runs, (int64(run) + 1) * items // runs, args)


@cache
def address_of(kernel, kinds):
    """Where the machine code of a kernel for arguments of these Numba types begins."""
    kernel.compile(kinds)
    compiled = kernel.overloads[kinds]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
