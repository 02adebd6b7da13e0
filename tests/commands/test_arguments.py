"""Wrong arguments of the public functions: one clear line, whatever was handed in."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import powergames as pg
from powergames.checking.deviations import best_deviation

STAG = pg.load("stag_hunt")
BIG_MATCH = pg.load("big_match")
NASH = pg.PowerObjective()
BOTH_STAG = [[1, 0], [1, 0]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: pg.certify(None, BOTH_STAG, NASH), "game"),
        (lambda: pg.certify(STAG, BOTH_STAG, "mean"), "objective"),
        (lambda: pg.certify(STAG, None, NASH), "profile"),
        (lambda: pg.certify(STAG, BOTH_STAG, NASH, tol="1/3"), "tol"),
        (lambda: pg.certify(STAG, BOTH_STAG, NASH, tol=float("nan")), "tol"),
        (lambda: pg.power_table(None, BOTH_STAG), "game"),
        (lambda: pg.pure_equilibria(None), "game"),
        (lambda: pg.pure_equilibria(STAG, "mean"), "objective"),
        (lambda: pg.solve("stag_hunt"), "game"),
        (lambda: pg.solve(STAG, "0.3 0.4"), "objective"),
        (lambda: pg.solve(STAG, True), "lam"),
        (lambda: pg.solve(STAG, -0.3), "lam"),
        (lambda: pg.solve(STAG, tol=None), "tol"),
        (lambda: pg.solve(STAG, max_iter=0.5), "max_iter"),
        (lambda: pg.solve(STAG, callback="print"), "callback"),
        (lambda: pg.solve(STAG, method=[]), "method"),
        (lambda: pg.solve(STAG, select="best"), "select"),
        (lambda: pg.solve(STAG, seed="seed"), "seed"),
        (lambda: pg.solve(STAG, start=[[1, 0]]), "profile"),
        (lambda: pg.solve_all(None), "game"),
        (lambda: pg.solve_all(STAG, tol=2), "tol"),
        (lambda: pg.sweep(None, lams=[0]), "game"),
        (lambda: pg.sweep(STAG, "mean", lams=[0]), "objective"),
        (lambda: pg.sweep(STAG, lams=0.5), "lams"),
        (lambda: pg.sweep(STAG, lams="12"), "lams"),
        (lambda: pg.sweep(STAG, lams=[-1]), "lam"),
        (lambda: pg.sweep(STAG, lams=[0], n_jobs=0), "n_jobs"),
        (lambda: pg.sweep(STAG, lams=[0], n_jobs=99_999), "n_jobs"),
        (lambda: pg.sweep(STAG, lams=[0], n_jobs="all"), "n_jobs"),
        (lambda: pg.sampled_audit(None, BOTH_STAG), "env"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, "mean"), "objective"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, episodes=31), "episodes"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, seed=-1), "seed"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, level=95), "level"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, steps=0), "steps"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, width=0), "width"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, n_jobs=0), "n_jobs"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, key="state"), "key"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, discount=1), "discount"),
        (lambda: pg.sampled_audit(STAG, BOTH_STAG, discount=[0.5] * 3), "discount"),
        (lambda: pg.sampled_audit(BIG_MATCH, [0, 0], horizon=0), "horizon"),
        (lambda: pg.audit(BIG_MATCH, [0, 0], observe=3), "observe"),
        (lambda: pg.audit(BIG_MATCH, [0, 0], labels=True, observe=str), "observe"),
        (lambda: pg.report(None), "game"),
        (lambda: pg.report(STAG, "stag_hunt.nfg"), "report"),
        (lambda: pg.report(STAG, 5), "report"),
        (lambda: pg.report(STAG, lams=0.5), "lams"),
        (lambda: pg.report(STAG, lams=[-1]), "lam"),
        (lambda: pg.report(STAG, lams=[]), "lams"),
        (lambda: pg.report(STAG, objective="mean"), "objective"),
        (lambda: pg.report(STAG, time_limit="long"), "time_limit"),
        (lambda: pg.report(STAG, title=5), "title"),
        (lambda: pg.report(STAG, lams=[0], callback="print"), "callback"),
        (lambda: pg.report(pg.load("big_match"), lams=[0], all_equilibria=True), "all_equilibria"),
        (lambda: pg.NormalFormGame([[1]], players=5), "players"),
        (lambda: pg.NormalFormGame([[1]], players="a"), "players"),
        (lambda: pg.NormalFormGame([[1]], actions=5), "actions"),
        (lambda: pg.NormalFormGame([[1]], actions=[None]), "actions"),
        (lambda: pg.PowerObjective(aggregate=10**400), "aggregate"),
        (lambda: pg.save(STAG, None), "save"),
        (lambda: pg.save(None, "game.nfg"), "game"),
        (lambda: pg.load(None), "load"),
        (lambda: pg.to_nashpy(None), "game"),
    ],
)
def test_wrong_argument_is_named_in_one_line(call, name):
    with pytest.raises(pg.InputError) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message


@pytest.mark.parametrize("lam", [0.3, Fraction(3, 10), np.float32(0.3), Decimal("0.3")])
def test_a_number_is_lam(lam):
    assert pg.solve(STAG, lam).objective == pg.PowerObjective("3/10")


@pytest.mark.parametrize(
    "call",
    [
        lambda objective: pg.solve_all(STAG, objective),
        lambda objective: pg.certify(STAG, BOTH_STAG, objective),
        lambda objective: pg.audit(STAG, BOTH_STAG, objective),
        lambda objective: pg.evaluate(STAG, BOTH_STAG, objective),
        lambda objective: best_deviation(STAG, BOTH_STAG, objective),
        lambda objective: pg.sweep(STAG, objective, lams=[1]),
        lambda objective: pg.trace(STAG, objective),
        lambda objective: pg.solve_batch([STAG], objective),
        lambda objective: pg.pure_equilibria(STAG, objective),
        lambda objective: pg.logit_path(STAG, objective, precisions=[1]),
        lambda objective: pg.team_optimum(pg.load("line_with_breakdowns"), objective),
        lambda objective: pg.certify(BIG_MATCH, BIG_MATCH.uniform_profile(), objective),
        lambda objective: pg.train(BIG_MATCH, objective, steps=100, progress=False),
        lambda objective: pg.report(STAG, objective=objective, lams=[0]),
    ],
)
def test_numbers_and_objectives_mean_the_same_everywhere(call):
    assert repr(call(0.3)) == repr(call(pg.PowerObjective(0.3)))


def test_decimals_behind_a_large_offset():
    """Floats near 1e9 are so sparse that equilibria of the decimals near them would not do."""
    for seed in range(10):
        payoffs = 1e9 + np.random.default_rng(seed).integers(-3, 4, (2, 3, 4)) * 1e-3
        for equilibrium in pg.solve_all(pg.NormalFormGame(payoffs), pg.PowerObjective(1.5)):
            assert equilibrium.converged
            assert equilibrium.certificate.scaled_regret <= 1e-9
