"""What all methods for stochastic games share: the best point so far, when to stop, and what to report."""

from __future__ import annotations

import numpy as np

from powergames.results import Status
from powergames.solvers.common import LimitError, Options
from powergames.solvers.stochastic.problem import StochasticProblem, Worth

# Regret, relative to the range of values, as good as rounding allows.
TARGET = 1e-11

# Regret relative to the tolerance that is surely good enough for the certificate.
MARGIN = 0.5

_EPS = float(np.finfo(np.float64).eps)


class Progress:
    """The best point that any method has met in a part of a game, and the limits of the search.

    Parameters
    ----------
    problem : StochasticProblem
    point : ndarray, shape (D,)
        The best point before anything is known.
    options : Options
    states : (int, int)
        States solved before, and in all.
    steps : int
        Steps made before.
    """

    def __init__(
        self, problem: StochasticProblem, point: np.ndarray, options: Options, states: tuple[int, int], steps: int
    ) -> None:
        self.problem, self.point, self.options, self.states, self.steps = problem, point, options, states, steps
        self.regret = np.inf
        # States in which a method could not decide.
        self.unsettled = np.zeros(problem.n_states, dtype=bool)
        # Gains of one step are differences of values, and where they add up so does their rounding.
        unit = (1.0 - problem.discounts if problem.adds_up else 1.0) * problem.spans
        self.target = max(TARGET, 1024 * _EPS / float(unit.min()))

    @property
    def done(self) -> bool:
        """Whether the best point is as good as rounding allows."""
        return self.regret <= self.target

    @property
    def good(self) -> bool:
        """Whether the best point will pass."""
        return self.regret <= self.enough

    @property
    def enough(self) -> float:
        """Regret up to which a point will pass."""
        return max(self.target, MARGIN * float(self.options.tol))

    def look(self, point: np.ndarray, worth: Worth) -> np.ndarray:
        """Remember a point if it is the best so far; return what every action and takeover is paid there, (D,).

        ``worth`` is what the rows are worth by the values of the point.
        """
        gradient = self.problem.gradients(point, worth)
        self.keep(point, float(self.problem.scaled_regrets(point, gradient).max()))
        return gradient

    def tempted(self, point: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return in which states somebody would gain more than will pass, shape (S,), given what `look` returns."""
        return self.problem.scaled_regrets(point, gradient).max(axis=1) > self.enough

    def keep(self, point: np.ndarray, regret: float) -> None:
        """Remember a point if its regret is the least so far."""
        if regret < self.regret:
            self.point, self.regret = point, regret

    def step(self, stage: str) -> None:
        """Count a step and report it.

        Raises
        ------
        LimitError
        """
        self.steps += 1
        self.options.report(f"{stage}, regret {self.regret:.1e}, states done", *self.states)
        if self.options.max_iter is not None and self.steps >= self.options.max_iter:
            raise LimitError(Status.MAX_ITER)
