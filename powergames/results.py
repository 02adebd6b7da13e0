"""What a solver returns: frozen values that carry the question, the answer and its certificate."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, cast

import numpy as np

from powergames.certificates import Certificate
from powergames.display import MOST, Block, Shown
from powergames.evaluation import Evaluation, evaluate
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.power import PowerTable, plain, power_table
from powergames.stochastic_certificates import StochasticCertificate

SCHEMA = "powergames/1"


class Status(enum.Enum):
    """How a solver ended, as a sentence with advice."""

    CONVERGED = "The certificate confirms the equilibrium."
    REJECTED = "The certificate rejects the profile found; try another method, or exact=True."
    MAX_ITER = "The iteration limit was reached; raise max_iter or choose another method."
    STALLED = "The method stopped making progress; try another method or starting point."
    CYCLING = "The method visits the same profiles again; try another method."
    PATH_LOST = "The path could not be followed further; try another method."
    TIME_LIMIT = "The time limit was reached; the best profile so far is returned."
    INTERRUPTED = "Interrupted; the best profile so far is returned."


@dataclass(frozen=True, eq=False)
class Equilibrium(Shown):
    """A profile, what it is worth to each player, and the certificate that says how good it is.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][a]``, the probability with which player `i` plays action `a`; fractions when found exactly.
    certificate : Certificate
    status : Status
        CONVERGED exactly when the certificate passed.
    method : str
        The solver that found the profile.
    iterations : int
        Pivots, vertices or steps, as the method counts them.
    component : int
        Index of the connected set of equilibria this one belongs to, where all were enumerated.
    """

    game: NormalFormGame
    objective: PowerObjective
    profile: Profile
    certificate: Certificate
    status: Status
    method: str
    iterations: int = 0
    component: int = 0

    @cached_property
    def power_table(self) -> PowerTable:
        """Pairwise power at the profile."""
        return power_table(self.game, self.profile)

    @property
    def task(self) -> np.ndarray:
        """Expected payoff of each player, shape (n,)."""
        return self.power_table.task

    @property
    def power(self) -> np.ndarray:
        """``power[i, j]``, what `j` can take from `i` by one action, shape (n, n), in payoff units."""
        return self.power_table.values

    @cached_property
    def utility(self) -> np.ndarray:
        """The regularized objective of each player, shape (n,)."""
        lam = self.objective.exact_lam if self.exact else self.objective.lam
        return self.task - lam * self.objective.aggregate_power(self.power)

    @property
    def exact(self) -> bool:
        """Whether the profile is held in exact fractions."""
        return self.profile[0].dtype == object

    @property
    def converged(self) -> bool:
        """Whether the certificate confirms the equilibrium."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values; exact numbers become strings such as ``"1/3"``."""
        return {
            "profile": [plain(strategy) for strategy in self.profile],
            "task": plain(self.task),
            "power": plain(self.power),
            "utility": plain(self.utility),
            "certificate": self.certificate.to_dict(),
            "status": self.status.name,
            "method": self.method,
            "iterations": self.iterations,
            "component": self.component,
        }

    def blocks(self, most: int | None = MOST) -> Sequence[Block]:
        """Return what there is to see; see `Shown`."""
        from powergames.contents import of_equilibrium

        return of_equilibrium(self)

    def __repr__(self) -> str:
        profile = ", ".join(_strategy_text(strategy) for strategy in self.profile)
        return (
            f"<Equilibrium {self.status.name} lam={self.objective.lam:g}: {profile}; "
            f"scaled regret {float(self.certificate.scaled_regret):.1e}>"
        )


@dataclass(frozen=True, eq=False)
class StochasticEquilibrium(Shown):
    """A stationary profile of a stochastic game, what it is worth, and the certificate that says how good it is.

    Attributes
    ----------
    game : StochasticGame
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][s, a]``, the probability with which player `i` plays action `a` in state `s`.
    certificate : StochasticCertificate
    status : Status
        CONVERGED exactly when the certificate passed.
    method : str
        The solver that found the profile; where parts of the game took different ones, the most thorough.
    iterations : int
        Steps of all methods that were tried, together.
    """

    game: StochasticGame
    objective: PowerObjective
    profile: Profile
    certificate: StochasticCertificate
    status: Status
    method: str
    iterations: int = 0

    @cached_property
    def evaluation(self) -> Evaluation:
        """Values and power at the profile, in every state."""
        return evaluate(self.game, self.profile, self.objective)

    @property
    def task(self) -> np.ndarray:
        """Expected discounted reward of each player from each state on, shape (n, S)."""
        return self.evaluation.task

    @property
    def power(self) -> np.ndarray:
        """``power[s, i, j]``, what `j` can take from `i` by one action in state `s`, shape (S, n, n)."""
        return self.evaluation.power

    @property
    def utility(self) -> np.ndarray:
        """The regularized value of each player from each state on, shape (n, S)."""
        return self.evaluation.utility

    @property
    def converged(self) -> bool:
        """Whether the certificate confirms the equilibrium."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values; ``profile[i][s]`` lists the actions that state `s` has."""
        return {
            "profile": [
                [row[:count].tolist() for row, count in zip(strategy, counts, strict=True)]
                for strategy, counts in zip(self.profile, self.game.n_actions.T.tolist(), strict=True)
            ],
            **self.evaluation.to_dict(),
            "certificate": self.certificate.to_dict(),
            "status": self.status.name,
            "method": self.method,
            "iterations": self.iterations,
        }

    def blocks(self, most: int | None = MOST) -> Sequence[Block]:
        """Return what there is to see; see `Shown`."""
        from powergames.contents import of_stochastic

        return of_stochastic(self, most)

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.4g}" for value in self.evaluation.start_task)
        return (
            f"<StochasticEquilibrium {self.status.name} lam={self.objective.lam:g}: task values {values} from the "
            f"start; scaled regret {self.certificate.scaled_regret:.1e}>"
        )


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
    ) -> None:
        self._equilibria = tuple(equilibria)
        self.interchangeable = tuple(interchangeable)
        self.game = game
        self.objective = objective
        self.method = method
        self.complete = complete
        self.unresolved = tuple(unresolved)

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
        from powergames.contents import of_set

        return of_set(self)

    def frame(self) -> Sequence[Block]:
        """Return one row for each player of each equilibrium."""
        from powergames.contents import frame_of_set

        return frame_of_set(self)

    def __repr__(self) -> str:
        kind = "extreme equilibria" if self.game.n_players == 2 else "equilibria"
        return (
            f"<EquilibriumSet lam={self.objective.lam:g}: {len(self)} {kind} in "
            f"{len(self.components)} components{'' if self.complete else ', possibly incomplete'}>"
        )


@dataclass(frozen=True, eq=False)
class PathPoint:
    """The answer at one λ of a sweep: equilibria, or the reason why there are none.

    Attributes
    ----------
    objective : PowerObjective
    equilibria : tuple of Equilibrium or StochasticEquilibrium
    error : str, optional
        What a solver raised, where that left no equilibrium.
    complete : bool, optional
        Whether no equilibrium can be missing, where all were asked for.
    """

    objective: PowerObjective
    equilibria: tuple[Any, ...]
    error: str | None = None
    complete: bool | None = None

    @property
    def converged(self) -> bool:
        """Whether there is at least one equilibrium and all are certified."""
        return bool(self.equilibria) and all(e.converged for e in self.equilibria)

    def to_dict(self) -> dict[str, Any]:
        """Return the point as plain JSON values."""
        point: dict[str, Any] = {
            "objective": self.objective.to_dict(),
            "equilibria": [equilibrium.to_dict() for equilibrium in self.equilibria],
        }
        if self.error is not None:
            point["error"] = self.error
        if self.complete is not None:
            point["complete"] = self.complete
        return point


@dataclass(frozen=True, eq=False)
class Path(Shown, Sequence[PathPoint]):
    """Equilibria over a range of λ, one point each, failures kept as data."""

    game: NormalFormGame | StochasticGame
    points: tuple[PathPoint, ...] = field(repr=False)

    @property
    def lams(self) -> np.ndarray:
        """The λ of each point, shape (P,)."""
        return np.array([point.objective.lam for point in self.points])

    def blocks(self, most: int | None = MOST) -> Sequence[Block]:
        """Return what there is to see; see `Shown`."""
        from powergames.contents import of_path

        return of_path(self)

    def frame(self) -> Sequence[Block]:
        """Return one row for each player of each equilibrium, failures included."""
        from powergames.contents import frame_over_lam

        return frame_over_lam(self.game, ((p.objective, p.equilibria, p.error) for p in self.points))

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]


@dataclass(frozen=True)
class SupportChange:
    """An action, or a takeover by somebody's adversary, that comes into use or falls out of use.

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
class TraceEvent:
    """A critical λ: where the support of an equilibrium changes as λ does, or the number of equilibria.

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
        """Return the same event as met by who comes from the other side."""
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
class Trace(Shown, Sequence[Equilibrium | StochasticEquilibrium]):
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
        return np.array([point.objective.lam for point in self.points])

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

    def blocks(self, most: int | None = MOST) -> Sequence[Block]:
        """Return what there is to see; see `Shown`."""
        from powergames.contents import of_trace

        return of_trace(self)

    def frame(self) -> Sequence[Block]:
        """Return one row for each player at each point."""
        from powergames.contents import frame_over_lam

        return frame_over_lam(self.game, ((point.objective, [point], None) for point in self.points))

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def __repr__(self) -> str:
        found = ", ".join(f"{event.kind} at {event.lam:.6g}" for event in self.events)
        return f"<Trace {self.status.name}: {len(self)} points, {found or 'no critical lam'}>"


# What a long computation reports: a short name of the stage, steps done, steps in all (0 if unknown).
Callback = Callable[[str, int, int], None]


def game_header(game: NormalFormGame | StochasticGame) -> dict[str, Any]:
    """Return the part of a JSON result that names the game."""
    header: dict[str, Any] = {"title": game.title, "kind": "normal-form", "players": list(game.players)}
    if isinstance(game, StochasticGame):
        by_state = game.actions_by_state
        names: Any = game.actions
        return header | {
            "kind": "stochastic",
            "states": list(game.states),
            "actions": [[list(own) for own in state] for state in names] if by_state else [list(own) for own in names],
            "discount": game.discounts.tolist(),
        }
    return header | {"actions": [list(names) for names in game.actions]}


def json_value(value: Any, exact: bool = False) -> Any:
    """Turn a document into what strict JSON can hold; if exact, floats too become fractions."""
    if isinstance(value, dict):
        return {key: json_value(entry, exact) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(entry, exact) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float) and exact:
        return str(Fraction(repr(value)))
    return str(value) if isinstance(value, Fraction) else value


def _at_its_lam(equilibrium: Equilibrium | StochasticEquilibrium) -> dict[str, Any]:
    return {"lam": equilibrium.objective.lam, **equilibrium.to_dict()}


def _strategy_text(strategy: np.ndarray) -> str:
    if strategy.dtype == object:
        return "(" + ", ".join(str(p) for p in strategy) + ")"
    return "(" + ", ".join(f"{p:.4g}" for p in strategy) + ")"
