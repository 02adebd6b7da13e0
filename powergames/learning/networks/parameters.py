"""The parameters of a run with networks, checked once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from powergames.errors import InputError
from powergames.games.timed import check_horizon
from powergames.learning.parameters import (
    MOST_POINTS,
    MOST_STEPS,
    check_charge,
    check_integer,
    check_number,
    check_pair,
)

# Steps unless the caller says otherwise, and the most units of a layer, environments and steps of a rollout.
STEPS, MOST = 2_000_000, 2**20


@dataclass(frozen=True)
class NetworkParameters:
    """What networks depend on besides game, objective and seed; see `powergames.train`."""

    steps: int = STEPS
    hidden: Sequence[int] = (128, 128)
    environments: int = 128
    rollout: int = 16
    epochs: int = 2
    minibatches: int = 4
    rate: tuple[float, float] = (1e-3, 1e-4)
    critic_rate: tuple[float, float] = (1e-3, 1e-4)
    temperature: tuple[float, float] = (0.1, 0.005)
    softness: tuple[float, float] = (0.2, 0.02)
    exploration: float = 0.1
    restart: float = 0.5
    trace: float = 0.9
    clip: float = 0.2
    charge: str = "action"
    takeover: int = 1
    history: int = 20
    horizon: int | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("steps", check_integer("steps", self.steps, 1, MOST_STEPS))
        put("history", check_integer("history", self.history, 1, MOST_POINTS))
        for name in ("environments", "rollout", "epochs", "minibatches"):
            put(name, check_integer(name, getattr(self, name), 1, MOST))
        put("takeover", check_integer("takeover", self.takeover, 1, 100))
        if not isinstance(self.hidden, (tuple, list)):
            raise InputError(f"hidden: got {str(self.hidden)[:40]}; give the units of each layer, e.g. (128, 128)")
        put("hidden", tuple(check_integer("hidden", units, 1, MOST) for units in self.hidden))
        for name in ("rate", "critic_rate", "temperature", "softness"):
            put(name, check_pair(name, getattr(self, name), math.inf))
        for name in ("exploration", "restart", "trace", "clip"):
            put(name, check_number(name, getattr(self, name), 0.0, 1.0))
        if self.rollout % self.minibatches:
            raise InputError(
                f"rollout: got {self.rollout} steps for {self.minibatches} minibatches; give a multiple of these"
            )
        check_charge(self.charge)
        if self.horizon is not None:
            put("horizon", check_horizon(self.horizon, None))

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
