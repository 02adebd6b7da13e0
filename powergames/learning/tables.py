"""Tabular learners of one run, as the training loop drives them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from powergames.games.kinds import AnyGame, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import AnyProfile
from powergames.kernels.learning import Learners
from powergames.kernels.learning import train as learn
from powergames.learning.initial_state import learned_policies, learners_of, rivals_of, simulator_of, workspace_of
from powergames.learning.parameters import Parameters
from powergames.objectives import PowerObjective


class TableLearners:
    """Tables that learn a game.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    objective : PowerObjective
    seed : int
    parameters : Parameters

    Attributes
    ----------
    tables : mapping
        The numbers of the game, whatever its labels.
    unit, total, clock : int
        Steps of an `advance` by one, how far the run goes and how far it is, in this unit.
    """

    unit = 1

    def __init__(self, game: AnyGame, objective: PowerObjective, seed: int, parameters: Parameters) -> None:
        self._game, self._horizon = as_game(game, NormalFormGame | StochasticGame), parameters.horizon
        self._simulator = simulator_of(self._game)
        self._rivals = rivals_of(objective, self._simulator.n_actions)
        self._learners = learners_of(self._simulator, self._rivals, seed, self._horizon)
        self._workspace = workspace_of(self._learners)
        self._schedule, self._adversarial = parameters.schedule(), objective.form == "adversarial"
        self.tables: Mapping[str, np.ndarray] = self._simulator._asdict()
        self.total = parameters.steps

    @property
    def clock(self) -> int:
        """Steps made."""
        return int(self._learners.clock[0])

    def advance(self, count: int) -> None:
        """Play and learn for so many steps."""
        learn(self._simulator, self._rivals, self._learners, self._workspace, self._schedule, self._adversarial, count)

    def policies(self) -> list[AnyProfile]:
        """Return the policies learned so far."""
        return [learned_policies(self._game, self._simulator, self._learners, self._horizon)]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that changes, for a checkpoint."""
        return self._learners._asdict()

    def restore(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Go on from what `arrays` returned; return False if the kernels would use a number as a place that is none."""
        places, rows = arrays["streams"][:, 0], arrays["streams"][:, 1]
        begun = rows > -2
        ends = 0 if self._horizon is None else len(self._simulator.n_actions)
        inside = (places[begun] >= 0) & (places[begun] < len(self._learners.visits) + ends)
        inside &= rows[begun] < self._learners.critics.shape[2]
        inside &= (places[begun] < len(self._learners.visits)) | (rows[begun] >= 0)
        if not (inside.all() and (rows >= -2).all() and 0 <= arrays["clock"][0] <= self.total):
            return False
        for name in Learners._fields:
            getattr(self._learners, name)[...] = arrays[name]
        return True
