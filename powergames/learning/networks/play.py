"""Play: a rollout of all environments, and what each player learns from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from powergames.learning.networks.agents import Player, joint_values, policy
from powergames.learning.networks.environment import Environment
from powergames.learning.networks.outlook import Design, Outlook, chosen, look

# Draws of a step besides those of each player's action and of what follows: of a takeover, and of what it does.
DRAWS = 2


class Schedule(NamedTuple):
    """What changes during a run, and what compiled code takes as numbers."""

    rate: Any
    critic_rate: Any
    temperature: Any
    softness: Any
    exploration: Any
    restart: Any
    trace: Any
    clip: Any


class Lesson(NamedTuple):
    """What a player has learned from play: step and environment are the last axes.

    Attributes
    ----------
    seen : shape (D, T, M)
    available, policy, advantage : shape (A_i, T, M)
        Which actions there are, how likely each was, and how much better than the average it is, in units of the spread
        of the critic.
    outputs : shape (targets, T, M)
        Which outputs of the critic are to become the targets.
    targets : shape (targets, T, M)
    """

    seen: jax.Array
    available: jax.Array
    policy: jax.Array
    advantage: jax.Array
    outputs: jax.Array
    targets: jax.Array


def draw(probabilities: jax.Array, chances: jax.Array) -> jax.Array:
    """Draw from distributions on the first axis, for chances from [0, 1)."""
    sums = jnp.cumsum(probabilities, axis=0)
    # Compared with the whole sum, which rounding keeps from 1: nothing without a chance is drawn.
    return (sums <= chances * sums[-1]).sum(axis=0).astype(jnp.int32)


def at(values: jax.Array, index: jax.Array) -> jax.Array:
    """Return ``values[index]`` of the first axis, for each place of the batch."""
    return jnp.take_along_axis(values, index[None], axis=0)[0]


def rollout(
    design: Design,
    environment: Environment,
    players: Sequence[Player],
    learners: Sequence[int],
    charges: Sequence[jax.Array],
    schedule: Schedule,
    places: jax.Array,
    phases: jax.Array,
    draws: jax.Array,
) -> tuple[jax.Array, jax.Array, list[Lesson]]:
    """Play some steps, and return where the environments are then, and a lesson for each learner.

    Parameters
    ----------
    design : Design
    environment : Environment
    players : sequence of Player
    learners : sequence of int
        Who learns from this group of environments: all, or with sbpr one whose co-players may be taken over.
    charges : shape (rivals,) per player
    schedule : Schedule
    places, phases : shape (M,)
        See `Environment` and `look`.
    draws : shape (T, n + DRAWS + environment.draws, M)
        Uniform on [0, 1).
    """
    n, adversarial = design.n_players, design.algorithm == "sbpr"
    strides = [math.prod(design.widths[k + 1 :]) for k in range(n)]
    size = math.prod(design.widths)

    def outlooks(
        places: jax.Array, phases: jax.Array
    ) -> tuple[jax.Array, list[jax.Array], list[jax.Array], list[jax.Array], list[Outlook]]:
        seen = environment.see(places)
        available = environment.available(places, design.widths)
        policies = [policy(each.actor, seen, mask) for each, mask in zip(players, available, strict=True)]
        critics = [joint_values(design, i, players[i].critic, seen) for i in learners]
        found = [
            look(design, i, q, policies, available, charges[i], schedule.softness, phases)
            for i, q in zip(learners, critics, strict=True)
        ]
        return seen, available, policies, critics, found

    def step(carry: tuple[jax.Array, jax.Array], draws: jax.Array) -> Any:
        places, phases = carry
        seen, available, policies, critics, found = outlooks(places, phases)
        actions, trust = [], jnp.ones(places.shape)
        seizures = [jnp.zeros(places.shape, dtype=bool)] * n
        ahead = jnp.zeros_like(phases)
        if adversarial and found[0].takeovers is not None:
            seized, ahead = _take_over(
                design, learners[0], found[0].takeovers, charges[learners[0]], phases, draws[n : n + DRAWS]
            )
            options = design.options(learners[0])
            owners, taken = (jnp.array(column) for column in zip(*options, strict=True))
            seizures = [(seized >= 0) & (owners[seized] == k) for k in range(n)]
        for k in range(n):
            mask = available[k]
            behaviour = (1 - schedule.exploration) * policies[k] + schedule.exploration * mask / mask.sum(axis=0)
            action = draw(behaviour, draws[k])
            ratio = jnp.minimum(1.0, at(policies[k], action) / at(behaviour, action))
            if adversarial and found[0].takeovers is not None:
                action, ratio = jnp.where(seizures[k], taken[seized], action), jnp.where(seizures[k], 1.0, ratio)
            actions.append(action)
            trust *= ratio
        row = environment.row(places, actions)
        joint = sum(action * stride for action, stride in zip(actions, strides, strict=True))
        kept = []
        for i, q, outlook in zip(learners, critics, found, strict=True):
            # The head that a takeover leads to, or task and regularized value.
            heads = (
                ahead[None]
                if adversarial
                else jnp.broadcast_to(jnp.arange(design.heads(i))[:, None], (design.heads(i), *places.shape))
            )
            outputs = heads * size + joint
            known = jnp.take_along_axis(q.reshape(-1, *places.shape), outputs, axis=0)
            kept.append((available[i], policies[i], outlook, outputs, known, environment.reward(i, row)))
        following, ended = environment.follow(places, row, draws[n + DRAWS :])
        return (following, jnp.where(ended, 0, ahead)), (seen, trust, ended, kept)

    (places, phases), (seen, trust, ended, kept) = jax.lax.scan(step, (places, phases), draws)
    *_, final = outlooks(places, phases)
    lessons = []
    for i, last, (available, policies, found, outputs, known, rewards) in zip(learners, final, kept, strict=True):

        def back(carry: Any, now: Any, discount: jax.Array = environment.discounts[i]) -> Any:
            following, surprise = carry
            values, known, reward, trust, ended = now
            target = reward + jnp.where(ended, 0.0, discount) * (following + schedule.trace * surprise)
            return (values, trust * (target - known)), target

        begin = last.values, jnp.zeros_like(last.values)
        _, targets = jax.lax.scan(back, begin, (found.values, known, rewards, trust, ended), reverse=True)
        mean = (policies * found.slope).sum(axis=1, keepdims=True)
        unit = jnp.sqrt((found.spread**2).mean()) + 1e-3
        advantage = jnp.where(available, found.slope - mean, 0.0) / unit
        lessons.append(
            Lesson(*(jnp.moveaxis(a, 0, 1) for a in (seen, available, policies, advantage, outputs, targets)))
        )
    return places, phases, lessons


def _take_over(
    design: Design, player: int, takeovers: jax.Array, charges: jax.Array, phases: jax.Array, draws: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return which option an adversary takes, -1 for none, and the phase of the next step."""
    steps, rivals = design.takeover, len(design.rivals[player])
    sums = jnp.cumsum(charges).reshape(-1, *(1,) * phases.ndim)
    fresh = (sums <= draws[0]).sum(axis=0)
    begun, m = fresh < rivals, jnp.full_like(phases, steps - 1)
    rival = jnp.minimum(fresh, rivals - 1).astype(phases.dtype)
    if steps > 1:
        goes_on = phases > 0
        rival = jnp.where(goes_on, (phases - 1) // (steps - 1), rival)
        m = jnp.where(goes_on, (phases - 1) % (steps - 1), m)
        begun |= goes_on
    option = draw(chosen(takeovers, rival * steps + m), draws[1])
    ahead = jnp.where(begun & (m > 0), 1 + rival * (steps - 1) + m - 1, 0)
    return jnp.where(begun, option, -1), ahead.astype(phases.dtype)
