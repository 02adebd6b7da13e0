"""An environment of JaxMARL as one of PettingZoo: audited here by sampling, and ready for the wrappers.

Needs ``pip install 'powergames[pettingzoo]' jaxmarl``. Tried with JaxMARL 0.2.0 and JAX 0.10.2.
"""

import sys

import jax
import jaxmarl
import numpy as np
from gymnasium.spaces import Box, Discrete

import powergames as pg

EPISODES = 32 if len(sys.argv) > 1 else 64


class FromJaxMarl:
    """JaxMARL's functions ``reset(key)`` and ``step_env(key, state, actions)`` as a ParallelEnv with a state."""

    def __init__(self, env: object, max_steps: int | None = None) -> None:
        self.env, self.max_steps, self.clock = env, max_steps, 0
        self.possible_agents, self.agents, self.key, self.state = list(env.agents), [], jax.random.key(0), None
        self._reset, self._step, self._split = map(jax.jit, (env.reset, env.step_env, jax.random.split))

    def action_space(self, agent: str) -> Discrete:  # noqa: D102
        return Discrete(int(self.env.action_space(agent).n))

    def observation_space(self, agent: str) -> Box:  # noqa: D102
        return Box(-np.inf, np.inf, self.env.observation_space(agent).shape)

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple:  # noqa: D102
        self.key = self.key if seed is None else jax.random.key(seed)
        self.key, now = self._split(self.key)
        seen, self.state = self._reset(now)
        self.agents, self.clock = list(self.possible_agents), 0
        return jax.device_get(seen), {agent: {} for agent in self.agents}

    def step(self, actions: dict) -> tuple:  # noqa: D102
        self.key, now = self._split(self.key)
        seen, self.state, rewards, over, _ = jax.device_get(self._step(now, self.state, actions))
        self.clock += 1
        told, cut = self.agents, self.clock == self.max_steps
        self.agents = [] if over["__all__"] or cut else told
        ends = {agent: bool(over[agent]) for agent in told}, dict.fromkeys(told, cut)
        return seen, {agent: float(rewards[agent]) for agent in told}, *ends, {agent: {} for agent in told}

    def get_state(self) -> tuple:  # noqa: D102
        return jax.device_get(self.state), self.clock

    def set_state(self, state: tuple) -> None:  # noqa: D102
        self.state, self.clock = state


env = FromJaxMarl(jaxmarl.make("MPE_simple_tag_v3"))
policies = dict.fromkeys(env.possible_agents, lambda seen: np.full(5, 0.2))
options = {"horizon": 4, "attacks": False, "reseed": lambda env, seed: setattr(env, "key", jax.random.key(seed))}
print(pg.sampled_audit(env, policies, discount=0.5, episodes=EPISODES, **options))
