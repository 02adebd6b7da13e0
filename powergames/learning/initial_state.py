"""What a run starts from: a simulator of the game, the adversaries of an objective, and learners that know nothing."""

from __future__ import annotations

import math

import numpy as np

from powergames.games.memory import check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen, read_only
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import AnyProfile, TimedProfile, TimedStrategy
from powergames.kernels.learning import (
    AVERAGE,
    GREATEST,
    LEAST,
    LOGIT,
    POLICY,
    Learners,
    Rivals,
    Simulator,
    Workspace,
    seed_generator,
)
from powergames.objectives import PowerObjective

# Spread of the first logits, so that no two learners begin alike.
SPREAD = 0.5


def simulator_of(game: NormalFormGame | StochasticGame) -> Simulator:
    """Return what samples of a game are drawn from; a normal-form game is one state that nothing follows.

    Examples
    --------
    >>> simulator_of(NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])).rewards
    array([[4., 0., 3., 3.],
           [4., 3., 0., 3.]])
    """
    return Simulator(*map(read_only, _simulator(game)))


def _simulator(game: NormalFormGame | StochasticGame) -> Simulator:
    if isinstance(game, NormalFormGame):
        rewards = np.ascontiguousarray(game.payoffs, dtype=np.float64).reshape(game.n_players, -1)
        n_rows = rewards.shape[1]
        return Simulator(
            n_actions=np.array([game.n_actions], dtype=np.int64),
            row_starts=np.array([0, n_rows]),
            rewards=rewards,
            discounts=np.zeros(game.n_players),
            indptr=np.arange(n_rows + 1),
            indices=np.zeros(n_rows, dtype=np.int64),
            cumulative=np.ones(n_rows),
            starts=np.ones(1),
        )
    sums = np.cumsum(game.data)
    before = np.concatenate([[0.0], sums])[game.indptr[:-1]]
    return Simulator(
        n_actions=game.n_actions,
        row_starts=game.row_starts,
        rewards=game.rewards,
        discounts=game.discounts,
        indptr=game.indptr.astype(np.int64),
        indices=game.indices.astype(np.int64),
        cumulative=sums - np.repeat(before, np.diff(game.indptr)),
        starts=np.cumsum(game.start),
    )


def rivals_of(objective: PowerObjective, n_actions: np.ndarray) -> Rivals:
    """Return the adversaries of all players in one list; takeovers are padded to the most actions of each co-player.

    Parameters
    ----------
    objective : PowerObjective
    n_actions : ndarray, shape (S, n)

    Examples
    --------
    >>> rivals_of(PowerObjective(0.5, "max"), np.array([[2, 3, 4]])).offsets
    array([[-1,  0,  3],
           [ 0, -1,  2],
           [ 0,  2, -1]])
    """
    widths = n_actions.max(axis=0)
    owned = objective.adversaries(len(widths))
    adversaries = [adversary for own in owned for adversary in own]
    offsets = np.full((len(adversaries), len(widths)), -1, dtype=np.int64)
    for row, adversary in zip(offsets, adversaries, strict=True):
        co_players = list(adversary.players)
        row[co_players] = np.cumsum([0, *widths[co_players][:-1]])
    return Rivals(
        first=np.cumsum([0, *(len(own) for own in owned)]),
        shares=np.array([float(adversary.charge) for adversary in adversaries]),
        offsets=offsets,
    )


def learners_of(simulator: Simulator, rivals: Rivals, seed: int, horizon: int | None = None) -> Learners:
    """Return learners before the first step, with random policies."""
    steps = horizon or 1
    widths = simulator.n_actions.max(axis=0)
    n_places, n_players = steps * len(simulator.n_actions), len(widths)
    takeovers = np.where(rivals.offsets >= 0, rivals.offsets + widths, 0)
    most = int(max(widths.max(), takeovers.max(initial=0)))
    shape = (n_places, n_players + len(rivals.shares), 4, most)
    n_rows = steps * simulator.rewards.shape[1]
    check_memory(8 * (math.prod(shape) + 3 * n_players * n_rows), f"learners of shape {shape}")
    n_actions = np.tile(simulator.n_actions, (steps, 1))
    exists = np.zeros((*shape[:2], most), dtype=bool)
    exists[:, :n_players] = np.arange(most) < n_actions[:, :, None]
    for rival, offsets in enumerate(rivals.offsets):
        for j in np.flatnonzero(offsets >= 0):
            actions = np.arange(widths[j])
            exists[:, n_players + rival, offsets[j] + actions] = actions < n_actions[:, j, None]
    logits = np.zeros(exists.shape)
    first = np.random.default_rng(seed).normal(scale=SPREAD, size=(n_places, n_players, int(widths.max())))
    logits[:, :n_players, : first.shape[2]] = first
    logits[~exists] = -np.inf
    policies = np.exp(logits - logits.max(axis=2, keepdims=True))
    policies /= policies.sum(axis=2, keepdims=True)
    deciders = np.zeros(shape)
    deciders[:, :, LOGIT] = logits
    deciders[:, :, POLICY] = deciders[:, :, AVERAGE] = policies
    rewards = np.zeros((n_players, 4))
    rewards[:, LEAST], rewards[:, GREATEST] = np.inf, -np.inf
    generator = np.zeros(4, dtype=np.uint64)
    seed_generator(np.uint64(seed), generator)
    return Learners(
        deciders=deciders,
        critics=np.zeros((n_players, 3, n_rows)),
        visits=np.zeros((n_places, n_players)),
        rewards=rewards,
        streams=np.full((n_players, 2), -2, dtype=np.int64),
        generator=generator,
        clock=np.zeros(1, dtype=np.int64),
    )


def workspace_of(learners: Learners) -> Workspace:
    """Return the room that learners need to compute in."""
    most, n_players = learners.deciders.shape[3], len(learners.rewards)
    tables = np.zeros((n_players, most, most))
    return Workspace(np.zeros(n_players, dtype=np.int64), np.zeros((3, most)), tables)


def learned_policies(
    game: NormalFormGame | StochasticGame, simulator: Simulator, learners: Learners, horizon: int | None = None
) -> AnyProfile:
    """Return the average policies: shape (S, A_i), (T, S, A_i) or, of a normal-form game, (A_i,) per player."""
    strategies = [
        learners.deciders[:, player, AVERAGE, :width]
        for player, width in enumerate(simulator.n_actions.max(axis=0).tolist())
    ]
    if isinstance(game, NormalFormGame):
        strategies = [strategy[0] for strategy in strategies]
    policies = tuple(frozen(strategy / strategy.sum(axis=-1, keepdims=True)) for strategy in strategies)
    return policies if horizon is None else over_time(policies, horizon)


def over_time(policies: Profile, horizon: int) -> TimedProfile:
    """Return policies in places, shape (T * S, A_i), as strategies over time."""
    return tuple(TimedStrategy.of(policy.reshape(horizon, -1, policy.shape[1]), horizon) for policy in policies)
