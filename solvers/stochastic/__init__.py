"""Solvers of stochastic games: one method a file, and `solve_stochastic`, which chooses among them."""

from powergames.solvers.stochastic.solve import METHODS, StochasticMethod, solve_stochastic
from powergames.solvers.stochastic.team import TeamOptimum, team_optimum

__all__ = ["METHODS", "StochasticMethod", "TeamOptimum", "solve_stochastic", "team_optimum"]
