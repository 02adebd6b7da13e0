"""Solvers of stochastic games: one method a file, and `solve_stochastic`, which chooses among them."""

from powergames.solvers.stochastic.solve import METHODS, StochasticMethod, solve_stochastic

__all__ = ["METHODS", "StochasticMethod", "solve_stochastic"]
