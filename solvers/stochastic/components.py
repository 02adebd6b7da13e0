"""The order in which parts of a stochastic game can be solved: strongly connected components, the last ones first."""

from __future__ import annotations

from typing import Any

import numpy as np

from powergames.games.profiles import read_only
from powergames.solvers.stochastic.problem import StochasticProblem


def components(problem: StochasticProblem, ending: np.ndarray | None = None) -> np.ndarray:
    """Return a number for each state, shape (S,): the same for states that can each follow upon the other.

    Nothing follows upon the rows marked in `ending`, shape (R,). Where power lasts for several steps, there is
    one number.
    """
    if problem.steps > 1:
        return np.zeros(problem.n_states, dtype=np.int64)
    return _components(graph_of(problem, ending))


def levels(problem: StochasticProblem, ending: np.ndarray | None = None) -> list[np.ndarray]:
    """Split the states into parts to be solved one after the other.

    Each part consists of whole components, none of which leads to another one of it. What a part leads to is in parts
    before it, so that games without cycles are solved by backward induction. Where power lasts for several steps there
    is one part, see `StochasticProblem.part`. Nothing follows upon the rows marked in
    `ending`, shape (R,).

    Returns
    -------
    list of ndarray
        The states of each part, in increasing order.
    """
    if problem.steps > 1:
        return [np.arange(problem.n_states)]
    graph = graph_of(problem, ending)
    labels = _components(graph)
    count = int(labels.max()) + 1
    if count == 1:
        return [np.arange(problem.n_states)]
    origin = labels[np.repeat(np.arange(problem.n_states), np.diff(graph.indptr))]
    target = labels[graph.indices]
    edges = np.unique(np.stack([target, origin])[:, origin != target], axis=1)
    incoming = np.searchsorted(edges[0], np.arange(count + 1))
    left = np.bincount(edges[1], minlength=count)
    level = np.zeros(count, dtype=np.int64)
    frontier, depth = np.flatnonzero(left == 0), 0
    while len(frontier):
        level[frontier] = depth
        sources = np.concatenate([edges[1, incoming[c] : incoming[c + 1]] for c in frontier])
        np.subtract.at(left, sources, 1)
        touched = np.unique(sources)
        frontier, depth = touched[left[touched] == 0], depth + 1
    order = np.argsort(level[labels], kind="stable")
    return np.split(order, np.cumsum(np.bincount(level[labels]))[:-1])


def _components(graph: Any) -> np.ndarray:
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(graph, directed=True, connection="strong")[1])


def graph_of(problem: StochasticProblem, ending: np.ndarray | None = None) -> Any:
    """Return which states may follow upon which, as a sparse matrix of shape (S, S)."""
    from scipy.sparse import csr_matrix

    from powergames.kernels.stages import state_graph

    _, row_starts, _, indptr, indices, _ = problem.arrays
    if ending is not None:
        counts = np.diff(indptr)
        indices = read_only(indices[np.repeat(~ending, counts)])
        indptr = read_only(np.concatenate([[0], np.cumsum(np.where(ending, 0, counts))]).astype(indptr.dtype))
    starts, successors = state_graph(row_starts, indptr, indices)
    return csr_matrix((np.ones(len(successors), np.int8), successors, starts), shape=(problem.n_states,) * 2)
