"""Power of several steps as an objective: solvers, evaluation and certificates against a recursion in plain Python."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import powergames as pg
from powergames.solvers import STOCHASTIC_METHODS

LASTING = (2, 3, math.inf)


class Oracle:
    """Values, power and one-shot regrets over a horizon, straight from their definitions; profiles are [i][t][s]."""

    def __init__(self, game, profile, objective, horizon):
        self.game, self.profile, self.objective, self.horizon = game, profile, objective, horizon
        self.n = game.n_players
        sizes = game.max_actions
        self.rewards = game.rewards.reshape(self.n, game.n_states, *sizes)
        self.transitions = game.transitions.toarray().reshape(game.n_states, *sizes, game.n_states)
        for name in ("task", "utility", "left"):
            setattr(self, name, lru_cache(None)(getattr(self, name)))

    def mean(self, s, strategies, worth):
        """Expectation of ``worth(joint action)``."""
        return sum(
            math.prod(strategies[i][a] for i, a in enumerate(joint)) * worth(joint)
            for joint in itertools.product(*(range(len(x)) for x in strategies))
        )

    def at(self, t, s, **changes):
        mixed = [[float(p) for p in own[t][s]] for own in self.profile]
        for player, strategy in changes.items():
            mixed[int(player[1:])] = strategy
        return mixed

    def row(self, i, s, joint, following):
        after = sum(float(p) * following(r) for r, p in enumerate(self.transitions[(s, *joint)]) if p)
        return float(self.rewards[(i, s, *joint)]) + float(self.game.discounts[i]) * after

    def task(self, t, i, s):
        if t == self.horizon:
            return 0.0
        return self.mean(s, self.at(t, s), lambda a: self.row(i, s, a, lambda r: self.task(t + 1, i, r)))

    def left(self, m, t, i, j, s):
        """What is left to `i` after `m` steps of `j` against it."""
        if m == 0 or t == self.horizon:
            return self.task(t, i, s) if t < self.horizon else 0.0
        return min(self.against(m, t, i, j, s, self.at(t, s)))

    def against(self, m, t, i, j, s, mixed):
        """What each action of `j` leaves, if it goes on for `m` steps in all."""
        following = m - 1 if math.isfinite(m) else m
        return [
            self.mean(
                s,
                [x if k != j else [float(b == a) for b in range(len(x))] for k, x in enumerate(mixed)],
                lambda joint: self.row(i, s, joint, lambda r: self.left(following, t + 1, i, j, r)),
            )
            for a in range(len(mixed[j]))
        ]

    def terms(self, t, i, s, own):
        """Linear part of what a strategy is worth, and what is left to it by each takeover, by adversary."""
        mixed = self.at(t, s, **{f"p{i}": own})
        toll = float(self.objective.charges(self.n)[i])
        linear = self.mean(
            s,
            mixed,
            lambda a: (
                self.row(i, s, a, lambda r: self.utility(t + 1, i, r))
                - toll * self.row(i, s, a, lambda r: self.task(t + 1, i, r))
            ),
        )
        takeovers = [
            [value for j in each.players for value in self.against(self.objective.steps, t, i, j, s, mixed)]
            for each in self.objective.adversaries(self.n)[i]
        ]
        return linear, takeovers

    def charges(self, i):
        return [float(each.charge) for each in self.objective.adversaries(self.n)[i]]

    def utility(self, t, i, s):
        if t == self.horizon:
            return 0.0
        linear, takeovers = self.terms(t, i, s, self.at(t, s)[i])
        return linear + sum(c * min(values) for c, values in zip(self.charges(i), takeovers, strict=True))

    def regret(self, t, i, s):
        """Gain of the best mixed strategy, by a linear program in it and in what each adversary leaves."""
        size = len(self.profile[i][t][s])
        pure = [self.terms(t, i, s, [float(a == b) for b in range(size)]) for a in range(size)]
        charges = self.charges(i)
        cost = [-linear for linear, _ in pure] + [-c for c in charges]
        rows = [
            [-pure[a][1][b][k] for a in range(size)] + [float(b == c) for c in range(len(charges))]
            for b in range(len(charges))
            for k in range(len(pure[0][1][b]))
        ]
        bounds = [(0, None)] * size + [(None, None)] * len(charges)
        ones = [[1.0] * size + [0.0] * len(charges)]
        best = linprog(cost, rows or None, [0.0] * len(rows) if rows else None, ones, [1.0], bounds)
        return -best.fun - self.utility(t, i, s)


def random_game(seed, n=2, states=2, actions=2, discount=0.9):
    rng = np.random.default_rng(seed)
    sizes = [actions] * n
    rewards = rng.normal(size=(n, states, *sizes))
    return pg.StochasticGame(rewards, rng.dirichlet(np.full(states, 0.5), size=(states, *sizes)), discount)


def random_profile(seed, game, *, horizon=None):
    rng = np.random.default_rng(seed)
    shape = (game.n_states,) if horizon is None else (horizon, game.n_states)
    return [rng.dirichlet(np.ones(size), size=shape) for size in game.max_actions]


CASES = [
    (2, pg.PowerObjective(0.7)),
    (3, pg.PowerObjective(0.7)),
    (3, pg.PowerObjective(0.4, "max")),
    (3, pg.PowerObjective(0.4, [[0, 1, 0], [0, 0, 0.5], [0.2, 0.3, 0]])),
]


@pytest.mark.parametrize("steps", [1, *LASTING])
@pytest.mark.parametrize(("n", "objective"), CASES, ids=["two", "three", "max", "weights"])
def test_values_and_regrets_are_those_of_the_definition(n, objective, steps):
    objective, horizon = replace(objective, lam=objective.exact_lam, steps=steps), 3
    game = random_game(n, n)
    profile = random_profile(1, game, horizon=horizon)
    profile[0][1, 0] = np.eye(2)[1]
    oracle = Oracle(game, profile, objective, horizon)
    found = pg.evaluate(game, profile, objective, horizon=horizon)
    certificate = pg.certify(game, profile, objective, horizon=horizon)
    for t, i in itertools.product(range(horizon), range(n)):
        states = range(game.n_states)
        np.testing.assert_allclose(found.task[t, i], [oracle.task(t, i, s) for s in states], atol=1e-12)
        np.testing.assert_allclose(found.utility[t, i], [oracle.utility(t, i, s) for s in states], atol=1e-12)
        for s, j in itertools.product(states, range(n)):
            power = oracle.task(t, i, s) - oracle.left(steps, t, i, j, s) if j != i else 0.0
            assert found.power[t, s, i, j] == pytest.approx(power, abs=1e-12)
        regret = max(oracle.regret(t, i, s) for s in states)
        assert certificate.regrets[t, i] == pytest.approx(regret, abs=1e-9)
    assert certificate.max_regret > 1e-3
    assert certificate.bound == "exact"


@pytest.mark.parametrize("steps", [1, *LASTING])
@pytest.mark.parametrize(("n", "objective"), CASES[:3], ids=["two", "three", "max"])
def test_without_end_they_are_those_of_a_long_game(n, objective, steps):
    objective, horizon = replace(objective, lam=objective.exact_lam, steps=steps), 24
    game = random_game(n, n, discount=0.2)
    profile = random_profile(1, game)
    oracle = Oracle(game, [[own] * horizon for own in profile], objective, horizon)
    found, certificate = pg.evaluate(game, profile, objective), pg.certify(game, profile, objective)
    for i, s in itertools.product(range(n), range(game.n_states)):
        assert found.utility[i, s] == pytest.approx(oracle.utility(0, i, s), abs=1e-12)
        assert certificate.regrets[i, s] == pytest.approx(oracle.regret(0, i, s), abs=1e-9)
    assert certificate.max_regret > 1e-3
    assert (certificate.deviations, certificate.bound) == ("one-shot", "exact")


@pytest.mark.parametrize("steps", LASTING)
def test_backward_induction_finds_equilibria_of_the_definition(steps):
    game, objective = random_game(5), pg.PowerObjective(0.5, steps=steps)
    found = pg.solve(game, objective, horizon=3)
    oracle = Oracle(game, [np.asarray(own) for own in found.profile], objective, 3)
    for t, i, s in itertools.product(range(3), range(2), range(2)):
        assert oracle.regret(t, i, s) <= 1e-9
        assert found.utility[t, i, s] == pytest.approx(oracle.utility(t, i, s), abs=1e-12)
    assert not np.allclose(found.utility, pg.solve(game, pg.PowerObjective(0.5), horizon=3).utility)


@pytest.mark.parametrize("steps", LASTING)
@pytest.mark.parametrize(("n", "actions", "aggregate"), [(2, 3, "mean"), (3, 2, "mean"), (3, 2, "max")])
def test_random_games_are_solved(n, actions, aggregate, steps):
    objective = pg.PowerObjective(0.3, aggregate, steps=steps)
    for seed in range(20 if n == 2 else 2):
        game = random_game(seed, n, 3, actions)
        ending = pg.solve(game, objective, horizon=5)
        assert ending.certificate.scaled_regret <= 1e-9
        np.testing.assert_allclose(ending.start_utility, ending.evaluation.start_utility, atol=1e-12)
        if seed >= 8:
            continue
        endless = pg.solve(game, objective)
        assert endless.status.name == "CONVERGED"
        assert endless.certificate.scaled_regret <= 1e-9
        assert endless.method == "stages"


def test_a_large_game_is_solved_where_states_go_back_and_forth():
    game = random_game(9, 2, 60, 3)
    found = pg.solve(game, pg.PowerObjective(0.3, steps=2))
    assert found.status.name == "CONVERGED"


def test_a_table_and_the_game_it_stands_for_have_the_same_equilibria():
    table = pg.load("overcooked:tiny:discount=1")
    objective = pg.PowerObjective(0.2, steps=2)
    small = pg.solve(table, objective, horizon=3)
    assert small.status.name == "CONVERGED"
    assert pg.certify(table, small.profile, objective, horizon=3).passed
    np.testing.assert_allclose(small.start_utility, small.evaluation.start_utility, atol=1e-12)


def test_more_steps_than_there_are_last_to_the_end():
    game = random_game(6)
    for steps in (4, 100):
        ever, long = (pg.solve(game, pg.PowerObjective(0.5, steps=k), horizon=4) for k in (math.inf, steps))
        np.testing.assert_array_equal(ever.utility, long.utility)
    endless = [pg.evaluate(game, game.uniform_profile(), pg.PowerObjective(0.5, steps=k)) for k in (math.inf, 2000)]
    np.testing.assert_allclose(endless[0].utility, endless[1].utility, atol=1e-10)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.sampled_from([1, 2, 3, 7, math.inf]), lam=st.floats(0, 2))
def test_power_of_an_evaluation_is_step_power(seed, steps, lam):
    game, objective = random_game(seed % 5, 3), pg.PowerObjective(lam, steps=steps)
    profile = random_profile(seed, game)
    found = pg.evaluate(game, profile, objective)
    np.testing.assert_array_equal(found.power, pg.step_power(game, profile, steps=steps).power)
    timed = random_profile(seed, game, horizon=3)
    over = pg.evaluate(game, timed, objective, horizon=3)
    np.testing.assert_array_equal(over.power, pg.step_power(game, timed, steps=steps, horizon=3).power)
    charged = np.einsum("tsij->tis", over.power) / 2
    assert (over.utility <= over.task - lam * charged + 1e-9).all()


def test_without_a_price_steps_do_not_matter():
    game = random_game(7)
    one, three = (pg.solve(game, pg.PowerObjective(0, steps=k), horizon=3) for k in (1, 3))
    np.testing.assert_array_equal(one.utility, three.utility)
    endless = [pg.solve(game, pg.PowerObjective(0, steps=k)) for k in (1, 3)]
    assert endless[0].method == endless[1].method
    np.testing.assert_array_equal(endless[0].profile[0], endless[1].profile[0])
    assert endless[1].certificate.deviations == "all"


def test_sweep_and_audit_charge_for_several_steps():
    game, objective = random_game(8), pg.PowerObjective(0.3, steps=3)
    for horizon in (None, 3):
        points = pg.sweep(game, objective, lams=[0, 0.3], horizon=horizon, warm_start=False)
        assert [point.objective.steps for point in points] == [3, 3]
        assert all(point.converged for point in points)
        found = points[1].equilibria[0]
        assert pg.audit(game, found.profile, objective, horizon=horizon, tol=1e-8).passed
        assert not pg.audit(game, found.profile, pg.PowerObjective(0.3), horizon=horizon, tol=1e-8).passed


def test_methods_say_what_they_are_for():
    game = random_game(1)
    for name in STOCHASTIC_METHODS.keys() - {"stages"}:
        with pytest.raises(
            pg.InputError, match=f"^method {name}: is for power of one step, the objective charges for 2;"
        ):
            pg.solve(game, pg.PowerObjective(0.3, steps=2), method=name)
    assert pg.solve(game, pg.PowerObjective(0.3, steps=2), method="stages").status.name == "CONVERGED"


def test_a_search_that_ends_early_says_so():
    found = pg.solve(random_game(0, 2, 30, 3), pg.PowerObjective(1, steps=3), max_iter=1)
    assert found.status.name == "MAX_ITER"
    assert found.certificate.scaled_regret > 1e-8


STAG = pg.load("stag_hunt")
LATER = pg.PowerObjective(0.3, steps=2)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: pg.solve(STAG, LATER), "played once"),
        (lambda: pg.solve_all(STAG, LATER), "played once"),
        (lambda: pg.evaluate(STAG, [0, 0], LATER), "played once"),
        (lambda: pg.certify(STAG, [0, 0], LATER), "played once"),
        (lambda: pg.audit(STAG, [0, 0], LATER), "played once"),
        (lambda: pg.sweep(STAG, LATER, lams=[0, 1]), "played once"),
        (lambda: pg.solve_many([STAG.payoffs], LATER), "played once"),
        (lambda: pg.correlated(STAG, LATER), "played once"),
        (lambda: pg.bifurcations(STAG, LATER, lam=(0, 1)), "played once"),
        (lambda: pg.trace(STAG, LATER, lams=(0, 1)), "one step"),
        (lambda: pg.solve_all(random_game(0), LATER), "all equilibria"),
        (lambda: pg.trace(random_game(0), LATER, lams=(0, 1)), "the path"),
        (lambda: pg.team_optimum(random_game(0), LATER), "takeovers"),
        (lambda: pg.train(random_game(0), LATER, steps=10), "learners"),
        (lambda: pg.train_sweep(random_game(0), LATER, lams=[0.1], seeds=[0], steps=10), "learners"),
    ],
)
def test_what_takes_power_of_one_step_only_says_so(call, reason):
    with pytest.raises(
        pg.InputError, match=f"^objective: got power of 2 steps, but .*{reason}.*; leave it at one step$"
    ):
        call()
