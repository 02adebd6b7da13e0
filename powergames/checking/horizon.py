"""Certificates for profiles over a finite horizon, computed without any solver or solver's kernel.

At each step in each state the problem of a player is that of `powergames.checking.stochastic`, with the values of the
step after. Where power lasts for `k` steps, takeovers are worth what is left by ``k - 1`` more of them, which is found
beside these values. In the form "penalty" the certificate is exact for deviations in one state at one step, which is
all that a player's selves at different times can agree on. In the form "adversarial", and without power, it covers all
deviations: the best ones are found by backward induction beside the values of the profile, and the regret at a step in
a state is what they gain from there on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.checking.certificate import Certificate, check_tolerance
from powergames.checking.deviations import Deviation
from powergames.checking.normal_form import ROUNDING
from powergames.checking.stage_values import Group, averages, grouped, joint_probabilities, pair_tables
from powergames.checking.stochastic import respond
from powergames.games.profiles import frozen, read_only
from powergames.games.rows import RowGame, columns_of
from powergames.games.timed import TimedGame, TimedProfile, check_horizon, timed_profile
from powergames.objectives import PowerObjective

_EPS = float(np.finfo(np.float64).eps)

# Gains proved and attained in one state that differ by less than this, relative to the greatest value, are the same.
_TIGHT = 1e-10

# Share of states whose values change from step to step up to which others are looked for that need no new check.
MOST_CHANGED = 0.6


@dataclass(frozen=True, eq=False, kw_only=True)
class HorizonCertificate(Certificate):
    """How much each player could gain at each step of a finite horizon, in the state where that is most.

    Attributes
    ----------
    regrets : ndarray, shape (T, n)
        Greatest gain over the deviations covered, over all states in which they may begin at that step, in payoffs.
    scaled_regrets : ndarray, shape (T, n)
        The same divided by `scale`.
    states : ndarray of int, shape (T, n)
        Where the gain is greatest.
    scale : ndarray, shape (n,)
        The range of the values that each player can have from one step on, whatever everybody plays, at most.
    deviations : str
        "one-shot": a mixed deviation in one state at one step, then the profile again. "all": any deviation from the
        step on, in any states.
    bound : str
        "exact": the numbers are the regrets, up to rounding. "upper": nothing gains more, though perhaps less.
    deviation : Deviation or None
        The deviation that gains most, relative to the range of values; None if nothing gains more than rounding.
    scaled_error : float
        How far rounding may put the values behind the regrets off, relative to the range of values. If this is more
        than `tol`, the certificate does not pass.
    """

    states: np.ndarray
    scale: np.ndarray
    deviation: Deviation | None
    scaled_error: float

    @property
    def passed(self) -> bool:
        """Whether every scaled regret is at most `tol`, and rounding too."""
        return max(self.scaled_regret, self.scaled_error) <= self.tol

    @property
    def max_regret(self) -> float:
        """Greatest regret of any player at any step in any state."""
        return float(self.regrets.max())

    @property
    def scaled_regret(self) -> float:
        """Greatest regret of any player at any step in any state, relative to the player's range of values."""
        return float(self.scaled_regrets.max())

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as plain JSON values; `regrets` and `states` are ``[t][i]``."""
        return {
            "max_regret": self.max_regret,
            "scaled_regret": self.scaled_regret,
            "scaled_error": self.scaled_error,
            "regrets": self.regrets.tolist(),
            "states": self.states.tolist(),
            "scale": self.scale.tolist(),
            "tol": self.tol,
            "deviations": self.deviations,
            "bound": self.bound,
            "passed": self.passed,
        }

    def __repr__(self) -> str:
        return super().__repr__().replace("<Certificate", "<HorizonCertificate", 1)


def certify_horizon(
    game: TimedGame, profile: Any, objective: PowerObjective, horizon: int, *, tol: float = 1e-8
) -> HorizonCertificate:
    """Measure how far a profile is from an equilibrium over a finite horizon, at every step in every state.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
    profile : sequence
        As `powergames.games.timed.timed_profile` takes it.
    objective : PowerObjective
    horizon : int
    tol : float, default 1e-8
        Largest scaled regret that passes.

    Returns
    -------
    HorizonCertificate
        For ``form="penalty"`` exact for one-shot deviations; for ``form="adversarial"``, and at λ = 0, for all
        deviations.

    Raises
    ------
    InputError
        If the profile or objective does not fit the game.

    Notes
    -----
    Costs, for each step, a pass over the rows that are one action of each player away from the profile; over all rows
    where players mix or no pure worst case proves what is best, and there a small linear program.

    Examples
    --------
    >>> import powergames as pg
    >>> stag_hunt = np.array([[[[4.0, 0.0], [3.0, 3.0]]], [[[4.0, 3.0], [0.0, 3.0]]]])
    >>> game = pg.StochasticGame(stag_hunt, np.ones((1, 2, 2, 1)), 1)
    >>> certify_horizon(game, [[[1, 0]], [[1, 0]]], pg.PowerObjective(0.5), 10)
    <HorizonCertificate FAILED: max regret 1, scaled 0.025, tol 1e-08, one-shot deviations, exact>
    """
    horizon = check_horizon(horizon, game)
    check_tolerance(tol)
    rows = RowGame.of(game)
    check = _Check(rows, objective, timed_profile(game, profile, horizon), value_ranges(rows, horizon) / rows.units)
    n = rows.n_players
    regrets, states = np.zeros((horizon, n)), np.zeros((horizon, n), np.int64)
    for t in range(horizon - 1, -1, -1):
        regrets[t], states[t] = check.step(t)
    scale = check.scale * rows.units
    regrets *= rows.units
    return HorizonCertificate(
        regrets=regrets,
        scaled_regrets=regrets / scale,
        tol=tol,
        deviations="one-shot" if check.penalty else "all",
        bound="exact" if check.exact else "upper",
        states=states,
        scale=scale,
        deviation=check.deviation,
        scaled_error=float((check.error / check.scale).max()),
    )


class _Check:
    """A profile of which one step after the other is checked, from the last one back, in units of reward ranges.

    Values have columns for the players' values under the profile, for their task values if there is a charge for power,
    and else for the best that each can have. Where power lasts for several steps, a column follows for each pair of
    players and each number of steps left, ``taken[i, j]`` being the columns for `j` against `i`, fewest steps first.
    """

    def __init__(self, rows: RowGame, objective: PowerObjective, profile: TimedProfile, scale: np.ndarray) -> None:
        n = rows.n_players
        self.rows, self.profile, self.scale = rows, profile, scale
        self.adversaries = objective.adversary_arrays(n)
        charged = len(self.adversaries.egos) > 0
        self.penalty = charged and objective.form == "penalty"
        players = np.arange(n)
        first, column = np.unique(rows.like, return_inverse=True)
        if self.penalty:
            owners, whose = [players, first], (players, n + column, players)
        elif charged:
            owners, whose = [players, players], (players, players, n + players)
        else:
            owners, whose = [first, players], (column, column, len(first) + players)
        self.taken: dict[tuple[int, int], np.ndarray] = {}
        self.to_the_end = objective.steps >= profile[0].horizon
        for i, takes in zip(*self.adversaries[:2], strict=True) if self.penalty and objective.steps > 1 else ():
            for j in np.flatnonzero(takes).tolist():
                width = 1 if self.to_the_end else int(objective.steps) - 1
                self.taken[int(i), j] = sum(map(len, owners)) + np.arange(width)
                owners.append(np.full(width, i))
        self.columns = columns_of(rows.each, np.concatenate(owners))
        self.whose = tuple(read_only(columns) for columns in whose)
        self.values = np.zeros((rows.n_states, len(self.columns.factor)))
        # What is kept of the step after, where neither actions nor what follows change.
        self.gains, self.changed = np.zeros((rows.n_states, n)), np.zeros(0, dtype=bool)
        self.actions, self.undecided = np.full((n, rows.n_states), -1), np.ones(rows.n_states, dtype=bool)
        self.exact = True
        self.deviation: Deviation | None = None
        self.task_error, self.error = np.zeros(n), np.zeros(n)

    def step(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Check a step; return the greatest gain of each player and in which state it is, each of shape (n,)."""
        from powergames.kernels.checks import check_pairs, check_pure

        rows, following = self.rows.rows, self.values
        self.values = np.empty_like(following)
        gains = self.gains
        undecided = np.zeros(self.rows.n_states, dtype=bool)
        slack = ROUNDING * max(1.0, float(np.abs(following).max()))
        strategies = [strategy.step(t) for strategy in self.profile]
        actions = np.array([own for own, _, _ in strategies], dtype=np.int32)
        same = (actions == self.actions).all(axis=0)
        if self.taken:
            undecided = ~(same & (actions >= 0).all(axis=0) & self._as_before())
            self.values[~undecided] = following[~undecided]
        else:
            check = check_pairs if self.rows.n_players == 2 else check_pure
            check(
                rows,
                self.columns,
                self.whose,
                self.adversaries,
                self.penalty,
                following,
                self.changed,
                same & ~self.undecided,
                actions,
                slack,
                self.values,
                gains,
                undecided,
            )
        for group in grouped(rows.n_actions, rows.row_starts, np.flatnonzero(undecided)):
            self._stage(group, _dense(strategies, group), following, slack, gains)
        self.actions, self.undecided = actions, undecided
        self.changed = (self.values != following).any(axis=1)
        if t == self.profile[0].horizon - 1 or self.changed.mean() > MOST_CHANGED:
            self.changed = self.changed[:0]
        states = gains.argmax(axis=0)
        greatest = gains[states, np.arange(len(states))]
        self._remember(t, strategies, greatest, states, following, slack)
        self._add_errors(slack)
        return greatest, states

    def _as_before(self) -> np.ndarray:
        """Tell where nothing changed that may follow upon a state, shape (S,)."""
        rows = self.rows.rows
        if not len(self.changed):
            return np.zeros(self.rows.n_states, dtype=bool)
        starts = rows.row_starts if rows.indptr is None else rows.indptr[rows.row_starts]
        counts = np.concatenate([[0], np.cumsum(self.changed[rows.indices])])
        return np.asarray(np.diff(counts[starts]) == 0)

    def _stage(
        self, group: Group, strategies: list[np.ndarray], following: np.ndarray, slack: float, gains: np.ndarray
    ) -> list[np.ndarray]:
        """Check some states by linear programs; return the best strategies found of each player, shape (G, A_i)."""
        value, task, best = self.whose
        worth = self._worth(group, following, self.stage_columns)
        joint = joint_probabilities(strategies)
        found = []
        for i, own in enumerate(strategies):
            main = worth[best[i]]
            linear, table = self._terms(i, main, worth[task[i]])
            weights, blocks = self._adversaries(i, strategies, table, worth)
            bound, now, reached, response, _ = respond(averages(linear, strategies, i), weights, blocks, own, slack)
            self.exact = self.exact and bool((bound - reached).max() <= _TIGHT * max(1.0, slack / ROUNDING))
            found.append(response)
            if self.penalty:
                self.values[group.states, task[i]] = (joint * worth[task[i]].reshape(joint.shape)).sum(axis=1)
            else:
                self.values[group.states, best[i]] = np.maximum(bound, now)
                linear, table = self._terms(i, worth[value[i]], worth[task[i]])
                weights, blocks = self._adversaries(i, strategies, table, worth)
                now = np.einsum("ga,ga->g", averages(linear, strategies, i), own)
                for weight, block in zip(weights, blocks, strict=True):
                    now = now + weight * np.einsum("ga,gak->gk", own, block).min(axis=1)
            self.values[group.states, value[i]] = now
            gains[group.states, i] = np.maximum(bound - now, 0.0)
        for (i, j), targets in self.taken.items():
            sources = targets if self.to_the_end else [task[i], *targets[:-1]]
            for source, target in zip(sources, targets, strict=True):
                (after,) = self._worth(group, following, [source]).values()
                self.values[group.states, target] = averages(after, strategies, j).min(axis=1)
        return found

    def _terms(self, player: int, main: np.ndarray, task: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What rows are worth to a player where nobody is taken over, and where somebody is."""
        toll = self.adversaries.tolls[player]
        return (main - toll * task, task) if self.penalty else ((1.0 - toll) * main, main)

    @property
    def stage_columns(self) -> list[int]:
        """The columns that the objectives of a step depend on."""
        lasting = [int(columns[-1]) for columns in self.taken.values()]
        return sorted({*np.concatenate(self.whose).tolist(), *lasting})

    def _adversaries(
        self, player: int, strategies: list[np.ndarray], table: np.ndarray, worth: dict[int, np.ndarray]
    ) -> tuple[list[float], list[np.ndarray]]:
        """Weights of a player's adversaries, and what its actions are worth against their takeovers."""
        own = np.flatnonzero(self.adversaries.egos == player)
        if not len(own):
            return [], []
        tables = {} if self.taken else pair_tables(table, strategies, player)
        for (i, j), columns in self.taken.items():
            if i == player:
                tables[j] = pair_tables(worth[columns[-1]], strategies, player)[j]
        takes = self.adversaries.takes[own]
        blocks = [np.concatenate([tables[j] for j in np.flatnonzero(each).tolist()], axis=2) for each in takes]
        return self.adversaries.weights[own].tolist(), blocks

    def _worth(self, group: Group, following: np.ndarray, columns: Sequence[int]) -> dict[int, np.ndarray]:
        """What the rows of some states are worth in some columns, each of shape (G, A_0, ..., A_{n-1})."""
        rows, taken, following = self.rows.rows, group.rows.reshape(-1), following[:, columns]
        if rows.data is None:
            after = following[rows.indices[taken]]
        else:
            from scipy.sparse import csr_array

            size = len(rows.indptr if rows.indptr is not None else ()) - 1
            after = csr_array((rows.data, rows.indices, rows.indptr), shape=(size, len(following)))[taken] @ following
        result = {}
        for k, c in enumerate(columns):
            reward, factor, offset, discount = (field[c] for field in self.columns)
            paid = factor * (rows.rewards[reward, taken] - offset)
            result[c] = (paid + discount * after[:, k]).reshape(-1, *group.shape)
        return result

    def _remember(
        self,
        t: int,
        strategies: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
        greatest: np.ndarray,
        states: np.ndarray,
        following: np.ndarray,
        slack: float,
    ) -> None:
        """Keep the deviation of this step that gains most, if it gains more than those of later steps."""
        scaled = greatest / self.scale
        player = int(scaled.argmax())
        least = ROUNDING if self.deviation is None else self.deviation.scaled_gain
        if not scaled[player] > least:
            return
        state, rows = int(states[player]), self.rows.rows
        (group,) = grouped(rows.n_actions, rows.row_starts, np.array([state]))
        nowhere = np.zeros((self.rows.n_states, len(greatest)))
        response = self._stage(group, _dense(strategies, group), following, slack, nowhere)
        kind = "one-shot" if self.penalty else "from here on"
        gain = float(greatest[player])
        self.deviation = Deviation(
            player,
            state,
            kind,
            frozen(response[player][0].copy()),
            gain * float(self.rows.units[player]),
            float(scaled[player]),
            t,
        )

    def _add_errors(self, slack: float) -> None:
        """Add what rounding may do at a step."""
        rows, discount, toll = self.rows.rows, self.rows.each.discount, self.adversaries.tolls
        width = 1 if rows.indptr is None else int(np.diff(rows.indptr).max())
        new = _EPS * (width + 8) * max(1.0, slack / ROUNDING) * (1.0 + 2.0 * toll)
        charged = 2.0 * toll * discount * self.task_error if self.penalty else 0.0
        self.error = discount * self.error + charged + new
        self.task_error = discount * self.task_error + new


def _dense(strategies: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], group: Group) -> list[np.ndarray]:
    """What everybody does in some states, each of shape (G, A_i)."""
    result = []
    for size, (actions, mixed, probabilities) in zip(group.shape, strategies, strict=True):
        strategy = np.zeros((len(group.states), size))
        own = actions[group.states]
        pure = np.flatnonzero(own >= 0)
        strategy[pure, own[pure]] = 1.0
        others = np.flatnonzero(own < 0)
        strategy[others] = probabilities[np.searchsorted(mixed, group.states[others]), :size]
        result.append(strategy)
    return result


def value_ranges(rows: RowGame, horizon: int) -> np.ndarray:
    """Return the range of values that each player can have from one step on, at most, shape (n,).

    It is at least the range of rewards, as in the last step, and 1 where rewards are constant.
    """
    from powergames.kernels.checks import certain_extremes, different_rows, extremes

    first, column = np.unique(rows.like, return_inverse=True)
    greatest = np.zeros(len(first))
    if rows.rows.data is None:
        chosen, starts = different_rows(rows.rows)
        after = read_only(rows.rows.indices[chosen])
        for k, i in enumerate(first.tolist()):
            reward, factor, offset, discount = (field[i] for field in rows.each)
            paid = factor * (rows.rows.rewards[reward, chosen] - offset)
            values = np.zeros((rows.n_states, 2))
            for _ in range(horizon):
                following, values = values, np.empty_like(values)
                certain_extremes(after, paid, discount, starts, following, values)
                greatest[k] = max(greatest[k], values[:, 1].max() - values[:, 0].min())
    else:
        columns, every = columns_of(rows.each, np.repeat(first, 2)), np.arange(rows.rows.row_starts[-1])
        values = np.zeros((rows.n_states, 2 * len(first)))
        for _ in range(horizon):
            following, values = values, np.empty_like(values)
            extremes(rows.rows, columns, every, rows.rows.row_starts, following, values)
            greatest = np.maximum(greatest, values[:, 1::2].max(axis=0) - values[:, ::2].min(axis=0))
    scale: np.ndarray = rows.units * np.where(greatest > 0.0, greatest, 1.0)[column]
    return scale
