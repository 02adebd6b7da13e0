"""Solvers of stochastic games: one method a file, and `solve_stochastic`, which chooses among them."""

from powergames.solvers.stochastic.search import StochasticMethod
from powergames.solvers.stochastic.solve import METHODS, solve_stochastic
from powergames.solvers.stochastic.team import team_optimum
from powergames.solvers.stochastic.team_tables import TeamPlan

__all__ = [
    "METHODS",
    "StochasticMethod",
    "TeamPlan",
    "solve_stochastic",
    "team_optimum",
]
