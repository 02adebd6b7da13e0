"""Exact values of a stochastic game when one player leaves a stationary profile, in plain NumPy and SciPy."""

from __future__ import annotations

import numpy as np

from powergames.checking.stage_values import StageValues
from powergames.games.profiles import Profile, frozen
from powergames.games.stochastic import StochasticGame


class Departures:
    """A profile of a stochastic game, and what each player gets when another one leaves it.

    All values are in units of the range of rewards; `in_payoffs` turns them into discounted payoffs.

    Parameters
    ----------
    game : StochasticGame
    profile : tuple of ndarray
        As `StochasticGame.profile` returns it.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("big_match")
    >>> departures = Departures(game, game.uniform_profile())
    >>> departures.in_payoffs(departures.frozen_on(0, 0)).round(6)[:, 0]
    array([ 5., -5.])
    """

    def __init__(self, game: StochasticGame, profile: Profile) -> None:
        self._stages = StageValues(game, profile)
        self._game = game
        self._players = range(game.n_players)
        self._values = self._of(profile, None)

    def in_payoffs(self, values: np.ndarray) -> np.ndarray:
        """Turn values of each player in each state, shape (n, S), into discounted payoffs."""
        lifts = self._stages.offsets / (1.0 - self._game.discounts)
        return lifts[:, None] + self._stages.units[:, None] * values

    def changed(self, deviator: int, strategy: np.ndarray) -> np.ndarray:
        """Values, shape (n, S), if a player plays another stationary strategy for ever."""
        profile = self._stages.profile
        return self._of((*profile[:deviator], strategy, *profile[deviator + 1 :]), self._values)

    def frozen_on(self, deviator: int, action: int) -> np.ndarray:
        """Values, shape (n, S), if a player keeps to one action wherever it is there, and else to the profile."""
        strategy = self._stages.profile[deviator].copy()
        there = self._game.n_actions[:, deviator] > action
        strategy[there] = np.eye(strategy.shape[1])[action]
        return self.changed(deviator, strategy)

    def adversarial(self, deviator: int, victim: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Values, shape (n, S), and first actions, shape (S,), of what is worst for a victim within some steps."""
        values, actions = self._values, np.zeros(0, dtype=np.int64)
        for _ in range(steps):
            rows = [self._stages.action_values(player, values[player]) for player in self._players]
            values, actions = np.empty_like(values), np.empty(self._game.n_states, dtype=np.int64)
            for group in self._stages.groups:
                options = self._stages.averages(group, deviator, rows[victim])
                choice = self._stages.first_least(victim, options)
                actions[group.states] = choice
                for player in self._players:
                    mine = options if player == victim else self._stages.averages(group, deviator, rows[player])
                    values[player, group.states] = mine[np.arange(len(mine)), choice]
        return values, frozen(actions)

    def adversarial_for_ever(self, deviator: int, victim: int) -> tuple[np.ndarray, np.ndarray]:
        """Values, shape (n, S), and actions, shape (S,), of the stationary policy that is worst for a victim."""
        profile = self._stages.profile
        _, actions = self._stages.worst_for_ever(victim, deviator, self._values[victim], profile)
        return self.changed(deviator, np.eye(self._game.max_actions[deviator])[actions]), frozen(actions)

    def _of(self, strategies: Profile, guess: np.ndarray | None) -> np.ndarray:
        """Values of a profile to each player in each state, shape (n, S)."""
        stages, discounts = self._stages, self._game.discounts.tolist()
        rows = stages.joint(strategies)
        systems = {discount: stages.system(discounts.index(discount), rows) for discount in set(discounts)}
        values = np.empty((len(discounts), self._game.n_states))
        for player in self._players:
            rewards = stages.expected_rewards(player, rows)
            values[player] = systems[discounts[player]].solve(rewards, None if guess is None else guess[player])
        return values
