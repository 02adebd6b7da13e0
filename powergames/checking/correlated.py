"""Whether recommendations are a correlated equilibrium: what each player and each adversary gains by disobeying.

A mediator draws a joint action, and tells each player its own part. An adversary of player `i` that takes over player
`j` sees what `j` is told, and the mediator tells it which action to play instead, drawn with probabilities that depend
on the joint action. Everybody knows the probabilities, and nobody knows what others are told. Everything here is plain
NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from powergames.checking.certificate import Certificate
from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective

# takeovers[i][k][a_0, ..., a_{n-1}, b]: the probability, given the joint action, that adversary k of player i is told
# to play action b for the co-player that it takes over.
Takeovers = Sequence[Sequence[np.ndarray]]


def after_takeover(tensor: np.ndarray, player: int) -> np.ndarray:
    """Return what a payoff becomes when a player is taken over and plays another action.

    Parameters
    ----------
    tensor : ndarray, shape (A_0, ..., A_{n-1})
    player : int

    Returns
    -------
    ndarray, shape (A_0, ..., A_{n-1}, A_player)
        The last axis is the other action. A view.

    Examples
    --------
    >>> after_takeover(np.array([[4, 0], [3, 3]]), 1)[0, 1]
    array([4, 0])
    """
    after = np.expand_dims(np.moveaxis(tensor, player, -1), player)
    return np.broadcast_to(after, (*tensor.shape, tensor.shape[player]))


def certify_correlated(
    game: NormalFormGame,
    probabilities: np.ndarray,
    takeovers: Takeovers,
    objective: PowerObjective,
    *,
    coarse: bool,
    tol: float = 1e-8,
) -> Certificate:
    """Bound what anybody gains by disobeying the mediator.

    Parameters
    ----------
    game : NormalFormGame
    probabilities : ndarray, shape (A_0, ..., A_{n-1})
        The probability of each joint action.
    takeovers : sequence of sequences of ndarray
        ``takeovers[i][k][a_0, ..., a_{n-1}, b]``, shape (A_0, ..., A_{n-1}, A_j), the probability, given the joint
        action, that adversary `k` of player `i` is told to play action `b` for the co-player `j` that it takes over.
    objective : PowerObjective
        Each of its adversaries takes over one co-player.
    coarse : bool
        Whether to consider only those who decide before they are told anything: players to play one action in any
        case, and adversaries too, or else what the co-player is told.
    tol : float
        Greatest regret, relative to the payoff range, that passes.

    Returns
    -------
    Certificate
        ``regrets[i]`` is the greatest of what player `i` gains by the best reaction to each recommendation, and of what
        each adversary of `i` takes more from it by the best reaction.

    Examples
    --------
    >>> import powergames as pg
    >>> chicken = pg.load("chicken")
    >>> both_swerve = np.array([[1.0, 0.0], [0.0, 0.0]])
    >>> certify_correlated(chicken, both_swerve, [(), ()], pg.PowerObjective(), coarse=False).passed
    False
    """
    n_players = game.n_players
    scaled = np.empty(n_players)
    for i, own in enumerate(objective.adversaries(n_players)):
        tensor = (game.payoffs[i] - game.payoff_min[i]) / game.payoff_scale[i]
        weights = [float(adversary.charge) for adversary in own]
        # gains[a, b]: what the player gets for playing b when told a, times the probability of being told so.
        gains = (1.0 - sum(weights)) * _swapped(probabilities, tensor, i)
        worst = 0.0
        for weight, adversary, told in zip(weights, own, takeovers[i], strict=True):
            (j,) = adversary.players
            after = after_takeover(tensor, j)
            joint = probabilities[..., None] * told
            gains += weight * _swapped(joint, after, i)
            worst = max(worst, _regret_of_adversary(joint, after, j, coarse))
        scaled[i] = max(_regret(gains, coarse), worst)
    if not _is_distribution(probabilities, np.ones(())) or not all(
        _is_distribution(told, np.ones(probabilities.shape)) for own in takeovers for told in own
    ):
        scaled[:] = np.inf
    return Certificate(scaled * game.payoff_scale, scaled, tol, deviations="coarse" if coarse else "swap")


def _swapped(joint: np.ndarray, payoffs: np.ndarray, player: int) -> np.ndarray:
    """Return ``[told, played]``, the payoff for each action played at each recommendation, times its probability."""
    size = joint.shape[player]
    told = np.moveaxis(joint, player, 0).reshape(size, -1)
    return np.asarray(told @ np.moveaxis(payoffs, player, 0).reshape(size, -1).T)


def _regret(values: np.ndarray, coarse: bool) -> float:
    obeyed = np.trace(values)
    best = values.sum(axis=0).max() if coarse else values.max(axis=1).sum()
    return max(float(best - obeyed), 0.0)


def _regret_of_adversary(joint: np.ndarray, after: np.ndarray, j: int, coarse: bool) -> float:
    """Return how much more an adversary could take that takes over player `j`."""
    size = after.shape[j]
    told, left = (np.moveaxis(values, j, 0).reshape(size, -1, size) for values in (joint, after))
    # What is left for each action that j is told, that the adversary is told, and that it plays.
    values = np.einsum("crb,crd->cbd", told, left)
    obeyed = np.einsum("cbb->", values)
    if coarse:
        return max(float(obeyed - min(values.sum(axis=(0, 1)).min(), np.einsum("cbc->", values))), 0.0)
    return max(float(obeyed - values.min(axis=2).sum()), 0.0)


def _is_distribution(probabilities: np.ndarray, totals: np.ndarray) -> bool:
    axes = tuple(range(totals.ndim, probabilities.ndim))
    return bool((probabilities >= 0.0).all() and (np.abs(probabilities.sum(axis=axes) - totals) <= 1e-9).all())
