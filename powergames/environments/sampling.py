"""Samples of play: episodes of a profile, and of one player leaving it, all under the same luck.

A sampler plays episodes by number: the seed of an episode decides all that is drawn in it, so that two ways to act can
be compared under the same luck, and results do not depend on how episodes are split among workers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.numerics.digests import digest

# An episode without a horizon is played in full until what is left weighs so little, and then ends at random.
REST = 0.01


class Leave(NamedTuple):
    """How one player leaves the profile.

    Attributes
    ----------
    player : int
        Who; -1 for nobody.
    mode : {"action", "uniform", "table"}
        Keeps to one action, where it exists; draws any; or does what a table says.
    argument : int
        The action kept to.
    limit : int or None
        For how many steps; None for ever.
    table : ndarray of int64, shape (K, S + 1), or None
        ``table[t, s]``, the action at step `t` in a state whose key has number `s`, or in any other one last. The last
        row is for all later steps.
    keys : mapping or None
        Numbers of the keys of states.
    chance : float
        With which the table is not used, and any action drawn.
    own : bool
        Whether the keys are those of what the player itself observes, and not of the state.
    """

    player: int = -1
    mode: str = "action"
    argument: int = 0
    limit: int | None = None
    table: np.ndarray | None = None
    keys: Mapping[Any, int] | None = None
    chance: float = 0.0
    own: bool = False

    def choice(self, key: Any, step: int) -> int:
        """Return what the table says."""
        assert self.table is not None
        assert self.keys is not None
        return int(self.table[min(step, len(self.table) - 1), self.keys.get(key, -1)])


class Options(NamedTuple):
    """What is earned by each action of a player at some states, under the same luck.

    Attributes
    ----------
    values : ndarray, shape (B, M, A, n)
        Discounted return of all players in each of M plays; NaN for actions that the state lacks.
    shares : ndarray, shape (B, M, A)
        With which probability the profile takes each action.
    """

    values: np.ndarray
    shares: np.ndarray


class Record(NamedTuple):
    """Episodes as they went: keys of states, what one player did, and what all earned.

    Attributes
    ----------
    keys : list of (list of hashable), or ndarray of int64, shape (B, K + 1)
    actions : ndarray of int64, shape (B, K)
    rewards : ndarray, shape (B, K, n)
    shares : ndarray, shape (B, K)
        With which probability the profile takes the action that the player took.
    lengths : ndarray of int64, shape (B,)
        Steps until the end of each episode.
    """

    keys: Any
    actions: np.ndarray
    rewards: np.ndarray
    shares: np.ndarray
    lengths: np.ndarray


class Effort(NamedTuple):
    """What some play took.

    Attributes
    ----------
    steps, episodes : int
    cut : int
        Episodes that the environment truncated.
    decided, known : int
        Steps of an adversary that follows a table, and those among them in states which the table knows.
    """

    steps: int = 0
    episodes: int = 0
    cut: int = 0
    decided: int = 0
    known: int = 0

    def plus(self, other: Effort) -> Effort:
        """Return both together."""
        return Effort(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Sampler(Protocol):
    """What `sampled_audit` asks of a game or an environment; each answer comes with what it took.

    Attributes
    ----------
    players : tuple of str
    sizes : tuple of int
        Most actions of each player.
    compiled : bool
        Whether workers may be threads.
    piece : int
        How many steps a piece of work should have.
    """

    players: tuple[str, ...]
    sizes: tuple[int, ...]
    compiled: bool
    piece: int

    def returns(self, seeds: np.ndarray, leave: Leave) -> tuple[np.ndarray, Effort]:
        """Return what all earn from the start, shape (B, n)."""

    def options(self, seeds: np.ndarray, times: np.ndarray | None, plays: np.ndarray) -> tuple[list[Options], Effort]:
        """Return what each player could do after some steps of the profile, or at the start; seeds of plays (B, M)."""

    def record(self, seeds: np.ndarray, leave: Leave, length: int) -> tuple[Record, Effort]:
        """Return episodes of at most some steps."""

    def policy_of(self, leave: Leave) -> Any:
        """Return a table as a policy that `sampled_audit` takes; where it knows nothing, that of the profile."""

    def digests(self) -> dict[str, str]:
        """Return what tells games, environments and policies apart, by what each text is about."""


@dataclass(frozen=True)
class Clock:
    """How long an episode counts, and how much each step does.

    Attributes
    ----------
    discounts : ndarray, shape (n,)
    horizon : int
        Steps after which play ends; 0 if it never does.
    """

    discounts: np.ndarray
    horizon: int

    @property
    def carry(self) -> float:
        """Chance with which an episode without a horizon goes on after the steps that are sure."""
        return float(self.discounts.max())

    @property
    def sure(self) -> int:
        """Steps that are played in full."""
        if self.horizon:
            return self.horizon
        return math.ceil(math.log(REST) / math.log(self.carry)) if self.carry > 0 else 1

    @property
    def weight(self) -> np.ndarray:
        """What a reward of 1 at each step is worth to each player, shape (n,)."""
        if self.horizon:
            return (self.discounts[:, None] ** np.arange(self.horizon)).sum(axis=1)
        return 1.0 / (1.0 - self.discounts)

    @property
    def mean_length(self) -> int:
        """About how many steps an episode has."""
        return self.horizon or self.sure + math.ceil(1 / (1 - self.carry))


def seeds_of(seed: int, purpose: tuple[int, ...], first: int, last: int) -> np.ndarray:
    """Return the seeds of the episodes of a purpose, by their numbers.

    Examples
    --------
    >>> bool((seeds_of(0, (1, 3), 0, 4)[2:] == seeds_of(0, (1, 3), 2, 4)).all())
    True
    """
    base = np.random.SeedSequence(seed, spawn_key=purpose).generate_state(1, np.uint64)
    word = base + np.arange(first, last, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


class GameSampler:
    """Play of an explicit game, compiled.

    Parameters
    ----------
    game : StochasticGame
    policies : ndarray, shape (L, n, S, A)
        Probabilities of actions, padded with zeros; one layer for each step, or one for all.
    clock : Clock
    """

    compiled, piece = True, 300_000

    def __init__(self, game: StochasticGame, policies: np.ndarray, clock: Clock) -> None:
        from powergames.kernels.sampling import Rules

        self.players, self.sizes = game.players, game.max_actions
        self.n_actions, self.policies = game.n_actions, policies
        starts = game.indptr[:-1]
        totals = np.cumsum(game.data)
        # Sums within each row: less what was before it.
        sums = totals - np.repeat(totals[starts] - game.data[starts], np.diff(game.indptr))
        self._rules = Rules(
            np.array(game.n_actions),
            np.array(game.row_starts),
            np.array(game.rewards),
            np.array(game.indptr, dtype=np.int64),
            np.array(game.indices, dtype=np.int64),
            sums,
            np.cumsum(game.start),
            np.cumsum(policies, axis=3),
            np.array(clock.discounts),
            clock.carry,
            clock.sure,
            clock.horizon,
        )

    def returns(self, seeds: np.ndarray, leave: Leave) -> tuple[np.ndarray, Effort]:
        """Return what all earn from the start; see `Sampler`."""
        count = len(seeds)
        return self._play(leave, self._begin(seeds), np.zeros(count, np.int64), seeds, np.full(count, leave.argument))

    def options(self, seeds: np.ndarray, times: np.ndarray | None, plays: np.ndarray) -> tuple[list[Options], Effort]:
        """Return what each player could do; see `Sampler`."""
        from powergames.kernels.sampling import advance

        states = self._begin(seeds)
        times = np.zeros(len(seeds), np.int64) if times is None else times
        effort = Effort(advance(self._rules, seeds, times, states))
        layers = np.minimum(times, len(self.policies) - 1)
        found = []
        for j, size in enumerate(self.sizes):
            shape = (*plays.shape, size)
            every = (states[:, None, None], times[:, None, None], plays[:, :, None], np.arange(size))
            values, more = self._play(Leave(j, limit=1), *(np.broadcast_to(part, shape).ravel() for part in every))
            values = values.reshape(*shape, -1)
            there = np.arange(size) < self.n_actions[states, j][:, None]
            values[np.broadcast_to(~there[:, None, :], shape)] = np.nan
            found.append(Options(values, np.broadcast_to(self.policies[layers, j, states, None, :size], shape)))
            effort = effort.plus(more)
        return found, effort

    def record(self, seeds: np.ndarray, leave: Leave, length: int) -> tuple[Record, Effort]:
        """Return episodes; see `Sampler`."""
        from powergames.kernels.sampling import record

        count = len(seeds)
        states = np.empty((count, length + 1), np.int64)
        states[:, 0] = self._begin(seeds)
        actions = np.zeros((count, length), np.int64)
        rewards = np.empty((count, length, len(self.players)))
        record(self._rules, self._departure(leave), seeds, states, actions, rewards)
        layers = np.minimum(np.arange(length), len(self.policies) - 1)
        shares = self.policies[layers, leave.player, states[:, :-1], actions]
        return Record(states, actions, rewards, shares, np.full(count, length)), Effort(count * length)

    def policy_of(self, leave: Leave) -> np.ndarray:
        """Return a table as probabilities; see `Sampler`."""
        departure, j = self._departure(leave), leave.player
        own = self.policies[:, j, :, : self.sizes[j]]
        layers = np.arange(max(len(own), len(departure.table)))
        chosen = np.eye(self.sizes[j])[departure.table[np.minimum(layers, len(departure.table) - 1)]]
        policy = np.where(departure.known[:, None], chosen, own[np.minimum(layers, len(own) - 1)])
        return policy if len(layers) > 1 else np.asarray(policy[0])

    def digests(self) -> dict[str, str]:
        """Return digests of the game and the policies; see `Sampler`."""
        arrays = [np.asarray(part) for name, part in self._rules._asdict().items() if name != "policies"]
        return {"env": digest(arrays), "policies": digest([self.policies])}

    def _begin(self, seeds: np.ndarray) -> np.ndarray:
        from powergames.kernels.sampling import begin

        states = np.empty(len(seeds), np.int64)
        begin(self._rules, seeds, states)
        return states

    def _play(
        self, leave: Leave, states: np.ndarray, times: np.ndarray, seeds: np.ndarray, arguments: np.ndarray
    ) -> tuple[np.ndarray, Effort]:
        from powergames.kernels.sampling import returns

        totals = np.empty((len(seeds), len(self.players)))
        counts = np.zeros(3, np.int64)
        returns(self._rules, self._departure(leave), states, times, seeds, arguments, totals, counts)
        steps, decided, known = counts.tolist()
        return totals, Effort(steps, len(seeds), 0, decided, known)

    def _departure(self, leave: Leave) -> Any:
        from powergames.kernels.sampling import ACTION, TABLE, UNIFORM, Departure

        mode = {"action": ACTION, "uniform": UNIFORM, "table": TABLE}[leave.mode]
        limit = np.iinfo(np.int64).max if leave.limit is None else leave.limit
        table, known = np.zeros((1, 1), np.int64), np.zeros(1, bool)
        if leave.table is not None and leave.keys is not None:
            # Columns of states, the last one for all that were never seen.
            columns = np.full(len(self.n_actions), leave.table.shape[1] - 1)
            columns[list(leave.keys)] = list(leave.keys.values())
            table, known = np.ascontiguousarray(leave.table[:, columns]), columns < leave.table.shape[1] - 1
        return Departure(leave.player, mode, limit, table, known, float(leave.chance))


def repeated(game: NormalFormGame) -> StochasticGame:
    """Return the game of one state whose rewards are the payoffs; its discount means nothing.

    Examples
    --------
    >>> import powergames as pg
    >>> repeated(pg.load("stag_hunt")).n_states
    1
    """
    rewards = game.payoffs.reshape(game.n_players, -1)
    rows = np.ones((rewards.shape[1], 1))
    sizes = [game.n_actions]
    return StochasticGame.from_rows(sizes, rewards, rows, 0.0, game.players, game.actions, ["game"], None, game.title)
