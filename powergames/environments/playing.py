"""Play of environments that cannot be listed, such as PettingZoo's: set to a state, act, and see what happens."""

from __future__ import annotations

import copy
import inspect
import json
import math
import random
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from powergames.environments.sampling import Clock, Effort, GameSampler, Leave, Options, Record, Sampler, repeated
from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.games.kinds import Game, as_game
from powergames.games.memory import check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import as_policies, by_player
from powergames.games.stochastic import StochasticGame, check_discounted, read_discounts
from powergames.games.timed import check_horizon, timed_profile
from powergames.numerics.digests import digest

# A policy that is a function of the observation is asked once in each state of a game, if it has no more of them.
MOST_STATES = 20_000

# How many objects are searched for random generators.
MOST_OBJECTS = 10_000

# Steps that are played twice from the same state, to see whether both go alike, and from how many states before all
# else.
PROBE, PROBED = 10, 8

# How far probabilities may be from summing to 1: they may be of single precision.
SUM_TOLERANCE = 1e-3

# Held by whoever seeds the global random generators.
_CHANCE = threading.RLock()

Key = Callable[[Any], Hashable]
Reseed = Callable[[Any, int], Any]


def sampler_of(
    env: Any, policies: Any, discount: Any, horizon: int | None, key: Key | None, reseed: Reseed | None
) -> tuple[Sampler, Clock]:
    """Return what plays a game or an environment; parameters as in `powergames.sampled_audit`.

    Raises
    ------
    InputError
        If the environment or a policy cannot be played, or an option does not fit.
    """
    for name, function in (("key", key), ("reseed", reseed)):
        if function is not None:
            if not callable(function):
                raise InputError(f"{name}: got {type(function).__name__}; give a function")
            given = (env,) if name == "key" else (env, 0)
            check_call(name, function, f"give a function of {'env' if name == 'key' else '(env, seed)'}", *given)
    ours = type(env).__module__ == "powergames.environments.parallel_env"
    game = env.game if ours else env if isinstance(env, Game | DeterministicGame) else None
    if isinstance(game, NormalFormGame) and horizon is None and discount is None:
        discount, horizon = 1.0, 1
    if game is not None:
        game = repeated(game) if isinstance(game, NormalFormGame) else as_game(game, StochasticGame)
        discount = game.discounts if discount is None else discount
        clock = _clock(discount, horizon, game.n_players)
        entries = by_player(game, policies)
        asked = [_asked(env, game, player, entry) if ours else entry for player, entry in enumerate(entries)]
        if all(entry is not None for entry in asked):
            return GameSampler(game, _probabilities(game, asked, clock.horizon), clock), clock
        env, policies = copy.deepcopy(env), _of_observations(env, game, entries)
        # The limit of steps is for learners.
        env.max_steps = np.inf
    check_methods(env, "seed", other=", or a game")
    agents = tuple(map(str, env.possible_agents))
    if discount is None:
        raise InputError("discount: none given; give a number from 0 to 1, or one for each agent")
    clock = _clock(discount, horizon, len(agents))
    entries = by_player(Players(agents), policies)
    for agent, entry in zip(agents, entries, strict=True):
        if not callable(entry):
            raise InputError(
                f"policy of {agent!r}: got {type(entry).__name__}; give a function of the observation that returns "
                "probabilities of actions, or an action"
            )
        check_call(f"policy of {agent!r}", entry, "give a function of the observation", None)
    sampler = EnvSampler(env, entries, clock, key, reseed)
    sampler.probe()
    return sampler, clock


class Players(NamedTuple):
    """The players of an environment, as those of a game."""

    players: tuple[str, ...]

    @property
    def n_players(self) -> int:
        """How many they are."""
        return len(self.players)


def _clock(discount: Any, horizon: Any, n_players: int) -> Clock:
    discounts = read_discounts(discount, n_players)
    if horizon is None:
        check_discounted(discounts)
    return Clock(discounts, 0 if horizon is None else check_horizon(horizon, None))


def _asked(env: Any, game: StochasticGame, player: int, entry: Any) -> Any:
    """Return what a function of the observation plays in each state; None if it must be asked at each step."""
    if not callable(entry):
        return entry
    if hasattr(entry, "reset") or game.n_states > MOST_STATES:
        return None
    who = f"policy of {game.players[player]!r}"
    check_call(who, entry, "give a function of the observation", None)
    rows = [as_array(asked(who, entry, env.observe(state))) for state in range(game.n_states)]
    size = game.max_actions[player]
    if any(row.shape != (size,) or row.dtype.kind != "f" for row in rows):
        return None
    # Play refuses what is wrong, with a state in which it is.
    if not all(are_probabilities(row.tolist()) for row in rows):
        return None
    # What is given to an action that a state lacks goes to the one that stands for it in the environment.
    table = np.zeros((game.n_states, size))
    for action in range(size):
        np.add.at(table, (np.arange(game.n_states), action % game.n_actions[:, player]), np.array(rows)[:, action])
    return table / table.sum(axis=1, keepdims=True)


def _probabilities(game: StochasticGame, entries: list[Any], horizon: int) -> np.ndarray:
    """Return policies as probabilities, shape (L, n, S, A), one layer for each step or one for all."""
    if horizon:
        timed = timed_profile(game, entries, horizon, fill=True)
        layers = 1 if all(strategy.stationary for strategy in timed) else horizon
        check_memory(24 * layers * game.n_states * game.n_players * max(game.max_actions), "sampled_audit: policies")
        parts = [np.asarray(strategy[:layers]) for strategy in timed]
    else:
        parts = [own[None] for own in as_policies(game, entries).profile]
    table = np.zeros((len(parts[0]), game.n_players, game.n_states, max(game.max_actions)))
    for player, part in enumerate(parts):
        table[:, player, :, : part.shape[2]] = part
    return table


def _of_observations(env: Any, game: StochasticGame, entries: list[Any]) -> list[Any]:
    """Return policies as functions of what `to_pettingzoo` lets players observe."""
    tables = as_policies(game, [0 if callable(entry) else entry for entry in entries]).profile

    def of(table: np.ndarray) -> Callable[[Any], np.ndarray]:
        return lambda seen: table[int(seen if np.ndim(seen) == 0 else np.argmax(seen))]

    return [entry if callable(entry) else of(table) for entry, table in zip(entries, tables, strict=True)]


def are_probabilities(shares: Sequence[float]) -> bool:
    """Whether these are probabilities, up to the rounding of single precision."""
    return min(shares) >= 0.0 and abs(sum(shares) - 1.0) <= SUM_TOLERANCE


def check_methods(env: Any, *keywords: str, other: str = "") -> None:
    """Refuse what is no ParallelEnv whose reset takes these keywords; `other` is what else could be given."""
    for name in ("possible_agents", "reset", "step", "action_space"):
        if not hasattr(env, name):
            raise InputError(
                f"env: got {type(env).__name__}, which has no {name}; give a ParallelEnv of PettingZoo{other}"
            )
    kind = type(env).__name__
    check_call(
        f"env: reset of {kind}", env.reset, "let it be reset(self, seed=None, options=None)", **dict.fromkeys(keywords)
    )
    check_call(f"env: step of {kind}", env.step, "let it be step(self, actions), of a dict by agent", {})


def check_call(what: str, function: Callable[..., Any], mend: str, *arguments: Any, **keywords: Any) -> None:
    """Refuse a function that cannot be called with such arguments.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_call("key", lambda: 3, "give a function of the environment", "an environment")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: key: too many positional arguments; give a function of the environment
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Some compiled functions do not tell.
        return
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        raise InputError(f"{what}: {error}; {mend}") from None


def asked(what: str, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a function of the user's, and say which one it was if it fails.

    Raises
    ------
    InputError
        If the function raises anything, which is then the cause.
    """
    try:
        return function(*arguments, **keywords)
    except InputError:
        raise
    except Exception as error:
        text = str(error)[:200] or "no message"
        raise InputError(
            f"{what} raised {type(error).__name__} ({text}); mend it, its traceback is the cause"
        ) from error


def as_array(given: Any) -> np.ndarray:
    """Return what a policy answers as an array, from PyTorch too."""
    return np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)


class _Moment(NamedTuple):
    """An environment at rest, with what its agents see and remember."""

    state: Any
    agents: list[Any]
    observations: Any
    infos: Any
    memories: list[Any]


class EnvSampler:
    """Play of an environment of PettingZoo in which all act at once.

    Parameters
    ----------
    env : pettingzoo.ParallelEnv
        Is copied if it can be.
    policies : list of callable
    clock : Clock
    key, reseed
        As in `powergames.sampled_audit`.
    """

    compiled, piece = False, 10_000

    def __init__(self, env: Any, policies: list[Any], clock: Clock, key: Key | None, reseed: Reseed | None) -> None:
        self._way = next((way for way in ("get_state", "clone") if hasattr(type(env), way)), "copy")
        if self._way == "get_state" and not hasattr(type(env), "set_state"):
            raise InputError(f"env: {type(env).__name__} has get_state and no set_state; give both, or neither")
        try:
            self._places = _Places.of(env)
            self._env = _copied(env, self._places)
        except Exception as error:
            if self._way == "copy":
                raise InputError(
                    f"env: {type(env).__name__} cannot be copied ({type(error).__name__}: {error}); give it "
                    "get_state() and set_state(state)"
                ) from None
            self._env = env
        self._agents = list(env.possible_agents)
        self.players = tuple(map(str, self._agents))
        self._names = [f"policy of {agent!r}" for agent in self.players]
        self._spaces = [self._space(agent) for agent in self._agents]
        self.sizes = tuple(int(space.n) for space in self._spaces)
        self._offsets = [int(getattr(space, "start", 0)) for space in self._spaces]
        self._policies = [copy.deepcopy(policy) if hasattr(policy, "reset") else policy for policy in policies]
        self._clock, self._own_key, self._reseed = clock, key, reseed
        self._observations: Any = {}
        self._infos: Any = {}
        # What the player who leaves the profile did last, with what probabilities it would have acted, and those of its
        # first step.
        self._last: tuple[int, list[float]] = 0, []
        self._first: list[float] = []

    def _space(self, agent: Any) -> Any:
        space = self._env.action_space(agent)
        if not hasattr(space, "n") or np.ndim(space.n):
            raise InputError(
                f"env: the actions of {str(agent)!r} are {str(space)[:60]}; power needs finitely many, so give a "
                "Discrete space"
            )
        return space

    # What `sampled_audit` asks.

    def returns(self, seeds: np.ndarray, leave: Leave) -> tuple[np.ndarray, Effort]:
        """Return what all earn from the start; see `Sampler`."""
        totals, effort = [], Effort()
        with _global_chance():
            for seed in seeds.tolist():
                self._begin(seed)
                earned, more = self._play(seed, leave, 0)
                totals.append(earned)
                effort = effort.plus(more)
        return np.array(totals), effort

    def options(self, seeds: np.ndarray, times: np.ndarray | None, plays: np.ndarray) -> tuple[list[Options], Effort]:
        """Return what each player could do; see `Sampler`."""
        n = len(self.players)
        shape = plays.shape
        values = [np.full((*shape, size, n), np.nan) for size in self.sizes]
        shares = [np.zeros((*shape, size)) for size in self.sizes]
        effort = Effort()
        with _global_chance():
            for b, seed in enumerate(seeds.tolist()):
                self._begin(seed)
                time = 0 if times is None else int(times[b])
                rng = random.Random(seed)
                for t in range(time):
                    if not self._env.agents:
                        break
                    self._step(rng, Leave(), t)
                    effort = effort.plus(Effort(1))
                moment = self._save()
                # Some environments remember only after much play what they should not.
                before = self._goes_on(moment) if b == len(seeds) - 1 else None
                # Where somebody does not act, one action stands for all.
                choices = [
                    [a for a, own in enumerate(self._there(j)) if own] if agent in moment.agents else [0]
                    for j, agent in enumerate(self._agents)
                ]
                for j, own in enumerate(choices):
                    for m, luck in enumerate(plays[b].tolist()):
                        for action in own:
                            self._restore(moment, luck)
                            earned, more = self._play(luck, Leave(j, argument=action, limit=1), time)
                            values[j][b, m, action] = earned
                            effort = effort.plus(more)
                        shares[j][b, m] = self._first if len(own) > 1 else np.eye(self.sizes[j])[own[0]]
                if before is not None:
                    self._compare(before, self._goes_on(moment))
        return [Options(*both) for both in zip(values, shares, strict=True)], effort

    def record(self, seeds: np.ndarray, leave: Leave, length: int) -> tuple[Record, Effort]:
        """Return episodes; see `Sampler`."""
        count, j = len(seeds), leave.player
        length = min(length, self._clock.horizon or length)
        actions, rewards = np.zeros((count, length), np.int64), np.zeros((count, length, len(self.players)))
        shares = np.zeros((count, length))
        keys, lengths = [], np.zeros(count, np.int64)
        with _global_chance():
            for b, seed in enumerate(seeds.tolist()):
                self._begin(seed)
                rng = random.Random(seed)
                own = [self._key(leave)]
                for t in range(length):
                    if not self._env.agents:
                        break
                    self._last = 0, [1.0] + [0.0] * (self.sizes[j] - 1)
                    rewards[b, t], _ = self._step(rng, leave, t)
                    action, probabilities = self._last
                    actions[b, t], shares[b, t] = action, probabilities[action]
                    own.append(self._key(leave))
                    lengths[b] = t + 1
                keys.append(own)
        return Record(keys, actions, rewards, shares, lengths), Effort(int(lengths.sum()), count)

    def policy_of(self, leave: Leave) -> Any:
        """Return a table as a function of the observation; see `Sampler`."""
        policy = _Tabled(leave, self._policies[leave.player], self._offsets[leave.player])
        return policy if policy.remembers else policy.act

    def digests(self) -> dict[str, str]:
        """Return a digest of some first steps; see `Sampler`."""
        steps = []
        with _global_chance():
            for seed in range(PROBED):
                self._begin(seed)
                rng = random.Random(seed)
                # Leaves the profile for no step, so that its probabilities are told.
                leave = Leave(seed % len(self._agents), limit=0)
                for t in range(PROBE):
                    if not self._env.agents:
                        break
                    self._last = 0, []
                    rewards, _ = self._step(rng, leave, t)
                    # Networks may round otherwise on another machine.
                    steps.append([f"{number:.5g}" for number in (*rewards, *self._last[1])])
        return {"first steps": digest([np.array(json.dumps(steps))])}

    def probe(self) -> None:
        """Refuse an environment that goes on otherwise when it is set to the same state under the same luck.

        Raises
        ------
        InputError
        """
        with _global_chance():
            for seed in range(PROBED):
                self._begin(seed)
                if not self._env.agents:
                    raise InputError("env: after reset nobody plays; let its agents be those who act")
                rng = random.Random(seed)
                for _ in range(seed):
                    if self._env.agents:
                        self._step(rng, None, 0)
                moment = self._save()
                self._compare(self._goes_on(moment), self._goes_on(moment))

    def _goes_on(self, moment: _Moment) -> list[tuple[Any, ...]]:
        """Return how play goes on from a state if all act at random, always under the same luck."""
        self._restore(moment, 1)
        rng = random.Random(1)
        seen: list[tuple[Any, ...]] = []
        while self._env.agents and len(seen) < PROBE:
            rewards, _ = self._step(rng, None, 0)
            seen.append((rewards, flat(self._observations), bool(self._env.agents)))
        return seen

    def _compare(self, first: list[tuple[Any, ...]], again: list[tuple[Any, ...]]) -> None:
        """Refuse play that went on otherwise."""
        for step, (one, other) in enumerate(zip(first, again, strict=False)):
            if one != other:
                kinds = zip(("rewards", "observations", "ends"), one, other, strict=True)
                what = next(name for name, mine, theirs in kinds if mine != theirs)
                raise InputError(
                    f"env: set to the same state twice, {type(self._env).__name__} gave other {what} after {step + 1} "
                    "steps; let its state hold all that the future depends on, and give reseed= if it draws chance "
                    "from a generator that its attributes do not lead to"
                )

    # One episode.

    def _begin(self, seed: int) -> None:
        """Start an episode."""
        self._observations, self._infos = _dicts(asked("env: reset", self._env.reset, seed=seed % 2**31), "reset", 2)
        if not self._places.hold(self._env):
            self._places = _Places.of(self._env)
        self._seed_chance(seed)
        for who, policy in zip(self._names, self._policies, strict=True):
            if hasattr(policy, "reset"):
                asked(who, policy.reset)

    def _seed_chance(self, seed: int) -> None:
        # Policies' actions are drawn from the seed itself.
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**63
        # Some environments draw from these.
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        if self._reseed:
            asked("reseed", self._reseed, self._env, seed % 2**31)
        for number, place in enumerate(() if self._reseed else self._places.generators):
            _reseed_one(_at(self._env, place), (seed + number) % 2**63)

    def _save(self) -> _Moment:
        env = self._env
        if self._way == "get_state":
            state = copy.deepcopy(asked("env: get_state", env.get_state))
        else:
            state = asked("env: clone", env.clone) if self._way == "clone" else _copied(env, self._places)
        return _Moment(state, list(env.agents), self._observations, self._infos, [_memory(p) for p in self._policies])

    def _restore(self, moment: _Moment, seed: int) -> None:
        """Set the environment and all memories to what they were, and all chance to what a seed says."""
        if self._way == "get_state":
            asked("env: set_state", self._env.set_state, copy.deepcopy(moment.state))
            self._env.agents = list(moment.agents)
        else:
            self._env = moment.state.clone() if self._way == "clone" else _copied(moment.state, self._places)
        self._observations, self._infos = moment.observations, moment.infos
        self._policies = [_remind(*both) for both in zip(self._policies, moment.memories, strict=True)]
        self._seed_chance(seed)

    def _play(self, seed: int, leave: Leave, time: int) -> tuple[list[float], Effort]:
        """Add up what all earn from here on."""
        clock, rng = self._clock, random.Random(seed)
        horizon, sure, carry, discounts = clock.horizon, clock.sure, clock.carry, clock.discounts.tolist()
        total, weights = [0.0] * len(discounts), [1.0] * len(discounts)
        t = decided = known = 0
        cut = False
        while self._env.agents:
            if horizon:
                if time + t >= horizon:
                    break
            elif t >= sure and rng.random() >= carry:
                break
            if leave.table is not None and (leave.limit is None or t < leave.limit):
                decided += 1
                known += self._key(leave) in (leave.keys or {})
            rewards, cut = self._step(rng, leave, t)
            t += 1
            # Without a discount nothing counts after the first step, and nothing goes on.
            rest = 1.0 if horizon or t < sure or not carry else carry
            for i, reward in enumerate(rewards):
                total[i] += weights[i] * reward
                weights[i] *= discounts[i] / rest
        return total, Effort(t, 1, int(cut), decided, known)

    def _step(self, rng: random.Random, leave: Leave | None, t: int) -> tuple[list[float], bool]:
        """Play one step of the profile, or of all at random if `leave` is None; whether the episode was cut off."""
        actions = {}
        other = rng.random()
        for i, agent in enumerate(self._agents):
            # Drawn for those too who do not act, so that the luck of the others stays the same.
            draw = rng.random()
            if agent not in self._env.agents:
                continue
            there = self._there(i)
            if leave is None:
                action = _any(there, draw)
            else:
                shares = self._shares(i, agent, there)
                action = _drawn(shares, draw)
                if leave.player == i:
                    action = self._leaving(leave, t, action, there, draw, other)
                    self._last = action, shares
                    if t == 0:
                        self._first = shares
            actions[agent] = action + self._offsets[i]
        answer = _dicts(asked("env: step", self._env.step, actions), "step", 5)
        self._observations, paid, ended, truncated, self._infos = answer
        if not paid.keys() >= actions.keys():
            raise InputError(
                f"env: {', '.join(map(repr, actions))} acted, and step paid {', '.join(map(repr, paid)) or 'nobody'}; "
                "give a reward to each agent that acts"
            )
        rewards = [float(paid.get(agent, 0.0)) for agent in self._agents]
        if not all(map(math.isfinite, rewards)):
            raise InputError(f"env: step paid {rewards}; rewards must be finite")
        over = not self._env.agents
        return rewards, over and any(truncated.values()) and not all(ended.values())

    def _leaving(self, leave: Leave, t: int, action: int, there: list[bool], draw: float, other: float) -> int:
        """Return what a player does who leaves the profile, in which it would do `action`."""
        if leave.limit is not None and t >= leave.limit:
            return action
        if leave.mode == "action":
            return leave.argument if there[leave.argument] else action
        if leave.mode == "uniform" or other < leave.chance or leave.table is None:
            return _any(there, draw)
        chosen = leave.choice(self._key(leave), t)
        return chosen if there[chosen] else action

    def _there(self, i: int) -> list[bool]:
        """Return which actions a player has."""
        agent = self._agents[i]
        mask = (self._infos.get(agent) or {}).get("action_mask")
        if mask is None:
            seen = self._observations.get(agent)
            mask = seen.get("action_mask") if isinstance(seen, Mapping) else None
        there = [True] * self.sizes[i] if mask is None else [bool(own) for own in mask]
        return there if any(there) else [True] * self.sizes[i]

    def _shares(self, i: int, agent: Any, there: list[bool]) -> list[float]:
        """Ask a policy what it plays, as probabilities."""
        if agent not in self._observations:
            raise InputError(f"env: {str(agent)!r} plays and observes nothing; give observations to all in agents")
        size, given = self.sizes[i], as_array(asked(self._names[i], self._policies[i], self._observations[agent]))
        if given.size == 1 and given.dtype.kind in "iub":
            action = int(given.ravel()[0]) - self._offsets[i]
            if not 0 <= action < size:
                raise InputError(f"policy of {str(agent)!r}: got action {given}; give one of {self._spaces[i]}")
            return [float(own == action) for own in range(size)]
        shares = [float(own) for own in given.ravel().tolist()] if given.dtype.kind in "iuf" else []
        if len(shares) != size or not are_probabilities(shares):
            raise InputError(
                f"policy of {str(agent)!r}: got {str(given)[:60]}; give {size} probabilities that sum to 1, or the "
                "index of an action"
            )
        for action, (share, own) in enumerate(zip(shares, there, strict=True)):
            if share and not own:
                raise InputError(
                    f"policy of {str(agent)!r}: got probability {share:g} for action {action}, which action_mask rules "
                    "out; give 0"
                )
        total = sum(shares)
        return [share / total for share in shares]

    def _key(self, leave: Leave) -> Hashable:
        """Return by what the player who leaves the profile tells states apart."""
        if leave.own:
            return flat(self._observations.get(self._agents[leave.player]))
        return flat(self._observations) if self._own_key is None else asked("key", self._own_key, self._env)


class _Tabled:
    """A policy that does what a table says, and what another policy does where the table knows nothing."""

    def __init__(self, leave: Leave, otherwise: Any, offset: int) -> None:
        assert leave.table is not None
        self._leave, self._otherwise, self._offset, self._step = leave, otherwise, offset, 0
        self.remembers = len(leave.table) > 1 or hasattr(otherwise, "reset")

    def act(self, seen: Any) -> Any:
        """Return what to do at this step."""
        other = self._otherwise(seen) if hasattr(self._otherwise, "reset") else None
        key = flat(seen)
        if key in (self._leave.keys or {}):
            return self._leave.choice(key, self._step) + self._offset
        return self._otherwise(seen) if other is None else other

    def __call__(self, seen: Any) -> Any:
        action = self.act(seen)
        self._step += 1
        return action

    def reset(self) -> None:
        """Begin an episode."""
        self._step = 0
        if hasattr(self._otherwise, "reset"):
            self._otherwise.reset()

    def get_state(self) -> Any:
        """Return what it remembers."""
        return self._step, _memory(self._otherwise)

    def set_state(self, state: Any) -> None:
        """Remember something else."""
        self._step, memory = state
        self._otherwise = _remind(self._otherwise, memory)


def _dicts(answer: Any, method: str, count: int) -> Any:
    """Return what an environment answers, which must be so many dicts by agent."""
    if (
        not isinstance(answer, tuple | list)
        or len(answer) != count
        or not all(isinstance(own, Mapping) for own in answer)
    ):
        kinds = ", ".join(type(own).__name__ for own in answer) if isinstance(answer, tuple | list) else None
        raise InputError(
            f"env: {method} returned {type(answer).__name__ if kinds is None else f'({kinds})'}; give {count} dicts by "
            "agent, as a ParallelEnv of PettingZoo does"
        )
    return answer


def _any(there: list[bool], draw: float) -> int:
    """Draw one of the actions that exist."""
    choices = [action for action, own in enumerate(there) if own]
    return choices[int(draw * len(choices))]


def _drawn(shares: list[float], draw: float) -> int:
    """Draw an action."""
    total = 0.0
    for action, share in enumerate(shares):
        total += share
        if draw < total:
            return action
    # Rounding may leave the sum below 1.
    return max(action for action, share in enumerate(shares) if share)


def flat(value: Any) -> Hashable:
    """Return observations as something hashable.

    Examples
    --------
    >>> flat({"a": np.zeros(2)}) == flat({"a": np.zeros(2)})
    True
    """
    if isinstance(value, Mapping):
        return tuple((key, flat(own)) for key, own in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(flat, value))
    array = np.asarray(value)
    return array.tobytes() if array.dtype != object else str(value)


def _memory(policy: Any) -> Any:
    """Return what a policy remembers; None if nothing."""
    if not hasattr(policy, "reset"):
        return None
    return copy.deepcopy(policy.get_state() if hasattr(policy, "set_state") else policy)


def _remind(policy: Any, memory: Any) -> Any:
    """Return the policy as it was when it had a memory."""
    if not hasattr(policy, "reset"):
        return policy
    if not hasattr(policy, "set_state"):
        return copy.deepcopy(memory)
    policy.set_state(copy.deepcopy(memory))
    return policy


# Types in which no generator is looked for.
_PLAIN = (str, bytes, int, float, complex, bool, type(None), type, np.ndarray, np.generic)


def _places(env: Any, wanted: Callable[[Any], bool]) -> list[tuple[Any, ...]]:
    """Return where certain objects are in an environment: the names and indices that lead to each."""
    found: list[tuple[Any, ...]] = []
    queue: list[tuple[Any, tuple[Any, ...]]] = [(env, ())]
    seen = {id(env)}
    for value, place in queue:
        if wanted(value):
            found.append(place)
        for step, own in _parts(value):
            if not isinstance(own, _PLAIN) and id(own) not in seen and len(queue) < MOST_OBJECTS:
                seen.add(id(own))
                queue.append((own, (*place, step)))
    return found


def _is_generator(value: Any) -> bool:
    return isinstance(value, np.random.Generator | np.random.RandomState | random.Random)


def _is_built_anew(value: Any) -> bool:
    """Whether copies of an object are built from what it was built from, without its state, as EzPickle does it."""
    return "_ezpickle_args" in getattr(value, "__dict__", ())


def _is_handle(value: Any) -> bool:
    """Whether nobody can copy an object, such as a font or a window; then copies of an environment share it."""
    if isinstance(value, ModuleType):
        return True
    if callable(value) or next(_parts(value), None) is not None:
        return False
    try:
        copy.deepcopy(value)
    except Exception:
        return True
    return False


class _Places(NamedTuple):
    """Where the objects of an environment are that need care: generators, those built anew, and those to share."""

    generators: list[tuple[Any, ...]]
    rebuilt: list[tuple[Any, ...]]
    handles: list[tuple[Any, ...]]

    @classmethod
    def of(cls, env: Any) -> _Places:
        return cls(*(_places(env, wanted) for wanted in (_is_generator, _is_built_anew, _is_handle)))

    def hold(self, env: Any) -> bool:
        """Whether they still are where they were; if none was found, they may have come."""
        try:
            return bool(self.generators) and all(_is_generator(_at(env, place)) for place in self.generators)
        except (AttributeError, KeyError, IndexError, TypeError):
            return False


def _copied(env: Any, places: _Places) -> Any:
    """Return a deep copy."""
    shared = [_at(env, place) for place in places.handles]
    memo: dict[int, Any] = {id(own): own for own in shared}
    originals = [_at(env, place) for place in places.rebuilt]
    for own in originals:
        memo[id(own)] = object.__new__(type(own))
    for own in originals:
        vars(memo[id(own)]).update(copy.deepcopy(vars(own), memo))
    return copy.deepcopy(env, memo)


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what an object is made of, with how to get there."""
    if isinstance(value, ModuleType):
        return
    if isinstance(value, dict):
        yield from (((dict, key), own) for key, own in value.items())
    elif isinstance(value, list | tuple):
        yield from (((list, index), own) for index, own in enumerate(value))
    elif hasattr(value, "__dict__") and not callable(value) and type(value).__module__ != "builtins":
        yield from ((("", name), own) for name, own in vars(value).items())


def _at(env: Any, place: tuple[Any, ...]) -> Any:
    for kind, step in place:
        env = vars(env)[step] if kind == "" else env[step]
    return env


def _reseed_one(generator: Any, seed: int) -> None:
    if isinstance(generator, np.random.Generator):
        own = generator.bit_generator
        own.state = type(own)(seed).state
    else:
        generator.seed(seed % 2**32)


@contextmanager
def _global_chance() -> Iterator[None]:
    """Give the global random generators their old state back in the end; until then no other thread seeds them."""
    with _CHANCE:
        before = np.random.get_state(), random.getstate()  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before[0])  # noqa: NPY002
            random.setstate(before[1])
