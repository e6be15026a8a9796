"""Threads: a kernel's items spread over all of them, with the BLAS under Numba's ``np.dot`` kept to one meanwhile.

Every kernel is one serial body over a range of independent items; one parallel driver calls it for runs of neighbours.
What an item computes depends on shapes only, so the results are the same bits whatever the number of threads.
"""

import os
import threading
import warnings
from contextlib import nullcontext
from functools import cache
from itertools import product
from typing import Any

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that Numba's np.dot calls
from threadpoolctl import ThreadpoolController

from .jit import address_of, drive, is_plain, start
from .memory import keep_freed_memory

# Between two kernels GNU's OpenMP threads spin, by default for 8 ms or more. Where another program wants the core, each spin takes
# it away from the thread that all wait for: beside two others a training step of 2.5 ms takes 160, and 97, 35 or 15 with a third, a
# tenth or a thirtieth of this. But once they sleep, a virtual machine wakes both on one core, and parts them the sooner the longer
# they spin: after pauses of 20 ms a kernel of 0.48 ms took 0.49 with all of it, 0.53 with a third, 1.03 with a tenth. So it is a
# third. It is read when OpenMP is loaded, with the first parallel kernel.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "100000")

AT_ONCE = 16  # multiplications that SIMD does at a time, as one operation
SMALL = 100_000  # below so many operations, waking the threads costs more than they bring
state = {"launched": False, "forked": False, "warned": False}


class Blas:
    """A BLAS library: ``get()`` and ``set(n)`` its number of threads.

    OpenBLAS is asked itself: threadpoolctl would let one Python thread alone set the number and ignore the others.
    """

    def __init__(self, library):
        chosen = getattr(library, "architecture", None)  # the processor that its kernels are of
        self.name = f"{library.internal_api} {library.version}{f' for {chosen}' if chosen else ''} ({library.filepath})"
        self.get, self.set = library.get_num_threads, library.set_num_threads
        for prefix, suffix in product(("", "scipy_"), ("", "64_", "_64")):
            if hasattr(library.dynlib, f"{prefix}openblas_get_num_threads{suffix}"):
                self.get = library.dynlib[f"{prefix}openblas_get_num_threads{suffix}"]
                self.set = library.dynlib[f"{prefix}openblas_set_num_threads{suffix}"]


@cache
def blas_libraries():
    """SciPy's BLAS, which NumPy's wheels do not share; where all share one (Conda's MKL), that one."""
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    own = [lib for lib in found if "scipy.libs" in lib.filepath or "scipy/.dylibs" in lib.filepath]
    return [Blas(lib) for lib in own or found]


class OneBlasThread:
    """``with one_blas_thread:`` SciPy's BLAS computes on one thread; the last to leave puts its number back.

    Kernels run side by side on Numba's threads: a BLAS that woke its own pool in each would bring them to a crawl
    (measured: a factor of 80). The number belongs to the process, so entries from all Python threads are counted.
    """

    def __init__(self):
        self.lock, self.inside, self.before = threading.Lock(), 0, []

    def __enter__(self):
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                self.before = [(lib, lib.get()) for lib in blas_libraries()]
                for lib, n in self.before:
                    if n != 1:
                        lib.set(1)

    def __exit__(self, *failure):
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                for lib, n in self.before:
                    if n != 1:
                        lib.set(n)


one_blas_thread = OneBlasThread()
workqueue_lock = threading.Lock()


@cache
def launch():
    """Start Numba's threads; the context to run in: its simplest layer aborts when two Python threads use it at once."""
    numba.get_num_threads()
    state["launched"] = True
    return workqueue_lock if numba.threading_layer() == "workqueue" else nullcontext()


def after_fork():
    """In a forked child: GNU OpenMP would kill it at its first parallel kernel; and what other threads held is free."""
    global workqueue_lock
    state["forked"] = state["forked"] or (state["launched"] and numba.threading_layer() == "omp")
    workqueue_lock = threading.Lock()
    launch.cache_clear()
    one_blas_thread.lock = threading.Lock()
    if one_blas_thread.inside:
        one_blas_thread.inside = 1
        one_blas_thread.__exit__()


keep_freed_memory()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)


def serial_only():
    """Whether this process must not use Numba's threads; says so once."""
    if state["forked"] and not state["warned"]:
        state["warned"] = True
        warnings.warn(
            "tinylucid: this process was forked from one that had used OpenMP threads; its kernels run on one thread. "
            "Start processes by multiprocessing.get_context('spawn') to use them all.",
            RuntimeWarning,
            stacklevel=4,
        )
    return state["forked"]


addresses: dict = {}  # of kernels, by the dtypes and types of their arguments; arrays are contiguous, and tuples of integers


def address(kernel, args):
    """Where the compiled kernel for such arguments begins."""
    kinds = [a.dtype if type(a) is np.ndarray else type(a) for a in args]  # 1 is no 1.0: machine code does not convert
    key = (kernel, *kinds)
    if key not in addresses:
        addresses[key] = address_of(kernel, tuple(numba.typeof(a) for a in (0, 0, *args)))
    return addresses[key]


@cache
def driver():
    """Where the parallel loop begins."""
    return address_of(drive, (numba.int64,) * 3)


nothing = nullcontext()


def spread(kernel, items, work, *args, blas=False):
    """``kernel(first, last, *args)`` over ``items`` independent items, on all threads if ``work`` is worth it.

    ``work`` is about how many operations there are; ``blas`` says that the kernel calls BLAS (``blas.py``, or np.dot).
    """
    if work < SMALL and not blas:
        kernel(0, items, *args)
        return
    with one_blas_thread if blas else nothing:
        if work < SMALL or items < 2 or numba.get_num_threads() == 1 or serial_only() or is_plain(kernel):
            kernel(0, items, *args)
            return
        flat: list[Any] = []
        for a in args:
            flat += a if isinstance(a, tuple) else (a,)
        with launch():
            failed = start(items, driver(), (address(kernel, args), *flat))
    if failed:
        name = kernel.py_func.__name__
        raise RuntimeError(
            f"kernel {name}: {failed} runs of its items failed, for want of memory or of arrays that fit together; "
            "with NUMBA_NUM_THREADS=1 the error itself is raised"
        )


def described():
    """(what, which) for a report: Numba's threads, and the BLAS under np.dot."""
    launch()
    libraries = ", ".join(lib.name for lib in blas_libraries())
    layer = f"{numba.get_num_threads()} by Numba's {numba.threading_layer()}"
    return [("threads", layer), ("BLAS", libraries or "none whose threads can be set: large products may be slow")]
