"""Adversaries learned from samples of play: what a player should do, for some steps or for ever, to harm another one.

A best response is learned in the same way: it harms whoever gets the opposite of what the player itself gets.

Episodes in which the player acts at random, and then more and more as it has learned to, become a table of what was
seen: for each key of a state and each action, the mean rewards, and how often which key followed. Backward induction on
that table gives the adversary. What an adversary takes is then measured on new episodes, whatever it was learned from;
so an adversary that is not the worst one makes the harm told too small, and never too large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from powergames.environments.sampling import Clock, Leave, Record

# Rounds of play from which an adversary learns; in the later ones it acts at random with this chance. Who acts for ever
# gets into states that others never see, and has some more rounds.
ROUNDS, LASTING_ROUNDS, CHANCE = 3, 8, 0.3

# The most steps of an episode to learn from.
LONGEST = 1_000

# Values without a horizon are iterated until changes weigh so little.
SETTLED = 1e-4


class Tally(NamedTuple):
    """What some episodes say of each pair of a state's key and an action.

    Attributes
    ----------
    keys : list of hashable, or ndarray of int64, shape (K,)
    pairs : ndarray of int64, shape (P,)
        Number of the key, times the number of actions, plus the action; ascending.
    counts : ndarray of int64, shape (P,)
        How often each was met.
    rewards : ndarray, shape (P, n)
        Sums of what all earned.
    shares : ndarray, shape (P,)
        Sums of the probabilities with which the profile takes the action.
    sources, targets, times : ndarray of int64, shape (T,)
        Which key followed which pair, by their numbers, and how often.
    """

    keys: Any
    pairs: np.ndarray
    counts: np.ndarray
    rewards: np.ndarray
    shares: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    times: np.ndarray


def tally(record: Record, n_actions: int) -> Tally:
    """Count what happened in some episodes."""
    length = record.actions.shape[1]
    keys, numbers = _numbered(record.keys, length)
    seen = np.arange(length) < record.lengths[:, None]
    over = np.arange(1, length + 1) >= record.lengths[:, None]
    # An episode that was only cut off goes on from its last state.
    over &= (record.lengths < length)[:, None]
    codes = (numbers[:, :-1] * n_actions + record.actions)[seen]
    pairs, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    rewards = np.stack([np.bincount(places, own, len(pairs)) for own in record.rewards[seen].T], axis=1)
    goes_on = ~over[seen]
    moves, times = np.unique(places[goes_on] * len(keys) + numbers[:, 1:][seen][goes_on], return_counts=True)
    shares = np.bincount(places, record.shares[seen], len(pairs))
    return Tally(keys, pairs, counts, rewards, shares, moves // len(keys), moves % len(keys), times)


def _numbered(keys: Any, length: int) -> tuple[Any, np.ndarray]:
    """Return the keys that occur, and the number of each one in each episode, shape (B, K + 1)."""
    if isinstance(keys, np.ndarray):
        known, places = np.unique(keys, return_inverse=True)
        return known, places.reshape(keys.shape)
    numbers: dict[Any, int] = {}
    table = np.full((len(keys), length + 1), -1)
    for row, own in zip(table, keys, strict=True):
        row[: len(own)] = [numbers.setdefault(key, len(numbers)) for key in own]
    return list(numbers), table


class Experience:
    """What a player and all others were paid after its actions, and what followed."""

    def __init__(self, player: int, n_actions: int) -> None:
        self.player, self.n_actions = player, n_actions
        self.keys: dict[Any, int] = {}
        self._pairs: list[tuple[np.ndarray, ...]] = []
        self._moves: list[tuple[np.ndarray, ...]] = []

    def add(self, tallies: Iterable[Tally]) -> None:
        """Add episodes."""
        for own in tallies:
            known = own.keys.tolist() if isinstance(own.keys, np.ndarray) else own.keys
            numbers = np.array([self.keys.setdefault(key, len(self.keys)) for key in known])
            pairs = numbers[own.pairs // self.n_actions] * self.n_actions + own.pairs % self.n_actions
            self._pairs.append((pairs, own.counts, own.rewards, own.shares))
            self._moves.append((pairs[own.sources], numbers[own.targets], own.times))

    def model(self) -> Model:
        """Return the table of all that was seen."""
        pairs, moves = (tuple(map(np.concatenate, zip(*own, strict=True))) for own in (self._pairs, self._moves))
        return Model(self, pairs, moves)


class Model:
    """Mean rewards and frequencies of what follows, for each pair of a key and an action that was seen.

    Parameters
    ----------
    experience : Experience
    seen : tuple of ndarray
        Pairs, how often each was met, and sums of rewards and of shares, as in `Tally`; a pair may come several times.
    moves : tuple of ndarray
        Pairs, keys that followed, and how often.
    """

    def __init__(self, experience: Experience, seen: tuple[np.ndarray, ...], moves: tuple[np.ndarray, ...]) -> None:
        from scipy.sparse import csr_array

        codes, times, rewards, shares = seen
        self.player = experience.player
        self.size, self.n_actions = len(experience.keys), experience.n_actions
        pairs, places = np.unique(codes, return_inverse=True)
        self.keys, self.actions = pairs // self.n_actions, pairs % self.n_actions
        self.counts = np.bincount(places, times)
        self.known, self.firsts = np.unique(self.keys, return_index=True)
        self.rewards = np.stack([np.bincount(places, own) / self.counts for own in rewards.T])
        sources = np.searchsorted(pairs, moves[0])
        entries = moves[2] / self.counts[sources], (sources, moves[1])
        self.transitions = csr_array(entries, shape=(len(pairs), self.size))
        # With which probability the profile takes the action of a pair, among those that were seen.
        taken = np.bincount(places, shares) / self.counts
        totals, choices = self._per_key(np.add, taken), self._per_key(np.add, np.ones(len(taken)))
        self.shares = np.where(totals > 0, taken, 1.0) / np.where(totals > 0, totals, choices)

    def _per_key(self, function: np.ufunc, values: np.ndarray) -> np.ndarray:
        """Reduce the values of the pairs of each key, and return one for each pair."""
        return np.repeat(function.reduceat(values, self.firsts), np.diff(np.append(self.firsts, len(values))))

    def worth(self, victim: int, discount: float, values: np.ndarray) -> np.ndarray:
        """Return what the victim gets from each pair on, shape (P,), given what each key is worth to it.

        It is the opposite of what it gets if the victim is the player itself.
        """
        rewards = -self.rewards[victim] if victim == self.player else self.rewards[victim]
        return rewards + discount * (self.transitions @ values)

    def values(self, worth: np.ndarray, least: bool) -> np.ndarray:
        """Return what each key is worth, by the least pair or by the profile; the mean where nothing was seen."""
        own = np.minimum.reduceat(worth, self.firsts) if least else np.add.reduceat(self.shares * worth, self.firsts)
        values = np.full(self.size, own.mean())
        values[self.known] = own
        return values

    def worst(self, worth: np.ndarray) -> np.ndarray:
        """Return the worst action in each key, shape (S + 1,); where none was seen, and last, the one on average."""
        apart = worth - self._per_key(np.add, worth * self.counts) / self._per_key(np.add, self.counts)
        weights = np.bincount(self.actions, self.counts, self.n_actions)
        blind = np.bincount(self.actions, self.counts * apart, self.n_actions) / np.maximum(weights, 1)
        table = np.full(self.size + 1, np.argmin(np.where(weights > 0, blind, np.inf)))
        # The first of the least pairs of each key.
        order = np.lexsort((worth, self.keys))
        table[self.known] = self.actions[order[self.firsts]]
        return table

    def adversary(self, victim: int, clock: Clock, steps: int | None) -> np.ndarray:
        """Return what to do at each step, shape (K, S + 1), by backward induction; one row if it is always the same."""
        discount, horizon = float(clock.discounts[victim]), clock.horizon
        ever = horizon or _settling(discount)
        lasting = ever if steps is None else min(steps, horizon or steps)
        values = np.zeros(self.size)
        if steps is not None:
            for _ in range(ever - lasting if horizon else ever):
                values = self.values(self.worth(victim, discount, values), least=False)
        stationary = not horizon and steps is None
        rows = []
        for _ in range(lasting):
            worth = self.worth(victim, discount, values)
            values = self.values(worth, least=True)
            if not stationary:
                rows.append(self.worst(worth))
        return self.worst(self.worth(victim, discount, values))[None] if stationary else np.array(rows[::-1])


def _settling(discount: float) -> int:
    return int(np.ceil(np.log(SETTLED) / np.log(discount))) if discount > 0 else 1


def learn(
    player: int,
    n_actions: int,
    victims: Sequence[int],
    clock: Clock,
    steps: Sequence[int],
    play: Callable[[int, Leave, int], Iterable[Tally]],
    own: bool = False,
) -> dict[tuple[int, int | None], Leave]:
    """Learn the adversaries of one player.

    Parameters
    ----------
    player, n_actions : int
        Who leaves the profile, and how many actions it has at most.
    victims : sequence of int
        Whom it harms; the player itself for a best response.
    clock : Clock
    steps : sequence of int
        For how many steps, besides for ever.
    play : callable
        ``play(turn, leave, length)`` plays episodes of at most that length, and returns what they say; those of each
        turn are new.
    own : bool, default False
        Whether the player tells states apart only by what it observes itself.

    Returns
    -------
    dict of Leave
        By victim and number of steps, None for ever.
    """
    experience = Experience(player, n_actions)
    length = min(clock.mean_length, LONGEST)
    lasting = [*(each for each in steps if each < (clock.horizon or np.inf)), None]
    experience.add(play(0, Leave(player, "uniform", limit=max(steps, default=None), own=own), length))
    experience.add(play(1, Leave(player, "uniform", own=own), length))
    found: dict[tuple[int, int | None], Leave] = {}
    turn = 1
    for round_ in range(LASTING_ROUNDS):
        model, keys = experience.model(), dict(experience.keys)
        for victim in victims:
            for limit in lasting:
                table = model.adversary(victim, clock, limit)
                found[victim, limit] = Leave(player, "table", limit=limit, table=table, keys=keys, own=own)
        for (_, limit), leave in found.items():
            if round_ < (LASTING_ROUNDS if limit is None else ROUNDS) - 1:
                turn += 1
                experience.add(play(turn, leave._replace(chance=CHANCE), length))
    return found
