"""Continuation in which single states switch branches: branches of one state, Newton's method, whole games."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import powergames as pg
from powergames import InputError, NormalFormGame, PowerObjective, StochasticGame
from powergames.games.catalog.stochastic import random_sparse
from powergames.kernels.branches import JUMPED, LOST, STAYED, settle_states, sweep_states
from powergames.solvers.common import Options
from powergames.solvers.stochastic import branch_switching, newton
from powergames.solvers.stochastic.logit import Path, State
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Clock, Found, Search

# Two equilibria, the second one the better for both; rewards have range 1, so that precision is as in normal form.
COORDINATION = np.array([[0.5, 0.0], [0.0, 1.0]])


def coordination(copies=1):
    """The problem of states in which that is played, and nothing follows."""
    rewards = np.array([[COORDINATION] * copies] * 2)
    transitions = np.broadcast_to(np.eye(copies)[:, None, None], (copies, 2, 2, copies))
    return StochasticProblem.of(StochasticGame(rewards, transitions, 0.0), PowerObjective(0))


def settled(problem, point, precision, switching=True):
    worth = problem.worth(problem.evaluate(point))
    everywhere = np.ones(problem.n_states, dtype=bool)
    logs, outcome = settle_states(
        *problem.layout, *worth, np.log(point), np.zeros(problem.size), precision, everywhere, switching
    )
    return np.exp(logs), outcome.tolist()


def residual(problem, point, precision):
    """Greatest difference between a probability and the logit response."""
    paid = precision * problem.gradients(point, problem.worth(problem.evaluate(point)))
    return np.abs(problem.normalized(np.exp(paid - paid.max())) - point).max()


def search():
    """Begin a search without limits."""
    return Search(Options(), Clock(0))


def test_a_state_whose_branch_ends_goes_to_the_principal_one():
    problem = coordination()
    # Far from the principal branch, around the worse equilibrium.
    worse, outcome = settled(problem, np.array([0.99, 0.01, 0.99, 0.01]), 15.0)
    assert outcome == [STAYED]
    assert worse[0] > 0.9
    assert residual(problem, worse, 15.0) < 1e-10
    # At this precision there is no other one than that of the principal branch.
    point, outcome = settled(problem, worse, 2.0)
    game = NormalFormGame([COORDINATION, COORDINATION])
    expected = np.concatenate(pg.logit_path(game, precisions=[2.0])[-1].profile)
    assert outcome == [JUMPED]
    np.testing.assert_allclose(point, expected, atol=1e-8)
    stays, outcome = settled(problem, worse, 2.0, switching=False)
    assert outcome == [LOST]
    np.testing.assert_array_equal(stays, np.exp(np.log(worse)))


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
def test_sweeps_end_where_all_states_are_settled(form):
    problem = StochasticProblem.of(random_sparse(states=6, actions=2, seed=1), PowerObjective(0.3, form=form))
    logs, values = np.log(problem.uniform_point()), np.zeros((problem.kinds, 2, 6))
    rng = np.random.default_rng(0)
    for _ in range(600):
        change, outcome = sweep_states(
            *problem.layout,
            *problem.arrays[2:],
            problem.rewards,
            problem.shares,
            values,
            logs,
            np.zeros(problem.size),
            1.0,
            rng.permutation(6),
        )
    assert change < 1e-10
    assert not outcome.any()
    np.testing.assert_allclose(values, problem.evaluate(np.exp(logs)), rtol=1e-9)
    assert residual(problem, np.exp(logs), 1.0) < 1e-9


def test_gmres_solves_up_to_an_accuracy():
    rng = np.random.default_rng(0)
    matrix = np.eye(50) + 0.05 * rng.normal(size=(50, 50))
    right = rng.normal(size=50)
    for accuracy in (1e-2, 1e-10):
        solution = newton._gmres(lambda vector: matrix @ vector, right, accuracy)
        assert np.linalg.norm(matrix @ solution - right) <= accuracy * np.linalg.norm(right)
    assert not newton._gmres(lambda vector: matrix @ vector, np.zeros(50), 1e-6).any()


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_inexact_steps_are_nearly_exact_ones(damping, monkeypatch):
    problem = StochasticProblem.of(random_sparse(states=12, actions=2, seed=2), PowerObjective(0.3))
    point = problem.normalized(np.random.default_rng(0).uniform(0.2, 1.0, problem.size))
    values = problem.evaluate(problem.uniform_point())
    arguments = {"free": np.ones(12, dtype=bool), "logs": np.log(point), "prior": np.zeros_like(point)}
    steps = []
    for few in (1_000, 0):
        monkeypatch.setattr(newton, "LIMITS", replace(newton.LIMITS, exact_unknowns=few))
        system = newton.Linearized.at(
            problem, point, values, point > 0, precision=3.0, accuracy=1e-10, damping=damping, **arguments
        )
        steps.append(system.changes(0))
    for one, other in zip(*steps, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7 * np.abs(one).max())
    exact = newton.Linearized.at(problem, point, values, point > 0, precision=3.0, **arguments).changes(0)
    assert (np.abs(exact[1] - steps[0][1]).max() < 1e-9) == (damping == 0.0)


def test_a_path_climbs_from_a_solution_to_a_precision():
    problem = StochasticProblem.of(random_sparse(states=5, actions=2, seed=0), PowerObjective(0.1))
    start, everywhere = Found.nothing(problem, problem.uniform_point()), np.ones(5, dtype=bool)
    prior = np.zeros(problem.size)
    with search().best(problem, start) as best:
        path = Path(problem, everywhere, prior, start.point, 0.3, best)
        begin = State(np.log(start.point), np.ones(problem.size, dtype=bool), problem.evaluate(start.point), 0.0)
        low = path.climb(begin, 1.0, 50)
        high = path.climb(low, 3.0, 50)
    assert 1.0 <= low.precision < 3.0 <= high.precision
    for state in (low, high):
        assert residual(problem, state.point, state.precision) < 1e-3


@pytest.mark.parametrize(
    ("lam", "form", "players", "states"),
    [(0, "penalty", 2, 60), (0.3, "penalty", 2, 25), (0.3, "adversarial", 2, 40), (0.1, "penalty", 3, 12)],
)
def test_random_games(lam, form, players, states):
    game = random_sparse(players=players, states=states, seed=3)
    equilibrium = pg.solve(game, PowerObjective(lam, form=form), method="branch_switching")
    assert equilibrium.status is pg.Status.CONVERGED
    assert pg.certify(game, equilibrium.profile, equilibrium.objective).scaled_regret < 1e-9


def test_the_next_slice_goes_on_where_the_last_one_ended():
    problem = StochasticProblem.of(random_sparse(states=20, seed=3), PowerObjective(0.3))
    start, ours = Found.nothing(problem, problem.uniform_point()), search()
    with ours.slice(2e6):
        found = branch_switching.find(problem, start, ours)
    assert found.status is pg.Status.MAX_ITER
    position = found.onward.__self__.current.passed[-1]
    assert position.precision > 0.5
    assert residual(problem, position.point, position.precision) < 1e-8
    steps = ours.clock.steps
    found = found.onward(problem, start, ours)
    assert found.status is pg.Status.CONVERGED
    whole = branch_switching.find(problem, start, search())
    assert found.steps < whole.steps < found.steps + steps + 60


def test_supports_change_one_at_a_time():
    """From even mixing the equations of all actions have no solution in probabilities; one after the other leaves."""
    rewards = np.array([[[[3.0, 1.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.5]]]] * 2)
    problem = StochasticProblem.of(StochasticGame(rewards, np.ones((1, 3, 3, 1)), 0.5), PowerObjective(0))
    everything = np.ones(problem.size, dtype=bool)
    found = newton.pivot(problem, problem.uniform_point(), everything, search())
    assert found.status is pg.Status.CONVERGED
    assert found.regret < 1e-11
    strict = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    # At an equilibrium nothing changes.
    np.testing.assert_array_equal(newton.pivot(problem, strict, strict > 0, search()).point, strict)


def test_games_of_very_many_states_are_left_to_others():
    game = pg.load("random_sparse:states=10001,actions=1")
    with pytest.raises(InputError, match="takes too long in games of more than 10,000 states, the game has 10,001"):
        pg.solve(game, method="branch_switching")
