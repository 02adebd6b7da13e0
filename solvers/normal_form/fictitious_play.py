r"""Fictitious play: everybody answers what the others have done on average so far (Brown 1951).

With the first best response `b` to the average :math:`\bar ξ`, for players and adversaries alike,

.. math::
    \bar ξ_{t+1} = \bar ξ_t + \frac{b(\bar ξ_t) - \bar ξ_t}{t + c} .
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.solvers.common import Candidate, Method, Options, any_game
from powergames.solvers.normal_form.iteration import State, check_positive, search


@dataclass(frozen=True)
class FictitiousPlay:
    """All players and adversaries best-respond to the average of the past.

    Parameters
    ----------
    prior : float, default 1
        The number `c` of iterations for which the start counts in the average.

    Raises
    ------
    InputError
        If the prior is not positive.

    Notes
    -----
    One pass over the payoffs for each iteration. The average converges at λ = 0 in two-player zero-sum games
    (Robinson 1951) and in potential games (Monderer & Shapley 1996), and need not elsewhere (Shapley 1964). The regret
    falls slowly, at best like ``1 / t`` and often like ``1 / sqrt(t)``; a pure equilibrium shows sooner in the best
    responses themselves, which are looked at too.

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.solvers import FictitiousPlay, iterate
    >>> game, start = pg.load("matching_pennies"), [[1, 0], [1, 0]]
    >>> run = iterate(game, rule=FictitiousPlay(), start=start, tol=0.01, max_iter=10_000)
    >>> run.equilibrium.status.name
    'CONVERGED'
    """

    prior: float = 1.0

    name: ClassVar[str] = "fictitious_play"
    kinds: ClassVar[tuple[str, ...]] = ("average", "best response")
    memoryless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_positive("prior", self.prior)

    def states(self, start: State) -> Iterator[tuple[State, ...]]:
        """Yield after each iteration the average and the responses to the one before."""
        average = start
        for t in count(1):
            response = average.at(average.responses)
            average = average.at(average.point + (response.point - average.point) / (t + self.prior))
            yield average, response


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Play from the starting profile, which counts for one iteration."""
    return search(game, objective, FictitiousPlay(), options)


METHOD = Method(
    FictitiousPlay.name,
    find,
    "fictitious play: at λ = 0 converges, slowly, in two-player zero-sum and potential games; no guarantee elsewhere",
    any_game,
)
