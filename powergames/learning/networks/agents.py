"""Players: each has an actor and a critic of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from powergames.learning.networks.outlook import Design

# Gradients of one network are clipped to this norm.
NORM = 0.5

optimizer = optax.chain(optax.clip_by_global_norm(NORM), optax.scale_by_adam())


class Network(eqx.Module):
    """Layers of rectified linear units between what is seen and the outputs."""

    layers: list[eqx.nn.Linear]

    def __init__(self, sizes: Sequence[int], key: jax.Array) -> None:
        keys = jax.random.split(key, len(sizes) - 1)
        self.layers = [eqx.nn.Linear(sizes[k], sizes[k + 1], key=own) for k, own in enumerate(keys)]

    def __call__(self, seen: jax.Array) -> jax.Array:
        """Return the outputs, on the first axis; those of the batch follow."""
        values = seen.astype(jnp.float32)
        for k, layer in enumerate(self.layers):
            if k:
                values = jax.nn.relu(values)
            bias: Any = layer.bias
            values = jnp.tensordot(layer.weight, values, 1) + bias.reshape(-1, *(1,) * (values.ndim - 1))
        return values


class Player(NamedTuple):
    """The networks of one player, and the memory of their optimizers."""

    actor: Network
    critic: Network
    actor_memory: Any
    critic_memory: Any


def player_of(design: Design, player: int, size: int, hidden: Sequence[int], key: jax.Array) -> Player:
    """Return a player who knows nothing."""
    first, second = jax.random.split(key)
    outputs = design.heads(player)
    for width in design.widths:
        outputs *= width
    actor = Network([size, *hidden, design.widths[player]], first)
    critic = Network([size, *hidden, outputs], second)
    return Player(actor, critic, optimizer.init(actor), optimizer.init(critic))  # type: ignore[arg-type]


def policy(actor: Network, seen: jax.Array, available: jax.Array) -> jax.Array:
    """Return the probabilities of the actions that there are."""
    return jnp.exp(log_policy(actor, seen, available))


def log_policy(actor: Network, seen: jax.Array, available: jax.Array) -> jax.Array:
    """Return the logarithms of the probabilities; minus infinity for actions that a state lacks."""
    return jax.nn.log_softmax(jnp.where(available, actor(seen), -jnp.inf), axis=0)


def joint_values(design: Design, player: int, critic: Network, seen: jax.Array) -> jax.Array:
    """Return what a critic says of all joint actions: shape (heads, A_0, ..., A_{n-1}, ...)."""
    return critic(seen).reshape(design.heads(player), *design.widths, *seen.shape[1:])
