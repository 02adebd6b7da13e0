"""Players: each has an actor and a critic of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from powergames.learning.networks.outlook import Design

# Gradients of one network are clipped to this norm.
NORM = 0.5

optimizer = optax.chain(optax.clip_by_global_norm(NORM), optax.scale_by_adam())


class Network(eqx.Module):
    """Layers of rectified linear units between what is seen and the outputs."""

    weights: tuple[Any, ...]
    biases: tuple[Any, ...]

    def __call__(self, seen: jax.Array) -> jax.Array:
        """Return the outputs, on the first axis; those of the batch follow."""
        values = seen.astype(jnp.float32)
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if k:
                values = jax.nn.relu(values)
            values = jnp.tensordot(weight, values, 1) + bias.reshape(-1, *(1,) * (values.ndim - 1))
        return values


class Player(NamedTuple):
    """The networks of one player, and the memory of their optimizers."""

    actor: Network
    critic: Network
    actor_memory: Any
    critic_memory: Any


def network_of(sizes: Sequence[int], generator: np.random.Generator) -> Network:
    """Return a network that knows nothing, made on the host: nothing has to be compiled for it."""

    def numbers(inputs: int, *shape: int) -> np.ndarray:
        return generator.uniform(-1.0, 1.0, shape).astype(np.float32) / np.float32(math.sqrt(inputs))

    layers = list(pairwise(sizes))
    weights = tuple(numbers(inputs, outputs, inputs) for inputs, outputs in layers)
    return Network(weights, tuple(numbers(inputs, outputs) for inputs, outputs in layers))


def player_of(design: Design, player: int, size: int, hidden: Sequence[int], generator: np.random.Generator) -> Player:
    """Return a player who knows nothing."""
    outputs = design.heads(player) * math.prod(design.widths)
    actor = network_of([size, *hidden, design.widths[player]], generator)
    critic = network_of([size, *hidden, outputs], generator)
    memories = (
        jax.tree.map(lambda shape: np.zeros(shape.shape, shape.dtype), jax.eval_shape(optimizer.init, network))
        for network in (actor, critic)
    )
    return Player(actor, critic, *memories)


def policy(actor: Network, seen: jax.Array, available: jax.Array) -> jax.Array:
    """Return the probabilities of the actions that there are."""
    return jnp.exp(log_policy(actor, seen, available))


def log_policy(actor: Network, seen: jax.Array, available: jax.Array) -> jax.Array:
    """Return the logarithms of the probabilities; minus infinity for actions that a state lacks."""
    return jax.nn.log_softmax(jnp.where(available, actor(seen), -jnp.inf), axis=0)


def joint_values(design: Design, player: int, critic: Network, seen: jax.Array) -> jax.Array:
    """Return what a critic says of all joint actions: shape (heads, A_0, ..., A_{n-1}, ...)."""
    return critic(seen).reshape(design.heads(player), *design.widths, *seen.shape[1:])
