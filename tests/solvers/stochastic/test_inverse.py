"""Inverses of matrices of which a few lines change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from powergames.solvers.stochastic import inverse
from powergames.solvers.stochastic.inverse import Factorized


def matrix_of(size, seed=0):
    """Return a matrix that is surely far from singular."""
    return np.eye(size) + 0.5 * np.random.default_rng(seed).random((size, size)) / size


@pytest.mark.parametrize("few", [0.0, 1.0])
def test_lines_change_again_and_again(few, monkeypatch):
    """Also after the changes that waited were added; columns without entries are left out, or not."""
    monkeypatch.setattr(inverse, "LIMITS", replace(inverse.LIMITS, few=few))
    rng = np.random.default_rng(1)
    matrix = matrix_of(30)
    known = Factorized.of(matrix).inverse()
    waiting = []
    for _ in range(2 * inverse.LIMITS.pending):
        lines = rng.choice(30, 2, replace=False)
        matrix[lines] = np.eye(30)[lines] + rng.random((2, 30)) * (rng.random(30) < 0.2) / 30
        known = known.with_lines(lines, matrix[lines])
        waiting.append(len(known.right))
        np.testing.assert_allclose(known.columns(lines), np.linalg.inv(matrix)[:, lines].T, atol=1e-12)
        vector = rng.random(30)
        np.testing.assert_allclose(matrix @ known.times(vector), vector, atol=1e-12)
    assert max(waiting) < inverse.LIMITS.pending
    assert min(waiting) == 0


def test_factors_do_what_the_inverse_does():
    matrix, vector = matrix_of(5), np.arange(5.0)
    factors = Factorized.of(matrix)
    np.testing.assert_allclose(factors.times(vector), np.linalg.solve(matrix, vector), atol=1e-14)
    known = factors.inverse()
    np.testing.assert_allclose(known.times(vector), factors.times(vector), atol=1e-14)
    assert known.inverse() is known


def test_singular_matrices_have_none():
    assert Factorized.of(np.zeros((2, 2))) is None
    assert Factorized.of(np.full((2, 2), np.nan)) is None
    assert Factorized.of(np.full((1, 1), 1e-320)).inverse() is None
    assert Factorized.of(np.eye(3)).inverse().with_lines(np.array([1]), np.zeros((1, 3))) is None
