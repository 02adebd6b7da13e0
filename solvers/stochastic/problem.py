r"""The extended stochastic game, the form that all methods for stochastic games share.

Every minimum in the objective of player `i` is taken by an adversary, in every state. Given the values of the states
that follow, each state is a multilinear game of players and adversaries, in which a row (a joint action) is worth

.. math::
    L_i = Q_i^U - λ w_i Q_i^V, \quad N_i = Q_i^V \qquad \text{or} \qquad L_i = (1 - λ w_i) Q_i^U, \quad N_i = Q_i^U

to player `i` where nobody is taken over, and where somebody is: in the form "penalty", and in the form "adversarial"
and at λ = 0. Where power lasts for `k` steps, ``N_ij`` is made with what is left to `i` after ``k - 1`` steps of `j`
against it. A profile is an equilibrium if it is one in every state, for the values that it leads to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from powergames.evaluation import mixed_transitions
from powergames.games.profiles import Profile, frozen, read_only
from powergames.games.stochastic import StochasticGame
from powergames.numerics.discounted import DiscountedSystem
from powergames.numerics.ranges import ranges
from powergames.objectives import PowerObjective
from powergames.solvers import common
from powergames.solvers.stochastic.factors import LIMITS as DENSITY
from powergames.solvers.stochastic.factors import most_filled

# n_actions, row_starts, discounts and the transitions in CSR form (indptr, indices, data), as kernels take a game.
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]

# n_actions, row_starts, point_starts, egos, takes, weights: the arrays with which most kernels begin.
Layout = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]

# How much of a first guess counts at the end of sums over time.
NEARLY = 0.05


# What each row is worth where nobody is taken over, (n, R), and where somebody is, (n, R) or (n * n, R).
Worth = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class StochasticProblem:
    """A stochastic game and an objective as one game of players and adversaries in many states.

    A *point*, shape (D,), holds a local point for each state, see `powergames.kernels.stages`. Rewards are in units of
    their range, see `StochasticGame.unit_rewards`. *Values* have shape (kinds, n, S): the regularized value and, where
    the form "penalty" needs both, the task value. Where power lasts for several steps, what is left to each player
    against each other one follows: ``values[kinds + j, i]``, shape (kinds + n, n, S) in all.

    Attributes
    ----------
    arrays : tuple of ndarray
        ``(n_actions, row_starts, discounts, indptr, indices, data)``, as in `StochasticGame`. The rows of a part of a
        game may sum to less than one: what follows elsewhere is then in the rewards.
    rewards : ndarray, shape (kinds, n, R)
        What a row pays at once, for each kind of value.
    egos : ndarray of int64, shape (B,)
        The player against whom each adversary plays.
    takes : ndarray of bool, shape (B, n)
        Whom each adversary can take over.
    weights : ndarray, shape (n, n)
        Weight λ W_ij of the adversary that takes over `j` against `i`.
    tolls : ndarray, shape (n,)
        λ w_i, the weight of all adversaries of a player together.
    shares : ndarray, shape (kinds, n)
        How the worth of a row is made of its values of each kind, where nobody is taken over.
    find_spans : callable
        Returns `spans`, which take two decision processes for each player the first time, and only regrets need.
    adds_up : bool
        Whether gains by deviating in one state add up over time: not in the form "penalty" with λ > 0.
    alone : bool
        Whether the last player is not one of the game's: a game of one player gets a second one without choice.
    steps : int or inf, default 1
        How long the power lasts that is charged for.
    """

    arrays: Arrays
    rewards: np.ndarray
    egos: np.ndarray
    takes: np.ndarray
    weights: np.ndarray
    tolls: np.ndarray
    shares: np.ndarray
    find_spans: Callable[[], np.ndarray]
    adds_up: bool
    alone: bool
    steps: float = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", tuple(map(read_only, self.arrays)))

    @classmethod
    def of(cls, game: StochasticGame, objective: PowerObjective) -> StochasticProblem:
        """Set up the problem."""
        alone = game.n_players == 1
        n = 2 if alone else game.n_players
        rewards = game.unit_rewards()[0]
        n_actions, discounts = game.n_actions, game.discounts
        if alone:
            rewards = np.concatenate([rewards, np.zeros_like(rewards)])
            n_actions, discounts = np.insert(n_actions, 1, 1, axis=1), np.repeat(discounts, 2)
        adversaries = ((), ()) if alone else objective.adversaries(n)
        weights = np.zeros((n, n))
        tolls = np.zeros(n) if alone else np.array(objective.charges(n), dtype=float)
        for i, own in enumerate(adversaries):
            for each in own:
                weights[i, list(each.players)] = float(each.charge)
        egos = [i for i, own in enumerate(adversaries) for _ in own]
        takes = [[j in each.players for j in range(n)] for own in adversaries for each in own]
        charged = bool(egos) and objective.form == "penalty"
        return cls(
            (n_actions, game.row_starts, discounts, game.indptr, game.indices, game.data),
            np.repeat(rewards[None], 2, axis=0) if charged else np.ascontiguousarray(rewards)[None],
            np.array(egos, dtype=np.int64),
            np.array(takes, dtype=bool).reshape(len(egos), n),
            weights,
            tolls,
            np.array([np.ones(n), -tolls]) if charged else (1.0 - tolls)[None],
            partial(_spans, game, n),
            not charged,
            alone,
            steps=objective.steps if charged else 1,
        )

    def part(self, states: np.ndarray, values: np.ndarray, ending: np.ndarray | None = None) -> StochasticProblem:
        """Return the problem of some states alone, given the values of all others, shape (kinds, n, S).

        This needs power to last one step: what is left after more depends on who plays what in the other states.
        It ends with the rows marked in `ending`, shape (R,), too: these pay what the values of all states are worth.
        """
        from powergames.kernels.bellman import part_of_rows

        n_actions, row_starts, *graph = self.arrays
        ending = np.zeros(self.rewards.shape[2], dtype=bool) if ending is None else ending
        *transitions, rewards = part_of_rows(states, row_starts, *graph, self.rewards, values, ending)
        starts = np.concatenate([[0], np.cumsum(np.diff(row_starts)[states])])
        arrays = np.ascontiguousarray(n_actions[states]), starts, self.discounts, *transitions
        return replace(self, arrays=arrays, rewards=rewards)

    def stage(self, state: int, worth: Worth) -> StochasticProblem:
        """Return the problem of one state alone, given what its rows are worth, in which nothing follows."""
        n_actions, row_starts, discounts, *_ = self.arrays
        rows = slice(row_starts[state], row_starts[state + 1])
        linear, taken = worth[0][:, rows], worth[1][:, rows]
        first = (linear - self.shares[1][:, None] * taken) / self.shares[0][:, None] if self.kinds == 2 else taken
        count = rows.stop - rows.start
        nothing = np.zeros(count + 1, self.arrays[3].dtype), np.zeros(0, self.arrays[4].dtype), np.zeros(0)
        arrays = n_actions[state : state + 1], np.array([0, count]), discounts, *nothing
        return replace(self, arrays=arrays, rewards=np.array([first, taken][: self.kinds]))

    def entries_of(self, states: np.ndarray) -> np.ndarray:
        """Return where in a point the local points of some states stand, one after the other."""
        sizes = np.diff(self.point_starts)[states]
        return ranges(self.point_starts[:-1][states], sizes)

    def own(self, state: int) -> slice:
        """Return where in a point the local point of a state stands."""
        return slice(int(self.point_starts[state]), int(self.point_starts[state + 1]))

    def alone_in(self, states: np.ndarray, worth: Worth) -> tuple[Layout, Worth]:
        """Return the layout of the games of some states, and what their rows are worth, without all others."""
        n_actions, row_starts, *_ = self.arrays
        counts, sizes = np.diff(row_starts)[states], np.diff(self.point_starts)[states]
        rows = ranges(row_starts[states], counts)
        row_ends, point_ends = (read_only(np.concatenate([[0], np.cumsum(each)])) for each in (counts, sizes))
        layout = read_only(n_actions[states]), row_ends, point_ends, self.egos, self.takes, self.weights
        return layout, (worth[0][:, rows], worth[1][:, rows])

    @cached_property
    def spans(self) -> np.ndarray:
        """Range of each player's attainable values, as a share of the greatest that rewards of range 1 allow, (n,)."""
        return self.find_spans()

    @property
    def n_actions(self) -> np.ndarray:
        """Number of actions of each player in each state, shape (S, n)."""
        return self.arrays[0]

    @property
    def discounts(self) -> np.ndarray:
        """Discount factor of each player, shape (n,)."""
        return self.arrays[2]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.n_actions)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.n_actions.shape[1]

    @property
    def kinds(self) -> int:
        """Number of values of each state and player."""
        return len(self.shares)

    @property
    def layers(self) -> int:
        """Length of the first axis of values."""
        return self.kinds + (self.n_players if self.steps > 1 else 0)

    @property
    def planes(self) -> tuple[np.ndarray, np.ndarray]:
        """Transitions and which of them lead from which values to which, see `powergames.kernels.stages`."""
        plane_of = np.repeat(np.where(np.eye(self.kinds, dtype=bool), 0, -1)[:, :, None], self.n_players, axis=2)
        return self.arrays[5][None], plane_of

    @property
    def ends(self) -> bool:
        """Whether nothing follows upon any row."""
        return len(self.arrays[5]) == 0

    @property
    def ordinary(self) -> bool:
        """Whether every state may follow upon every row, so that the transitions are an ordinary matrix."""
        return len(self.arrays[5]) == self.rewards.shape[2] * self.n_states

    @property
    def work(self) -> float:
        """Entries of transitions, one for each row at least: what it takes to read the game once."""
        return float(self.rewards.shape[2] + len(self.arrays[5]))

    @property
    def linear_work(self) -> float:
        """What it takes to solve a linear system in the values, in the same units: about as long."""
        unknowns = self.kinds * self.n_players * self.n_states
        dense = unknowns**3 / 1_600 if self.fills_factors else 0.0
        return self.work + 0.01 * unknowns * min(unknowns, 300) ** 2 + dense

    @cached_property
    def fills_factors(self) -> bool:
        """Whether linear systems in the values of all states have dense factors."""
        from scipy.sparse import csr_array

        from powergames.kernels.stages import state_graph

        n_states = self.n_states
        if self.kinds * self.n_players * n_states > DENSITY.largest_dense or n_states == 1:
            return False
        if self.ordinary:
            return True
        starts, successors = state_graph(self.arrays[1], *self.arrays[3:5])
        graph = csr_array((np.ones(len(successors)), successors, starts), shape=(n_states, n_states))
        return most_filled(graph) > DENSITY.sparse_share * n_states**2

    @property
    def layout(self) -> Layout:
        """The arrays with which most kernels begin."""
        return self.arrays[0], self.arrays[1], self.point_starts, self.egos, self.takes, self.weights

    @cached_property
    def point_starts(self) -> np.ndarray:
        """The local point of state `s` is ``point[point_starts[s]:point_starts[s + 1]]``, shape (S + 1,)."""
        return np.ascontiguousarray(self.bounds[:: self.n_groups])

    @property
    def size(self) -> int:
        """Number of entries of a point."""
        return int(self.bounds[-1])

    @cached_property
    def bounds(self) -> np.ndarray:
        """Where the groups (players, then adversaries) of all states begin in a point, shape (S G + 1,)."""
        sizes = np.concatenate([self.n_actions, self.n_actions @ self.takes.T.astype(np.int64)], axis=1)
        return np.concatenate([[0], np.cumsum(sizes.ravel())])

    @cached_property
    def group_of(self) -> np.ndarray:
        """The group of each entry of a point, shape (D,); ``group % G`` is a player or an adversary."""
        return np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))

    @property
    def state_of(self) -> np.ndarray:
        """The state of each entry of a point, shape (D,)."""
        return self.group_of // self.n_groups

    def entries_of_owner(self, player: int) -> np.ndarray:
        """Return where in a point a player and its adversaries stand."""
        return np.flatnonzero(self.owners[self.group_of % self.n_groups] == player)

    @property
    def n_groups(self) -> int:
        """Number of players and adversaries in each state."""
        return self.n_players + len(self.egos)

    @cached_property
    def owners(self) -> np.ndarray:
        """Whose payoff each group moves, shape (G,)."""
        return np.concatenate([np.arange(self.n_players), self.egos])

    @cached_property
    def is_player(self) -> np.ndarray:
        """Which entries of a point are the players' own, shape (D,)."""
        return self.group_of % self.n_groups < self.n_players

    @cached_property
    def charges(self) -> np.ndarray:
        """What a unit of gain of each group counts in the regret of its player, shape (G,)."""
        own = [self.weights[i, np.argmax(takes)] for i, takes in zip(self.egos, self.takes, strict=True)]
        return np.concatenate([np.ones(self.n_players), own])

    def uniform_point(self) -> np.ndarray:
        """Return the point in which everybody mixes evenly."""
        return (1.0 / np.diff(self.bounds))[self.group_of]

    def point_of(self, profile: Profile) -> np.ndarray:
        """Return the point of a profile in which every adversary mixes evenly."""
        point = self.uniform_point()
        for player, strategy in enumerate(profile):
            entries = self._entries(player)
            point[entries] = strategy[self.exists(player)]
        return point

    def pure_point(self, rows: np.ndarray) -> np.ndarray:
        """Return the point in which the row of each state, shape (S,), is played, and every adversary mixes evenly."""
        point = np.where(self.is_player, 0.0, self.uniform_point())
        joint = rows - self.arrays[1][:-1]
        starts = self.bounds[:-1].reshape(-1, self.n_groups)
        for player in range(self.n_players - 1, -1, -1):
            joint, action = np.divmod(joint, self.n_actions[:, player])
            point[starts[:, player] + action] = 1.0
        return point

    def profile(self, point: np.ndarray) -> Profile:
        """Return the profile of a point."""
        point = self.normalized(point)
        profile = []
        for player in range(1 if self.alone else self.n_players):
            exists = self.exists(player)
            strategy = np.zeros(exists.shape)
            strategy[exists] = point[self._entries(player)]
            profile.append(frozen(strategy))
        return tuple(profile)

    def witness(self, point: np.ndarray) -> tuple[tuple[np.ndarray, ...], ...]:
        """Return the adversaries' strategies as `certify_stochastic` takes them."""
        point = self.normalized(point)
        claims: list[list[np.ndarray]] = [[] for _ in range(1 if self.alone else self.n_players)]
        for b, (ego, takes) in enumerate(zip(self.egos, self.takes, strict=True)):
            exists = np.concatenate([self.exists(j) for j in np.flatnonzero(takes).tolist()], axis=1)
            claim = np.zeros(exists.shape)
            claim[exists] = point[self._entries(self.n_players + b)]
            claims[ego].append(frozen(claim))
        return tuple(tuple(own) for own in claims)

    def _entries(self, group: int) -> np.ndarray:
        return self.group_of % self.n_groups == group

    def exists(self, player: int) -> np.ndarray:
        """Return which actions of a player there are, padded to the most in any state, shape (S, A_i)."""
        return np.arange(self.n_actions[:, player].max()) < self.n_actions[:, player, None]

    def normalized(self, point: np.ndarray) -> np.ndarray:
        """Drop what is negative in a point and scale each group to sum one; a group of zeros mixes evenly."""
        point = np.maximum(point, 0.0)
        sums = np.add.reduceat(point, self.bounds[:-1])[self.group_of]
        return np.divide(point, sums, out=self.uniform_point(), where=sums > 0.0)

    def purified(self, point: np.ndarray) -> np.ndarray:
        """Return the point in which every group does surely what is likeliest, and first among equals."""
        sizes = np.diff(self.bounds)
        places = np.arange(self.size) - self.bounds[:-1][self.group_of]
        padded = np.full((len(sizes), int(sizes.max())), -np.inf)
        padded[self.group_of, places] = point
        return (padded.argmax(axis=1)[self.group_of] == places).astype(float)

    def worth(self, values: np.ndarray) -> Worth:
        """Return what each row is worth where nobody is taken over and where somebody is, each (n, R)."""
        if self.steps == 1:
            return self._worth(self.rewards, values)
        linear, _ = self._worth(self.rewards, values[: self.kinds])
        taken = np.array([self._action_values(self.rewards[1], left) for left in values[self.kinds :]])
        if self.n_players == 2:
            return linear, taken[[1, 0], [0, 1]]
        return linear, taken.swapaxes(0, 1).reshape(-1, taken.shape[2])

    def worth_to(self, player: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what each row is worth to one player, both of shape (R,)."""
        one = slice(player, player + 1)
        alone = replace(
            self,
            arrays=(*self.arrays[:2], self.discounts[one], *self.arrays[3:]),
            rewards=self.rewards[:, one],
            shares=self.shares[:, one],
        )
        linear, taken = alone.worth(values[:, one])
        return linear[0], taken[0]

    def changed_worth(self, values: np.ndarray) -> Worth:
        """Return how `worth` changes with a change of the values, each (n, R)."""
        return self._worth(np.zeros_like(self.rewards), values)

    def _worth(self, rewards: np.ndarray, values: np.ndarray) -> Worth:
        rows = [self._action_values(own, kind) for own, kind in zip(rewards, values, strict=True)]
        linear = self.shares[0][:, None] * rows[0]
        if len(rows) == 2:
            linear += self.shares[1][:, None] * rows[1]
        return linear, rows[-1]

    def _action_values(self, rewards: np.ndarray, values: np.ndarray) -> np.ndarray:
        from powergames.kernels.bellman import action_values

        data = self.arrays[5]
        if self.ends:
            return rewards
        if self.ordinary:
            return rewards + self.discounts[:, None] * (values @ data.reshape(-1, self.n_states).T)
        return action_values(rewards, *self.arrays[2:], values)

    def gradients(self, point: np.ndarray, worth: Worth) -> np.ndarray:
        """Return what every action and takeover is paid, shape (D,)."""
        from powergames.kernels.stages import gradients

        return gradients(*self.layout, *worth, point)

    def backup(self, point: np.ndarray, worth: Worth, gradient: np.ndarray) -> np.ndarray:
        """Return what the states are worth, shape (kinds, n, S), given that and `gradients` there."""
        from powergames.kernels.stages import row_weights

        values = np.empty((self.kinds, self.n_players, self.n_states))
        own = np.add.reduceat(gradient * point, self.bounds[:-1]).reshape(-1, self.n_groups)
        values[0] = own[:, : self.n_players].T
        if self.kinds == 2:
            plain = self._own(point, 0) * row_weights(*self.layout, point)[0][0]
            values[1] = [self.averaged(plain * rows) for rows in worth[1]]
        return values

    def regrets(self, point: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return what each group could gain in each state against the others in the point, shape (S, G)."""
        best = np.maximum.reduceat(gradient, self.bounds[:-1])
        return (best - np.add.reduceat(gradient * point, self.bounds[:-1])).reshape(-1, self.n_groups)

    def slacks(self, gradient: np.ndarray) -> np.ndarray:
        """Return by how much each action and takeover falls short of the best of its group, shape (D,)."""
        return np.asarray(np.maximum.reduceat(gradient, self.bounds[:-1])[self.group_of] - gradient)

    def supports(self, point: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Guess what is in use at an equilibrium nearby, where one of probability and slack is zero, shape (D,)."""
        return np.asarray(point >= self.slacks(gradient))

    def scaled_regrets(self, point: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return bounds on the regret of the players, relative to the range of attainable values, shape (S, n).

        Where gains add up over time, regret is at most the greatest one-shot regret divided by ``1 - γ``.
        """
        gains = self.charges * np.maximum(self.regrets(point, gradient), 0.0)
        total = np.zeros((len(gains), self.n_players))
        for group, owner in enumerate(self.owners):
            total[:, owner] += gains[:, group]
        return (total if self.adds_up else total * (1.0 - self.discounts)) / self.spans

    def added_up(self, regrets: np.ndarray, enough: float) -> float:
        """Return a closer bound on the greatest regret, given the `scaled_regrets`, if gains add up over time.

        That is the greatest discounted sum of one-shot regrets on any way, approached from above until it is `enough`.
        """
        left = 1.0 - self.discounts
        sums = np.tile(regrets.max(axis=0) / left, (self.n_states, 1)).T
        bound = float(regrets.max())
        for _ in range(int(np.ceil(np.log(NEARLY) / np.log(self.discounts.max())))):
            rows = self.changed_worth(sums[None])[1]
            sums = regrets.T + np.maximum.reduceat(rows, self.arrays[1][:-1], axis=1)
            bound = min(bound, float((left[:, None] * sums).max()))
            if bound <= enough:
                break
        return bound

    def evaluate(self, point: np.ndarray) -> np.ndarray:
        """Return the values of a point, shape (kinds, n, S), its adversaries playing what they play in it."""
        if self.steps > 1:
            return self._evaluate_lasting(point)
        return self.evaluate_players(point, list(range(self.n_players)))

    def evaluate_players(self, point: np.ndarray, players: list[int], guess: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a point for some players; those of the others are zero. A good guess saves time."""
        values = np.zeros((self.kinds, self.n_players, self.n_states))
        guess = values if guess is None else guess
        for chances, own in self.ways(point, players):
            system = DiscountedSystem(self.mixed(chances), float(self.discounts[own[0]]))
            for i in own:
                values[-1, i] = system.solve(self.averaged(chances * self.rewards[-1, i]), guess[-1, i])
            if self.kinds == 2:
                charges, rows = self.row_charges(point, chances), self._action_values(self.rewards[1], values[1])
                for i in own:
                    paid = chances * self.rewards[0, i] + charges[i] * rows[i]
                    values[0, i] = system.solve(self.averaged(paid), guess[0, i])
        return values

    def _evaluate_lasting(self, point: np.ndarray) -> np.ndarray:
        """Return the values of a point where power lasts for several steps."""
        n = self.n_players
        padded = self._padded(point)
        chances = self._row_chances(point, 0)
        systems = {d: DiscountedSystem(self.mixed(chances), d) for d in set(self.discounts.tolist())}
        values = np.zeros((self.kinds + n, n, self.n_states))
        left = values[self.kinds :]
        for i in range(n):
            system = systems[float(self.discounts[i])]
            values[1, i] = system.solve(self.averaged(chances * self.rewards[1, i]))
            charge = self.tolls[i] * values[1, i]
            for j in np.flatnonzero(self.weights[i] > 0.0).tolist():
                left[j, i] = self._left(i, j, values[1, i], padded, self.steps - 1)
                options, acts = self._options(i, j, left[j, i], padded), self.exists(j)
                shares = np.zeros(options.shape)
                shares[:, : acts.shape[1]][acts] = point[self._takeovers(i, j)]
                charge -= self.weights[i, j] * (shares * np.where(shares > 0.0, options, 0.0)).sum(axis=1)
            values[0, i] = values[1, i] - system.solve(charge)
        return values

    def _takeovers(self, i: int, j: int) -> np.ndarray:
        """Return where in a point takeovers of a player against another one stand, state by state."""
        b = int(np.flatnonzero((self.egos == i) & self.takes[:, j])[0])
        before = self.n_actions[:, :j][:, self.takes[b, :j]].sum(axis=1)
        starts = self.bounds[:-1].reshape(-1, self.n_groups)[:, self.n_players + b]
        return ranges(starts + before, self.n_actions[:, j])

    def _left(self, i: int, j: int, values: np.ndarray, padded: np.ndarray, steps: float) -> np.ndarray:
        """Return what is left to a player in each state if another one plays against it for some steps, shape (S,)."""
        from powergames.kernels.bellman import taken_over_probabilities

        states, one = np.arange(self.n_states), np.zeros((self.n_states, self.n_players))
        one[:, j] = 1.0
        discount = float(self.discounts[i])
        if not np.isinf(steps):
            for _ in range(int(steps)):
                values, before = self._options(i, j, values, padded).min(axis=1), values
                if np.array_equal(values, before):
                    break
            return values
        # Policy iteration, in which an action changes only for more than rounding.
        chosen, total = None, np.inf
        while True:
            options = self._options(i, j, values, padded)
            worst = options.argmin(axis=1)
            if chosen is not None:
                kept = options[states, chosen] <= options[states, worst] + common.LIMITS.rounding / (1.0 - discount)
                if kept.all():
                    return values
                worst = np.where(kept, chosen, worst)
            chosen = worst
            actions = np.zeros(one.shape, np.int64)
            actions[:, j] = chosen
            chances = taken_over_probabilities(self.n_actions, self.arrays[1], padded, one, actions)
            values = DiscountedSystem(self.mixed(chances), discount).solve(self.averaged(chances * self.rewards[1, i]))
            # From the second step on no value rises, but for rounding.
            if values.sum() >= total:
                return values
            total = float(values.sum())

    def _options(self, i: int, j: int, values: np.ndarray, padded: np.ndarray) -> np.ndarray:
        """Return what each action of another player leaves to a player, shape (S, A); infinite where there is none."""
        from powergames.kernels.bellman import action_values, takeover_values

        own = slice(i, i + 1)
        rows = self.rewards[1, own]
        if not self.ends:
            rows = action_values(rows, self.discounts[own], *self.arrays[3:], values[None])
        return np.asarray(takeover_values(self.n_actions, self.arrays[1], padded, rows)[:, 0, j])

    def _padded(self, point: np.ndarray) -> np.ndarray:
        """Return what players play, shape (n, S, A)."""
        padded = np.zeros((self.n_players, self.n_states, int(self.n_actions.max())))
        for player in range(self.n_players):
            exists = self.exists(player)
            padded[player, :, : exists.shape[1]][exists] = point[self._entries(player)]
        return padded

    def ways(self, point: np.ndarray, players: Iterable[int]) -> Iterator[tuple[np.ndarray, list[int]]]:
        """Yield how likely each row is on the way that counts for players, shape (R,), and the players that share it.

        Those who share a way have the same discount.
        """
        groups: dict[tuple[int, float], list[int]] = {}
        for i in players:
            groups.setdefault((i if self.taken_over else 0, float(self.discounts[i])), []).append(i)
        for own in groups.values():
            yield self._row_chances(point, own[0]), own

    @property
    def taken_over(self) -> bool:
        """Whether players are taken over on the way, each with chances of their own: in the form "adversarial"."""
        return self.kinds == 1 and bool(self.tolls.any())

    def _row_chances(self, point: np.ndarray, player: int) -> np.ndarray:
        from powergames.kernels.stages import chances

        if self.taken_over:
            return chances(*self.layout, self.tolls, point, player)
        return chances(*self.layout[:5], np.zeros_like(self.weights), np.zeros_like(self.tolls), point, 0)

    def row_charges(self, point: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """Return what a unit of a row's task worth adds to regularized values by what is charged, shape (n, R)."""
        from powergames.kernels.stages import row_weights

        return np.asarray(point[self.row_entries] * row_weights(*self.layout, point)[1] - self.tolls[:, None] * chances)

    def mixed(self, weights: np.ndarray) -> Any:
        """Average transitions from state to state."""
        return mixed_transitions(weights, self.arrays[1], *self.arrays[3:])

    def averaged(self, rows: np.ndarray) -> np.ndarray:
        """Sum up rows, shape (R,), state by state, shape (S,)."""
        return np.add.reduceat(rows, self.arrays[1][:-1])

    def _own(self, point: np.ndarray, player: int) -> np.ndarray:
        """Probability with which a player plays its action of each row, shape (R,)."""
        return point[self.row_entries[player]]

    @cached_property
    def row_entries(self) -> np.ndarray:
        """Where in a point the action of each player in each row stands, shape (n, R)."""
        counts = np.diff(self.arrays[1])
        state = np.repeat(np.arange(self.n_states), counts)
        joint = ranges(np.zeros_like(counts), counts)
        starts = self.bounds[:-1].reshape(-1, self.n_groups)
        entries = np.empty((self.n_players, len(state)), dtype=np.int64)
        for player in range(self.n_players - 1, -1, -1):
            size = self.n_actions[state, player]
            entries[player] = starts[state, player] + joint % size
            joint //= size
        return entries


def _spans(game: StochasticGame, n_players: int) -> np.ndarray:
    """Return the `spans` of a game; those of a player who is not one of the game's are 1."""
    units = np.where(game.reward_range > 0.0, game.reward_range, 1.0)
    spans = game.value_scale * (1.0 - game.discounts) / units
    return np.append(spans, np.ones(n_players - game.n_players))
