"""Payoff tables of a page: whole where a game is small, and else a part with the number of joint actions left out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame

# Actions that a matrix shows of each of two players, matrices side by side, and joint actions that a list shows.
MOST_ACTIONS, MOST_MATRICES, MOST_JOINT = 12, 6, 64

# States that may follow a joint action, the likeliest first.
MOST_SUCCESSORS = 6


def payoff_table(game: NormalFormGame, solutions: Sequence[Profile]) -> dict[str, Any]:
    """Return payoffs as plain JSON values, abbreviated where there are too many.

    Parameters
    ----------
    game : NormalFormGame
    solutions : sequence of profiles
        The solutions on the page. What they play is shown first.

    Returns
    -------
    dict
        ``joint``: joint actions, each as the indices of the actions; ``payoffs``: the payoff of every player for each;
        ``layout``: "matrices" if they are all joint actions of some actions of each player, else "list";
        ``left_out``: how many joint actions are not shown.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> table = payoff_table(game, [game.uniform_profile()])
    >>> table["joint"][1], table["payoffs"][1], table["left_out"]
    ([0, 1], [0.0, 3.0], 0)
    """
    sizes = game.n_actions
    matrices = game.n_players == 2 or (game.n_players == 3 and sizes[2] <= MOST_MATRICES)
    supports = [[np.flatnonzero(own).tolist() for own in profile] for profile in solutions]
    if matrices:
        played = [{action for support in supports for action in support[i]} for i in range(len(sizes))]
        shown = [_first(size, own, MOST_ACTIONS) for size, own in zip(sizes, played, strict=True)]
        joint = list(itertools.product(*shown))
    else:
        solved = (joint for support in supports for joint in itertools.islice(itertools.product(*support), MOST_JOINT))
        everything = itertools.product(*map(range, sizes))
        joint = sorted(itertools.islice(_distinct(itertools.chain(solved, everything)), MOST_JOINT))
    return {
        "layout": "matrices" if matrices else "list",
        "joint": [list(actions) for actions in joint],
        "payoffs": [_payoffs(game, actions) for actions in joint],
        "left_out": math.prod(sizes) - len(joint),
    }


def stage_table(game: StochasticGame, state: int, solutions: Sequence[Profile]) -> dict[str, Any]:
    """Return the rewards of a state as `payoff_table` does, and in ``next`` what follows each joint action.

    Returns
    -------
    dict
        ``next[k]`` lists pairs of the name of a state and its probability, the likeliest first; states beyond the
        first few are left out.
    """
    stage = game.stage(state)
    table = payoff_table(
        stage, [tuple(own[state, :size] for own, size in zip(each, stage.n_actions, strict=True)) for each in solutions]
    )
    following = []
    for actions in table["joint"]:
        row = int(game.row_starts[state]) + int(np.ravel_multi_index(actions, stage.n_actions))
        part = slice(int(game.indptr[row]), int(game.indptr[row + 1]))
        chances = game.data[part]
        likeliest = np.argsort(-chances, kind="stable")[:MOST_SUCCESSORS]
        following.append([[game.states[game.indices[part][k]], float(chances[k])] for k in likeliest])
    return table | {"next": following}


def state_layout(game: StochasticGame) -> list[list[float]]:
    """Return a place in the unit square for each state: those that can follow each other are close.

    Examples
    --------
    >>> import powergames as pg
    >>> places = state_layout(pg.load("reputation_stag_hunt"))
    >>> len(places), min(x for x, _ in places), max(x for x, _ in places)
    (4, 0.0, 1.0)
    """
    import networkx as nx

    owners = np.repeat(np.arange(game.n_states), np.diff(game.row_starts))
    rows = np.repeat(owners, np.diff(game.indptr))
    pairs = {(int(min(s, t)), int(max(s, t))) for s, t in zip(rows, game.indices, strict=True) if s != t}
    graph = nx.Graph()
    graph.add_nodes_from(range(game.n_states))
    graph.add_edges_from(sorted(pairs))
    places = np.array([place for _, place in sorted(nx.kamada_kawai_layout(graph).items())])
    low, extent = places.min(axis=0), np.ptp(places, axis=0)
    return np.round(np.where(extent > 1e-9, (places - low) / np.where(extent > 1e-9, extent, 1), 0.5), 4).tolist()


def _first(size: int, played: set[int], most: int) -> list[int]:
    """Up to `most` of so many actions, in order: those played, and the first of the others."""
    return sorted(sorted(range(size), key=lambda action: action not in played)[:most])


def _distinct(joint: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Joint actions without repetitions."""
    seen: set[tuple[int, ...]] = set()
    for actions in joint:
        if actions not in seen:
            seen.add(actions)
            yield actions


def _payoffs(game: NormalFormGame, actions: tuple[int, ...]) -> list[Any]:
    cell: Any = (slice(None), *actions)
    return game.payoffs[cell].tolist() if game.lossless else [str(value) for value in game.exact_payoffs[cell]]
