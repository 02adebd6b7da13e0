"""The page on the paper's kitchen says what its data say, and the data are what the solver finds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def paper():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import paper

        return paper
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def test_the_page_is_that_of_its_data(paper):
    known = paper.read(paper.RESULTS)
    assert set(known) == set(paper.questions())
    page = paper.PAGE.read_text(encoding="utf-8")
    assert paper.filled(page, known) == page


@pytest.mark.parametrize("form", ["penalty", pytest.param("adversarial", marks=pytest.mark.slow)])
def test_the_data_are_what_the_solver_finds(paper, form):
    """The kitchen without the shared pot is small enough to be solved again."""
    game = paper.kitchen("private", 0)
    known = paper.read(paper.RESULTS)
    question = paper.Question("private", 0, form, "1/10")
    found = paper.answer(question, game)
    assert found["status"] == known[question]["status"] == "CONVERGED"
    assert found["soups"] == pytest.approx(known[question]["soups"], abs=1e-9)
    for name in ("states", "task", "utility", "power", "ever", "few"):
        assert np.array(found[name]) == pytest.approx(np.array(known[question][name]), abs=1e-9), name
