"""Kitchens by name, as users type them: ``overcooked:cramped_room:counters=1,onions=3,cook=20``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from powergames.environments.compiler import TooManyStatesError
from powergames.environments.overcooked.compiler import MOST_STATES, compile_overcooked, is_reduced, read_layout
from powergames.environments.overcooked.layouts import LAYOUTS, Layout
from powergames.errors import InputError
from powergames.games.catalog.parameters import integer, named_values, quoted
from powergames.games.deterministic import DeterministicGame

FAMILY = "overcooked"

# Parameters of a name, and the arguments of `compile_overcooked` that they stand for.
PARAMETERS = {
    "onions": "onions",
    "cook": "cook_time",
    "dynamics": "dynamics",
    "recipes": "recipes",
    "pot": "pot_size",
    "onion_time": "onion_time",
    "tomato_time": "tomato_time",
    "mixing": "mixing",
    "explosion": "explosion",
    "counters": "counters",
    "reward": "reward",
    "discount": "discount",
    "reduce": "reduce",
    "max_states": "max_states",
}
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

# A reduced kitchen has at least one of so many states; the kitchens of the catalog have one of 2 to 5.
REDUCTION = 8

# A file may have a colon in its name.
_FILE = re.compile(r"(.+\.layout)(?::(.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class KitchenEntry:
    """A named layout, as the list of all games shows it.

    Attributes
    ----------
    layout : Layout

    Examples
    --------
    >>> KitchenEntry(LAYOUTS["tiny"]).name
    'overcooked:tiny'
    """

    layout: Layout

    @property
    def name(self) -> str:
        """Name under which `powergames.load` finds the game."""
        return f"{FAMILY}:{self.layout.name}"

    @property
    def summary(self) -> str:
        """What the layout is like."""
        return f"Overcooked: {self.layout.summary[:1].lower()}{self.layout.summary[1:]}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The rules that can be changed, and what they are else."""
        options = self.layout.options
        rules = {key: options[argument] for key, argument in PARAMETERS.items() if argument in options}
        if "reduce" in rules:
            rules["reduce"] = "yes" if rules["reduce"] else "no"
        return rules | {"reward": 1, "discount": 0.95}


ENTRIES = tuple(KitchenEntry(layout) for layout in LAYOUTS.values())


def is_kitchen(name: str) -> bool:
    """Say whether a name is one of a kitchen, or of a file that holds one.

    Examples
    --------
    >>> is_kitchen("overcooked:tiny"), is_kitchen("kitchen.layout:onions=1"), is_kitchen("stag_hunt")
    (True, True, False)
    """
    return name.partition(":")[0].strip() == FAMILY or _FILE.fullmatch(name) is not None


def named_kitchen(name: str) -> DeterministicGame:
    """Compile the kitchen that a name stands for.

    Parameters
    ----------
    name : str
        A layout or a ``.layout`` file, with or without ``overcooked:`` before it, and parameters behind it: ``onions``,
        ``cook`` (steps), ``dynamics``, ``recipes`` (as in ``ooo+ttt*30``), ``pot`` (ingredients that it takes),
        ``onion_time``, ``tomato_time``, ``mixing``, ``explosion``, ``counters`` (``all``, how many, or cells as in
        ``3.0+1.0``), ``reward``, ``discount``, ``reduce`` (``yes`` or ``no``) and ``max_states``.

    Returns
    -------
    DeterministicGame

    Raises
    ------
    FormatError
        If a file is no layout.
    InputError
        If the layout or a parameter is unknown, or a value cannot be used.

    Examples
    --------
    >>> named_kitchen("overcooked:tiny:cook=1").n_states
    1150
    """
    layout, arguments = _arguments(name)
    return compile_overcooked(layout, **arguments)


def kitchen_within(name: str, most_states: int, remedy: str) -> DeterministicGame:
    """Compile the kitchen that a name stands for, or refuse it as soon as far too many states are found.

    Parameters
    ----------
    name : str
        As in `named_kitchen`.
    most_states : int
        The most states that the game may have.
    remedy : str
        What to do about it, for the end of the message.

    Returns
    -------
    DeterministicGame

    Raises
    ------
    FormatError, InputError
        If the name cannot be used, or there are too many states.

    Examples
    --------
    >>> kitchen_within("overcooked:tiny", 1189, "give a smaller kitchen").n_states
    1189
    >>> kitchen_within("overcooked:tiny", 1000, "give a smaller kitchen")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: overcooked:tiny: got a kitchen of more than 1,000 states; give a smaller kitchen
    """
    layout, arguments = _arguments(name)
    chosen = read_layout(layout)
    limit = most_states * (REDUCTION if is_reduced(chosen, arguments.get("reduce")) else 1)
    own = integer("max_states", arguments.get("max_states", limit), 1, MOST_STATES)
    try:
        return compile_overcooked(chosen, **arguments | {"max_states": min(own, limit)})
    except TooManyStatesError:
        if own < limit:
            raise
        raise InputError(f"{name}: got a kitchen of more than {limit:,} states; {remedy}") from None


def _arguments(name: str) -> tuple[str, dict[str, Any]]:
    """Return the layout that a name stands for, and the arguments of `compile_overcooked`."""
    family, _, spec = name.partition(":")
    if family.strip() != FAMILY:
        spec = name
    file = _FILE.fullmatch(spec.strip())
    layout, rest = (file[1], file[2] or "") if file else _split(spec)
    if not layout:
        raise InputError(f"{FAMILY}: no layout; give one, as in {FAMILY}:tiny: {', '.join(LAYOUTS)}, or FILE.layout")
    values = named_values(f"{FAMILY}:{layout}", rest, PARAMETERS) if rest else {}
    arguments: dict[str, Any] = {PARAMETERS[key]: value for key, value in values.items()}
    if "reduce" in arguments:
        if arguments["reduce"].lower() not in _YES_NO:
            raise InputError(f"reduce: got {quoted(arguments['reduce'])}; give yes or no")
        arguments["reduce"] = _YES_NO[arguments["reduce"].lower()]
    return layout, arguments


def _split(spec: str) -> tuple[str, str]:
    layout, _, rest = spec.partition(":")
    return layout.strip(), rest
