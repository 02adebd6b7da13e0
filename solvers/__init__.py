"""Solvers, one method per file, with `solve` in front; imported as `powergames.solvers`."""

from __future__ import annotations

if __name__ == "solvers":
    raise ImportError("import powergames.solvers, not solvers: the folder is part of the package powergames")

from powergames.solvers.anderson import Anderson
from powergames.solvers.batches import solve_batch
from powergames.solvers.best_response import DampedBestResponse, SequentialBestResponse
from powergames.solvers.common import Method
from powergames.solvers.fictitious_play import FictitiousPlay
from powergames.solvers.iteration import Trajectory, iterate
from powergames.solvers.mirror_descent import MirrorDescent
from powergames.solvers.paths import sweep
from powergames.solvers.pure import PureEquilibrium, pure_equilibria
from powergames.solvers.quantal_response import QuantalResponse, QuantalResponsePath, logit_path
from powergames.solvers.registry import METHODS, solve, solve_all
from powergames.solvers.regret_matching import RegretMatching
from powergames.solvers.stochastic import METHODS as STOCHASTIC_METHODS
from powergames.solvers.stochastic import StochasticMethod, TeamOptimum, team_optimum
from powergames.solvers.tracing import trace

__all__ = [
    "METHODS",
    "STOCHASTIC_METHODS",
    "Anderson",
    "DampedBestResponse",
    "FictitiousPlay",
    "Method",
    "MirrorDescent",
    "PureEquilibrium",
    "QuantalResponse",
    "QuantalResponsePath",
    "RegretMatching",
    "SequentialBestResponse",
    "StochasticMethod",
    "TeamOptimum",
    "Trajectory",
    "iterate",
    "logit_path",
    "pure_equilibria",
    "solve",
    "solve_all",
    "solve_batch",
    "sweep",
    "team_optimum",
    "trace",
]
