"""All pure stationary equilibria of stochastic games, against brute force over all pure profiles."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from stochastic_oracle import sized_game

import powergames as pg
from powergames.cli import run
from powergames.solvers.common import Options
from powergames.solvers.stochastic import elimination

OBJECTIVES = [
    pg.PowerObjective(),
    *(pg.PowerObjective(lam, form=form) for lam in ("0.1", "0.3", 1) for form in ("penalty", "adversarial")),
]


def pure_profiles(game):
    """Yield all pure profiles."""
    places = [(i, s) for i in range(game.n_players) for s in range(game.n_states)]
    for choice in itertools.product(*(range(game.n_actions[s, i]) for i, s in places)):
        profile = [np.zeros((game.n_states, game.max_actions[i])) for i in range(game.n_players)]
        for (i, s), action in zip(places, choice, strict=True):
            profile[i][s, action] = 1.0
        yield profile


def keys(profiles):
    """Return a set of pure profiles."""
    return {tuple(tuple(strategy.argmax(axis=1).tolist()) for strategy in profile) for profile in profiles}


GAMES = {
    "two states": sized_game(1, [[2, 2], [2, 2]]),
    "two states, patient": sized_game(2, [[2, 2], [2, 2]], 0.97),
    "three actions": sized_game(3, [[3, 2], [1, 2]]),
    "three states": sized_game(4, [[2, 1], [1, 2], [2, 2]]),
    "three players": sized_game(5, [[2, 2, 2], [1, 2, 1]]),
    "ties": sized_game(6, [[2, 2], [2, 1]], values=2),
    "more ties": sized_game(7, [[2, 2, 1], [2, 1, 2]], values=3),
    "one player": sized_game(8, [[2], [3], [2]]),
    "two discounts": sized_game(9, [[2, 2], [1, 2]], [0.5, 0.9]),
}


@pytest.mark.parametrize("name", GAMES)
def test_pure_equilibria_are_those_of_brute_force(name):
    game = GAMES[name]
    profiles = list(pure_profiles(game))
    for objective in OBJECTIVES if len(profiles) <= 16 else OBJECTIVES[:3]:
        found, _ = elimination.find_all(game, objective, Options())
        assert found.pure_complete
        assert found.status is pg.Status.CONVERGED
        assert all(equilibrium.converged for equilibrium in found)
        # Of brute force, those without any gain: what gains a little less than is tolerated is none.
        right = [each for each in profiles if pg.certify(game, each, objective, tol=1e-10).passed]
        assert keys(each.profile for each in found) == keys(right), objective


@pytest.mark.parametrize("aggregate", ["sum", "max", [[0, 0.5, 0], [1, 0, 0.2], [0, 0, 0]]])
def test_all_aggregates_are_known(aggregate):
    game = GAMES["three players"]
    profiles = list(pure_profiles(game))
    for form in ("penalty", "adversarial"):
        objective = pg.PowerObjective("0.4", aggregate, form)
        right = [each for each in profiles if pg.certify(game, each, objective, tol=1e-10).passed]
        assert keys(each.profile for each in elimination.find_all(game, objective, Options())[0]) == keys(right)


def test_a_game_solved_by_dominance_has_no_other_equilibrium():
    # A prisoner's dilemma whose state does not matter: defection is dominant at any λ.
    rewards = np.array([[[3.0, 0.0], [5.0, 1.0]], [[3.0, 5.0], [0.0, 1.0]]])[:, None].repeat(2, axis=1)
    game = pg.StochasticGame(rewards, np.full((2, 2, 2, 2), 0.5), 0.9)
    for objective in (pg.PowerObjective(), pg.PowerObjective("0.2", form="adversarial")):
        found = pg.solve_all(game, objective)
        assert found.complete
        (equilibrium,) = found
        assert all((strategy[:, 1] == 1.0).all() for strategy in equilibrium.profile)


def test_mixed_equilibria_may_be_missing():
    found = pg.solve_all(pg.load("dynamic_rock_paper_scissors"), pg.PowerObjective(0.3, form="adversarial"))
    assert len(found) == 0
    assert found.pure_complete
    assert not found.complete
    assert "No pure equilibrium was found. No pure one is missing" in "".join(map(str, found.blocks()))


def test_a_limit_ends_the_search():
    found = pg.solve_all(pg.load("random_stochastic:states=30,actions=3"), time_limit=0)
    assert (found.status, found.pure_complete, found.complete) == (pg.Status.TIME_LIMIT, False, False)
    assert repr(found).endswith("possibly incomplete>")


def test_hundreds_of_states_where_few_joint_actions_are_left():
    # Each player prefers one action by more than what follows can be worth, but for the last state, a stag hunt.
    rng = np.random.default_rng(0)
    n_states = 200
    rewards = rng.random((2, n_states, 2, 2)) / 10
    rewards[0, :-1, 0] += 2.0
    rewards[1, :-1, :, 0] += 2.0
    rewards[:, -1] = [[[4.0, 0.0], [3.0, 3.0]], [[4.0, 3.0], [0.0, 3.0]]]
    transitions = np.eye(n_states)[rng.integers(n_states, size=(n_states, 2, 2))]
    transitions[-1] = np.eye(n_states)[-1]
    game = pg.StochasticGame(rewards, transitions, 0.3)
    found = pg.solve_all(game, pg.PowerObjective("0.1"))
    assert found.pure_complete
    assert [each.profile[0][-1].tolist() for each in found] == [[1, 0], [0, 1]]


def test_the_command_prints_all_pure_equilibria(capsys):
    game = "commons:stock=3,most=1"
    assert run(["solve", game, "--all", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["complete"], document["pure_complete"], document["status"]) == (False, True, "CONVERGED")
    assert len(document["equilibria"]) == 4
    assert run(["solve", game, "--all"]) == 1
    assert "No pure one is missing; there may be mixed ones." in capsys.readouterr().out


def test_exact_is_refused():
    with pytest.raises(pg.InputError, match="exact: not for stochastic games"):
        pg.solve_all(pg.load("big_match"), exact=True)
