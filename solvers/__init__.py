"""Solvers, one method per file, with `solve` in front; imported as `powergames.solvers`."""

from __future__ import annotations

if __name__ == "solvers":
    raise ImportError("import powergames.solvers, not solvers: the folder is part of the package powergames")

from powergames.solvers.batch.batches import solve_batch
from powergames.solvers.batch.many import solve_many
from powergames.solvers.common import Method
from powergames.solvers.following.sweep import sweep
from powergames.solvers.following.trace import trace
from powergames.solvers.normal_form.anderson import Anderson
from powergames.solvers.normal_form.best_response import DampedBestResponse, SequentialBestResponse
from powergames.solvers.normal_form.bifurcations import bifurcations
from powergames.solvers.normal_form.correlated import correlated
from powergames.solvers.normal_form.fictitious_play import FictitiousPlay
from powergames.solvers.normal_form.iteration import Trajectory, iterate
from powergames.solvers.normal_form.mirror_descent import MirrorDescent
from powergames.solvers.normal_form.pure import PureEquilibrium, pure_equilibria
from powergames.solvers.normal_form.quantal_response import QuantalResponse, QuantalResponsePath, logit_path
from powergames.solvers.normal_form.regret_matching import RegretMatching
from powergames.solvers.normal_form.stability import stability
from powergames.solvers.registry import METHODS, solve, solve_all
from powergames.solvers.stochastic import METHODS as STOCHASTIC_METHODS
from powergames.solvers.stochastic import StochasticMethod, TeamPlan, team_optimum

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
    "TeamPlan",
    "Trajectory",
    "bifurcations",
    "correlated",
    "iterate",
    "logit_path",
    "pure_equilibria",
    "solve",
    "solve_all",
    "solve_batch",
    "solve_many",
    "stability",
    "sweep",
    "team_optimum",
    "trace",
]
