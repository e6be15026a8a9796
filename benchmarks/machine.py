"""The machine that figures were measured on."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata

from .worker import fresh

Speeds = dict[str, tuple[float, float]]  # by number of threads


def described() -> dict[str, str]:
    """What the figures depend on, by name."""
    versions = {"Python": platform.python_version()}
    for package in ("tinylucid", "numpy", "numba", "torch", "jax"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "date": datetime.date.today().isoformat(),
        "CPU": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "BLAS": fresh("benchmarks.peak"),
    }


def processor() -> str:
    """The name of the CPU, as far as the system tells."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def speeds() -> Speeds:
    """Operations and bytes a second at most, on two threads where there are two cores, and on one."""
    single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # one for each thread of Numba
    return fresh("benchmarks.peak", *(["2", "1"] if cores() > 1 else ["1"]), **single)


def told(found: Speeds) -> dict[str, str]:
    """The same for a reader."""
    return {
        f"peak, threads: {n}": f"{flops / 1e9:.0f} GFLOP/s, copying {bytes_ / 1e9:.0f} GB/s"
        for n, (flops, bytes_) in found.items()
    }
