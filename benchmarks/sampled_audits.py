"""Sampled audits against exact ones: how often intervals hold the truth, how wide they are, how fast play is.

Run ``python benchmarks/sampled_audits.py``; ``--games``, ``--episodes`` and ``--kitchens`` choose others. Random games
have two or three players, and profiles from nearly pure to mixed. Every number that `audit` computes is compared with
its interval at the level 0.95. Intervals of one audit share their luck, so the standard error of a coverage counts
games, not numbers. Takes about 25 minutes of processor time. ``--speed`` only measures how many steps a second one
worker plays, two, and those of a Dask cluster on this machine, and checks that the numbers are the same.

Of an adversary the victim's return is compared with that under the worst one there is, and what all get with the exact
value of the very adversary that was found: two that do nearly the same harm may leave others with very different
returns.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed, parallel_config
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array

import powergames as pg
from powergames.games.kinds import as_game

KITCHENS = tuple(f"overcooked:tiny{own}" for own in ("", ":cook=1", ":cook=5", ":onions=2", ":counters=0"))

# How many steps the adversary has that is neither alone in one step nor there for ever.
STEPS = 3


class Held(NamedTuple):
    """How the intervals of one kind in one audit compare with the truth: one entry for each number."""

    below: np.ndarray
    above: np.ndarray
    widths: np.ndarray


def compare(game: Any, profile: Any, episodes: int, seed: int, steps: int) -> tuple[dict[str, Held], int, float]:
    """Audit a profile both ways; return what held, the steps played and the seconds they took."""
    began = time.process_time()
    found = pg.sampled_audit(game, profile, 0.2, episodes=episodes, seed=seed, steps=steps)
    seconds = time.process_time() - began
    exact: Any = pg.audit(game, profile, 0.2, steps=steps)
    n = len(found.players)
    scale = np.maximum(exact.game.value_scale, 1e-300)
    parts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def add(kind: str, estimate: Any, truth: np.ndarray, unit: np.ndarray, chosen: np.ndarray) -> None:
        parts[kind].append(tuple(part[chosen] for part in (estimate.low, truth, estimate.high, unit)))

    everybody = np.ones(n, bool)
    add("returns", found.returns, exact.start_task, scale, everybody)
    add("power", found.power, exact.occupancy_power, np.tile(scale[:, None], n), ~np.eye(n, dtype=bool))
    add("utility", found.utility, exact.start_utility, scale, everybody)
    for attack, true in zip(found.attacks, exact.off_policy, strict=True):
        victim = np.arange(n) == true.against
        add(attack.label, attack, true.start_task, scale, victim if victim.any() else everybody)
        if victim.any():
            # For one step the victim's return needs no learning.
            own = ~victim if attack.steps == 1 else everybody
            add(f"{attack.label}, as found", attack, attacked(exact.game, exact.profile, attack), scale, own)
    held = {}
    for kind, own in parts.items():
        low, truth, high, unit = (np.concatenate(part) for part in zip(*own, strict=True))
        held[kind] = Held(truth < low, truth > high, (high - low) / unit)
    return held, found.steps, seconds


def attacked(game: Any, profile: Any, attack: Any) -> np.ndarray:
    """Return what all get from the start under the adversary that was found, exactly."""
    game = as_game(game, pg.StochasticGame)
    j, states = attack.deviator, game.n_states

    def played(step: int) -> list[np.ndarray]:
        choices = [attack.choice(state, step) for state in range(states)]
        return [np.eye(own.shape[1])[choices] if i == j else own for i, own in enumerate(map(np.asarray, profile))]

    if attack.steps is None:
        return np.asarray(pg.evaluate(game, played(0)).start_task)
    values = np.asarray(pg.evaluate(game, profile).task)
    table = csr_array((game.data, game.indices, game.indptr), shape=(len(game.indptr) - 1, states))
    for step in reversed(range(attack.steps)):
        weights = np.ones((states, 1))
        for own in played(step):
            weights = (weights[:, :, None] * own[:, None, :]).reshape(states, -1)
        worth = game.rewards + np.asarray(game.discounts)[:, None] * (table @ values.T).T
        values = (worth.reshape(len(values), states, -1) * weights).sum(axis=2)
    return values @ np.asarray(game.start)


def random_case(seed: int, episodes: int) -> tuple[dict[str, Held], int, float]:
    """Compare a random game and profile."""
    rng = np.random.default_rng(seed)
    players, states, actions = int(rng.integers(2, 4)), int(rng.integers(2, 9)), int(rng.integers(2, 4))
    name = f"random_stochastic:players={players},states={states},actions={actions},seed={seed}"
    game = pg.load(name).with_discount(float(rng.choice([0.6, 0.7, 0.8])))
    mixing = float(rng.choice([0.05, 0.3, 1.0]))
    profile = [rng.dirichlet(np.full(actions, mixing), size=states) for _ in range(players)]
    return compare(game, profile, episodes, seed, STEPS)


def kitchen_case(name: str, seed: int, episodes: int) -> tuple[dict[str, Held], int, float]:
    """Compare in a kitchen, whose chefs do what is best for the team nine times of ten, and else anything."""
    game = pg.load(name).with_discount(0.95)
    best = pg.team_optimum(game).profile
    profile = [0.9 * np.asarray(own) + 0.1 / np.asarray(own).shape[1] for own in best]
    return compare(game, profile, episodes, seed, STEPS)


def show(title: str, cases: list[tuple[dict[str, Held], int, float]]) -> None:
    """Print how often intervals hold the truth."""
    table = Table("interval of", "numbers", "held", "± s.e.", "truth below", "truth above", "median width", title=title)
    for kind in cases[0][0]:
        own = [case[0][kind] for case in cases]
        missed = np.array([float((each.below | each.above).mean()) for each in own])
        below, above, widths = (np.concatenate([each[k] for each in own]) for k in range(3))
        error = missed.std() / np.sqrt(len(missed))
        table.add_row(
            kind,
            str(len(below)),
            f"{1 - (below | above).mean():.1%}",
            f"{error:.1%}",
            f"{below.mean():.1%}",
            f"{above.mean():.1%}",
            f"{np.median(widths):.2%}",
        )
    Console(width=120).print(table)
    steps, seconds = sum(case[1] for case in cases), sum(case[2] for case in cases)
    print(f"{steps:,} steps in {seconds:.0f} s of processor time: {steps / seconds:,.0f} a second\n")


def widths(seed: int = 0) -> None:
    """Print how widths fall with the number of episodes."""
    rng = np.random.default_rng(seed)
    game = pg.load("random_stochastic:players=2,states=6,actions=3").with_discount(0.8)
    profile = [rng.dirichlet(np.ones(3), size=6) for _ in range(2)]
    scale = game.value_scale
    table = Table("episodes", "width of returns", "width of power", "times √episodes", title="Widths, of the range")
    wanted = None
    for episodes in (250, 1000, 4000, 16000):
        found = pg.sampled_audit(game, profile, episodes=episodes, attacks=False)
        returns = float(((found.returns.high - found.returns.low) / scale).max())
        power = float(((found.power.high - found.power.low) / scale[:, None]).max())
        root = np.sqrt(episodes)
        table.add_row(f"{episodes:,}", f"{returns:.2%}", f"{power:.2%}", f"{returns * root:.2f}, {power * root:.2f}")
        wanted = returns * root, power * root
    Console(width=120).print(table)
    if wanted is not None:
        needed = [int(np.ceil((own / 0.04) ** 2)) for own in wanted]
        print(f"For ± 2 % of the range: about {needed[0]:,} episodes for returns, {needed[1]:,} for power.\n")


def speeds() -> None:
    """Print how fast workers play, in compiled code and in Python."""
    from distributed import Client, LocalCluster
    from orchard import Orchard, roughly

    game = pg.load("random_stochastic:players=3,states=50,actions=3").with_discount(0.9)
    policies = [lambda seen: np.full(6, 1 / 6)] * 3

    def in_code(**how: Any) -> Any:
        return pg.sampled_audit(game, game.uniform_profile(), episodes=3_000, steps=STEPS, **how)

    def in_python(**how: Any) -> Any:
        return pg.sampled_audit(Orchard(), policies, discount=0.9, episodes=32, key=roughly, steps=STEPS, **how)

    table = Table("audit of", "workers", "steps", "seconds", "steps a second", "same numbers")
    for title, audit in (("a game, compiled", in_code), ("the orchard, in Python", in_python)):
        expected: dict[str, Any] = {}
        for workers in ("1", "2", "2 of Dask"):
            with ExitStack() as stack:
                if workers == "2 of Dask":
                    threads = 2 if audit is in_code else 1
                    cluster = LocalCluster(  # type: ignore[no-untyped-call]
                        n_workers=2 // threads, threads_per_worker=threads, dashboard_address=None
                    )
                    stack.enter_context(Client(stack.enter_context(cluster)))  # type: ignore[no-untyped-call]
                    stack.enter_context(parallel_config(backend="dask"))
                how = {} if "Dask" in workers else {"n_jobs": int(workers)}
                # Workers start, and code is compiled, before the clock does.
                audit(**how)
                began = time.perf_counter()
                found = audit(**how)
                seconds = time.perf_counter() - began
            expected = expected or found.to_dict()
            speed, same = f"{found.steps / seconds:,.0f}", "yes" if found.to_dict() == expected else "NO"
            table.add_row(title, workers, f"{found.steps:,}", f"{seconds:.1f}", speed, same)
    Console(width=120).print(table)


def main() -> None:
    """Read the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--kitchens", nargs="*", default=KITCHENS)
    parser.add_argument("--rounds", type=int, default=20, help="audits of each kitchen")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--speed", action="store_true", help="only measure speed")
    options = parser.parse_args()
    if options.speed:
        speeds()
        return
    calls = (delayed(random_case)(seed, options.episodes) for seed in range(options.games))
    show(f"{options.games} random games, {options.episodes} episodes", Parallel(n_jobs=options.jobs)(calls))
    calls = (
        delayed(kitchen_case)(name, seed, 4 * options.episodes)
        for name in options.kitchens
        for seed in range(options.rounds)
    )
    kitchens = Parallel(n_jobs=options.jobs)(calls)
    if kitchens:
        title = f"{len(options.kitchens)} kitchens, {options.rounds} times, {4 * options.episodes} episodes"
        show(title, kitchens)
    widths()


if __name__ == "__main__":
    main()
