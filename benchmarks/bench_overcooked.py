"""Kitchens compiled, and the team optimum on their tables: states, states a second, seconds, memory.

Run ``python benchmarks/bench_overcooked.py``; ``--all`` adds four kitchens of three to ten million states, which take
minutes. ``--evaluate`` measures power in all states at the team optimum of λ = 0.1, on the tables; then how long
it takes to make the explicit game, and to compute values and power there, of that optimum and of chefs who mix evenly.
Every row is measured in a process of its own; its peak of memory includes Python with Numba, some 0.2 GB.
Counts of states must be those expected. Seconds are of the processor, since other programs may share it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

# Name, rules, and the states that there must be.
KITCHENS = [
    ("tiny", {}, 1_189),
    ("shared_pot", {}, 17_680),
    ("three_pots", {}, 48_556),
    ("cramped_room", {"counters": 0}, 30_640),
    ("cramped_room", {"counters": 1}, 146_590),
    ("cramped_room", {"counters": 2}, 692_494),
    ("forced_coordination", {"counters": 1}, 35_067),
    ("forced_coordination", {"counters": 2}, 284_384),
    ("forced_coordination", {"counters": 3}, 1_483_200),
    ("coordination_ring", {"counters": 0}, 48_634),
    ("coordination_ring", {"counters": 1}, 337_238),
    ("mini1", {"counters": 0}, 265_824),
]
LARGE = [
    ("cramped_room", {"counters": 3}, 3_287_914),
    ("cramped_room", {"onions": 1, "cook_time": 1, "dynamics": "new", "counters": "all"}, 10_122_528),
    ("mini1", {"counters": "all"}, 7_128_960),
    ("mini2", {"counters": 0, "reduce": False}, 5_451_968),
]
LAMS = (1e-4, 0.1)

# States of explicit games at most.
EXPLICIT = 1_000_000


def main() -> int:
    """Print one line per kitchen; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="also the largest kitchens")
    parser.add_argument("--evaluate", action="store_true", help="values and power of explicit games")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        (_evaluate if options.evaluate else _measure)(*json.loads(options.one))
        return 0
    evaluations = "power on tables, explicit game, values and power: optimum, even mixing; GB"
    after = evaluations if options.evaluate else "team optimum: λ seconds sweeps error"
    print(f"{'kitchen':<66} {'states':>10} {'seconds':>8} {'states/s':>10} {'GB':>5}   {after}")
    wrong = 0
    for kitchen in KITCHENS + LARGE * options.all:
        if options.evaluate and kitchen[2] > EXPLICIT:
            continue
        command = [sys.executable, __file__, *["--evaluate"] * options.evaluate, "--one", json.dumps(kitchen)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        wrong += found["states"] != kitchen[2]
        label = f"{kitchen[0]} {', '.join(f'{key}={value}' for key, value in kitchen[1].items())}"
        rate = found["states"] / found["seconds"]
        print(
            f"{label:<66} {found['states']:>10,} {found['seconds']:>8.2f} {rate:>10,.0f} {found['peak'] / 1e9:>5.2f}   "
            f"{found['after']}" + ("" if found["states"] == kitchen[2] else f"   EXPECTED {kitchen[2]:,}"),
            flush=True,
        )
    return int(wrong > 0)


def _measure(name: str, rules: dict[str, object], expected: int) -> None:
    import powergames as pg

    # Compilation by Numba is not what is measured.
    pg.team_optimum(pg.compile_overcooked("tiny"))
    seconds, game = _timed(pg.compile_overcooked, name, **rules, max_states=expected + 1)
    optima = []
    for lam in LAMS:
        took, plan = _timed(pg.team_optimum, game, pg.PowerObjective(lam))
        optima.append(f"{lam:g} {took:.2f} {plan.sweeps} {plan.error:.0e}")
        print(lam, plan, plan.task[0], plan.mean_power[0], file=sys.stderr)
    _print(game.n_states, seconds, _peak(), "; ".join(optima))


def _evaluate(name: str, rules: dict[str, object], expected: int) -> None:
    import powergames as pg

    warm = pg.team_optimum(pg.compile_overcooked("tiny"), pg.PowerObjective("0.1"))
    pg.evaluate(warm.game.to_game(), warm.profile)
    _timed(getattr, warm, "power")
    seconds, kitchen = _timed(pg.compile_overcooked, name, **rules, max_states=expected + 1)
    peak = _peak()
    plan = pg.team_optimum(kitchen, pg.PowerObjective("0.1"))
    power, _ = _timed(getattr, plan, "power")
    explicit, game = _timed(kitchen.to_game)
    profiles = plan.profile, game.uniform_profile()
    figures = [power, explicit, *(_timed(pg.evaluate, game, profile)[0] for profile in profiles), _peak() / 1e9]
    _print(game.n_states, seconds, peak, " ".join(f"{each:.2f}" for each in figures))


def _timed(call: Callable[..., Any], *arguments: object, **options: object) -> tuple[float, Any]:
    """Return how many seconds of the processor a call takes, and what it returns."""
    start = time.process_time()
    result = call(*arguments, **options)
    return time.process_time() - start, result


def _peak() -> int:
    """Return the most bytes of memory that this process had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _print(states: int, seconds: float, peak: int, after: str) -> None:
    print(json.dumps({"states": states, "seconds": seconds, "peak": peak, "after": after}))


if __name__ == "__main__":
    sys.exit(main())
