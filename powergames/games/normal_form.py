"""Normal-form games: an explicit payoff tensor with labels, validated once and never changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from powergames.display import Shown
from powergames.errors import InputError
from powergames.games.foreign import (
    check_unmasked,
    converter,
    frame_labels,
    in_order,
    is_frame,
    looks_like_cells,
    no_game,
    strategies_of,
)
from powergames.games.immutable import Frozen
from powergames.games.labels import check_names, check_text
from powergames.games.memory import check_copy
from powergames.games.numbers import doubles, float_to_fraction, to_fraction
from powergames.games.profiles import Profile, as_profile, frozen, nobody_can_write, uniform_profile

# Payoffs that are worked on at a time where a whole tensor would need a copy.
BLOCK = 2**16


class NormalFormGame(Frozen, Shown):
    """A finite n-player game in normal form.

    Parameters
    ----------
    payoffs : array_like, shape (n, A_0, ..., A_{n-1})
        ``payoffs[i, a_0, ..., a_{n-1}]`` is the payoff of player `i` when player `k` plays action `a_k`. Entries may
        be floats, integers, `fractions.Fraction`, `decimal.Decimal`, rationals of SymPy or strings such as ``"5/2"``;
        rationals that no float represents are kept exactly in `exact_payoffs`. They are copied, unless they are a
        read-only array; see the notes. `from_cells` takes a table of which each cell holds the payoffs of all players.
    players : sequence of str, optional
        Names of the players; by default ``"0", "1", ...``.
    actions : sequence of sequences of str, optional
        ``actions[i][a]`` names action `a` of player `i`; by default the labels of pandas data frames, or ``"0", "1",
        ...``. Names need not differ.
    title : str, optional
        Title of the game.

    Attributes
    ----------
    payoffs : ndarray of float64, read-only
        The payoff tensor, in absolute player order.
    payoff_min, payoff_range : ndarray, shape (n,), read-only
        Least payoff of each player, and greatest minus least.
    payoff_scale : ndarray, shape (n,), read-only
        The payoff range, or 1 where payoffs are constant: the unit of scaled regret.
    players, actions, title
        As above, as tuples and str.

    Raises
    ------
    InputError
        If the tensor is ragged, mis-shaped, empty, masked or not finite, its range overflows a float, the labels do not
        fit it or are not text (`powergames.games.labels.check_text`), or memory does not suffice for a copy of it.
        Nested lists whose innermost rows are tuples, of a shape that fits `from_cells` as well, are refused too, for
        they can mean either game.

    Notes
    -----
    Payoffs of float32 and float16 stand for the decimals that print them, as those of float64 do: ``np.float32(0.1)``
    gives the payoff 0.1, which is exactly 1/10 in `exact_payoffs`.

    A large tensor need not be copied: a C-contiguous array of float64 that nobody can write to is taken as it is. That
    is an array with ``flags.writeable = False`` which owns its memory, or a view of such an array, or of `bytes`, or of
    a read-only memory map such as ``np.load(file, mmap_mode="r")``. Whoever freezes an array hands it over: views made
    before that remain writeable, and so does the file behind a memory map; a game that changes under its certificates
    is worth nothing.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], title="Stag hunt")
    >>> game.n_players, game.n_actions
    (2, (2, 2))
    >>> game
    <NormalFormGame 'Stag hunt': 2 players, 2 x 2 actions>
    """

    payoffs: np.ndarray
    payoff_min: np.ndarray
    payoff_range: np.ndarray
    payoff_scale: np.ndarray
    players: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    title: str

    def __init__(
        self,
        payoffs: Any,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        title: str = "",
    ) -> None:
        values, exact = _payoff_arrays(payoffs)
        _check_shape(values.shape, looks_like_cells(payoffs))
        _check_finite(values)
        if actions is None and isinstance(payoffs, (list, tuple)):
            actions = frame_labels(payoffs)
        least, spread = _range(values)
        n_actions = values.shape[1:]
        fields = {
            "payoffs": frozen(values),
            "payoff_min": frozen(least),
            "payoff_range": frozen(spread),
            "payoff_scale": frozen(np.where(spread > 0, spread, 1.0)),
            "players": _player_labels(players, len(n_actions)),
            "actions": _action_labels(actions, n_actions),
            "title": check_text(title, "title"),
            "_exact": None if exact is None else frozen(exact),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_bimatrix(
        cls,
        row_payoffs: Any,
        column_payoffs: Any = None,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        title: str = "",
    ) -> NormalFormGame:
        """Build a two-player game from one payoff matrix per player.

        Parameters
        ----------
        row_payoffs : array_like, shape (A_0, A_1)
            ``row_payoffs[a_0, a_1]`` is the payoff of player 0.
        column_payoffs : array_like, shape (A_0, A_1), optional
            The payoff of player 1, same orientation; by default ``-row_payoffs`` (zero-sum).
        players, actions, title
            As in `NormalFormGame`.

        Returns
        -------
        NormalFormGame

        Raises
        ------
        InputError
            If the matrices are not two-dimensional or differ in shape, or are data frames that differ in labels.

        Examples
        --------
        >>> import powergames as pg
        >>> pg.NormalFormGame.from_bimatrix([[1, -1], [-1, 1]]).payoffs[1]
        array([[-1.,  1.],
               [ 1., -1.]])
        """
        if column_payoffs is None:
            values, exact = _payoff_arrays(row_payoffs)
            _check_finite(values)
            rows = values if exact is None else exact
            columns = 0 - rows
        else:
            rows, columns = _rectangular(row_payoffs), _rectangular(column_payoffs)
        for name, matrix in (("row", rows), ("column", columns)):
            if matrix.ndim == 3 and column_payoffs is None:
                call = "from_cells(cells)" if matrix.shape[-1] == 2 and len(matrix) != 2 else "NormalFormGame(payoffs)"
                raise InputError(f"{name} payoffs: got shape {matrix.shape}; give a matrix per player, or use {call}")
            if matrix.ndim != 2:
                raise InputError(f"{name} payoffs: got shape {matrix.shape}; give a matrix (A_0, A_1)")
        if rows.shape != columns.shape:
            own_first = rows.shape == columns.shape[::-1]
            remedy = "; where player 1's rows are player 1's actions, use NormalFormGame.from_quantecon([A, B])"
            raise InputError(
                f"payoff matrices differ in shape: row {rows.shape}, column {columns.shape}; both are (A_0, A_1)"
                + remedy * own_first
            )
        if actions is None:
            actions = frame_labels((row_payoffs, column_payoffs))
        return cls(_stacked([rows, columns]), players, actions, title)

    @classmethod
    def from_cells(
        cls,
        cells: Any,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        title: str = "",
    ) -> NormalFormGame:
        """Build a game from a table in which each cell holds the payoffs of all players, as textbooks print it.

        Parameters
        ----------
        cells : array_like, shape (A_0, ..., A_{n-1}, n)
            ``cells[a_0]...[a_{n-1}]`` are the payoffs of players 0 to n-1; or a pandas data frame of pairs, whose
            labels name the actions.
        players, actions, title
            As in `NormalFormGame`.

        Returns
        -------
        NormalFormGame

        Raises
        ------
        InputError
            If the cells do not hold one payoff for each player, or the payoffs cannot be used.

        Examples
        --------
        >>> import powergames as pg
        >>> game = pg.NormalFormGame.from_cells([[(3, 3), (0, 5)], [(5, 0), (1, 1)]])
        >>> game.payoffs[0]
        array([[3., 0.],
               [5., 1.]])
        """
        if is_frame(cells):
            actions = frame_labels([cells]) if actions is None else actions
            cells = cells.to_numpy().tolist()
        values = _rectangular(cells)
        n_players = values.ndim - 1
        if n_players < 1 or values.shape[-1] != n_players:
            other = "; payoffs[i, a_0, ..., a_{n-1}] go to NormalFormGame(payoffs)"
            raise InputError(
                f"cells: got shape {values.shape}; expected (A_0, ..., A_{{n-1}}, n), the payoffs of all n players in "
                f"each cell{other * (n_players >= 1 and len(values) == n_players)}"
            )
        return cls(frozen(np.moveaxis(values, -1, 0).copy()), players, actions, title)

    @classmethod
    def from_quantecon(
        cls,
        game: Any,
        players: Sequence[str] | None = None,
        actions: Sequence[Sequence[str]] | None = None,
        title: str = "",
    ) -> NormalFormGame:
        """Build a game from one of QuantEcon, or from arrays whose first axis is the player's own action.

        Parameters
        ----------
        game : quantecon.game_theory.NormalFormGame, or sequence
            A game of QuantEcon, its players, or their payoff arrays: ``game[i][a_i, a_{i+1}, ..., a_{i-1}]`` is the
            payoff of player `i`, whose own action comes first, and then those of the players after `i`, cyclically.
        players, actions, title
            As in `NormalFormGame`.

        Returns
        -------
        NormalFormGame

        Raises
        ------
        InputError
            If the arrays do not fit together, or the payoffs cannot be used.

        Examples
        --------
        >>> import powergames as pg
        >>> game = pg.NormalFormGame.from_quantecon([[[3, 0, 1], [5, 1, 1]], [[3, 0], [5, 1], [2, 2]]])
        >>> game.payoffs[1]
        array([[3., 5., 2.],
               [0., 1., 2.]])
        """
        held = getattr(game, "players", game)
        if not isinstance(held, (list, tuple, np.ndarray)) or not len(held):
            raise InputError(f"from_quantecon: got {type(game).__name__}; give a game of QuantEcon, or payoff arrays")
        tensors = [_rectangular(getattr(player, "payoff_array", player)) for player in held]
        n_players = len(tensors)
        n_actions = tuple(len(tensor) if tensor.ndim else 0 for tensor in tensors)
        for player, tensor in enumerate(tensors):
            expected = n_actions[player:] + n_actions[:player]
            if tensor.shape != expected:
                raise InputError(
                    f"payoff array of player {player}: got shape {tensor.shape}, expected {expected}, the own action "
                    "first, then those of the players after, cyclically"
                )
        order = np.arange(n_players)
        rotated = [tensor.transpose((order - player) % n_players) for player, tensor in enumerate(tensors)]
        return cls(_stacked(rotated), players, actions, title)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player, (A_0, ..., A_{n-1})."""
        return self.payoffs.shape[1:]

    @property
    def lossless(self) -> bool:
        """Whether floats hold all payoffs exactly; otherwise only `exact_payoffs` do."""
        return self.__dict__["_exact"] is None

    @cached_property
    def exact_payoffs(self) -> np.ndarray:
        """Payoffs as `fractions.Fraction`, shape (n, A_0, ..., A_{n-1}), dtype object.

        Rationals given exactly are returned as given; a float stands for what `float_to_fraction` says, so ``0.1`` is
        1/10.
        """
        exact: np.ndarray | None = self.__dict__["_exact"]
        if exact is None:
            flat = [float_to_fraction(value) for value in self.payoffs.ravel().tolist()]
            exact = frozen(np.array(flat, dtype=object).reshape(self.payoffs.shape))
        return exact

    def profile(self, profile: Any) -> Profile:
        """Check a mixed-strategy profile of this game; see `powergames.games.profiles.as_profile`."""
        given = strategies_of(profile)
        if isinstance(given, (list, tuple)) and len(given) == self.n_players:
            given = [in_order(strategy, names) for strategy, names in zip(given, self.actions, strict=True)]
        return as_profile(self.n_actions, given)

    def uniform_profile(self) -> Profile:
        """Return the profile in which every player mixes all actions equally."""
        return uniform_profile(self.n_actions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NormalFormGame):
            return NotImplemented
        return self is other or (
            self.players == other.players
            and self.actions == other.actions
            and self.title == other.title
            and self.n_actions == other.n_actions
            and all(np.array_equal(*pair) for pair in zip(_blocks(self.payoffs), _blocks(other.payoffs), strict=True))
            and ((self.lossless and other.lossless) or np.array_equal(self.exact_payoffs, other.exact_payoffs))
        )

    def __hash__(self) -> int:
        # Adding zero turns -0.0 into 0.0, which is equal to it.
        payoffs = tuple(hash((block + 0.0).tobytes()) for block in _blocks(self.payoffs))
        return hash((self.players, self.actions, self.title, payoffs))

    def __reduce__(self) -> tuple[Any, ...]:
        values = self.payoffs if self.lossless else self.exact_payoffs
        return _unpickled, (type(self), values, self.players, self.actions, self.title)

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        plural = "player" if self.n_players == 1 else "players"
        sizes = " x ".join(str(size) for size in self.n_actions)
        return f"<NormalFormGame{title}: {self.n_players} {plural}, {sizes} actions>"


def _unpickled(cls: type[NormalFormGame], payoffs: np.ndarray, *labels: Any) -> NormalFormGame:
    """Build a game from the parts of its pickle; the array comes out of it writeable, though it is nobody else's."""
    return cls(frozen(payoffs), *labels)


def _blocks(payoffs: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a C-contiguous tensor in pieces, each a view."""
    flat = payoffs.reshape(-1)
    return (flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK))


def _rectangular(payoffs: Any) -> np.ndarray:
    if converter(payoffs):
        raise InputError(f"payoffs: {no_game(payoffs)}")
    check_unmasked(payoffs, "payoffs")
    try:
        return np.asarray(payoffs)
    except ValueError:
        raise InputError(
            "payoffs: ragged nested sequences; every player needs one payoff per joint action, in the order "
            "payoffs[i][a_0]...[a_{n-1}]; with the own action first, as in QuantEcon, use NormalFormGame.from_quantecon"
        ) from None


def _stacked(tensors: Sequence[np.ndarray]) -> np.ndarray:
    """Stack one tensor per player into an array that nobody else has, without rounding any."""
    short = [tensor.dtype.kind == "f" and tensor.dtype.itemsize < 8 for tensor in tensors]
    tensors = [doubles(tensor) if is_short else tensor for tensor, is_short in zip(tensors, short, strict=True)]
    if any(tensor.dtype.kind in "OUS" or tensor.dtype.itemsize > 8 for tensor in tensors):
        tensors = [tensor.astype(object) for tensor in tensors]
    return frozen(np.stack(tensors))


def _payoff_arrays(payoffs: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a float64 array that nobody else writes to, and the exact values where floats would lose some."""
    values = _rectangular(payoffs)
    if values.dtype == np.float64 and values.flags.c_contiguous and values.flags.aligned and nobody_can_write(values):
        return values, None
    if values.dtype.kind in "biuf" and values.dtype.itemsize <= 8:
        check_copy(values.size * np.dtype(np.float64).itemsize)
        if values.dtype.kind == "f" and values.dtype.itemsize < 8:
            return doubles(values), None
        floats = np.array(values, dtype=np.float64, order="C")
        if values.dtype.kind == "f" or values.size == 0 or max(floats.max(), -floats.min()) < 2.0**53:
            return floats, None
    elif values.dtype.kind not in "OUSf":
        raise InputError(f"payoffs: got dtype {values.dtype}; give real numbers")
    flat: list[Fraction | None] = []
    numbers = np.empty(values.size)
    for position, value in enumerate(values.ravel().tolist()):
        if isinstance(value, (float, np.floating)) and not np.isfinite(value):
            numbers[position] = value
            flat.append(None)
            continue
        if not isinstance(value, (int, float, str, Fraction, Decimal, np.number, Real)):
            where = _place(position, values.shape)
            remedy = "use NormalFormGame.from_cells" if isinstance(value, (list, tuple)) else "give real numbers"
            raise InputError(f"{where}: got {type(value).__name__}; {remedy}")
        try:
            fraction = to_fraction(value)
        except InputError as error:
            where = _place(position, values.shape)
            raise InputError(f"{where}: {error}; give real numbers") from None
        flat.append(fraction)
        numbers[position] = float(fraction)
    floats = numbers.reshape(values.shape)
    lossless = all(
        fraction is None or float_to_fraction(number) == fraction
        for fraction, number in zip(flat, numbers.tolist(), strict=True)
    )
    return floats, None if lossless else np.array(flat, dtype=object).reshape(values.shape)


def _check_shape(shape: tuple[int, ...], tuples: bool) -> None:
    """Refuse shapes that are no game's, and tables of tuples that can be read in two ways."""
    if len(shape) < 2:
        raise InputError(f"payoffs: got shape {shape}; expected (n, A_0, ..., A_{{n-1}})")
    n = len(shape) - 1
    if shape[0] == 0:
        raise InputError("payoffs: zero players; a game needs at least one")
    if shape[0] != n:
        problem = (
            f"payoffs: got shape {shape}, {shape[0]} payoff tensors of {n} axes; "
            f"{shape[0]} players need shape (n, A_0, ..., A_{{n-1}}) with n = {shape[0]}"
        )
        if shape[-1] == n:
            problem += f"; if each cell holds the payoffs of {n} players, use NormalFormGame.from_cells"
        elif n == 1:
            problem += "; give one matrix per player, NormalFormGame.from_bimatrix(A, B), or A alone if zero-sum"
        raise InputError(problem)
    if tuples and n > 1 and shape[-1] == n:
        raise InputError(
            f"payoffs: tuples in nested sequences of shape {shape} can mean payoffs[i][a_0]...[a_{{n-1}}], or "
            f"cells[a_0]...[a_{{n-1}}] with the payoffs of {n} players each; for the first give "
            "NormalFormGame(np.array(payoffs)), for the second NormalFormGame.from_cells(cells)"
        )
    if 0 in shape:
        raise InputError(f"payoffs: player {shape[1:].index(0)} has zero actions; give at least one")


def _check_finite(values: np.ndarray) -> None:
    flat = values.reshape(-1)
    # A sum is one pass without a temporary; only a suspicious one needs the element-wise search.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(flat.sum())
    if suspicious and not np.isfinite(flat).all():
        position = int(np.argmin(np.isfinite(flat)))
        raise InputError(f"{_place(position, values.shape)} is {flat[position]}; every payoff must be finite")


def _range(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least payoff of each player and the range above it, shape (n,) each."""
    flat = values.reshape(len(values), -1)
    least, greatest = flat.min(axis=1), flat.max(axis=1)
    with np.errstate(over="ignore"):
        spread = greatest - least
    if np.isinf(spread).any():
        player = int(np.argmax(spread))
        raise InputError(
            f"payoffs of player {player}: their range, from {least[player]:g} to {greatest[player]:g}, is too large "
            "for a float; divide the payoffs by a constant"
        )
    return least, spread


def _place(position: int, shape: tuple[int, ...]) -> str:
    index = ", ".join(str(int(k)) for k in np.unravel_index(position, shape))
    return f"payoffs[{index}]" if index else "payoffs"


def _player_labels(players: Sequence[str] | None, n: int) -> tuple[str, ...]:
    if players is None:
        return tuple(str(i) for i in range(n))
    return check_names(players, n, "players", f"{n} players")


def _action_labels(actions: Sequence[Sequence[str]] | None, n_actions: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    if actions is None:
        return tuple(tuple(str(a) for a in range(size)) for size in n_actions)
    try:
        lists = list(actions)
    except TypeError:
        raise InputError(f"actions: got {type(actions).__name__}; give one list of names per player") from None
    if len(lists) != len(n_actions):
        raise InputError(f"actions: got {len(lists)} lists for {len(n_actions)} players")
    return tuple(
        check_names(names, size, f"actions of player {player}", f"{size} actions")
        for player, (names, size) in enumerate(zip(lists, n_actions, strict=True))
    )
