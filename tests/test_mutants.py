"""The tests are tested: every planted bug of ``mutants.py`` makes them fail."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from mutants import CPU, MUTANTS, REFERENCE, ROOT, Mutant, kill


def test_every_mutant_changes_a_line_that_stands_once():
    assert len(MUTANTS) >= 40
    for mutant in MUTANTS:
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert text.count(mutant.right) == 1, f"{mutant.file}: {mutant.right!r} stands {text.count(mutant.right)} times"


def test_some_mutants_die():
    assert kill(MUTANTS[0])
    assert kill(MUTANTS[41])


@pytest.mark.slow
@pytest.mark.parametrize("folder", [REFERENCE, CPU])
def test_without_a_bug_the_same_tests_pass(folder):
    files = {word for mutant in MUTANTS for word in mutant.tests.split() if word.endswith(".py")}
    assert not kill(Mutant(folder + "dense.py", "import numpy as np", "import numpy as np", " ".join(sorted(files))))


@pytest.mark.slow
def test_all_mutants_die():
    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(kill, MUTANTS))
    assert [mutant for mutant, dead in zip(MUTANTS, killed) if not dead] == []
