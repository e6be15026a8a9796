"""The CPU kernels compute everything without the reference, whose functions raise here."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def poisoned(*arguments):
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "few", "PYTHONPATH": str(HERE), "TINYLUCID_KERNELS": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "poison", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False)


def test_with_the_reference_poisoned_everything_still_computes():
    files = ("test_operations.py", "test_layers.py", "test_values.py", "test_optim.py", "test_random.py")
    done = poisoned(*(str(HERE / name) for name in files), "-k", "not reference and not cover_every")
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_poison_works():
    done = poisoned(str(HERE / "test_kernels.py"), "-k", "reference and dense")
    assert done.returncode == 1
    assert "the reference kernel linear was called" in done.stdout
