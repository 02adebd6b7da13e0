"""Time to audit policies of large sparse stochastic games, and where it goes.

Run ``python benchmarks/bench_audit.py`` (``--sizes 2x10000x6`` for some of the sizes, players x states x actions;
``--successors 3`` for other numbers of successors per joint action, ``--discount 0.95``). Profiles are drawn from the
simplex (dense: every joint action has some probability, and nearly all states need a mixed best response), pure, or
uniform. One thread, warm: a small game is audited first. Times are processor times.
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import powergames as pg
from powergames.auditing import off_policy
from powergames.games.catalog.stochastic import random_sparse

SIZES = ("2x1000x6", "2x10000x6", "3x10000x4")
PROFILES: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "dense": lambda rng, states, actions: rng.dirichlet(np.ones(actions), size=states),
    "pure": lambda rng, states, actions: np.eye(actions)[rng.integers(actions, size=states)],
    "uniform": lambda rng, states, actions: np.full((states, actions), 1.0 / actions),
}
OBJECTIVES = (
    pg.PowerObjective(0.0),
    pg.PowerObjective(0.3),
    pg.PowerObjective(0.3, form="adversarial"),
    pg.PowerObjective(0.3, "max", "adversarial"),
)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a function returns and the processor time that it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def main() -> None:
    """Read the arguments and print a line for each game, profile and objective."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="players x states x actions")
    parser.add_argument("--successors", type=int, default=3, help="successors of each joint action, at most")
    parser.add_argument("--discount", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for size in options.sizes:
        players, states, actions = map(int, size.split("x"))
        small = random_sparse(players, 2000, actions)
        game = random_sparse(players, states, actions, options.successors, options.discount, options.seed)
        rng = np.random.default_rng(options.seed)
        for name, draw in PROFILES.items():
            profile = [draw(rng, states, actions) for _ in range(players)]
            for objective in OBJECTIVES:
                pg.audit(small, small.uniform_profile(), objective)
                report, total = timed(partial(pg.audit, game, profile, objective))
                _, certificate = timed(partial(pg.certify, game, profile, objective))
                _, departures = timed(partial(off_policy, game, profile))
                print(
                    f"{size} {name:<8} λ = {objective.lam:g} {objective.aggregate:<4} {objective.form:<12} audit "
                    f"{total:>6.2f} s   certificate {certificate:>6.2f} s   off-policy {departures:>6.2f} s   "
                    f"regret {report.certificate.scaled_regret:.1e} {report.certificate.bound}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
