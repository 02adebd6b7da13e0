"""All equilibria of a game, in normal form or stochastic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from powergames.display import Shown, counted
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.power import plain
from powergames.results.equilibria import Equilibrium, StochasticEquilibrium
from powergames.results.status import Status

# Lower and upper bounds on every probability of a profile.
Box = tuple[Profile, Profile]


_Member = TypeVar("_Member", Equilibrium, StochasticEquilibrium)


class _Equilibria(Sequence[_Member]):
    """A sequence of the `equilibria` of a set."""

    equilibria: tuple[_Member, ...]

    def __len__(self) -> int:
        return len(self.equilibria)

    def __getitem__(self, index: Any) -> Any:
        return self.equilibria[index]

    def __iter__(self) -> Iterator[_Member]:
        return iter(self.equilibria)


@dataclass(frozen=True, eq=False, repr=False)
class EquilibriumSet(Frozen, Shown, _Equilibria[Equilibrium]):
    """All equilibria of a game, grouped into connected components.

    The set of all equilibria of a two-player game is a finite union of *interchangeable* sets: products of a polytope
    of strategies of one player and a polytope of strategies of the other. Their vertices are the extreme equilibria.

    With more players interchangeable sets are products of one polytope for each player, and isolated equilibria are
    sets of their own. Where equilibria form other, curved sets, a component holds examples of them, and a box in
    `unresolved` says where they all are.

    Attributes
    ----------
    equilibria : tuple of Equilibrium
        The extreme equilibria, each with its `component`.
    interchangeable : tuple of tuple of int
        The maximal interchangeable sets, each as the positions in `equilibria` of its extreme equilibria. With more
        than two players an example of a set that could not be resolved is alone.
    game : NormalFormGame
    objective : PowerObjective
    method : str
        The solver that enumerated the set.
    complete : bool
        Whether no equilibrium can be missing. With more than two players: none is farther than `distance` from the
        interchangeable sets. This rests on bounds computed in floats, with a margin well above their rounding errors.
    unresolved : tuple of (lower, upper)
        Boxes outside of which no equilibrium can be missing, each as two tuples of bounds on the probabilities. Empty
        if the set is complete.
    distance : float
        How far an equilibrium outside of the boxes can be from the interchangeable sets: the greatest difference of a
        probability, at most 1e-4. It is 0 for two players, and where all equilibria are regular.
    ended_by : Status or None
        The limit that ended an incomplete search, if it is one that the caller set.
    """

    equilibria: tuple[Equilibrium, ...]
    interchangeable: tuple[tuple[int, ...], ...]
    game: NormalFormGame
    objective: PowerObjective
    method: str
    complete: bool
    unresolved: tuple[Box, ...] = ()
    distance: float = 0.0
    ended_by: Status | None = None

    @property
    def status(self) -> Status:
        """How the search ended.

        CONVERGED if the set is complete and all of it certified, REJECTED if it is complete, else the limit that ended
        the search: MAX_ITER is its own limit on the work.
        """
        if not self.complete:
            return self.ended_by or Status.MAX_ITER
        return Status.CONVERGED if all(equilibrium.converged for equilibrium in self) else Status.REJECTED

    @property
    def extreme(self) -> bool:
        """Whether the equilibria are extreme points of sets: there are two players, or some sets are not single points.

        With more than two players examples of sets that could not be resolved are among them.
        """
        return self.game.n_players == 2 or any(len(positions) > 1 for positions in self.interchangeable)

    @property
    def components(self) -> tuple[tuple[Equilibrium, ...], ...]:
        """The extreme equilibria of each connected set of equilibria."""
        count = 1 + max((equilibrium.component for equilibrium in self), default=-1)
        groups: list[list[Equilibrium]] = [[] for _ in range(count)]
        for equilibrium in self:
            groups[equilibrium.component].append(equilibrium)
        return tuple(tuple(group) for group in groups)

    def to_dict(self) -> dict[str, Any]:
        """Return the set as plain JSON values; exact numbers stay fractions."""
        return {
            "objective": self.objective.to_dict(),
            "equilibria": [equilibrium.to_dict() for equilibrium in self],
            "interchangeable": [list(positions) for positions in self.interchangeable],
            "complete": self.complete,
            "distance": self.distance,
            "unresolved": [
                {"lower": [plain(own) for own in lower], "upper": [plain(own) for own in upper]}
                for lower, upper in self.unresolved
            ],
            "status": self.status.name,
        }

    def __repr__(self) -> str:
        kind = "extreme equilibria" if self.extreme else "equilibria"
        return (
            f"<EquilibriumSet lam={self.objective.lam:g}: {len(self)} {kind} in "
            f"{len(self.components)} components{'' if self.complete else ', possibly incomplete'}>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class StochasticEquilibriumSet(Frozen, Shown, _Equilibria[StochasticEquilibrium]):
    """All stationary equilibria of a tiny stochastic game, and all pure ones of a larger one.

    Attributes
    ----------
    equilibria : tuple of StochasticEquilibrium
        Each certified, in the order of the joint actions of the first state, then of the second one and so on. Of tiny
        games mixed ones are among them.
    game : StochasticGame
    objective : PowerObjective
    method : str
        The solver that enumerated the set.
    complete : bool
        Whether no equilibrium can be missing, pure or mixed: none is farther than `distance` from those that are
        listed.
    pure_complete : bool
        Whether no pure equilibrium can be missing. Like `complete` this rests on bounds computed in floats, with a
        margin well above their rounding errors.
    ended_by : Status or None
        The limit that ended the search for pure equilibria.
    distance : float
        How far an equilibrium of a complete set can be from the nearest one that is listed: the greatest difference of
        a probability, at most 1e-4. It is 0 where all equilibria are regular.
    """

    equilibria: tuple[StochasticEquilibrium, ...]
    game: StochasticGame
    objective: PowerObjective
    method: str
    complete: bool
    pure_complete: bool
    ended_by: Status | None = None
    distance: float = 0.0

    @property
    def status(self) -> Status:
        """How the search for pure equilibria ended.

        CONVERGED if none of these is missing, else the limit that ended the search: MAX_ITER is its own limit on the
        work. `complete` tells whether there may be mixed ones.
        """
        return self.ended_by or Status.CONVERGED

    @property
    def summary(self) -> str:
        """How many equilibria there are, in words."""
        pure = all((strategy.max(axis=1) == 1.0).all() for each in self for strategy in each.profile)
        if pure and not self.complete:
            return counted(len(self), "pure equilibrium", "pure equilibria")
        return counted(len(self), "equilibrium", "equilibria")

    def to_dict(self) -> dict[str, Any]:
        """Return the set as plain JSON values."""
        return {
            "objective": self.objective.to_dict(),
            "equilibria": [equilibrium.to_dict() for equilibrium in self],
            "complete": self.complete,
            "pure_complete": self.pure_complete,
            "distance": self.distance,
            "status": self.status.name,
        }

    def __repr__(self) -> str:
        if self.complete:
            missing = ""
        else:
            missing = ", mixed ones may be missing" if self.pure_complete else ", possibly incomplete"
        return f"<StochasticEquilibriumSet lam={self.objective.lam:g}: {self.summary}{missing}>"
