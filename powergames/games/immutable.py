"""Values that never change: all games and results."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Self

import numpy as np

from powergames.games.profiles import frozen


class Frozen:
    """A value of which neither the attributes nor the arrays in them can be changed, nor those of its copies.

    Dataclasses freeze what they are built from, which arrays, tuples and dicts hand over; any of these that a property
    computes it freezes itself.

    Examples
    --------
    >>> import copy, pickle
    >>> import powergames as pg
    >>> found = pg.solve(pg.load("stag_hunt"), pg.PowerObjective(0.3))
    >>> copy.deepcopy(found) is found
    True
    >>> pickle.loads(pickle.dumps(found)).profile[0][0] = 1
    Traceback (most recent call last):
        ...
    ValueError: assignment destination is read-only
    """

    # NumPy leaves operators to the other side, so that comparing with an array is no comparison entry by entry.
    __array_ufunc__ = None

    def __post_init__(self) -> None:
        self.__setstate__(self.__dict__)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot set {name!r}; build a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot delete {name!r}")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: dict(v) if isinstance(v, MappingProxyType) else v for name, v in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: _frozen(value) for name, value in state.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return frozen(value)
    if type(value) is tuple:
        return tuple(_frozen(entry) for entry in value)
    if type(value) is dict:
        return MappingProxyType(value.copy())
    return value
