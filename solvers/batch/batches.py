"""Many games at many λ: independent computations by joblib, kept on disk as they come."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any, cast

from powergames.checking.certificate import Certificate, check_tolerance
from powergames.checking.normal_form import certify_checked
from powergames.checking.stochastic import StochasticCertificate
from powergames.errors import InputError
from powergames.games.kinds import Game, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.objectives import AnyObjective, PowerObjective, as_objective, objectives_of
from powergames.power import plain
from powergames.progress import Callback, counter
from powergames.results import Equilibrium, Status, StochasticEquilibrium, Sweep, SweepPoint
from powergames.solvers.batch.store import Store, game_digest, read_profile, result_key
from powergames.solvers.common import end_of
from powergames.solvers.normal_form.selection import CRITERIA
from powergames.solvers.registry import METHODS, solve, solve_all
from powergames.solvers.stochastic import METHODS as STOCHASTIC_METHODS
from powergames.solvers.stochastic import backward_induction


@dataclass(frozen=True)
class Limits:
    """How much work is handed out at a time."""

    jobs: int = 1_000
    """More workers than this only cost memory."""
    computations: int = 64
    """Computations handed at a time to joblib backends that return nothing before all are done."""


LIMITS = Limits()


def solve_batch(
    games: Iterable[NormalFormGame],
    objective: AnyObjective | None = None,
    *,
    lams: Iterable[float | Fraction | str] = (0,),
    all_equilibria: bool = False,
    method: str | None = None,
    exact: bool = False,
    select: str | None = None,
    tol: float = 1e-8,
    time_limit: float | None = None,
    n_jobs: int | None = None,
    store: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> list[Sweep]:
    """Solve many games, each at many λ.

    Every game at every λ is a computation of its own, which joblib runs on its backend: processes of this machine by
    default, or whatever ``joblib.parallel_config(backend=...)`` says, for instance a Dask cluster.

    Parameters
    ----------
    games : iterable of NormalFormGame
    objective : PowerObjective, optional
        Supplies the aggregate and form; its own λ is not used.
    lams : iterable of numbers, default (0,)
        The values of λ, for every game.
    all_equilibria : bool, default False
        Compute all equilibria instead of one.
    method, exact, select, tol
        As in `solve`.
    time_limit : float, optional
        Seconds that each computation may take, as in `solve`.
    n_jobs : int, optional
        Number of joblib workers; -1 for all processors. By default what ``joblib.parallel_config`` says, or 1.
    store : path, optional
        A file of JSON lines. Each result is appended, and forced to disk, as soon as it is there; what the file holds
        already is not computed again but certified anew (that a set of all equilibria is complete cannot be). So an
        interrupted batch resumes where it was, and a finished one can be extended by games or λ.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` in this process whenever a computation ends.

    Returns
    -------
    list of Sweep
        One path for each game, in order, with a `SweepPoint` for each λ, in order. Whatever a solver raises is kept as
        the `error` of its point, which is not stored but tried again the next time.

    Raises
    ------
    InputError
        If an argument cannot be used, or the store holds something else, belongs to other options, or is in use.
    OSError
        If the store cannot be written.

    Notes
    -----
    Costs as many calls of `solve` as there are games times different λ. The result does not depend on `n_jobs`, on the
    backend, or on what was stored before. Workers on the same machine share large payoffs through a memory map.

    Examples
    --------
    >>> import powergames as pg
    >>> paths = solve_batch([pg.load("stag_hunt"), pg.load("chicken")], lams=[0, "1/2"])
    >>> [[point.converged for point in path] for path in paths]
    [[True, True], [True, True]]
    """
    if isinstance(games, NormalFormGame) or not isinstance(games, Iterable):
        raise InputError(f"games: got {type(games).__name__}; give a list of games, or use sweep for one")
    games = [as_game(game) for game in games]
    objectives = objectives_of(lams, objective)
    settings = Settings(method, exact, tol, all_equilibria, select, time_limit)
    settings.check()
    distinct = list(dict.fromkeys(objectives))
    n_jobs = check_jobs(n_jobs)
    for game in games:
        as_objective(objective, once=isinstance(game, NormalFormGame))
        for each in distinct:
            each.adversaries(game.n_players)
    total = len(games) * len(distinct)
    with Batch(settings, n_jobs, store, counter("solve_batch", total, progress, callback)) as batch:
        points = iter(batch.solve([(game, each) for game in games for each in distinct]))
    paths = []
    for game in games:
        at = {each: next(points) for each in distinct}
        paths.append(Sweep(game, tuple(at[each] for each in objectives)))
    return paths


@dataclass(frozen=True)
class Settings:
    """Options that all computations of a batch share.

    Attributes
    ----------
    method, exact, tol, all_equilibria, select, time_limit
        As in `solve_batch`.
    strict : bool
        Whether an InputError of a solver ends everything, as it should where all computations are on the same game.
    """

    method: str | None
    exact: bool
    tol: float
    all_equilibria: bool
    select: str | None
    time_limit: float | None
    strict: bool = False

    def check(self) -> None:
        """Refuse options that fit no game."""
        check_tolerance(self.tol)
        end_of(self.time_limit)
        if self.all_equilibria and self.method is not None:
            raise InputError("method: all equilibria are enumerated by one method; leave out method")
        if self.all_equilibria and self.select is not None:
            raise InputError("select: all equilibria are returned; leave out select")
        if self.select is not None and self.method not in (None, backward_induction.NAME):
            raise InputError("select: chooses its own method; leave out method")
        criteria = dict.fromkeys((*CRITERIA, *backward_induction.RULES))
        if self.select is not None and self.select not in criteria:
            raise InputError(f"select: got {str(self.select)[:40]!r}; choose one of {', '.join(criteria)}")
        known = {**METHODS, **STOCHASTIC_METHODS, backward_induction.NAME: None}
        if self.method is not None and not (isinstance(self.method, str) and self.method in known):
            raise InputError(f"method: got {str(self.method)[:40]!r}; choose one of {', '.join(known)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain JSON values."""
        given = {"select": self.select, "time_limit": self.time_limit and float(self.time_limit)}
        return {
            "method": self.method,
            "exact": bool(self.exact),
            "tol": float(self.tol),
            "all_equilibria": bool(self.all_equilibria),
            **{name: value for name, value in given.items() if value is not None},
        }


@dataclass(frozen=True)
class Found:
    """An equilibrium without its game, which need not travel between processes.

    Attributes
    ----------
    profile, certificate, status, method, iterations, component
        As in `Equilibrium`.
    """

    profile: Profile
    certificate: Certificate
    status: Status
    method: str
    iterations: int
    component: int

    @classmethod
    def of(cls, equilibrium: Equilibrium | StochasticEquilibrium) -> Found:
        """Leave out the game and objective."""
        return cls(
            equilibrium.profile,
            equilibrium.certificate,
            equilibrium.status,
            equilibrium.method,
            equilibrium.iterations,
            equilibrium.component if isinstance(equilibrium, Equilibrium) else 0,
        )

    def equilibrium(self, game: Game, objective: PowerObjective) -> Equilibrium | StochasticEquilibrium:
        """Put the game and objective back."""
        if isinstance(self.certificate, StochasticCertificate) and isinstance(game, StochasticGame):
            return StochasticEquilibrium(
                game, objective, self.profile, self.certificate, self.status, self.method, self.iterations
            )
        assert isinstance(game, NormalFormGame)
        return Equilibrium(
            game, objective, self.profile, self.certificate, self.status, self.method, self.iterations, self.component
        )


@dataclass(frozen=True)
class Answer:
    """What one computation came to, as in `SweepPoint`."""

    found: tuple[Found, ...] = ()
    complete: bool | None = None
    error: str | None = None


class Batch:
    """Runs computations and keeps them in a store, if there is one.

    Parameters
    ----------
    settings : Settings
    n_jobs : int or None
    store : path or None
    report : context manager
        Yields a function that is called after each computation.
    """

    def __init__(
        self,
        settings: Settings,
        n_jobs: int | None,
        store: str | os.PathLike[str] | None,
        report: Any,
    ) -> None:
        self._settings = settings
        self._n_jobs = n_jobs
        self._path = store
        self._report = report
        self._store: Store | None = None
        self._digests: dict[int, str] = {}
        self._done: Callable[[], None] = lambda: None
        self._stack = ExitStack()

    def __enter__(self) -> Batch:
        with ExitStack() as stack:
            if self._path is not None:
                self._store = stack.enter_context(Store(self._path, self._settings.to_dict()))
            self._done = stack.enter_context(self._report)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def solve(self, questions: Sequence[tuple[Game, PowerObjective]]) -> list[SweepPoint]:
        """Answer questions independently of each other, those in the store from there."""
        answers: dict[Any, Answer] = {}
        keys = [self._key(game, objective) for game, objective in questions]
        todo = {}
        for key, (game, objective) in zip(keys, questions, strict=True):
            stored = self._stored(key, game, objective)
            if stored is None:
                todo[key] = game, objective
            else:
                answers[key] = stored
        for _ in range(len(questions) - len(todo)):
            self._done()
        tasks = ((key, game, objective, self._settings) for key, (game, objective) in todo.items())
        with _cancelled_at_the_end(run_parallel(_answered, tasks, len(todo), self._n_jobs)) as ended:
            for key, answer in ended:
                answers[key] = answer
                self._keep(key, *todo[key], answer)
                self._done()
        return [_point(answers[key], game, objective) for key, (game, objective) in zip(keys, questions, strict=True)]

    def continued(
        self,
        previous: Equilibrium | StochasticEquilibrium,
        objective: PowerObjective,
        compute: Callable[[Any, PowerObjective, Any], Any],
    ) -> Any:
        """Continue an equilibrium to another objective, here and now; None if that fails or its certificate does."""
        game = previous.game
        key = self._key(game, objective, previous.profile)
        answer = self._stored(key, game, objective)
        if answer is None:
            answer = _caught(lambda: Answer((Found.of(compute(game, objective, previous)),)), strict=False)
            self._keep(key, game, objective, answer)
        self._done()
        point = _point(answer, game, objective)
        return point.equilibria[0] if point.converged else None

    def _key(self, game: Game, objective: PowerObjective, start: Profile | None = None) -> Any:
        if self._store is None:
            return id(game), objective
        if id(game) not in self._digests:
            self._digests[id(game)] = game_digest(cast(NormalFormGame, game))
        return result_key(self._digests[id(game)], objective, start)

    def _stored(self, key: Any, game: Game, objective: PowerObjective) -> Answer | None:
        record = None if self._store is None else self._store.get(key)
        return None if record is None else _read(record, cast(NormalFormGame, game), objective, self._settings)

    def _keep(self, key: Any, game: Game, objective: PowerObjective, answer: Answer) -> None:
        if self._store is not None and answer.error is None:
            self._store.add(key, _record(game, objective, answer))


def check_jobs(n_jobs: Any) -> int | None:
    """Refuse a number of workers that joblib could not use."""
    if n_jobs is None:
        return None
    if not isinstance(n_jobs, int) or not (n_jobs == -1 or 1 <= n_jobs <= LIMITS.jobs):
        raise InputError(f"n_jobs: got {str(n_jobs)[:40]}; give 1 to {LIMITS.jobs} workers, or -1 for all processors")
    return n_jobs


def run_parallel(
    function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], total: int, n_jobs: int | None
) -> Generator[Any, None, None]:
    """Yield ``function(*task)`` for all tasks, on the joblib backend that the user chose, in the order they end."""
    from joblib import Parallel, delayed

    if not total:
        return
    workers = n_jobs if n_jobs is None else min(n_jobs, total)
    calls = (delayed(function)(*task) for task in tasks)
    try:
        parallel = Parallel(n_jobs=workers, return_as="generator_unordered")
    except ValueError:
        # The backend returns nothing before everything is done, so it gets a little at a time.
        with Parallel(n_jobs=workers) as parallel:
            while some := list(islice(calls, LIMITS.computations)):
                yield from parallel(some)
        return
    with parallel:
        yield from parallel(calls)


@contextmanager
def _cancelled_at_the_end(results: Generator[Any, None, None]) -> Iterator[Generator[Any, None, None]]:
    """Cancel what is still running when the block ends, on purpose: joblib need not warn of it."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ tasks which were still being processed")
            warnings.filterwarnings("ignore", r"\d+ tasks have been successfully executed")
            results.close()


def _answered(key: Any, game: Game, objective: PowerObjective, settings: Settings) -> tuple[Any, Answer]:
    """Answer one question, in whatever process joblib runs this."""

    def compute() -> Answer:
        exact, tol, limit = settings.exact, settings.tol, settings.time_limit
        if settings.all_equilibria:
            every = solve_all(cast(NormalFormGame, game), objective, exact=exact, tol=tol, time_limit=limit)
            return Answer(tuple(map(Found.of, every)), every.complete)
        found = solve(
            game, objective, method=settings.method, select=settings.select, exact=exact, tol=tol, time_limit=limit
        )
        return Answer((Found.of(found),))

    return key, _caught(compute, settings.strict)


def _caught(compute: Callable[[], Answer], strict: bool) -> Answer:
    """Keep as data whatever goes wrong: one game must not end a batch of thousands."""
    try:
        return compute()
    except Exception as error:
        if strict and isinstance(error, InputError):
            raise
        text = str(error).splitlines()
        name = type(error).__name__
        return Answer(error=f"{name}: {text[0]}" if text else name)


def _point(answer: Answer, game: Game, objective: PowerObjective) -> SweepPoint:
    equilibria = tuple(found.equilibrium(game, objective) for found in answer.found)
    return SweepPoint(objective, equilibria, answer.error, answer.complete)


def _record(game: Game, objective: PowerObjective, answer: Answer) -> dict[str, Any]:
    """Return an answer as plain JSON values, with all that a reader needs to know."""
    return {
        "title": game.title,
        "objective": objective.to_dict(),
        "complete": answer.complete,
        "equilibria": [
            {
                "profile": [plain(strategy) for strategy in found.profile],
                "status": found.status.name,
                "method": found.method,
                "iterations": int(found.iterations),
                "component": int(found.component),
            }
            for found in answer.found
        ],
    }


def _read(
    record: Mapping[str, Any], game: NormalFormGame, objective: PowerObjective, settings: Settings
) -> Answer | None:
    """Return a stored answer, certified anew; None if that does not confirm it."""
    found = []
    try:
        for document in record["equilibria"]:
            profile = read_profile(game, document["profile"], settings.exact)
            if profile is None:
                return None
            certificate = certify_checked(game, profile, objective, settings.tol)
            status = Status[document["status"]]
            if certificate.passed != (status is Status.CONVERGED):
                return None
            place = int(document["iterations"]), int(document["component"])
            found.append(Found(profile, certificate, status, str(document["method"]), *place))
        complete = record["complete"]
    except (KeyError, TypeError, ValueError):
        return None
    if not found or settings.all_equilibria != isinstance(complete, bool):
        return None
    return Answer(tuple(found), complete)
