r"""What makes one action better than another in a stochastic game: polynomials in the strategies of all states.

For player `i`, with values ``(1 - γ P) V = r`` by what is played and taken over, one action is better than another by

.. math::
    δr + γ δP V = \det \begin{pmatrix} 1 - γ P & r \\ -γ δP & δr \end{pmatrix} / \det (1 - γ P),

where the `δ` are differences between the two actions in one state. The denominator is positive. So the numerator, an
*advantage*, tells which action is better. Each row of its matrix is linear in each strategy of one state. Hence an
advantage has degree one in every strategy of the other states. In the state itself two rows count: the degree is two,
but one in the own strategy. With two actions it is zero, for the difference of the rows of the two actions is the last
row, which no determinant counts twice. The same holds for takeovers by the adversaries of a player.

In the form "penalty" the rows for what is charged come on top. The advantage of a player's action is then multiplied
with the square of the denominator, and the degree in the strategies of players is greater by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from powergames.numerics import bernstein
from powergames.solvers.stochastic.problem import StochasticProblem


@dataclass(frozen=True, eq=False)
class Advantage:
    """By how much one action or takeover is better than another one of the same group, in Bernstein form.

    Attributes
    ----------
    group : int
        The group of a state, as in `StochasticProblem.bounds`.
    one, other : int
        The two, as positions among the choices of the group.
    groups, degrees : tuple of int
        The groups on which it depends, and the degree in each.
    coefficients : ndarray
        An axis for each of these.
    unit : float
        The size of the numbers of which it is the difference, for what counts as rounding.
    """

    group: int
    one: int
    other: int
    groups: tuple[int, ...]
    degrees: tuple[int, ...]
    coefficients: np.ndarray
    unit: float


@dataclass(frozen=True, eq=False)
class Advantages:
    """The advantages of a game in which each group has some choices left.

    Attributes
    ----------
    problem : StochasticProblem
    choices : list of ndarray
        The actions or takeovers of each group that are left, in ascending order.
    """

    problem: StochasticProblem
    choices: list[np.ndarray]

    @property
    def size(self) -> int:
        """Number of coefficients of all advantages together."""
        total = 0
        for group, own in enumerate(self.choices):
            if len(own) > 1:
                _, shape = self._axes(group)
                sizes = [math.comb(len(self.choices[g]) + d - 1, d) for g, d in shape.items()]
                total += math.prod(sizes) * math.comb(len(own), 2)
        return total

    def _axes(self, group: int) -> tuple[int, dict[int, int]]:
        """Return the owner of a group, and the degree of its advantages in each group that matters."""
        problem = self.problem
        state, kind = divmod(group, problem.n_groups)
        n, owner, charged = problem.n_players, int(problem.owners[kind]), problem.kinds == 2
        degrees = {}
        for g, own in enumerate(self.choices):
            s, k = divmod(g, problem.n_groups)
            if len(own) == 1 or (problem.owners[k] != owner and k >= n):
                continue
            degree = 1
            if k >= n and charged and kind >= n:
                continue
            if charged and kind < n and k < n:
                degree += 1
            if s == state:
                degree += 1
                # The last row does not depend on the own strategy, nor do others if they are a multiple of it.
                if k == kind:
                    degree -= 1 if len(own) > 2 else 2
                elif kind >= n and (k >= n or (problem.takes[kind - n, k] and problem.takes[kind - n].sum() == 1)):
                    degree -= 1
            if degree:
                degrees[g] = degree
        return owner, degrees

    def __iter__(self) -> Iterator[Advantage]:
        """Compute the advantages."""
        for group, own in enumerate(self.choices):
            if len(own) == 1:
                continue
            owner, degrees = self._axes(group)
            sizes = [len(self.choices[g]) for g in degrees]
            nodes = [bernstein.nodes(size, d) for size, d in zip(sizes, degrees.values(), strict=True)]
            shape = [len(each) for each in nodes]
            at = np.indices(shape).reshape(len(shape), math.prod(shape))
            strategies = []
            for g, choice in enumerate(self.choices):
                strategy = np.zeros((at.shape[1], self._sizes[g]))
                strategy[:, choice[0]] = 1.0
                strategies.append(strategy)
            for g, each, places in zip(degrees, nodes, at, strict=True):
                strategies[g][:, self.choices[g]] = each[places]
            paid = self._paid(owner, group, strategies)
            unit = float(np.abs(paid).max())
            for one, other in combinations(range(len(own)), 2):
                coefficients = (paid[one] - paid[other]).reshape(shape)
                for axis, (size, d) in enumerate(zip(sizes, degrees.values(), strict=True)):
                    coefficients = bernstein.transformed(coefficients, axis, bernstein.interpolation(size, d))
                yield Advantage(group, one, other, tuple(degrees), tuple(degrees.values()), coefficients, unit)

    @cached_property
    def _sizes(self) -> np.ndarray:
        return np.diff(self.problem.bounds)

    @cached_property
    def _transitions(self) -> np.ndarray:
        """Transitions as an ordinary matrix, shape (R, S)."""
        _, starts, _, indptr, indices, data = self.problem.arrays
        dense = np.zeros((int(starts[-1]), self.problem.n_states))
        np.add.at(dense, (np.repeat(np.arange(len(dense)), np.diff(indptr)), indices), data)
        return dense

    def _paid(self, i: int, group: int, strategies: Sequence[np.ndarray]) -> np.ndarray:
        """Return what each choice of a group is paid at some points, times the denominator, shape (choices, K)."""
        problem = self.problem
        n, charged, toll = problem.n_players, problem.kinds == 2, float(problem.tolls[i])
        discount, rewards = float(problem.discounts[i]), problem.rewards[-1, i]
        count, n_states = len(strategies[0]), problem.n_states
        states = [slice(*pair) for pair in zip(problem.arrays[1], problem.arrays[1][1:], strict=False)]

        def chances(s: int, forced: dict[int, int]) -> np.ndarray:
            result = np.ones((count, 1))
            for j in range(n):
                own = strategies[s * problem.n_groups + j]
                own = np.broadcast_to(np.eye(own.shape[1])[forced[j]], own.shape) if j in forced else own
                result = (result[:, :, None] * own[:, None, :]).reshape(count, -1)
            return result

        def taken(s: int, forced: dict[int, int]) -> np.ndarray:
            """Chances of rows by all takeovers against the player, times their weights."""
            total = np.zeros((count, states[s].stop - states[s].start))
            for b in np.flatnonzero(problem.egos == i).tolist():
                z = strategies[s * problem.n_groups + n + b]
                for e, (j, action) in enumerate(self._takeovers(s, b)):
                    if z[:, e].any():
                        total += problem.weights[i, j] * z[:, e, None] * chances(s, {**forced, j: action})
            return total

        def mixed(s: int, forced: dict[int, int]) -> np.ndarray:
            if charged:
                return chances(s, forced)
            return (1.0 - toll) * chances(s, forced) + taken(s, forced)

        system = np.tile(np.eye(n_states), (count, 1, 1))
        right = np.empty((count, n_states))
        for s, rows in enumerate(states):
            weights = mixed(s, {})
            system[:, s] -= discount * weights @ self._transitions[rows]
            right[:, s] = weights @ rewards[rows]
        values = np.linalg.solve(system, right[:, :, None])[:, :, 0]
        unit = np.linalg.det(system)
        worth = rewards + discount * values @ self._transitions.T
        state, kind = divmod(group, problem.n_groups)
        rows = states[state]
        if kind >= n:
            acts = [self._takeovers(state, kind - n)[e] for e in self.choices[group].tolist()]
            return np.array([-unit * (chances(state, {j: act}) * worth[:, rows]).sum(axis=1) for j, act in acts])
        if not charged:
            return np.array(
                [unit * (mixed(state, {i: act}) * worth[:, rows]).sum(axis=1) for act in self.choices[group].tolist()]
            )
        for s, own in enumerate(states):
            right[:, s] = ((toll * chances(s, {}) - taken(s, {})) * worth[:, own]).sum(axis=1)
        charges = np.linalg.solve(system, right[:, :, None])[:, :, 0]
        after = discount * charges @ self._transitions[rows].T
        paid = []
        for act in self.choices[group].tolist():
            plain = chances(state, {i: act})
            total = plain * (worth[:, rows] - after) - (toll * plain - taken(state, {i: act})) * worth[:, rows]
            paid.append(unit**2 * total.sum(axis=1))
        return np.array(paid)

    def _takeovers(self, state: int, adversary: int) -> list[tuple[int, int]]:
        """Return whom an adversary takes over, and what that player is made to play, in the order of a point."""
        problem = self.problem
        return [
            (j, action)
            for j in np.flatnonzero(problem.takes[adversary]).tolist()
            for action in range(int(problem.n_actions[state, j]))
        ]

    @cached_property
    def needed(self) -> list[np.ndarray]:
        """The choices that are left without takeovers that do the same as others, in each group."""
        problem = self.problem
        needed = list(self.choices)
        for g, own in enumerate(self.choices):
            s, k = divmod(g, problem.n_groups)
            if k < problem.n_players:
                continue
            i, rows = int(problem.owners[k]), slice(*problem.arrays[1][s : s + 2])
            joint = np.column_stack([problem.rewards[-1, i, rows], self._transitions[rows]])
            joint = joint.reshape(*problem.n_actions[s], -1)
            acts = self._takeovers(s, k - problem.n_players)
            kept: dict[tuple[int, bytes], int] = {}
            for e in own.tolist():
                j, act = acts[e]
                # To take over somebody who has no choice changes nothing, whoever it is.
                does = (j, joint.take(act, axis=j).tobytes()) if problem.n_actions[s, j] > 1 else (-1, b"")
                kept.setdefault(does, e)
            needed[g] = np.array(sorted(kept.values()))
        return needed
