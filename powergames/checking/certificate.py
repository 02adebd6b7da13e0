"""What every certificate holds: how much each player could gain, and the tolerance that decides."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.display import Shown
from powergames.errors import InputError
from powergames.games.immutable import Frozen


@dataclass(frozen=True, eq=False)
class Certificate(Frozen, Shown):
    """How much each player could gain at a profile, and whether that is within tolerance.

    Attributes
    ----------
    regrets : ndarray, shape (n,)
        Greatest gain of each player over all mixed deviations, in payoff units; exact fractions for exact profiles.
    scaled_regrets : ndarray, shape (n,)
        The same divided by the player's payoff range (by 1 where payoffs are constant).
    tol : float
        The certificate passes if every scaled regret is at most `tol`.
    deviations : str
        The class of deviations covered: "mixed"; of correlated equilibria "swap", any reaction to what one is told, or
        "coarse", decided before one is told anything.
    bound : str
        "exact": the numbers are the regrets, up to rounding; "upper": no regret is greater, because a time limit ended
        the search for the best deviation.
    """

    regrets: np.ndarray
    scaled_regrets: np.ndarray
    tol: float
    deviations: str = "mixed"
    bound: str = "exact"

    @property
    def max_regret(self) -> float | Fraction:
        """Greatest regret of any player, in payoff units."""
        return _greatest(self.regrets)

    @property
    def scaled_regret(self) -> float | Fraction:
        """Greatest regret of any player, relative to that player's payoff range."""
        return _greatest(self.scaled_regrets)

    @property
    def passed(self) -> bool:
        """Whether every scaled regret is at most `tol`."""
        return bool(self.scaled_regret <= self.tol)

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as plain JSON values; exact numbers become strings."""
        number = str if self.regrets.dtype == object else float
        return {
            "max_regret": number(self.max_regret),
            "scaled_regret": number(self.scaled_regret),
            "regrets": [number(regret) for regret in self.regrets],
            "tol": self.tol,
            "deviations": self.deviations,
            "bound": self.bound,
            "passed": self.passed,
        }

    def __repr__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        return (
            f"<Certificate {verdict}: max regret {float(self.max_regret):.3g}, scaled {float(self.scaled_regret):.3g}, "
            f"tol {self.tol:g}, {self.deviations} deviations, {self.bound}>"
        )


def check_tolerance(tol: Any) -> None:
    """Refuse a tolerance that is not a number from 0 to 1.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_tolerance(-1)
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: tol: got -1; give a number from 0 to 1
    """
    if not isinstance(tol, (int, float, Fraction, np.integer, np.floating)) or not 0 <= tol <= 1:
        raise InputError(f"tol: got {str(tol)[:40]}; give a number from 0 to 1")


def _greatest(numbers: np.ndarray) -> float | Fraction:
    greatest: float | Fraction = max(numbers.tolist())
    return greatest
