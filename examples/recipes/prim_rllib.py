"""PRIM in RLlib: a shared PPO in an environment whose rewards are charged for power.

Needs ``pip install 'powergames[pettingzoo]' 'ray[rllib]' torch``. Tried with Ray 2.60.0 and PyTorch 2.14.1.
"""

import sys

import numpy as np
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.tune.registry import register_env

import powergames as pg

STEPS, LAM = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, 0.3
torch.set_num_threads(1)
game = pg.load("reputation_stag_hunt:bonus=1.5")
gamma = float(game.discounts[0])


def charged(_: dict) -> ParallelPettingZooEnv:
    """Return the environment, whose policies are handed out later."""
    env = pg.to_pettingzoo(game, max_steps=32)
    return ParallelPettingZooEnv(pg.wrappers.PowerCharge(env, pg.wrappers.TabularCritic(gamma), LAM, {}))


def policies_of(module: object) -> dict:
    """Return the network as everybody's policy."""

    def policy(seen: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            found = module.forward_inference({"obs": torch.as_tensor(np.asarray(seen, np.float32))[None]})
        return torch.softmax(found["action_dist_inputs"][0], -1).numpy()

    return dict.fromkeys(game.players, policy)


def hand_out(runner: object) -> None:
    """Let the environments of a worker charge for the worker's own network."""
    for env in runner.env.unwrapped.envs:
        env.unwrapped.par_env.policies = policies_of(runner.module["all"])


register_env("charged", charged)
config = (
    PPOConfig()
    .environment("charged", disable_env_checking=True)
    .multi_agent(policies={"all"}, policy_mapping_fn=lambda agent, *args, **kwargs: "all")
    .env_runners(num_env_runners=0)  # or as many as there are processors
    .training(gamma=gamma, train_batch_size=256, minibatch_size=128, num_epochs=4, lr=0.003, entropy_coeff=0.01)
    .debugging(seed=0)
)
algorithm = config.build_algo()
algorithm.env_runner_group.foreach_env_runner(hand_out)
for _ in range(max(1, STEPS // 256)):
    algorithm.train()
policies = policies_of(algorithm.get_module("all"))
print(pg.sampled_audit(pg.to_pettingzoo(game), policies, LAM, episodes=500))
