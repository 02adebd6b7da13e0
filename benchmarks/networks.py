"""Networks at a kitchen: time to the first step of learning, steps per second, seeds at once, and the return reached.

Run ``python benchmarks/networks.py`` (``--steps`` for a longer run, ``--seeds 10`` for many at once). Start it anew for
each measurement of the first step: what a process has compiled it keeps.
"""

from __future__ import annotations

import time

BEGUN = time.perf_counter()

import argparse  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

import powergames as pg  # noqa: E402

if TYPE_CHECKING:
    from powergames.learning.networks.training import NetworkLearners


def rate(learners: NetworkLearners, rollouts: int) -> float:
    """Return steps of all environments per second of wall time."""
    start = time.perf_counter()
    learners.advance(rollouts)
    return rollouts * learners.unit / (time.perf_counter() - start)


def main() -> None:
    """Measure one game."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="overcooked:shared_pot")
    parser.add_argument("--algorithm", default="task")
    parser.add_argument("--lam", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=500_000)
    parser.add_argument("--seeds", type=int, default=0)
    arguments = parser.parse_args()
    game = pg.load(arguments.game)
    from powergames.learning.networks.parameters import NetworkParameters
    from powergames.learning.networks.training import NetworkLearners
    from powergames.learning.parameters import FORMS

    lam = 0.0 if arguments.algorithm == "task" else arguments.lam
    objective = pg.PowerObjective(lam, form=FORMS[arguments.algorithm])
    parameters = NetworkParameters(steps=arguments.steps)
    learners = NetworkLearners(game, arguments.algorithm, [(objective, 0)], parameters)
    learners.advance(1)
    print(f"first step of learning after {time.perf_counter() - BEGUN:.1f} s")
    single = rate(learners, 20)
    print(f"one run: {single:,.0f} steps per second")
    if arguments.seeds:
        members = [(objective, seed) for seed in range(arguments.seeds)]
        many = rate(NetworkLearners(game, arguments.algorithm, members, parameters), 10)
        print(f"{arguments.seeds} runs at once: {arguments.seeds * many:,.0f} steps per second, of all together")
    learners.advance(learners.total - learners.clock)
    (policies,) = learners.policies()
    task = pg.evaluate(game, policies, objective).start_task
    print(f"return after {learners.clock * learners.unit:,} steps: {', '.join(f'{value:.3f}' for value in task)}")


if __name__ == "__main__":
    main()
