"""Charts: what is drawn equals the results, looks that can be told apart, files in all formats, and bad input."""

from __future__ import annotations

import builtins
import json
import math
import re
import runpy
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import powergames as pg
from powergames.cli import run
from powergames.results import Sweep, SweepPoint

pytest.importorskip("altair", reason="Altair is not installed; it is part of the extra 'viz'")
pytest.importorskip("vl_convert", reason="vl-convert is not installed; it is part of the extra 'viz'")
from powergames import viz
from powergames.viz import theme
from powergames.viz.labels import domain, short_names

ROOT = Path(__file__).parents[2]
STAG = pg.load("stag_hunt")
LINE = pg.load("assembly_line")
REPUTATION = pg.load("reputation_stag_hunt")
LAMS = ["0", "1/5", "1/4", "3/10", "1"]
EVIL = "</script><script>alert('1')</script>"


def rows(chart, *fields):
    """All rows of a chart's data that have these fields."""
    return [row for table in chart.to_dict()["datasets"].values() for row in table if set(fields) <= set(row)]


def encodings(node):
    """All encodings anywhere in a specification."""
    if isinstance(node, dict):
        if "encoding" in node:
            yield node["encoding"]
        for value in node.values():
            yield from encodings(value)
    elif isinstance(node, list):
        for value in node:
            yield from encodings(value)


def words(chart):
    title = chart.to_dict()["title"]
    return " ".join([*title["text"], *title.get("subtitle", [])])


@pytest.fixture(scope="module")
def swept():
    return pg.sweep(STAG, lams=LAMS, all_equilibria=True, progress=False)


@pytest.fixture(scope="module")
def broken(swept):
    """A sweep of which every second λ failed."""
    return Sweep(STAG, tuple(SweepPoint(p.objective, (), "out of time") if k % 2 else p for k, p in enumerate(swept)))


@pytest.fixture(scope="module")
def evaluation():
    return pg.evaluate(REPUTATION, REPUTATION.uniform_profile(), pg.PowerObjective(0.2))


@pytest.fixture(scope="module")
def every_chart(swept, broken, evaluation):
    team = pg.load("examples/games/small_team.nfg")
    run = pg.train(STAG, pg.PowerObjective(0.2), steps=2000)
    return [
        viz.frontier(swept),
        viz.frontier(broken),
        viz.bifurcation(swept, pg.trace(STAG)),
        viz.best_responses(STAG, pg.PowerObjective(0.1)),
        viz.power_heatmap(pg.power_table(team, team.uniform_profile())),
        viz.power_network(evaluation),
        viz.trajectory(evaluation),
        viz.learning_curves(run),
        viz.learning_sweep(pg.train_sweep(STAG, lams=[0, 0.2], seeds=[0, 1], steps=2000)),
        viz.off_policy(pg.audit(team, team.uniform_profile(), pg.PowerObjective(0.2))),
    ]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)


def test_frontier_draws_every_outcome_once(swept):
    drawn = rows(viz.frontier(swept), "task", "power", "kind")
    expected = {(float(e.task.mean()), float(e.power.sum() / 2)) for point in swept for e in point.equilibria}
    assert {(row["task"], row["power"]) for row in drawn} == expected
    by_place = {(row["task"], row["power"]): row for row in drawn}
    assert by_place[4.0, 4.0]["label"] == "λ = 0 to 0.25"
    assert by_place[3.0, 0.0]["label"] == "λ = 0 to 1"
    assert by_place[4.0, 4.0]["kind"] == by_place[3.0, 0.0]["kind"] == "on the frontier"
    assert by_place[3.0, 2.25]["kind"] == "beaten by another"


def test_frontier_joins_outcomes_along_one_branch_only():
    path = pg.sweep(STAG, lams=["0", "1/10", "1/5", "1/4", "1"], all_equilibria=True, progress=False)
    pieces: dict[int, list[tuple[float, float]]] = {}
    for row in rows(viz.frontier(path), "branch"):
        pieces.setdefault(row["branch"], []).append((row["task"], row["power"]))
    mixed = [
        next((float(e.task[0]), float(e.power[0, 1])) for e in point.equilibria if 0 < e.profile[0][0] < 1)
        for point in path.points[:3]
    ]
    assert [tuple(ends) for ends in pieces.values()] == list(pairwise(mixed))


def test_frontier_joins_no_outcomes_across_a_jump():
    """At λ = 1/8 the mixed equilibrium jumps along a connected set, with the same support before and after."""
    game = pg.NormalFormGame.from_bimatrix([[10, 0], [5, 7]], [[1, 3], [2, 1]])
    assert 1 / 8 in [float(lam) for lam in pg.bifurcations(game).critical]
    path = pg.sweep(game, lams=["0", "1/20", "1/10", "3/20", "7/40"], all_equilibria=True, progress=False)
    lines = rows(viz.frontier(path), "branch")
    mixed = [(float(p.equilibria[0].task.mean())) for p in path]
    joined = [tuple(row["task"] for row in lines if row["branch"] == k) for k in {row["branch"] for row in lines}]
    assert sorted(joined) == sorted([tuple(mixed[:2]), tuple(mixed[1:3]), tuple(mixed[3:])])


def test_critical_lam_are_all_changes_or_called_what_they_are(swept):
    assert "Critical λ, dashed: 1/4" in words(viz.bifurcation(swept))
    assert "Ends of pure equilibria, dashed: 2/3" in words(viz.bifurcation(pg.sweep(LINE, lams=[0, 1], progress=False)))
    path = pg.trace(STAG, start=pg.solve(STAG, select="welfare"))
    assert "Changes along what was followed, dashed: 1/4" in words(viz.bifurcation(path))
    game = pg.load("battle_of_the_sexes")
    lams = {
        row["lam"] for row in rows(viz.bifurcation(pg.sweep(game, lams=[0, 1], progress=False)), "lam") if len(row) == 1
    }
    assert lams == {1 / 3, 1 / 2}


def test_mixed_equilibria_are_lines_over_their_exact_range(swept):
    chart = viz.bifurcation(swept, show=("hunter 1", "stag"))
    curve = {row["lam"]: row["value"] for row in rows(chart, "curve")}
    assert (min(curve), max(curve)) == (0.0, 0.25)
    assert all(value == pytest.approx(0.75 / (1 - lam)) for lam, value in curve.items())


def test_pictures_turn_dark_where_the_screen_is(tmp_path, swept, evaluation):
    for k, chart in enumerate((viz.frontier(swept), viz.power_heatmap(evaluation))):
        viz.save(chart, tmp_path / f"{k}.svg")
        text = (tmp_path / f"{k}.svg").read_text(encoding="utf-8")
        assert '[fill="white"]{fill:#14171c}' in text
        assert "@media screen and (prefers-color-scheme:dark)" in text
        assert text.startswith("<svg")


def test_states_in_the_caller_s_order_are_not_joined(evaluation):
    def lines(chart):
        marks = json.dumps(chart.to_dict())
        return marks.count('"type": "line"')

    assert lines(viz.trajectory(evaluation)) > 0
    assert lines(viz.trajectory(evaluation, [2, 0])) == 0


def test_pictures_of_the_documentation_are_made_by_the_commands_under_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gallery.py", str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / "gallery.py"), run_name="__main__")
    made = sorted((tmp_path / "images").iterdir())
    assert len(made) == 12
    for picture in made:
        kept = ROOT / "docs" / "images" / picture.name
        if picture.suffix == ".svg":
            # The words; places may differ by rounding.
            texts = [re.findall(r">([^<>]+)</text>", path.read_text(encoding="utf-8")) for path in (kept, picture)]
            assert texts[0] == texts[1], f"{kept} is out of date; run python examples/gallery.py"
        assert kept.is_file()
    for kept in (ROOT / "docs" / "images").glob("*.svg"):
        assert kept.name == "architecture.svg" or "prefers-color-scheme:dark" in kept.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("sweep stag_hunt --plot a.svg --plot-kind stairs", "got 'stairs'; give frontier or equilibria"),
        ("sweep stag_hunt --plot-kind frontier", "--plot-kind: got it without --plot"),
        ("solve oneill --plot a.svg --plot-kind responses", "two actions each"),
        ("solve stag_hunt --plot a.svg --plot-kind trajectory", "has no states"),
        ("power stag_hunt --profile uniform --plot a.svg --plot-kind trajectory", "has no states"),
    ],
)
def test_kinds_of_pictures_are_checked(command, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(command.split()) == 2
    assert problem in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_frontier_of_one_player():
    game = pg.NormalFormGame.from_bimatrix([[5, 0], [4, 4]], [[3, 3], [0, 3]], players=["Ann", "Bob"])
    path = pg.sweep(game, lams=[0], all_equilibria=True, progress=False)
    for player in (0, "Ann"):
        drawn = rows(viz.frontier(path, player=player), "task", "power", "kind")
        assert {row["task"] for row in drawn} == {float(e.task[0]) for e in path[0].equilibria}
    with pytest.raises(pg.InputError, match="player: got 'Eve'"):
        viz.frontier(path, player="Eve")


def test_sweeps_over_a_number_of_steps_are_drawn():
    path = pg.sweep(REPUTATION.with_discount(1), lams=[0, 0.1, 0.3], horizon=3, progress=False)
    # Both hunt stag, or both hare; 1/2 more is paid while both are trusted.
    assert {(round(row["task"], 9), row["power"]) for row in rows(viz.frontier(path), "task", "power", "kind")} == {
        (13.5, 4.0),
        (9.5, 0.0),
    }
    for chart in (viz.frontier(path), viz.bifurcation(path)):
        assert "3 certified equilibria over 3 steps at 3 values" in json.dumps(chart.to_dict(), ensure_ascii=False)
    assert str(path[0].equilibria[0].horizon) in path._repr_html_().split("<table")[0]


def test_frontier_of_a_stochastic_game():
    path = pg.sweep(REPUTATION, lams=[0, 0.5], progress=False)
    drawn = rows(viz.frontier(path), "task", "power", "kind")
    expected = {float(e.evaluation.start_task.mean()) for point in path for e in point.equilibria}
    assert drawn
    assert {row["task"] for row in drawn} <= expected


@pytest.mark.parametrize("chart", [viz.frontier, viz.bifurcation])
def test_failures_are_marks(chart, broken):
    drawn = chart(broken)
    failed = {row["lam"] for row in rows(drawn, "lam", "kind", "why") if row["kind"] != "certified"}
    assert failed == {0.2, 0.3}
    assert "2 of 5 without a certified equilibrium" in words(drawn)


@pytest.mark.parametrize("chart", [viz.frontier, viz.bifurcation])
def test_nothing_found_draws_no_numbers(chart, swept):
    nothing = Sweep(STAG, tuple(SweepPoint(point.objective, (), "out of time") for point in swept))
    drawn = chart(nothing) if chart is viz.frontier else chart(nothing, pure=())
    assert not rows(drawn, "task")
    assert not rows(drawn, "value")
    assert "0 certified equilibria" in words(drawn)


def test_uncertified_profiles_have_a_mark_of_their_own(swept):
    wrong = pg.certify(STAG, [[1, 0], [1, 0]], pg.PowerObjective(1))
    profile = STAG.profile([[1, 0], [1, 0]])
    rejected = pg.Equilibrium(STAG, pg.PowerObjective(1), profile, wrong, pg.Status.REJECTED, "by hand")
    path = Sweep(STAG, (*swept.points[:4], SweepPoint(pg.PowerObjective(1), (rejected,))))
    kinds = {row["lam"]: row["kind"] for row in rows(viz.bifurcation(path), "lam", "value", "kind")}
    assert kinds[1.0] == "not certified"
    assert {row["kind"] for row in rows(viz.frontier(path), "task", "kind") if row["task"] == 4.0} == {
        "on the frontier",
        "not certified",
    }


@pytest.mark.parametrize("show", ["task", "power", "utility"])
def test_bifurcation_draws_every_equilibrium(swept, show):
    drawn = rows(viz.bifurcation(swept, pure=(), show=show), "lam", "value", "kind")
    expected = []
    for point in swept:
        for e in point.equilibria:
            values = {"task": e.task, "power": e.power.sum(axis=1), "utility": e.utility}[show]
            expected += [(point.objective.lam, float(value)) for value in values]
    # Both hunters have the same numbers, and equal data are stored once.
    assert {(row["lam"], row["value"]) for row in drawn} == set(expected)


def test_bifurcation_of_one_action(swept):
    drawn = rows(viz.bifurcation(swept, pure=(), show=("hunter 1", "stag")), "lam", "value", "kind")
    expected = {(p.objective.lam, float(e.profile[0][0])) for p in swept for e in p.equilibria}
    assert {(row["lam"], row["value"]) for row in drawn} == expected


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
def test_pure_equilibria_span_their_exact_range(aggregate):
    path = pg.sweep(LINE, pg.PowerObjective(aggregate=aggregate), lams=[0, 1], progress=False)
    chart = viz.bifurcation(path, show="utility")
    spans = {row["label"]: row for row in rows(chart, "lam", "until", "value", "to", "label")}
    line, _ = pg.pure_equilibria(LINE, pg.PowerObjective(aggregate=aggregate))
    assert spans["all line"]["until"] == float(line.lam_max)
    factor = {"mean": 1, "sum": 2, "max": 1}[aggregate]
    assert spans["all line"]["value"] == 3.0
    assert spans["all line"]["to"] == pytest.approx(3 - 3 * factor * float(line.lam_max))
    assert spans["all solo"]["until"] == 1.0
    assert {row["lam"] for row in rows(chart, "lam") if set(row) == {"lam"}} == {float(line.lam_max)}


def test_bifurcation_marks_the_events_of_a_trace():
    path = pg.trace(STAG, start=pg.solve(STAG, select="welfare"))
    chart = viz.bifurcation(path)
    event = path.events[0]
    marks = {(row["lam"], row["kind"]) for row in rows(chart, "lam", "kind", "text")}
    assert marks == {(event.lam, "path turns back, support changes")}
    points = {(row["lam"], row["value"]) for row in rows(chart, "lam", "value", "step")}
    assert points == {(e.objective.lam, float(task)) for e in path for task in e.task}
    assert "1/4" in words(chart)


def test_best_responses_agree_with_certificates():
    for game, lam in ((STAG, 0.1), (pg.load("matching_pennies"), 0.3), (pg.load("chicken"), 0.05)):
        objective = pg.PowerObjective(lam)
        chart = viz.best_responses(game, objective)
        cells = rows(chart, "regret")
        assert len(cells) == 2500
        for cell in cells[::123]:
            x, y = cell["x"] + 0.01, cell["y"] + 0.01
            certificate = pg.certify(game, [[x, 1 - x], [y, 1 - y]], objective)
            assert cell["regret"] == pytest.approx(float(certificate.scaled_regret), abs=1e-12)
        for piece in rows(chart, "player", "x2", "y2"):
            player = game.players.index(piece["player"])
            for share in (0.0, 0.37, 1.0):
                x = piece["x"] + share * (piece["x2"] - piece["x"])
                y = piece["y"] + share * (piece["y2"] - piece["y"])
                certificate = pg.certify(game, [[x, 1 - x], [y, 1 - y]], objective)
                assert certificate.scaled_regrets[player] <= 1e-9
        marks = {(row["x"], row["y"]) for row in rows(chart, "x", "y", "kind")}
        assert marks == {(float(e.profile[0][0]), float(e.profile[1][0])) for e in pg.solve_all(game, objective)}


def test_best_responses_to_what_makes_no_difference_are_areas():
    game = pg.NormalFormGame(np.ones((2, 2, 2)))
    pieces = [(row["x"], row["x2"], row["y"], row["y2"]) for row in rows(viz.best_responses(game), "player", "x2")]
    assert (0.0, 1.0, 0.0, 1.0) in pieces


@pytest.mark.parametrize("draw", [viz.power_heatmap, viz.power_network])
def test_power_is_drawn_as_it_is(draw):
    rng = np.random.default_rng(3)
    game = pg.NormalFormGame(rng.normal(size=(4, 2, 3, 2, 2)), players=["a", "b", "c", "d"])
    table = pg.power_table(game, game.uniform_profile())
    drawn = {(row["over"], row["holder"]): row["power"] for row in rows(draw(table), "over", "holder", "power")}
    assert drawn == {
        (game.players[i], game.players[j]): table.power[i, j] for i in range(4) for j in range(4) if i != j
    }


def test_network_arrows_are_in_proportion():
    game = pg.NormalFormGame(np.random.default_rng(3).normal(size=(3, 2, 2, 2)))
    arrows = rows(viz.power_network(pg.power_table(game, game.uniform_profile())), "width", "power", "angle")
    ratios = {round(arrow["width"] / arrow["power"], 9) for arrow in arrows}
    assert len(arrows) == 6
    assert len(ratios) == 1


def test_network_without_power_says_so():
    game = pg.NormalFormGame(np.ones((2, 2, 2)))
    chart = viz.power_network(pg.power_table(game, game.uniform_profile()))
    assert not rows(chart, "width")
    assert "nobody can take anything" in words(chart)


def test_power_in_a_state_and_on_average(evaluation):
    average = {row["power"] for row in rows(viz.power_heatmap(evaluation), "over", "power")}
    assert average == {evaluation.average_power[0, 1], evaluation.average_power[1, 0]}
    for state in (3, REPUTATION.states[3]):
        chart = viz.power_heatmap(evaluation, state=state)
        assert {row["power"] for row in rows(chart, "over", "power")} == set(evaluation.power[3][[0, 1], [1, 0]])
        assert REPUTATION.states[3] in words(chart)


def test_trajectory_follows_the_likeliest_states(evaluation):
    chart = viz.trajectory(evaluation, [2, "trusted, trusted", 2])
    drawn = rows(chart, "place", "player", "task", "power")
    way = [2, 0, 2]
    expected = [(float(evaluation.task[i, s]), float(evaluation.power[s, i, 1 - i])) for s in way for i in range(2)]
    assert {(row["task"], row["power"]) for row in drawn} == set(expected)
    assert len({row["place"] for row in drawn}) == 3


def test_trajectory_ends_where_a_state_comes_again():
    transitions = np.zeros((3, 1, 1, 3))
    transitions[[0, 1, 1, 2], 0, 0, [1, 2, 0, 1]] = [1, 0.75, 0.25, 1]
    game = pg.StochasticGame(np.zeros((2, 3, 1, 1)), transitions, 0.5, states=["a", "b", "c"], start=[1, 0, 0])
    chart = viz.trajectory(pg.evaluate(game, game.uniform_profile()))
    places = dict.fromkeys(row["place"] for row in rows(chart, "place", "task"))
    assert list(places) == ["0. a", "1. b", "2. c"]
    assert "of probability 0.75; then likely b again" in words(chart)


def test_learning_over_lambda_holds_means_and_intervals():
    game = pg.load("random_stochastic")
    learned = pg.train_sweep(game, lams=[0, 0.3], seeds=range(3), steps=2000, history=1)
    exact = pg.sweep(game, lams=[0, 0.3])
    drawn = list(rows(viz.learning_sweep(learned, exact=exact), "λ", "player", "task low"))
    assert {(row["λ"], row["player"]) for row in drawn} == {(lam, p) for lam in (0, 0.3) for p in game.players}
    for row in drawn:
        point, player = learned[[0, 0.3].index(row["λ"])], game.players.index(row["player"])
        assert row["task"] == point.task.mean[player]
        assert (row["power low"], row["power high"]) == (point.power.low[player], point.power.high[player])
    with pytest.raises(pg.InputError, match="learned: got list; give what train_sweep returns"):
        viz.learning_sweep([])
    with pytest.raises(pg.InputError, match="exact: give a sweep of the game"):
        viz.learning_sweep(learned, exact=exact[0])


def test_learning_curves_hold_the_history():
    first, second = (pg.train(STAG, pg.PowerObjective(0.2), steps=2000, seed=seed) for seed in (0, 1))
    exact = pg.solve(STAG, pg.PowerObjective(0.2))
    chart = viz.learning_curves([first, second], exact=exact)
    drawn = {(r["run"], r["steps"], r["player"]): (r["task"], r["power"]) for r in rows(chart, "run", "task", "power")}
    for k, each in enumerate((first, second)):
        for point in each.history:
            for i, name in enumerate(STAG.players):
                assert drawn[k, point.steps, name] == (point.task[i], point.power[i])
    regrets = {(r["run"], r["steps"]): r["regret"] for r in rows(chart, "run", "regret")}
    assert regrets[1, second.history[-1].steps] == second.history[-1].regret
    assert {row["task"] for row in rows(chart, "player", "task") if "steps" not in row} == set(exact.task.tolist())


def test_bars_begin_at_zero_and_end_at_the_worst():
    report = pg.audit(STAG, [[1, 0], [1, 0]], pg.PowerObjective(0.2))
    chart = viz.off_policy(report)
    drawn = {(row["way"], row["index"]): row for row in rows(chart, "way", "change", "left")}
    for label, least in report.worst.items():
        way = {"freeze": "frozen on one action"}.get(label, label)
        for i in range(2):
            assert drawn[way, i]["left"] == least[i]
            assert drawn[way, i]["change"] == least[i] - report.start_task[i]
    scales = [e["x"]["scale"]["domain"] for e in encodings(chart.to_dict()) if e.get("x", {}).get("field") == "change"]
    assert scales
    assert all(low <= 0 <= high for low, high in scales)


def test_all_charts_share_the_looks(every_chart):
    for chart in every_chart:
        specification = chart.to_dict()
        for name, looks in theme.CONFIG.items():
            own = specification["config"][name]
            assert own == looks or {**own, **looks} == own
        assert specification["title"]["text"][0]
    colours = {
        e["color"]["scale"]["range"][0]
        for c in every_chart
        for e in encodings(c.to_dict())
        if e.get("color", {}).get("field") == "player"
    }
    assert colours == {theme.BLUE}


def test_players_differ_in_more_than_colour(evaluation):
    names = [f"p{k}" for k in range(10)]
    colour, shape, size = theme.player_encodings(names)
    looks = list(zip(colour["scale"]["range"], shape["scale"]["range"], strict=True))
    assert len(set(looks)) == 10
    assert len(set(size["scale"]["range"])) == 10


def luminance(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("colour", [theme.INK, theme.GREY])
def test_letters_stand_out_from_white(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


@pytest.mark.parametrize("extension", [".png", ".svg", ".html", ".json"])
def test_every_chart_is_written_in_every_format(extension, every_chart, tmp_path):
    charts = every_chart if extension in (".svg", ".json") else every_chart[4:5]
    for k, chart in enumerate(charts):
        target = tmp_path / f"{k}{extension}"
        viz.save(chart, target)
        content = target.read_bytes()
        if extension == ".png":
            assert content.startswith(b"\x89PNG\r\n")
        elif extension == ".json":
            assert json.loads(content)["config"]["font"] == theme.FONT
        else:
            assert content.startswith(b"<svg" if extension == ".svg" else b"<!DOCTYPE html>")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [extension] * len(charts)


def evil_game():
    return pg.NormalFormGame(STAG.payoffs, players=[EVIL, "b"], actions=[[EVIL, "d"]] * 2, title=EVIL)


def test_a_page_is_harmless_and_needs_no_network(tmp_path):
    game = evil_game()
    viz.save(viz.power_heatmap(pg.power_table(game, game.uniform_profile())), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script>") == 2
    assert "default-src 'none'" in page
    for source in ('src="http', "src='http", "<link", "import("):
        assert source not in page.split("<script>")[0] + page.rsplit("<script>", 1)[1]
    viz.save(viz.power_network(pg.power_table(game, game.uniform_profile())), tmp_path / "picture.svg")
    assert "<script" not in (tmp_path / "picture.svg").read_text(encoding="utf-8")


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch, swept):
    target = tmp_path / "chart.svg"
    target.write_text("before")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        viz.save(viz.frontier(swept), target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_the_same_results_give_the_same_chart(swept):
    assert viz.frontier(swept).to_dict() == viz.frontier(swept).to_dict()


@pytest.mark.parametrize("scale", [1e9, 1e-9])
def test_huge_and_tiny_payoffs_have_readable_axes(scale):
    path = pg.sweep(pg.NormalFormGame(STAG.payoffs * scale), lams=[0], all_equilibria=True, progress=False)
    formats = {
        e["y"]["axis"].get("format") for e in encodings(viz.bifurcation(path).to_dict()) if "field" in e.get("y", {})
    }
    assert formats == {"~e"}


def test_differences_behind_an_offset_are_drawn():
    game = pg.NormalFormGame(STAG.payoffs + 1e9)
    path = pg.sweep(game, lams=[0], all_equilibria=True, progress=False)
    for e in encodings(viz.bifurcation(path, pure=()).to_dict()):
        low, high = e["y"]["scale"]["domain"]
        assert 1e9 + 2 < low < 1e9 + 3
        assert 1e9 + 4 < high < 1e9 + 5


def test_one_lam_long_names_and_many_players(tmp_path):
    long = [f"The department of things that take a long time to name, number {k}" for k in range(6)]
    game = pg.NormalFormGame(np.random.default_rng(0).normal(size=(6, *[2] * 6)), players=long)
    uniform = game.uniform_profile()
    path = pg.sweep(game, lams=["1/2"], method="ipa", progress=False)
    table = pg.power_table(game, uniform)
    report = pg.audit(game, uniform, pg.PowerObjective(0.5))
    charts = [viz.frontier(path), viz.bifurcation(path), viz.power_network(table), viz.power_heatmap(table)]
    for k, chart in enumerate([*charts, viz.off_policy(report)]):
        viz.save(chart, tmp_path / f"{k}.svg")
        assert "Untitled game" in words(chart)
    shown = short_names(long)
    assert len(set(shown)) == 6
    assert max(map(len, shown)) <= 26


def test_a_single_player_can_be_drawn():
    game = pg.NormalFormGame([[1.0, 2.0]])
    table = pg.power_table(game, game.uniform_profile())
    assert not rows(viz.power_network(table), "width")
    assert not rows(viz.power_heatmap(table), "power")


@pytest.mark.parametrize("values", [[], [0.0], [5.0], [1e9, 1e9 + 1], [-3.0, 4.0], [1e-300]])
@pytest.mark.parametrize("zero", [False, True])
def test_domains_hold_their_values(values, zero):
    low, high = domain(values, zero=zero)
    assert low < high
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert all(low <= value <= high for value in values)
    assert not zero or low <= 0 <= high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.frontier(None), "path: got NoneType"),
        (lambda: viz.frontier(Sweep(STAG, ())), "path: got a sweep over no λ"),
        (lambda: viz.bifurcation(3), "path: got int"),
        (lambda: viz.bifurcation(pg.sweep(STAG, lams=[0], progress=False), [1]), "traces: "),
        (lambda: viz.bifurcation(pg.sweep(STAG, lams=[0], progress=False), pg.trace(pg.load("chicken"))), "traces: "),
        (lambda: viz.bifurcation(pg.sweep(STAG, lams=[0], progress=False), show="tasks"), "show: got 'tasks'"),
        (lambda: viz.bifurcation(pg.sweep(STAG, lams=[0], progress=False), show=(0, 7)), "show: got action '7'"),
        (lambda: viz.bifurcation(pg.sweep(REPUTATION, lams=[0], progress=False), pure=[1]), "pure: not for stochastic"),
        (lambda: viz.best_responses(LINE), "game: got 2 x 2 x 2 actions"),
        (lambda: viz.power_heatmap(3), "table: got int"),
        (lambda: viz.power_network(pg.power_table(STAG, STAG.uniform_profile()), state=0), "state: a game in normal"),
        (lambda: viz.power_network(pg.evaluate(REPUTATION, REPUTATION.uniform_profile()), state="x"), "state: got 'x'"),
        (lambda: viz.trajectory(3), "result: got int"),
        (lambda: viz.trajectory(pg.evaluate(REPUTATION, REPUTATION.uniform_profile()), []), "states: got none"),
        (lambda: viz.trajectory(pg.evaluate(REPUTATION, REPUTATION.uniform_profile()), steps=0), "steps: got 0"),
        (lambda: viz.learning_curves([]), "runs: give what train returns"),
        (lambda: viz.learning_curves(pg.train(STAG, steps=100), exact=pg.solve(LINE)), "exact: give an equilibrium"),
        (lambda: viz.off_policy(3), "report: got int"),
        (lambda: viz.save(None, "chart.pdf"), "save: got 'chart.pdf'"),
        (lambda: viz.save(None, 3), "save: got int"),
        (lambda: viz.save(None, "/no/such/folder/chart.png"), "save: there is no folder"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(call, message):
    with pytest.raises(pg.InputError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["altair", "vl_convert"])
def test_a_missing_extra_is_named(missing, monkeypatch, capsys):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == missing:
            raise ImportError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert run(["sweep", "stag_hunt", "--lam", "0,1", "--plot", "chart.svg"]) == 2
    assert capsys.readouterr().err == (
        f"powergames: charts: {missing} is not installed; run pip install 'powergames[viz]'\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "sweep stag_hunt --lam 0,1/4,1",
        "sweep stag_hunt --lam 0,1/4,1 --all",
        "power assembly_line --profile uniform",
        "power assembly_line:n=7 --profile uniform",
        "power reputation_stag_hunt --profile uniform",
        "trace stag_hunt",
        "audit stag_hunt examples/both_stag.json --lam 1/5",
        "train stag_hunt --steps 2000 --lam 1/5",
    ],
)
def test_commands_draw(arguments, tmp_path, capsys):
    target = tmp_path / "chart.svg"
    written = [str(tmp_path / "policy.npz")]
    output = ["-o", *written] if arguments.startswith("train") else []
    assert run([*arguments.split(), *output, "--json", "--plot", str(target)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["schema"] == "powergames/1"
    assert err == ""
    assert target.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("name", ["chart.pdf", "chart", "game.json", "no/such/folder/chart.png"])
def test_commands_refuse_other_files_before_the_work(name, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("powergames.io.load", lambda *_: pytest.fail("loaded the game"))
    monkeypatch.chdir(tmp_path)
    for command in ("sweep g", "power g --profile uniform", "trace g", "audit g p --lam 0", "train g -o p.npz"):
        assert run([*command.split(), "--plot", name]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("powergames: --plot: ")
        assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_failed_check_is_drawn_all_the_same(tmp_path, capsys):
    target = tmp_path / "chart.svg"
    assert run(["audit", "stag_hunt", "examples/both_stag.json", "--lam", "0.9", "--plot", str(target)]) == 1
    assert target.exists()
    capsys.readouterr()


def test_exact_profiles_are_drawn():
    equilibria = pg.solve_all(STAG, pg.PowerObjective("1/5"), exact=True)
    assert isinstance(equilibria[0].profile[0][0], Fraction)
    drawn = rows(viz.power_heatmap(equilibria[0]), "over", "power")
    assert {row["power"] for row in drawn} == {float(value) for value in equilibria[0].power[[0, 1], [1, 0]]}
