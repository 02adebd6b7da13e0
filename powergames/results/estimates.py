"""Numbers that are estimated, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.games.immutable import Frozen


@dataclass(frozen=True, eq=False)
class Estimate(Frozen):
    """Estimated numbers, each with an interval.

    Attributes
    ----------
    mean, low, high : ndarray
        All of the same shape.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain JSON values."""
        return {"mean": self.mean.tolist(), "low": self.low.tolist(), "high": self.high.tolist()}


@dataclass(frozen=True, eq=False)
class LowerBound(Frozen):
    """Estimates of lower bounds: the true numbers may be larger.

    Attributes
    ----------
    mean, low : ndarray
        Both of the same shape: what was found, and the lower ends of its intervals.
    """

    mean: np.ndarray
    low: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain JSON values."""
        return {"mean": self.mean.tolist(), "low": self.low.tolist()}
