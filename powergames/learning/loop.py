"""The training loop: kernels play and learn a while, then the exact side looks at what the policies are worth."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from powergames.checking.certificate import check_tolerance
from powergames.checking.certify import certify
from powergames.checking.tolerances import POLICY_TOLERANCE
from powergames.errors import InputError, interruptible
from powergames.games.kinds import AnyGame, Game, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.kernels import compilation
from powergames.kernels.learning import train as learn
from powergames.learning.checkpoints import Checkpoint, checkpoint_path, game_digest
from powergames.learning.initial_state import learned_policies, learners_of, rivals_of, simulator_of, workspace_of
from powergames.learning.parameters import FORMS, MOST_STEPS, Parameters, check_algorithm, check_integer
from powergames.learning.runs import HistoryPoint, TrainingRun
from powergames.objectives import AnyObjective, PowerObjective, as_objective, with_lam
from powergames.progress import Callback, reporter
from powergames.results import Status

# Steps unless the caller says otherwise.
STEPS = 2_000_000

# Seconds for which compiled code runs before Python looks at the time and Ctrl-C, and between two checkpoints.
TURN, KEEP = 0.1, 10.0

MOST_SEED, MOST_WORKERS = 2**64 - 1, 1_000_000


def train(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    algorithm: str | None = None,
    seed: int = 0,
    steps: int = STEPS,
    rate: tuple[float, float] = (0.1, 0.02),
    temperature: tuple[float, float] = (0.3, 0.005),
    critic_rate: tuple[float, float] = (0.1, 0.01),
    exploration: float = 0.1,
    restart: float = 0.1,
    averaging: float = 8.0,
    history: int = 20,
    tol: float = POLICY_TOLERANCE,
    checkpoint: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> TrainingRun:
    """Train one tabular learner per player on samples of a game, and certify what they learned.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        Read one sample at a time: a joint action of a state, everyone's reward, the next state.
    objective : PowerObjective or number, optional
        What to train for. A number is λ; by default 0, rewards alone.
    algorithm : {"prim", "sbpr", "task"}, optional
        "prim": each player is charged λ times the power that others hold over it, estimated from its own critic; the
        objective of the form "penalty". "sbpr": each player learns from play in which an adversary takes over a
        co-player's action with probability λ times its weight; the form "adversarial". "task": rewards alone; λ is 0.
        By default "task" if λ is 0, "sbpr" if the objective has the form "adversarial", and else "prim". The run is
        certified for what its algorithm learns, as ``run.objective`` says: the form of sbpr, and λ = 0 for task.
    seed : int
        From 0 to 2**64 - 1; the same seed gives the same policies.
    steps : int
        Steps of play: all players learn from each; in sbpr each player makes so many steps in play of its own.
    rate : (float, float)
        Step size of policies and adversaries at the first and at the last step. A player's values in a state are
        divided by their range there, or by a tenth of the range of rewards if that is more.
    temperature : (float, float)
        Weight of entropy, in the same unit; what is left of it at the end keeps policies off the boundary.
    critic_rate : (float, float)
        Step size of critics.
    exploration : float
        Probability of a step with random actions of all players. Critics learn from it, and are not misled.
    restart : float
        Probability, at every step, to go to another state: half of the time to a start, else to any state.
    averaging : float, at least 1
        The policy returned is an average over the run, in which the weight of the `k`-th visit to a state grows like
        ``k ** (averaging - 1)``.
    history : int
        How often, at equal distances, the exact return, power and regret are recorded.
    tol : float, default 0.02
        Largest scaled regret with which the certificate passes.
    checkpoint : path, optional
        File that keeps the run, and that no other process can use meanwhile. If it exists, the run continues from
        there, to the same end bit for bit.
    time_limit : float, optional
        Seconds after which to stop with what was learned so far.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` after every tenth of a second or so, with steps; `stage` tells the
        last return, power and regret recorded.

    Returns
    -------
    TrainingRun
        Ctrl-C ends it early with the status INTERRUPTED; a checkpoint is then written, too.

    Raises
    ------
    InputError
        If an argument is out of its range, the objective has the form "adversarial" for prim, λ is too large for sbpr,
        or the checkpoint belongs to another run or is in use.
    OSError
        If a checkpoint cannot be read or written.

    Notes
    -----
    Each player has its own policy, its own critic of joint actions, and its own adversary for every way to be harmed.
    It sees states, joint actions and its own rewards, and knows the others' present policies, as in training together;
    no critic is shared. Policies and adversaries take steps of optimistic mirror ascent with entropy, in the state
    at hand, along slopes from the critic. There is no guarantee, because no such rule finds an equilibrium in every
    game: the certificate says how far the policies are from one.

    Examples
    --------
    >>> import powergames as pg
    >>> run = pg.train(pg.load("stag_hunt"), pg.PowerObjective(0.3), steps=20_000)
    >>> [policy.round(2).tolist() for policy in run.policies]
    [[0.0, 1.0], [0.0, 1.0]]
    >>> run.objective, run.certificate.passed
    (PowerObjective(lam=0.3, aggregate='mean', form='penalty'), True)
    """
    game = as_game(game, NormalFormGame | StochasticGame)
    check_endless(game)
    algorithm, objective = _trained_for(objective, algorithm)
    parameters = Parameters(steps, rate, temperature, critic_rate, exploration, restart, averaging, history)
    if time_limit is not None and not (isinstance(time_limit, (int, float)) and time_limit >= 0):
        raise InputError(f"time_limit: got {str(time_limit)[:40]}; give seconds >= 0")
    check_tolerance(tol)
    stopped = None
    with (
        closing(_Training(game, algorithm, objective, seed, parameters, checkpoint)) as training,
        reporter(progress, callback) as report,
    ):
        try:
            with interruptible():
                stopped = training.run(None if time_limit is None else compilation.clock() + time_limit, report)
        except KeyboardInterrupt:
            stopped = Status.INTERRUPTED
        finally:
            training.keep()
    return training.result(stopped, tol)


def train_many(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    algorithm: str | None = None,
    seeds: Iterable[int] = range(10),
    n_jobs: int = 1,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
    **parameters: Any,
) -> tuple[TrainingRun, ...]:
    """Train with many seeds, each as `train` does with that seed alone.

    Parameters
    ----------
    game, objective, algorithm
        As in `train`.
    seeds : iterable of int
    n_jobs : int, default 1
        Number of joblib workers; -1 for all processors. With 1, the runs follow each other in this process.
    checkpoints : path, optional
        Folder that keeps each run in a file ``seed_<seed>.npz``.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` whenever a run ends, and with one worker also during each, as `train`
        does; with steps of all runs. `stage` tells the seed, and its last return, power and regret.
    **parameters
        Other arguments of `train`, which hold for each run.

    Returns
    -------
    tuple of TrainingRun
        In the order of the seeds. Ctrl-C ends it early, with the runs finished by then and, with one worker, the one
        under way, which has the status INTERRUPTED; checkpoints stay.

    Raises
    ------
    InputError
        If an argument is out of its range.
    KeyboardInterrupt
        On Ctrl-C before there is any run.

    Examples
    --------
    >>> import powergames as pg
    >>> runs = pg.train_many(pg.load("matching_pennies"), pg.PowerObjective(0.1), seeds=range(3), steps=20_000)
    >>> [run.seed for run in runs], all(run.certificate.passed for run in runs)
    ([0, 1, 2], True)
    """
    game = as_game(game, NormalFormGame | StochasticGame)
    check_endless(game)
    algorithm, objective = _trained_for(objective, algorithm)
    try:
        listed = list(seeds)
    except TypeError:
        raise InputError(f"seeds: got {str(seeds)[:40]}; give a sequence of integers, such as range(10)") from None
    chosen = [check_integer("seed", seed, 0, MOST_SEED) for seed in listed]
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or not (n_jobs == -1 or 1 <= n_jobs <= MOST_WORKERS):
        raise InputError(f"n_jobs: got {str(n_jobs)[:40]}; give a number of workers, or -1 for all processors")
    folder = None if checkpoints is None else Path(checkpoints)
    if folder is not None and not folder.is_dir():
        raise InputError(f"checkpoints: there is no folder {folder}; make it first")
    steps = check_integer("steps", parameters.get("steps", STEPS), 1, MOST_STEPS)
    tasks = [
        parameters
        | {
            "algorithm": algorithm,
            "seed": seed,
            "checkpoint": None if folder is None else checkpoint_path(folder, seed),
        }
        for seed in chosen
    ]
    runs: list[TrainingRun] = []
    total = steps * len(tasks)
    with reporter(progress, callback) as report:

        def tell(stage: str, done: int, _: int) -> None:
            report(f"seed {chosen[len(runs)]}, {stage}", steps * len(runs) + done, total)

        results: Generator[TrainingRun]
        if n_jobs == 1:
            results = (train(game, objective, progress=False, callback=tell, **task) for task in tasks)
        else:
            from joblib import Parallel, delayed

            calls = (delayed(train)(game, objective, progress=False, **task) for task in tasks)
            results = Parallel(n_jobs=min(n_jobs, max(len(tasks), 1)), return_as="generator_unordered")(calls)
        try:
            for run in results:
                runs.append(run)
                if run.stopped is Status.INTERRUPTED:
                    raise KeyboardInterrupt
                report(_stage(f"seed {run.seed}, {algorithm}", run.history), steps * len(runs), total)
        except KeyboardInterrupt:
            # What hands out the runs ends its workers when it hears of it.
            with suppress(KeyboardInterrupt):
                results.throw(KeyboardInterrupt)
            if not runs:
                raise
    return tuple(sorted(runs, key=lambda run: chosen.index(run.seed)))


def _trained_for(objective: AnyObjective | None, algorithm: str | None) -> tuple[str, PowerObjective]:
    """Return the algorithm that fits an objective, or the one given, and what it is trained for."""
    given = as_objective(objective)
    if algorithm is None:
        algorithm = "task" if given.lam == 0 else "sbpr" if given.form == "adversarial" else "prim"
    check_algorithm(algorithm)
    if algorithm == "task":
        return algorithm, PowerObjective(0.0, given.aggregate)
    if algorithm == "prim" and given.form == "adversarial":
        raise InputError(
            "algorithm: got 'prim' for an objective of the form 'adversarial', but it learns the form 'penalty'; give "
            "'sbpr', or the objective in that form"
        )
    return algorithm, with_lam(replace(given, form=FORMS[algorithm]), given.exact_lam)


class _Training:
    """One run, from its beginning or from its checkpoint to wherever it gets."""

    def __init__(
        self,
        game: Game,
        algorithm: str,
        objective: PowerObjective,
        seed: int,
        parameters: Parameters,
        checkpoint: str | os.PathLike[str] | None,
    ) -> None:
        self.game, self.algorithm, self.objective, self.parameters = game, algorithm, objective, parameters
        self.seed = check_integer("seed", seed, 0, MOST_SEED)
        self.simulator = simulator_of(game)
        self.rivals = rivals_of(objective, self.simulator.n_actions)
        self.learners = learners_of(self.simulator, self.rivals, self.seed)
        self.workspace = workspace_of(self.learners)
        self.history: list[HistoryPoint] = []
        self.kept_at = time.monotonic()
        self.checkpoint: Checkpoint | None = None
        if checkpoint is not None:
            question = {
                "game": game_digest(self.simulator),
                "algorithm": algorithm,
                "seed": self.seed,
                **objective.to_dict(),
                "lam": str(objective.exact_lam),
                **parameters.to_dict(),
            }
            self.checkpoint = Checkpoint(checkpoint, question)
            try:
                self._restore(self.checkpoint)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let others use the checkpoint, if there is one."""
        if self.checkpoint is not None:
            self.checkpoint.close()

    @property
    def clock(self) -> int:
        """Steps made."""
        return int(self.learners.clock[0])

    def run(self, deadline: float | None, report: Callback) -> Status | None:
        """Learn until the last step or the deadline, and return why it ended before the last step."""
        total = self.parameters.steps
        points = self.parameters.history
        marks = sorted({total * k // points for k in range(1, points + 1)} - {0})
        schedule, adversarial = self.parameters.schedule(), self.objective.form == "adversarial"
        count = 1
        while True:
            if self.clock in marks and (not self.history or self.history[-1].steps < self.clock):
                self._record()
            report(_stage(self.algorithm, self.history), self.clock, self.parameters.steps)
            if self.clock == total:
                return None
            if deadline is not None and compilation.clock() >= deadline:
                return Status.TIME_LIMIT
            if time.monotonic() - self.kept_at > KEEP:
                self.keep()
            begun = compilation.clock()
            ahead = next(mark for mark in marks if mark > self.clock) - self.clock
            learn(self.simulator, self.rivals, self.learners, self.workspace, schedule, adversarial, min(count, ahead))
            count = max(1, min(2 * count, int(count * TURN / max(compilation.clock() - begun, 1e-9))))

    def keep(self) -> None:
        """Write the checkpoint, if there is one."""
        self.kept_at = time.monotonic()
        if self.checkpoint is not None:
            n_players = self.game.n_players
            entries = {
                "steps": np.array([point.steps for point in self.history], dtype=np.int64),
                "task": np.array([point.task for point in self.history]).reshape(-1, n_players),
                "power": np.array([point.power for point in self.history]).reshape(-1, n_players),
                "regret": np.array([point.regret for point in self.history], dtype=np.float64),
            }
            self.checkpoint.save(self.learners, entries)

    def result(self, stopped: Status | None, tol: float) -> TrainingRun:
        """Certify the policies learned so far."""
        policies = learned_policies(self.game, self.simulator, self.learners)
        return TrainingRun(
            game=self.game,
            algorithm=self.algorithm,
            objective=self.objective,
            policies=policies,
            certificate=certify(self.game, policies, self.objective, tol=tol),
            history=tuple(self.history),
            seed=self.seed,
            steps=self.clock,
            parameters=self.parameters.to_dict(),
            stopped=stopped,
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        n_players = self.game.n_players
        shapes: dict[str, tuple[int, ...]] = {"steps": (), "task": (n_players,), "power": (n_players,), "regret": ()}
        entries = checkpoint.restore(self.learners, self.simulator, shapes)
        if entries is not None:
            columns = (entries[name] for name in shapes)
            self.history = [HistoryPoint(int(s), t, p, float(r)) for s, t, p, r in zip(*columns, strict=True)]

    def _record(self) -> None:
        self.history.append(self.result(None, 0.0).summary)


def _stage(name: str, history: Sequence[HistoryPoint]) -> str:
    """Tell the last return, power and regret of a history, which may be empty."""
    if not history:
        return name
    last = history[-1]
    task, power = (", ".join(f"{value:.3g}" for value in column) for column in (last.task, last.power))
    return f"{name}: return {task}; power {power}; regret {last.regret:.2g}"
