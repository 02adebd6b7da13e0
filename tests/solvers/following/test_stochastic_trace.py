"""Following an equilibrium of a stochastic game in λ: against normal form, there and back, limits, what is shown."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest

import powergames as pg
from powergames import PowerObjective, StochasticGame
from powergames.cli import run
from powergames.games.catalog.normal_form import named_game
from powergames.objectives import with_lam
from powergames.solvers.following.stochastic_equations import StochasticFamily
from powergames.solvers.stochastic import factors

TOL = 1e-9
FORMS = ("penalty", "adversarial")
# On the path of each λ only rises, and the support changes once, at another λ for each.
STEADY = [named_game(f"random_uniform:actions=2,seed={seed}") for seed in (1, 3, 9)]


def apart(*games, discount):
    """Games in normal form as the states of a stochastic game, each of which is played forever."""
    shape = games[0].payoffs.shape[1:]
    transitions = np.zeros((len(games), *shape, len(games)))
    for s in range(len(games)):
        transitions[s, ..., s] = 1.0
    return StochasticGame(np.stack([game.payoffs for game in games], axis=1), transitions, discount)


def scaled(game, factor):
    return StochasticGame.from_rows(game.n_actions, factor * game.rewards, game.transitions, game.discounts)


def critical(trace):
    return [(event.kind, event.lam) for event in trace.events]


def assert_same_events(trace, other, tol=1e-8):
    """Both have the same critical λ, perhaps met the other way round."""
    ours, theirs = critical(trace), critical(other)
    assert len(ours) == len(theirs)
    assert any(
        all(kind == its and abs(lam - at) < tol for (kind, lam), (its, at) in zip(ours, order, strict=True))
        for order in (theirs, theirs[::-1])
    )


def check(trace):
    """Check that all points are equilibria, by their profiles alone, and that events are where they are said to be."""
    assert trace.converged, trace.ends
    for k, point in enumerate(trace):
        assert point.converged
        assert point.objective == with_lam(trace.objective, point.objective.lam)
        if k % 10 == 0:
            assert pg.certify(trace.game, point.profile, point.objective).scaled_regret <= TOL
    place = 0
    for event in trace.events:
        low, high = event.bracket
        assert 0 <= high - low <= 1e-9
        for reached in event.equilibria:
            assert low <= reached.objective.lam <= high
            place = trace.points.index(reached, place)
        for nearby, direction in ((event.before, event.directions[0]), (event.after, -event.directions[1])):
            assert low <= nearby.objective.lam <= high
            assert (event.lam - nearby.objective.lam) * direction >= -1e-15
            assert pg.certify(trace.game, nearby.profile, nearby.objective).scaled_regret <= TOL
        for change in event.changes:
            if change.against is None:
                used = [e.profile[change.player][change.state, change.action] > 0 for e in (event.before, event.after)]
                assert used == [not change.begins, change.begins]
            assert trace.game.states[change.state] in event.text()
    steps = np.diff(trace.lams)
    directions = np.sign(steps[np.abs(steps) > 1e-9]).tolist()
    assert sum(a != b for a, b in itertools.pairwise(directions)) == sum(event.turns for event in trace.events)


# Known answers.


def test_stag_hunt_turns_where_both_hunt_stag():
    game = apart(named_game("stag_hunt"), discount=0.5)
    for form in FORMS:
        start = pg.solve(game, PowerObjective(0.1, "mean", form), start=[[[1, 0]], [[1, 0]]])
        trace = pg.trace(game, start=start)
        check(trace)
        assert trace.ends == ("lambda = 0 reached",) * 2
        (event,) = trace.events
        assert event.kind == "corner"
        assert event.lam == pytest.approx(0.25, abs=1e-12)
        assert {(c.player, c.action, c.against, c.state) for c in event.changes} == {(0, 1, None, 0), (1, 1, None, 0)}
        mixed = trace[0] if trace[0].profile[0][0, 0] < 1 else trace[-1]
        assert mixed.profile[0][0] == pytest.approx([0.75, 0.25], abs=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("spec", "aggregate", "discount"),
    [
        ("random_uniform:actions=3,seed=0", "mean", 0.9),
        ("random_uniform:players=3,actions=2,seed=6", "sum", 0.5),  # its path turns smoothly
        ("random_uniform:players=3,actions=2,seed=1", "max", 0.9),
        ("random_uniform:actions=2,seed=1", "mean", 0.0),
        ("battle_of_the_sexes", "mean", 0.99),
    ],
)
def test_one_state_is_a_game_in_normal_form(spec, aggregate, form, discount):
    normal = named_game(spec)
    high = 0.5 if aggregate == "sum" and form == "adversarial" else 1.0
    first = pg.solve(normal, PowerObjective(0.3, aggregate))
    expected = pg.trace(normal, start=first, lams=(0, high))
    game = apart(normal, discount=discount)
    same = [strategy[None] for strategy in first.profile]
    start = pg.solve(game, PowerObjective(0.3, aggregate, form), start=same)
    assert all(np.abs(a - b).max() < 1e-8 for a, b in zip(start.profile, same, strict=True))
    trace = pg.trace(game, start=start, lams=(0, high))
    check(trace)
    assert expected.converged
    assert_same_events(trace, expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("discount", [0.0, 0.9])
def test_states_that_do_not_meet_have_all_their_critical_weights(discount, form):
    game = apart(*STEADY, discount=discount)
    trace = pg.trace(game, PowerObjective(0, "mean", form))
    check(trace)
    alone = sorted((event.lam, s) for s, one in enumerate(STEADY) for event in pg.trace(one).events)
    met = [(event.lam, event.changes[0].state) for event in trace.events]
    assert [s for _, s in met] == [s for _, s in alone]
    assert [lam for lam, _ in met] == pytest.approx([lam for lam, _ in alone], abs=1e-8)


def test_one_player_has_no_critical_weight():
    game = StochasticGame(np.random.default_rng(0).random((1, 3, 2)), np.full((3, 2, 3), 1 / 3), 0.9)
    trace = pg.trace(game)
    assert trace.converged
    assert trace.events == ()


# Consistency.


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param("random_stochastic:states=2,actions=3,seed=1", marks=pytest.mark.slow),
        "random_stochastic:players=3,states=2,actions=2,seed=5",
        "random_turn_based:states=6,seed=4",
        pytest.param("random_sparse:states=4,actions=2,seed=2", marks=pytest.mark.slow),
    ],
)
def test_the_way_back_is_the_way_there(spec, form):
    trace = pg.trace(named_game(spec), PowerObjective(0, "mean", form))
    check(trace)
    back = pg.trace(trace.game, start=trace[-1])
    assert back.converged
    assert_same_events(trace, back)
    # Nor does it matter where on the path the trace begins.
    met = np.array([event.lam for event in trace.events])
    distant = max(trace, key=lambda point: np.abs(met - point.objective.lam).min() * (0 < point.objective.lam < 1))
    between = pg.trace(trace.game, start=distant)
    assert_same_events(trace, between)


@pytest.mark.parametrize("form", FORMS)
def test_other_solvers_find_the_same_equilibria(form):
    game = named_game("random_turn_based:states=6,seed=1")
    trace = pg.trace(game, PowerObjective(0, "mean", form))
    check(trace)
    compared = 0
    for a, b in itertools.pairwise(trace):
        lam, share = (a.objective.lam + b.objective.lam) / 2, 0.5
        if abs(b.objective.lam - a.objective.lam) < 0.01:
            continue
        near = [share * one + (1 - share) * other for one, other in zip(a.profile, b.profile, strict=True)]
        found = pg.solve(game, with_lam(trace.objective, lam), start=near)
        assert found.converged
        assert max(np.abs(one - other).max() for one, other in zip(found.profile, near, strict=True)) < 0.02
        compared += 1
    assert compared >= 8


@pytest.mark.parametrize("factor", [1e9, 1e-9])
def test_the_unit_of_payoff_does_not_matter(factor):
    game = named_game("random_stochastic:states=2,actions=3,seed=1")
    trace, other = pg.trace(game), pg.trace(scaled(game, factor))
    check(other)
    assert_same_events(trace, other)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "spec", ["big_match", "shapley_1953", "reputation_stag_hunt", "commons", "line_with_breakdowns", "delegation"]
)
def test_games_of_the_catalog(spec, form):
    trace = pg.trace(named_game(spec), PowerObjective(0, "mean", form))
    check(trace)
    assert trace.lams.max() == 1.0


def test_actions_without_effect_do_not_stop_it():
    """Where nothing depends on what is played, solvers leave everybody mixing evenly."""
    rewards = np.zeros((2, 2, 2, 2))
    rewards[0, 0], rewards[1, 0] = [[4, 0], [3, 3]], [[4, 3], [0, 3]]
    transitions = np.zeros((2, 2, 2, 2))
    transitions[0, ..., 1] = transitions[1, ..., 1] = 1.0
    game = StochasticGame(rewards, transitions, 0.9)
    for form in FORMS:
        start = pg.solve(game, PowerObjective(0, "mean", form), start=[[[1, 0], [0.5, 0.5]]] * 2)
        assert start.profile[0][1].tolist() == [0.5, 0.5]
        trace = pg.trace(game, start=start)
        check(trace)
        assert [(kind, round(lam, 9)) for kind, lam in critical(trace)] == [("corner", 0.25)]


@pytest.mark.parametrize("kinds", FORMS)
def test_derivatives_are_those_of_the_equations(kinds):
    family = StochasticFamily.of(
        named_game("random_stochastic:players=3,states=3,actions=2"), PowerObjective(0.3, "max", kinds), 1.0
    )
    rng = np.random.default_rng(0)
    state, direction = rng.uniform(0.1, 1.0, len(family.metric)), rng.normal(size=len(family.metric))

    def equations(state):
        linear = family.linearized(state)
        return np.concatenate([linear.slacks, linear.sums, linear.errors])

    change = (equations(state + 1e-6 * direction) - equations(state - 1e-6 * direction)) / 2e-6
    assert change == pytest.approx(family.linearized(state).derivative @ direction, abs=1e-8)


@pytest.mark.parametrize("form", FORMS)
def test_sparse_factorizations_lead_the_same_way(form, monkeypatch):
    game, objective = named_game("random_turn_based:states=6,seed=1"), PowerObjective(0, "mean", form)
    dense = pg.trace(game, objective)
    monkeypatch.setattr(factors, "LIMITS", dataclasses.replace(factors.LIMITS, dense_rows=0))
    sparse = pg.trace(game, objective)
    check(sparse)
    assert_same_events(dense, sparse)


def test_factors():
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    for most in (1_000, 0):
        for size in (2, 7, 8):
            matrix = rng.normal(size=(size, size))
            right = rng.normal(size=size)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    factors, "LIMITS", dataclasses.replace(factors.LIMITS, dense_rows=most, shortest_rows=most)
                )
                found = factors.Factors(csr_matrix(matrix))
                assert matrix @ found.solve(right) == pytest.approx(right)
                assert matrix.T @ found.solve(right, transposed=True) == pytest.approx(right)
                assert found.sign == np.linalg.slogdet(matrix)[0]
                least = np.linalg.svd(matrix, compute_uv=False)[-1]
                assert found.least * found.norm == pytest.approx(least, rel=0.5)
                shortest = factors.least_solution(csr_matrix(matrix[:-1]), right[:-1], 1e-10)
                assert shortest == pytest.approx(np.linalg.lstsq(matrix[:-1], right[:-1], rcond=None)[0], abs=1e-8)


# Limits.


def test_limits_end_a_trace_with_what_was_reached():
    game = named_game("random_turn_based:states=6,seed=3")
    start = pg.solve(game)
    whole = pg.trace(game, start=start)
    assert pg.trace(game, start=start, max_points=5).status is pg.Status.MAX_ITER
    assert pg.trace(game, start=start, time_limit=0).status is pg.Status.TIME_LIMIT
    assert pg.trace(game, time_limit=0).status is pg.Status.TIME_LIMIT

    def stop(stage, done, total):
        if done >= 10:
            raise KeyboardInterrupt

    stopped = pg.trace(game, start=start, callback=stop)
    assert stopped.status is pg.Status.INTERRUPTED
    assert 10 <= len(stopped) < len(whole)
    assert all(point.converged for point in stopped)
    assert critical(stopped) == critical(whole)[: len(stopped.events)]
    with pytest.raises(pg.InputError, match="time_limit: got -1; give seconds >= 0"):
        pg.trace(game, time_limit=-1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"lams": (0, 0)}, "lams: got (0, 0)"),
        ({"objective": PowerObjective(0, "mean", "adversarial"), "lams": (0, 1.5)}, "lower lam"),
        ({"start": pg.solve(named_game("stag_hunt"))}, "give a StochasticEquilibrium"),
        ({"start": pg.solve(named_game("shapley_1953"))}, "another game"),
        ({"start": pg.solve(named_game("big_match")), "objective": PowerObjective(0, "max")}, "another aggregate"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(arguments, text):
    with pytest.raises(pg.InputError) as caught:
        pg.trace(named_game("big_match"), **arguments)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_start_that_is_no_equilibrium_is_rejected():
    game = named_game("big_match")
    claimed = dataclasses.replace(pg.solve(game, PowerObjective(0.3)), profile=game.uniform_profile())
    trace = pg.trace(game, start=claimed)
    assert trace.status is pg.Status.REJECTED
    assert len(trace) == 0


# What is shown.


def test_the_command(capsys):
    game = "random_turn_based:states=6,seed=1"
    assert run(["trace", game, "--form", "adversarial", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["game"]["kind"] == "stochastic"
    assert [event["kind"] for event in document["events"]] == ["support"]
    assert {change["state"] for change in document["events"][0]["changes"]} == {4}
    assert run(["trace", game, "--start", "1/2", "--lam", "0:3/4"]) == 0
    shown = capsys.readouterr().out
    assert "task from the start" in shown
    assert "begins to play action 1 in state 5; the path turns back" in shown
    assert "no regret above 1e-08 of the range of values" in shown
    assert run(["trace", game, "--time-limit", "0"]) == 1
    assert "TIME_LIMIT" in capsys.readouterr().out
    assert run(["trace", game, "--select", "welfare"]) == 2
    assert "select: not for stochastic games" in capsys.readouterr().err
