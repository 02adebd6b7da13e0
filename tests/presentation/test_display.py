"""What results show of themselves: the same cells in the terminal, HTML, LaTeX and data frames; names are only text."""

from __future__ import annotations

import builtins
import html
import io
import json
import re
import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest

import powergames as pg
from powergames.commands.terminal import print_blocks, print_result
from powergames.display import Table, mixture_text, to_html, to_latex

EVIL = ["<script>alert(1)</script>", "a & b_c $x$ \\input{/etc/passwd} [4] *\n%", "λ ≤ 1"]
STAG = pg.load("stag_hunt")


def results(game, profile, lam=0.2):
    """One of everything that shows itself, of one game and profile."""
    objective = pg.PowerObjective(lam)
    certificate = pg.certify(game, profile, objective)
    report = pg.audit(game, profile, objective)
    run = pg.train(game, steps=500)
    shown = [game, certificate, report, run, pg.sweep(game, lams=[0, lam], progress=False), pg.solve(game, objective)]
    if isinstance(game, pg.StochasticGame):
        return [*shown, pg.evaluate(game, profile, objective)]
    return [*shown, pg.power_table(game, profile), pg.solve_all(game, objective), pg.trace(game)]


@pytest.fixture(scope="module")
def evil():
    names = {"players": EVIL[:2], "actions": [EVIL[:2], EVIL[:2]], "title": EVIL[0]}
    game = pg.NormalFormGame(STAG.payoffs, **names)
    rewards = np.repeat(STAG.payoffs[:, None], 2, axis=1)
    stochastic = pg.StochasticGame(rewards, np.full((2, 2, 2, 2), 0.5), 0.5, states=[EVIL[0], EVIL[2]], **names)
    return [each for g in (game, stochastic) for each in results(g, g.uniform_profile())]


class Cells(HTMLParser):
    """The cells of all tables of a piece of HTML, row by row, and the tags that occur."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.inside = set(), [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def tables(result):
    return [block for block in result.blocks() if isinstance(block, Table)]


def test_html_holds_the_cells_and_nothing_but_tables(evil):
    for result in evil:
        parsed = Cells(result._repr_html_())
        assert parsed.tags <= {"div", "p", "table", "caption", "thead", "tbody", "tr", "th", "td"}
        expected = [row for t in tables(result) for row in (t.headers, *([c.text for c in row] for row in t.rows))]
        assert parsed.rows == expected
        assert html.escape(EVIL[0]) in result._repr_html_() or isinstance(result, pg.Certificate)


def test_latex_holds_the_cells_and_no_command_of_a_name(evil):
    for result in evil:
        text = result.to_latex()
        bare = re.sub(r"\\text(backslash|asciitilde|asciicircum|less|greater|bar)\{\}", "", text)
        commands = set(re.findall(r"\\([a-zA-Z]+)", bare))
        assert commands <= {"begin", "end", "toprule", "midrule", "bottomrule", "multicolumn", "lambda", "ldots"}
        assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == len(tables(result))
        for line in bare.splitlines():
            if line.endswith("\\\\"):
                assert not line.startswith(("[", "*"))
                # What is left of special characters is escaped, or separates columns.
                assert not re.search(r"(?<!\\)[#%_~^]", line)


def test_the_terminal_prints_the_same_cells(evil, capsys):
    for result in evil:
        print_result(result)
        printed = " ".join(capsys.readouterr().out.split())
        for table in tables(result):
            for text in (*table.headers, *(cell.text for row in table.rows for cell in row)):
                assert " ".join(text.split()) in printed


def test_data_frames_hold_numbers_and_every_state():
    pd = pytest.importorskip("pandas", reason="pandas is not installed; it is part of the extra 'test'")
    game = pg.load("random_stochastic:states=40,actions=2")
    evaluation = pg.evaluate(game, game.uniform_profile())
    frame = evaluation.to_dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert frame["task"].tolist() == evaluation.task.T.ravel().tolist()
    assert frame["state"].tolist() == [state for state in game.states for _ in range(2)]
    assert "... and 10 more states" in evaluation._repr_html_()
    assert len(game.to_dataframe()) == game.n_rows
    report = pg.audit(game, game.uniform_profile(), pg.PowerObjective())
    assert report.to_dataframe()["regret"].tolist() == report.certificate.regrets.T.ravel().tolist()


def test_sets_of_equilibria_in_words():
    """Majority vote of three who agree; and a set with a curved boundary, of which a box is known."""
    votes = np.indices((2, 2, 2)).sum(axis=0)
    vote = pg.NormalFormGame([votes <= 1] * 3, players=["Ann", "Bob", "Eve"], actions=[["yes", "no"]] * 3)
    found = pg.solve_all(vote)
    *_, sets, summary = found.blocks()
    assert sets.title == "Sets of equilibria: each player plays"
    assert [[cell.text for cell in row] for row in sets.rows] == [
        ["1", "yes", "yes", "anything"],
        ["1", "yes", "anything", "yes"],
        ["1", "anything", "yes", "yes"],
    ]
    assert "5 extreme equilibria in 2 components, all certified" in summary
    assert "None is farther than 0.0001 from these" in summary or "e-05 from these" in summary
    document = found.to_dict()
    assert document["interchangeable"] == [[0, 1], [0, 2], [0, 3], [4]]
    assert (document["complete"], document["distance"], document["unresolved"]) == (True, found.distance, [])
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[0, 0, 0, 0], payoffs[0, 1] = 1, 0.5
    curved = pg.solve_all(pg.NormalFormGame(payoffs))
    regions = curved.blocks()[-2]
    assert regions.title == "Regions that could not be resolved: each player plays"
    first, *others = [cell.text for cell in regions.rows[0]]
    assert first == "anything"
    assert all(" to 1 action 0, 0 to " in text for text in others)
    (box,) = curved.to_dict()["unresolved"]
    assert (box["lower"][0], box["upper"][0]) == ([0, 0], [1, 1])
    half = pg.NormalFormGame([[[[0, 0], [1, 1]], [[1, 1], [1, 1]], [[1, 1], [1, 1]]]] * 3)
    words = [cell.text for row in pg.solve_all(half).blocks()[-2].rows for cell in row]
    assert "any mixture of 1, 2" in words


def test_data_frames_of_sets_paths_and_games():
    pytest.importorskip("pandas", reason="pandas is not installed; it is part of the extra 'test'")
    found = pg.solve_all(STAG, pg.PowerObjective("1/5"), exact=True)
    frame = found.to_dataframe()
    assert frame["task"].tolist() == [task for e in found for task in e.task]
    assert Fraction(237, 64) in frame["task"].tolist()
    assert frame["component"].tolist() == [e.component for e in found for _ in range(2)]
    assert frame["sets"].tolist() == [str(found.interchangeable.index((k,))) for k in range(3) for _ in range(2)]
    path = pg.sweep(STAG, lams=[0, 0.5], progress=False)
    assert path.to_dataframe()["λ"].tolist() == [p.objective.lam for p in path for e in p.equilibria for _ in range(2)]
    failed = pg.Sweep(STAG, (pg.SweepPoint(pg.PowerObjective(1), (), "out of time"),)).to_dataframe()
    assert failed["status"].tolist() == ["out of time"]
    assert failed["task"].isna().all()
    trace = pg.trace(STAG)
    assert len(trace.to_dataframe()) == 2 * len(trace)
    assert STAG.to_dataframe()["payoff of hunter 1"].tolist() == [4, 0, 3, 3]
    assert len(pg.NormalFormGame([[1.0, 2.0]]).to_dataframe()) == 2


def test_without_pandas_one_line_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(pg.InputError, match=r"^to_dataframe: pandas is not installed; run pip install 'pandas'$"):
        STAG.to_dataframe()


def test_games_of_any_size_are_shown():
    single = pg.NormalFormGame([[1.0, 2.0]])
    assert "payoff" in single._repr_html_()
    exact = pg.NormalFormGame.from_bimatrix([["1/3", 0]], [[0, 1]])
    assert "1/3, 0" in exact._repr_html_()
    large = pg.NormalFormGame(np.zeros((3, 40, 20, 30)))
    shown = large._repr_html_()
    assert "... and 10 more rows" in shown
    assert "... and 8 more columns" in shown
    assert "... and 18 more tables" in shown
    assert len(shown) < 1_000_000


def test_an_empty_set_and_an_empty_path_are_shown():
    empty = pg.EquilibriumSet((), (), STAG, pg.PowerObjective(), "by hand", False)
    assert "No equilibrium was found." in empty._repr_html_()
    assert empty.to_latex() == ""
    assert "No λ." in pg.Sweep(STAG, ())._repr_html_()


def test_letters_that_stdout_lacks_are_spelled_out(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    table = Table("λ", title="λ = 1")
    table.add_row("λ")
    print_blocks("at λ", table)
    assert stream.buffer.getvalue().count(b"lambda") == 4


def test_sections_are_bodies_and_rules():
    table = Table("a", ">b", title="t")
    for k in range(3):
        table.add_line()
        table.add_row(str(k), "x")
    assert to_html([table]).count("<tbody>") == 3
    assert to_latex([table]).count("\\midrule") == 4
    with pytest.raises(ValueError, match="got 1 cells for 2 columns"):
        table.add_row("one")


# --- rounding and discounts -------------------------------------------------------------------------------------------


def test_rounding_is_zero_in_tables_and_itself_in_json():
    noisy = np.array([[0.0, 1.7e-34], [3e-9, 0.0]])
    table = replace(pg.power_table(STAG, STAG.uniform_profile()), power=noisy, task=np.array([-2e-16, 1.0]))
    rows = table.blocks()[1].rows
    assert [cell.text for cell in rows[0][2:]] == ["0", "-", "0"]
    assert [cell.text for cell in rows[1][2:]] == ["1", "3e-09 (hare)", "-"]
    assert rows[0][4].value == 1.7e-34
    assert table.to_dict()["power"][0][1] == 1.7e-34


@pytest.mark.parametrize("scale", [1e9, 1.0, 1e-30])
def test_what_is_rounding_depends_on_the_range_of_each_player(scale):
    def texts(game, values):
        evaluation = replace(pg.evaluate(game, game.uniform_profile()), task=np.array(values)[:, None])
        return [row[3].text for row in evaluation.blocks()[1].rows]

    game = pg.StochasticGame([[[[scale], [0.0]]], [[[5.0], [5.0]]]], [[[[1.0]], [[1.0]]]], 0.5)
    assert texts(game, [1e-14 * scale, 1e-14]) == ["0", "0"]
    assert texts(game, [3e-9 * scale, 3e-9]) == [f"{3e-9 * scale:.6g}", "3e-09"]


def test_exact_numbers_are_never_rounding():
    table = replace(
        pg.power_table(STAG, [[Fraction(1), Fraction(0)]] * 2),
        task=np.array([Fraction(1, 10**30), Fraction(0)], dtype=object),
    )
    assert table.blocks()[1].rows[0][2].text == str(Fraction(1, 10**30))


def test_probabilities_that_are_rounding_are_not_played():
    assert mixture_text(["stag", "hare"], [1.0, 1e-17]) == "stag"
    assert mixture_text(["stag", "hare"], [0.5, 0.5]) == "0.5 stag + 0.5 hare"
    assert mixture_text(["stag", "hare"], [1 - Fraction(1, 10**20), Fraction(1, 10**20)]).endswith(" hare")


@pytest.mark.parametrize(("discount", "text"), [(0, "0"), (0.9, "0.9"), (1 - 1e-9, "0.999999999")])
def test_discounts_are_shown_in_full(discount, text):
    game = pg.StochasticGame([[[1.0]]], [[[1.0]]], discount)
    assert repr(game).endswith(f"discount {text}>")
    assert game.blocks()[0].endswith(f"discount {text}")
    door = pg.DeterministicGame([[0]], [[1]], discount, [["stay"]])
    assert repr(door).endswith(f"discount {text}>")


@pytest.mark.parametrize(
    "make",
    [
        lambda: pg.solve_all(STAG, pg.PowerObjective("1/4")),
        lambda: pg.sweep(STAG, lams=[0, 1]),
        lambda: pg.pure_equilibria(STAG)[0],
        lambda: pg.logit_path(STAG),
        lambda: pg.team_optimum(pg.load("line_with_breakdowns")),
    ],
)
def test_results_are_json(make):
    result = make()
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()


def test_team_optima_show_themselves():
    line = pg.team_optimum(pg.load("line_with_breakdowns"), 0.1)
    frame = line.to_dataframe()
    assert frame["task"].tolist() == pytest.approx(line.evaluation.task.T.ravel().tolist())
    assert frame["regret"].max() == pytest.approx(float(line.certificate.max_regret))
    ending = pg.team_optimum(pg.load("line_with_breakdowns"), horizon=3)
    assert ending.to_dataframe()["task"].tolist() == pytest.approx(ending.evaluation.start_task.tolist())
    assert all("benchmark, not an equilibrium" in str(shown.blocks()[-1]) for shown in (line, ending))
