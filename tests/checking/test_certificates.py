"""certify() against an independently written linear program, and against equilibria known by hand."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog

import powergames as pg
from powergames.checking import growing_programs
from powergames.checking.certificate import Certificate
from powergames.checking.certify import certify
from powergames.checking.growing_programs import GrowingProgram
from powergames.checking.normal_form import certify_checked, response_problem
from powergames.errors import InputError
from powergames.games import NormalFormGame
from powergames.games.catalog import normal_form as catalog
from powergames.games.profiles import as_profile, pure_profile
from powergames.objectives import PowerObjective

LAMS = (0, 0.3, 1, 5)
SHAPES = [(2, 2), (3, 4), (5, 2), (2, 2, 2), (3, 2, 4), (2, 3, 2, 2), (1, 3), (2, 1, 3)]


def values_against(game, profile, player, fixed=None):
    """Payoff of each action of the player; `fixed` = (co-player, action) overrides the profile."""
    axes = "abcd"[: game.n_players]
    strategies = [np.asarray(strategy, dtype=float) for strategy in profile]
    if fixed is not None:
        strategies[fixed[0]] = np.eye(game.n_actions[fixed[0]])[fixed[1]]
    others = [k for k in range(game.n_players) if k != player]
    equation = ",".join([axes, *(axes[k] for k in others)]) + "->" + axes[player]
    return np.einsum(equation, game.payoffs[player], *(strategies[k] for k in others))


def utility(game, objective, profile, player, strategy):
    """The objective as its definition reads: task value minus λ times aggregated power."""
    task = values_against(game, profile, player) @ strategy
    power = np.zeros((game.n_players, game.n_players))
    for j in range(game.n_players):
        if j != player:
            taken_over = [
                values_against(game, profile, player, (j, action)) @ strategy for action in range(game.n_actions[j])
            ]
            power[player, j] = task - min(taken_over)
    return task - objective.lam * charge(objective, power[player], player)


def charge(objective, power, player):
    if isinstance(objective.aggregate, str) and objective.aggregate == "max":
        return power.max()
    return objective.weights(len(power))[player] @ power


def regret_by_linear_program(game, objective, profile, player):
    """Maximize u - λ Σ W r over x and r >= u - u(a_j, .) for every takeover, then subtract the present value."""
    n, size = game.n_players, game.n_actions[player]
    task = values_against(game, profile, player)
    maximum = isinstance(objective.aggregate, str) and objective.aggregate == "max"
    weights = np.ones(1) if maximum else np.delete(objective.weights(n)[player], player)
    rows = []
    for position, j in enumerate(k for k in range(n) if k != player):
        for action in range(game.n_actions[j]):
            row = np.zeros(size + len(weights))
            row[:size] = task - values_against(game, profile, player, (j, action))
            row[size + (0 if maximum else position)] = -1
            rows.append(row)
    unit = float(game.payoff_range[player]) or 1.0
    solution = linprog(
        np.concatenate([-task, objective.lam * weights]) / unit,
        np.array(rows) / unit if rows else None,
        np.zeros(len(rows)) if rows else None,
        [[1.0] * size + [0.0] * len(weights)],
        [1.0],
        bounds=(0, None),
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    assert solution.status == 0
    strategy = np.asarray(profile[player], dtype=float)
    return -solution.fun * unit - utility(game, objective, profile, player, strategy)


def pure_regret(game, objective, profile, player):
    here = utility(game, objective, profile, player, np.asarray(profile[player], dtype=float))
    return max(utility(game, objective, profile, player, unit) for unit in np.eye(game.n_actions[player])) - here


def random_profile(generator, n_actions):
    """Mixed, with some probabilities exactly zero and some strategies pure."""
    profile = []
    for size in n_actions:
        weights = generator.exponential(size=size) * (generator.random(size) < 0.7)
        weights[generator.integers(size)] += 0.5
        profile.append(weights / weights.sum())
    return profile


def objectives_for(generator, n, lam):
    matrix = generator.random((n, n)) * (generator.random((n, n)) < 0.7)
    np.fill_diagonal(matrix, 0)
    return [PowerObjective(lam, aggregate) for aggregate in ("mean", "sum", "max", matrix)]


@pytest.mark.parametrize("lam", LAMS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("family", ["real", "degenerate"])
def test_regret_is_the_value_of_the_best_mixed_deviation(shape, lam, family):
    generator = np.random.default_rng([len(shape), *shape, int(100 * lam)])
    payoffs = generator.normal(size=(len(shape), *shape)) if family == "real" else None
    game = NormalFormGame(generator.integers(3, size=(len(shape), *shape)) if payoffs is None else payoffs)
    profiles = [random_profile(generator, shape), pure_profile(shape, [0] * len(shape))]
    for objective in objectives_for(generator, len(shape), lam):
        for profile in profiles:
            certificate = certify(game, profile, objective)
            expected = [regret_by_linear_program(game, objective, profile, i) for i in range(len(shape))]
            np.testing.assert_allclose(certificate.regrets, expected, rtol=0, atol=1e-9)
            scale = np.where(game.payoff_range > 0, game.payoff_range, 1)
            np.testing.assert_allclose(certificate.scaled_regrets, np.array(expected) / scale, rtol=0, atol=1e-9)
            assert certificate.regrets.min() >= 0
            for i in range(len(shape)):
                assert certificate.regrets[i] >= pure_regret(game, objective, profile, i) - 1e-12


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
def test_the_best_deviation_may_be_mixed(aggregate):
    # At λ = 1 a player minds only the worst case: every action risks -1, an even mixture of two risks 0.
    game = NormalFormGame([[[1, -1], [-1, 1], [-1, -1]], [[0, 0]] * 3])
    objective = PowerObjective(1, aggregate)
    for action in range(3):
        profile = [np.eye(3)[action], np.full(2, 0.5)]
        assert pure_regret(game, objective, profile, 0) == 0
        certificate = certify(game, profile, objective)
        assert certificate.regrets[0] == pytest.approx(1, abs=1e-12)
        assert not certificate.passed
        exact = [[Fraction(int(p)) for p in profile[0]], [Fraction(1, 2)] * 2]
        assert certify(game, exact, objective).regrets[0] == 1
    assert certify(game, [[0.5, 0.5, 0], [0.5, 0.5]], objective).max_regret <= 1e-15


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
def test_with_three_players_the_best_deviation_may_be_mixed(aggregate):
    # Player 0 must match an adversary in both co-players' pennies, whoever it is.
    pennies = np.array([[1.0, -1.0], [-1.0, 1.0]])
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[0] = pennies[:, :, None] + pennies[:, None, :]
    game = NormalFormGame(payoffs)
    profile = [[1, 0], [0.5, 0.5], [0.5, 0.5]]
    objective = PowerObjective(0.8, aggregate)
    assert pure_regret(game, objective, profile, 0) == pytest.approx(0, abs=1e-15)
    charged = {"mean": 1, "sum": 2, "max": 1}[aggregate]
    assert certify(game, profile, objective).regrets[0] == pytest.approx(0.8 * charged, abs=1e-12)


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
def test_a_wrong_witness_never_lowers_the_regret(aggregate, exact):
    generator = np.random.default_rng(11)
    for shape in [(3, 4), (2, 3, 2), (2, 2, 2, 2)]:
        game = NormalFormGame(generator.integers(-9, 10, size=(len(shape), *shape)))
        objective = PowerObjective("3/5", aggregate)
        weights = [generator.integers(1, 9, size) for size in shape]
        profile = [[Fraction(int(w), int(vector.sum())) for w in vector] for vector in weights]
        if not exact:
            profile = [np.array(vector, dtype=float) for vector in profile]
        honest = certify(game, profile, objective)
        sizes = [
            [sum(shape[j] for j in adversary.players) for adversary in row] for row in objective.adversaries(len(shape))
        ]
        junk = [
            lambda size: np.zeros(size),
            lambda size: np.eye(size)[0],
            lambda size: -np.ones(size),
            lambda size: 1e6 * generator.random(size),
            lambda size: np.full(size, np.nan),
            lambda size: np.full(size, np.inf),
            lambda size: generator.dirichlet(np.ones(size)),
            lambda size: np.ones(size + 1),
            lambda size: np.ones((size, 2)),
            lambda size: np.full(size, 1e308),
            lambda size: ["x"] * size,
            lambda size: None,
        ]
        for make in junk:
            witness = [[make(size) for size in row] for row in sizes]
            told = certify(game, profile, objective, witness=witness)
            assert (told.regrets >= honest.regrets - (0 if exact else 1e-12)).all()
            np.testing.assert_allclose(told.regrets.astype(float), honest.regrets.astype(float), rtol=0, atol=1e-9)
        for witness in ([[]] * len(shape), [[None]] * len(shape), [[[1]] * 5] * len(shape)):
            told = certify(game, profile, objective, witness=witness)
            np.testing.assert_array_equal(told.regrets, honest.regrets)


def test_a_right_witness_makes_the_certificate_exact():
    # The adversary's side of O'Neill's game: the joker with probability 2/5.
    game = catalog.oneill()
    strategy = [Fraction(1, 5)] * 3 + [Fraction(2, 5)]
    witness = [[np.array(strategy, dtype=object)]] * 2
    certificate = certify(game, [strategy, strategy], PowerObjective("1/2"), witness=witness)
    assert certificate.max_regret == 0


@pytest.mark.parametrize("lam", [0.3, 2.5])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize(
    "change",
    [lambda p: p * 1e9, lambda p: p * 1e-9, lambda p: p + 1e6, lambda p: p + 1e9, lambda p: p * 1e9 - 1e12],
    ids=["times 1e9", "times 1e-9", "plus 1e6", "plus 1e9", "times 1e9 minus 1e12"],
)
def test_scaled_regret_does_not_depend_on_units(change, aggregate, lam):
    generator = np.random.default_rng(3)
    for shape in [(3, 3), (2, 3, 2), (2, 2, 2, 2)]:
        # Multiples of 1/1024, so that adding 1e9 is exact.
        payoffs = generator.integers(-2048, 2048, size=(len(shape), *shape)) / 1024
        objective = PowerObjective(lam, aggregate)
        for profile in (random_profile(generator, shape), pure_profile(shape, [1] * len(shape))):
            before = certify(NormalFormGame(payoffs), profile, objective)
            after = certify(NormalFormGame(change(payoffs)), profile, objective)
            np.testing.assert_allclose(after.scaled_regrets, before.scaled_regrets, rtol=0, atol=1e-9)


def fraction_profile(game, *joint):
    return [
        [Fraction(int(a == action)) for a in range(size)] for size, action in zip(game.n_actions, joint, strict=True)
    ]


@pytest.mark.parametrize(
    ("lam", "regret"),
    [(0, 0), ("1/8", 0), ("1/4", 0), (0.25, 0), (0.26, Fraction(4, 100)), (1, 3), (2, 7)],
)
def test_stag_hunt(lam, regret):
    # Both stag: U = 4 - 4 λ; hare pays 3 for sure.
    game = catalog.stag_hunt()
    certificate = certify(game, fraction_profile(game, 0, 0), PowerObjective(lam))
    assert certificate.regrets.tolist() == [regret] * 2
    assert isinstance(certificate.max_regret, Fraction)
    assert certificate.passed == (regret == 0)
    assert certify(game, fraction_profile(game, 1, 1), PowerObjective(lam)).max_regret == 0
    assert certify(game, [[1, 0], [1, 0]], PowerObjective(lam)).max_regret == pytest.approx(float(regret), abs=1e-15)


@pytest.mark.parametrize(
    ("n", "aggregate", "threshold"),
    [
        (3, "mean", Fraction(2, 3)),
        (3, "max", Fraction(2, 3)),
        (3, "sum", Fraction(1, 3)),
        (2, "sum", Fraction(2, 3)),
        (4, "mean", Fraction(2, 3)),
        (5, "sum", Fraction(1, 6)),
        (3, [[0, 1, 1], [1, 0, 1], [0.5, 0.5, 0]], Fraction(1, 3)),
    ],
)
def test_assembly_line_holds_together_up_to_the_threshold(n, aggregate, threshold):
    game = catalog.assembly_line(n)
    line, solo = fraction_profile(game, *(0,) * n), fraction_profile(game, *(1,) * n)
    step = Fraction(1, 10**9)
    for lam in (0, threshold / 2, threshold - step, threshold):
        assert certify(game, line, PowerObjective(lam, aggregate)).max_regret == 0
    for lam in (threshold + step, threshold * 2):
        assert certify(game, line, PowerObjective(lam, aggregate)).max_regret == 2 * (lam / threshold - 1)
    for lam in (0, threshold, 5):
        assert certify(game, solo, PowerObjective(lam, aggregate)).max_regret == 0


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
@pytest.mark.parametrize("lam", [0, "1/3", 1, "7/3"])
@pytest.mark.parametrize(
    ("game", "strategy"),
    [
        (catalog.matching_pennies(), [Fraction(1, 2)] * 2),
        (catalog.rock_paper_scissors(), [Fraction(1, 3)] * 3),
        (catalog.oneill(), [Fraction(1, 5)] * 3 + [Fraction(2, 5)]),
    ],
    ids=["pennies", "rock paper scissors", "oneill"],
)
def test_optimal_strategies_of_zero_sum_games_are_equilibria_for_every_lam(game, strategy, lam, aggregate):
    assert certify(game, [strategy, strategy], PowerObjective(lam, aggregate)).max_regret == 0


def test_two_players_at_lam_one_play_maximin():
    # Battle of the sexes: maximin is (1/3, 2/3) for her and (2/3, 1/3) for him, worth 2/3 to each. Against it the opera
    # pays her 4/3, boxing 1/3, and an adversary who always goes boxing 0 and 1: that makes up for it from λ = 1/2 on.
    game = catalog.battle_of_the_sexes()
    third = Fraction(1, 3)
    maximin = [[third, 2 * third], [2 * third, third]]
    assert certify(game, maximin, PowerObjective(1)).max_regret == 0
    assert certify(game, maximin, PowerObjective("1/2")).max_regret == 0
    assert certify(game, maximin, PowerObjective("49/100")).max_regret > 0
    assert certify(game, fraction_profile(game, 0, 0), PowerObjective(1)).max_regret == Fraction(2, 3)


@pytest.mark.parametrize("lam", [0, 0.4, 1, 5])
@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
def test_exact_and_float_certificates_agree(aggregate, lam):
    generator = np.random.default_rng(5)
    for shape in [(2, 3), (4, 4), (2, 3, 2)]:
        game = NormalFormGame(generator.integers(-5, 6, size=(len(shape), *shape)))
        weights = [generator.integers(0, 4, size) + np.eye(size, dtype=int)[0] for size in shape]
        profile = [[Fraction(int(w), int(vector.sum())) for w in vector] for vector in weights]
        exact = certify(game, profile, PowerObjective(lam, aggregate))
        rounded = certify(game, [np.array(p, dtype=float) for p in profile], PowerObjective(lam, aggregate))
        assert all(isinstance(regret, Fraction) for regret in exact.regrets)
        np.testing.assert_allclose(exact.regrets.astype(float), rounded.regrets, rtol=0, atol=1e-10)


@pytest.mark.parametrize("constant", [0, 7, -1e9, 1e-9, 1e300])
@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)], ids=str)
def test_constant_payoffs_leave_nothing_to_regret(shape, aggregate, constant):
    game = NormalFormGame(np.full((len(shape), *shape), float(constant)))
    profile = random_profile(np.random.default_rng(0), shape)
    certificate = certify(game, profile, PowerObjective(2, aggregate))
    np.testing.assert_array_equal(certificate.scaled_regrets, 0)
    assert certificate.passed


@pytest.mark.parametrize("lam", [0, 0.5, 3])
@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
def test_games_without_choice_or_company(lam, exact):
    one = Fraction(1) if exact else 1
    for payoffs in ([[5]], [[[5]], [[-3]]], [[[[5]]], [[[1]]], [[[0]]]]):
        game = NormalFormGame(payoffs)
        for aggregate in ("mean", "sum", "max"):
            certificate = certify(game, [[one]] * game.n_players, PowerObjective(lam, aggregate))
            assert certificate.max_regret == 0
    alone = NormalFormGame([[1, 4, 2]])
    for aggregate in ("mean", "sum", "max", [[0]]):
        assert certify(alone, [[one, 0, 0]], PowerObjective(lam, aggregate)).regrets.tolist() == [3]
        assert certify(alone, [[0, one, 0]], PowerObjective(lam, aggregate)).max_regret == 0


def test_a_player_whom_nobody_is_weighed_against_plays_nash():
    game = catalog.assembly_line(3)
    objective = PowerObjective(5, [[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert certify(game, fraction_profile(game, 0, 0, 0), objective).regrets.tolist() == [0, 13, 0]


@pytest.mark.parametrize("lam", [1e-300, 1e-15, 1e-8, 1e-3, 1e3, 1e6, 1e15])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_extreme_lam(aggregate, lam):
    generator = np.random.default_rng(8)
    game = NormalFormGame(generator.normal(size=(3, 3, 2, 3)))
    profile = random_profile(generator, game.n_actions)
    certificate = certify(game, profile, PowerObjective(lam, aggregate))
    expected = [regret_by_linear_program(game, PowerObjective(lam, aggregate), profile, i) for i in range(3)]
    np.testing.assert_allclose(certificate.regrets, expected, rtol=1e-9, atol=1e-9 * max(1, lam))


@pytest.mark.parametrize("seed", range(8))
def test_payoffs_of_very_different_sizes_in_one_game(seed):
    generator = np.random.default_rng(seed)
    shape = (3, 4) if seed % 2 else (3, 2, 3)
    payoffs = generator.normal(size=(len(shape), *shape)) * 10.0 ** generator.integers(-12, 1, (len(shape), *shape))
    game = NormalFormGame(payoffs)
    weights = [generator.integers(0, 3, size) + np.eye(size, dtype=int)[0] for size in shape]
    profile = [[Fraction(int(w), int(vector.sum())) for w in vector] for vector in weights]
    exact = certify(game, profile, PowerObjective(1.5)).scaled_regrets.astype(float)
    rounded = certify(game, [np.array(p, dtype=float) for p in profile], PowerObjective(1.5)).scaled_regrets
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=1e-9)


def test_many_actions():
    generator = np.random.default_rng(9)
    game = NormalFormGame(generator.normal(size=(2, 60, 80)))
    objective = PowerObjective(0.7)
    profile = game.uniform_profile()
    certificate = certify(game, profile, objective)
    expected = []
    for payoffs, mine in ((game.payoffs[0], 60), (game.payoffs[1].T, 80)):
        theirs = payoffs.shape[1]
        solution = linprog(
            np.append(-0.3 * payoffs.mean(axis=1), -0.7),
            np.hstack([-payoffs.T, np.ones((theirs, 1))]),
            np.zeros(theirs),
            [[1.0] * mine + [0.0]],
            [1.0],
            bounds=[(0, None)] * mine + [(None, None)],
        )
        expected.append(-solution.fun - 0.3 * payoffs.mean() - 0.7 * payoffs.mean(axis=0).min())
    np.testing.assert_allclose(certificate.regrets, expected, rtol=0, atol=1e-9)


def test_tolerance_is_relative_to_the_payoff_range():
    game = NormalFormGame([[0.0, 1000.0]])
    certificate = certify(game, [[0.001, 0.999]], PowerObjective(), tol=1e-3)
    assert certificate.max_regret == pytest.approx(1)
    assert certificate.scaled_regret == pytest.approx(1e-3)
    assert certify(game, [[0.001, 0.999]], PowerObjective(), tol=0.0011).passed
    assert not certify(game, [[0.001, 0.999]], PowerObjective(), tol=0.0009).passed


def test_what_a_certificate_says():
    game = catalog.stag_hunt()
    certificate = certify(game, [[1, 0], [1, 0]], PowerObjective(0.5))
    assert isinstance(certificate, Certificate)
    assert type(certificate.max_regret) is type(certificate.scaled_regret) is float
    assert certificate.to_dict() == {
        "max_regret": 1.0,
        "scaled_regret": 0.25,
        "regrets": [1.0, 1.0],
        "tol": 1e-8,
        "deviations": "mixed",
        "bound": "exact",
        "passed": False,
    }
    assert repr(certificate) == ("<Certificate FAILED: max regret 1, scaled 0.25, tol 1e-08, mixed deviations, exact>")
    exact = certify(game, fraction_profile(game, 0, 0), PowerObjective("1/3")).to_dict()
    assert (exact["max_regret"], exact["scaled_regret"], exact["regrets"]) == ("1/3", "1/12", ["1/3", "1/3"])


def test_bad_questions():
    game = catalog.assembly_line(3)
    with pytest.raises(InputError, match="got 1 policies for 3 players"):
        certify(game, [[1, 0]], PowerObjective(0.5))
    with pytest.raises(InputError, match="the game has 3 players"):
        certify(game, game.uniform_profile(), PowerObjective(0.5, [[0, 1], [1, 0]]))
    with pytest.raises(InputError, match="reads lam as a probability"):
        certify(game, game.uniform_profile(), PowerObjective(1, "sum", "adversarial"))


def test_nothing_given_is_changed():
    game = catalog.random_uniform(3, 3)
    profile = [np.array([0.5, 0.5, 0]), np.array([0.2, 0.3, 0.5]), np.array([1.0, 0, 0])]
    witness = [[np.array([2.0, -1.0, 1.0])] * 2 for _ in range(3)]
    before = [strategy.copy() for strategy in profile]
    certify(game, profile, PowerObjective(0.5), witness=witness)
    np.testing.assert_array_equal(profile, before)
    np.testing.assert_array_equal(witness, [[[2, -1, 1]] * 2] * 3)
    assert as_profile((3, 3, 3), profile)[0].sum() == 1


@pytest.mark.parametrize("lam", [0, 0.3])
def test_regret_of_subnormal_payoffs_is_not_lost(lam):
    # Multiples of the least float: regret in payoff units rounds to zero or one of them, relative regret does not.
    payoffs = 5e-324 * np.array([[[0, 3], [2, 0]], [[3, 0], [0, 3]]])
    game = pg.NormalFormGame(payoffs)
    same = pg.NormalFormGame(payoffs / 5e-324)
    profile = [[0.9, 0.1], [0.5, 0.5]]
    expected = pg.certify(same, profile, pg.PowerObjective(lam)).scaled_regret
    assert expected > 0.01
    assert pg.certify(game, profile, pg.PowerObjective(lam)).scaled_regret == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("few", "most"), [(1, 12), (32, 6), (120, 1)])
def test_the_program_of_a_best_response_grows_fast(few, most, monkeypatch):
    monkeypatch.setattr(growing_programs, "FEW", few)
    game = pg.NormalFormGame(np.random.default_rng(0).random((2, 90, 120)))
    problem, _ = response_problem(game, pg.PowerObjective(0.3), game.uniform_profile(), 0)
    linear = problem.linear / problem.scale
    program = GrowingProgram(linear, problem.weights, problem.blocks, problem.scale, problem.strategy)
    rounds = []
    solve = program._solved
    monkeypatch.setattr(program, "_solved", lambda *limits: rounds.append(limits) or solve(*limits))
    assert program.run()
    # A round for each entry that is missing at first would be about thirty.
    assert len(rounds) <= most
    assert program.bound == pytest.approx(program.attained, abs=1e-9)
    value = problem.value(problem.strategy) + problem.regret(None)
    assert program.attained * problem.scale == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("exact", [False, True])
def test_after_the_deadline_regrets_are_upper_bounds(exact):
    game = pg.NormalFormGame(np.random.default_rng(0).integers(0, 9, (2, 6, 7)))
    profile = [[Fraction(1, size)] * size if exact else [1 / size] * size for size in game.n_actions]
    late = certify_checked(game, game.profile(profile), pg.PowerObjective(0.5), deadline=time.monotonic() - 1)
    whole = pg.certify(game, profile, pg.PowerObjective(0.5))
    assert (late.bound, whole.bound) == ("upper", "exact")
    assert (late.regrets >= whole.regrets).all()
    assert late.max_regret < 9
