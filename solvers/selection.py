"""The equilibrium of greatest welfare, or of least total power, of a two-player game.

The equilibrium conditions are a mixed-integer linear program: for every action either its probability or its loss
against a best response is zero. At an equilibrium ``U_i = (1 - λ_i) u_i + λ_i v_i``, where `v_i` is what the adversary
leaves player `i`; all of these are linear in the best-response values, and so are the task values ``u_i`` and the
powers ``u_i - v_i`` unless ``λ_i = 1``. CVXPY hands the program to HiGHS, and the equilibrium that it points at is then
computed anew on its supports.
"""

from __future__ import annotations

import numpy as np

from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Equilibrium, Status
from powergames.solvers.common import Candidate, Options
from powergames.solvers.two_player import TwoPlayerProblem

CRITERIA = ("welfare", "power")

# Probabilities below this are zero to the integer program.
ZERO = 1e-6


def select(
    game: NormalFormGame, objective: PowerObjective, criterion: str, options: Options
) -> Equilibrium:
    """Return the equilibrium that is best by a criterion.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    objective : PowerObjective
    criterion : {"welfare", "power"}
        Greatest sum of task values, or least sum of all pairwise powers.
    options : Options

    Raises
    ------
    InputError
        If the criterion is unknown or the game does not have two players.
    """
    if criterion not in CRITERIA:
        raise InputError(f"select: got {criterion!r}; choose one of {', '.join(CRITERIA)}")
    if game.n_players != 2:
        raise InputError(f"select: the game has {game.n_players} players; selection needs two")
    raise NotImplementedError
