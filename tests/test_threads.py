"""Threads and the cache of compiled kernels: the same bits on any number of threads, and nothing that hangs, dies or stays changed.

What needs a process of its own (another threading layer, a fork, a damaged cache) runs in one.
"""

import os
import platform
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
import tinylucid_kernels
from numba import types
from tinylucid_kernels import cpu, reference
from tinylucid_kernels.cpu import planes, threads, tiles, vectors, winograd
from tinylucid_kernels.cpu.jit import jit

KERNELS = Path(tinylucid_kernels.__file__).parent
WORK = """
import hashlib, os, sys, threading, warnings
import numpy as np
from tinylucid_kernels import cpu
from tinylucid_kernels.cpu import threads

threads.SMALL = 0  # every kernel on all threads

def work():
    "A hash of what a step of a small net computes: convolutions (Winograd too), pooling, norm, products, loss, Adam."
    r = lambda *shape: np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    how, found = ((1, 1), (1, 1), (1, 1), 1), []
    for x, w in ((r(5, 3, 9, 8), r(4, 3, 3, 3)), (r(5, 32, 9, 8), r(33, 32, 3, 3))):
        y = cpu.conv2d(x, w, r(len(w)), *how)
        found += [y, cpu.conv2d_input(y, w, x.shape, *how), cpu.conv2d_weight(x, y, w.shape, *how)]
    found += [*cpu.batch_norm(x, r(32), r(32), 1e-5), *cpu.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1))]
    found += [cpu.matmul(r(200, 70), r(70, 90)), *cpu.cross_entropy(r(50, 9), np.arange(50) % 9, None, None, 0.1)]
    p = r(50_000)
    cpu.adam(p, r(50_000), r(50_000), abs(r(50_000)), 2, 0.1, 0.9, 0.999, 1e-8)
    found += [p, cpu.philox(3, 0, 9_999), *cpu.dropout(p, 0.3, 1.5, 4, 5)]
    return hashlib.sha256(b"".join(a.tobytes() for a in found)).hexdigest()
"""


def run(code, **environment):
    """The output of a Python process that runs WORK and then ``code``; fails when the process does."""
    code = WORK + textwrap.dedent(code)
    path = os.pathsep.join([environment.pop("PYTHONPATH", ""), str(KERNELS.parent)])
    env = {**os.environ, "PYTHONPATH": path, **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def expected():
    """The hash that one thread computes."""
    return run("print(work())", NUMBA_NUM_THREADS="1").stdout


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_any_number_of_threads_computes_the_same_bits(layer, expected):
    code = "print(work()); import numba; assert numba.threading_layer() == os.environ['NUMBA_THREADING_LAYER']"
    for n in ("1", "2", "3"):
        assert run(code, NUMBA_NUM_THREADS=n, NUMBA_THREADING_LAYER=layer).stdout == expected


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_two_python_threads_may_compute_at_once(layer, expected):
    code = """
    found = []
    both = [threading.Thread(target=lambda: found.extend(work() for _ in range(5))) for _ in range(2)]
    [t.start() for t in both]
    [t.join() for t in both]
    assert len(found) == 10 and len(set(found)) == 1, found
    assert threads.one_blas_thread.inside == 0
    print(found[0])
    """
    assert run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2").stdout == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_a_forked_child_computes_too_and_says_what_it_lacks(layer, expected):
    code = """
    before = work()
    child = os.fork()
    if child == 0:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            same = work() == before and work() == before
        forked = [str(w.message) for w in said if "spawn" in str(w.message)]
        os._exit(not same or len(forked) != (os.environ["NUMBA_THREADING_LAYER"] == "omp"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print(before)
    """
    assert run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2").stdout == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("held", ["one_blas_thread.lock", "one_blas_thread", "workqueue_lock"])
def test_a_child_does_not_wait_for_what_another_thread_held(held, expected):
    """Forked while another thread computes, the child has nobody to open its locks and to put its BLAS back."""
    code = """
    import operator, signal
    libraries = threads.blas_libraries()
    for lib in libraries:
        lib.set(2)
    threads.launch()
    entered, leave = threading.Event(), threading.Event()
    def stay():
        with operator.attrgetter(os.environ["HELD"])(threads):
            entered.set()
            leave.wait()
    other = threading.Thread(target=stay)
    other.start()
    assert entered.wait(30)
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # ends a child that waits
        put_back = [lib.get() for lib in libraries] == [2] * len(libraries)
        print(work(), flush=True)
        os._exit(not put_back or threads.one_blas_thread.inside != 0)
    leave.set()
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    """
    assert run(code, HELD=held, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2").stdout == expected


def test_numbers_of_another_type_are_converted():
    """An eps of 1, then of 0.1: machine code compiled for one kind of number must not be handed the other."""
    code = """
    x, one = r(4, 6, 10), np.ones(6, np.float32)
    for eps in (1, 0.1, np.float32(0.1), 1):
        threads.SMALL = 0
        parallel = cpu.batch_norm(x, one, one, eps)[0]
        threads.SMALL = 1 << 60
        assert parallel.tobytes() == cpu.batch_norm(x, one, one, eps)[0].tobytes(), eps
    """
    code = "r = lambda *shape: np.random.default_rng(0).standard_normal(shape).astype(np.float32)\n" + textwrap.dedent(
        code
    )
    run(code, NUMBA_NUM_THREADS="2")


def test_a_spawned_child_computes_on_all_threads(tmp_path, expected):
    (tmp_path / "job.py").write_text(WORK)
    code = """
    import multiprocessing
    sys.path.insert(0, os.environ["JOB"])
    import job
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(job.work) == work()
    print(work())
    """
    assert run(code, JOB=str(tmp_path)).stdout == expected


def small(cache):
    """Run one small kernel with this folder as the cache."""
    return run("print(cpu.philox(0, 0, 4))", NUMBA_CACHE_DIR=str(cache))


def test_a_damaged_cache_is_compiled_again(tmp_path):
    first = small(tmp_path)
    assert "compiling CPU kernels" in first.stderr
    assert small(tmp_path).stderr == "", "the second process reads the cache and says nothing"
    for pattern in ("*.nbi", "*.nbc"):
        damaged = list(tmp_path.rglob(pattern))
        assert damaged
        for path in damaged:
            path.write_bytes(path.read_bytes()[:20] + b"?")
        again = small(tmp_path)
        assert again.stdout == first.stdout
        assert "compiling CPU kernels" in again.stderr
        assert small(tmp_path).stderr == "", "and it was repaired"


def test_kernels_are_compiled_again_when_another_file_with_their_helpers_was_edited(tmp_path):
    shutil.copytree(KERNELS, tmp_path / "tinylucid_kernels", ignore=shutil.ignore_patterns("__pycache__"))
    planes = tmp_path / "tinylucid_kernels" / "cpu" / "planes.py"
    code = "print(cpu.conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), None, (1, 1), (1, 1), (1, 1), 1)[0, 0])"
    where = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    first = run(code, **where).stdout
    text = planes.read_text()
    assert text.count("columns = min(") == 1
    planes.write_text(text.replace("columns = min(", "columns = min(1, "))
    assert run(code, **where).stdout != first, "one column of pixels alone"


def test_where_no_cache_can_be_written_kernels_compile_each_time(tmp_path):
    copy = tmp_path / "tinylucid_kernels"
    shutil.copytree(KERNELS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "cpu" / "__pycache__").write_text("a file where the folder should be")
    nowhere = str(tmp_path / "file")
    Path(nowhere).write_text("")
    where = {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": nowhere, "HOME": nowhere, "LOCALAPPDATA": nowhere}
    code = "print(cpu.philox(0, 0, 4), cpu.__file__)"
    for _ in range(2):
        done = run(code, NUMBA_CACHE_DIR=nowhere, **where)
        assert str(tmp_path) in done.stdout
        assert "compiling CPU kernels" in done.stderr


def blas_threads():
    return [lib.get() for lib in threads.blas_libraries()]


def test_blas_threads_are_put_back_after_an_exception():
    inside = []

    def broken(first, last):
        inside.append(blas_threads())
        with threads.one_blas_thread:
            raise ArithmeticError("in a kernel")

    libraries = threads.blas_libraries()
    before = blas_threads()
    try:
        for lib in libraries:
            lib.set(2)
        with pytest.raises(ArithmeticError):
            threads.spread(broken, 1, 0, blas=True)
        assert inside == [[1] * len(libraries)]
        assert blas_threads() == [2] * len(libraries)
        assert threads.one_blas_thread.inside == 0
    finally:
        for lib, n in zip(libraries, before):
            lib.set(n)


def test_blas_threads_are_put_back_by_the_last_to_leave():
    libraries, before = threads.blas_libraries(), blas_threads()
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with threads.one_blas_thread:
            entered.set()
            leave.wait(10)

    try:
        for lib in libraries:
            lib.set(2)
        other = threading.Thread(target=stay)
        other.start()
        assert entered.wait(10)
        with threads.one_blas_thread:
            pass
        assert blas_threads() == [1] * len(libraries), "the other thread still computes"
        leave.set()
        other.join()
        assert blas_threads() == [2] * len(libraries)
    finally:
        leave.set()
        for lib, n in zip(libraries, before):
            lib.set(n)


def test_kernels_do_not_wake_the_other_blas():
    """NumPy's BLAS is called below the size only where it starts threads (OpenBLAS: 2**18 products, 9216 for a vector)."""
    from tinylucid_kernels.cpu import dense

    assert dense.ALONE <= 2**18
    assert dense.ALONE_VECTOR <= 9216
    large, called = np.ones((300, 300)), []
    original = np.matmul
    try:
        np.matmul = lambda *a: called.append(a) or original(*a)
        dense.matmul(large, large)
        dense.matmul(large, large[:, :1])
        assert not called
    finally:
        np.matmul = original


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no mallopt")
def test_freed_memory_is_kept_unless_the_environment_says_otherwise():
    """Blocks of 1 MB freed and taken again cost no page faults; with thresholds of the user's own they do."""
    code = """
    import resource
    def faults():
        np.empty(2**21, np.float32).fill(1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            np.empty(2**18, np.float32).fill(1)
            np.empty(2**18 + 2**12, np.float32).fill(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    print(faults())
    """
    unset = {name: "" for name in os.environ if "MALLOC" in name}
    assert int(run(code, **unset).stdout) < 200
    assert int(run(code, MALLOC_TRIM_THRESHOLD_="131072", MALLOC_MMAP_THRESHOLD_="131072").stdout) > 2000


@jit
def failing(first, last, x):
    """A kernel whose third item raises."""
    for k in range(first, last):
        if k == 2:
            raise ValueError("as if there were no_memory")
        x[k] = k


@pytest.mark.parametrize("small", [0, 1e9])
def test_a_kernel_that_fails_on_another_thread_says_so(small, monkeypatch):
    monkeypatch.setattr(threads, "SMALL", small)
    x = np.full(4, -1.0)
    with pytest.raises((RuntimeError, ValueError), match=r"kernel failing: 1 runs of its items failed, for want|as if"):
        threads.spread(failing, 4, 1, x, blas=True)
    assert x[:2].tolist() == [0, 1]
    assert threads.one_blas_thread.inside == 0


def test_what_was_just_compiled_computes_the_same_bits_as_what_the_cache_holds(tmp_path):
    code = """
    r = lambda *shape: np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    y = cpu.conv2d(r(2, 32, 9, 8), r(33, 32, 3, 3), None, (1, 1), (1, 1), (1, 1), 1)
    print(hashlib.sha256(y.tobytes()).hexdigest())
    """
    fresh, filled = (run(code, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert "compiling" in fresh.stderr
    assert "compiling" not in filled.stderr
    assert fresh.stdout == filled.stdout


def test_indices_of_another_dtype_and_numbers_of_numpy_are_not_misread(monkeypatch, rng):
    monkeypatch.setattr(threads, "SMALL", 0)
    g, index = rng.random((2, 3, 4, 4)), rng.integers(0, 64, (2, 3, 4, 4))
    expected = reference.pool_scatter(g, index, (8, 8))
    for kind in (np.int64, np.int32):
        np.testing.assert_allclose(cpu.pool_scatter(g, index.astype(kind), (8, 8)), expected)
    x, w, one = rng.random((2, 3, 6, 6)), rng.random((7, 3, 3, 3)), np.int32(1)
    expected = reference.conv2d(x, w, None, (1, 1), (1, 1), (1, 1), 1)
    for pad in (1, one):
        np.testing.assert_allclose(cpu.conv2d(x, w, None, (1, 1), (pad, pad), (1, 1), 1), expected)


def test_kernels_run_as_plain_python_for_the_debugger():
    code = """
    r = lambda *shape: np.random.default_rng(0).standard_normal(shape)
    from tinylucid_kernels import reference
    x, w, how = r(2, 3, 5, 4), r(5, 3, 3, 3), ((2, 1), (1, 1), (1, 1), 1)
    np.testing.assert_allclose(cpu.conv2d(x, w, None, *how), reference.conv2d(x, w, None, *how), atol=1e-12)
    """
    run(code, NUMBA_DISABLE_JIT="1")


def test_no_garbage_is_looked_for_while_kernels_compile_and_again_afterwards(tmp_path):
    code = """
import gc, sys
from numba.core import event
seen = []
class Listener(event.Listener):
    def on_start(self, event): seen.append(gc.isenabled())
    def on_end(self, event): pass
event.register("numba:compile", Listener())
{}
cpu.philox(0, 0, 4)
print(gc.isenabled(), seen)
"""
    where = {"NUMBA_CACHE_DIR": str(tmp_path)}
    enabled, while_compiling = run(code.format(""), **where).stdout.split(" ", 1)
    assert (enabled, "False" in while_compiling, "True" in while_compiling) == ("True", True, False)
    assert run(code.format("gc.disable()"), NUMBA_CACHE_DIR=str(tmp_path / "other")).stdout.startswith("False [False")


def test_a_helper_is_compiled_once_for_constants_and_for_variables():
    assert all(
        not isinstance(kind, types.Literal)
        for helper in (planes.pack, planes.put, tiles.pixels_of, tiles.rows_of, vectors.transpose)
        for kinds in helper.signatures
        for kind in kinds
    )
    x, weight = np.ones((1, 8, 9, 9), np.float32), np.ones((8, 8, 3, 3), np.float32)
    winograd.conv2d(x, weight, np.zeros(8, np.float32), (1, 1), 1)
    assert len(tiles.place.signatures) <= 1
