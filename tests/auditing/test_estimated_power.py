"""Power from recorded play and a critic, against the exact power of a small game; and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import powergames as pg

GAME = pg.load("random_stochastic:players=3,states=3,actions=2,seed=2").with_discount(0.5)
PROFILE = [np.array(own) for own in ([[0.4, 0.6], [0.7, 0.3], [0.5, 0.5]], [[0.5, 0.5]] * 3, [[0.3, 0.7]] * 3)]
POLICIES = {name: (lambda seen, own=own: seen @ own) for name, own in zip(GAME.players, PROFILE, strict=True)}


def played(count, steps=20, seed=0):
    """Play episodes from the game's own tables; all see the state, as one number of three that is 1."""
    rng, episodes = np.random.default_rng(seed), []
    rows = np.zeros((len(GAME.indptr) - 1, 3))
    rows[np.repeat(np.arange(len(rows)), np.diff(GAME.indptr)), GAME.indices] = GAME.data
    for _ in range(count):
        state, own = rng.choice(3, p=GAME.start), []
        for _ in range(steps):
            joint = [int(rng.random() < policy[state, 1]) for policy in PROFILE]
            row = GAME.row_starts[state] + np.ravel_multi_index(joint, (2, 2, 2))
            parts = np.eye(3)[[state] * 3], joint, GAME.rewards[:, row]
            own.append((*(dict(zip(GAME.players, part, strict=True)) for part in parts), False))
            state = rng.choice(3, p=rows[row])
        episodes.append(own)
    return episodes


EPISODES = played(80)
EXACT = pg.evaluate(GAME, PROFILE).average_power
SCALE = GAME.value_scale.max()


def test_fitted_where_features_tell_states_apart():
    found = pg.estimated_power(EPISODES, POLICIES, discount=0.5)
    # The critic is exact with enough play; what is left is chance, and what `ridge` takes off.
    assert np.abs(found.mean - EXACT).max() < 0.03 * SCALE
    assert ((found.low <= EXACT) & (found.high >= EXACT)).mean() >= 8 / 9
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()
    assert not np.diagonal(found.mean).any()
    assert "without guarantee" in found.to_dict()["guarantee"]


def test_a_critic_that_is_right_gives_the_power_of_the_states_seen():
    evaluation = pg.evaluate(GAME, PROFILE)
    rows = np.zeros((len(GAME.indptr) - 1, 3))
    rows[np.repeat(np.arange(len(rows)), np.diff(GAME.indptr)), GAME.indices] = GAME.data
    worth = GAME.rewards + 0.5 * evaluation.task @ rows.T

    def critic(agent, seen, actions):
        joint = np.ravel_multi_index(list(actions.values()), (2, 2, 2))
        return worth[GAME.players.index(agent), GAME.row_starts[int(np.argmax(seen[agent]))] + joint]

    found = pg.estimated_power(EPISODES, POLICIES, critic, discount=0.5)
    assert found.critic is critic
    assert np.abs(found.mean - EXACT).max() < 0.01 * SCALE
    assert ((found.low <= EXACT) & (found.high >= EXACT)).mean() >= 8 / 9


def test_time_after_the_end_counts_as_free_of_power():
    games = pg.load("stag_hunt")
    half = [lambda seen: np.array([0.5, 0.5])] * 2

    def critic(agent, seen, actions):
        return float(games.payoffs[(games.players.index(agent), *actions.values())])

    def once(over):
        step = ({a: [0.0] for a in games.players}, dict.fromkeys(games.players, 0), dict.fromkeys(games.players, 4.0))
        return pg.estimated_power([[(*step, over)]] * 2, half, critic, discount=0.75).mean

    table = pg.power_table(games, games.uniform_profile()).power
    assert once(False) == pytest.approx(table)
    assert once(dict.fromkeys(games.players, True)) == pytest.approx(table / 4)


@pytest.mark.usefixtures("pettingzoo")
def test_the_fitted_critic_serves_the_wrappers():
    found = pg.estimated_power(EPISODES[:10], POLICIES, discount=0.5)
    env = pg.wrappers.PowerCharge(pg.to_pettingzoo(GAME), found.critic, 0.3, POLICIES)
    env.reset(seed=0)
    infos = env.step(dict.fromkeys(GAME.players, 0))[4]
    assert all(np.isfinite(info["charge"]) for info in infos.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"discount": 1.0}, "discount: got 1.0"),
        ({"level": 95}, "level: got 95"),
        ({"ridge": 0}, "ridge: got 0"),
        ({"critic": 3}, "critic: got int"),
        ({"critic": lambda *_: np.nan}, "critic: some of its values are not finite"),
        ({"episodes": []}, "episodes: got 0; give at least two"),
        ({"episodes": [[(1, 2, 3)]]}, "episodes: number 0 has no steps"),
        ({"episodes": EPISODES[:1]}, "episodes: got 1; give at least two"),
        ({"episodes": [[(1, 2, 3, False)]]}, "episodes: number 0 has no steps"),
        ({"episodes": [EPISODES[0][:3]] * 2}, "cut off too early"),
        ({"seed": -1}, "seed: got -1"),
        ({"features": lambda agent, seen: np.ones(1 + (agent == GAME.players[0]))}, "more numbers than others"),
        ({"policies": {**POLICIES, GAME.players[0]: lambda seen: 1}}, "give probabilities of all actions"),
        ({"policies": {**POLICIES, GAME.players[0]: lambda seen: np.array([1.0])}}, "has probabilities for 1"),
        ({"policies": {**POLICIES, GAME.players[0]: lambda seen: np.array([1.0, 1.0])}}, "must sum to 1"),
        ({"features": lambda agent, seen: "red"}, "is no array of numbers"),
    ],
)
def test_refuses(change, message):
    given = {"episodes": EPISODES[:4], "policies": POLICIES, "discount": 0.5} | change
    with pytest.raises(pg.InputError, match=message):
        pg.estimated_power(given.pop("episodes"), given.pop("policies"), given.pop("critic", None), **given)
