"""Values, power and deviations in stochastic games, computed slowly and straight from their definitions."""

from __future__ import annotations

import itertools

import numpy as np

from powergames.games.stochastic import StochasticGame

MATRIX = np.array([[0.0, 0.4, 0.1], [0.3, 0.0, 0.0], [0.2, 0.5, 0.0]])


def random_game(n_actions, seed=0, discount=0.8, sparse=False):
    """A random game with the given numbers of actions [state, player], and a random profile that mixes and does not."""
    rng = np.random.default_rng(seed)
    n_actions = np.array(n_actions)
    n_states, n = n_actions.shape
    n_rows = int(n_actions.prod(axis=1).sum())
    transitions = rng.dirichlet(np.ones(n_states), size=n_rows)
    if sparse:
        transitions = np.eye(n_states)[rng.integers(n_states, size=n_rows)]
    game = StochasticGame.from_rows(n_actions, rng.normal(size=(n, n_rows)), transitions, discount)
    profile = []
    for i in range(n):
        strategy = np.zeros((n_states, n_actions[:, i].max()))
        for s in range(n_states):
            size = n_actions[s, i]
            strategy[s, :size] = rng.dirichlet(np.ones(size)) if rng.random() < 0.7 else np.eye(size)[0]
        profile.append(strategy)
    return game, profile


def sized_game(seed, sizes, discount=0.8, values=None):
    """Return a random game; ``sizes[s][i]`` is the number of actions of player `i` in state `s`.

    With `values`, rewards are drawn from so many integers and transitions are deterministic, so that there are ties.
    """
    rng = np.random.default_rng(seed)
    n_actions = np.array(sizes)
    n_states, n_players = n_actions.shape
    rows = int(n_actions.prod(axis=1).sum())
    if values is None:
        rewards, transitions = rng.random((n_players, rows)), rng.dirichlet(np.full(n_states, 0.4), size=rows)
    else:
        rewards = rng.integers(values, size=(n_players, rows)).astype(float)
        transitions = np.eye(n_states)[rng.integers(n_states, size=rows)]
    return StochasticGame.from_rows(n_actions, rewards, transitions, discount)


def matrix(game):
    """Transitions as a dense matrix."""
    dense = np.zeros((len(game.indptr) - 1, game.n_states))
    for row in range(len(dense)):
        for k in range(game.indptr[row], game.indptr[row + 1]):
            dense[row, game.indices[k]] += game.data[k]
    return dense


def joint_actions(game, state):
    """Rows of a state, with their joint actions."""
    joints = itertools.product(*(range(count) for count in game.n_actions[state]))
    return list(enumerate(joints, start=int(game.row_starts[state])))


def row_probabilities(game, profile, state, taken=None):
    """Probability of each row of the game, zero outside of a state; player `taken[0]` plays action `taken[1]`."""
    result = np.zeros(len(game.indptr) - 1)
    for row, joint in joint_actions(game, state):
        probability = 1.0
        for k, action in enumerate(joint):
            if taken is not None and taken[0] == k:
                probability *= action == taken[1]
            else:
                probability *= profile[k][state, action]
        result[row] = probability
    return result


def plain_values(game, rewards, weights, discount):
    """Discounted sum of expected rewards, added up step by step; `weights[s]` are the probabilities of the rows."""
    step, reward = weights @ matrix(game), weights @ rewards
    total, term = np.zeros(game.n_states), reward
    while np.abs(term).max() > 1e-16:
        total = total + term
        term = discount * step @ term
    return total


def plain_power(game, profile, task):
    """Power from its definition, ``[s, i, j]``."""
    power = np.zeros((game.n_states, game.n_players, game.n_players))
    for s, i, j in itertools.product(range(game.n_states), range(game.n_players), range(game.n_players)):
        if i != j:
            q = game.rewards[i] + game.discounts[i] * matrix(game) @ task[i]
            least = min(row_probabilities(game, profile, s, (j, a)) @ q for a in range(game.n_actions[s, j]))
            power[s, i, j] = task[i, s] - least
    return power


def plain_task(game, profile):
    weights = np.array([row_probabilities(game, profile, s) for s in range(game.n_states)])
    return np.array([plain_values(game, game.rewards[i], weights, game.discounts[i]) for i in range(game.n_players)])


def plain_utility(game, profile, objective):
    """Regularized values: the penalty along the path, or the least over all stationary policies of the adversaries."""
    task, weights = plain_task(game, profile), [row_probabilities(game, profile, s) for s in range(game.n_states)]
    power = plain_power(game, profile, task)
    utility = task.copy()
    for i in range(game.n_players):
        if objective.form == "penalty":
            charges = np.array([objective.aggregate_power(power[s])[i] for s in range(game.n_states)])
            step, total, term = np.array(weights) @ matrix(game), np.zeros(game.n_states), charges
            while np.abs(term).max() > 1e-16:
                total, term = total + term, game.discounts[i] * step @ term
            utility[i] = task[i] - objective.lam * total
            continue
        utility[i] = np.inf
        for policy in itertools.product(*(takeovers(game, objective, i, s) for s in range(game.n_states))):
            mixed = np.array([
                (1 - objective.lam * sum(w for w, _ in taken)) * weights[s]
                + objective.lam * sum(w * row_probabilities(game, profile, s, t) for w, t in taken)
                for s, taken in enumerate(policy)
            ])  # fmt: skip
            utility[i] = np.minimum(utility[i], plain_values(game, game.rewards[i], mixed, game.discounts[i]))
    return utility


def takeovers(game, objective, i, s):
    """All joint choices of player `i`'s adversaries in a state, each a tuple of (weight, (co-player, action))."""
    others = [j for j in range(game.n_players) if j != i]
    if isinstance(objective.aggregate, str) and objective.aggregate == "max":
        return [((1.0, (j, a)),) for j in others for a in range(game.n_actions[s, j])] or [()]
    weights = objective.weights(game.n_players)[i]
    options = [[(weights[j], (j, a)) for a in range(game.n_actions[s, j])] for j in others]
    return list(itertools.product(*options))


GAMES = {
    "two players": random_game([[2, 3], [3, 2], [1, 1]]),
    "three players": random_game([[2, 2, 2], [1, 3, 1]], seed=1, discount=[0.9, 0.5, 0.0]),
    "one player": random_game([[3], [2]], seed=2),
    "sparse": random_game([[2, 2], [2, 1], [1, 2], [1, 1]], seed=3, discount=[0.9, 0.7], sparse=True),
}


def adversaries(objective, i, n):
    """Weights times λ, and co-players, of player `i`'s adversaries."""
    others = [j for j in range(n) if j != i]
    if not objective.lam or not others:
        return []
    if isinstance(objective.aggregate, str) and objective.aggregate == "max":
        return [(objective.lam, others)]
    return [(objective.lam * objective.weights(n)[i, j], [j]) for j in others if objective.weights(n)[i, j]]


def stage(game, objective, profile, i, s, task_values, values):
    """Player `i`'s problem in state `s`: values per own action, and (weight, values [own action, takeover])."""
    own = range(game.n_actions[s, i])

    def expected(q, a, taken=None):
        forced = [np.array(x) for x in profile]
        forced[i][s] = np.eye(forced[i].shape[1])[a]
        return row_probabilities(game, forced, s, taken) @ q

    blocks = []
    for weight, players in adversaries(objective, i, game.n_players):
        columns = [(j, b) for j in players for b in range(game.n_actions[s, j])]
        blocks.append((weight, np.array([[expected(task_values, a, taken) for taken in columns] for a in own])))
    total = sum(weight for weight, _ in blocks)
    linear = np.array([expected(values, a) - total * expected(task_values, a) for a in own])
    return linear, blocks
