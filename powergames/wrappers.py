"""PRIM and SBPR around any environment of PettingZoo, for any trainer: charge for power, let adversaries take over.

Adversaries and critics are functions. An *adversary* ``adversary(ego, deviator, observations, actions)`` returns the
action that agent `deviator` takes instead of its own to harm agent `ego`. A *critic* ``critic(agent, observations,
actions)`` returns what `agent` earns from here on if all play the joint action. `observations` and `actions` are dicts
by agent. Here are some of both; your own may be networks.

This module needs PettingZoo.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np

from powergames.environments.playing import are_probabilities, as_array, check_methods, flat
from powergames.errors import InputError, needs
from powergames.objectives import AnyObjective, PowerObjective, as_objective, one_step_only

with needs("PettingZoo", "powergames[pettingzoo]", "powergames.wrappers"):
    from pettingzoo.utils import BaseParallelWrapper

__all__ = [
    "AdversarialTakeover",
    "Adversary",
    "Critic",
    "PowerCharge",
    "TabularCritic",
    "random_adversary",
    "worst_action",
]

Critic = Callable[[Any, Mapping[Any, Any], Mapping[Any, Any]], float]
Adversary = Callable[[Any, Any, Mapping[Any, Any], Mapping[Any, Any]], Any]

Stepped = tuple[dict[Any, Any], dict[Any, float], dict[Any, bool], dict[Any, bool], dict[Any, dict[str, Any]]]


class AdversarialTakeover(BaseParallelWrapper):  # type: ignore[misc]  # PettingZoo has no types
    """Play in which an adversary of one agent sometimes takes over a co-player: the data from which SBPR learns.

    While nobody is taken over, each step draws a co-player with probability `p`, and the adversary acts for this
    co-player for `steps` steps. With ``steps=1`` and the worst possible adversary, ego's return is that of the form
    "adversarial" with λ = p and the aggregate "mean". Every learner needs an environment of its own, in which it is
    ego.

    Parameters
    ----------
    env : pettingzoo.ParallelEnv
    ego : agent
    p : float
    adversary : callable
        ``adversary(ego, deviator, observations, actions)`` returns an action of `deviator`. `actions` are those that
        all were about to take.
    steps : int, default 1
    seed : int, optional
        Seed of the takeovers, if `reset` is given none.

    Raises
    ------
    InputError
        If there is no such agent, or an option does not fit.

    Notes
    -----
    ``infos[ego]["takeover"]`` is the agent that was taken over in the last step, or None.

    Examples
    --------
    >>> import powergames as pg
    >>> env = pg.to_pettingzoo(pg.load("stag_hunt"))
    >>> env = pg.wrappers.AdversarialTakeover(env, "hunter 1", 1.0, lambda ego, deviator, seen, actions: 1)
    >>> _ = env.reset(seed=0)
    >>> _, rewards, _, _, infos = env.step({"hunter 1": 0, "hunter 2": 0})
    >>> rewards["hunter 1"], infos["hunter 1"]["takeover"]
    (0.0, 'hunter 2')
    """

    def __init__(
        self, env: Any, ego: Any, p: float, adversary: Adversary, steps: int = 1, seed: int | None = None
    ) -> None:
        check_methods(env, "seed", "options")
        super().__init__(env)
        if ego not in env.possible_agents:
            raise InputError(f"ego: got {ego!r}; give one of {', '.join(map(repr, env.possible_agents))}")
        if isinstance(p, bool) or not isinstance(p, float | int | np.number) or not 0 <= p <= 1:
            raise InputError(f"p: got {p!r}; give a probability")
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
            raise InputError(f"steps: got {steps!r}; give a whole number, at least 1")
        if not callable(adversary):
            raise InputError(
                f"adversary: got {type(adversary).__name__}; give a function of (ego, deviator, observations, actions)"
            )
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0):
            raise InputError(f"seed: got {seed!r}; give a whole number, at least 0")
        self.ego, self.p, self.adversary, self.takeover_steps = ego, float(p), adversary, int(steps)
        self._rng = np.random.default_rng(seed)
        self._observations: dict[Any, Any] = {}
        self._taken: tuple[Any, int] = None, 0

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[Any, Any], dict[Any, dict[str, Any]]]:
        """Start an episode, in which nobody is taken over."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._taken = None, 0
        self._observations, infos = self.env.reset(seed=seed, options=options)
        return self._observations, self._told(infos, None)

    def step(self, actions: dict[Any, Any]) -> Stepped:
        """Play one step, in which somebody may be taken over."""
        draw, which = self._rng.random(2)
        who, left = self._taken
        others = [agent for agent in self.env.agents if agent != self.ego]
        if left == 0 and others and draw < self.p:
            who, left = others[int(which * len(others))], self.takeover_steps
        taken = who if left and who in self.env.agents else None
        if taken is not None:
            actions = dict(actions)
            actions[taken] = self._chosen(taken, actions)
        self._taken = who, max(left - 1, 0)
        self._observations, rewards, terminations, truncations, infos = self.env.step(actions)
        return self._observations, rewards, terminations, truncations, self._told(infos, taken)

    def _chosen(self, taken: Any, actions: dict[Any, Any]) -> Any:
        """Return what the adversary does."""
        action, space = self.adversary(self.ego, taken, self._observations, dict(actions)), self.action_space(taken)
        if not hasattr(space, "n") or np.ndim(space.n):
            return action
        if (found := _index(action, _choices(self.env, taken))) is None:
            raise InputError(f"adversary: got {str(action)[:40]} for {str(taken)!r}; give an action of {space}")
        return found

    def _told(self, infos: dict[Any, dict[str, Any]], taken: Any) -> dict[Any, dict[str, Any]]:
        return {agent: {**info, "takeover": taken} if agent == self.ego else info for agent, info in infos.items()}


class PowerCharge(BaseParallelWrapper):  # type: ignore[misc]  # PettingZoo has no types
    """Rewards less λ times the power that others hold: what PRIM learns from.

    Agent `i` pays for each of its actions. The charge is the sum over `j` of λ W_ij times what `j` can take: the value
    that `i` expects from the action, minus the value if `j` does its worst against `i`. The average charge over the
    actions of `i` is λ times the power over `i` in that state. With an exact critic the gradient is that of the
    objective. A charge for the state alone would teach nothing about the action taken there. The rewards are those of
    the form "penalty".

    Parameters
    ----------
    env : pettingzoo.ParallelEnv
    critic : callable
        ``critic(agent, observations, actions)`` returns what `agent` earns from here on, without charges. If
        it has a method ``learn(observations, actions, rewards, following, over)``, that is called after every step.
    objective : PowerObjective or number
        A number is λ.
    policies : mapping of callable, optional
        ``policies[agent](observation)`` returns probabilities of the agent's actions, or an action. Then both
        expectations are over the actions of `i` and of `j`. Without, they are those of the actions taken, which is
        right for policies that do not mix and charges too much for those that do.

    Raises
    ------
    InputError
        If an agent's actions are not `Discrete`, or something else does not fit.

    Notes
    -----
    ``infos[agent]["task"]`` is the reward without the charge, ``infos[agent]["charge"]`` the charge. Actions of others
    than `i` and `j` are those that were taken.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> def critic(agent, observations, actions):
    ...     return float(game.payoffs[(game.players.index(agent), *actions.values())])
    >>> env = pg.wrappers.PowerCharge(pg.to_pettingzoo(game), critic, 0.5)
    >>> _ = env.reset(seed=0)
    >>> env.step({"hunter 1": 0, "hunter 2": 0})[1]
    {'hunter 1': 2.0, 'hunter 2': 2.0}
    """

    def __init__(
        self,
        env: Any,
        critic: Critic,
        objective: AnyObjective,
        policies: Mapping[Any, Callable[[Any], Any]] | None = None,
    ) -> None:
        check_methods(env, "seed", "options")
        super().__init__(env)
        if not callable(critic):
            raise InputError(f"critic: got {type(critic).__name__}; give a function of (agent, observations, actions)")
        self.critic, self.policies = critic, policies
        self.objective = one_step_only(as_objective(objective), "the charge at a step is for power of one step")
        self._everybody = list(env.possible_agents)
        self._actions = {agent: _choices(env, agent) for agent in self._everybody}
        self._adversaries = _penalty(self.objective).adversaries(len(self._everybody))
        self._observations: dict[Any, Any] = {}

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[Any, Any], dict[Any, dict[str, Any]]]:
        """Start an episode."""
        self._observations, infos = self.env.reset(seed=seed, options=options)
        # TorchRL takes the keys of the first infos for those of all.
        return self._observations, {agent: {**info, "task": 0.0, "charge": 0.0} for agent, info in infos.items()}

    def step(self, actions: dict[Any, Any]) -> Stepped:
        """Play one step, and charge for power."""
        before, acting = self._observations, list(self.env.agents)
        for agent in acting:
            if _index(actions.get(agent), self._actions[agent]) is None:
                raise InputError(
                    f"step: got action {str(actions.get(agent))[:40]} of {str(agent)!r}; give one of "
                    f"{self.action_space(agent)}"
                )
        charges = {agent: self._charge(agent, acting, actions) for agent in acting}
        self._observations, rewards, terminations, truncations, infos = self.env.step(actions)
        if hasattr(self.critic, "learn"):
            over = {agent: bool(terminations.get(agent)) for agent in acting}
            self.critic.learn(before, actions, rewards, self._observations, over)
        told = {
            agent: {**info, "task": rewards[agent], "charge": charges.get(agent, 0.0)} for agent, info in infos.items()
        }
        charged = {agent: float(reward) - charges.get(agent, 0.0) for agent, reward in rewards.items()}
        return self._observations, charged, terminations, truncations, told

    def _charge(self, agent: Any, acting: list[Any], actions: Mapping[Any, Any]) -> float:
        """Return what an agent is charged for its action."""
        total = 0.0
        for adversary in self._adversaries[self._everybody.index(agent)]:
            losses = [
                self._loss(agent, other, actions)
                for other in (self._everybody[j] for j in adversary.players)
                if other in acting
            ]
            if losses:
                # An adversary of several players takes over the one by whom it does most harm on average.
                total += float(adversary.charge) * max(losses)[1]
        return total

    def _loss(self, agent: Any, other: Any, actions: Mapping[Any, Any]) -> tuple[float, float]:
        """Return what another one takes from an agent on average, and from the action that it took."""
        own, others = self._shares(agent, actions), self._shares(other, actions)
        table = np.array(
            [
                [self._value(agent, {**actions, agent: mine, other: theirs}) for theirs in self._actions[other]]
                if own[row] or mine == actions[agent]
                else np.zeros(len(others))
                for row, mine in enumerate(self._actions[agent])
            ]
        )
        worst = int(np.argmin(own @ table))
        taken = table[self._actions[agent].index(int(actions[agent]))]
        return float(own @ (table @ others - table[:, worst])), float(taken @ others - taken[worst])

    def _value(self, agent: Any, actions: Mapping[Any, Any]) -> float:
        given = self.critic(agent, self._observations, actions)
        if isinstance(given, float) and math.isfinite(given):
            return given
        value = as_array(given)
        if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value).all():
            raise InputError(f"critic: got {str(value)[:40]} for {str(agent)!r}; give a finite number")
        return float(value.item())

    def _shares(self, agent: Any, actions: Mapping[Any, Any]) -> np.ndarray:
        """Return with which probability an agent takes each action."""
        choices = self._actions[agent]
        if self.policies is None:
            return np.array([float(own == int(actions[agent])) for own in choices])
        if agent not in self.policies:
            raise InputError(f"policies: none of {str(agent)!r}; give one of each agent")
        given = as_array(self.policies[agent](self._observations[agent])).ravel()
        if given.size == 1 and (action := _index(given[0], choices)) is not None:
            return np.array([float(own == action) for own in choices])
        if given.size != len(choices) or given.dtype.kind not in "iuf" or not are_probabilities(given.tolist()):
            raise InputError(
                f"policies: got {str(given)[:60]} of {str(agent)!r}; give {len(choices)} probabilities that sum to 1, "
                "or an action"
            )
        return given.astype(np.float64)


def _penalty(objective: PowerObjective) -> PowerObjective:
    lam: Any = objective.exact_lam
    return PowerObjective(lam, objective.aggregate)


def _index(action: Any, choices: list[int]) -> int | None:
    """Return an action as a whole number; None if it is none of these."""
    given = as_array(action)
    if given.size != 1 or given.dtype.kind not in "iub" or int(given.item()) not in choices:
        return None
    return int(given.item())


def _choices(env: Any, agent: Any) -> list[int]:
    """Return the actions of an agent."""
    space = env.action_space(agent)
    if not hasattr(space, "n") or np.ndim(space.n):
        raise InputError(f"env: the actions of {str(agent)!r} are {str(space)[:60]}; give a Discrete space")
    start = int(getattr(space, "start", 0))
    return list(range(start, start + int(space.n)))


def random_adversary(env: Any, seed: int = 0) -> Adversary:
    """Return an adversary that acts at random.

    Parameters
    ----------
    env : pettingzoo.ParallelEnv
    seed : int, default 0

    Returns
    -------
    callable

    Examples
    --------
    >>> import powergames as pg
    >>> pg.wrappers.random_adversary(pg.to_pettingzoo(pg.load("stag_hunt")))("hunter 1", "hunter 2", {}, {}) in (0, 1)
    True
    """
    rng = np.random.default_rng(seed)
    choices = {agent: _choices(env, agent) for agent in env.possible_agents}
    return lambda ego, deviator, observations, actions: int(rng.choice(choices[deviator]))


def worst_action(env: Any, critic: Critic) -> Adversary:
    """Return the adversary that takes the action which a critic thinks is worst for ego, given what all others do.

    Parameters
    ----------
    env : pettingzoo.ParallelEnv
    critic : callable
        Ego's own: ``critic(agent, observations, actions)``.

    Returns
    -------
    callable

    Notes
    -----
    It knows the others' actions of this step, ego's too, which the adversary of the objective does not; where ego
    mixes, it does more harm than that one.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> def critic(agent, observations, actions):
    ...     return float(game.payoffs[(game.players.index(agent), *actions.values())])
    >>> adversary = pg.wrappers.worst_action(pg.to_pettingzoo(game), critic)
    >>> adversary("hunter 1", "hunter 2", {}, {"hunter 1": 0, "hunter 2": 0})
    1
    """
    choices = {agent: _choices(env, agent) for agent in env.possible_agents}

    def adversary(ego: Any, deviator: Any, observations: Mapping[Any, Any], actions: Mapping[Any, Any]) -> int:
        values = [critic(ego, observations, {**actions, deviator: own}) for own in choices[deviator]]
        return choices[deviator][int(np.argmin(values))]

    return adversary


class TabularCritic:
    """A critic that learns from play what each joint action is worth to each agent, by SARSA on joint observations.

    For environments of few observations. `PowerCharge` lets it learn; in a trainer of your own, call `learn` after each
    step.

    Parameters
    ----------
    discount : float
    rate : float, default 0.1
        How far a value moves towards what was seen; the first few times further, to the mean.

    Examples
    --------
    >>> import powergames as pg
    >>> critic = pg.wrappers.TabularCritic(0.5)
    >>> env = pg.wrappers.PowerCharge(pg.to_pettingzoo(pg.load("stag_hunt")), critic, 0.5)
    >>> observations, _ = env.reset(seed=0)
    >>> for _ in range(90):
    ...     _ = env.step({"hunter 1": 0, "hunter 2": 0})
    >>> round(critic("hunter 1", observations, {"hunter 1": 0, "hunter 2": 0}), 1)
    8.0
    """

    def __init__(self, discount: float, rate: float = 0.1) -> None:
        if not isinstance(discount, float | int | np.number) or not 0 <= discount < 1:
            raise InputError(f"discount: got {discount!r}; give a number in [0, 1)")
        if not isinstance(rate, float | int | np.number) or not 0 < rate <= 1:
            raise InputError(f"rate: got {rate!r}; give a number above 0, at most 1")
        self.discount, self.rate = discount, rate
        self._values: dict[Hashable, float] = {}
        self._visits: dict[Hashable, int] = {}
        self._last: tuple[list[tuple[tuple[Any, Hashable], float]], Mapping[Any, Any]] | None = None

    def __call__(self, agent: Any, observations: Mapping[Any, Any], actions: Mapping[Any, Any]) -> float:
        """Return what an agent earns from here on if all play a joint action; 0 where it was never seen."""
        return self._values.get(self._key(agent, observations, actions), 0.0)

    def learn(
        self,
        observations: Mapping[Any, Any],
        actions: Mapping[Any, Any],
        rewards: Mapping[Any, float],
        following: Mapping[Any, Any],
        over: Mapping[Any, bool],
    ) -> None:
        """Learn from one step.

        Parameters
        ----------
        observations, actions, rewards : mapping
            By agent.
        following : mapping
            What all observe after the step.
        over : mapping of bool
            Whether an agent was terminated, after which it earns nothing.
        """
        # The step before ends where this one begins; only now is it known what was done there.
        if self._last is not None and self._last[1] is observations:
            for (agent, key), reward in self._last[0]:
                self._move(key, reward + self.discount * self(agent, observations, actions))
        self._last = [], following
        for agent, reward in rewards.items():
            key = self._key(agent, observations, actions)
            if over.get(agent):
                self._move(key, float(reward))
            else:
                self._last[0].append(((agent, key), float(reward)))

    def _key(self, agent: Any, observations: Mapping[Any, Any], actions: Mapping[Any, Any]) -> Hashable:
        return agent, flat(observations), tuple(sorted((str(own), int(action)) for own, action in actions.items()))

    def _move(self, key: Hashable, target: float) -> None:
        visits = self._visits[key] = self._visits.get(key, 0) + 1
        value = self._values.get(key, 0.0)
        self._values[key] = value + max(self.rate, 1.0 / visits) * (target - value)
