"""Polynomials on a product of simplices, in Bernstein form.

On a simplex with `k` vertices a polynomial that is homogeneous of degree `d` in the barycentric coordinates has a
coefficient for each *multiset* of `d` vertices, and lies between the least and the greatest of them. With several
simplices there is an axis of coefficients for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations_with_replacement, product

import numpy as np


@cache
def multisets(vertices: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """Return all multisets of vertices, in the order of the coefficients.

    Examples
    --------
    >>> multisets(2, 2)
    ((0, 0), (0, 1), (1, 1))
    """
    return tuple(combinations_with_replacement(range(vertices), degree))


@cache
def _place(vertices: int, degree: int) -> dict[tuple[int, ...], int]:
    return {multiset: place for place, multiset in enumerate(multisets(vertices, degree))}


@cache
def _sequences(vertices: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all sequences of vertices, shape (k^d, d), and which of them form each multiset, shape (k^d, M)."""
    sequences = list(product(range(vertices), repeat=degree))
    members = np.zeros((len(sequences), len(multisets(vertices, degree))))
    for row, sequence in enumerate(sequences):
        members[row, _place(vertices, degree)[tuple(sorted(sequence))]] = 1.0
    return np.array(sequences, dtype=np.int64).reshape(len(sequences), degree), members


def restriction(degree: int, corners: np.ndarray) -> np.ndarray:
    """Return the matrix that turns coefficients on a simplex into those on another one within it.

    Parameters
    ----------
    degree : int
    corners : ndarray, shape (..., l, k)
        The vertices of the other simplex, in barycentric coordinates.

    Returns
    -------
    ndarray, shape (..., L, K)
        A row for each multiset of its vertices.
    """
    inner, outer = corners.shape[-2:]
    sequences, members = _sequences(outer, degree)
    weights = np.ones((*corners.shape[:-2], len(multisets(inner, degree)), len(sequences)))
    own = np.array(multisets(inner, degree), dtype=np.int64).reshape(weights.shape[-2], degree)
    for m in range(degree):
        weights = weights * corners[..., own[:, m, None], sequences[None, :, m]]
    return np.asarray(weights @ members)


@cache
def nodes(vertices: int, degree: int) -> np.ndarray:
    """Return as many points as there are coefficients, shape (M, k), whose values determine a polynomial."""
    points = [[multiset.count(v) / max(degree, 1) for v in range(vertices)] for multiset in multisets(vertices, degree)]
    return np.array(points) if degree else np.full((1, vertices), 1.0 / vertices)


@cache
def interpolation(vertices: int, degree: int) -> np.ndarray:
    """Return the matrix that turns values at the `nodes` into coefficients, shape (M, M)."""
    return np.linalg.inv(restriction(degree, nodes(vertices, degree)[:, None])[:, 0])


@cache
def halving(vertices: int, degree: int, kept: int, moved: int) -> np.ndarray:
    """Return the `restriction` to the half of a simplex in which one vertex has moved to the middle of an edge."""
    corners = np.eye(vertices)
    corners[moved] = (corners[moved] + corners[kept]) / 2
    return restriction(degree, corners)


@cache
def face(vertices: int, degree: int, kept: tuple[int, ...]) -> np.ndarray:
    """Return the places of the coefficients on a face."""
    places = [_place(vertices, degree)[tuple(kept[v] for v in multiset)] for multiset in multisets(len(kept), degree)]
    return np.array(places, dtype=np.int64)


@cache
def _ends(vertices: int, degree: int, to: int, base: int) -> tuple[np.ndarray, np.ndarray]:
    place = _place(vertices, degree)
    rest = multisets(vertices, degree - 1)
    up, down = ([place[tuple(sorted((*multiset, v)))] for multiset in rest] for v in (to, base))
    return np.array(up), np.array(down)


def slopes(coefficients: np.ndarray, axis: int, vertices: int, degree: int, to: int, base: int) -> np.ndarray:
    """Return the coefficients of the derivative with respect to a move from vertex `base` to vertex `to`."""
    up, down = _ends(vertices, degree, to, base)
    return np.asarray(degree * (coefficients.take(up, axis=axis) - coefficients.take(down, axis=axis)))


def transformed(coefficients: np.ndarray, axis: int, matrix: np.ndarray) -> np.ndarray:
    """Return the coefficients multiplied with a matrix along an axis."""
    shape = coefficients.shape
    wide = coefficients.reshape(int(np.prod(shape[:axis])), shape[axis], -1)
    result = np.empty((wide.shape[0], len(matrix), wide.shape[2]))
    for row, weights in enumerate(matrix):
        first, *others = np.flatnonzero(weights).tolist()
        np.multiply(wide[:, first], weights[first], out=result[:, row])
        for column in others:
            result[:, row] += weights[column] * wide[:, column]
    return result.reshape(*shape[:axis], len(matrix), *shape[axis + 1 :])


def restricted(coefficients: np.ndarray, degrees: Sequence[int], corners: Sequence[np.ndarray]) -> np.ndarray:
    """Return the coefficients on smaller simplices, given the vertices of each, see `restriction`."""
    for axis, (degree, own) in enumerate(zip(degrees, corners, strict=True)):
        coefficients = transformed(coefficients, axis, restriction(degree, own))
    return coefficients
