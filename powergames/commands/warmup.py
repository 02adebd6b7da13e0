"""``powergames warmup``: compile all kernels, so that no later answer has to wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from powergames.commands.outcome import DONE
from powergames.commands.terminal import print_blocks


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
    from powergames.kernels import compilation

    before = compilation.seconds()
    _JOBS[name]()
    return compilation.seconds() - before


def _two_players() -> None:
    import powergames as pg

    game = pg.load("random_uniform:actions=3")
    for objective in (pg.PowerObjective(), pg.PowerObjective(0.3)):
        pg.solve(game, objective)
        pg.solve_all(game, objective)
        pg.solve_all(game, objective, exact=True)
    pg.solve(pg.load("random_zero_sum"))
    pg.solve(pg.load("random_uniform:actions=40"), pg.PowerObjective(0.3), method="double_oracle")


def _more_players() -> None:
    import powergames as pg

    for game in (pg.load("random_uniform:players=3,actions=2"), pg.load("random_uniform:players=4,actions=2")):
        for objective in (pg.PowerObjective(), pg.PowerObjective(0.3)):
            pg.solve(game, objective)
            pg.solve(game, objective, method="logit")
    pg.solve_all(pg.load("random_uniform:players=3,actions=2"), pg.PowerObjective(0.3))


def _stochastic() -> None:
    import powergames as pg

    objective = pg.PowerObjective(0.3)
    for players in (2, 3):
        game = pg.load(f"random_stochastic:players={players},states=2,actions=2")
        for method in (None, "pivoting", "logit"):
            found = pg.solve(game, objective, method=method)
        pg.audit(game, objective, found.profile)
    pg.solve(pg.load("random_stochastic:states=2,actions=2"))
    pg.solve(pg.load("line_with_breakdowns"), objective)


def _kitchens() -> None:
    import powergames as pg

    pg.team_optimum(pg.load("overcooked:tiny"))


def _learning() -> None:
    import powergames as pg

    pg.train(pg.load("stag_hunt"), pg.PowerObjective(0.3), steps=10)


_JOBS: dict[str, Callable[[], None]] = {
    "two players": _two_players,
    "more players": _more_players,
    "games with states": _stochastic,
    "kitchens": _kitchens,
    "learning": _learning,
}
