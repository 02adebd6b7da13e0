"""What a player's critic says of a state: the worth of its actions, and what the adversaries would do.

Arrays have the axes of the batch last. Those of joint actions are ``q[a_0, ..., a_{n-1}, ...]``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from powergames.objectives import PowerObjective

# What a spread of values is at least, in a unit in which rewards have the range 1.
LEAST_SPREAD = 1e-3

# The heads of a critic that learns a charge for power.
TASK, REGULAR = 0, 1


@dataclass(frozen=True)
class Design:
    """What the compiled program depends on, besides the shapes of arrays.

    Attributes
    ----------
    algorithm : {"task", "prim", "sbpr"}
    charge : {"action", "state"}
        Whether prim charges each action for the power that others then hold, or only arriving in a state.
    takeover : int
        For how many steps in a row an adversary of sbpr takes over.
    widths : tuple of int
        The most actions of each player.
    rivals : tuple
        ``rivals[i][b]`` are the co-players whom adversary `b` of player `i` may take over.
    """

    algorithm: str
    charge: str
    takeover: int
    widths: tuple[int, ...]
    rivals: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.widths)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Who learns from each group of environments: in sbpr each player has its own, else all share one."""
        players = range(self.n_players)
        return tuple((i,) for i in players) if self.algorithm == "sbpr" else (tuple(players),)

    def heads(self, player: int) -> int:
        """Return how many values a critic gives to each joint action.

        With prim, the task value and the regularized value. With sbpr, the value if the play after it is free, and one
        for each adversary and each number of steps, from 1, that it still takes over; see `head`.
        """
        if self.algorithm == "prim":
            return 2
        return 1 + len(self.rivals[player]) * (self.takeover - 1) if self.algorithm == "sbpr" else 1

    def head(self, rival: int, left: int) -> int:
        """Return the head for play in which an adversary takes over `left` more steps."""
        return 0 if left == 0 else 1 + rival * (self.takeover - 1) + left - 1

    def options(self, player: int) -> list[tuple[int, int]]:
        """Return the co-player and the action of everything that could be done to a player."""
        return [(j, a) for j, width in enumerate(self.widths) if j != player for a in range(width)]


def design_of(
    objective: PowerObjective, algorithm: str, charge: str, takeover: int, widths: Sequence[int]
) -> tuple[Design, tuple[np.ndarray, ...]]:
    """Return the design for an objective, and the charges ``charges[i][b]`` of its adversaries.

    Examples
    --------
    >>> design, charges = design_of(PowerObjective(0.5), "prim", "action", 1, (2, 3, 2))
    >>> design.rivals[0], charges[0]
    (((1,), (2,)), array([0.25, 0.25], dtype=float32))
    """
    n = len(widths)
    objective.adversaries(n)  # refuses charges that are no probabilities
    owned = objective.potential_adversaries(n) if algorithm != "task" else ((),) * n
    rivals = tuple(tuple(adversary.players for adversary in own) for own in owned)
    charges = tuple(np.array([float(adversary.charge) for adversary in own], dtype=np.float32) for own in owned)
    return Design(algorithm, charge, takeover, tuple(widths), rivals), charges


class Outlook(NamedTuple):
    """What a player makes of a state.

    Attributes
    ----------
    slope : shape (A_i, ...)
        What its policy climbs: the gradient of its objective in this state.
    values : shape (1, ...), or (2, ...) with prim
        The value of the state, task and regularized, with which critics bootstrap.
    spread : shape (...)
        Standard deviation of the critic over joint actions.
    takeovers : shape (rivals * steps, options, ...), or None
        What adversary `b` does with `m` more steps to go is ``takeovers[b * steps + m]``.
    """

    slope: jax.Array
    values: jax.Array
    spread: jax.Array
    takeovers: jax.Array | None


def averaged(q: jax.Array, policies: Sequence[jax.Array], keep: Collection[int]) -> jax.Array:
    """Average values of joint actions over the policies of all players but some, whose axes stay."""
    for k in reversed(range(len(policies))):
        if k not in keep:
            behind = (1,) * sum(other > k for other in keep)
            q = (q * policies[k].reshape(policies[k].shape[0], *behind, *policies[k].shape[1:])).sum(axis=k)
    return q


def look(
    design: Design,
    player: int,
    critic: jax.Array,
    policies: Sequence[jax.Array],
    available: Sequence[jax.Array],
    charges: jax.Array,
    softness: jax.Array,
    phases: jax.Array,
) -> Outlook:
    """Return what a player's critic says of a state.

    Parameters
    ----------
    design : Design
    player : int
    critic : shape (heads, A_0, ..., A_{n-1}, ...)
    policies, available : shape (A_i, ...) per player
        The present policies, and which actions there are.
    charges : shape (rivals,)
        λ times the weight of each adversary.
    softness : shape ()
        Temperature at which adversaries choose, relative to the spread of the critic.
    phases : shape (...)
        With sbpr, the head for what the adversary is about to do: 0 if none has begun to take over.
    """
    n, policy = design.n_players, policies[player]
    uniform = [mask / mask.sum(axis=0) for mask in available]
    mean = averaged(critic[TASK], uniform, ())
    spread = jnp.sqrt(averaged((critic[TASK] - mean) ** 2, uniform, ()))
    own = [averaged(q, policies, (player,)) for q in critic]
    rivals, options = design.rivals[player], design.options(player)
    if not rivals:
        values = jnp.stack([(policy * worth).sum(axis=0) for worth in own])
        return Outlook(own[-1], values, spread, None)
    there = jnp.concatenate([available[j] for j in range(n) if j != player])
    unit = jax.lax.stop_gradient(softness * jnp.maximum(spread, LEAST_SPREAD))

    def opposed(q: jax.Array) -> tuple[jax.Array, list[jax.Array], list[jax.Array]]:
        """Return the worth of own actions under each option, and of each rival the choice and what it leaves."""
        tables = []
        for j in range(n):
            if j != player:
                table = averaged(q, policies, (player, j))
                tables.append(table if player < j else jnp.swapaxes(table, 0, 1))
        table = jnp.concatenate(tables, axis=1)
        harm = -(policy[:, None] * table).sum(axis=0) / unit
        choices, left = [], []
        for players in rivals:
            may = np.array([j in players for j, _ in options]).reshape(-1, *(1,) * phases.ndim)
            choices.append(jax.nn.softmax(jnp.where(there & may, harm, -jnp.inf), axis=0))
            left.append((choices[-1] * table).sum(axis=1))
        return table, choices, left

    if design.algorithm == "prim":
        _, _, left = opposed(critic[TASK])
        charged = own[REGULAR] - sum(charge * (own[TASK] - worth) for charge, worth in zip(charges, left, strict=True))
        values = jnp.stack([(policy * own[TASK]).sum(axis=0), (policy * charged).sum(axis=0)])
        return Outlook(charged if design.charge == "action" else own[REGULAR], values, spread, None)

    steps = design.takeover
    found = [opposed(q) for q in critic]
    takeovers, worths = [], []
    for b in range(len(rivals)):
        for m in range(steps):
            _, choices, left = found[design.head(b, m)]
            takeovers.append(choices[b])
            worths.append(left[b])
    last = range(steps - 1, len(worths), steps)
    free = (1 - charges.sum()) * own[0] + sum(charges[b] * worths[k] for b, k in enumerate(last))
    # In the order of the heads: free play, then each adversary with 1, 2, ... steps left.
    begun = [worths[b * steps + m] for b in range(len(rivals)) for m in range(steps - 1)]
    slope = chosen(jnp.stack([free, *begun]), phases)
    return Outlook(slope, (policy * slope).sum(axis=0)[None], spread, jnp.stack(takeovers))


def chosen(values: jax.Array, index: jax.Array) -> jax.Array:
    """Return ``values[index]`` along the first axis, where an index belongs to each place of the batch."""
    if values.shape[0] == 1:
        return values[0]
    behind = (1,) * (values.ndim - 1 - index.ndim)
    return jnp.take_along_axis(values, index.reshape(1, *behind, *index.shape), axis=0)[0]
