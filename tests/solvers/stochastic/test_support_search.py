"""Local search for supports: what is predicted of a change, what counts as wrong, whole games."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import powergames as pg
from powergames import InputError, PowerObjective, StochasticGame
from powergames.games.catalog.stochastic import random_sparse
from powergames.kernels.support_changes import local_systems, violations
from powergames.results import Status
from powergames.solvers.common import Options
from powergames.solvers.stochastic import newton, support_search
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Clock, Found, Search

LIMITS = support_search.LIMITS
FORMS = [(0, "penalty"), (0.3, "penalty"), (0.3, "adversarial")]


def search():
    """Begin a search without limits."""
    return Search(Options(), Clock(0))


def walk(problem, moves=0):
    """Begin a search, and make some moves."""
    ours = search()
    result = support_search._Walk(problem, problem.uniform_point())
    with ours.best(problem, Found.nothing(problem, result.start)) as best:
        result.best, result.rng = best, ours.options.rng
        result.position = result._first()
        for _ in range(moves):
            result.position = result._next(result.position)
    return result


@pytest.mark.parametrize(("lam", "form"), FORMS)
@pytest.mark.parametrize("players", [2, 3])
def test_positions_solve_the_equations_of_their_supports(lam, form, players):
    problem = StochasticProblem.of(
        random_sparse(players=players, states=12, actions=2, seed=4), PowerObjective(lam, form=form)
    )
    ours = walk(problem, moves=3)
    position = ours._solved(ours.position.point, ours.position.used, ours.position.values, exact=True)
    assert position.exact
    sums = np.add.reduceat(position.point, problem.bounds[:-1])
    np.testing.assert_allclose(sums, 1.0, atol=1e-10)
    assert not position.point[~position.used].any()
    np.testing.assert_allclose(position.values, problem.evaluate(position.point), atol=1e-8)
    gradient = problem.gradients(position.point, problem.worth(position.values))
    paid = np.where(position.used, gradient, np.nan)
    for group in np.split(paid, problem.bounds[1:-1]):
        assert np.nanmax(group) - np.nanmin(group) < 1e-9


@pytest.mark.parametrize(("lam", "form"), FORMS)
@pytest.mark.parametrize("players", [2, 3])
def test_predictions_are_steps_of_newtons_method(lam, form, players):
    game = random_sparse(players=players, states=12, actions=2, seed=2)
    problem = StochasticProblem.of(game, PowerObjective(lam, form=form))
    ours = walk(problem, moves=2)
    position = ours._solved(ours.position.point, ours.position.used, ours.position.values, exact=True)
    for state in range(0, problem.n_states, 3):
        own = problem.own(state)
        local = problem.purified(ours.rng.random(problem.size))[own]
        columns = ours._columns(position, state)
        predicted = ours._predicted(position, columns, state, local, local > 0.0, LIMITS.longest_step)
        point, used = position.point.copy(), position.used.copy()
        point[own], used[own] = local, local > 0.0
        change, change_of_values = Linearized.at(problem, point, position.values, used).changes(0)
        np.testing.assert_allclose(predicted.point, point + change, atol=1e-7)
        np.testing.assert_allclose(predicted.values, position.values + change_of_values, atol=1e-7)


@pytest.mark.parametrize(("lam", "form"), FORMS)
def test_inverses_are_kept_up_to_date(lam, form):
    """After a change of one state alone, the inverse is that of the matrix in which its lines are new."""
    problem = StochasticProblem.of(random_sparse(states=10, actions=2, seed=5), PowerObjective(lam, form=form))
    ours = walk(problem)
    position = ours._solved(ours.position.point, ours.position.used, ours.position.values, exact=True)
    own = problem.own(4)
    point, used = position.point.copy(), position.used.copy()
    point[own] = problem.purified(ours.rng.random(problem.size))[own]
    used[own] = point[own] > 0.0
    changed = ours._position(point, used, position.values)
    updated = ours._updated(position, changed, 4)
    _, (matrix, *_) = newton.system(problem, point, used, position.worth, dense=True)
    np.testing.assert_allclose(ours._lines(changed, np.arange(problem.n_states)), matrix, atol=1e-12)
    np.testing.assert_allclose([updated.times(line) for line in matrix.T], np.eye(len(matrix)), atol=1e-6)


@pytest.mark.parametrize(("players", "states", "actions", "seed"), [(2, 10, 3, 2), (3, 8, 2, 6)])
def test_supports_need_not_be_those_of_an_equilibrium_of_the_state_alone(players, states, actions, seed):
    """Who mixes alone in a state is made indifferent there by others, in other states."""
    game = random_sparse(players=players, states=states, actions=actions, seed=seed)
    problem = StochasticProblem.of(game, PowerObjective(0))
    equilibrium = pg.solve(game, 0, method="logit")
    assert equilibrium.converged
    sizes = np.array([(np.asarray(own) > 0).sum(axis=1) for own in equilibrium.profile])
    # Where one player is indifferent between more actions than all others together make it, generically.
    alone = np.flatnonzero(2 * (sizes - 1).max(axis=0) > (sizes - 1).sum(axis=0))
    assert len(alone)
    used = problem.point_of(equilibrium.profile) > 0.0
    ours = walk(problem)
    near = problem.normalized(problem.point_of(equilibrium.profile) + 0.01 * used * ours.rng.random(problem.size))
    position = ours._solved(near, used, problem.evaluate(near), exact=True)
    assert position.count == 0
    assert pg.certify(game, problem.profile(position.point)).scaled_regret < 1e-12


def test_alternatives_are_equilibria_of_the_state_and_single_actions():
    """Where player 0 would rather do something else, this comes into use; a negative probability leaves."""
    rewards = np.array([[[[1.0, 0.0], [0.5, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    problem = StochasticProblem.of(StochasticGame(rewards, np.ones((1, 2, 2, 1)), 0.5), PowerObjective(0))
    ours = walk(problem)
    used = np.array([False, True, True, True])
    position = ours._position(np.array([0.0, 1.0, 1.5, -0.5]), used, problem.evaluate(problem.uniform_point()))
    single = [other.tolist() for _, other, _ in ours._neighbours(position, 0)]
    assert single == [[True, True, True, True], [False, True, True, False]]
    found = [other.tolist() for _, other, _ in ours._alternatives(position, np.array([0]))[0]]
    assert found[-2:] == single


def test_wrong_are_negative_probabilities_and_better_actions():
    """Two states in which one player has two actions, and nothing follows."""
    rewards = np.array([[[[1.0], [0.5]], [[1.0], [0.5]], [[1.0], [1.0]]]])
    rewards = np.concatenate([rewards, np.zeros_like(rewards)])
    transitions = np.broadcast_to(np.eye(3)[:, None, None], (3, 2, 1, 3))
    problem = StochasticProblem.of(StochasticGame(rewards, transitions, 0.0), PowerObjective(0))
    point = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.5, -0.5, 1.0])
    used = np.array([True, False, True, False, True, True, True, True, True])
    worth = problem.worth(np.zeros((1, 2, 3)))
    gradient = local_systems(*problem.layout, *worth, point, used, False)[-1]
    wrong, amount = violations(
        problem.n_actions, problem.point_starts, problem.egos, problem.takes, point, used, gradient, 1e-9, 1e-10
    )
    assert wrong.tolist() == [False, True, True]
    # A gain of 1/2 counts five times, a probability of -1/2 once; rewards of this player have range 1/2.
    assert amount == pytest.approx(5.0 * 1.0 + 0.5)


@pytest.mark.parametrize(
    ("lam", "form", "players", "states"),
    [(0, "penalty", 2, 100), (0.3, "penalty", 2, 40), (0.3, "adversarial", 2, 60), (0.1, "penalty", 3, 15)],
)
def test_random_games(lam, form, players, states):
    game = random_sparse(players=players, states=states, seed=3)
    equilibrium = pg.solve(game, PowerObjective(lam, form=form), method="support_search")
    assert equilibrium.status is Status.CONVERGED
    assert equilibrium.method == "support_search"
    assert pg.certify(game, equilibrium.profile, equilibrium.objective).scaled_regret < 1e-9


def test_the_next_slice_goes_on_where_the_last_one_ended(monkeypatch):
    monkeypatch.setattr(support_search, "LIMITS", replace(LIMITS, responses=(3,)))
    problem = StochasticProblem.of(random_sparse(states=60, seed=3), PowerObjective(0.3))
    start, ours = Found.nothing(problem, problem.uniform_point()), search()
    with ours.slice(1e6):
        found = support_search.find(problem, start, ours)
    assert found.status is Status.MAX_ITER
    moves = found.onward.__self__.moves
    assert moves > 0
    found = found.onward(problem, start, ours)
    assert found.status is Status.CONVERGED
    assert found.onward.__self__.moves > moves


def test_the_search_ends_where_nothing_is_found(monkeypatch):
    """Matching pennies without the only support that it has: no state is ever right."""
    monkeypatch.setattr(support_search._Walk, "_equilibria", lambda *_, near: np.array([1.0, 0.0, 1.0, 0.0]))
    monkeypatch.setattr(support_search, "stage_equilibria", lambda *_, **__: np.array([1.0, 0.0, 1.0, 0.0]))
    monkeypatch.setattr(support_search.newton, "finish", lambda problem, point, *_: Found.nothing(problem, point))
    pennies = np.array([[[[1.0, -1.0], [-1.0, 1.0]]], [[[-1.0, 1.0], [1.0, -1.0]]]])
    problem = StochasticProblem.of(StochasticGame(pennies, np.ones((1, 2, 2, 1)), 0.5), PowerObjective(0))
    found = support_search.find(problem, Found.nothing(problem, problem.uniform_point()), search())
    assert found.status is Status.STALLED
    assert found.regret > 0.1


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_degenerate_games(scale):
    """One state, one action, equal payoffs, duplicate actions: there is something to be found at once."""
    for rewards in (np.zeros((2, 1, 1, 1)), np.ones((2, 3, 2, 2)), np.ones((3, 2, 1, 2, 1))):
        n_states = rewards.shape[1]
        transitions = np.full((*rewards.shape[1:], n_states), 1.0 / n_states)
        game = StochasticGame(scale * rewards, transitions, 0.9)
        for lam, form in FORMS:
            assert pg.solve(game, PowerObjective(lam, form=form), method="support_search").converged


def test_large_games_are_left_to_others():
    game = pg.load(f"random_sparse:states={LIMITS.unknowns},actions=1")
    with pytest.raises(InputError, match=r"is for games of up to .* values of states and players, this one has"):
        pg.solve(game, method="support_search")
