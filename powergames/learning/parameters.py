"""The parameters of a run, checked once."""

from __future__ import annotations

import math
import operator
from dataclasses import asdict, dataclass
from typing import Any

from powergames.errors import InputError
from powergames.games.timed import check_horizon
from powergames.kernels.learning import Schedule

# The form of objective that each algorithm learns.
FORMS = {"prim": "penalty", "sbpr": "adversarial", "task": "penalty"}

# What prim charges for the power that others hold.
CHARGES = ("action", "state")

MOST_STEPS = 10**15
MOST_POINTS = 100_000


@dataclass(frozen=True)
class Parameters:
    """What learners depend on besides game, objective and seed; see `powergames.train`."""

    steps: int
    rate: tuple[float, float] = (0.1, 0.02)
    temperature: tuple[float, float] = (0.3, 0.005)
    critic_rate: tuple[float, float] = (0.1, 0.01)
    exploration: float = 0.1
    restart: float = 0.1
    averaging: float = 8.0
    charge: str = "action"
    history: int = 20
    horizon: int | None = None

    def __post_init__(self) -> None:
        for name, most in (("steps", MOST_STEPS), ("history", MOST_POINTS)):
            object.__setattr__(self, name, check_integer(name, getattr(self, name), 1, most))
        for name, largest in (("rate", math.inf), ("temperature", math.inf), ("critic_rate", 1.0)):
            object.__setattr__(self, name, check_pair(name, getattr(self, name), largest))
        for name, least, top in (("exploration", 0.0, 1.0), ("restart", 0.0, 1.0), ("averaging", 1.0, math.inf)):
            object.__setattr__(self, name, check_number(name, getattr(self, name), least, top))
        if not max(self.rate) * max(self.temperature) < 1.0:
            raise InputError(
                f"rate: got up to {max(self.rate):g} at temperatures up to {max(self.temperature):g}; their product "
                "must be below 1"
            )
        check_charge(self.charge)
        if self.horizon is not None:
            object.__setattr__(self, "horizon", check_horizon(self.horizon, None))

    def schedule(self) -> Schedule:
        """Return what the kernel needs of them."""
        own = {name: getattr(self, name) for name in Schedule._fields if name not in ("horizon", "charges_actions")}
        return Schedule(**own, horizon=self.horizon or 0, charges_actions=self.charge == "action")

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def check_algorithm(algorithm: Any) -> None:
    """Refuse an unknown algorithm."""
    if not isinstance(algorithm, str) or algorithm not in FORMS:
        raise InputError(f"algorithm: got {str(algorithm)[:40]!r}; choose one of {', '.join(FORMS)}")


def check_charge(charge: Any) -> None:
    """Refuse an unknown charge."""
    if not isinstance(charge, str) or charge not in CHARGES:
        raise InputError(f"charge: got {str(charge)[:40]!r}; choose one of {', '.join(CHARGES)}")


def check_integer(name: str, value: Any, least: int, most: int) -> int:
    """Return an integer, and refuse what is none within limits."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if not least <= number <= most:
        raise InputError(f"{name}: got {str(value)[:40]}; give an integer from {least} to {most}")
    return number


def check_number(name: str, value: Any, least: float, most: float) -> float:
    """Return a number, and refuse what is none within limits."""
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not least <= number <= most or math.isinf(number):
        limits = f">= {least:g}" if math.isinf(most) else f"from {least:g} to {most:g}"
        raise InputError(f"{name}: got {str(value)[:40]}; give a number {limits}")
    return number


def check_pair(name: str, value: Any, most: float) -> tuple[float, float]:
    """Return a first and a last value above 0, and refuse what is neither them nor one number for both."""
    numbers = (value, value) if isinstance(value, (int, float)) else value
    try:
        first, last = (float(number) for number in numbers)
    except (OverflowError, TypeError, ValueError):
        first = last = math.nan
    if not (0.0 < first <= most and 0.0 < last <= most) or math.isinf(max(first, last)):
        limit = "" if math.isinf(most) else f" and at most {most:g}"
        raise InputError(f"{name}: got {str(value)[:40]}; give its first and its last value, both above 0{limit}")
    return first, last
