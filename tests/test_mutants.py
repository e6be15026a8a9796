"""The tests are tested: every planted bug of ``mutants.py`` makes them fail."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from mutants import MUTANTS, ROOT, kill


def test_every_mutant_changes_a_line_that_stands_once():
    assert len(MUTANTS) >= 40
    for mutant in MUTANTS:
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert text.count(mutant.right) == 1, f"{mutant.file}: {mutant.right!r} stands {text.count(mutant.right)} times"


def test_some_mutants_die():
    assert kill(MUTANTS[0])
    assert kill(MUTANTS[41])


@pytest.mark.slow
def test_all_mutants_die():
    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(kill, MUTANTS))
    assert [mutant for mutant, dead in zip(MUTANTS, killed) if not dead] == []
