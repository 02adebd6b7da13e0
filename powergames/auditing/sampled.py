"""The audit of policies in an environment that can only be played: power, returns and attacks, with intervals.

Every number is the mean of independent episodes, with an interval by Student's t, corrected for skewness (Johnson
1978). Three things would put it off, and are removed:

- *The end.* An episode without a horizon is played in full until what is left weighs 1 %; then it goes on with a chance
  that
  takes the place of the discount. Its mean is that of play without end.
- *A least one of noisy values.* Power needs ``min_a E Q(a)`` in each state that is visited, and the least of noisy
  means is
  too low, the more so the fewer plays they are of. Most states have few plays, some have many, and what more plays
  change is estimated by itself, on halves of the same plays (multilevel Monte Carlo, with antithetic differences: Giles
  and Goda 2019). So the mean is that of as many plays as the most. What is still left is covered: the least of the
  means of all plays errs to one side; the value of one half's least action on the other half errs to the other. The
  interval reaches from one to the other, with the quantile of Imbens and Manski (2004).
- *Rare events.* Where fewer than ten of the episodes differ from the others, the interval also has room for an event as
  large as any that was seen, as often as one may come that has not come.
- *An adversary of several steps* is learned from episodes of its own and measured on new ones, so that it does not
  profit
  from luck in what it learned from. The interval is that of this adversary. A worse one may exist, and where two do
  nearly the same harm, what others get may depend on which of them was found.
- *A best response* is learned and measured in the same way, under the same luck as the profile. What it gains bounds
  the regret from below.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from powergames.auditing.adversaries import Tally, learn, tally
from powergames.auditing.checkpoints import Checkpoint
from powergames.auditing.departures import check_steps, label_of
from powergames.display import Shown
from powergames.environments.playing import Players, asked, check_call, sampler_of
from powergames.environments.sampling import Clock, Effort, Leave, Options, Sampler, seeds_of
from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.policies import by_player
from powergames.objectives import AnyObjective, PowerObjective, as_objective, one_step_only
from powergames.progress import Callback, reporter
from powergames.results.estimates import Estimate, LowerBound

if TYPE_CHECKING:
    from joblib import Parallel

# Each level of plays has twice as many of them as the one below, and this share of its states; fewer states than FEWEST
# are no level.
SHARE, FEWEST = 2.0**-1.25, 16

# The first episodes, after which `width` is looked at for the first time.
FIRST = 256

# What others get from an attack for one step is measured on an action that was learned in so much of its states.
KNOWN = 0.99

# Where fewer samples than this differ from the others, chance is hardly seen, and intervals allow for more of it.
FEW = 10

# The most workers that joblib is asked for.
MOST_WORKERS = 1024

# Intervals allow for rounding, relative to the values of single episodes.
ROUNDING = 1e-12

# What episodes are for: each purpose has seeds of its own.
START, PLAYS, LEARNING, RESPONDING = range(4)

# How a user's own function finds a best response: of the environment and an agent, a policy of that agent.
Respond = Callable[[Any, Any], Any]


class _Mean(NamedTuple):
    """An estimated mean; arrays of the same shape.

    Attributes
    ----------
    value, variance, freedom
        The mean, its variance, and the degrees of freedom of that.
    skew
        Third cumulant of the mean, divided by its variance.
    scale
        How large samples are.
    rare
        What an event that is too rare to be seen would add to the mean if it came once.
    """

    value: np.ndarray
    variance: np.ndarray
    freedom: np.ndarray
    skew: np.ndarray
    scale: np.ndarray
    rare: np.ndarray


def _mean(levels: Sequence[np.ndarray], reach: Any) -> _Mean:
    """Add up the means of independent samples, each of shape (N, ...), in which an event may change so much."""
    shape = levels[0].shape[1:]
    value, variance, third, slack, scale = (np.zeros(shape) for _ in range(5))
    for samples in levels:
        count, center = len(samples), samples.mean(axis=0)
        value += center
        own = samples.var(axis=0, ddof=1) / count
        third += ((samples - center) ** 3).mean(axis=0) / count**2
        variance += own
        slack += own**2 / (count - 1)
        scale += np.abs(samples).max(axis=0)
    # Welch and Satterthwaite.
    freedom = np.where(slack > 0, variance**2 / np.where(slack > 0, slack, 1.0), len(levels[0]) - 1.0)
    apart = np.abs(levels[0] - np.median(levels[0], axis=0))
    few = (apart > 0).sum(axis=0)
    size = np.where(few > 0, apart.max(axis=0), reach)
    skew = np.where(variance > 0, third / np.where(variance > 0, variance, 1.0), 0.0)
    return _Mean(value, variance, freedom, skew, scale, np.where(few < FEW, size / len(levels[0]), 0.0))


def _between(split: _Mean, plain: _Mean, level: float) -> Estimate:
    """Return the interval of a number between two means that err to different sides, and are the same at best."""
    from scipy.optimize import brentq
    from scipy.stats import t

    lower = plain.value < split.value
    low_variance = np.where(lower, plain.variance, split.variance)
    high_variance = np.where(lower, split.variance, plain.variance)
    gap, spread = np.abs(plain.value - split.value), np.sqrt(np.maximum(low_variance, high_variance))
    quantile = np.empty(gap.shape)
    for place in np.ndindex(gap.shape):
        freedom = float(min(split.freedom[place], plain.freedom[place]))
        apart = float(gap[place] / spread[place]) if spread[place] > 0 else 0.0
        one_sided, two_sided = float(t.ppf(level, freedom)), float(t.ppf((1 + level) / 2, freedom))

        def missed(c: float, apart: float = apart, freedom: float = freedom) -> float:
            return float(t.cdf(c + apart, freedom) - t.cdf(-c, freedom)) - level

        quantile[place] = brentq(missed, one_sided, two_sided) if apart > 0 and missed(one_sided) < 0 else two_sided
        if apart > 0 and missed(one_sided) >= 0:
            quantile[place] = one_sided
    # So often an event may come, at most, that did not come.
    often = -np.log((1.0 - level) / 2.0)
    slack = ROUNDING * (split.scale + plain.scale) + often * np.maximum(split.rare, plain.rare)
    shift = (1.0 + 2.0 * quantile**2) / 6.0
    low_skew, high_skew = np.where(lower, plain.skew, split.skew), np.where(lower, split.skew, plain.skew)
    return Estimate(
        (split.value + 2.0 * plain.value) / 3.0,
        np.minimum(split.value, plain.value) + shift * low_skew - quantile * np.sqrt(low_variance) - slack,
        np.maximum(split.value, plain.value) + shift * high_skew + quantile * np.sqrt(high_variance) + slack,
    )


class _Outcomes(NamedTuple):
    """What one player's actions do in some states, after all plays there.

    Attributes
    ----------
    base : ndarray, shape (B, n)
        What all get from the profile.
    least : ndarray, shape (B, n)
        The least that each player gets from one of the actions.
    chosen : ndarray, shape (B, n, n)
        ``chosen[b, i]``: what all get from the action that is least for `i` by one half of the plays, on the other
        half.
    """

    base: np.ndarray
    least: np.ndarray
    chosen: np.ndarray

    def minus(self, other: _Outcomes) -> _Outcomes:
        return _Outcomes(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


def _outcomes(options: Options) -> _Outcomes:
    values, shares = options
    count, plays, _, n = values.shape
    there = ~np.isnan(values)
    base = np.where(there, values, 0.0) * shares[..., None]
    halves = values[:, : plays // 2].mean(axis=1), values[:, plays // 2 :].mean(axis=1)
    chosen = np.zeros((count, n, n))
    for mine, other in (halves, halves[::-1]):
        worst = np.nanargmin(mine, axis=1)
        chosen += np.take_along_axis(other[:, :, None, :], worst[:, None, :, None], axis=1)[:, 0] / 2
    return _Outcomes(base.sum(axis=2).mean(axis=1), np.nanmin((halves[0] + halves[1]) / 2, axis=1), chosen)


def _level(options: Options, level: int) -> _Outcomes:
    """Return what plays say, or on a higher level what they say beyond those of half of them."""
    found = _outcomes(options)
    if level == 0:
        return found
    half = options.values.shape[1] // 2
    parts = [_outcomes(Options(*(part[:, own] for part in options))) for own in (np.s_[:half], np.s_[half:])]
    return found.minus(_Outcomes(*((one + two) / 2 for one, two in zip(*parts, strict=True))))


def _counts(episodes: int) -> list[int]:
    """Return in how many states each level of plays is looked at."""
    counts = [episodes]
    while (count := int(episodes * SHARE ** len(counts))) >= FEWEST:
        counts.append(count)
    return counts


class _Run:
    """Samples so far, and how to get more."""

    def __init__(
        self,
        sampler: Sampler,
        clock: Clock,
        seed: int,
        workers: Parallel,
        report: Callback,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.sampler, self.clock, self.seed, self.workers, self.report = sampler, clock, seed, workers, report
        self.checkpoint = checkpoint
        self.n = len(sampler.players)
        self.total = Effort()
        # The least and greatest returns that any episode had.
        self._ends = np.full(self.n, np.inf), np.full(self.n, -np.inf)
        self.discounts = list(dict.fromkeys(clock.discounts.tolist()))
        self._returns: list[np.ndarray] = []
        # Power at the states visited with a discount, by half of the plays on the other and by all, by discount and
        # level.
        self._power: dict[tuple[int, int], list[np.ndarray]] = {}

    def _work(self, method: str, tasks: Sequence[tuple[Any, ...]], stage: str) -> list[Any]:
        """Call a method of the sampler for each task that the checkpoint lacks, by as many workers as there are."""
        from joblib import delayed

        results: list[Any] = []

        def take(found: Any, effort: Effort) -> None:
            self.total = self.total.plus(effort)
            results.append(found)
            self.report(stage, len(results), len(tasks))

        if self.checkpoint is not None:
            for task in tasks:
                known = self.checkpoint.replay(method, task)
                if known is None:
                    break
                take(*known)
        left = tasks[len(results) :]
        calls = (delayed(_call)(self.sampler, method, task) for task in left)
        # Handing out a single piece takes longer than it helps.
        answers = self.workers(calls) if len(left) > 1 else (_call(self.sampler, method, task) for task in left)
        for task, (found, effort) in zip(left, answers, strict=True):
            if self.checkpoint is not None:
                self.checkpoint.keep(method, task, found, effort)
            take(found, effort)
        return results

    def _pieces(self, first: int, last: int, steps: int) -> list[tuple[int, int]]:
        """Split episodes, each of which takes so many steps, into pieces of work."""
        size = max(1, self.sampler.piece // steps)
        return [(begin, min(begin + size, last)) for begin in range(first, last, size)]

    def _earn(self, first: int, last: int, leave: Leave, stage: str) -> list[np.ndarray]:
        """Return what all get from the start in each episode, in pieces of shape (N, n)."""
        pieces = self._pieces(first, last, self.clock.mean_length)
        found = self._work("returns", [(seeds_of(self.seed, (START,), *piece), leave) for piece in pieces], stage)
        for values in found:
            self._see(values)
        return found

    def _see(self, values: np.ndarray) -> None:
        """Keep in mind the least and greatest returns."""
        values = values.reshape(-1, self.n)
        np.fmin(self._ends[0], np.nanmin(values, axis=0), out=self._ends[0])
        np.fmax(self._ends[1], np.nanmax(values, axis=0), out=self._ends[1])

    @property
    def _reach(self) -> np.ndarray:
        """What an event may change at most, as far as has been seen, shape (n,)."""
        return self._ends[1] - self._ends[0]

    def _outcomes(self, first: int, last: int, level: int, discount: int | None, stage: str) -> list[_Outcomes]:
        """Return what each player could do in states that are visited with a discount, or at the start."""
        plays, steps = 2 << level, sum(self.sampler.sizes) * self.clock.mean_length
        # Plays of one state may be too many for one piece.
        part = min(plays, max(1, self.sampler.piece // steps))
        purpose = PLAYS, level, 0 if discount is None else discount + 1
        tasks = []
        pieces = self._pieces(first, last, plays * steps)
        for begin, end in pieces:
            seeds = seeds_of(self.seed, (*purpose, 0), begin, end)
            when = seeds_of(self.seed, (*purpose, 1), begin, end)
            times = None if discount is None else self._times(discount, when)
            luck = seeds_of(self.seed, (*purpose, 2), begin * plays, end * plays).reshape(-1, plays)
            tasks += [(seeds, times, luck[:, at : at + part]) for at in range(0, plays, part)]
        answers = self._work("options", tasks, stage)
        each, found = len(tasks) // len(pieces), []
        for at in range(0, len(answers), each):
            players = zip(*answers[at : at + each], strict=True)
            options = [Options(*map(_joined, zip(*own, strict=True))) for own in players]
            for own in options:
                self._see(own.values)
            found.append([_level(own, level) for own in options])
        return [_Outcomes(*map(np.concatenate, zip(*own, strict=True))) for own in zip(*found, strict=True)]

    def _times(self, discount: int, seeds: np.ndarray) -> np.ndarray:
        """Draw when to look at power: each step as often as the discount counts it."""
        factor, horizon = self.discounts[discount], self.clock.horizon
        draws = (seeds >> np.uint64(11)).astype(np.float64) * 2.0**-53
        if horizon:
            weights = np.cumsum(factor ** np.arange(horizon))
            return np.minimum(np.searchsorted(weights, draws * weights[-1], side="right"), horizon - 1)
        return (
            np.floor(np.log1p(-draws) / np.log(factor)).astype(np.int64) if factor else np.zeros(len(seeds), np.int64)
        )

    def visit(self, count: int, power: bool = True) -> None:
        """Play the profile, and look at power along the way, until there are so many episodes."""
        self._returns += self._earn(sum(map(len, self._returns)), count, Leave(), "returns")
        for d in range(len(self.discounts) if power else 0):
            for level, wanted in enumerate(_counts(count)):
                pieces = self._power.setdefault((d, level), [])
                have = sum(piece.shape[1] for piece in pieces)
                if wanted > have:
                    pieces.append(_power(self._outcomes(have, wanted, level, d, "power")))

    def returns(self) -> _Mean:
        """Return the mean of what all get from the start."""
        return _mean([np.concatenate(self._returns)], self._reach)

    def power(self, weights: np.ndarray | None = None) -> tuple[_Mean, _Mean]:
        """Return the means of power, shape (n, n), or of weighted sums, shape (n,): by halves of plays and by all."""
        both = []
        for kind in range(2):
            rows: list[_Mean] = []
            for i, discount in enumerate(self.clock.discounts.tolist()):
                d = self.discounts.index(discount)
                levels = sorted(level for own, level in self._power if own == d)
                samples = [np.concatenate([piece[kind] for piece in self._power[d, level]])[:, i] for level in levels]
                reach = self._reach[i] * (np.arange(self.n) != i if weights is None else weights[i].sum())
                rows.append(_mean(samples if weights is None else [own @ weights[i] for own in samples], reach))
            both.append(_Mean(*map(np.array, zip(*rows, strict=True))))
        return both[0], both[1]

    def attacks(self, count: int, steps: int, level: float) -> Iterator[SampledAttack]:
        """Estimate what all get if one player leaves the profile, for each way."""
        horizon = self.clock.horizon
        levels = [self._outcomes(0, own, at, None, "attacks for one step") for at, own in enumerate(_counts(count))]
        for j, size in enumerate(self.sampler.sizes):
            victims = [i for i in range(self.n) if i != j]
            learned = self._learned(j, victims, steps, count)
            for i in victims:
                split = _mean([own[j].chosen[:, i] for own in levels], self._reach)
                plain = _mean([_with(own[j].chosen[:, i], i, own[j].least[:, i]) for own in levels], self._reach)
                found = _between(split, plain, level)
                for lasting in [*dict.fromkeys((1, steps)), None]:
                    leave = learned[i, None if horizon and (lasting or horizon) >= horizon else lasting]
                    attack = self._attack(count, leave, level, "adversarial", against=i, steps=lasting)
                    if lasting == 1:
                        attack = _merged(attack, found, i)
                    yield attack
            for action in range(size):
                yield self._attack(count, Leave(j, argument=action), level, "freeze", action=action)
            yield self._attack(count, Leave(j, "uniform"), level, "uniform")

    def _attack(
        self,
        count: int,
        leave: Leave,
        level: float,
        kind: str,
        against: int | None = None,
        action: int | None = None,
        steps: int | None = None,
    ) -> SampledAttack:
        """Play an attack, under the same luck as the profile."""
        decided, known = self.total.decided, self.total.known
        mean = _mean([np.concatenate(self._earn(0, count, leave, label_of(kind, steps)))], self._reach)
        found = _between(mean, mean, level)
        decided, known = self.total.decided - decided, self.total.known - known
        share = known / decided if decided else 1.0
        return SampledAttack(
            found.mean,
            found.low,
            found.high,
            leave.player,
            kind,
            against,
            action,
            steps,
            share,
            leave.table,
            leave.keys,
        )

    def response(self, i: int, count: int) -> Any:
        """Learn what a player earns most by, and return it as a policy."""
        play = self._player(RESPONDING, i, count)
        return self.sampler.policy_of(learn(i, self.sampler.sizes[i], [i], self.clock, (), play, own=True)[i, None])

    def gain(self, other: _Run, i: int, charged: float, weights: np.ndarray | None, level: float) -> Estimate:
        """Return what a player gets more in another run, of the same episodes, charged for weighted power if any."""
        reach = np.maximum(self._reach, other._reach)[i]
        mine, theirs = (np.concatenate(run._returns)[:, i, None] for run in (self, other))
        returns = _mean([theirs - mine], reach)
        if weights is None:
            return _between(returns, returns, level)
        d = self.discounts.index(float(self.clock.discounts[i]))
        sides = []
        # Halves of the plays err to less power, all of them to more: once in favour of each run.
        for kind in (1, 0):
            levels = []
            for at in sorted(at for own, at in self._power if own == d):
                less, more = (
                    np.concatenate([piece[side] for piece in run._power[d, at]])[:, i] @ weights
                    for run, side in ((self, 1 - kind), (other, kind))
                )
                levels.append((more - less)[:, None])
            sides.append(_less(returns, np.array([charged]), _mean(levels, reach * weights.sum())))
        return _between(sides[0], sides[1], level)

    def _learned(self, j: int, victims: Sequence[int], steps: int, count: int) -> dict[tuple[int, int | None], Leave]:
        """Learn how a player harms others."""
        play = self._player(LEARNING, j, count)
        return learn(j, self.sampler.sizes[j], victims, self.clock, tuple(dict.fromkeys((1, steps))), play)

    def _player(self, purpose: int, j: int, count: int) -> Callable[[int, Leave, int], list[Tally]]:
        """Return what plays the episodes from which a player learns."""

        def play(turn: int, leave: Leave, length: int) -> list[Tally]:
            pieces = self._pieces(0, count, length)
            tasks = [(seeds_of(self.seed, (purpose, j, turn), *piece), leave, length) for piece in pieces]
            return self._work("record", tasks, "learning")

        return play


def _power(found: Sequence[_Outcomes]) -> np.ndarray:
    """Return what each player can take from each other one, shape (2, B, n, n): by halves of the plays, and by all."""
    count, n = found[0].base.shape
    power = np.zeros((2, count, n, n))
    for j, own in enumerate(found):
        power[0, :, :, j] = own.base - np.diagonal(own.chosen, axis1=1, axis2=2)
        power[1, :, :, j] = own.base - own.least
        power[:, :, j, j] = 0.0
    return power


def _with(values: np.ndarray, column: int, other: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[:, column] = other
    return values


def _merged(attack: SampledAttack, found: Estimate, victim: int) -> SampledAttack:
    """Return an attack for one step, with what the victim is left with as it was found without learning.

    What others get is that of the action learned, unless it was learned elsewhere.
    """
    if attack.known < KNOWN:
        return replace(attack, mean=found.mean, low=found.low, high=found.high, known=1.0)
    columns = {part: getattr(attack, part).copy() for part in ("mean", "low", "high")}
    for part, own in columns.items():
        own[victim] = getattr(found, part)[victim]
    return replace(attack, known=1.0, **columns)


def _less(mean: _Mean, factor: np.ndarray, other: _Mean) -> _Mean:
    """Return one mean less another, independent one times a factor."""
    variances = mean.variance, factor**2 * other.variance
    slack = variances[0] ** 2 / mean.freedom + variances[1] ** 2 / other.freedom
    total = variances[0] + variances[1]
    freedom = np.where(slack > 0, total**2 / np.where(slack > 0, slack, 1.0), mean.freedom)
    third = mean.skew * variances[0] - factor * other.skew * variances[1]
    skew = np.where(total > 0, third / np.where(total > 0, total, 1.0), 0.0)
    scale, rare = mean.scale + factor * other.scale, mean.rare + factor * other.rare
    return _Mean(mean.value - factor * other.value, total, freedom, skew, scale, rare)


def _workers(sampler: Sampler, n_jobs: int | None) -> Parallel:
    """Return what hands out pieces of work, and returns results in their order."""
    from joblib import Parallel

    return Parallel(n_jobs, return_as="generator", prefer="threads" if sampler.compiled else None)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Put the plays of some states together."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _call(sampler: Sampler, method: str, task: tuple[Any, ...]) -> tuple[Any, Effort]:
    """Do a piece of work; arrays are laid out in memory as a checkpoint would return them."""
    if method == "returns":
        return sampler.returns(*task)
    if method == "options":
        options, effort = sampler.options(*task)
        return [Options(*map(np.ascontiguousarray, own)) for own in options], effort
    record, effort = sampler.record(*task)
    return tally(record, sampler.sizes[task[1].player]), effort


@dataclass(frozen=True, eq=False)
class SampledAttack(Estimate):
    """What every player gets from the start when one of them leaves the profile, estimated.

    Attributes
    ----------
    mean, low, high : ndarray, shape (n,)
        Discounted return of each player.
    deviator, kind, against, action, steps
        As in `OffPolicy`.
    known : float
        Of an adversary for several steps, the share of its steps that it made in states which it had met while it
        learned; elsewhere it takes the action that did most harm on average. 1 for all other attacks.
    table : ndarray of int64, shape (K, S + 1), optional
        What an adversary does at step `t` in the state that has number `s`, or in any other one last; the last row is
        for all later steps. See `choice`.
    keys : mapping, optional
        The numbers of states, by what tells states apart.
    """

    deviator: int
    kind: str
    against: int | None
    action: int | None
    steps: int | None
    known: float
    table: np.ndarray | None = field(default=None, repr=False)
    keys: Mapping[Any, int] | None = field(default=None, repr=False)

    def choice(self, key: Hashable, step: int = 0) -> int | None:
        """Return what an adversary does in a state; None once its steps are over, and for other kinds of attack.

        Parameters
        ----------
        key : hashable
            What tells states apart: in a game their index; else what ``key(env)`` returns, or the observations of all
            agents, as `powergames.environments.playing.flat` makes them hashable.
        step : int, default 0
            Steps since the start.

        Returns
        -------
        int or None
        """
        over = self.steps is not None and step >= self.steps
        return None if over or self.table is None else Leave(table=self.table, keys=self.keys).choice(key, step)

    @property
    def label(self) -> str:
        """Kind and duration, as in ``"adversarial for 10 steps"``."""
        return label_of(self.kind, self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the attack as plain JSON values."""
        return {
            "deviator": self.deviator,
            "kind": self.kind,
            "against": self.against,
            "action": self.action,
            "steps": self.steps,
            "known": self.known,
            **super().to_dict(),
        }


@dataclass(frozen=True, eq=False)
class SampledAudit(Frozen, Shown):
    """Returns, power and attacks of any policies, estimated by play, each with an interval.

    Attributes
    ----------
    players : tuple of str
    objective : PowerObjective
    level : float
        With this probability each interval holds the true number.
    episodes : int
        Episodes of the profile; other numbers are of as many, or of a fixed share of them.
    steps : int
        Steps of the environment, in all.
    returns : Estimate, shape (n,)
        Expected discounted reward from the start.
    power : Estimate, shape (n, n)
        ``[i, j]``, what `j` can take from `i` by one action, averaged over the states that play visits.
    utility : Estimate or None, shape (n,)
        Returns, less λ times power along the way; None in the form "adversarial" and with the aggregate "max".
    attacks : tuple of SampledAttack
        What everyone gets when one player leaves the profile, in the order of `Audit.off_policy`.
    regret : LowerBound or None, shape (n,)
        What each player gains by the best response that was found, in utility: its regret is at least ``regret.low``
        with that probability, and may be any larger. None if no best response was asked for.
    truncated : float
        Share of the episodes that the environment cut off before their time; where it is not 0, numbers are those of
        play that ends there.
    """

    players: tuple[str, ...]
    objective: PowerObjective
    level: float
    episodes: int
    steps: int
    returns: Estimate
    power: Estimate
    utility: Estimate | None
    attacks: tuple[SampledAttack, ...]
    regret: LowerBound | None
    truncated: float

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain JSON values."""
        return {
            "objective": self.objective.to_dict(),
            "level": self.level,
            "episodes": self.episodes,
            "steps": self.steps,
            "returns": self.returns.to_dict(),
            "power": self.power.to_dict(),
            "utility": None if self.utility is None else self.utility.to_dict(),
            "attacks": [attack.to_dict() for attack in self.attacks],
            "regret": None if self.regret is None else self.regret.to_dict(),
            "truncated": self.truncated,
        }

    def __repr__(self) -> str:
        means = ", ".join(f"{mean:.4g}" for mean in self.returns.mean)
        return (
            f"<SampledAudit: {self.episodes} episodes, returns about {means}, power up to {self.power.mean.max():.3g}, "
            f"{len(self.attacks)} attacks>"
        )


def sampled_audit(
    env: Any,
    policies: Any,
    objective: AnyObjective | None = None,
    *,
    discount: Any = None,
    horizon: int | None = None,
    episodes: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    steps: int = 10,
    attacks: bool = True,
    best_response: bool | Respond = False,
    width: float | None = None,
    key: Callable[[Any], Hashable] | None = None,
    reseed: Callable[[Any, int], Any] | None = None,
    n_jobs: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> SampledAudit:
    """Estimate by play what policies are worth, who holds power, and what happens when a player leaves them.

    Parameters
    ----------
    env : pettingzoo.ParallelEnv, or a game
        An environment with finitely many actions that can be set to a state again: by ``get_state()`` and
        ``set_state(state)``, by ``clone()``, or else by `copy.deepcopy`. Games of powergames and the environments that
        `to_pettingzoo` makes of them are played in compiled code.
    policies : sequence or mapping
        One for each agent, in the order of ``env.possible_agents``, or under their names: a function from the
        observation to probabilities of actions, or to an action. One that remembers has a method ``reset()``, which is
        called at the start of an episode, and can be copied by `copy.deepcopy`, or has ``get_state`` and ``set_state``.
        For games of powergames also all that `audit` takes.
    objective : PowerObjective or number, optional
        A number is λ; by default 0.
    discount : float or array_like of shape (n,), optional
        Discount factor; by default that of the game. 1 needs a horizon.
    horizon : int, optional
        Number of steps after which play ends.
    episodes : int, default 1000
        Episodes for each number; at least 32. Widths fall as one over the square root of it.
    seed : int, default 0
    level : float, default 0.95
        Probability with which each interval is to hold the true number.
    steps : int, default 10
        How many steps an adversary has that is neither alone in one step nor there for ever.
    attacks : bool, default True
        Whether to look at attacks too, which take most of the time.
    best_response : bool or callable, default False
        Whether to bound the regret from below by a best response of each player. True learns one by tables, from what
        the player itself observes and for its returns alone. ``best_response(env, agent)`` returns a policy of that
        agent that you trained against the others'.
    width : float, optional
        Stop as soon as no interval of returns or power is wider, in units of payoff; `episodes` is then the most. The
        number of episodes is doubled until that is so.
    key : callable, optional
        ``key(env)`` says by something hashable in which state the environment is, so that adversaries for several steps
        can learn what to do there. By default the observations of all agents.
    reseed : callable, optional
        ``reseed(env, seed)`` seeds all chance in the environment. By default every random generator that its attributes
        lead to is seeded, and NumPy's and Python's global ones, which get their old state back in the end.
    n_jobs : int, optional
        Number of joblib workers; -1 for all processors. Results do not depend on it.
    checkpoint : path, optional
        File in which the audit keeps what it has played. A later call with the same arguments goes on from there, and
        returns the same numbers, bit for bit. Give the same environment, policies and functions again: what they do
        in a few first steps is compared, and no more. A `best_response` of your own trains anew, and must return the
        same policies.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called with (what is estimated, pieces of work done, pieces in all).

    Returns
    -------
    SampledAudit

    Raises
    ------
    InputError
        If an option does not fit, the environment answers otherwise when it is set to the same state again, an action
        or observation cannot be used, or the checkpoint belongs to another audit, is damaged or is in use.
    OSError
        If the checkpoint cannot be read or written.

    Notes
    -----
    *What an interval promises.* Over many audits with different seeds, a share `level` of the intervals holds the
    number that `evaluate` and `audit` would compute, each by itself; all of them together hold less often. Power is in
    states as often as play visits them with the discount. The probability is that of large samples: where one episode
    in a thousand earns all, a thousand episodes may miss it. Where some actions of a co-player do the same harm up to
    the noise of the plays, intervals of power and of attacks for one step are wider than they need be, and hold more
    often.

    *What it does not promise.* An adversary for several steps or for ever is the worst that was found, so the least
    return is at most what its interval says. In a game of few states it is the worst one up to rounding; in a large
    environment `known` says how seldom the adversary knew what it did. No regret is estimated: `audit` computes it
    where a game can be compiled. A best response bounds it from below: a small gain may mean that the response is bad.
    In the form "adversarial" with λ > 0 no gain can be measured, as that takes the worst adversary of each response.

    Rewards after the end of an episode are zero, and nobody holds power there. An episode that the environment
    truncates counts as ended, see `truncated`: for play without end, raise the limit of steps.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("reputation_stag_hunt")
    >>> found = pg.sampled_audit(pg.to_pettingzoo(game), game.uniform_profile(), 0.2, episodes=500, attacks=False)
    >>> exact = pg.evaluate(game, game.uniform_profile(), 0.2)
    >>> bool((found.power.low <= exact.average_power).all() and (exact.average_power <= found.power.high).all())
    True
    """
    objective = one_step_only(as_objective(objective), "samples measure power of one step")
    _check_options(episodes, seed, level, width, n_jobs)
    if not isinstance(attacks, bool | np.bool_):
        raise InputError(f"attacks: got {str(attacks)[:40]!r}; give True or False")
    check_steps(steps)
    _check_response(best_response, objective)
    sampler, clock = sampler_of(env, policies, discount, horizon, key, reseed)
    count = int(episodes) if width is None else min(FIRST, int(episodes))
    question = {
        **objective.to_dict(),
        "players": sampler.players,
        "actions": sampler.sizes,
        "discount": clock.discounts.tolist(),
        "horizon": clock.horizon,
        "episodes": int(episodes),
        "seed": int(seed),
        "level": float(level),
        "steps": int(steps),
        "attacks": bool(attacks),
        "best_response": best_response if isinstance(best_response, bool) else "own",
        "width": None if width is None else float(width),
        "key": key is not None,
        "reseed": reseed is not None,
    }
    with ExitStack() as stack:
        kept = None
        if checkpoint is not None:
            kept = Checkpoint(checkpoint, question | sampler.digests())
            stack.callback(kept.close)
        report = stack.enter_context(reporter(progress, callback))
        # Workers start once, and not for each kind of play.
        workers = {sampler.compiled: stack.enter_context(_workers(sampler, n_jobs))}
        run = _Run(sampler, clock, int(seed), workers[sampler.compiled], report, kept)
        while True:
            run.visit(count)
            mean, (split, plain) = run.returns(), run.power()
            returns, power = _between(mean, mean, level), _not_negative(_between(split, plain, level))
            if width is None or count == episodes or max(_widest(returns), _widest(power)) <= width:
                break
            count = min(2 * count, int(episodes))
        utility = None
        if _is_measurable(objective):
            charged = objective.lam * clock.weight
            split, plain = (_less(mean, charged, own) for own in run.power(objective.weights(run.n)))
            utility = _between(split, plain, level)
        found = tuple(run.attacks(count, steps, level)) if attacks and run.n > 1 else ()
        regret = None
        if best_response is not False:
            gains = []
            for i, agent in enumerate(getattr(env, "possible_agents", sampler.players)):
                entries = by_player(Players(sampler.players), policies)
                entries[i] = (
                    run.response(i, count)
                    if best_response is True
                    else asked("best_response", best_response, env, agent)
                )
                own = sampler_of(env, entries, discount, horizon, key, reseed)[0]
                if own.compiled not in workers:
                    workers[own.compiled] = stack.enter_context(_workers(own, n_jobs))
                if kept is not None:
                    kept.same("best_response", own.digests())
                other = _Run(own, clock, run.seed, workers[own.compiled], report, kept)
                other.visit(count, power=objective.lam > 0)
                price = objective.lam * float(clock.weight[i])
                gains.append(run.gain(other, i, price, objective.weights(run.n)[i] if price else None, level))
                run.total = run.total.plus(other.total)
            ends = (np.concatenate([getattr(gain, end) for gain in gains]) for end in ("mean", "low"))
            regret = LowerBound(*(np.maximum(end, 0.0) for end in ends))
    done = run.total
    return SampledAudit(
        sampler.players,
        objective,
        float(level),
        count,
        done.steps,
        returns,
        power,
        utility,
        found,
        regret,
        done.cut / max(1, done.episodes),
    )


def _is_measurable(objective: PowerObjective) -> bool:
    """Whether utility is returns less a weighted sum of power along the way."""
    return objective.form == "penalty" and not (isinstance(objective.aggregate, str) and objective.aggregate == "max")


def _check_response(best_response: Any, objective: PowerObjective) -> None:
    if not isinstance(best_response, bool) and not callable(best_response):
        raise InputError(
            f"best_response: got {str(best_response)[:40]!r}; give True, or a function of (env, agent) that returns a "
            "policy"
        )
    if not isinstance(best_response, bool):
        check_call("best_response", best_response, "give a function of (env, agent)", None, None)
    if best_response is not False and objective.lam > 0 and not _is_measurable(objective):
        raise InputError(
            'best_response: the gain of one cannot be measured in the form "adversarial" or with the aggregate "max"; '
            'give form="penalty" and weights, or λ = 0'
        )


def _not_negative(found: Estimate) -> Estimate:
    return Estimate(*(np.maximum(part, 0.0) for part in (found.mean, found.low, found.high)))


def _widest(found: Estimate) -> float:
    return float((found.high - found.low).max())


def _check_options(episodes: Any, seed: Any, level: Any, width: Any, n_jobs: Any) -> None:
    def whole(value: Any) -> bool:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)

    if not whole(episodes) or episodes < 2 * FEWEST:
        raise InputError(f"episodes: got {episodes!r}; give a whole number, at least {2 * FEWEST}")
    if not whole(seed) or seed < 0:
        raise InputError(f"seed: got {seed!r}; give a whole number, at least 0")
    if not isinstance(level, float | np.floating) or not 0.0 < level < 1.0:
        raise InputError(f"level: got {level!r}; give a probability between 0 and 1, such as 0.95")
    if width is not None and (isinstance(width, bool) or not isinstance(width, int | float) or not width > 0):
        raise InputError(f"width: got {width!r}; give a positive number, in units of payoff")
    if n_jobs is not None and (not whole(n_jobs) or not (n_jobs == -1 or 1 <= n_jobs <= MOST_WORKERS)):
        raise InputError(f"n_jobs: got {str(n_jobs)[:40]}; give 1 to {MOST_WORKERS} workers, or -1 for all processors")
