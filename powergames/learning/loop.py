"""The training loop: kernels play and learn a while, then the exact side looks at what the policies are worth."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from powergames.checking.certificate import Certificate, check_tolerance
from powergames.checking.certify import certify
from powergames.checking.tolerances import POLICY_TOLERANCE
from powergames.errors import InputError, interruptible, needs
from powergames.games.deterministic import DeterministicGame
from powergames.games.kinds import AnyGame, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import AnyProfile, check_horizon
from powergames.kernels import compilation
from powergames.learning.checkpoints import AnyLearners, Checkpoint, checkpoint_path
from powergames.learning.networks.parameters import NetworkParameters
from powergames.learning.parameters import FORMS, MOST_STEPS, Parameters, check_algorithm, check_integer
from powergames.learning.runs import HistoryPoint, TrainingRun
from powergames.learning.tables import TableLearners
from powergames.numerics.digests import digest
from powergames.objectives import AnyObjective, PowerObjective, as_objective, one_step_only, with_lam
from powergames.progress import Callback, check_callback, reporter
from powergames.results import Status

# Steps unless the caller says otherwise.
STEPS = 2_000_000

# Seconds for which compiled code runs before Python looks at the time and Ctrl-C, and between two checkpoints.
TURN, KEEP = 0.1, 10.0

MOST_SEED, MOST_WORKERS = 2**64 - 1, 1_000_000

AnyParameters = Parameters | NetworkParameters

# What is told each point of a history.
OnHistory = Callable[[HistoryPoint], object]


def train(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    algorithm: str | None = None,
    policy: str = "table",
    seed: int = 0,
    steps: int = STEPS,
    horizon: int | None = None,
    history: int = 20,
    tol: float = POLICY_TOLERANCE,
    checkpoint: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
    on_history: OnHistory | None = None,
    **options: Any,
) -> TrainingRun:
    """Train one learner per player on samples of a game, and certify what they learned.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        Read one sample at a time: a joint action of a state, everyone's reward, the next state.
    objective : PowerObjective or number, optional
        What to train for. A number is λ; by default 0, rewards alone.
    algorithm : {"prim", "sbpr", "task"}, optional
        "prim", power regularization via intrinsic motivation: each player is charged λ times the power that others hold
        over it, estimated from its own critic. Its objective has the form "penalty". "sbpr", sample based power
        regularization: each player learns from play in which an adversary takes over a co-player's action with
        probability λ times its weight. Its objective has the form "adversarial". "task": rewards alone; λ is 0. By
        default "task" if λ is 0, "sbpr" if the objective has the form "adversarial", and else "prim". The run is
        certified for what its algorithm learns, as ``run.objective`` says: the form of sbpr, and λ = 0 for task.
    policy : {"table", "network"}
        How learners keep policies and critics. Networks need the extra ``powergames[deep]``.
    seed : int
        From 0 to 2**64 - 1; the same seed gives the same policies.
    steps : int
        Steps of play. With tables all players learn from each; in sbpr each makes so many steps in play of its own.
        With networks, the steps of all environments together, rounded up to whole rollouts.
    horizon : int, optional
        Number of steps after which play ends and begins anew, T. Policies then depend on the step, and are certified
        for that game. Without one, play goes on for ever, and the discount must be below 1.
    history : int
        How often, at equal distances, the exact return, power and regret are recorded. In games of very many states
        this can take longer than training.
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
    on_history : callable, optional
        Called with each `HistoryPoint` as soon as it is recorded, to keep it or to show it elsewhere.

    **options
        Options of tables or of networks alone, as listed below. Of two numbers the first holds at the first step, the
        second at the last.

    Other Parameters
    ----------------
    rate : (float, float)
        Step size of policies. Of tables, by default (0.1, 0.02), for policies and adversaries: a player's values in a
        state are divided by their range there, or by a tenth of the range of rewards if that is more. Of networks, by
        default (0.001, 0.0001), for Adam.
    critic_rate : (float, float)
        Step size of critics; by default (0.1, 0.01) and (0.001, 0.0001).
    temperature : (float, float)
        Weight of entropy, relative to the range or spread of values; what is left of it at the end keeps policies off
        the boundary. By default (0.3, 0.005) and (0.1, 0.005).
    exploration : float, default 0.1
        Tables: probability of a step with random actions of all players. Networks: probability, of each player by
        itself, of a random action. Critics learn from it, and are not misled.
    restart : float
        Probability to go to another state: for tables at every step (0.1), for networks after every rollout (0.5). Half
        of the time this is a start, else any state.
    averaging : float, at least 1, default 8
        Tables only. The policy returned is an average over the run, in which the weight of the `k`-th visit to a state
        grows like ``k ** (averaging - 1)``.
    charge : {"action", "state"}
        For prim. "action": each action is charged for the power that others hold if it is played, which
        is the gradient of the objective. "state": power is subtracted from the reward, so that players learn to avoid
        states in which others have power over them, and nothing about their action there. What they then learn towards
        is not an equilibrium of the objective that they are certified for; see :doc:`/how-to/train-with-prim-or-sbpr`.
    takeover : int, default 1
        Networks only, for sbpr: for how many steps in a row an adversary takes over. With more than one, policies learn
        another objective than the one that they are certified for.
    softness : (float, float), default (0.2, 0.02)
        Networks only: temperature at which adversaries choose what harms most, relative to the spread of values.
    hidden : sequence of int, default (128, 128)
        Networks only, as all that follow: units of each layer.
    environments, rollout : int, default 128 and 16
        Environments that play at once, rounded up to a multiple of devices and groups, and steps between two updates.
    epochs, minibatches : int, default 2 and 4
        Passes over a rollout, and the parts that its steps are divided into.
    trace : float, default 0.9
        Decay of the traces of critics, the λ of TD(λ).
    clip : float, default 0.2
        By which share the probability of an action may change in an update.
    observe : callable or array_like, optional
        What networks see of the states: numbers of shape (S, D), or a function of ``arange(S)`` that returns them. By
        default what names of states tell, as those of kitchens do, or else the number of the state. With a horizon they
        see, besides, how many steps are left.

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
    No critic is shared. With tables a player sees states, joint actions and its own rewards, and knows the others'
    present policies, as in training together. Policies and adversaries take steps of optimistic mirror ascent with
    entropy, in the state at hand, along slopes from the critic. With networks, `powergames.learning.networks`, policies
    take clipped steps along the gradient of all actions, and rewards are centred and divided by their range first.
    There is no guarantee, because no such rule finds an equilibrium in every
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
    algorithm, objective = _trained_for(objective, algorithm)
    seed = check_integer("seed", seed, 0, MOST_SEED)
    chosen = _parameters(policy, {"steps": steps, "history": history, "horizon": horizon, **options})
    (run,) = _train(
        game, algorithm, [(objective, seed)], chosen, tol, checkpoint, time_limit, progress, callback, on_history
    )
    return run


def train_many(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    algorithm: str | None = None,
    policy: str = "table",
    seeds: Iterable[int] = range(10),
    n_jobs: int = 1,
    checkpoints: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
    on_history: OnHistory | None = None,
    **parameters: Any,
) -> tuple[TrainingRun, ...]:
    """Train with many seeds, each as `train` does with that seed alone; networks up to rounding.

    Parameters
    ----------
    game, objective, algorithm
        As in `train`.
    policy : {"table", "network"}
        As in `train`. Networks of all seeds learn at once, in one compiled program, if `n_jobs` is 1.
    seeds : iterable of int
    n_jobs : int, default 1
        Number of joblib workers; -1 for all processors. With 1, the runs of tables follow each other in this process.
    checkpoints : path, optional
        Folder that keeps each run in a file ``seed_<seed>.npz``, or runs that learn at once in ``seeds.npz``.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` whenever a run ends, and with one worker also during each, as `train`
        does; with steps of all runs. `stage` tells the seed, and its last return, power and regret.
    on_history : callable, optional
        Called with each `HistoryPoint` as soon as it is recorded; needs ``n_jobs=1``.
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
    algorithm, objective = _trained_for(objective, algorithm)
    try:
        listed = list(seeds)
    except TypeError:
        raise InputError(f"seeds: got {str(seeds)[:40]}; give a sequence of integers, such as range(10)") from None
    chosen = [check_integer("seed", seed, 0, MOST_SEED) for seed in listed]
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or not (n_jobs == -1 or 1 <= n_jobs <= MOST_WORKERS):
        raise InputError(f"n_jobs: got {str(n_jobs)[:40]}; give a number of workers, or -1 for all processors")
    if on_history is not None and n_jobs != 1:
        raise InputError(f"on_history: other processes cannot call it; leave it out, or n_jobs={n_jobs}")
    folder = None if checkpoints is None else Path(checkpoints)
    if folder is not None and not folder.is_dir():
        raise InputError(f"checkpoints: there is no folder {folder}; make it first")
    steps = check_integer("steps", parameters.get("steps", STEPS), 1, MOST_STEPS)
    if policy == "network" and n_jobs == 1 and chosen:
        loose = {name: parameters.pop(name) for name in ("tol", "time_limit") if name in parameters}
        together = _parameters(policy, parameters)
        kept = None if folder is None else folder / "seeds.npz"
        members = [(objective, seed) for seed in chosen]
        return _train(
            game,
            algorithm,
            members,
            together,
            checkpoint=kept,
            progress=progress,
            callback=callback,
            on_history=on_history,
            **loose,
        )
    game = _game_for(game, parameters.get("horizon"))
    tasks = [
        parameters
        | {
            "algorithm": algorithm,
            "policy": policy,
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
            told: dict[str, Any] = {"progress": False, "callback": tell, "on_history": on_history}
            results = (train(game, objective, **told, **task) for task in tasks)
        else:
            from joblib import Parallel, delayed

            calls = (delayed(train)(game, objective, progress=False, **task) for task in tasks)
            results = Parallel(n_jobs=min(n_jobs, max(len(tasks), 1)), return_as="generator_unordered")(calls)
        try:
            for run in results:
                runs.append(run)
                if run.stopped is Status.INTERRUPTED:
                    raise KeyboardInterrupt
                report(_stage(f"seed {run.seed}, {algorithm}", [run.history]), steps * len(runs), total)
        except KeyboardInterrupt:
            # What hands out the runs ends its workers when it hears of it.
            with suppress(KeyboardInterrupt):
                results.throw(KeyboardInterrupt)
            if not runs:
                raise
    return tuple(sorted(runs, key=lambda run: chosen.index(run.seed)))


def _trained_for(objective: AnyObjective | None, algorithm: str | None) -> tuple[str, PowerObjective]:
    """Return the algorithm that fits an objective, or the one given, and what it is trained for."""
    given = one_step_only(as_objective(objective), "learners charge for power of one step")
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


def _parameters(policy: Any, options: dict[str, Any]) -> tuple[AnyParameters, Any]:
    """Return the parameters of tables or networks, and what networks see."""
    kinds: dict[str, type[AnyParameters]] = {"table": Parameters, "network": NetworkParameters}
    if not isinstance(policy, str) or policy not in kinds:
        raise InputError(f"policy: got {str(policy)[:40]!r}; choose one of {', '.join(kinds)}")
    kind = kinds[policy]
    observe = options.pop("observe", None) if kind is NetworkParameters else None
    known = [field.name for field in fields(kind)]
    for name in options:
        if name not in known:
            raise InputError(f"{name[:40]}: is no option of policy={policy!r}; choose from {', '.join(known)}")
    return kind(**options), observe


def _train(
    given: AnyGame,
    algorithm: str,
    members: Sequence[tuple[PowerObjective, int]],
    chosen: tuple[AnyParameters, Any],
    tol: float = POLICY_TOLERANCE,
    checkpoint: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
    on_history: OnHistory | None = None,
) -> tuple[TrainingRun, ...]:
    """Train one run for each pair of an objective and a seed; tables can do one."""
    parameters, observe = chosen
    game = _game_for(given, parameters.horizon)
    if time_limit is not None and not (isinstance(time_limit, (int, float)) and time_limit >= 0):
        raise InputError(f"time_limit: got {str(time_limit)[:40]}; give seconds >= 0")
    check_tolerance(tol)
    check_callback(callback)
    if on_history is not None and not callable(on_history):
        raise InputError(f"on_history: got {type(on_history).__name__}; give a function of a HistoryPoint")
    learners: AnyLearners
    if isinstance(parameters, NetworkParameters):
        with needs("JAX, Equinox or Optax", "powergames[deep]", "policy='network'"):
            from powergames.learning.networks.training import NetworkLearners
        learners = NetworkLearners(given, algorithm, members, parameters, observe)
    else:
        ((objective, seed),) = members
        learners = TableLearners(game, objective, seed, parameters)
    stopped = None
    with (
        closing(_Training(game, algorithm, members, learners, parameters, tol, checkpoint, on_history)) as training,
        reporter(progress, callback) as report,
    ):
        try:
            with interruptible():
                stopped = training.run(None if time_limit is None else compilation.clock() + time_limit, report)
        except KeyboardInterrupt:
            stopped = Status.INTERRUPTED
        finally:
            training.keep()
    return training.results(stopped)


def _game_for(given: AnyGame, horizon: int | None) -> AnyGame:
    """Return the game as policies are certified in it, or say why it can't be played to that horizon."""
    if horizon is None:
        game: AnyGame = as_game(given, NormalFormGame | StochasticGame)
        check_endless(game)
        return game
    game = as_game(given, NormalFormGame | StochasticGame | DeterministicGame)
    check_horizon(horizon, game)
    return game


class _Training:
    """Runs that learn at once, from their beginning or from their checkpoint to wherever they get."""

    def __init__(
        self,
        game: AnyGame,
        algorithm: str,
        members: Sequence[tuple[PowerObjective, int]],
        learners: AnyLearners,
        parameters: AnyParameters,
        tol: float,
        checkpoint: str | os.PathLike[str] | None,
        on_history: OnHistory | None,
    ) -> None:
        self.on_history = on_history
        self.game, self.algorithm, self.members, self.learners = game, algorithm, members, learners
        self.parameters, self.tol = parameters, tol
        self.histories: list[list[HistoryPoint]] = [[] for _ in members]
        self.judged: tuple[int, list[tuple[AnyProfile, Certificate]]] | None = None
        self.kept_at = time.monotonic()
        self.checkpoint: Checkpoint | None = None
        if checkpoint is not None:
            objective, seeds = members[0][0], [seed for _, seed in members]
            lams = [str(each.exact_lam) for each, _ in members]
            question = {
                "game": digest(learners.tables.values()),
                "algorithm": algorithm,
                "seed": seeds[0] if len(seeds) == 1 else seeds,
                **objective.to_dict(),
                "lam": lams[0] if len(set(lams)) == 1 else lams,
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
    def steps(self) -> int:
        """Steps made."""
        return self.learners.clock * self.learners.unit

    def run(self, deadline: float | None, report: Callback) -> Status | None:
        """Learn until the last step or the deadline, and return why it ended before the last step."""
        learners, points = self.learners, self.parameters.history
        marks = sorted({learners.total * k // points for k in range(1, points + 1)} - {0})
        count = 1
        while True:
            if learners.clock in marks and (not self.histories[0] or self.histories[0][-1].steps < self.steps):
                self._record()
            report(_stage(self.algorithm, self.histories), self.steps, learners.total * learners.unit)
            if learners.clock == learners.total:
                return None
            if deadline is not None and compilation.clock() >= deadline:
                return Status.TIME_LIMIT
            if time.monotonic() - self.kept_at > KEEP:
                self.keep()
            begun = compilation.clock()
            ahead = next(mark for mark in marks if mark > learners.clock) - learners.clock
            learners.advance(min(count, ahead))
            count = max(1, min(2 * count, int(count * TURN / max(compilation.clock() - begun, 1e-9))))

    def keep(self) -> None:
        """Write the checkpoint, if there is one."""
        self.kept_at = time.monotonic()
        if self.checkpoint is not None:
            shapes = self._shapes()
            columns = {name: [[getattr(p, name) for p in points] for points in self.histories] for name in shapes}
            entries = {
                name: np.array(column, dtype=np.int64 if name == "steps" else np.float64)
                .reshape(len(self.members), -1, *shapes[name][1:])
                .swapaxes(0, 1)
                for name, column in columns.items()
            }
            self.checkpoint.save(self.learners.arrays(), entries)

    def results(self, stopped: Status | None) -> tuple[TrainingRun, ...]:
        """Certify the policies learned so far, once for each time."""
        if self.judged is None or self.judged[0] != self.learners.clock:
            judged = [
                (policies, certify(self.game, policies, objective, tol=self.tol, horizon=self.parameters.horizon))
                for policies, (objective, _) in zip(self.learners.policies(), self.members, strict=True)
            ]
            self.judged = self.learners.clock, judged
        return tuple(
            TrainingRun(
                game=self.game,
                algorithm=self.algorithm,
                objective=objective,
                policies=policies,
                certificate=certificate,
                history=tuple(history),
                seed=seed,
                steps=self.steps,
                parameters=self.parameters.to_dict(),
                stopped=stopped,
            )
            for (objective, seed), (policies, certificate), history in zip(
                self.members, self.judged[1], self.histories, strict=True
            )
        )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of one entry of each part of the history."""
        runs, n_players = len(self.members), self.game.n_players
        return {"steps": (runs,), "task": (runs, n_players), "power": (runs, n_players), "regret": (runs,)}

    def _restore(self, checkpoint: Checkpoint) -> None:
        entries = checkpoint.restore(self.learners, self._shapes())
        if entries is not None:
            for member, (history, (objective, seed)) in enumerate(zip(self.histories, self.members, strict=True)):
                columns = (entries[name][:, member] for name in self._shapes())
                for steps, task, power, regret in zip(*columns, strict=True):
                    history.append(HistoryPoint(int(steps), task, power, float(regret), objective.lam, seed))

    def _record(self) -> None:
        for history, run in zip(self.histories, self.results(None), strict=True):
            history.append(run.summary)
            if self.on_history is not None:
                self.on_history(history[-1])


def _stage(name: str, histories: Sequence[Sequence[HistoryPoint]]) -> str:
    """Tell the last return and power of some histories, on average, and the greatest regret; they may be empty."""
    if not histories[0]:
        return name
    last = [history[-1] for history in histories]
    task, power = (
        ", ".join(f"{value:.3g}" for value in np.mean([getattr(point, key) for point in last], axis=0))
        for key in ("task", "power")
    )
    return f"{name}: return {task}; power {power}; regret {max(point.regret for point in last):.2g}"
