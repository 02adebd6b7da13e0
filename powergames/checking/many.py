"""Certificates of many games of the same shape at once: bounds on regret as in `powergames.checking.normal_form`.

The gain of the best mixed deviation of each player is bounded from above by weak duality, with strategies of the
player's adversaries that somebody claims, or else spread evenly over the worst takeovers. The bound holds whatever is
claimed; where a claim is bad it is too high, and only one game at a time has a linear program to lower it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from powergames.checking.growing_programs import ROUNDING
from powergames.games.profiles import Profile
from powergames.numerics.contractions import averaged, products
from powergames.objectives import PowerObjective


def bound_regrets(
    payoffs: np.ndarray,
    profiles: Profile,
    objective: PowerObjective,
    witness: Sequence[Sequence[np.ndarray]] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Bound how much each player of each game could gain by any mixed deviation.

    Parameters
    ----------
    payoffs : ndarray of float64, shape (B, n, A_0, ..., A_{n-1})
        ``payoffs[b, i]`` is the payoff tensor of player `i` in game `b`, finite and of finite range.
    profiles : tuple of ndarray
        ``profiles[i][b]``, shape (A_i,), is the strategy of player `i` in game `b`.
    objective : PowerObjective
    witness : sequence of sequences of ndarray, optional
        ``witness[i][k][b]`` is a mixed strategy over the takeovers of player `i`'s adversary `k` in game `b`.

    Returns
    -------
    regrets : ndarray, shape (B, n)
        In payoff units.
    scaled : ndarray, shape (B, n)
        Relative to the range of the player's payoffs in the game; infinite where a strategy is none.

    Examples
    --------
    >>> stag_hunt = np.array([[[[4.0, 0.0], [3.0, 3.0]], [[4.0, 3.0], [0.0, 3.0]]]])
    >>> bound_regrets(stag_hunt, (np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])), PowerObjective(0.5))[0]
    array([[1., 1.]])
    """
    n_players = payoffs.shape[1]
    scaled, scales = np.empty(payoffs.shape[:2]), np.empty(payoffs.shape[:2])
    axes = tuple(range(1, payoffs.ndim - 1))
    for i, own in enumerate(objective.adversaries(n_players)):
        tensor = payoffs[:, i]
        least = tensor.min(axis=axes, keepdims=True)
        spread = tensor.max(axis=axes, keepdims=True) - least
        unit = np.where(spread > 0.0, spread, 1.0)
        scales[:, i] = unit.reshape(-1)
        tensor = (tensor - least) / unit
        if not own:
            values = averaged(tensor, profiles, i)
            scaled[:, i] = values.max(axis=1) - products(values, profiles[i])
            continue
        tables = {j: averaged(tensor, profiles, i, j) for j in range(n_players) if j != i}
        weights = [objective.lam * float(adversary.weight) for adversary in own]
        other = next(iter(tables))
        bound = (1.0 - sum(weights)) * np.einsum("bij,bj->bi", tables[other], profiles[other])
        current = products(bound, profiles[i])
        for k, (weight, adversary) in enumerate(zip(weights, own, strict=True)):
            block = np.concatenate([tables[j] for j in adversary.players], axis=2)
            left = np.einsum("bij,bi->bj", block, profiles[i])
            least = left.min(axis=1, keepdims=True)
            current += weight * least[:, 0]
            response = (left <= least + ROUNDING).astype(float) if witness is None else witness[i][k].clip(0.0)
            with np.errstate(invalid="ignore"):
                response = response / response.sum(axis=1, keepdims=True)
            bound += weight * np.einsum("bij,bj->bi", block, response)
        scaled[:, i] = bound.max(axis=1) - current
    # Comparisons with NaN are false, so that what is no strategy does not pass for one.
    scaled = np.where(scaled >= 0.0, scaled, np.where(scaled < 0.0, 0.0, np.inf))
    for strategy in profiles:
        valid = (strategy >= 0.0).all(axis=1) & (np.abs(strategy.sum(axis=1) - 1.0) <= 1e-9)
        scaled[~valid] = np.inf
    return scaled * scales, scaled
