"""PRIM in a PPO of one file, in the manner of CleanRL: the reward that learners see is charged for power.

Needs ``pip install 'powergames[ppo]'``. Tried with PyTorch 2.14.1.
"""

import sys

import torch
from torch.distributions import Categorical

import powergames as pg

ROUNDS, LENGTH = (int(sys.argv[1]) if len(sys.argv) > 1 else 20_000) // 128, 128
torch.manual_seed(0)
torch.set_num_threads(1)
game = pg.load("reputation_stag_hunt:bonus=1.5")
gamma, n = float(game.discounts[0]), game.n_states


def network(size: int) -> torch.nn.Module:
    """Return a small network."""
    return torch.nn.Sequential(torch.nn.Linear(n, 32), torch.nn.Tanh(), torch.nn.Linear(32, size))


env = pg.to_pettingzoo(game, max_steps=LENGTH)
actors = {agent: network(2) for agent in env.possible_agents}
values = {agent: network(1) for agent in env.possible_agents}
policies = {a: (lambda seen, a=a: torch.softmax(actors[a](torch.as_tensor(seen)), -1).detach()) for a in actors}
env = pg.wrappers.PowerCharge(env, pg.wrappers.TabularCritic(gamma), 0.3, policies)
optimizers = {a: torch.optim.Adam([*actors[a].parameters(), *values[a].parameters()], 0.01) for a in actors}
for _ in range(ROUNDS):
    seen, _ = env.reset()
    history: dict = {agent: [] for agent in actors}
    while env.agents:
        now = {a: torch.as_tensor(seen[a]) for a in actors}
        chosen = {a: Categorical(logits=actors[a](now[a])).sample() for a in actors}
        seen, rewards, *_ = env.step({a: int(action) for a, action in chosen.items()})
        for a in actors:
            history[a].append((now[a], chosen[a], rewards[a]))
    for a, optimizer in optimizers.items():
        states, acts, paid = torch.stack([s for s, _, _ in history[a]]), torch.stack([b for _, b, _ in history[a]]), []
        after = values[a](torch.as_tensor(seen[a])).item()
        for _, _, reward in reversed(history[a]):
            after = reward + gamma * after
            paid.insert(0, after)
        returns = torch.tensor(paid, dtype=torch.float32)
        old = Categorical(logits=actors[a](states)).log_prob(acts).detach()
        for _ in range(4):
            spread = Categorical(logits=actors[a](states))
            ratio, value = (spread.log_prob(acts) - old).exp(), values[a](states)[:, 0]
            gain = returns - value.detach()
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            loss = -torch.min(ratio * gain, ratio.clamp(0.8, 1.2) * gain).mean() - 0.01 * spread.entropy().mean()
            optimizer.zero_grad()
            (loss + 0.5 * ((value - returns) / 10).pow(2).mean()).backward()
            optimizer.step()
print(pg.sampled_audit(pg.to_pettingzoo(game), policies, 0.3, episodes=500))
