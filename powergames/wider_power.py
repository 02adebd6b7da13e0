"""Power beyond one action of one co-player: for several steps, and of coalitions.

The power that `j` holds over `i` for `k` steps is what `j` can take from `i` by playing as it likes for so many steps,
after which everybody follows the profile again,

    rho^k_ij(s) = V_i(s) - W^k_ij(s),   W^0_ij = V_i,   W^{m+1}_ij(s) = min_{a_j} E[r_i + γ_i Σ P W^m_ij(s')],

where `W` for ever is the value of the decision process of `j`. The power that a coalition `C` of co-players holds over
`i` is what its members can take by one joint action, ``V_i - min_{a_C} E Q_i(a_C, x_{-C})``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from powergames.display import Shown
from powergames.errors import InputError
from powergames.evaluation import Evaluation, evaluate
from powergames.games.deterministic import DeterministicGame
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import complete_profile
from powergames.games.profiles import Profile, frozen
from powergames.games.rows import RowGame
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import check_horizon, room
from powergames.objectives import PowerObjective
from powergames.power import plain


@dataclass(frozen=True, eq=False)
class StepPower(Frozen, Shown):
    """What each player can take from each other one by playing against them for some steps.

    Attributes
    ----------
    game : StochasticGame or DeterministicGame
    steps : int or float
        How many; infinity for ever, or to the end of a finite horizon.
    horizon : int or None
    power : ndarray, shape (S, n, n), with a horizon (T, S, n, n)
        ``power[..., s, i, j] >= 0``, what `j` can take from `i` if it begins in state `s` (at a step).
    start_power : ndarray, shape (n, n)
        The same from the start distribution, at the first step.
    """

    game: StochasticGame | DeterministicGame
    steps: float
    horizon: int | None
    power: np.ndarray
    start_power: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return power as plain JSON values: ``[s][i][j]``, with a horizon ``[t][s][i][j]``."""
        steps = "inf" if math.isinf(self.steps) else self.steps
        values = {"power": self.power.tolist(), "start_power": self.start_power.tolist()}
        return {"steps": steps, "horizon": self.horizon, **values}

    def __repr__(self) -> str:
        long = "for ever" if math.isinf(self.steps) else f"for {self.steps} step{'s' if self.steps > 1 else ''}"
        return f"<StepPower {long}: greatest from the start {self.start_power.max():.4g}>"


@dataclass(frozen=True, eq=False)
class CoalitionPower(Frozen, Shown):
    """What coalitions can take from each player by one joint action.

    Attributes
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    size : int
        Most members of a coalition.
    horizon : int or None
    coalitions : tuple of tuple of tuple of int
        ``coalitions[i]``, the sets of co-players of `i`, smaller ones first.
    power : tuple of ndarray
        ``power[i][c]``, what the `c`-th of these can take from `i`; in a stochastic game ``power[i][c, s]``, with a
        horizon ``power[i][c, t, s]``. Fractions where the profile is exact.
    start_power : tuple of ndarray
        ``start_power[i][c]``, the same from the start distribution; in a normal-form game the same as `power`.
    """

    game: AnyGame
    size: int
    horizon: int | None
    coalitions: tuple[tuple[tuple[int, ...], ...], ...]
    power: tuple[np.ndarray, ...]
    start_power: tuple[np.ndarray, ...]

    @property
    def worst(self) -> tuple[tuple[tuple[int, ...], Any], ...]:
        """For each player, the coalition that can take most from the start, and how much; of equals the first."""
        found = []
        for sets, values in zip(self.coalitions, self.start_power, strict=True):
            best = max(range(len(sets)), key=lambda c: (values[c], -c), default=None)
            found.append(((), 0.0) if best is None else (sets[best], values[best : best + 1].tolist()[0]))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return power from the start as plain JSON values, and the coalition that hurts each player most."""
        return {
            "size": self.size,
            "horizon": self.horizon,
            "coalitions": [
                [{"members": list(members), "power": value} for members, value in zip(sets, plain(values), strict=True)]
                for sets, values in zip(self.coalitions, self.start_power, strict=True)
            ],
            "worst": [
                {"members": list(members), "power": str(value) if isinstance(value, Fraction) else value}
                for members, value in self.worst
            ],
        }

    def __repr__(self) -> str:
        most = ", ".join(f"{float(value):.4g} by {list(members)}" for members, value in self.worst)
        return f"<CoalitionPower: up to {self.size} members; most from each player {most}>"


def step_power(game: AnyGame, profile: Any, *, steps: float = math.inf, horizon: int | None = None) -> StepPower:
    """Compute what each player can take from each other one by playing against them for some steps.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
    profile : sequence
        As in `powergames.evaluate`, with a horizon also one that depends on time.
    steps : int or inf, default inf
        How many steps; one is the power that `powergames.evaluate` gives.
    horizon : int, optional
        Number of steps after which the game ends.

    Returns
    -------
    StepPower

    Raises
    ------
    InputError
        If the profile does not fit the game, or `steps` is neither a positive integer nor infinite.

    See Also
    --------
    powergames.PowerObjective : `steps` there charges for this power.

    Notes
    -----
    Exact up to rounding: backward recursion for a number of steps, policy iteration for ever. The deviation may depend
    on the state and on the steps left.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("reputation_stag_hunt")
    >>> stag = [[[1, 0]] * 4] * 2
    >>> [step_power(game, stag, steps=k).start_power[0, 1].round(3).tolist() for k in (1, 2, float("inf"))]
    [4.0, 7.6, 40.0]
    """
    objective = PowerObjective(steps=steps)
    if horizon is None:
        found = evaluate(as_game(game, StochasticGame), profile, objective)
        return StepPower(found.game, steps, None, found.power, frozen(np.tensordot(found.game.start, found.power, 1)))
    ending = check_horizon(horizon, game)
    evaluation = evaluate(game, profile, objective, horizon=ending)
    start = np.tensordot(RowGame.of(evaluation.game).start, evaluation.power[0], 1)
    return StepPower(evaluation.game, steps, ending, evaluation.power, frozen(start))


def coalition_power(game: AnyGame, profile: Any, *, size: int = 2, horizon: int | None = None) -> CoalitionPower:
    """Compute what every set of co-players, up to a size, can take from each player by one joint action.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    profile : sequence
        As in `powergames.evaluate`; in a normal-form game fractions make everything exact.
    size : int, default 2
        Most members of a coalition.
    horizon : int, optional
        Number of steps after which a game with states ends.

    Returns
    -------
    CoalitionPower
        One member is power as `powergames.power_table` and `powergames.evaluate` give it.

    Raises
    ------
    InputError
        If the profile does not fit the game, or `size` is no positive integer.

    Notes
    -----
    Costs one pass over the payoffs for each player and coalition. The number of coalitions is a sum of binomial
    coefficients.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("assembly_line:n=4")
    >>> coalition_power(game, [[1, 0]] * 4, size=2).worst[0]
    ((1,), 3.0)
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError(f"size: got {str(size)[:40]}; give a positive integer")
    whole: Any = as_game(game, NormalFormGame | StochasticGame)
    players = range(whole.n_players)
    sets = tuple(tuple(_coalitions(i, whole.n_players, int(size))) for i in players)
    if isinstance(whole, NormalFormGame) and horizon is None:
        strategies = complete_profile(whole, profile)
        exact = strategies[0].dtype == object
        payoffs = whole.exact_payoffs if exact else whole.payoffs
        own = [[_taken(payoffs[i][None], [x[None] for x in strategies], c)[0] for c in sets[i]] for i in players]
        values = tuple(frozen(np.array(row, dtype=object if exact else np.float64)) for row in own)
        return CoalitionPower(whole, int(size), None, sets, values, values)
    if horizon is None:
        found: Evaluation = evaluate(whole, profile)
        power = tuple(frozen(rows) for rows in _in_states(whole, found.action_values, found.profile, sets))
        return CoalitionPower(whole, int(size), None, sets, power, tuple(frozen(rows @ whole.start) for rows in power))
    ending = check_horizon(horizon, whole)
    evaluation = evaluate(whole, profile, horizon=ending)
    over = tuple(room((len(own), ending, whole.n_states), np.float64, "power of coalitions") for own in sets)
    after = np.zeros((whole.n_players, whole.n_states))
    for t in range(ending - 1, -1, -1):
        worth = whole.rewards + whole.discounts[:, None] * (whole.transitions @ after.T).T
        now = _in_states(whole, worth, tuple(strategy[t] for strategy in evaluation.profile), sets)
        for rows, taken in zip(over, now, strict=True):
            rows[:, t] = taken
        after = evaluation.task[t]
    return CoalitionPower(
        whole,
        int(size),
        ending,
        sets,
        tuple(map(frozen, over)),
        tuple(frozen(rows[:, 0] @ whole.start) for rows in over),
    )


def _coalitions(ego: int, n_players: int, size: int) -> Iterator[tuple[int, ...]]:
    """Yield the sets of co-players of a player, smaller ones first."""
    others = [j for j in range(n_players) if j != ego]
    for count in range(1, min(size, len(others)) + 1):
        yield from combinations(others, count)


def _in_states(
    game: StochasticGame, worth: np.ndarray, profile: Profile, sets: Sequence[Sequence[tuple[int, ...]]]
) -> list[np.ndarray]:
    """What each coalition can take from each player in each state, shape (C, S), from the worth of rows, (n, R)."""
    result = [np.zeros((len(own), game.n_states)) for own in sets]
    shapes, members = np.unique(game.n_actions, axis=0, return_inverse=True)
    for number, sizes in enumerate(shapes.tolist()):
        states = np.flatnonzero(members.reshape(-1) == number)
        rows = game.row_starts[states][:, None] + np.arange(math.prod(sizes))
        strategies = [strategy[states, :count] for strategy, count in zip(profile, sizes, strict=True)]
        for i, own in enumerate(sets):
            payoffs = worth[i][rows].reshape(-1, *sizes)
            for c, coalition in enumerate(own):
                result[i][c, states] = _taken(payoffs, strategies, coalition)
    return result


def _taken(payoffs: np.ndarray, strategies: Sequence[np.ndarray], members: Sequence[int]) -> np.ndarray:
    """What members can take by a joint action, shape (G,), from payoffs of shape (G, A_0, ..., A_{n-1})."""
    table = payoffs
    for k in range(len(strategies) - 1, -1, -1):
        if k not in members:
            table = _averaged(table, k + 1, strategies[k])
    least = table.reshape(len(table), -1).min(axis=1)
    for k, member in reversed(list(enumerate(members))):
        table = _averaged(table, k + 1, strategies[member])
    # The value comes from the same sums as the least entry, so that no power is zero but for rounding.
    return np.maximum(table - least, 0 * least)


def _averaged(table: np.ndarray, axis: int, strategies: np.ndarray) -> np.ndarray:
    """Average over one axis; the first one is that of the states."""
    moved = np.moveaxis(table, axis, -1)
    shape = len(strategies), *(1,) * (moved.ndim - 2), strategies.shape[1]
    return (moved * strategies.reshape(shape)).sum(axis=-1)
