"""Following an equilibrium in λ: closed forms, and the complete sets of equilibria on both sides of every event."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from fractions import Fraction

import numpy as np
import oracle
import pytest

import powergames as pg
from powergames.cli import run
from powergames.games.catalog.normal_form import named_game
from powergames.objectives import with_lam
from powergames.solvers.following import continuation

TOL = 1e-9
LOOP = named_game("random_uniform:actions=3,seed=0")
# 2 x 2 x 2 games whose paths turn smoothly, in power summed over the co-players.
SMOOTH = [named_game(f"random_uniform:players=3,actions=2,seed={seed}") for seed in (6, 29, 43)]
WEIGHTS = [[0, 1, 0.25], [2, 0, 0], [0, 0.5, 0]]


def check(trace):
    """A trace whose points are equilibria, by an independent computation, and whose events are where they are said."""
    for k, point in enumerate(trace):
        assert point.converged
        assert point.certificate.scaled_regret <= TOL
        assert point.game is trace.game
        if k % 10 == 0:
            assert oracle.scaled_regret_in_floats(trace.game.payoffs, point.objective, point.profile) <= TOL
        assert point.objective == with_lam(trace.objective, point.objective.lam)
    assert trace.lams.tolist() == [point.objective.lam for point in trace]
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
            assert nearby.converged
            assert oracle.scaled_regret_in_floats(trace.game.payoffs, nearby.objective, nearby.profile) <= TOL
        assert event.text()
        assert event.kind in ("support", "corner", "fold", "branch")
        assert event.turns == (event.kind in ("corner", "fold"))
    # Between two events λ changes in one direction only, so that no turn is missed.
    steps = np.diff(trace.lams)
    directions = np.sign(steps[np.abs(steps) > 1e-9]).tolist()
    closed = directions[:1] if trace.ends[0] == "back at the start" else []
    turns = sum(a != b for a, b in itertools.pairwise(directions + closed))
    assert turns == sum(event.turns for event in trace.events)


def flat(profile):
    return np.concatenate([np.asarray(strategy, dtype=float) for strategy in profile])


def at(trace, lam):
    """Where the trace passes a λ, interpolated."""
    passed = []
    for a, b in itertools.pairwise(trace):
        first, last = a.objective.lam, b.objective.lam
        if (first - lam) * (last - lam) < 0:
            share = (lam - first) / (last - first)
            passed.append((1 - share) * flat(a.profile) + share * flat(b.profile))
    return passed


def everything(game, objective, lam):
    found = pg.solve_all(game, with_lam(objective, lam))
    assert found.complete
    return [flat(equilibrium.profile) for equilibrium in found]


def traces_of(game, objective, lams):
    """All different paths that pass one of some λ."""
    traces = []
    for lam in lams:
        for start in pg.solve_all(game, with_lam(objective, lam)):
            near = [flat(p.profile) for t in traces for p in t if abs(p.objective.lam - lam) < 1e-9]
            near += [profile for trace in traces for profile in at(trace, lam)]
            if not any(np.abs(flat(start.profile) - profile).max() < 0.02 for profile in near):
                traces.append(pg.trace(game, start=start))
                assert traces[-1].converged
    return traces


def check_against_everything(game, objective):
    """All traces together, at each λ between two events, pass all equilibria; their number changes where they turn."""
    traces = traces_of(game, objective, (0, 0.5, 1))
    for trace in traces:
        check(trace)
    events = sorted((event for trace in traces for event in trace.events), key=lambda event: event.lam)
    critical = sorted({0.0, 1.0, *(event.lam for event in events)})
    complete = True
    for low, high in itertools.pairwise(critical):
        if high - low < 1e-4:
            continue
        lam = (low + high) / 2
        known = everything(game, objective, lam)
        passed = [profile for trace in traces for profile in at(trace, lam)]
        for profile in passed:
            assert min(np.abs(profile - other).max() for other in known) < 0.02
        assert len(passed) <= len(known)
        complete &= len(passed) == len(known)
    counted = 0
    for event in events:
        if sum(abs(event.lam - other) < 1e-3 for other in critical) == 1:
            below, above = (len(everything(game, objective, event.lam + shift)) for shift in (-2e-4, 2e-4))
            assert above - below == event.directions[1] - event.directions[0]
            counted += 1
    assert counted >= len(events) / 2
    return complete, events


# --- closed forms -----------------------------------------------------------------------------------------------------


def test_stag_hunt_turns_where_both_hunt_stag():
    game = named_game("stag_hunt")
    stag, mixed, hare = sorted(pg.solve_all(game), key=lambda e: -e.profile[0][0])
    for start, mixes in ((stag, slice(None)), (mixed, slice(None, None, -1))):
        trace = pg.trace(game, start=start)
        check(trace)
        assert trace.converged
        assert trace.ends == ("lambda = 0 reached",) * 2
        (event,) = trace.events
        assert abs(event.lam - 0.25) < 1e-12
        assert event.kind == "corner"
        assert event.directions == (1, -1)
        assert {(c.player, c.action, c.against, c.begins) for c in event.changes} == {
            (player, 1, None, start is stag) for player in range(2)
        }
        points = list(trace)[mixes]
        corner = points.index(event.equilibria[0])
        assert all(flat(point.profile).tolist() == [1, 0, 1, 0] for point in points[:corner])
        for point in points[corner:]:
            probability = 3 / (4 * (1 - point.objective.lam))
            assert np.abs(flat(point.profile) - np.array([probability, 1 - probability] * 2)).max() < 1e-12
    trace = pg.trace(game, start=hare, lams=(0, 3))
    check(trace)
    assert trace.events == ()
    assert trace.ends == ("lambda = 0 reached", "lambda = 3 reached")
    assert all(flat(profile).tolist() == [0, 1, 0, 1] for profile in trace.profiles)


def test_chicken_passes_the_path_of_equilibria_at_one_tenth():
    game = named_game("chicken")
    ends = []
    for start in pg.solve_all(game):
        trace = pg.trace(game, start=start)
        check(trace)
        assert trace.converged
        (event,) = trace.events
        assert abs(event.lam - 0.1) < 1e-12
        assert len(event.equilibria) == 2
        assert "connected set" in event.text()
        ends.append((np.round(flat(trace[-1].profile)[::2], 9).tolist(), trace.lams[-1], event.kind))
        for point in trace:
            x, y, lam = point.profile[0][0], point.profile[1][0], point.objective.lam
            assert abs(lam - 0.1) < 1e-12 or {x, y} <= {0, 1} or abs(x - 9 / (10 * (1 - lam))) + abs(x - y) < 1e-12
    assert sum(end == ([1, 1], 1, "support") for end in ends) == 1
    assert sum(kind == "corner" for _, _, kind in ends) == 2


@pytest.mark.parametrize(("aggregate", "lam"), [("mean", 2 / 3), ("sum", 1 / 3), ("max", 2 / 3)])
def test_all_join_the_line_up_to_a_threshold(aggregate, lam):
    game = named_game("assembly_line")
    objective = pg.PowerObjective(0, aggregate)
    trace = pg.trace(game, start=pg.solve(game, objective, method="pure"))
    check(trace)
    assert trace.converged
    (event,) = trace.events
    assert abs(event.lam - lam) < 1e-12
    assert event.kind == "corner"
    assert flat(event.equilibria[0].profile).tolist() == [1, 0] * 3
    assert flat(trace[0].profile).tolist() == [1, 0] * 3
    # Everybody mixes at λ = 0 so that the others join with probability 1/3 in all.
    assert abs(trace[-1].profile[0][0] - 3**-0.5) < 1e-12


@pytest.mark.parametrize("name", ["matching_pennies", "rock_paper_scissors", "shapley", "oneill"])
def test_nothing_happens_where_the_equilibrium_stays(name):
    game = named_game(name)
    for lam in (0, 0.3):
        trace = pg.trace(game, pg.PowerObjective(lam), lams=(0, 2))
        check(trace)
        assert trace.converged
        assert trace.events == ()
        assert trace.lams[[0, -1]].tolist() == [0, 2]
        assert np.abs(flat(trace[0].profile) - flat(trace[-1].profile)).max() < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_pure_equilibria_last_as_long_as_their_interval(seed):
    game = named_game(f"random_uniform:actions=4,seed={seed}")
    for pure in pg.pure_equilibria(game):
        low, high = float(pure.lam_min), min(float(pure.lam_max), 2.0)
        if high - low < 1e-3:
            continue
        middle = (low + high) / 2
        profile = [np.eye(4)[action] for action in pure.joint_action]
        objective = pg.PowerObjective(middle)
        certificate = pg.certify(game, profile, objective)
        start = pg.Equilibrium(game, objective, game.profile(profile), certificate, pg.Status.CONVERGED, "pure")
        trace = pg.trace(game, start=start, lams=(0, 2))
        check(trace)
        (here,) = (k for k, point in enumerate(trace) if point.objective.lam == middle and is_pure(point, pure))
        for end, way in ((low, -1), (high, 1)):
            if 0 < end < 2:
                events = [e for e in trace.events if abs(e.lam - end) < 1e-9]
                assert any(is_pure(point, pure) for event in events for point in event.equilibria), (end, trace)
            for point in trace.points[here :: way if trace.lams[here + 1] > middle else -way]:
                if not is_pure(point, pure):
                    break
                assert low - 1e-9 <= point.objective.lam <= high + 1e-9


def is_pure(point, pure):
    return all(strategy[a] == 1 for strategy, a in zip(point.profile, pure.joint_action, strict=True))


# --- against all equilibria -------------------------------------------------------------------------------------------


def test_two_players_against_all_equilibria():
    kinds, complete = set(), []
    for actions, seeds in ((3, range(8)), (4, range(2))):
        for seed in seeds:
            game = named_game(f"random_uniform:actions={actions},seed={seed}")
            every, events = check_against_everything(game, pg.PowerObjective())
            complete.append(every)
            kinds |= {event.kind for event in events}
    assert kinds == {"support", "corner"}
    # A closed path between two λ at which traces begin is the only thing to be missed.
    assert sum(complete) >= len(complete) - 2


@pytest.mark.parametrize("aggregate", ["sum", "max", WEIGHTS], ids=["sum", "max", "weights"])
def test_three_players_against_all_equilibria(aggregate):
    complete, events = check_against_everything(SMOOTH[1], pg.PowerObjective(0, aggregate))
    assert complete
    assert events


@pytest.mark.parametrize("game", SMOOTH, ids=lambda game: game.title)
def test_smooth_folds(game):
    objective = pg.PowerObjective(0, "sum")
    traces = traces_of(game, objective, (0,))
    folds = [event for trace in traces for event in trace.events if event.kind == "fold"]
    assert folds
    for trace in traces:
        check(trace)
    for fold in folds:
        assert fold.changes == ()
        assert fold.text() == "the path turns back"
        # Near the fold two equilibria lie as far apart as the root of the distance in λ; beyond it there are none.
        (reached,) = fold.equilibria
        centre = flat(reached.profile)
        near = [
            [np.abs(other - centre).max() for other in everything(game, objective, fold.lam + shift)]
            for shift in (-1e-5, 1e-5)
        ]
        below, above = (sum(distance < 0.02 for distance in distances) for distances in near)
        assert (below, above) == ((2, 0) if fold.directions == (1, -1) else (0, 2))


@pytest.mark.parametrize(
    ("spec", "aggregate"),
    [
        pytest.param(spec, aggregate, marks=pytest.mark.slow if (number + place) % 3 else ())
        for number, spec in enumerate(["players=3,actions=3", "players=4,actions=2", "players=3,actions=2x3x4"])
        for place, aggregate in enumerate(["sum", "mean", "max"])
    ],
)
def test_more_players(spec, aggregate):
    for seed in range(2):
        game = named_game(f"random_uniform:{spec},seed={seed}")
        trace = pg.trace(game, pg.PowerObjective(0.4, aggregate))
        check(trace)
        assert trace.converged
        assert min(trace.lams[[0, -1]]) in (0, 1)


# --- properties -------------------------------------------------------------------------------------------------------


def test_a_closed_path_ends_where_it_begins():
    lam = 0.2
    closed = [trace for trace in traces_of(LOOP, pg.PowerObjective(), (lam,)) if trace.ends[0] == "back at the start"]
    (trace,) = closed
    assert trace.converged
    assert trace[0] is trace[-1]
    assert [event.kind for event in trace.events] == ["corner", "corner"]
    low, high = sorted(event.lam for event in trace.events)
    assert low < lam < high
    for beyond in (low - 1e-6, high + 1e-6):
        assert len(everything(LOOP, pg.PowerObjective(), beyond)) == 1
    for within in (low + 1e-6, high - 1e-6):
        assert len(everything(LOOP, pg.PowerObjective(), within)) == 3


def test_a_path_is_the_same_from_both_ends():
    forth = pg.trace(SMOOTH[0], start=pg.solve(SMOOTH[0], pg.PowerObjective(0, "sum")))
    back = pg.trace(SMOOTH[0], start=forth[-1])
    assert len(forth.events) > 5
    # A trace starts upwards, so that one from λ = 1 is told in the same order, one from λ = 0 the other way.
    up = forth.lams[-1] == 1
    others = back.events if up else [event.reverse() for event in back.events[::-1]]
    for here, there in zip((forth[0], forth[-1]), (back[0], back[-1]) if up else (back[-1], back[0]), strict=True):
        assert here.objective.lam == there.objective.lam
        assert np.abs(flat(here.profile) - flat(there.profile)).max() < 1e-9
    for event, other in zip(forth.events, others, strict=True):
        assert abs(event.lam - other.lam) < 1e-11
        assert (event.kind, event.directions, set(event.changes)) == (other.kind, other.directions, set(other.changes))


@pytest.mark.parametrize(("factor", "offset"), [(1e9, 0), (1e-9, 0), (1, 1e6), (3e5, -7e9), (1e250, 0)])
def test_units_and_offsets_of_payoffs_do_not_matter(factor, offset):
    for game, objective in ((LOOP, pg.PowerObjective(0.2)), (SMOOTH[1], pg.PowerObjective(0, "sum"))):
        other = pg.NormalFormGame(game.payoffs * np.array(factor) + offset)
        here, there = pg.trace(game, objective), pg.trace(other, objective)
        assert here.converged
        assert there.converged
        assert [event.kind for event in here.events] == [event.kind for event in there.events]
        for event, same in zip(here.events, there.events, strict=True):
            assert abs(event.lam - same.lam) < 1e-9 * max(1, abs(offset / factor))


def test_the_range_is_kept():
    game = named_game("battle_of_the_sexes")
    trace = pg.trace(game, pg.PowerObjective("2/5"), lams=(0.35, 0.6))
    check(trace)
    assert trace.converged
    assert trace.lams.min() == 0.35
    assert trace.lams.max() <= 0.6
    assert set(trace.lams[[0, -1]]) <= {0.35, 0.6}
    adversarial = pg.PowerObjective(0, "sum", "adversarial")
    trace = pg.trace(named_game("assembly_line"), adversarial, lams=(0, 0.5))
    check(trace)
    assert trace.converged
    with pytest.raises(pg.InputError, match="probability"):
        pg.trace(named_game("assembly_line"), adversarial)


def test_any_start_will_do():
    game = named_game("stag_hunt")
    exact = max(pg.solve_all(game, pg.PowerObjective("1/10"), exact=True), key=lambda e: min(e.profile[0]))
    assert exact.profile[0][0] == Fraction(5, 6)
    trace = pg.trace(game, start=exact)
    check(trace)
    assert trace.objective == exact.objective
    assert {0, 0.1} < set(trace.lams)
    assert trace.events[0].kind == "corner"
    single = pg.trace(pg.NormalFormGame([[1.0, 3.0, 2.0]]), lams=(0, 2))
    assert single.converged
    assert single.events == ()
    assert single[-1].profile[0].tolist() == [0, 1, 0]
    constant = pg.trace(pg.NormalFormGame(np.zeros((2, 2, 2))))
    assert constant.converged
    check(constant)


def test_many_equilibria_do_not_hang():
    game = named_game("von_stengel")
    begin = time.perf_counter()
    outcomes = []
    for start in list(pg.solve_all(game))[::5]:
        trace = pg.trace(game, start=start)
        outcomes.append(trace.status)
        check(trace)
    assert outcomes.count(pg.Status.CONVERGED) >= 14
    assert set(outcomes) <= {pg.Status.CONVERGED, pg.Status.PATH_LOST}
    assert time.perf_counter() - begin < 30


SPECS = ["actions=3", "players=3,actions=2", pytest.param("players=3,actions=3,largest=3", marks=pytest.mark.slow)]


@pytest.mark.parametrize("spec", SPECS)
def test_degenerate_games_are_traced_or_given_up_in_words(spec):
    outcomes = []
    for seed in range(6):
        game = named_game(f"random_degenerate:{spec},seed={seed}")
        trace = pg.trace(game, pg.PowerObjective(0.4))
        outcomes.append(trace.converged)
        assert trace.converged or any(end.startswith(("lost: ", "around")) for end in trace.ends)
        for point in trace:
            assert oracle.scaled_regret_in_floats(game.payoffs, point.objective, point.profile) <= TOL
        for event in trace.events:
            assert event.bracket[1] - event.bracket[0] <= 1e-9
    assert sum(outcomes) >= 5


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_start_among_infinitely_many_is_refused():
    game = pg.NormalFormGame([[[1, 1], [0, 0]], [[1, 1], [0, 0]]])
    objective, profile = pg.PowerObjective(0.2), [[1, 0], [0.5, 0.5]]
    certificate = pg.certify(game, profile, objective)
    start = pg.Equilibrium(game, objective, game.profile(profile), certificate, pg.Status.CONVERGED, "by hand")
    trace = pg.trace(game, start=start)
    assert trace.status is pg.Status.PATH_LOST
    assert trace.ends == ("lost: the start is one of infinitely many equilibria",) * 2
    assert trace.points == (start,)


def test_limits_and_rejections_are_told():
    trace = pg.trace(LOOP, max_points=7)
    assert trace.status is pg.Status.MAX_ITER
    assert len(trace) <= 7
    check(trace)
    failed = pg.solve(LOOP, method="lemke", max_iter=1)
    assert not failed.converged
    trace = pg.trace(LOOP, start=failed)
    assert (trace.status, trace.points, trace.events) == (failed.status, (), ())
    assert len(trace) == 0
    strict = pg.trace(LOOP, start=pg.solve(LOOP), tol=0)
    assert strict.converged or strict.status is pg.Status.REJECTED


def test_a_path_that_no_step_continues_is_lost(monkeypatch):
    monkeypatch.setattr(continuation, "LIMITS", dataclasses.replace(continuation.LIMITS, corrections=0))
    trace = pg.trace(LOOP, start=pg.solve(LOOP))
    assert trace.status is pg.Status.PATH_LOST
    assert not trace.converged


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"lams": 1}, "lams: got 1; give two finite numbers"),
        ({"lams": (0, 0)}, "lams: got (0, 0)"),
        ({"lams": (-1, 1)}, "lams: got (-1, 1)"),
        ({"lams": (0, np.inf)}, "lams: got (0, inf)"),
        ({"lams": (0, "x")}, "lams: got (0, 'x')"),
        ({"lams": (0, 1), "objective": pg.PowerObjective(2)}, "the path starts at lam=2"),
        ({"objective": "mean"}, "objective: got str"),
        ({"start": [[1, 0, 0]] * 2}, "start: got list"),
        ({"start": pg.solve(named_game("stag_hunt"))}, "another game"),
        ({"start": pg.solve(LOOP), "objective": pg.PowerObjective(0, "max")}, "another aggregate"),
        ({"max_points": 0}, "max_points: got 0"),
        ({"max_points": 1.5}, "max_points: got 1.5"),
        ({"tol": -1}, "tol: got -1"),
        ({"callback": 3}, "callback: got int"),
        ({"objective": pg.PowerObjective(0, np.zeros((3, 3)))}, "3"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(arguments, text):
    with pytest.raises(pg.InputError) as caught:
        pg.trace(LOOP, **arguments)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_callback_is_called_and_may_interrupt():
    calls = []
    start = pg.solve(LOOP)
    pg.trace(LOOP, start=start, callback=lambda *call: calls.append(call))
    assert len(calls) > 10
    assert all(stage == "points of the path" and total == 0 for stage, _, total in calls)

    def stop(stage, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pg.trace(LOOP, start=start, callback=stop)


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_results_in_words_and_json():
    trace = pg.trace(named_game("battle_of_the_sexes"), pg.PowerObjective(1))
    assert repr(trace).startswith("<Trace CONVERGED: ")
    assert "support at 0.5" in repr(trace)
    assert repr(pg.trace(named_game("matching_pennies"))).endswith("no critical lam>")
    document = json.loads(json.dumps(trace.to_dict(), allow_nan=False))
    assert document["status"] == "CONVERGED"
    assert [point["lam"] for point in document["points"]] == trace.lams.tolist()
    assert document["events"][-1]["kind"] == "support"
    assert any(
        change == {"player": 0, "action": 0, "against": 1, "begins": True}
        or change == {"player": 1, "action": 0, "against": 0, "begins": True}
        for event in document["events"]
        for change in event["changes"]
    )
    assert any("becomes a worst case for" in event.text() for event in trace.events)


def test_the_command(capsys):
    assert run(["trace", "stag_hunt", "--select", "welfare", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "powergames/1"
    assert document["game"]["title"] == "Stag hunt"
    assert [event["kind"] for event in document["events"]] == ["corner"]
    assert run(["trace", "assembly_line", "--aggregate", "sum", "--lam", "1/4:1", "--start", "2/3"]) == 0
    shown = capsys.readouterr().out
    assert "λ = 0.25 reached" in shown
    assert "Every point on the way is certified" in shown
    assert run(["trace", "random_degenerate:actions=3,seed=0", "--lam", "0:1", "--method", "lemke"]) in (0, 1)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--lam", "0"], "--lam: got '0'"),
        (["--lam", "1:0"], "--lam: got '1:0'"),
        (["--lam", "0:1:5"], "--lam: got '0:1:5'"),
        (["--lam", "a:b"], "--lam: got 'a:b'"),
        (["--start", "2"], "--start: got 2"),
        (["--start", "x"], "lam: got 'x'"),
        (["--method", "magic"], "method: got 'magic'"),
        (["--tol", "2"], "--tol"),
    ],
)
def test_bad_input_to_the_command(options, text, capsys):
    assert run(["trace", "stag_hunt", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
    assert err.count("\n") == 1


def test_a_start_is_certified_before_it_is_followed():
    game = named_game("assembly_line")
    honest = pg.solve(game, pg.PowerObjective(0.3))
    # Whoever builds an equilibrium by hand may claim anything.
    claimed = dataclasses.replace(honest, profile=game.profile([[1, 0], [0, 1], [1, 0]]))
    assert claimed.converged
    path = pg.trace(game, start=claimed)
    assert path.status is pg.Status.REJECTED
    assert len(path) == 0
