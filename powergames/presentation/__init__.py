"""What each result shows, as tables and sentences, registered with `powergames.display.blocks`."""

from __future__ import annotations

from importlib import import_module

# The module for the results of each package; what no other one is for stands in "shared".
_MODULES = {"games": "games", "results": "results", "auditing": "audits", "learning": "runs"}


def register(kind: type) -> None:
    """Import the module that registers what results of a kind show."""
    package = kind.__module__.split(".")[1]
    import_module(f"{__name__}.{_MODULES.get(package, 'shared')}")
