"""Deterministic games made smaller: states from which play goes on alike become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from powergames.games.deterministic import DeterministicGame
from powergames.games.labels import Scene, StateNames
from powergames.games.profiles import frozen


class ChosenNames(StateNames):
    """The names of some states of a game.

    Parameters
    ----------
    names : StateNames
    states : ndarray of int, shape (S,)
        Which of them.
    """

    def __init__(self, names: StateNames, states: np.ndarray) -> None:
        self.names = names
        self.states = states

    def __len__(self) -> int:
        return len(self.states)

    def name(self, state: int) -> str:
        """Return the name of a state."""
        return self.names.name(int(self.states[state]))

    def picture(self, state: int) -> str | None:
        """Return the drawing of a state."""
        return self.names.picture(int(self.states[state]))

    def scene(self, state: int) -> Scene | None:
        """Return a state on its grid."""
        return self.names.scene(int(self.states[state]))

    def digits_table(self) -> np.ndarray | None:
        """Return integers that tell the states apart, shape (S, K), or None if the names tell none."""
        table = self.names.digits_table()
        return None if table is None else table[self.states]


def reduced(
    game: DeterministicGame, report: Callable[[int, int], None] = lambda done, total: None
) -> tuple[DeterministicGame, np.ndarray]:
    """Merge the states that no play can tell apart by what is paid.

    Parameters
    ----------
    game : DeterministicGame
    report : callable, optional
        Called with (blocks found, states) after each pass.

    Returns
    -------
    game : DeterministicGame
        One state for each block, with the name of the block's first state, in the order of these.
    blocks : ndarray of int32, shape (S,)
        State of the new game that each old one became part of.

    Notes
    -----
    The coarsest bisimulation, found by refining partitions (E. F. Moore, 1956, "Gedanken-experiments on sequential
    machines", Automata Studies, 129-153): exact, since rows are compared and not merely hashed. Values, power, regret
    and equilibria of the small game are those of the large one in which alike states are played alike.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.compile_overcooked("tiny")
    >>> small, blocks = reduced(game)
    >>> small.n_states < game.n_states, bool((small.next_states[blocks] == blocks[game.next_states]).all())
    (True, True)
    """
    from powergames.kernels.bisimulation import refine

    n_states = game.n_states
    slots = np.empty(1 << int(2 * n_states).bit_length(), np.int32)
    paid = np.unique(game.rewards)
    codes = np.searchsorted(paid, game.rewards).astype(np.int32)
    blocks, firsts = refine(np.zeros(n_states, np.int32), codes, np.arange(len(paid), dtype=np.int32), slots, True)
    # Most passes compare no rows; the last ones do, so that what comes out is exact.
    before, exact = 0, False
    while len(firsts) > before or not exact:
        exact = len(firsts) == before
        before = len(firsts)
        report(before, n_states)
        blocks, firsts = refine(blocks, game.next_states, blocks, slots, exact)
    names = game.states
    states = ChosenNames(names, firsts) if isinstance(names, StateNames) else [names[s] for s in firsts.tolist()]
    small = replace(
        game,
        next_states=frozen(blocks[game.next_states[firsts]]),
        rewards=frozen(game.rewards[firsts]),
        states=states,
        start=int(blocks[game.start]),
    )
    return small, frozen(blocks)
