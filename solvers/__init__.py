"""Solvers, one method per file, with `solve` in front; imported as `powergames.solvers`."""

from __future__ import annotations

if __name__ == "solvers":
    raise ImportError("import powergames.solvers, not solvers: the folder is part of the package powergames")

from powergames.solvers.common import Method
from powergames.solvers.paths import sweep
from powergames.solvers.pure import PureEquilibrium, pure_equilibria
from powergames.solvers.registry import METHODS, solve, solve_all

__all__ = ["METHODS", "Method", "PureEquilibrium", "pure_equilibria", "solve", "solve_all", "sweep"]
