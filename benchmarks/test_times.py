"""Times of a few cases of the other benchmarks, kept so that two versions can be compared.

Run ``python -m pytest -n0 benchmarks --benchmark-autosave`` with the extra ``bench`` installed, then, in the other
version, ``python -m pytest -n0 benchmarks --benchmark-compare``; ``--benchmark-compare-fail=median:50%`` makes it fail
if a median rose by half. The figures of docs/compare.md come from the benchmarks themselves, which run more games.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bench_all_equilibria
import bench_audit
import bench_many_players
import bench_stochastic
import bench_two_player_solve
import numpy as np
import pytest

import powergames as pg
from powergames.games.catalog.stochastic import random_sparse, random_stochastic

TOLERANCE = 1e-8


@pytest.mark.parametrize("lam", [0.0, 0.3])
def test_one_equilibrium_of_two_players(benchmark: Callable[..., Any], lam: float) -> None:
    """One equilibrium of a game of 50 x 50 actions."""
    game, objective = bench_two_player_solve.random_game(50, 0), pg.PowerObjective(lam)
    profile = benchmark(bench_two_player_solve.solver(game, objective, 60.0))
    assert bench_two_player_solve.regret(game, objective, profile) <= TOLERANCE


@pytest.mark.parametrize("size", ["3x10", "5x3"])
def test_one_equilibrium_of_more_players(benchmark: Callable[..., Any], size: str) -> None:
    """One equilibrium of a game of three or five players."""
    assert benchmark(pg.solve, bench_many_players.random_game(size, 0), pg.PowerObjective()).converged


@pytest.mark.parametrize("exact", [False, True])
def test_all_equilibria(benchmark: Callable[..., Any], exact: bool) -> None:
    """All equilibria of a game of 5 x 5 actions, in floats and in fractions."""
    payoffs = np.random.default_rng(0).integers(100, size=(2, 5, 5))
    assert benchmark(bench_all_equilibria.finder(payoffs, exact))


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
def test_one_equilibrium_of_a_stochastic_game(benchmark: Callable[..., Any], form: str) -> None:
    """One equilibrium of a game of two players, ten states and two actions, in both forms."""
    game = random_stochastic(2, 10, 2, seed=0)
    objective = pg.PowerObjective(0.3, form=form)
    equilibrium = benchmark(pg.solve, game, objective)
    assert bench_stochastic.regret(game, objective, equilibrium.profile) <= TOLERANCE


@pytest.mark.parametrize("name", bench_audit.PROFILES)
def test_audit(benchmark: Callable[..., Any], name: str) -> None:
    """The audit of policies over 1000 states, of each kind."""
    game, rng = random_sparse(2, 1000, 6, 3, 0.95, 0), np.random.default_rng(0)
    profile = [bench_audit.PROFILES[name](rng, 1000, 6) for _ in range(2)]
    assert benchmark(pg.audit, game, profile, pg.PowerObjective(0.3)).certificate.scaled_regret >= 0
