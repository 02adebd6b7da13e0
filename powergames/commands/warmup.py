"""``powergames warmup``: compile all kernels, so that no later answer has to wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from powergames.commands.outcome import DONE
from powergames.commands.terminal import print_blocks
from powergames.kernels import compilation


def command() -> int:
    """Compile the solvers now, in parallel, so that first answers on this machine are as fast as later ones."""
    from joblib import Parallel, cpu_count, delayed

    began = time.monotonic()
    print_blocks(f"Compiling the solvers in {min(cpu_count(), len(_JOBS))} processes; once on this machine.")
    # All others call Lemke's algorithm, which the first job compiles.
    done = [_seconds("two players")]
    print_blocks(_told("two players", done[0]))
    others = [name for name in _JOBS if name != "two players"]
    run = Parallel(n_jobs=min(cpu_count(), len(others)), return_as="generator_unordered")
    for name, seconds in run(delayed(_named_seconds)(name) for name in others):
        print_blocks(_told(name, seconds))
    print_blocks(f"Done in {time.monotonic() - began:.0f} s.")
    return DONE


def _told(name: str, seconds: float) -> str:
    return f"  {name}: {seconds:.0f} s" if seconds >= 0.5 else f"  {name}: on disk already"


def _named_seconds(name: str) -> tuple[str, float]:
    return name, _seconds(name)


def _seconds(name: str) -> float:
    """Return for how long a job compiled."""
    before = compilation.seconds()
    _JOBS[name]()
    return compilation.seconds() - before


def _two_players() -> None:
    from powergames.io import load
    from powergames.objectives import PowerObjective
    from powergames.solvers import solve, solve_all, solve_many

    game = load("random_uniform:actions=3")
    for objective in (PowerObjective(), PowerObjective(0.3)):
        solve(game, objective)
        solve_all(game, objective)
        solve_all(game, objective, exact=True)
        solve_many(game.payoffs[None], objective)
    solve(load("random_zero_sum"))
    for method in ("double_oracle", "lemke"):
        solve(load("random_uniform:actions=40"), PowerObjective(0.3), method=method)


def _more_players() -> None:
    from powergames.io import load
    from powergames.objectives import PowerObjective
    from powergames.solvers import solve, solve_all, solve_many

    for game in (load("random_uniform:players=3,actions=2"), load("random_uniform:players=4,actions=2")):
        for objective in (PowerObjective(), PowerObjective(0.3)):
            solve(game, objective)
            solve(game, objective, method="logit")
    solve_all(load("random_uniform:players=3,actions=2"), PowerObjective(0.3))
    solve_many(game.payoffs[None])


def _stochastic() -> None:
    from powergames.auditing import audit
    from powergames.io import load
    from powergames.objectives import PowerObjective
    from powergames.solvers import solve, solve_all

    solve_all(load("big_match"), PowerObjective(0.3))
    objective = PowerObjective(0.3)
    for players in (2, 3):
        game = load(f"random_stochastic:players={players},states=2,actions=2")
        for method in (None, "stages", "best_response", "logit"):
            found = solve(game, objective, method=method)
        audit(game, found.profile, objective)
    solve(load("random_stochastic:states=2,actions=2"))
    solve(load("line_with_breakdowns"), objective)


def _horizons() -> None:
    from powergames.auditing import audit
    from powergames.io import load
    from powergames.objectives import PowerObjective
    from powergames.solvers import solve

    objective = PowerObjective(0.3)
    for players in (2, 3):
        game = load(f"random_stochastic:players={players},states=2,actions=2")
        audit(game, solve(game, objective, horizon=2).profile, objective, horizon=2)
    solve(load("overcooked:tiny"), objective, horizon=2)


def _kitchens() -> None:
    from powergames.io import load
    from powergames.solvers import team_optimum

    team_optimum(load("overcooked:tiny"))


def _learning() -> None:
    from powergames.io import load
    from powergames.learning import train
    from powergames.objectives import PowerObjective

    train(load("stag_hunt"), PowerObjective(0.3), steps=10)


_JOBS: dict[str, Callable[[], None]] = {
    "two players": _two_players,
    "more players": _more_players,
    "games with states": _stochastic,
    "finite horizons": _horizons,
    "kitchens": _kitchens,
    "learning": _learning,
}
