"""Networks of powergames and the PPO of Stable-Baselines3 in the same kitchen: return and time side by side.

Run ``python benchmarks/networks_against_ppo.py``; it needs ``pip install 'powergames[deep,ppo]'``. Both learn from
rewards alone, with the same observations, discount, layers and number of steps. Both begin anew every 32 steps or so,
half of the time anywhere; ours plays in 128 copies of the kitchen, PPO in 64. With ``--ours`` and ``--ppo`` only one
side learns.

The PPO's chefs share one network, as is usual, and see which one they are; its other parameters are the defaults of
Stable-Baselines3, but for batches as large as ours and some entropy, without which it learns less. Policies are judged
from the tables of the game: exactly, and both in the same way. Processor time is that of one core.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time
from typing import Any

import numpy as np

import powergames as pg

COPIES, LENGTH, HIDDEN = 64, 32, 128


def seen(game: pg.StochasticGame) -> np.ndarray:
    """Return what networks of powergames see in each state, shape (S, D)."""
    from powergames.learning.networks.observations import observations_of

    table, columns = observations_of(game)
    return (table[:, columns[0]] == columns[1]).astype(np.float32)


def ppo(game: pg.StochasticGame, steps: int, seed: int) -> list[np.ndarray]:
    """Train one network for both chefs, and return what each does in all states."""
    import gymnasium
    import torch
    from stable_baselines3 import PPO
    from vectors import PlainVector

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    n, columns, follow = game.n_players, seen(game), game.indices
    assert len(follow) == game.n_rows, "play in a kitchen is without chance"
    marks = np.eye(n, dtype=np.float32)
    widths = game.n_actions.max(axis=0)

    class Kitchens(PlainVector):
        """Copies of the kitchen; each chef in each is one environment. Half of the episodes begin anywhere."""

        def __init__(self) -> None:
            self.rng, self.actions = np.random.default_rng(seed), np.zeros((COPIES, n), dtype=int)
            size = gymnasium.spaces.Box(0.0, 1.0, (columns.shape[1] + n,))
            super().__init__(n * COPIES, size, gymnasium.spaces.Discrete(int(widths[0])))

        def begun(self) -> np.ndarray:
            first = self.rng.choice(game.n_states, COPIES, p=game.start)
            anywhere = self.rng.integers(game.n_states, size=COPIES)
            return np.where(self.rng.random(COPIES) < 0.5, first, anywhere)

        def reset(self) -> np.ndarray:
            self.states, self.left = self.begun(), self.rng.integers(1, LENGTH + 1, COPIES)
            return self.look(self.states)

        def look(self, states: np.ndarray) -> np.ndarray:
            both = [np.concatenate([columns[states], np.tile(mark, (COPIES, 1))], axis=1) for mark in marks]
            return np.stack(both, axis=1).reshape(n * COPIES, -1)

        def step_async(self, actions: np.ndarray) -> None:
            self.actions = actions.reshape(COPIES, n)

        def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
            rows = game.row_starts[self.states] + self.actions[:, 0] * widths[1] + self.actions[:, 1]
            rewards, after = game.rewards[:, rows].T.reshape(-1).astype(np.float32), follow[rows]
            self.left = self.left - 1
            over = self.left == 0
            last = self.look(after)
            self.states = np.where(over, self.begun(), after)
            self.left[over] = LENGTH
            ended = np.repeat(over, n)
            infos = [
                {"terminal_observation": last[k], "TimeLimit.truncated": True} if ended[k] else {}
                for k in range(n * COPIES)
            ]
            return self.look(self.states), rewards, ended, infos

    model = PPO(
        "MlpPolicy",
        Kitchens(),
        n_steps=16,
        batch_size=512,
        gamma=float(game.discounts[0]),
        ent_coef=0.01,
        policy_kwargs={"net_arch": [HIDDEN, HIDDEN]},
        seed=seed,
        device="cpu",
    )
    model.learn(n * steps)
    found = []
    for mark in marks:
        inputs = np.concatenate([columns, np.tile(mark, (game.n_states, 1))], axis=1)
        with torch.no_grad():
            shares = model.policy.get_distribution(torch.as_tensor(inputs)).distribution.probs.numpy().astype(float)
        found.append(shares / shares.sum(axis=1, keepdims=True))
    return found


def ours(game: pg.StochasticGame, steps: int, seed: int) -> Any:
    """Train networks of powergames, and return what the chefs do in all states."""
    run = pg.train(game, 0, algorithm="task", policy="network", steps=steps, seed=seed, history=1, progress=False)
    return run.profile


def main() -> None:
    """Print a line for each seed of each side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kitchen", default="shared_pot")
    parser.add_argument("--steps", type=int, default=400_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ours", action="store_true", help="leave Stable-Baselines3 out")
    parser.add_argument("--ppo", action="store_true", help="leave powergames out")
    options = parser.parse_args()
    game = pg.load(f"overcooked:{options.kitchen}")
    assert isinstance(game, pg.StochasticGame), "the tables of so large a kitchen are not written out"
    best = float(pg.team_optimum(game, pg.PowerObjective(1e-4)).evaluation.start_task.mean())
    print(f"{options.kitchen}, {options.steps:,} steps, team optimum {best:.3f}")
    sides = {"powergames": ours, "Stable-Baselines3": ppo}
    for name, train in sides.items():
        if (options.ours and train is ppo) or (options.ppo and train is ours):
            continue
        for seed in range(options.seeds):
            began = time.process_time()
            profile = train(game, options.steps, seed)
            seconds = time.process_time() - began
            got = float(pg.evaluate(game, profile).start_task.mean())
            print(
                f"{name:<18} seed {seed}   return {got:.3f}   {100 * got / best:3.0f} % of the optimum   "
                f"{seconds:5.0f} s   {options.steps / seconds:8,.0f} steps/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
