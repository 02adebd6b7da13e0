"""Power-regularized equilibria of games: computed exactly, certified independently.

Examples
--------
>>> import powergames as pg
>>> game = pg.load("stag_hunt")
>>> pg.solve(game, pg.PowerObjective(lam=0.5)).status.name
'CONVERGED'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each public name lives. Names are imported when first used, so that `import powergames` stays quick.
_HOMES = {
    "powergames.certificates": ("Certificate", "certify"),
    "powergames.errors": ("FormatError", "InputError"),
    "powergames.games": ("NormalFormGame",),
    "powergames.io": (
        "from_nashpy",
        "from_pygambit",
        "load",
        "save",
        "to_nashpy",
        "to_pygambit",
    ),
    "powergames.objectives": ("PowerObjective",),
    "powergames.power": ("PowerTable", "power_table"),
    "powergames.results": ("Equilibrium", "EquilibriumSet", "Path", "PathPoint", "Status"),
    "powergames.solvers": ("pure_equilibria", "solve", "solve_all", "sweep"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'powergames' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    from powergames.certificates import Certificate, certify
    from powergames.errors import FormatError, InputError
    from powergames.games import NormalFormGame
    from powergames.io import from_nashpy, from_pygambit, load, save, to_nashpy, to_pygambit
    from powergames.objectives import PowerObjective
    from powergames.power import PowerTable, power_table
    from powergames.results import Equilibrium, EquilibriumSet, Path, PathPoint, Status
    from powergames.solvers import pure_equilibria, solve, solve_all, sweep
