"""SBPR with Stable-Baselines3: each hunter learns where an adversary sometimes takes over the other one.

Needs ``pip install 'powergames[ppo]'``. Tried with Stable-Baselines3 2.9.2 and PyTorch 2.14.1.
"""

import sys

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO

import powergames as pg

STEPS, P = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, 0.3
game = pg.load("reputation_stag_hunt:bonus=1.5")
players, gamma = game.players, float(game.discounts[0])


class Seat(gymnasium.Env):
    """What one player sees of an environment in which all others act by their networks."""

    def __init__(self, ego: str, others: dict) -> None:
        env = pg.to_pettingzoo(game, max_steps=32)
        self.env = pg.wrappers.AdversarialTakeover(env, ego, P, pg.wrappers.worst_action(env, critic_of(env)))
        self.ego, self.others, self.seen = ego, others, {}
        self.observation_space, self.action_space = env.observation_space(ego), env.action_space(ego)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple:  # noqa: D102
        self.seen, infos = self.env.reset(seed=seed)
        return self.seen[self.ego], infos[self.ego]

    def step(self, action: int) -> tuple:  # noqa: D102
        actions = {a: int(self.others[a].predict(self.seen[a])[0]) for a in self.env.agents if a != self.ego}
        self.seen, *answers = self.env.step(actions | {self.ego: int(action)})
        return self.seen[self.ego], *(answer[self.ego] for answer in answers)


def critic_of(env: object) -> pg.wrappers.Critic:
    """Return what ego earns next: here rewards alone decide what harms most; else learn a critic of joint actions."""
    return lambda agent, seen, actions: game.rewards[
        players.index(agent), int(seen[agent].argmax()) * 4 + actions[players[0]] * 2 + actions[players[1]]
    ]


def policy_of(model: PPO) -> object:
    """Return a network as a function from the observation to probabilities."""
    return lambda seen: model.policy.get_distribution(torch.as_tensor(seen)[None]).distribution.probs[0]


torch.set_num_threads(1)
models: dict = {}
for agent in players:
    models[agent] = PPO("MlpPolicy", Seat(agent, models), n_steps=256, gamma=gamma, seed=0, device="cpu")
for _ in range(0, STEPS, 256):
    for model in models.values():
        model.learn(256, reset_num_timesteps=False)
report = pg.sampled_audit(pg.to_pettingzoo(game), [policy_of(models[a]) for a in players], P, episodes=500)
print(report, np.round([report.power.low, report.power.high], 2).tolist())
