"""Hashable values as plain arrays, so that files of them hold no pickled objects: numbers, strings, bytes and tuples.

Values of one type are kept together, and tuples of one length column by column, which is fast where many values are
built alike, as observations are.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from powergames.errors import InputError

_PLAIN = (type(None), bool, int, float, str, bytes, tuple, frozenset)


def packed_keys(keys: Sequence[Hashable]) -> list[np.ndarray]:
    """Return arrays of numbers and strings from which `unpacked_keys` makes equal values.

    Parameters
    ----------
    keys : sequence of hashable
        Numbers, strings, bytes, None, and tuples or frozen sets of them.

    Raises
    ------
    InputError
        If something else is among them.

    Examples
    --------
    >>> unpacked_keys(packed_keys([(0, "left"), (1, "right"), b"no state"]))
    [(0, 'left'), (1, 'right'), b'no state']
    """
    arrays: list[np.ndarray] = []
    layout = _pack(keys, arrays)
    return [np.array(json.dumps(layout)), *arrays]


def unpacked_keys(arrays: Sequence[np.ndarray]) -> list[Any]:
    """Return the values that `packed_keys` made arrays of.

    Raises
    ------
    AttributeError, IndexError, StopIteration, TypeError, ValueError
        If it made none of these.
    """
    return _unpack(json.loads(str(arrays[0])), iter(arrays[1:]))


def _pack(values: Sequence[Any], arrays: list[np.ndarray]) -> list[Any]:
    """Add arrays, and return how they are laid out: one entry for each kind of values."""
    groups: dict[tuple[type, int], list[Any]] = {}
    if len(types := set(map(type, values))) == 1 and (only := types.pop()) not in (tuple, frozenset):
        groups[only, 0] = list(values)
    else:
        kinds = [(type(own), len(own) if isinstance(own, tuple | frozenset) else 0) for own in values]
        for kind, own in zip(kinds, values, strict=True):
            groups.setdefault(kind, []).append(own)
        if len(groups) > 1:
            numbers = {kind: number for number, kind in enumerate(groups)}
            arrays.append(np.array([numbers[kind] for kind in kinds]))
    return [_pack_kind(*kind, own, arrays) for kind, own in groups.items()]


def _pack_kind(kind: type, length: int, values: list[Any], arrays: list[np.ndarray]) -> list[Any]:
    """Return the layout of values of one kind: its name, how many they are, and what is particular to it."""
    count = len(values)
    if kind not in _PLAIN:
        return ["as", count, _pack([_plain(own) for own in values], arrays)]
    if kind in (tuple, frozenset):
        return [kind.__name__, count, [_pack(column, arrays) for column in zip(*values, strict=True)]]
    if kind is str:
        if len(set(values)) == 1:
            return ["text", count, values[0]]
        return ["str", count, _pack_kind(bytes, 0, [own.encode("utf-8", "surrogatepass") for own in values], arrays)]
    if kind is bytes:
        sizes = list(map(len, values))
        arrays.append(np.frombuffer(b"".join(values), np.uint8))
        if len(set(sizes)) == 1:
            return ["bytes", count, sizes[0]]
        arrays.append(np.array(sizes))
    elif kind is int and not all(-(2**63) <= own < 2**63 for own in values):
        return ["big", count, [str(own) for own in values]]
    elif kind is not type(None):
        arrays.append(np.array(values))
    return [kind.__name__, count, None]


def _plain(value: Any) -> Any:
    """Return an equal value of a plain type."""
    own = value.item() if isinstance(value, np.generic) else value
    if isinstance(own, str):
        # Members of an Enum would return their name.
        return str.__str__(own)
    kinds: list[Any] = [kind for kind in _PLAIN[1:] if isinstance(own, kind)]
    if kinds:
        return kinds[0](own)
    raise InputError(
        f"key: got {type(value).__name__}, which no checkpoint can hold; return numbers, strings, bytes, or tuples of "
        "them, or leave checkpoint= out"
    )


def _unpack(layout: list[Any], arrays: Iterator[np.ndarray]) -> list[Any]:
    if len(layout) <= 1:
        return _unpack_kind(layout[0], arrays) if layout else []
    which = next(arrays).tolist()
    groups = [iter(_unpack_kind(own, arrays)) for own in layout]
    return [next(groups[number]) for number in which]


def _unpack_kind(layout: list[Any], arrays: Iterator[np.ndarray]) -> list[Any]:
    name, count, more = layout
    if name == "as":
        return _unpack(more, arrays)
    if name in ("tuple", "frozenset"):
        rows = list(zip(*(_unpack(column, arrays) for column in more), strict=True)) if more else [()] * count
        return rows if name == "tuple" else list(map(frozenset, rows))
    if name == "text":
        return [more] * count
    if name == "str":
        return [own.decode("utf-8", "surrogatepass") for own in _unpack_kind(more, arrays)]
    if name == "bytes":
        data = next(arrays).tobytes()
        ends = np.cumsum(next(arrays) if more is None else np.full(count, more)).tolist()
        return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    if name == "big":
        return list(map(int, more))
    return [None] * count if name == "NoneType" else next(arrays).tolist()
