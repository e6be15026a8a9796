"""Processes that measure: one a library and number of threads, so that pools of threads never fight.

A worker answers lines of JSON with lines of JSON: {"case": name} builds a case and calls it once, {"block": seconds} finds how
often to repeat it for a block of this length, {"run": true} runs one block.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from time import process_time, sleep
from typing import Any

import numpy as np

from .timing import repeated

ROOT = Path(__file__).parent.parent
POOLS = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
# What a machine may set so that an OpenBLAS older than its processor computes right; a new one is held back by it, and PyTorch,
# which has another BLAS, is not. The table says which kernels OpenBLAS chose.
HELD_BACK = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
PAUSE = 0.001  # seconds between two looks at whether threads still spin
# Seconds: what a core that slept takes to be at full speed, with its caches filled; and on a virtual machine, until its system has
# moved two threads that woke up on one core apart.
WARM, WARM_TOGETHER = 0.002, 0.005


class Failure(Exception):
    """What a process said when it could not measure."""


def unhindered() -> dict[str, str]:
    """Our environment without what holds one library back."""
    return {name: value for name, value in os.environ.items() if name not in HELD_BACK}


def environment(threads: int) -> dict[str, str]:
    """The same, with this many threads for every pool."""
    return {**unhindered(), **dict.fromkeys(POOLS, str(threads))}


class Worker:
    """A process that runs cases with one library on so many threads."""

    def __init__(self, library: str, threads: int) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process runs)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", library, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=ROOT, env=environment(threads),
        )  # fmt: skip

    def ask(self, **order: Any) -> dict[str, Any]:
        """The answer to an order; Failure where there is none."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.errors.seek(0)
            raise Failure(f"the process has ended: {self.errors.read().strip().rpartition(chr(10))[2]}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def block(self) -> float:
        """Seconds of a call, the mean over a block."""
        return self.ask(run=True)["seconds"]

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(BrokenPipeError):  # of an order that nobody took
                stream.close()  # type: ignore[union-attr]


def fresh(module: str, *arguments: str, **variables: str) -> Any:
    """What ``python -m module arguments`` prints, as JSON, in a process of its own; Failure where it fails."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**unhindered(), **variables}, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"python -m {module} has failed: {done.stderr.strip().rpartition(chr(10))[2]}")
    return json.loads(done.stdout)


# --- in the process ----------------------------------------------------------------------------------------------


def loaded(library: str, threads: int) -> Any:
    """The library, computing on so many threads; for JAX, which builds cases in its own way, ``benchmarks.jaxed``."""
    if library == "jax":
        if threads == 1:
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        return import_module("benchmarks.jaxed")
    if library == "tinylucid":
        sys.modules["torch"] = None  # type: ignore[assignment]  # not to be loaded beside
    module = import_module(library)
    if library == "torch":
        module.set_num_threads(threads)
    return module


def built(library: Any, name: str) -> Any:
    """The case's function in this library."""
    from .cases import CASES

    case = CASES[name]
    return library.build(*case.jaxed or ()) if library.__name__ == "benchmarks.jaxed" else case.make(library)


def size(result: Any) -> float:
    """The root of the mean square of a result: the same in all libraries, if they do the same work."""
    array = np.asarray(result.detach().numpy() if hasattr(result, "detach") else result)
    return float(np.linalg.norm(array.ravel())) / array.size**0.5


def planned(call: Any, block: float, warm: float) -> dict[str, int]:
    """How often to call for a block of so many seconds, and before it to be warm."""
    times, once = 1, repeated(call, 1)()
    while once * times < block / 2:  # what is short is known better from many
        times = min(10 * times, int(block / once) + 1)
        once = repeated(call, times)()
    return {"times": max(1, round(block / once)), "warm": max(1, round(warm / once))}


def settle() -> None:
    """Return when the library's threads sleep: idle ones wait for work by spinning, PyTorch's for 8 ms, on a core that the
    next one's block needs."""
    for _ in range(100):
        before = process_time()
        sleep(PAUSE)
        if process_time() - before < PAUSE / 4:
            break


def serve(library: Any, warm: float) -> None:
    """Answer orders until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr  # nobody else may write between
    gc.freeze()  # collecting what a library consists of would take longer than most cases
    call: Any = None
    plan = {"times": 1, "warm": 1}
    answer: dict[str, Any]
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if "case" in order:
                call = None  # its memory first
                call = built(library, order["case"])
                answer = {"size": size(call())}
                gc.collect()
            elif "block" in order:
                answer = plan = planned(call, order["block"], warm)
                settle()
            else:
                repeated(call, plan["warm"])()
                answer = {"seconds": repeated(call, plan["times"])()}
                settle()
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".partition("\n")[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(loaded(sys.argv[1], int(sys.argv[2])), WARM if sys.argv[2] == "1" else WARM_TOGETHER)
