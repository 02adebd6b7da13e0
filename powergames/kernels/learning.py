"""Tabular learners: sampled play of a stochastic game, and what every player makes of it.

Players learn from what they see: the state, the joint action, their own reward, and what the others' policies do in the
state at hand. Each keeps a critic of the joint actions, a policy, and an adversary for every way in which it can be
harmed. The game's rewards and transition probabilities are read at one place, `_play`, one sample at a time.

Arrays are padded: actions that a state lacks have a logit of minus infinity, so they are never played.

Learners know places. Without a horizon a place is a state. With a horizon of T steps, play ends after them, and place
``t * S + s`` is state `s` at step `t`; likewise row `r` is ``t * R + r`` there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba.core import cgutils, config
from numba.extending import intrinsic

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True, error_model="numpy")
# Parts of `train`: to pass them their arrays would take a good part of the time.
_part = njit(error_model="numpy", forceinline=True)
# Steps between two looks at the schedule.
PERIOD = 1024

# What is kept of each action in each state.
LOGIT, POLICY, SLOPE, AVERAGE = range(4)

# What is kept of each row: its value in the task and in the learned objective, and how often it was learned from.
TASK, REGULAR, VISITS = range(3)

# What is kept of the rewards of a player.
FIRST, LEAST, GREATEST, LAST = range(4)

# The least number that has a reciprocal.
SMALLEST = 1e-307


class Simulator(NamedTuple):
    """What samples of a game are drawn from; rows and states as in `StochasticGame`.

    ``cumulative[k]`` sums the probabilities of a row up to entry `k`, ``starts[s]`` those of the first state up to `s`.
    """

    n_actions: np.ndarray
    row_starts: np.ndarray
    rewards: np.ndarray
    discounts: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    cumulative: np.ndarray
    starts: np.ndarray


class Rivals(NamedTuple):
    """The adversaries of all players, those of player `i` from ``first[i]`` to ``first[i + 1] - 1``.

    ``shares[b]`` is λ times the weight of adversary `b`. Its takeovers are numbered from 0; those of co-player `j`
    begin at ``offsets[b, j]``, which is -1 if `b` may not take over `j`.
    """

    first: np.ndarray
    shares: np.ndarray
    offsets: np.ndarray


class Learners(NamedTuple):
    """All that changes during a run: however a run is cut into calls of `train`, this leads to the same end.

    Attributes
    ----------
    deciders : shape (S, n + B, 4, K), or (T * S, n + B, 4, K)
        Logit, probability, last slope and average probability of every action of every player in every place, and
        behind the players, of every takeover of every adversary.
    critics : shape (n, 3, R), or (n, 3, T * R)
        What each player has learned of every row: its task value, its regularized value, and the number of visits.
    visits : shape (S, n), or (T * S, n)
        How often each player learned in a place.
    rewards : shape (n, 4)
        The first reward of each player, the least, the greatest, and the last one minus the first.
    streams : int64, shape (n, 2)
        The present place of each stream of play, and the row that led to it: -1 at a start, -2 before all else.
        Places from ``T * S`` on are the end.
    generator : uint64, shape (4,)
    clock : int64, shape (1,)
        Steps made.
    """

    deciders: np.ndarray
    critics: np.ndarray
    visits: np.ndarray
    rewards: np.ndarray
    streams: np.ndarray
    generator: np.ndarray
    clock: np.ndarray


class Workspace(NamedTuple):
    """Room for what is computed on the way: shapes (n,) of int64, (3, K), and (n, K, K)."""

    joint: np.ndarray
    vectors: np.ndarray
    tables: np.ndarray


class Schedule(NamedTuple):
    """How learners change; each pair leads from its first number to its second in equal factors over all steps.

    A horizon of 0 is none. Either each action is charged for the power that others then hold, or only arriving where
    they hold it.
    """

    steps: int
    rate: tuple[float, float]
    temperature: tuple[float, float]
    critic_rate: tuple[float, float]
    exploration: float
    restart: float
    averaging: float
    horizon: int
    charges_actions: bool


@_kernel
def seed_generator(seed, generator):
    """Fill the four words of a xoshiro256++ generator from a seed, by splitmix64."""
    word = np.uint64(seed)
    for k in range(4):
        word += np.uint64(0x9E3779B97F4A7C15)
        mixed = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        generator[k] = mixed ^ (mixed >> np.uint64(31))


@_part
def uniform(generator):
    """Draw a number from [0, 1)."""
    a, b, c, d = generator[0], generator[1], generator[2], generator[3]
    total = a + d
    word = ((total << np.uint64(23)) | (total >> np.uint64(41))) + a
    shifted = b << np.uint64(17)
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    generator[0], generator[1], generator[2] = a, b, c
    generator[3] = (d << np.uint64(45)) | (d >> np.uint64(19))
    return np.float64(word >> np.uint64(11)) * 2.0**-53


@_kernel
def _first_above(cumulative, low, high, generator):
    """Draw an index from sums of probabilities, by bisection."""
    target = uniform(generator) * cumulative[high - 1]
    while high - low > 1:
        middle = (low + high - 1) // 2
        if cumulative[middle] > target:
            high = middle + 1
        else:
            low = middle + 1
    return low


@_part
def _draw(policy, generator):
    """Draw an action; the last one that has a chance takes what rounding leaves."""
    left = uniform(generator)
    drawn = 0
    for k in range(len(policy)):
        if policy[k] > 0.0:
            drawn = k
            left -= policy[k]
            if left < 0.0:
                break
    return drawn


@_part
def _ascend(decider, slope, rate, temperature):
    """Take a step of optimistic mirror ascent with entropy along a slope over actions."""
    logits, policy, last = decider[LOGIT], decider[POLICY], decider[SLOPE]
    keep = 1.0 - rate * temperature
    best = -np.inf
    for k in range(len(slope)):
        logits[k] = keep * logits[k] + rate * (2.0 * slope[k] - last[k])
        last[k] = slope[k]
        best = max(best, logits[k])
    total = 0.0
    for k in range(len(slope)):
        logits[k] -= best
        policy[k] = math.exp(logits[k])
        total += policy[k]
    scale = 1.0 / total
    for k in range(len(slope)):
        policy[k] *= scale


@_kernel
def _average(counts, critic, deciders, i, j, joint, table):
    """Do what `_table` does, for any number of players; `joint` is space for their actions."""
    table[: counts[i], : counts[j]] = 0.0
    joint[:] = 0
    for row in range(len(critic)):
        weight = critic[row]
        for k in range(len(counts)):
            if k not in (i, j):
                weight *= deciders[k, POLICY, joint[k]]
        table[joint[i], joint[j]] += weight
        last = len(counts) - 1
        joint[last] += 1
        while last > 0 and joint[last] == counts[last]:
            joint[last] = 0
            last -= 1
            joint[last] += 1


@_part
def _table(counts, critic, deciders, i, j, joint, table):
    """Average what player `i` knows of the joint actions of a state over the policies of all but itself and `j`.

    ``table[a, b]`` becomes the value of its action `a` if `j` plays `b`.
    """
    if len(counts) > 2:
        _average(counts, critic, deciders, i, j, joint, table)
    elif i == 0:
        for a in range(counts[0]):
            for b in range(counts[1]):
                table[a, b] = critic[a * counts[1] + b]
    else:
        for b in range(counts[0]):
            for a in range(counts[1]):
                table[a, b] = critic[b * counts[1] + a]


@_part
def _values(policy, table, values):
    """Average a table over the policy of its second player."""
    for a in range(len(values)):
        total = 0.0
        for b in range(len(policy)):
            total += table[a, b] * policy[b]
        values[a] = total


@_part
def _dot(first, second):
    total = 0.0
    for k in range(len(first)):
        total += first[k] * second[k]
    return total


@_part
def _span(values, least):
    """Return the range of some values, or the least one that it may have; 1 if nothing can be divided by it."""
    low = high = values[0]
    for k in range(1, len(values)):
        low = min(low, values[k])
        high = max(high, values[k])
    span = max(high - low, least)
    return span if span > SMALLEST else 1.0


@_part
def _oppose(policy, tables, counts, offsets, worst):
    """Compute what every takeover of an adversary is worth to the player, and return the least."""
    worst[:] = 0.0
    least = np.inf
    for j in range(len(counts)):
        if offsets[j] >= 0:
            for b in range(counts[j]):
                total = 0.0
                for a in range(len(policy)):
                    total += policy[a] * tables[j, a, b]
                worst[offsets[j] + b] = total
                least = min(least, total)
    return least


@_part
def _charge(rival, tables, counts, offsets, share, values, slope):
    """Charge each action for what it loses, in expectation, when an adversary takes over."""
    for a in range(len(slope)):
        total = 0.0
        for j in range(len(counts)):
            if offsets[j] >= 0:
                for b in range(counts[j]):
                    total += rival[offsets[j] + b] * tables[j, a, b]
        slope[a] += share * (total - values[a])


@_part
def _value_row(critics, i, row, critic_rate, task, regular):
    """Let player `i` learn what a row is worth."""
    critics[i, VISITS, row] += 1.0
    step = max(1.0 / critics[i, VISITS, row], critic_rate)
    critics[i, TASK, row] += step * (task - critics[i, TASK, row])
    critics[i, REGULAR, row] += step * (regular - critics[i, REGULAR, row])


@_part
def _learn(
    i,
    s,
    place,
    low,
    high,
    row,
    adversarial,
    charges_actions,
    victim,
    action,
    rates,
    n_actions,
    discounts,
    first,
    shares,
    offsets,
    deciders,
    critics,
    visits,
    rewards,
    joint,
    scratch,
    tables,
):
    """Let player `i` learn from arriving in state `s` by `row`, while an adversary makes a victim take an action.

    The rows of that place are those from `low` to `high`.
    """
    rate, temperature, critic_rate, averaging = rates
    counts, here = n_actions[s], deciders[place]
    n, size = len(counts), counts[i]
    policy = here[i, POLICY, :size]
    values, slope, worst = scratch[0, :size], scratch[1, :size], scratch[2]
    rivals = range(first[i], first[i + 1])
    penalized = not adversarial and len(rivals) > 0
    other = 1 if i == 0 else 0
    if n == 1:
        for a in range(size):
            values[a] = critics[i, TASK, low + a]
    else:
        for j in range(n):
            if j != i and (j == other or len(rivals) > 0):
                _table(counts, critics[i, TASK, low:high], here, i, j, joint, tables[j])
        _values(here[other, POLICY, : counts[other]], tables[other], values)
    task = _dot(policy, values)
    if penalized:
        _table(counts, critics[i, REGULAR, low:high], here, i, other, joint, tables[i])
        _values(here[other, POLICY, : counts[other]], tables[i], slope)
    elif victim >= 0:
        for a in range(size):
            slope[a] = tables[victim, a, action]
    else:
        for a in range(size):
            slope[a] = values[a]
    value = _dot(policy, slope)
    unit = 1.0 / _span(critics[i, TASK, low:high], 0.1 * (rewards[i, GREATEST] - rewards[i, LEAST]))
    for b in rivals:
        least = _oppose(policy, tables, counts, offsets[b], worst)
        if penalized:
            value -= shares[b] * (task - least)
            if charges_actions:
                _charge(here[n + b, POLICY], tables, counts, offsets[b], shares[b], values, slope)
        for k in range(len(worst)):
            worst[k] *= -unit
        _ascend(here[n + b], worst, rate, temperature)
    if row >= 0:
        regular = rewards[i, LAST] + discounts[i] * value
        followed = regular if adversarial else rewards[i, LAST] + discounts[i] * task
        _value_row(critics, i, row, critic_rate, followed, regular)
    for a in range(size):
        slope[a] *= unit
    _ascend(here[i], slope, rate, temperature)
    visits[place, i] += 1.0
    share = min(1.0, averaging / visits[place, i])
    average = here[i, AVERAGE]
    for a in range(size):
        average[a] += share * (policy[a] - average[a])


@_part
def _choose(counts, here, victim, seized, exploration, generator):
    """Draw a joint action: all explore, or each follows its policy, but for a victim, whose action is seized."""
    row = 0
    explore = uniform(generator) < exploration
    for j in range(len(counts)):
        if explore:
            action = int(uniform(generator) * counts[j])
        elif j == victim:
            action = seized
        else:
            action = _draw(here[j, POLICY, : counts[j]], generator)
        row = row * counts[j] + action
    return row


@_part
def _take_over(counts, here, first, last, shares, offsets, generator):
    """Draw which adversary takes over, and whom to which action; nobody, -1, if none does."""
    left = uniform(generator)
    for b in range(first, last):
        left -= shares[b]
        if left < 0.0:
            choice = _draw(here[len(counts) + b, POLICY], generator)
            for j in range(len(counts)):
                if offsets[b, j] >= 0 and 0 <= choice - offsets[b, j] < counts[j]:
                    return j, choice - offsets[b, j]
    return -1, 0


@_part
def _see(rewards, reward):
    """Show a player its reward."""
    if rewards[LEAST] > rewards[GREATEST]:
        rewards[FIRST] = reward
    rewards[LEAST] = min(rewards[LEAST], reward)
    rewards[GREATEST] = max(rewards[GREATEST], reward)
    rewards[LAST] = reward - rewards[FIRST]


@intrinsic
def _without_owner(context, array):
    """Return the same array without an owner: counting references to it would take a good part of the time.

    Only for arrays that the caller of the outermost kernel owns, because nothing else keeps them alive.
    """

    def generate(context, builder, signature, arguments):
        copy = context.make_array(signature.args[0])(context, builder, arguments[0])
        copy.meminfo = cgutils.get_null_value(copy.meminfo.type)
        return copy._getvalue()

    return array(array), generate


# Numba can be told to compile nothing.
_borrowed = (lambda array: array) if config.DISABLE_JIT else _without_owner


@_kernel
def _between(ends, share):
    return ends[0] * (ends[1] / ends[0]) ** share


@_kernel
def train(simulator, rivals, learners, workspace, schedule, adversarial, count):
    """Play and learn for a number of steps; in the adversarial form each player in a stream of its own."""
    n_actions, row_starts = _borrowed(simulator.n_actions), _borrowed(simulator.row_starts)
    game_rewards, discounts = _borrowed(simulator.rewards), _borrowed(simulator.discounts)
    indptr, indices = _borrowed(simulator.indptr), _borrowed(simulator.indices)
    cumulative, starts = _borrowed(simulator.cumulative), _borrowed(simulator.starts)
    first, shares, offsets = _borrowed(rivals.first), _borrowed(rivals.shares), _borrowed(rivals.offsets)
    deciders, critics, visits = _borrowed(learners.deciders), _borrowed(learners.critics), _borrowed(learners.visits)
    rewards, streams = _borrowed(learners.rewards), _borrowed(learners.streams)
    generator, clock = _borrowed(learners.generator), _borrowed(learners.clock)
    n_states, n = n_actions.shape
    n_rows, n_places = len(game_rewards[0]), len(visits)
    joint, scratch, tables = _borrowed(workspace.joint), _borrowed(workspace.vectors), _borrowed(workspace.tables)
    rates = 0.0, 0.0, 0.0, 0.0
    for step in range(count):
        if step == 0 or clock[0] % PERIOD == 0:
            share = clock[0] // PERIOD * PERIOD / schedule.steps
            rates = (
                _between(schedule.rate, share),
                _between(schedule.temperature, share),
                _between(schedule.critic_rate, share),
                schedule.averaging,
            )
        for stream in range(n if adversarial else 1):
            place, row = streams[stream, 0], streams[stream, 1]
            if place >= n_places:
                for i in range(n):
                    if not adversarial or i == stream:
                        _value_row(critics, i, row, rates[2], rewards[i, LAST], rewards[i, LAST])
                row = -2
            if row < -1 or (n_places > 1 and uniform(generator) < schedule.restart):
                row = -1
                if uniform(generator) < 0.5:
                    place = _first_above(starts, np.int64(0), n_states, generator)
                else:
                    place = int(uniform(generator) * n_places)
            t, s = (place // n_states, place % n_states) if schedule.horizon > 0 else (0, place)
            low, high = t * n_rows + row_starts[s], t * n_rows + row_starts[s + 1]
            counts, here = n_actions[s], deciders[place]
            victim, action = -1, 0
            if adversarial:
                begin, end = first[stream], first[stream + 1]
                victim, action = _take_over(counts, here, begin, end, shares, offsets, generator)
            for i in range(n):
                if not adversarial or i == stream:
                    _learn(
                        i,
                        s,
                        place,
                        low,
                        high,
                        row,
                        adversarial,
                        schedule.charges_actions,
                        victim,
                        action,
                        rates,
                        n_actions,
                        discounts,
                        first,
                        shares,
                        offsets,
                        deciders,
                        critics,
                        visits,
                        rewards,
                        joint,
                        scratch,
                        tables,
                    )
            played = row_starts[s] + _choose(counts, here, victim, action, schedule.exploration, generator)
            for i in range(n):
                if not adversarial or i == stream:
                    _see(rewards[i], game_rewards[i, played])
            low, high = indptr[played], indptr[played + 1]
            if high - low > 1:
                low = _first_above(cumulative, low, high, generator)
            ahead = (t + 1) * n_states if schedule.horizon > 0 else 0
            streams[stream, 0], streams[stream, 1] = ahead + indices[low], t * n_rows + played
        clock[0] += 1
