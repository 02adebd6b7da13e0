"""Names and numbers as charts show them: short enough to fit, and never two the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from powergames.display import number_text, printable
from powergames.errors import InputError

# Characters of a name that a chart has room for.
LONGEST = 26

# Numbers at least this large, or none larger than this, are written with an exponent.
HUGE, TINY = 1e6, 1e-3


def short_names(names: Sequence[str], longest: int = LONGEST) -> list[str]:
    """Shorten names to what fits; those that would become equal are numbered.

    Examples
    --------
    >>> short_names(["the first of two neighbours", "the first of two friends", "me"], 12)
    ['the firs… 1', 'the firs… 2', 'me']
    """
    shown = [shorten(name, longest) for name in names]
    if len(set(shown)) == len(shown):
        return shown
    room = longest - len(str(len(names))) - 1
    return [name if shown.count(name) == 1 else f"{shorten(names[k], room)} {1 + k}" for k, name in enumerate(shown)]


def player_names(game: Any, longest: int = LONGEST) -> list[str]:
    """Return short names of the players; a number alone becomes ``player 0``."""
    return short_names([f"player {name}" if name.isdecimal() else name for name in game.players], longest)


def action_name(name: str, longest: int = 18) -> str:
    """Return the short name of an action; a number alone becomes ``action 0``."""
    return f"action {name}" if name.isdecimal() else shorten(name, longest)


def shorten(text: str, longest: int = LONGEST) -> str:
    """Cut a text that is longer than there is room for."""
    text = printable(text)
    return text if len(text) <= longest else text[: longest - 2].rstrip() + "…"


def game_title(game: Any) -> str:
    """Return the title of a game for a headline."""
    return shorten(game.title, 90) or "Untitled game"


def objective_text(objective: Any, *, lam: bool = True) -> str:
    """Say in words what is maximized."""
    weight = f"λ = {number_text(objective.lam)}, " if lam else ""
    return f"{weight}{objective.description}"


def figure(value: float, digits: int = 4) -> str:
    """Write a number with a few digits and a true minus sign.

    Examples
    --------
    >>> figure(-0.123456), figure(2.0)
    ('−0.1235', '2')
    """
    return f"{value:.{digits}g}".replace("-", "−")


def result_text(result: Any) -> str:
    """Say what kind of profile a result holds, and whether an equilibrium is certified."""
    status = getattr(result, "status", None)
    if status is None:
        return f"given profile, {objective_text(result.objective)}"
    kind = "equilibrium" if result.converged else f"NOT certified ({status.name})"
    return f"{kind}, {objective_text(result.objective)}"


def index_of(what: str, given: int | str, names: Sequence[str], named: str) -> int:
    """Return the index of a player or state given by index or name.

    Raises
    ------
    InputError
        If there is no such one; `what` it is and how it is `named` are for the message.
    """
    if isinstance(given, str) and given in names:
        return int(names.index(given))
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool) and 0 <= given < len(names):
        return int(given)
    raise InputError(f"{what}: got {str(given)[:40]!r}; give an index below {len(names)}, or {named}")


def player_index(game: Any, player: int | str) -> int:
    """Return the index of a player; see `index_of`."""
    return index_of("player", player, game.players, "the player's name")


def state_index(game: Any, state: int | str) -> int:
    """Return the index of a state; see `index_of`."""
    return index_of("state", state, game.states, "the name of a state")


def domain(values: Iterable[float], *, zero: bool = False) -> list[float]:
    """Return the ends of an axis that shows these values with a little room, also where they are all the same.

    Examples
    --------
    >>> domain([1.0, 2.0]), domain([4.0]), domain([0.0, 3.0], zero=True)
    ([0.92, 2.08], [3.0, 5.0], [0.0, 3.24])
    """
    numbers = [float(value) for value in values] + [0.0] * zero
    if not numbers:
        return [0.0, 1.0]
    low, high = min(numbers), max(numbers)
    if high - low <= 1e-13 * max(abs(low), abs(high)):
        room = 0.25 * max(abs(low), abs(high)) or 1.0
        return [min(low - room, 0.0) if zero and low < 0 else (0.0 if zero else low - room), high + room]
    room = 0.08 * (high - low)
    return [0.0 if zero and low == 0 else low - room, 0.0 if zero and high == 0 else high + room]


def axis_format(values: Iterable[float]) -> dict[str, str]:
    """Return options of an axis on which these numbers stay readable, however large or small they are."""
    sizes = [abs(float(value)) for value in values]
    greatest = max(sizes, default=0.0)
    spread = max(sizes, default=0.0) - min(sizes, default=0.0)
    extreme = greatest and not TINY <= greatest < HUGE
    # Behind a large offset the exponent would hide all differences.
    return {"format": "~e"} if extreme and (spread == 0 or spread > 1e-3 * greatest) else {}


def lam_list(lams: Iterable[float], known: Sequence[float]) -> str:
    """Write some of the λ of a sweep: neighbours as a range.

    Parameters
    ----------
    lams : iterable of float
    known : sequence of float
        All λ of the sweep.

    Examples
    --------
    >>> lam_list([0.0, 0.1, 0.2, 0.5], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    'λ = 0 to 0.2, 0.5'
    """
    place = {lam: k for k, lam in enumerate(sorted(set(known)))}
    runs: list[list[float]] = []
    for lam in sorted(set(lams)):
        if runs and place[lam] == place[runs[-1][-1]] + 1:
            runs[-1].append(lam)
        else:
            runs.append([lam])
    texts = [_short(run[0]) if len(run) == 1 else f"{_short(run[0])} to {_short(run[-1])}" for run in runs]
    return "λ = " + ", ".join(texts[:2]) + (", …" if len(texts) > 2 else "")


def _short(lam: float) -> str:
    return f"{lam:.3g}" if math.isfinite(lam) else "∞"
