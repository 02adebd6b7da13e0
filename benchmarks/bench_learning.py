"""Steps of learning per second of one core, warm.

Run ``python benchmarks/bench_learning.py`` (``--games`` for others, ``--steps`` for longer runs). A step of one player
counts as one. The time is that of the processor, so that other programs on the machine count less; the best of several
runs is shown, and the median.
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import statistics
import time

import powergames as pg

GAMES = (
    "random_stochastic:players=2,states=10,actions=3",
    "random_stochastic:players=2,states=10,actions=2",
    "random_stochastic:players=3,states=10,actions=3",
    "rock_paper_scissors",
)


def speeds(game: pg.NormalFormGame | pg.StochasticGame, algorithm: str, steps: int, repeats: int) -> list[float]:
    """Return millions of steps of single players per second, one number for each run."""
    from powergames.kernels.learning import train
    from powergames.learning.initial_state import learners_of, rivals_of, simulator_of, workspace_of
    from powergames.learning.parameters import FORMS, Parameters

    form = FORMS[algorithm]
    objective = pg.PowerObjective(0.0 if algorithm == "task" else 0.3, form=form)
    schedule = Parameters(
        steps * repeats, rate=(0.03, 0.001), temperature=(0.3, 0.01), critic_rate=(0.1, 0.01)
    ).schedule()
    simulator = simulator_of(game)
    rivals = rivals_of(objective, simulator.n_actions)
    learners = learners_of(simulator, rivals, 0)
    workspace = workspace_of(learners)
    train(simulator, rivals, learners, workspace, schedule, form == "adversarial", 10)
    found = []
    for _ in range(repeats):
        start = time.process_time()
        train(simulator, rivals, learners, workspace, schedule, form == "adversarial", steps)
        found.append(steps * game.n_players / (time.process_time() - start) / 1e6)
    return found


def main() -> None:
    """Measure all algorithms on some games."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", nargs="+", default=GAMES)
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    for name in arguments.games:
        game = pg.load(name)
        for algorithm in ("task", "prim", "sbpr"):
            found = speeds(game, algorithm, arguments.steps, arguments.repeats)
            print(
                f"{name:<50} {algorithm:<5} best {max(found):>5.1f}, median {statistics.median(found):>5.1f} million/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
