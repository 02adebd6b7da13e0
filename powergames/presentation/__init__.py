"""What each result shows, as tables and sentences, registered with `powergames.display.blocks`."""

from __future__ import annotations

from importlib import import_module

# The module for the results of each package, or of one file of it; what no other one is for stands in "shared", and
# results over a finite horizon, of whatever package, in "horizons".
_MODULES = {
    "games": "games",
    "results": "results",
    "results.teams": "teams",
    "auditing": "audits",
    "learning": "runs",
    "wider_power": "wider",
}


def register(kind: type) -> None:
    """Import the module that registers what results of a kind show."""
    _, package, *rest = kind.__module__.split(".")
    over_time = any(part.startswith("horizon") for part in (package, *rest))
    own = _MODULES.get(".".join([package, *rest]), _MODULES.get(package, "shared"))
    import_module(f"{__name__}.{'horizons' if over_time else own}")
