"""SBPR in Gymnasium's vector API: several copies of a seat at once, and a policy gradient in NumPy.

Needs ``pip install 'powergames[pettingzoo]'``. Tried with Gymnasium 1.4.0.
"""

import sys

import gymnasium
import numpy as np

import powergames as pg

STEPS, COPIES, P = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, 8, 0.3
game = pg.load("reputation_stag_hunt:bonus=1.5")
players, gamma, rng = game.players, float(game.discounts[0]), np.random.default_rng(0)
scores = {player: np.zeros((game.n_states, 2)) for player in players}


def shares(player: str, seen: np.ndarray) -> np.ndarray:
    """Return a player's probabilities of actions, for one observation or for many."""
    grown = np.exp(np.asarray(seen) @ scores[player])
    return grown / grown.sum(axis=-1, keepdims=True)


class Seat(gymnasium.Env):
    """What one player sees of an environment in which the others follow their policies."""

    def __init__(self, ego: str) -> None:
        env = pg.to_pettingzoo(game, max_steps=32)
        self.env = pg.wrappers.AdversarialTakeover(env, ego, P, pg.wrappers.random_adversary(env))
        self.ego, self.seen = ego, {}
        self.observation_space, self.action_space = env.observation_space(ego), env.action_space(ego)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple:  # noqa: D102
        self.seen, infos = self.env.reset(seed=seed)
        return self.seen[self.ego], infos[self.ego]

    def step(self, action: int) -> tuple:  # noqa: D102
        actions = {a: int(rng.random() < shares(a, self.seen[a])[1]) for a in self.env.agents if a != self.ego}
        self.seen, *answers = self.env.step(actions | {self.ego: int(action)})
        return self.seen[self.ego], *(answer[self.ego] for answer in answers)


vectors = {player: gymnasium.vector.SyncVectorEnv([lambda player=player: Seat(player)] * COPIES) for player in players}
for player in (player for _ in range(max(1, STEPS // (32 * COPIES))) for player in players):
    seen, _ = vectors[player].reset(seed=int(rng.integers(2**31)))
    told, earned = [], []
    for _ in range(32):
        actions = (rng.random(COPIES) < shares(player, seen)[:, 1]).astype(int)
        told.append((seen, actions))
        seen, rewards, *_ = vectors[player].step(actions)
        earned.append(rewards)
    returns = np.array([sum(gamma**k * own for k, own in enumerate(earned[t:])) for t in range(32)])
    for (own, actions), gains in zip(told, returns - returns.mean(axis=1, keepdims=True), strict=True):
        scores[player] += 0.02 / COPIES * own.T @ ((np.eye(2)[actions] - shares(player, own)) * gains[:, None])
policies = {player: lambda seen, player=player: shares(player, seen) for player in players}
print(pg.sampled_audit(pg.to_pettingzoo(game), policies, P, episodes=500))
