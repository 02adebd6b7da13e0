"""Hard numbers: huge, tiny, shifted, nearly equal and tied payoffs, certified on the payoffs as they are.

``POWERGAMES_HYPOTHESIS=5000`` tries that many random degenerate games instead of the few hundred of a quick run.
"""

from __future__ import annotations

import itertools
import os
import time
from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import powergames as pg
from powergames.games.catalog.normal_form import named_game

TOL = 1e-9
EXAMPLES = int(os.environ.get("POWERGAMES_HYPOTHESIS", "300" if os.environ.get("POWERGAMES_FULL") else "100"))
SECONDS_PER_GAME = 5.0
QUICKLY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 300,
    suppress_health_check=[HealthCheck.too_slow],
)
LAMS = (0, Fraction(1, 10), Fraction(1, 3), Fraction(1, 2), 1, 2)
BASES = {
    "generic": np.random.default_rng(1).random((2, 4, 3)),
    "no pure equilibrium": named_game("random_uniform:actions=4,seed=17").payoffs,
    "zero-sum": named_game("oneill").payoffs,
    "degenerate": named_game("random_degenerate:actions=4,seed=2").payoffs,
    "coordination": named_game("coordination:n=3").payoffs,
}


def scaled(factor):
    return lambda payoffs: payoffs * factor


def shifted(offset):
    return lambda payoffs: payoffs + offset


def unequal_scales(payoffs):
    return payoffs * np.array([1e9, 1e-9])[:, None, None]


def huge_and_shifted(payoffs):
    return payoffs * 1e3 - 1e9


def duplicated_rows(payoffs):
    return payoffs[:, [0, 0, *range(1, payoffs.shape[1]), 1]]


def duplicated_rows_and_columns(payoffs):
    return duplicated_rows(duplicated_rows(payoffs).transpose(0, 2, 1)).transpose(0, 2, 1)


def nearly_equal_rows(payoffs):
    rows = duplicated_rows(payoffs)
    return rows + 1e-12 * np.random.default_rng(2).uniform(-1, 1, rows.shape)


def nearly_equal_everything(payoffs):
    return 1 + 1e-12 * payoffs


def dominated_row(payoffs):
    return np.concatenate([payoffs, payoffs[:, :1] - 1], axis=1)


def constant_row(payoffs):
    return np.concatenate([payoffs, np.full_like(payoffs[:, :1], payoffs.mean())], axis=1)


def one_player_indifferent(payoffs):
    return np.stack([payoffs[0], np.full_like(payoffs[1], 7.0)])


def one_great_payoff(payoffs):
    return np.where(np.arange(payoffs.size).reshape(payoffs.shape) == 5, 1e9, payoffs)


CHANGES = {
    "times 1e9": scaled(1e9),
    "times 1e-9": scaled(1e-9),
    "times 1e150": scaled(1e150),
    "times 1e-150": scaled(1e-150),
    "plus 1e6": shifted(1e6),
    "plus 1e9": shifted(1e9),
    "minus 1e9": shifted(-1e9),
    "unequal scales": unequal_scales,
    "huge and shifted": huge_and_shifted,
    "duplicated rows": duplicated_rows,
    "duplicated rows and columns": duplicated_rows_and_columns,
    "nearly equal rows": nearly_equal_rows,
    "nearly equal everything": nearly_equal_everything,
    "dominated row": dominated_row,
    "constant row": constant_row,
    "one player indifferent": one_player_indifferent,
    "one great payoff": one_great_payoff,
}

SINGLE = {
    "1x1": [[[5]], [[-3]]],
    "1x1 zero": [[[0]], [[0]]],
    "1x4": [[[1, 2, 3, 4]], [[0, 2, 2, 1]]],
    "4x1": [[[1], [2], [2], [0]], [[0], [3], [1], [1]]],
    "1x4 great": [[[1e9, 2e9, 3e9, 4e9]], [[1e-9, 2e-9, 2e-9, 0]]],
    "all zeros": np.zeros((2, 3, 4)),
    "all equal": np.full((2, 4, 3), 1e9),
    "constant rows": [[[1, 1], [2, 2], [2, 2]], [[3, 4], [3, 4], [3, 4]]],
    "constant for the other": [[[1, 2], [1, 2], [1, 2]], [[3, 3], [4, 4], [4, 4]]],
    "denormal": np.array([[[3, 0], [1, 2]], [[1, 3], [2, 0]]]) * 5e-324,
    "nearly denormal": np.array([[[3, 0], [1, 2]], [[1, 3], [2, 0]]]) * 1e-310,
    "denormal and one": [[[5e-324, 0], [0, 1]], [[0, 5e-324], [1, 0]]],
    "greatest range": [[[8e307, -8e307], [-8e307, 8e307]], [[-8e307, 8e307], [8e307, -8e307]]],
}


def check(equilibrium, game, objective):
    assert equilibrium.status is pg.Status.CONVERGED, (game.payoffs.tolist(), objective, equilibrium)
    for strategy in equilibrium.profile:
        assert min(strategy) >= 0
        assert abs(sum(strategy) - 1) <= 1e-12
    regret = oracle.scaled_regret(game.payoffs, objective, equilibrium.profile)
    assert regret <= TOL, (game.payoffs.tolist(), objective, equilibrium, regret)


def timed(function, *arguments, **options):
    start = time.perf_counter()
    result = function(*arguments, **options)
    assert time.perf_counter() - start <= SECONDS_PER_GAME
    return result


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """Compile or load the kernels once, so that no game is charged for it."""
    for lam in (0, 0.3):
        pg.solve(named_game("rock_paper_scissors"), pg.PowerObjective(lam))
        pg.solve_all(named_game("rock_paper_scissors"), pg.PowerObjective(lam))


@pytest.mark.parametrize("lam", [0, 0.3, 1, 2])
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("change", CHANGES)
def test_hard_numbers(change, base, lam):
    game, objective = pg.NormalFormGame(CHANGES[change](BASES[base])), pg.PowerObjective(lam)
    check(timed(pg.solve, game, objective), game, objective)
    check(timed(pg.solve, game, objective, method="lemke"), game, objective)


@pytest.mark.parametrize("change", ["times 1e9", "times 1e-9", "plus 1e6", "duplicated rows", "constant row"])
@pytest.mark.parametrize("base", ["generic", "degenerate", "coordination"])
def test_all_equilibria_with_hard_numbers(base, change):
    game = pg.NormalFormGame(CHANGES[change](BASES[base]))
    for lam in (0, 0.3):
        objective = pg.PowerObjective(lam)
        equilibria = timed(pg.solve_all, game, objective)
        assert len(equilibria) >= 1
        for equilibrium in equilibria:
            check(equilibrium, game, objective)


@pytest.mark.parametrize("factor", [1e9, 1e-9, 3.7, 2.0**54, 2.0**100])
@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("base", BASES)
def test_the_unit_of_payoffs_does_not_matter(base, lam, factor):
    objective = pg.PowerObjective(lam)
    plain, great = (pg.solve_all(pg.NormalFormGame(BASES[base] * f), objective) for f in (1.0, factor))
    assert oracle.same_pairs([e.profile for e in plain], [e.profile for e in great])


@pytest.mark.parametrize("lam", [0, 0.3, 1, 2])
@pytest.mark.parametrize("name", SINGLE)
def test_special_games(name, lam):
    game, objective = pg.NormalFormGame(SINGLE[name]), pg.PowerObjective(lam)
    check(timed(pg.solve, game, objective), game, objective)
    check(timed(pg.solve, game, objective, exact=True), game, objective)
    for equilibrium in timed(pg.solve_all, game, objective):
        check(equilibrium, game, objective)


@pytest.mark.parametrize("lam", [1e6, 1e3, 1e-3, 1e-9, 1e-12, 1 - 1e-12, 1 + 1e-12])
@pytest.mark.parametrize("base", BASES)
def test_extreme_lambdas(base, lam):
    game, objective = pg.NormalFormGame(BASES[base]), pg.PowerObjective(lam)
    check(timed(pg.solve, game, objective), game, objective)
    check(timed(pg.solve, game, objective, method="lemke"), game, objective)
    check(timed(pg.solve, game, objective, exact=True), game, objective)


@pytest.mark.parametrize("shape", [(40, 40), (3, 60), (60, 3)], ids=str)
@pytest.mark.parametrize("largest", [1, 3])
@pytest.mark.parametrize("lam", [0, 0.3])
def test_larger_degenerate_games(shape, largest, lam):
    for seed in range(3):
        payoffs = np.random.default_rng([*shape, largest, seed]).integers(largest + 1, size=(2, *shape))
        game, objective = pg.NormalFormGame(payoffs), pg.PowerObjective(lam)
        check(timed(pg.solve, game, objective), game, objective)


# --- random degenerate games ------------------------------------------------------------------------------------------


@st.composite
def degenerate_games(draw, most_actions):
    shape = draw(st.integers(1, most_actions)), draw(st.integers(1, most_actions))
    largest = draw(st.integers(1, 4))
    entries = st.lists(st.integers(0, largest), min_size=2 * shape[0] * shape[1], max_size=2 * shape[0] * shape[1])
    return pg.NormalFormGame(np.reshape(draw(entries), (2, *shape)))


WEIGHTS = st.sampled_from(["mean", "max", ((0, 0.5), (2, 0)), ((0, 0), (1, 0)), ((0, 1), (0, 0))])
OBJECTIVES = st.builds(pg.PowerObjective, st.sampled_from(LAMS), WEIGHTS)


@QUICKLY
@given(game=degenerate_games(5), objective=OBJECTIVES)
def test_degenerate_games_are_solved(game, objective):
    check(timed(pg.solve, game, objective), game, objective)
    check(timed(pg.solve, game, objective, method="lemke"), game, objective)


@settings(QUICKLY, max_examples=max(EXAMPLES // 5, 1))
@given(game=degenerate_games(4), objective=OBJECTIVES)
def test_degenerate_games_are_solved_exactly(game, objective):
    equilibrium = timed(pg.solve, game, objective, exact=True)
    check(equilibrium, game, objective)
    assert equilibrium.certificate.max_regret == Fraction(0)


@settings(QUICKLY, max_examples=max(EXAMPLES // 3, 1))
@given(game=degenerate_games(3), objective=OBJECTIVES, data=st.data())
def test_all_equilibria_of_degenerate_games(game, objective, data):
    equilibria = timed(pg.solve_all, game, objective)
    pairs = [equilibrium.profile for equilibrium in equilibria]
    for equilibrium in equilibria:
        check(equilibrium, game, objective)
    for first, second in itertools.combinations(pairs, 2):
        assert max(np.abs(a - b).max() for a, b in zip(first, second, strict=True)) > 1e-9
    for found in (timed(pg.solve, game, objective), timed(pg.solve, game, objective, method="lemke")):
        assert any(
            all(oracle.in_hull(found.profile[i], [pairs[k][i] for k in members]) for i in range(2))
            for members in equilibria.interchangeable
        ), (game.payoffs.tolist(), objective, found)
    rows = data.draw(st.permutations(range(game.n_actions[0])))
    columns = data.draw(st.permutations(range(game.n_actions[1])))
    permuted = pg.solve_all(pg.NormalFormGame(game.payoffs[:, rows][:, :, columns]), objective)
    assert oracle.same_pairs([(x[rows], y[columns]) for x, y in pairs], [e.profile for e in permuted])
    assert len(permuted.components) == len(equilibria.components)
    aggregate = objective.aggregate if isinstance(objective.aggregate, str) else objective.aggregate.T
    swapped = pg.solve_all(
        pg.NormalFormGame(game.payoffs.transpose(0, 2, 1)[::-1]), pg.PowerObjective(objective.exact_lam, aggregate)
    )
    assert oracle.same_pairs([(y, x) for x, y in pairs], [e.profile for e in swapped])
    assert len(swapped.components) == len(equilibria.components)


@settings(QUICKLY, max_examples=max(EXAMPLES // 3, 1))
@given(game=degenerate_games(3), objective=OBJECTIVES)
def test_all_equilibria_of_degenerate_games_are_complete(game, objective):
    equilibria = timed(pg.solve_all, game, objective)
    pairs = [equilibrium.profile for equilibrium in equilibria]
    expected = oracle.extreme_equilibria(*game.payoffs, *oracle.charges(objective.lam, objective.aggregate))
    message = game.payoffs.tolist(), objective
    assert len(equilibria.components) == len({e.component for e in expected}), message
    for e in expected:
        assert any(
            oracle.in_hull(e.x, [pairs[k][0] for k in members]) and oracle.in_hull(e.y, [pairs[k][1] for k in members])
            for members in equilibria.interchangeable
        ), message
    exact = timed(pg.solve_all, game, objective, exact=True)
    assert oracle.same_pairs([e.profile for e in exact], pairs, 1e-12), message
    assert sorted(map(sorted, exact.interchangeable)) == sorted(map(sorted, equilibria.interchangeable)), message
