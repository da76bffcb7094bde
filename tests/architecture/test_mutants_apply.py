"""The list of guards cannot rot: each stands where the list says, and its tests are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.wrong)
def test_each_guard_of_the_list_stands_where_it_says(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    assert text.count(mutant.old) == 1, f"tests/mutants.py: mend the entry of {mutant.file}: {mutant.old.strip()}"
    assert mutant.old not in text.replace(mutant.old, mutant.new), "the change changes something"
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / file).read_text(), test


def test_the_list_is_long_and_says_nothing_twice() -> None:
    assert len(MUTANTS) >= 40
    assert len({mutant.wrong for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old) for mutant in MUTANTS}) == len(MUTANTS)
