"""Training at many λ, with many seeds each, and what that says of the mean over seeds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from powergames.display import Shown
from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame
from powergames.games.profiles import frozen
from powergames.learning.loop import STEPS, train_many
from powergames.learning.parameters import MOST_STEPS, check_integer, check_number
from powergames.learning.runs import TrainingRun
from powergames.objectives import AnyObjective, PowerObjective, as_objective, objectives_of, one_step_only
from powergames.progress import Callback, reporter
from powergames.results.estimates import Estimate
from powergames.results.status import Status

# Samples of seeds that intervals are made from.
RESAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class TrainingPoint(Frozen):
    """Runs at one λ that differ in their seeds alone, and the mean over seeds.

    Attributes
    ----------
    objective : PowerObjective
        What the runs are certified for.
    runs : tuple of TrainingRun
        One for each seed.
    level : float
        Of the intervals: 0.95 for 95 %.
    """

    objective: PowerObjective
    runs: tuple[TrainingRun, ...]
    level: float

    @cached_property
    def task(self) -> Estimate:
        """Expected return of each player from the start, arrays of shape (n,)."""
        return self._mean("task")

    @cached_property
    def power(self) -> Estimate:
        """Power over each player as the objective counts it, averaged over the states visited, shape (n,)."""
        return self._mean("power")

    @cached_property
    def regret(self) -> Estimate:
        """Greatest regret, relative to the range of payoffs or attainable values, shape ()."""
        return self._mean("regret")

    @property
    def passed(self) -> int:
        """Number of runs whose certificate passes."""
        return sum(run.certificate.passed for run in self.runs)

    def _mean(self, name: str) -> Estimate:
        values = np.array([getattr(run.summary, name) for run in self.runs])
        return bootstrap(values, self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return the means with their intervals, and a summary of each run, as plain JSON values."""
        return {
            "objective": self.objective.to_dict(),
            "task": self.task.to_dict(),
            "power": self.power.to_dict(),
            "regret": self.regret.to_dict(),
            "level": self.level,
            "passed": self.passed,
            "runs": [run.summary.to_dict() for run in self.runs],
        }


@dataclass(frozen=True, eq=False)
class TrainingSweep(Frozen, Shown, Sequence[TrainingPoint]):
    """What learners end with over a range of λ, one point each.

    Attributes
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    algorithm : {"prim", "sbpr"}
    points : tuple of TrainingPoint
    """

    game: AnyGame
    algorithm: str
    points: tuple[TrainingPoint, ...]

    @property
    def lams(self) -> np.ndarray:
        """The λ of each point, shape (P,)."""
        return frozen(np.array([point.objective.lam for point in self.points]))

    def to_dict(self) -> dict[str, Any]:
        """Return the points as plain JSON values."""
        return {"algorithm": self.algorithm, "points": [point.to_dict() for point in self.points]}

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def __repr__(self) -> str:
        runs = sum(len(point.runs) for point in self.points)
        passed = sum(point.passed for point in self.points)
        return f"<TrainingSweep {self.algorithm}: {len(self)} values of λ, {runs} runs, {passed} within tolerance>"


def bootstrap(values: np.ndarray, level: float) -> Estimate:
    """Return the mean of a few numbers, and its interval by the percentile bootstrap.

    Parameters
    ----------
    values : ndarray, shape (N, ...)
        Independent along the first axis.
    level : float
        Between 0 and 1.

    Returns
    -------
    Estimate
        The same for the same numbers: the samples are drawn with a fixed seed. Of one number the interval is that
        number.

    Notes
    -----
    With ten numbers such an interval is a little too short: of normal ones, 95 % intervals hold the mean in about 90 %
    of cases.

    Examples
    --------
    >>> bootstrap(np.array([1.0, 2.0, 3.0, 6.0]), 0.95)
    Estimate(mean=array(3.), low=array(1.5), high=array(5.))
    """
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Estimate(*(frozen(np.asarray(part)) for part in (values.mean(axis=0), low, high)))


def train_sweep(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    lams: Iterable[float | Fraction | str],
    algorithm: str | None = None,
    seeds: Iterable[int] = range(10),
    level: float = 0.95,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
    **parameters: Any,
) -> TrainingSweep:
    """Train at many λ with many seeds each, and compute means over seeds with their intervals.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    objective : PowerObjective, optional
        Supplies the aggregate and form; its own λ is not used.
    lams : iterable of numbers
        The values of λ, in the order in which points are returned.
    algorithm : {"prim", "sbpr"}, optional
        One for all λ. By default "sbpr" if the objective has the form "adversarial", and else "prim".
    seeds : iterable of int
        The same at each λ.
    level : float, default 0.95
        Of the intervals, between 0 and 1: percentile bootstrap over seeds.
    checkpoints : path, optional
        Folder that keeps the runs of each λ in a folder of its own.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` with steps of all runs.
    **parameters
        Other arguments of `train_many`, which hold for each run.

    Returns
    -------
    TrainingSweep
        Ctrl-C ends it early, with the points finished by then and the runs that were finished at the λ under way.

    Raises
    ------
    InputError
        If an argument is out of its range.
    KeyboardInterrupt
        On Ctrl-C before there is any run.

    Examples
    --------
    >>> import powergames as pg
    >>> learned = pg.train_sweep(pg.load("stag_hunt"), lams=[0, 0.5], seeds=range(3), steps=20_000)
    >>> learned
    <TrainingSweep prim: 2 values of λ, 6 runs, 6 within tolerance>
    >>> learned[1].power.mean.round(6), learned[1].power.high.round(6)
    (array([0., 0.]), array([0., 0.]))
    """
    base = one_step_only(as_objective(objective), "learners charge for power of one step")
    chosen = algorithm or ("sbpr" if base.form == "adversarial" else "prim")
    if chosen == "task":
        raise InputError("algorithm: 'task' is the same at every λ; give 'prim' or 'sbpr', or use train_many")
    objectives = objectives_of(lams, base)
    level = check_number("level", level, 0.0, 1.0)
    members = list(seeds)
    if not members or not objectives:
        raise InputError(f"{'lams' if members else 'seeds'}: got none; give at least one")
    folders = [_folder(checkpoints, each) for each in objectives]
    share = check_integer("steps", parameters.get("steps", STEPS), 1, MOST_STEPS) * len(members)
    points: list[TrainingPoint] = []
    with reporter(progress, callback) as report:

        def tell(stage: str, done: int, total: int) -> None:
            part = int(share * done / max(total, 1))
            report(f"λ = {objectives[len(points)].lam:g}, {stage}", share * len(points) + part, share * len(objectives))

        for each, folder in zip(objectives, folders, strict=True):
            try:
                runs = train_many(
                    game,
                    each,
                    algorithm=chosen,
                    seeds=members,
                    checkpoints=folder,
                    progress=False,
                    callback=tell,
                    **parameters,
                )
            except KeyboardInterrupt:
                if not points:
                    raise
                break
            points.append(TrainingPoint(runs[0].objective, runs, level))
            if len(runs) < len(members) or any(run.stopped is Status.INTERRUPTED for run in runs):
                break
    return TrainingSweep(points[0].runs[0].game, chosen, tuple(points))


def lam_part(lam: Fraction) -> str:
    """Return the part of a file's name that tells λ.

    Examples
    --------
    >>> lam_part(Fraction(3, 10))
    'lam_3_10'
    """
    return f"lam_{str(lam).replace('/', '_')}"


def _folder(checkpoints: str | os.PathLike[str] | None, objective: PowerObjective) -> Path | None:
    """Return the folder for the runs of one λ, and make it if there is none."""
    if checkpoints is None:
        return None
    if not Path(checkpoints).is_dir():
        raise InputError(f"checkpoints: there is no folder {checkpoints}; make it first")
    folder = Path(checkpoints) / lam_part(objective.exact_lam)
    folder.mkdir(exist_ok=True)
    return folder
