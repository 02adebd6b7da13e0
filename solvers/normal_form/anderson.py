r"""Anderson acceleration of the extragradient map (Anderson 1965; Walker & Ni 2011; Korpelevich 1976).

A point is an equilibrium of the extended game exactly if moving along the payoffs, and projecting back onto the
strategies, leads nowhere, and then the extragradient map leaves it where it is, too:

.. math::
    F(ξ) = Π(ξ + η \, g(ζ)), \qquad ζ = Π(ξ + η \, g(ξ)) .

Its iteration converges where the game is monotone, for instance zero-sum. Anderson's method combines the last images
so that their steps :math:`F(ξ) - ξ` nearly cancel, which near most equilibria leads there much faster and from further
away, like a quasi-Newton method without derivatives. Where the step grows it begins anew from a plain step.
Now and then a longer step is let pass, to get away from where plain steps lead in circles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.solvers import common
from powergames.solvers.common import Candidate, Method, Options, any_game
from powergames.solvers.normal_form.extended import ExtendedGame
from powergames.solvers.normal_form.iteration import State, check_positive, search


@dataclass(frozen=True)
class Limits:
    """How the step η adapts, and which past steps count."""

    contraction: float = 0.9
    """The step is shortened until payoffs change by at most this times what moved, over η."""
    restarts: int = 30
    """The step may grow after this many new beginnings."""
    growth: float = 4.0
    """It then grows by this factor, until the next beginning."""
    singular: float = 1e-12
    """Steps cancel by rounding alone, and are left out, if a singular value is below this fraction of the largest."""


LIMITS = Limits()


@dataclass(frozen=True)
class Anderson:
    """The extragradient map of all players and adversaries, iterated with Anderson acceleration.

    Parameters
    ----------
    memory : int, default 10
        How many earlier images are combined with the last one; 0 gives the plain extragradient method.
    rate : float, default 1
        The step η at first, for payoffs in units of the payoff range; it is halved until the map contracts.

    Raises
    ------
    InputError
        If a parameter is not such a number.

    Notes
    -----
    Two passes over the payoffs for each iteration.

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.solvers import Anderson, iterate
    >>> game, start = pg.load("rock_paper_scissors"), [[1, 0, 0], [0, 1, 0]]
    >>> run = iterate(game, pg.PowerObjective(0.3), rule=Anderson(memory=5), start=start)
    >>> run.equilibrium.status.name, run.equilibrium.iterations < 100
    ('CONVERGED', True)
    """

    memory: int = 10
    rate: float = 1.0

    name: ClassVar[str] = "anderson"
    kinds: ClassVar[tuple[str, ...]] = ("current",)
    memoryless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.memory, (int, np.integer)) or self.memory < 0:
            raise InputError(f"memory: got {str(self.memory)[:40]}; give a whole number >= 0")
        check_positive("rate", self.rate)

    def states(self, start: State) -> Iterator[tuple[State, ...]]:
        """Yield the current state after each iteration."""
        problem, state, rate = start.problem, start, self.rate
        images: list[np.ndarray] = []
        steps: list[np.ndarray] = []
        begun = 0
        while True:
            image, used = extragradient(state, rate)
            if used < rate:
                # Another map.
                rate, images, steps = used, [], []
            step = image - state.point
            growth = LIMITS.growth if begun % LIMITS.restarts == LIMITS.restarts - 1 else 1.0
            if steps and np.linalg.norm(step) > growth * np.linalg.norm(steps[-1]):
                begun += 1
                if len(steps) > 1:
                    # The combination led astray: go where the last plain step leads.
                    state = state.at(images[-1])
                    images, steps = [], []
                    yield (state,)
                    continue
                images, steps = [], []
            images = [*images, image][-self.memory - 1 :]
            steps = [*steps, step][-self.memory - 1 :]
            state = state.at(projected(problem, combined(images, steps)))
            yield (state,)


def extragradient(state: State, rate: float) -> tuple[np.ndarray, float]:
    """Return the image of a state, shape (D,), and the rate at which the map is sure to lead on."""
    problem, point, values = state.problem, state.point, state.values
    while True:
        ahead = state.at(projected(problem, point + rate * values))
        change = np.linalg.norm(ahead.values - values)
        moved = np.linalg.norm(ahead.point - point)
        if not rate * change > LIMITS.contraction * moved + common.LIMITS.rounding:
            return projected(problem, point + rate * ahead.values), rate
        rate *= 0.5


def combined(images: list[np.ndarray], steps: list[np.ndarray]) -> np.ndarray:
    """Combine images, with weights that sum to one, as the shortest combination of their steps tells."""
    if len(images) == 1:
        return images[0]
    differences = np.diff(steps, axis=0).T
    weights = np.linalg.lstsq(differences, steps[-1], rcond=LIMITS.singular)[0]
    return images[-1] - np.diff(images, axis=0).T @ weights


def projected(problem: ExtendedGame, point: np.ndarray) -> np.ndarray:
    """Return the closest point whose groups are mixed strategies, shape (D,)."""
    first, group_of = problem.bounds[:-1], problem.group_of
    order = np.lexsort((-point, group_of))
    ranked = point[order]
    sums = np.cumsum(ranked)
    sums -= np.concatenate([[0.0], sums])[first][group_of]
    rank = np.arange(1, problem.size + 1) - first[group_of]
    kept = np.add.reduceat(ranked * rank > sums - 1.0, first, dtype=np.int64)
    levels = (sums[first + kept - 1] - 1.0) / kept
    return np.maximum(point - levels[group_of], 0.0)


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Iterate from the starting profile."""
    return search(game, objective, Anderson(), options)


METHOD = Method(
    Anderson.name,
    find,
    "Anderson-accelerated extragradient: fast near most equilibria, also mixed ones; no guarantee",
    any_game,
)
