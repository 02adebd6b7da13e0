"""PRIM in TorchRL: a shared PPO in an environment whose rewards are charged for power.

Needs ``pip install 'powergames[pettingzoo]' torchrl``. Tried with TorchRL 0.14.1 and PyTorch 2.14.1.
"""

import sys

import numpy as np
import torch
from tensordict.nn import TensorDictModule
from torchrl.collectors import Collector
from torchrl.envs.libs.pettingzoo import PettingZooWrapper
from torchrl.modules import MLP, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss, ValueEstimators

import powergames as pg

STEPS, LAM = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, 0.3
torch.manual_seed(0)
torch.set_num_threads(1)
game = pg.load("reputation_stag_hunt:bonus=1.5")
gamma, n = float(game.discounts[0]), game.n_states
SEEN, ACTION, LOGITS = ("all", "observation"), ("all", "action"), ("all", "logits")
scores, worth = MLP(n, 2, num_cells=[32]), MLP(n, 1, num_cells=[32])


def policy(seen: np.ndarray) -> np.ndarray:
    """Return the network's probabilities."""
    with torch.no_grad():
        return torch.softmax(scores(torch.as_tensor(np.asarray(seen, np.float32))), -1).numpy()


policies = dict.fromkeys(game.players, policy)
charged = pg.wrappers.PowerCharge(pg.to_pettingzoo(game, max_steps=32), pg.wrappers.TabularCritic(gamma), LAM, policies)
env = PettingZooWrapper(charged, group_map={"all": list(game.players)}, categorical_actions=True, use_mask=False)
actor = ProbabilisticActor(
    TensorDictModule(scores, [SEEN], [LOGITS]),
    in_keys={"logits": LOGITS},
    out_keys=[ACTION],
    distribution_class=torch.distributions.Categorical,
    return_log_prob=True,
    log_prob_key=("all", "log_prob"),
)
loss = ClipPPOLoss(actor, ValueOperator(worth, in_keys=[SEEN], out_keys=[("all", "state_value")]), entropy_coeff=0.01)
keys = {"reward": "reward", "action": "action", "value": "state_value", "done": "done", "terminated": "terminated"}
loss.set_keys(sample_log_prob=("all", "log_prob"), **{name: ("all", own) for name, own in keys.items()})
loss.make_value_estimator(ValueEstimators.GAE, gamma=gamma, lmbda=0.9)
optimizer = torch.optim.Adam(loss.parameters(), 0.003)
for batch in Collector(env, actor, frames_per_batch=128, total_frames=max(128, STEPS // 128 * 128)):
    for _ in range(4):
        with torch.no_grad():
            loss.value_estimator(
                batch, params=loss.critic_network_params, target_params=loss.target_critic_network_params
            )
        found = loss(batch)
        optimizer.zero_grad()
        (found["loss_objective"] + 0.01 * found["loss_critic"] + found["loss_entropy"]).backward()
        optimizer.step()
print(pg.sampled_audit(pg.to_pettingzoo(game), policies, LAM, episodes=500))
