"""One equilibrium followed in λ, and what happens at each critical λ on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import numpy as np

from powergames.display import Shown
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results.equilibria import Equilibrium, StochasticEquilibrium
from powergames.results.status import Status


@dataclass(frozen=True)
class SupportChange(Frozen):
    """A change of support: an action, or a takeover by an adversary, comes into use or falls out of it.

    Attributes
    ----------
    player, action : int
        The action, and whose it is.
    against : int or None
        None if the player itself begins or ceases to play the action. Otherwise the player for whom this action becomes
        a worst case, or is none any more.
    begins : bool
        Whether it comes into use along the path.
    state : int or None
        Where, in a stochastic game.
    """

    player: int
    action: int
    against: int | None
    begins: bool
    state: int | None = None

    def text(self, game: NormalFormGame | StochasticGame) -> str:
        """Say in words what changes."""
        player = game.players[self.player]
        if isinstance(game, StochasticGame):
            state = cast(int, self.state)
            action, where = game.action_names(state, self.player)[self.action], f" in {game.states[state]}"
        else:
            action, where = game.actions[self.player][self.action], ""
        if self.against is None:
            return f"{player} {'begins' if self.begins else 'ceases'} to play {action}{where}"
        now = "becomes a worst case" if self.begins else "is no worst case any more"
        return f"{action} by {player}{where} {now} for {game.players[self.against]}"

    def to_dict(self) -> dict[str, Any]:
        """Return the change as plain JSON values; `state` is left out where there is none."""
        values = asdict(self)
        return values if self.state is not None else {name: values[name] for name in values if name != "state"}


@dataclass(frozen=True, eq=False)
class TraceEvent(Frozen):
    """A critical λ, at which the support of an equilibrium or the number of equilibria changes.

    Attributes
    ----------
    equilibria : tuple of Equilibrium or StochasticEquilibrium
        At the critical λ, points of the trace: one, or several corners of a connected set of equilibria that all have
        this λ.
    bracket : (float, float)
        The critical λ lies between these two, which are at most 1e-9 apart (for λ > 10, 1e-10 of λ).
    before, after : Equilibrium or StochasticEquilibrium
        Where the path comes into the bracket, and where it leaves it. Where λ turns back, both lie on the same side of
        the critical λ; on the other side there is no more of the path.
    directions : (int, int)
        Whether λ rises (1) or falls (-1) before and after, in the order of the path; 0 if the trace starts at this λ.
    changes : tuple of SupportChange
        What comes into use or falls out of it; empty where λ turns back smoothly.
    branching : bool
        Whether further equilibria branch off without a change of support.
    """

    equilibria: tuple[Equilibrium | StochasticEquilibrium, ...]
    bracket: tuple[float, float]
    before: Equilibrium | StochasticEquilibrium
    after: Equilibrium | StochasticEquilibrium
    directions: tuple[int, int]
    changes: tuple[SupportChange, ...] = ()
    branching: bool = False

    @property
    def lam(self) -> float:
        """The critical λ."""
        return self.equilibria[0].objective.lam

    @property
    def turns(self) -> bool:
        """Whether λ turns back: on one side of it there are two equilibria more than on the other."""
        return self.directions[0] * self.directions[1] < 0

    @property
    def kind(self) -> str:
        """What happens.

        "support": the support changes while λ goes on; "fold": λ turns back smoothly; "corner": λ turns back where the
        support changes; "branch": further equilibria branch off.
        """
        if self.branching:
            return "branch"
        return ("corner" if self.changes else "fold") if self.turns else "support"

    def text(self) -> str:
        """Say in words what happens."""
        game = self.equilibria[0].game
        sentences = [change.text(game) for change in self.changes]
        if self.branching:
            sentences.append("further equilibria branch off")
        if len(self.equilibria) > 1:
            sentences.append("a connected set of equilibria at this value")
        if self.turns:
            sentences.append("the path turns back")
        return "; ".join(sentences)

    def reverse(self) -> TraceEvent:
        """Return the same event for a path that comes from the other side."""
        before, after = self.directions
        return replace(
            self,
            equilibria=self.equilibria[::-1],
            before=self.after,
            after=self.before,
            directions=(-after, -before),
            changes=tuple(replace(change, begins=not change.begins) for change in self.changes),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON values."""
        return {
            "lam": self.lam,
            "bracket": list(self.bracket),
            "kind": self.kind,
            "directions": list(self.directions),
            "changes": [change.to_dict() for change in self.changes],
            "text": self.text(),
            "before": _at_its_lam(self.before),
            "after": _at_its_lam(self.after),
        }


@dataclass(frozen=True, eq=False)
class Trace(Frozen, Shown, Sequence[Equilibrium | StochasticEquilibrium]):
    """One equilibrium followed in λ, as equilibria in the order of the path.

    Attributes
    ----------
    game : NormalFormGame or StochasticGame
    objective : PowerObjective
        At the λ at which the trace starts.
    points : tuple of Equilibrium or StochasticEquilibrium
        In the order of the path, on which λ may turn back.
    events : tuple of TraceEvent
        The critical λ, in the order of the path.
    status : Status
        CONVERGED if the path was followed to its ends, or all around if it is closed.
    ends : (str, str)
        In words, how the first and the last point come to be the ends.
    """

    game: NormalFormGame | StochasticGame
    objective: PowerObjective
    points: tuple[Equilibrium | StochasticEquilibrium, ...]
    events: tuple[TraceEvent, ...]
    status: Status
    ends: tuple[str, str]

    @property
    def lams(self) -> np.ndarray:
        """The λ of each point, shape (P,)."""
        return frozen(np.array([point.objective.lam for point in self.points]))

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The profile at each point."""
        return tuple(point.profile for point in self.points)

    @property
    def converged(self) -> bool:
        """Whether the whole path was followed."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as plain JSON values."""
        return {
            "objective": self.objective.to_dict(),
            "status": self.status.name,
            "ends": list(self.ends),
            "points": [_at_its_lam(point) for point in self.points],
            "events": [event.to_dict() for event in self.events],
        }

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def __repr__(self) -> str:
        found = ", ".join(f"{event.kind} at {event.lam:.6g}" for event in self.events)
        return f"<Trace {self.status.name}: {len(self)} points, {found or 'no critical lam'}>"


def _at_its_lam(equilibrium: Equilibrium | StochasticEquilibrium) -> dict[str, Any]:
    return {"lam": equilibrium.objective.lam, **equilibrium.to_dict()}
