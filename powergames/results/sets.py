"""All equilibria of a game."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from powergames.display import MOST, Block, Shown
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile
from powergames.objectives import PowerObjective
from powergames.results.equilibria import Equilibrium
from powergames.results.status import Status

# Lower and upper bounds on every probability of a profile.
Box = tuple[Profile, Profile]


class EquilibriumSet(Shown, Sequence[Equilibrium]):
    """All equilibria of a game, grouped into connected components.

    The set of all equilibria of a two-player game is a finite union of *interchangeable* sets: products of a polytope
    of strategies of one player and a polytope of strategies of the other. Their vertices are the extreme equilibria.

    With more players the set holds all isolated equilibria, each a component of its own. Where there may be infinitely
    many, a component holds examples of them, and a box in `unresolved` says where they all are.

    Parameters
    ----------
    equilibria : sequence of Equilibrium
        The extreme equilibria, each with its `component`.
    interchangeable : sequence of tuple of int
        The maximal interchangeable sets, each as the positions in `equilibria` of its extreme equilibria; with more
        than two players every equilibrium by itself.
    game, objective
        The question that was answered.
    method : str
        The solver that enumerated the set.
    complete : bool
        Whether no equilibrium can be missing. With more than two players: every equilibrium is listed, or its
        probabilities differ by at most 1e-4 from those of a degenerate equilibrium that is.
    unresolved : sequence of (lower, upper)
        Boxes outside of which no equilibrium can be missing, each as two tuples of bounds on the probabilities. Empty
        if the set is complete.
    status : Status, optional
        How the search ended. By default CONVERGED if the set is complete and all of it certified, REJECTED if it is
        complete, else MAX_ITER: the search's own limit on the work.
    """

    def __init__(
        self,
        equilibria: Sequence[Equilibrium],
        interchangeable: Sequence[tuple[int, ...]],
        game: NormalFormGame,
        objective: PowerObjective,
        method: str,
        complete: bool,
        unresolved: Sequence[Box] = (),
        status: Status | None = None,
    ) -> None:
        self._equilibria = tuple(equilibria)
        self.interchangeable = tuple(interchangeable)
        self.game = game
        self.objective = objective
        self.method = method
        self.complete = complete
        self.unresolved = tuple(unresolved)
        certified = Status.CONVERGED if all(equilibrium.converged for equilibrium in self) else Status.REJECTED
        self.status = status or (certified if complete else Status.MAX_ITER)

    @property
    def components(self) -> tuple[tuple[Equilibrium, ...], ...]:
        """The extreme equilibria of each connected set of equilibria."""
        count = 1 + max((equilibrium.component for equilibrium in self), default=-1)
        groups: list[list[Equilibrium]] = [[] for _ in range(count)]
        for equilibrium in self:
            groups[equilibrium.component].append(equilibrium)
        return tuple(tuple(group) for group in groups)

    def __len__(self) -> int:
        return len(self._equilibria)

    def __getitem__(self, index: Any) -> Any:
        return self._equilibria[index]

    def __iter__(self) -> Iterator[Equilibrium]:
        return iter(self._equilibria)

    def blocks(self, most: int | None = MOST) -> Sequence[Block]:
        """Return what there is to see; see `Shown`."""
        from powergames.results.contents import of_set

        return of_set(self)

    def frame(self) -> Sequence[Block]:
        """Return one row for each player of each equilibrium."""
        from powergames.results.contents import frame_of_set

        return frame_of_set(self)

    def __repr__(self) -> str:
        kind = "extreme equilibria" if self.game.n_players == 2 else "equilibria"
        return (
            f"<EquilibriumSet lam={self.objective.lam:g}: {len(self)} {kind} in "
            f"{len(self.components)} components{'' if self.complete else ', possibly incomplete'}>"
        )
