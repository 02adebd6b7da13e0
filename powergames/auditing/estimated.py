"""Power where no state can be set: from recorded play and a critic of joint actions, without any guarantee."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from powergames.environments.playing import Players, as_array
from powergames.environments.sampling import REST
from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.memory import check_memory
from powergames.games.policies import by_player
from powergames.results.estimates import Estimate

# Samples of episodes for an interval.
RESAMPLES = 200

# What keeps least squares from having several answers.
ROUNDING = 1e-9

# How far probabilities may be from summing to 1: they may be of single precision.
SUM_TOLERANCE = 1e-3

Critic = Callable[[Any, Mapping[Any, Any], Mapping[Any, Any]], float]
Features = Callable[[Any, Mapping[Any, Any]], Any]


@dataclass(frozen=True, eq=False)
class EstimatedPower(Estimate):
    """Power, estimated from what a critic of joint actions expects.

    Attributes
    ----------
    mean, low, high : ndarray, shape (n, n)
        ``[i, j]``, what `j` can take from `i` by one action, averaged over the states that play visits.
    players : tuple of str
    level : float
        Of the intervals, which cover chance in what was recorded, and no fault of the critic.
    episodes, steps : int
        What was recorded.
    critic : callable
        The critic: yours, or the one that was fitted. `powergames.wrappers.PowerCharge` and `worst_action` take it.
    """

    players: tuple[str, ...]
    level: float
    episodes: int
    steps: int
    critic: Critic = field(repr=False)

    guarantee: ClassVar[str] = (
        "an estimate without guarantee: intervals cover chance in the recorded episodes, but no fault of the critic, "
        "and actions that were hardly ever played count as average ones"
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as plain JSON values."""
        about = {name: getattr(self, name) for name in ("level", "episodes", "steps", "guarantee")}
        return {"players": list(self.players), **about, **super().to_dict()}


class _Play(NamedTuple):
    """Recorded steps, one after the other.

    Attributes
    ----------
    observations : list of mapping
    actions : ndarray of int64, shape (T, n)
    returns : ndarray, shape (T, n)
        Discounted rewards from each step to the end of what was recorded.
    complete : ndarray of bool, shape (T,)
        Whether what was not recorded weighs next to nothing.
    episode : ndarray of int64, shape (T,)
    weights : ndarray, shape (T,)
        How much each step counts.
    ends : ndarray, shape (N,)
        How much the time after the end of each episode counts, in which nobody holds power.
    """

    observations: list[Mapping[Any, Any]]
    actions: np.ndarray
    returns: np.ndarray
    complete: np.ndarray
    episode: np.ndarray
    weights: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True, eq=False)
class LinearCritic(Frozen):
    """What a joint action is worth, as a linear function of features, one for each joint action.

    Attributes
    ----------
    agents : tuple
    sizes : tuple of int
        Number of actions of each agent.
    features : callable
    coefficients : ndarray, shape (n, A, D)
        For each agent and joint action.
    """

    agents: tuple[Any, ...]
    sizes: tuple[int, ...]
    features: Features
    coefficients: np.ndarray

    def __call__(self, agent: Any, observations: Mapping[Any, Any], actions: Mapping[Any, Any]) -> float:
        """Return what an agent earns from here on if all play a joint action."""
        joint = np.ravel_multi_index([int(actions[own]) for own in self.agents], self.sizes)
        own = _features(self.features, agent, observations)
        return float(self.coefficients[self.agents.index(agent), joint] @ own)


def estimated_power(
    episodes: Iterable[Sequence[Any]],
    policies: Any,
    critic: Critic | None = None,
    *,
    discount: float,
    features: Features | None = None,
    ridge: float = 1.0,
    level: float = 0.95,
    seed: int = 0,
) -> EstimatedPower:
    """Estimate power from recorded play and a critic of joint actions, where an environment cannot be set to a state.

    Prefer `sampled_audit` where you can use it: it plays the deviations, while this function only asks the critic.

    Parameters
    ----------
    episodes : iterable of sequence
        Episodes of the policies; each is a sequence of steps ``(observations, actions, rewards, over)``: dicts by agent
        of what all observed, did and were paid, and whether the episode ended thereby, as a bool or a dict of bools.
        All agents act at each step. A last step that is not over was only cut off.
    policies : sequence or mapping
        One for each agent, in the order of the observations or under their names: a function from the observation to
        probabilities of actions.
    critic : callable, optional
        ``critic(agent, observations, actions)`` returns what `agent` earns from here on if all play the joint action
        `actions`, and follow their policies after it. By default one is fitted to what was recorded.
    discount : float
        In [0, 1).
    features : callable, optional
        ``features(agent, observations)`` returns the numbers of which the fitted critic is a linear function for each
        joint action; by default the agent's own observation. It is exact where these tell states apart one by one.
    ridge : float, default 1.0
        The fitted critic takes each joint action for an average one in so many more observations than there were.
    level : float, default 0.95
    seed : int, default 0

    Returns
    -------
    EstimatedPower

    Raises
    ------
    InputError
        If something does not fit, there are fewer than two episodes, or none is long enough to fit a critic.

    Notes
    -----
    The critic is fitted to the discounted returns of the steps after which at most 1 % of the weight was not recorded.
    Intervals are of the bootstrap over episodes, in which the critic is fitted anew. What all resamples add on average
    is taken off: the least of noisy values is too low, and power would be too large. With few or similar actions some
    of that remains. Where a joint action was never played, the fitted critic takes it for an average one, so that power
    is too small: let policies that hardly mix explore while you record.

    Examples
    --------
    >>> import numpy as np
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> rng, half = np.random.default_rng(0), lambda seen: [0.5, 0.5]
    >>> episodes = []
    >>> for _ in range(400):
    ...     joint = rng.integers(2, size=2)
    ...     actions = dict(zip(game.players, joint, strict=True))
    ...     rewards = dict(zip(game.players, game.payoffs[:, joint[0], joint[1]], strict=True))
    ...     episodes.append([(dict.fromkeys(game.players, [0.0]), actions, rewards, True)])
    >>> found = pg.estimated_power(episodes, [half, half], discount=0.0)
    >>> found.mean.round(1).tolist(), pg.power_table(game, game.uniform_profile()).power.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]])
    """
    if isinstance(discount, bool) or not isinstance(discount, float | int | np.number) or not 0 <= discount < 1:
        raise InputError(f"discount: got {discount!r}; give a number in [0, 1)")
    if not isinstance(level, float) or not 0 < level < 1:
        raise InputError(f"level: got {level!r}; give a probability between 0 and 1, such as 0.95")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed: got {seed!r}; give a whole number, at least 0")
    if isinstance(ridge, bool) or not isinstance(ridge, float | int) or not ridge > 0:
        raise InputError(f"ridge: got {ridge!r}; give a positive number")
    for name, given in (("critic", critic), ("features", features)):
        if given is not None and not callable(given):
            raise InputError(f"{name}: got {type(given).__name__}; give a function")
    agents, play = _read(episodes, float(discount))
    shares = _shares(agents, play, policies)
    sizes = tuple(own.shape[1] for own in shares)
    n, joint = len(agents), int(np.prod(sizes))
    check_memory(8 * 3 * len(play.weights) * n * joint, "estimated_power: what joint actions are worth")
    for agent, column, size in zip(agents, play.actions.T, sizes, strict=True):
        if column.max() >= size or column.min() < 0:
            raise InputError(
                f"episodes: {str(agent)!r} took action {column.max()}, and its policy has probabilities for {size}"
            )
    count = len(play.ends)
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    if critic is not None:
        held = _power(_asked(critic, agents, play, sizes), shares)
        estimate = _average(held, play, np.ones(count))
        again = np.array([_average(held, play, own) for own in draws])
    else:
        features = _own_observation if features is None else features
        fit = _Fit(agents, play, sizes, features, float(ridge))
        coefficients = fit.coefficients(np.ones(count))
        critic = LinearCritic(tuple(agents), sizes, features, coefficients)
        estimate = _average(_power(fit.values(coefficients), shares), play, np.ones(count))
        again = np.array(
            [_average(_power(fit.values(fit.coefficients(own)), shares), play, own) for own in draws.astype(float)]
        )
    # The bootstrap's own bias and spread, turned around.
    low, high = (2 * estimate - np.quantile(again, q, axis=0) for q in ((1 + level) / 2, (1 - level) / 2))
    mean, low, high = (np.maximum(part, 0.0) for part in (2 * estimate - again.mean(axis=0), low, high))
    return EstimatedPower(mean, low, high, tuple(map(str, agents)), level, count, len(play.weights), critic)


def _own_observation(agent: Any, observations: Mapping[Any, Any]) -> Any:
    return observations[agent]


def _features(features: Features, agent: Any, observations: Mapping[Any, Any]) -> np.ndarray:
    """Return the features of an agent, with a constant one."""
    try:
        own = np.asarray(features(agent, observations), dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise InputError(
            f"episodes: observation {str(observations.get(agent))[:40]!r} of {str(agent)!r} is no array of numbers; "
            "give features=, a function of (agent, observations) that returns numbers"
        ) from None
    return np.append(own, 1.0)


def _read(episodes: Iterable[Sequence[Any]], discount: float) -> tuple[list[Any], _Play]:
    """Read what was recorded."""
    agents: list[Any] = []
    observations: list[Mapping[Any, Any]] = []
    actions, returns, complete, episode, weights, ends = [], [], [], [], [], []
    for number, steps in enumerate(episodes):
        steps = list(steps)
        if not steps or not all(
            isinstance(step, Sequence) and len(step) == 4 and all(isinstance(part, Mapping) for part in step[:3])
            for step in steps
        ):
            raise InputError(
                f"episodes: number {number} has no steps, or some that are no (observations, actions, rewards, over) "
                "with dicts by agent"
            )
        agents = agents or list(steps[0][0])
        for seen, acted, paid, _ in steps:
            if not set(agents) <= set(seen) & set(acted) & set(paid):
                raise InputError(
                    f"episodes: in number {number} not all of {', '.join(map(repr, agents))} observe, act and are paid "
                    "at each step"
                )
        over = steps[-1][3]
        ended = all(over.values()) if isinstance(over, Mapping) else bool(over)
        after, length = np.zeros(len(agents)), len(steps)
        rows = []
        for _, _, paid, _ in reversed(steps):
            after = np.array([float(paid[agent]) for agent in agents]) + discount * after
            rows.append(after)
        observations += [step[0] for step in steps]
        actions += [[int(step[1][agent]) for agent in agents] for step in steps]
        returns += rows[::-1]
        complete += [ended or discount ** (length - t) <= REST for t in range(length)]
        episode += [number] * length
        weights += [discount**t for t in range(length)]
        ends.append(discount**length / (1 - discount) if ended else 0.0)
    if len(ends) < 2:
        raise InputError(f"episodes: got {len(ends)}; give at least two, as intervals are of how episodes differ")
    if not np.isfinite(returns).all():
        raise InputError("episodes: some rewards are not finite")
    parts = (actions, returns, complete, episode, weights, ends)
    return agents, _Play(observations, *map(np.asarray, parts))


def _shares(agents: Sequence[Any], play: _Play, policies: Any) -> list[np.ndarray]:
    """Return with which probabilities each agent acted at each step, shape (T, A) each."""
    shares = []
    for agent, policy in zip(agents, by_player(Players(tuple(map(str, agents))), policies), strict=True):
        if not callable(policy):
            raise InputError(
                f"policy of {str(agent)!r}: got {type(policy).__name__}; give a function of the observation"
            )
        rows = [as_array(policy(seen[agent])) for seen in play.observations]
        if any(row.ndim != 1 or row.shape != rows[0].shape or row.dtype.kind != "f" for row in rows):
            raise InputError(f"policy of {str(agent)!r}: got {str(rows[0])[:40]}; give probabilities of all actions")
        table = np.array(rows, dtype=np.float64)
        totals = table.sum(axis=1, keepdims=True)
        if table.min() < 0 or np.abs(totals - 1).max() > SUM_TOLERANCE:
            raise InputError(f"policy of {str(agent)!r}: its probabilities must sum to 1, and none be negative")
        shares.append(table / totals)
    return shares


def _asked(critic: Critic, agents: Sequence[Any], play: _Play, sizes: tuple[int, ...]) -> np.ndarray:
    """Return what a critic says of all joint actions, shape (T, n, A_0, …)."""
    choices = [dict(zip(agents, joint, strict=True)) for joint in np.ndindex(sizes)]
    values = [[[critic(a, seen, acts) for acts in choices] for a in agents] for seen in play.observations]
    table = np.array(values, dtype=np.float64)
    if not np.isfinite(table).all():
        raise InputError("critic: some of its values are not finite")
    return table.reshape(len(values), len(agents), *sizes)


class _Fit:
    """Least squares of returns on features, for each joint action apart, drawn to what holds for all of them."""

    def __init__(
        self, agents: Sequence[Any], play: _Play, sizes: tuple[int, ...], features: Features, ridge: float
    ) -> None:
        if not play.complete.any():
            raise InputError(
                "episodes: all are cut off too early to fit a critic; record until at most 1 % of the discounted time "
                "is left, or give a critic"
            )
        self.play, self.sizes, self.ridge = play, sizes, ridge
        rows = [[_features(features, agent, seen) for seen in play.observations] for agent in agents]
        if len({row.size for own in rows for row in own}) > 1:
            raise InputError("features: some have more numbers than others; give as many each time, for each agent")
        self.x = np.array(rows)
        joint = np.ravel_multi_index(tuple(play.actions.T), sizes)
        # The steps at which each joint action was played.
        self.rows = {int(own): np.flatnonzero((joint == own) & play.complete) for own in np.unique(joint)}

    def coefficients(self, counts: np.ndarray) -> np.ndarray:
        """Return the coefficients if each episode counts so often, shape (n, A, D)."""
        size = self.x.shape[2]
        weighted = self.x * (counts[self.play.episode] * self.play.complete)[:, None]
        y, unit = self.play.returns.T[..., None], np.eye(size)
        across = weighted.transpose(0, 2, 1)
        common = np.linalg.solve(across @ self.x + ROUNDING * unit, across @ y)
        rest = y - self.x @ common
        found = np.repeat(common.transpose(0, 2, 1), int(np.prod(self.sizes)), axis=1)
        for joint, rows in self.rows.items():
            part = across[:, :, rows]
            found[:, joint] += np.linalg.solve(part @ self.x[:, rows] + self.ridge * unit, part @ rest[:, rows])[..., 0]
        return found

    def values(self, coefficients: np.ndarray) -> np.ndarray:
        """Return what all joint actions are worth at each step, shape (T, n, A_0, …)."""
        table = (self.x @ coefficients.transpose(0, 2, 1)).transpose(1, 0, 2)
        return table.reshape(*table.shape[:2], *self.sizes)


def _power(values: np.ndarray, shares: Sequence[np.ndarray]) -> np.ndarray:
    """Return what each agent can take from each other one at each step, shape (T, n, n)."""
    steps, n = values.shape[:2]
    power = np.zeros((steps, n, n))
    for j in range(n):
        table = values
        # From the last axis to the first, so that those before stay where they are.
        for k in reversed([k for k in range(n) if k != j]):
            table = (np.moveaxis(table, k + 2, -1) * shares[k].reshape(steps, *(1,) * (table.ndim - 2), -1)).sum(-1)
        power[:, :, j] = (table * shares[j][:, None]).sum(axis=2) - table.min(axis=2)
        power[:, j, j] = 0.0
    return power


def _average(power: np.ndarray, play: _Play, counts: np.ndarray) -> np.ndarray:
    """Return the mean over the states visited if each episode counts so often, shape (n, n)."""
    weights = counts[play.episode] * play.weights
    return np.asarray(np.tensordot(weights, power, 1) / (weights.sum() + counts @ play.ends))
