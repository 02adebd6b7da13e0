"""Pairwise power: what each player can take from each other player by one action.

With ``u_i`` the expected payoff of player `i`, the power that `j` holds over `i` at a profile `x` is

    rho_ij(x) = u_i(x) - min_{a_j} u_i(a_j, x_{-j})  >=  0,        rho_ii = 0.

``power[i, j]`` reads "the power that `j` holds over `i`": rows are egos, columns are co-players. Everything follows
from the *pair tables* ``M_ij[a_i, a_j]``, the expected payoff of `i` when `i` plays `a_i`, `j` plays `a_j` and all
others follow the profile: ``u_i = x_i' M_ij x_j`` and ``rho_ij = u_i - min(x_i' M_ij)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from powergames.display import Shown, printable
from powergames.games.immutable import Frozen
from powergames.games.kinds import as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import complete_profile
from powergames.games.profiles import Profile, frozen, read_only
from powergames.numerics.contractions import averaged, products

if TYPE_CHECKING:
    import networkx as nx

# Payoffs that an offset is subtracted from at a time.
BLOCK = 2**18

# Actions whose values differ by less than this, relative to the largest entry of the pair table, are tied.
_TIE = 1e-12

PairTables = tuple[Mapping[int, np.ndarray], ...]


@dataclass(frozen=True, eq=False)
class PowerTable(Frozen, Shown):
    """Who holds how much power over whom at a profile.

    Attributes
    ----------
    game : NormalFormGame
    profile : tuple of ndarray
        ``profile[i][a]``, the probability with which player `i` plays action `a`.
    task : ndarray, shape (n,)
        Expected payoff of each player.
    power : ndarray, shape (n, n)
        ``power[i, j] >= 0`` is the power that `j` holds over `i`, in payoff units; zero on the diagonal.
    adversarial : ndarray, shape (n, n)
        ``adversarial[i, j]`` is the expected payoff of `i` when `j` takes the action that is worst for `i`; on the
        diagonal, the expected payoff.
    actions : ndarray of int, shape (n, n)
        ``actions[i, j]`` is that action of `j`, the first one among ties; -1 on the diagonal.

    Notes
    -----
    The numbers are floats, or exact fractions (dtype object) where the profile is exact.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], actions=[["stag", "hare"]] * 2)
    >>> print(pg.power_table(game, [[1, 0], [1, 0]]))
    player  task  power of 0  power of 1
         0     4           0    4 (hare)
         1     4    4 (hare)           0
    """

    game: NormalFormGame
    profile: Profile
    task: np.ndarray
    power: np.ndarray
    adversarial: np.ndarray
    actions: np.ndarray

    def to_networkx(self) -> nx.DiGraph:
        """Return the table as a directed graph, with an edge from `j` to `i` for the power that `j` holds over `i`.

        Returns
        -------
        networkx.DiGraph
            Nodes are player indices with attributes `label` (the player's name) and `task`. Edges have `power`,
            `weight` (the same as a float, for graph algorithms) and `action`, the name of the action that is worst.

        Examples
        --------
        >>> import powergames as pg
        >>> game = pg.NormalFormGame.from_bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]], actions=[["c", "d"]] * 2)
        >>> pg.power_table(game, [[1, 0], [1, 0]]).to_networkx().edges[1, 0]
        {'power': 3.0, 'weight': 3.0, 'action': 'd'}
        """
        import networkx as nx

        graph = nx.DiGraph(title=self.game.title)
        for i, label in enumerate(self.game.players):
            graph.add_node(i, label=label, task=self.task[i : i + 1].tolist()[0])
        power = self.power.tolist()
        for i, j in _pairs(self.game.n_players):
            action = self.game.actions[j][self.actions[i, j]]
            graph.add_edge(j, i, power=power[i][j], weight=float(power[i][j]), action=action)
        return graph

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON values; exact numbers become strings such as ``"1/3"``."""
        return {
            "task": plain(self.task),
            "power": plain(self.power),
            "adversarial": plain(self.adversarial),
            "actions": self.actions.tolist(),
        }

    def __repr__(self) -> str:
        title = f" {self.game.title!r}" if self.game.title else ""
        return f"<PowerTable{title}: {self.game.n_players} players, greatest power {float(self.power.max()):.4g}>"

    def __str__(self) -> str:
        names = self.game.players
        rows = [["player", "task", *(f"power of {name}" for name in names)]]
        for i, name in enumerate(names):
            cells = [
                "0" if i == j else f"{_text(power)} ({self.game.actions[j][self.actions[i, j]]})" if power else "0"
                for j, power in enumerate(self.power[i])
            ]
            rows.append([name, _text(self.task[i]), *cells])
        rows = [[printable(cell) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def power_table(game: NormalFormGame, profile: Any) -> PowerTable:
    """Compute the power of every player over every other at a profile.

    Parameters
    ----------
    game : NormalFormGame
    profile : sequence of array_like
        ``profile[i][a]``, the probability with which player `i` plays action `a`. With `fractions.Fraction` entries
        everything is computed exactly.

    Returns
    -------
    PowerTable

    Raises
    ------
    InputError
        If the profile does not fit the game.

    Notes
    -----
    Costs one pass over the payoffs. An offset common to all payoffs of a player costs no accuracy.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.NormalFormGame.from_bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]])
    >>> pg.power_table(game, [[1, 0], [0.5, 0.5]]).power
    array([[0., 2.],
           [2., 0.]])
    """
    game = as_game(game)
    strategies = complete_profile(game, profile)
    n_players = game.n_players
    exact = strategies[0].dtype == object
    dtype = object if exact else np.float64
    zero = Fraction(0) if exact else 0.0
    offsets = np.full(n_players, zero, dtype=dtype) if exact else _common_offsets(game)
    tables = _tables(game, strategies, offsets)
    # The tables of two players are the payoffs themselves, which are not copied to subtract an offset.
    shifts = offsets if n_players == 2 else np.zeros(n_players)
    task = np.empty(n_players, dtype=dtype)
    values = np.full((n_players, n_players), zero, dtype=dtype)
    adversarial = np.empty((n_players, n_players), dtype=dtype)
    actions = np.full((n_players, n_players), -1)
    for i, x in enumerate(strategies):
        if n_players == 1:
            task[i] = x @ (game.exact_payoffs if exact else game.payoffs)[0]
        for j, table in tables[i].items():
            against = _averaged(x, table, shifts[i])
            slack = zero if exact else _TIE * _size(game, i, table, shifts[i])
            least = against.min()
            value = against @ strategies[j]
            task[i] = value + offsets[i]
            values[i, j] = max(value - least, zero)
            adversarial[i, j] = least + offsets[i]
            actions[i, j] = np.flatnonzero(against <= least + slack)[0]
        adversarial[i, i] = task[i]
    return PowerTable(game, strategies, task, values, adversarial, actions)


def power_of_many(payoffs: np.ndarray, profiles: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Compute the power of every player over every other in many games of the same shape.

    Parameters
    ----------
    payoffs : ndarray of float64, shape (B, n, A_0, ..., A_{n-1})
    profiles : tuple of ndarray
        ``profiles[i][b]``, shape (A_i,), is the strategy of player `i` in game `b`.

    Returns
    -------
    task : ndarray, shape (B, n)
        Expected payoff of each player.
    power : ndarray, shape (B, n, n)
        ``power[b, i, j]``, what `j` can take from `i` by one action.

    Examples
    --------
    >>> payoffs = np.array([[[[4.0, 0.0], [3.0, 3.0]], [[4.0, 3.0], [0.0, 3.0]]]])
    >>> power_of_many(payoffs, (np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])))[1]
    array([[[0., 2.],
            [2., 0.]]])
    """
    n_players = payoffs.shape[1]
    task, power = np.empty(payoffs.shape[:2]), np.zeros((*payoffs.shape[:2], n_players))
    for i in range(n_players):
        tensor = payoffs[:, i]
        least = tensor.min(axis=tuple(range(1, tensor.ndim)), keepdims=True)
        tensor = tensor - least
        for j in range(n_players) if n_players > 1 else (0,):
            if j != i or n_players == 1:
                against = averaged(tensor, profiles, j)
                value = products(against, profiles[j])
                task[:, i] = value + least.reshape(-1)
                if j != i:
                    power[:, i, j] = np.maximum(value - against.min(axis=1), 0.0)
    return task, power


def pair_tables(game: NormalFormGame, profile: Any) -> PairTables:
    """Compute the expected payoffs of every player against every other, all others following the profile.

    Parameters
    ----------
    game : NormalFormGame
    profile : sequence of array_like
        ``profile[i][a]``, the probability with which player `i` plays action `a`. With `fractions.Fraction` entries
        everything is computed exactly.

    Returns
    -------
    tuple of mappings from int to ndarray
        ``tables[i][j]``, for each co-player `j` of `i`, is a read-only array of shape (A_i, A_j). Its entry
        ``[a_i, a_j]`` is the expected payoff of `i` when `i` plays `a_i`, `j` plays `a_j`, and all others the profile.

    Raises
    ------
    InputError
        If the profile does not fit the game.

    Notes
    -----
    Costs one pass over the payoffs; nothing for two players, whose tables are views of the payoffs.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.NormalFormGame.from_bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]])
    >>> pair_tables(game, [[1, 0], [1, 0]])[1][0]
    array([[4., 0.],
           [3., 3.]])
    """
    game = as_game(game)
    strategies = complete_profile(game, profile)
    return _tables(game, strategies, np.zeros(game.n_players))


def _tables(game: NormalFormGame, profile: Profile, offsets: np.ndarray) -> PairTables:
    """Pair tables: for three and more players in floats, of the payoffs less offsets; else of the payoffs as they are.

    Exact profiles and up to two players need no kernel.
    """
    n_players = game.n_players
    if profile[0].dtype == object:
        return tuple(_average_tables(game.exact_payoffs[i], profile, i) for i in range(n_players))
    if n_players == 1:
        return ({},)
    if n_players == 2:
        rows, columns = game.payoffs
        return {1: rows}, {0: columns.T}
    from powergames.kernels.pair_tables import pair_tables as kernel

    n_actions = game.n_actions
    packed, starts = kernel(
        game.payoffs.reshape(n_players, -1),
        frozen(np.array(n_actions, dtype=np.int64)),
        np.concatenate(profile),
        read_only(offsets),
    )
    frozen(packed)
    tables: tuple[dict[int, np.ndarray], ...] = tuple({} for _ in range(n_players))
    for i, j in _pairs(n_players):
        shape = n_actions[i], n_actions[j]
        tables[i][j] = packed[starts[i, j] :][: shape[0] * shape[1]].reshape(shape)
    return tables


def _size(game: NormalFormGame, ego: int, table: np.ndarray, shift: float) -> float:
    """Return the largest absolute entry of a pair table less a shift; of two players without a pass over it."""
    if game.n_players == 2:
        least = float(game.payoff_min[ego])
        greatest = least + float(game.payoff_range[ego])
    else:
        least, greatest = float(table.min()), float(table.max())
    return max(greatest - shift, shift - least)


def _averaged(strategy: np.ndarray, table: np.ndarray, shift: Any) -> np.ndarray:
    """Return ``strategy @ (table - shift)``, some columns at a time."""
    if not shift:
        return np.asarray(strategy @ table)
    step = max(1, BLOCK // len(strategy))
    starts = range(0, table.shape[1], step)
    return np.concatenate([strategy @ (table[:, start : start + step] - shift) for start in starts])


def _average_tables(payoffs: np.ndarray, profile: Profile, ego: int) -> dict[int, np.ndarray]:
    """Pair tables of one player in plain NumPy, which also handles fractions."""
    tables = {}
    axes = list(range(payoffs.ndim))
    for j in [k for k in reversed(axes) if k != ego]:
        table = payoffs
        for k in reversed(axes):
            if k not in (ego, j):
                table = _average(table, axes.index(k), profile[k])
        tables[j] = frozen(table if ego < j else table.T)
        if len(axes) > 2:
            payoffs = _average(payoffs, axes.index(j), profile[j])
            axes.remove(j)
    return dict(sorted(tables.items()))


def _average(tensor: np.ndarray, axis: int, strategy: np.ndarray) -> np.ndarray:
    played = strategy > 0
    return np.tensordot(tensor.compress(played, axis), strategy[played], axes=(axis, 0))


def _common_offsets(game: NormalFormGame) -> np.ndarray:
    """Return, for each player, a payoff to subtract where a common offset would swamp the differences, else zero.

    A sample decides. It can only err towards subtracting a payoff that occurs, which costs no accuracy.
    """
    payoffs = game.payoffs.reshape(game.n_players, -1)
    sample = payoffs[:, :: max(1, payoffs.shape[1] // 1024)]
    least = sample.min(axis=1)
    with np.errstate(over="ignore"):
        spread = sample.max(axis=1) - least
    return np.where(np.abs(least) / 4 > spread, least, 0.0)


def _pairs(n_players: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n_players) for j in range(n_players) if i != j]


def plain(array: np.ndarray) -> Any:
    """Turn an array into nested lists that JSON can hold; fractions become strings.

    Examples
    --------
    >>> plain(np.array([Fraction(1, 3), Fraction(2)], dtype=object))
    ['1/3', '2']
    """
    if array.dtype == object:
        return np.vectorize(str, otypes=[object])(array).tolist()
    return array.tolist()


def _text(number: Any) -> str:
    return str(number) if isinstance(number, Fraction) else f"{number:.4g}"
