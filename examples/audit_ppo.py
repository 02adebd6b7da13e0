"""Train independent learners of Stable-Baselines3 by PPO, check exactly what they have learned, and compare.

Every player has a PPO learner with a network of its own. They take turns: one learns from its own rewards for a batch
of steps, while the others act by the policies that they had when the round began. Then the networks are audited as
functions of the state. The other rows are the tabular learners of `pg.train`, with the steps that they take by default.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from stable_baselines3 import PPO

import powergames as pg

# In the first, trust is worth so much that who looks at rewards alone hunts stag. In the second, equilibria mix.
GAMES = ("reputation_stag_hunt:bonus=1.5", "random_stochastic")
OBJECTIVES = {
    "λ = 0": pg.PowerObjective(),
    "0.3 penalty": pg.PowerObjective(0.3),
    "0.3 adversarial": pg.PowerObjective(0.3, form="adversarial"),
}

# Steps of a turn, and of an episode.
BATCH, EPISODE = 256, 32

Policy = Callable[[int], np.ndarray]


class Seat(gymnasium.Env):
    """A game as one player sees it: whoever else plays acts by ``tables[j][s]``, their probabilities in each state."""

    def __init__(self, game: pg.StochasticGame, player: int, tables: list[np.ndarray], seed: int) -> None:
        self.env = pg.to_pettingzoo(game, max_steps=EPISODE)
        self.me = self.env.possible_agents[player]
        self.observation_space = self.env.observation_space(self.me)
        self.action_space = self.env.action_space(self.me)
        self.tables, self.state = tables, 0
        self.rng = np.random.default_rng((seed, player))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begin in any state, because the audit judges policies in every state."""
        self.state = int(self.rng.integers(self.env.game.n_states))
        seen, infos = self.env.reset(seed=int(self.rng.integers(2**31)), options={"state": self.state})
        return seen[self.me], infos[self.me]

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Play one step, with actions drawn for the others."""
        actions = {
            agent: self.rng.choice(len(table[self.state]), p=table[self.state])
            for agent, table in zip(self.env.possible_agents, self.tables, strict=True)
        }
        seen, reward, terminated, truncated, info = (
            answer[self.me] for answer in self.env.step(actions | {self.me: action})
        )
        self.state = info["state"]
        return seen, reward, terminated, truncated, info


def policy_of(model: PPO) -> Policy:
    """Return what a network plays, as a function from the index of a state to probabilities."""

    def policy(state: int) -> np.ndarray:
        seen = torch.eye(model.observation_space.shape[0])[[state]]
        with torch.no_grad():
            probabilities = model.policy.get_distribution(seen).distribution.probs[0].double().numpy()
        # The sum of single precision is not close enough to 1 to draw from.
        return probabilities / probabilities.sum()

    return policy


def train_ppo(game: pg.StochasticGame, steps: int, seed: int) -> list[Policy]:
    """Train one PPO learner per player, each for a number of steps, and return their policies."""
    tables: list[np.ndarray] = []
    models = [
        PPO(
            "MlpPolicy",
            Seat(game, player, tables, seed),
            n_steps=BATCH,
            gamma=float(game.discounts[player]),
            seed=seed + player,
            device="cpu",
        )
        for player in range(game.n_players)
    ]
    policies = [policy_of(model) for model in models]
    for _ in range(0, steps, BATCH):
        tables[:] = [np.array([policy(state) for state in range(game.n_states)]) for policy in policies]
        for model in models:
            model.learn(BATCH, reset_num_timesteps=False)
    return policies


def cells(game: pg.StochasticGame, policies: Any) -> list[str]:
    """Audit policies under each objective, and return means over players, and largest regrets."""
    reports = [pg.audit(game, policies, objective) for objective in OBJECTIVES.values()]
    first = reports[0]
    power = first.objective.aggregate_power(first.occupancy_power)
    worst = [first.worst[f"adversarial {how}"] for how in ("for one step", "for ever")]
    regrets = [report.certificate.scaled_regrets.max() for report in reports]
    verdicts = ["passed" if report.passed else "FAILED" for report in reports]
    return [f"{np.mean(values):.2f}" for values in (first.start_task, power, *worst)] + [
        f"{regret:.2%} {verdict}" for regret, verdict in zip(regrets, verdicts, strict=True)
    ]


def main() -> None:
    """Print a table for each game."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000, help="steps of each PPO learner (20,000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in GAMES:
        game = pg.load(name)
        table = Table("learner", "return", "power", "one step", "for ever", *OBJECTIVES, title=name)
        networks = train_ppo(game, options.steps, options.seed)
        table.add_row("ppo", *cells(game, networks))
        for algorithm in ("task", "prim", "sbpr"):
            run = pg.train(game, pg.PowerObjective(0.3), algorithm=algorithm, seed=options.seed)
            table.add_row(algorithm, *cells(game, run.policies))
        Console(width=110).print(table)
        best = pg.audit(game, networks, pg.PowerObjective()).best_deviation
        if best is not None:
            print(
                f"{game.players[best.player]} gains {best.gain:.2f} from {game.states[best.state]!r} on by leaving ppo."
            )


if __name__ == "__main__":
    main()
