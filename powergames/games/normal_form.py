"""Normal-form games: an explicit payoff tensor with labels, validated once and never changed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from powergames.display import MOST, Block, Shown
from powergames.errors import InputError
from powergames.games.labels import check_names, check_text
from powergames.games.limits import check_copy
from powergames.games.profiles import Profile, as_profile, frozen, uniform_profile

# Payoffs that are worked on at a time where a whole tensor would need a copy.
BLOCK = 2**16


class NormalFormGame(Shown):
    """A finite n-player game in normal form.

    Parameters
    ----------
    payoffs : array_like, shape (n, A_0, ..., A_{n-1})
        ``payoffs[i, a_0, ..., a_{n-1}]`` is the payoff of player `i` when player `k` plays action `a_k`. Entries may
        be floats, integers, `fractions.Fraction`, `decimal.Decimal` or strings such as ``"5/2"``; rationals that no
        float represents are kept exactly in `exact_payoffs`. They are copied, unless they are a read-only array; see
        the notes.
    players : sequence of str, optional
        Names of the players; by default ``"0", "1", ...``.
    actions : sequence of sequences of str, optional
        ``actions[i][a]`` names action `a` of player `i`; by default ``"0", "1", ...``. Names need not differ.
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
        If the tensor is ragged, mis-shaped, empty or not finite, its range overflows a float, the labels do not
        fit it or are not text (`powergames.games.labels.check_text`), or memory does not suffice for a copy of it.

    Notes
    -----
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
        _check_shape(values.shape)
        _check_finite(values)
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
            If the matrices are not two-dimensional or differ in shape.

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
            if matrix.ndim != 2:
                raise InputError(f"{name} payoffs: got shape {matrix.shape}; give a matrix (A_0, A_1)")
        if rows.shape != columns.shape:
            raise InputError(
                f"payoff matrices differ in shape: row {rows.shape}, column {columns.shape}; both are (A_0, A_1)"
            )
        if {rows.dtype.kind, columns.dtype.kind} & set("OUS"):
            rows, columns = rows.astype(object), columns.astype(object)
        return cls(frozen(np.stack([rows, columns])), players, actions, title)

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
        """Whether `payoffs` tell everything; otherwise `exact_payoffs` hold rationals that no float represents."""
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
        return as_profile(self.n_actions, profile)

    def uniform_profile(self) -> Profile:
        """Return the profile in which every player mixes all actions equally."""
        return uniform_profile(self.n_actions)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"NormalFormGame is immutable: cannot set {name!r}; build a new game")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"NormalFormGame is immutable: cannot delete {name!r}")

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

    def __copy__(self) -> NormalFormGame:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> NormalFormGame:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        values = self.payoffs if self.lossless else self.exact_payoffs
        return _unpickled, (type(self), values, self.players, self.actions, self.title)

    def blocks(self, most: int | None = MOST) -> Sequence[Block]:
        """Return what there is to see; see `Shown`."""
        from powergames.games.contents import of_normal_form

        return of_normal_form(self, most)

    def frame(self) -> Sequence[Block]:
        """Return one row for each joint action."""
        from powergames.games.contents import frame_of_normal_form

        return frame_of_normal_form(self)

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        plural = "player" if self.n_players == 1 else "players"
        sizes = " x ".join(str(size) for size in self.n_actions)
        return f"<NormalFormGame{title}: {self.n_players} {plural}, {sizes} actions>"


def check_game(game: Any) -> None:
    """Refuse what is not a game.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_game("stag_hunt")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: game: got str; give a NormalFormGame, or pg.load(...) one
    """
    if isinstance(game, NormalFormGame):
        return
    from powergames.games.stochastic import StochasticGame

    if isinstance(game, StochasticGame):
        title = f" {game.title[:60]!r}" if game.title else ""
        raise InputError(
            f"game: got the stochastic game{title} of {game.n_states} states, where a NormalFormGame is needed; give "
            "the rewards of one state, game.stage(s)"
        )
    raise InputError(f"game: got {type(game).__name__}; give a NormalFormGame, or pg.load(...) one")


def float_to_fraction(value: float) -> Fraction:
    """Return the number that a finite float stands for: the shortest decimal that prints it.

    From 2**53 on, where floats lie further apart than integers, it is the integer that the float is; so payoffs may be
    scaled by powers of two without any tie being broken.

    Examples
    --------
    >>> float_to_fraction(0.1), float_to_fraction(2.0**60) == 2**60
    (Fraction(1, 10), True)
    """
    return Fraction(int(value)) if abs(value) >= 2.0**53 else Fraction(repr(value))


def to_fraction(value: Any) -> Fraction:
    """Read a number exactly; a float as `float_to_fraction` does.

    Parameters
    ----------
    value : int, float, Fraction, Decimal or str
        For a str, an integer, a decimal or a ratio such as ``"5/2"``.

    Returns
    -------
    fractions.Fraction

    Raises
    ------
    InputError
        If the value is not a finite number, or so large or small that no float is near it.

    Examples
    --------
    >>> to_fraction(0.1), to_fraction("5/2")
    (Fraction(1, 10), Fraction(5, 2))
    """
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, (Fraction, int)) and not isinstance(value, bool):
        number = Fraction(value)
    elif isinstance(value, (float, np.floating)) and np.isfinite(value):
        number = float_to_fraction(float(value))
    else:
        text = str(value)
        _, _, exponent = text.lower().partition("e")
        try:
            # Fraction would write out all the digits of a huge power of ten.
            outsized = bool(exponent) and abs(int(exponent)) > 400
            number = Fraction(0 if outsized else text)
        except (ValueError, ZeroDivisionError):
            raise InputError(f"{text[:40]!r} is not a finite number") from None
        if outsized:
            raise InputError(f"number {text[:40]!r} is out of the range of a float")
    try:
        vanishes = number != 0 and float(number) == 0.0
    except OverflowError:
        raise InputError("number is too large for a float") from None
    if vanishes:
        raise InputError("number is too small for a float")
    return number


def _unpickled(cls: type[NormalFormGame], payoffs: np.ndarray, *labels: Any) -> NormalFormGame:
    """Build a game from the parts of its pickle; the array comes out of it writeable, though it is nobody else's."""
    return cls(frozen(payoffs), *labels)


def _blocks(payoffs: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a C-contiguous tensor in pieces, each a view."""
    flat = payoffs.reshape(-1)
    return (flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK))


def _nobody_can_write(array: np.ndarray) -> bool:
    """Whether the memory of an array is out of reach of assignments, through this array or those it is a view of."""
    memory: Any = array
    while isinstance(memory, np.ndarray):
        if memory.flags.writeable:
            return False
        memory = memory.base
    return memory is None or isinstance(memory, bytes) or (isinstance(memory, mmap.mmap) and _is_read_only(memory))


def _is_read_only(memory: mmap.mmap) -> bool:
    with memoryview(memory) as view:
        return view.readonly


def _rectangular(payoffs: Any) -> np.ndarray:
    try:
        return np.asarray(payoffs)
    except ValueError:
        raise InputError("payoffs: ragged nested sequences; every player needs one payoff per joint action") from None


def _payoff_arrays(payoffs: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a float64 array that nobody else writes to, and the exact values where floats would lose some."""
    values = _rectangular(payoffs)
    if values.dtype == np.float64 and values.flags.c_contiguous and values.flags.aligned and _nobody_can_write(values):
        return values, None
    if values.dtype.kind in "biuf":
        check_copy(values.size * np.dtype(np.float64).itemsize)
        floats = np.array(values, dtype=np.float64, order="C")
        if values.dtype.kind == "f" or values.size == 0 or max(floats.max(), -floats.min()) < 2.0**53:
            return floats, None
    elif values.dtype.kind not in "OUS":
        raise InputError(f"payoffs: got dtype {values.dtype}; give real numbers")
    flat: list[Fraction | None] = []
    numbers = np.empty(values.size)
    for position, value in enumerate(values.ravel().tolist()):
        if isinstance(value, float) and not np.isfinite(value):
            numbers[position] = value
            flat.append(None)
            continue
        if not isinstance(value, (int, float, str, Fraction, Decimal, np.number)):
            where = _place(position, values.shape)
            raise InputError(f"{where}: got {type(value).__name__}; give real numbers")
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


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) < 2:
        raise InputError(f"payoffs: got shape {shape}; expected (n, A_0, ..., A_{{n-1}})")
    n = len(shape) - 1
    if shape[0] == 0:
        raise InputError("payoffs: zero players; a game needs at least one")
    if shape[0] != n:
        raise InputError(
            f"payoffs: got shape {shape}, {shape[0]} payoff tensors of {n} axes; "
            f"{shape[0]} players need shape (n, A_0, ..., A_{{n-1}}) with n = {shape[0]}"
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
