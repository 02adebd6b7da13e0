"""PRIM in vectorized environments: SuperSuit, and one network of Stable-Baselines3 for all players.

Needs ``pip install 'powergames[ppo]' supersuit``. Tried with SuperSuit 3.11.0 and Stable-Baselines3 2.9.2.
"""

import sys

import numpy as np
import torch
from stable_baselines3 import PPO
from supersuit import pettingzoo_env_to_vec_env_v1
from supersuit.vector import ConcatVecEnv
from supersuit.vector.sb3_vector_wrapper import SB3VecEnvWrapper

import powergames as pg

STEPS, COPIES, LAM = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000, 4, 0.3
torch.set_num_threads(1)
game = pg.load("reputation_stag_hunt:bonus=1.5")
gamma = float(game.discounts[0])
policies: dict = {}


def copy() -> object:
    """Return the environment of all players as a vector; all copies share the policies, each learns a critic."""
    env = pg.wrappers.PowerCharge(pg.to_pettingzoo(game, max_steps=32), pg.wrappers.TabularCritic(gamma), LAM, policies)
    return pettingzoo_env_to_vec_env_v1(env)


# Not concat_vec_envs_v1: it would copy `policies`, and the copies would stay empty. And no seed= for PPO, which would
# call a method `seed` that SuperSuit's vector lacks.
torch.manual_seed(0)
first = copy()
vector = SB3VecEnvWrapper(ConcatVecEnv([copy] * COPIES, first.observation_space, first.action_space))
model = PPO("MlpPolicy", vector, n_steps=64, batch_size=128, gamma=gamma, ent_coef=0.01, device="cpu")


def policy(seen: np.ndarray) -> np.ndarray:
    """Return the network's probabilities."""
    with torch.no_grad():
        return model.policy.get_distribution(torch.as_tensor(seen)[None]).distribution.probs[0].numpy()


policies.update(dict.fromkeys(game.players, policy))
model.learn(STEPS)
report = pg.sampled_audit(pg.to_pettingzoo(game), policies, LAM, episodes=500)
print(report, np.round([report.power.low, report.power.high], 2).tolist())
