"""Play of a stochastic game by sampling: what a profile earns, where it goes, and what follows if one player leaves it.

Numbers are drawn by counting: the draw of a player at a step depends on the seed of the episode, the step and the
player alone. So two episodes with the same seed meet the same luck, whatever is done in them, and stay together once
they meet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True, error_model="numpy")
_part = njit(error_model="numpy", forceinline=True)

# How a player acts who leaves the profile.
ACTION, UNIFORM, TABLE = range(3)


class Rules(NamedTuple):
    """A game, a profile, and how long an episode counts.

    Attributes
    ----------
    n_actions : int64, shape (S, n)
    row_starts : int64, shape (S + 1,)
    rewards : shape (n, R)
    indptr, indices : transitions, as in `StochasticGame`
    cumulative : sums of the probabilities of a row up to each entry
    starts : shape (S,), sums of the probabilities of the first state
    policies : shape (L, n, S, A), sums of the probabilities of actions, one layer for each step or one for all
    discounts : shape (n,)
    carry : float
        Chance with which an episode without a horizon goes on after its first `sure` steps.
    sure : int
    horizon : int
        Steps after which play ends; 0 for none.
    """

    n_actions: np.ndarray
    row_starts: np.ndarray
    rewards: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    cumulative: np.ndarray
    starts: np.ndarray
    policies: np.ndarray
    discounts: np.ndarray
    carry: float
    sure: int
    horizon: int


class Departure(NamedTuple):
    """How one player leaves the profile: for the first `limit` steps, in a `mode`; nobody if `player` is -1.

    ``table[t, s]`` is the action at step `t` in state `s`, the last row for all later steps; ``known[s]`` says whether
    it was learned there. With `chance` an action is drawn from all instead.
    """

    player: int
    mode: int
    limit: int
    table: np.ndarray
    known: np.ndarray
    chance: float


@_part
def uniform(seed, step, which):
    """Draw a number from [0, 1) for one of the things that are drawn at a step, by splitmix64."""
    word = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.uint64((step + 1) * 64 + which)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word = word ^ (word >> np.uint64(31))
    # Once more, as neighbouring counters share most of their bits.
    word = (word ^ (word >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    word = word ^ (word >> np.uint64(33))
    return np.float64(word >> np.uint64(11)) * 2.0**-53


@_part
def _first_above(cumulative, low, high, target):
    """The first index from `low` to `high - 1` whose sum is above the target; the last one at most."""
    last = high - 1
    while low < last:
        middle = (low + last) // 2
        if cumulative[middle] > target:
            last = middle
        else:
            low = middle + 1
    return low


@_part
def _profile_action(rules, layer, player, state, draw):
    own = rules.policies[layer, player, state]
    count = rules.n_actions[state, player]
    return _first_above(own, 0, count, draw * own[count - 1])


@_part
def _act(rules, departure, argument, player, state, seed, step, layer):
    """Choose the action of a player: that of the profile, unless it leaves it."""
    draw = uniform(seed, step, player + 2)
    if player == departure.player and step < departure.limit:
        count = rules.n_actions[state, player]
        if departure.mode == ACTION:
            if argument < count:
                return argument
        else:
            random = departure.mode == UNIFORM
            if not random and departure.chance > 0.0:
                random = uniform(seed, step, 1) < departure.chance
            if random:
                return min(np.int64(draw * count), count - 1)
            chosen = departure.table[min(step, len(departure.table) - 1), state]
            if 0 <= chosen < count:
                return np.int64(chosen)
    return _profile_action(rules, layer, player, state, draw)


@_part
def _move(rules, row, seed, step):
    low, high = rules.indptr[row], rules.indptr[row + 1]
    if high - low == 1:
        return np.int64(rules.indices[low])
    target = uniform(seed, step, 0) * rules.cumulative[high - 1]
    return np.int64(rules.indices[_first_above(rules.cumulative, low, high, target)])


@_kernel
def begin(rules, seeds, states):
    """Draw the first state of each episode."""
    for b in range(len(seeds)):
        target = uniform(seeds[b], -1, 0) * rules.starts[-1]
        states[b] = _first_above(rules.starts, 0, len(rules.starts), target)


@_kernel
def advance(rules, seeds, times, states):
    """Move each state on by a number of steps of the profile; return the steps made."""
    n_players, last = len(rules.discounts), len(rules.policies) - 1
    steps = 0
    for b in range(len(seeds)):
        state = states[b]
        for t in range(times[b]):
            row = np.int64(0)
            for i in range(n_players):
                draw = uniform(seeds[b], t, i + 2)
                action = _profile_action(rules, min(t, last), i, state, draw)
                row = row * rules.n_actions[state, i] + action
            state = _move(rules, rules.row_starts[state] + row, seeds[b], t)
        states[b] = state
        steps += times[b]
    return steps


@_kernel
def returns(rules, departure, states, times, seeds, arguments, totals, counts):
    """Add up what every player earns from a state at a time on.

    Parameters
    ----------
    rules : Rules
    departure : Departure
    states, times : int64, shape (B,)
        Where and at which time of the game each episode begins.
    seeds : uint64, shape (B,)
    arguments : int64, shape (B,)
        The action of `ACTION`.
    totals : shape (B, n), overwritten
        Discounted to the beginning of the episode. Without a horizon an episode counts in full for its first steps;
        then it goes on at random, with a chance that takes the place of the discount, so that its mean is that of play
        without end.
    counts : int64, shape (3,), overwritten
        Steps made, steps at which a table was followed, and those of them in states that it knows.
    """
    n_players, last = len(rules.discounts), len(rules.policies) - 1
    weights = np.empty(n_players)
    steps, decided, known = 0, 0, 0
    for b in range(len(seeds)):
        state, seed = states[b], seeds[b]
        for i in range(n_players):
            totals[b, i] = 0.0
            weights[i] = 1.0
        t = 0
        while True:
            if rules.horizon > 0:
                if times[b] + t >= rules.horizon:
                    break
            elif t >= rules.sure and uniform(seed, t, 63) >= rules.carry:
                break
            layer = min(times[b] + t, last)
            if departure.mode == TABLE and t < departure.limit:
                decided += 1
                known += departure.known[state]
            row = np.int64(0)
            for i in range(n_players):
                action = _act(rules, departure, arguments[b], i, state, seed, t, layer)
                row = row * rules.n_actions[state, i] + action
            row += rules.row_starts[state]
            for i in range(n_players):
                totals[b, i] += weights[i] * rules.rewards[i, row]
                weights[i] *= rules.discounts[i]
                if rules.horizon == 0 and t + 1 >= rules.sure:
                    weights[i] /= rules.carry
            state = _move(rules, row, seed, t)
            t += 1
        steps += t
    counts[0], counts[1], counts[2] = steps, decided, known


@_kernel
def record(rules, departure, seeds, states, actions, rewards):
    """Write down episodes: ``states[b, 0]`` is given; of the player who leaves the profile, what it does.

    Parameters
    ----------
    rules : Rules
    departure : Departure
    seeds : uint64, shape (B,)
    states : int64, shape (B, K + 1)
    actions : int64, shape (B, K)
    rewards : shape (B, K, n)
    """
    n_players, last = len(rules.discounts), len(rules.policies) - 1
    for b in range(len(seeds)):
        state = states[b, 0]
        for t in range(actions.shape[1]):
            row = np.int64(0)
            for i in range(n_players):
                action = _act(rules, departure, 0, i, state, seeds[b], t, min(t, last))
                row = row * rules.n_actions[state, i] + action
                if i == departure.player:
                    actions[b, t] = action
            row += rules.row_starts[state]
            for i in range(n_players):
                rewards[b, t, i] = rules.rewards[i, row]
            state = _move(rules, row, seeds[b], t)
            states[b, t + 1] = state
