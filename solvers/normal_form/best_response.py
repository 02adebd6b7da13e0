"""Best-response dynamics: everybody moves towards the best answer to what the others do now.

In the extended game players and adversaries alike have a pure best response. *Damped*: all move at the same time, a
part of the way. *Sequential*: one after the other, all the way, each answering what the ones before have just done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.solvers.common import Candidate, Method, Options, any_game
from powergames.solvers.normal_form.iteration import State, check_share, search


@dataclass(frozen=True)
class DampedBestResponse:
    """All players and adversaries move towards a best response at the same time.

    Parameters
    ----------
    step : float, default 0.1
        How much of the way they go, from 0 (excluded) to 1.

    Raises
    ------
    InputError
        If the step is not such a number.

    Notes
    -----
    One pass over the payoffs for each iteration. Near a strict equilibrium the regret falls by the factor ``1 - step``
    each time; around a mixed one the profile wanders at a distance of about the step.

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.solvers import DampedBestResponse, iterate
    >>> iterate(pg.load("prisoners_dilemma"), rule=DampedBestResponse(step=0.2)).equilibrium.status.name
    'CONVERGED'
    """

    step: float = 0.1

    name: ClassVar[str] = "damped_best_response"
    kinds: ClassVar[tuple[str, ...]] = ("current",)
    memoryless: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_share("step", self.step)

    def states(self, start: State) -> Iterator[tuple[State, ...]]:
        """Yield the current state after each iteration."""
        state = start
        while True:
            state = state.at(state.point + self.step * (state.responses - state.point))
            yield (state,)


@dataclass(frozen=True)
class SequentialBestResponse:
    """Players, then adversaries, take a best response one after the other.

    Notes
    -----
    One pass over the payoffs for each player in each iteration. At λ = 0 in a potential game, for instance one of
    identical payoffs, every move raises the potential, so that a pure equilibrium is reached after finitely many.

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.solvers import SequentialBestResponse, iterate
    >>> run = iterate(pg.load("stag_hunt"), rule=SequentialBestResponse())
    >>> run.equilibrium.status.name, run.equilibrium.profile[0]
    ('CONVERGED', array([0., 1.]))
    """

    name: ClassVar[str] = "sequential_best_response"
    kinds: ClassVar[tuple[str, ...]] = ("current",)
    memoryless: ClassVar[bool] = True

    def states(self, start: State) -> Iterator[tuple[State, ...]]:
        """Yield the current state after each iteration, in which everybody has had a turn."""
        state = start
        turns = np.eye(start.problem.n_groups, dtype=bool)
        while True:
            for group in turns:
                state = state.answered(group, state.responses)
            yield (state,)


def find_damped(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Move everybody towards a best response, from the starting profile."""
    return search(game, objective, DampedBestResponse(), options)


def find_sequential(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Let everybody in turn take a best response, from the starting profile."""
    return search(game, objective, SequentialBestResponse(), options)


DAMPED = Method(
    DampedBestResponse.name,
    find_damped,
    "simultaneous moves towards best responses: approaches strict equilibria near the start; no guarantee elsewhere",
    any_game,
)
SEQUENTIAL = Method(
    SequentialBestResponse.name,
    find_sequential,
    "best responses in turn: reaches a pure equilibrium of any potential game at λ = 0; no guarantee elsewhere",
    any_game,
)
