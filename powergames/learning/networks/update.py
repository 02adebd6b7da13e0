"""What players make of what they learned: clipped steps of all actions' policy gradient, and critics' regression."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

from powergames.learning.networks.agents import Network, Player, log_policy, optimizer
from powergames.learning.networks.play import Lesson, Schedule


def actor_loss(actor: Network, lesson: Lesson, schedule: Schedule) -> jax.Array:
    """Return what a policy loses: clipped advantages of all its actions, and entropy.

    A change of an action's probability counts up to the share `clip` of it.
    """
    log = log_policy(actor, lesson.seen, lesson.available)
    policy, old = jnp.exp(log), lesson.policy
    clipped = jnp.clip(policy, old * (1 - schedule.clip), old * (1 + schedule.clip))
    gain = jnp.minimum(policy * lesson.advantage, clipped * lesson.advantage).sum(axis=0)
    entropy = -(policy * jnp.where(lesson.available, log, 0.0)).sum(axis=0)
    return -(gain + schedule.temperature * entropy).mean()


def critic_loss(critic: Network, lesson: Lesson) -> jax.Array:
    """Return the squared error of what a critic says of the joint actions that were played."""
    said = jnp.take_along_axis(critic(lesson.seen), lesson.outputs, axis=0)
    return ((said - lesson.targets) ** 2).sum(axis=0).mean()


def improved(player: Player, lesson: Lesson, schedule: Schedule, minibatches: jax.Array) -> Player:
    """Return a player after some steps of learning, each from some of the steps of play of all environments.

    Parameters
    ----------
    player : Player
    lesson : Lesson
    schedule : Schedule
    minibatches : shape (updates, steps)
        From which steps of play each update learns.
    """

    def learn(player: Player, chosen: jax.Array) -> tuple[Player, None]:
        part = jax.tree.map(lambda array: array[:, chosen], lesson)
        actor, actor_memory = _moved(
            player.actor, player.actor_memory, jax.grad(actor_loss)(player.actor, part, schedule), schedule.rate
        )
        critic, critic_memory = _moved(
            player.critic, player.critic_memory, jax.grad(critic_loss)(player.critic, part), schedule.critic_rate
        )
        return Player(actor, critic, actor_memory, critic_memory), None

    player, _ = jax.lax.scan(learn, player, minibatches)
    return player


def _moved(network: Network, memory: Any, gradient: Any, rate: jax.Array) -> tuple[Network, Any]:
    step, memory = optimizer.update(gradient, memory)
    return optax.apply_updates(network, jax.tree.map(lambda change: -rate * change, step)), memory
