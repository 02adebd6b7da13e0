"""The page on which a game is edited: its own solver agrees with this one, and what it shows follows what is typed."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from browsing import CONTRAST, violations

import powergames as pg
from powergames.cli import run
from powergames.errors import InputError
from powergames.reporting import editable

ROOT = Path(__file__).parents[2]

# Everything that the page computes of games, as text.
COMPUTE = """(games) => games.map(({ payoffs, lams }) => {
  const texts = (vectors) => vectors.map((vector) => vector.map(String));
  const read = payoffs.map((own) => own.map((row) => row.map(Fraction.read)));
  const { branches, critical } = branchesOf(...read);
  return {
    branches: branches.map(({ lo, hi, constant, slope }) => [String(lo), String(hi), texts(constant), texts(slope)]),
    critical: critical.map(String),
    found: lams.map((lam) => equilibriaAt(...read, Fraction.read(lam)).map((each) => ({
      profile: texts([each.x, each.y]),
      component: each.component,
      values: texts([each.task, each.power, each.utility, each.regret]),
    }))),
  };
})"""


def games(number, seed):
    """Games of two players with two to four actions each, many of them degenerate, with λ to solve them at."""
    rng = np.random.default_rng(seed)
    for k in range(number):
        size, largest = rng.integers(2, 5, size=2), rng.choice([1, 2, 3, 9, 50])
        payoffs = rng.integers(-largest if largest > 2 else 0, largest + 1, size=(2, *size))
        if k % 7 == 0:
            payoffs[1] = -payoffs[0]
        yield pg.NormalFormGame(payoffs), ["0", "1", f"{rng.integers(1, 12)}/12", f"{rng.integers(13, 40)}/12"]


def expected(game, lams):
    """The same as `COMPUTE` returns."""

    def texts(vectors):
        return [[str(value) for value in vector] for vector in vectors]

    exact = pg.bifurcations(game)
    return {
        "branches": [[str(b.lo), str(b.hi), texts(b.constant), texts(b.slope)] for b in exact],
        "critical": [str(lam) for lam in exact.breakpoints if 0 < lam < 1],
        "found": [
            [
                {
                    "profile": texts(e.profile),
                    "component": e.component,
                    "values": texts([e.task, [e.power[0, 1], e.power[1, 0]], e.utility, e.certificate.regrets]),
                }
                for e in pg.solve_all(game, Fraction(lam), exact=True)
            ]
            for lam in lams
        ],
    }


def unordered(document):
    """Without the order of branches and equilibria, and the numbers of components."""
    found = []
    for own in document["found"]:
        sets = {each["component"] for each in own}
        found.append(
            sorted(sorted([e["profile"], e["values"]] for e in own if e["component"] == number) for number in sets)
        )
    return {"branches": sorted(document["branches"]), "critical": document["critical"], "found": found}


@pytest.fixture(scope="module")
def solver(browser):
    """The solver of the page."""
    page = browser.new_page()
    folder = resources.files("powergames.reporting")
    source = "".join((folder / name).read_text(encoding="utf-8") for name in ("fractions.js", "equilibria.js"))
    page.add_script_tag(content=source)
    yield lambda asked: page.evaluate(COMPUTE, asked)
    page.close()


class TestSolver:
    def agrees(self, solver, number, seed):
        cases = list(games(number, seed))
        asked = [
            {"payoffs": [[[str(v) for v in row] for row in own] for own in game.payoffs.astype(int)], "lams": lams}
            for game, lams in cases
        ]
        for (game, lams), found in zip(cases, solver(asked), strict=True):
            assert unordered(found) == unordered(expected(game, lams)), (game.payoffs.tolist(), lams)

    def test_agrees_with_python_in_fractions(self, solver):
        self.agrees(solver, 16, 0)

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(1, 11))
    def test_agrees_with_python_on_a_thousand_games(self, solver, seed):
        self.agrees(solver, 100, seed)

    def test_reads_numbers_as_people_write_them(self, browser):
        page = browser.new_page()
        page.add_script_tag(content=(resources.files("powergames.reporting") / "fractions.js").read_text("utf-8"))
        read = "(texts) => texts.map((text) => { const found = Fraction.read(text); return found && String(found); })"
        texts = ["3", "-0.25", "−2/6", ".5", "1e-2", "+4.", "", "-", "1/0", "0x10", "1,5", "1/2/3", "NaN", "1e999"]
        numbers = ["3", "-1/4", "-1/3", "1/2", "1/100", "4"]
        assert page.evaluate(read, texts) == numbers + [None] * (len(texts) - len(numbers))
        huge = "String(new Fraction(10n ** 400n, 3n * 10n ** 400n).plus(new Fraction(1n, 10n ** 400n)).number)"
        assert float(page.evaluate(huge)) == pytest.approx(1 / 3)
        page.close()


@pytest.fixture
def stag(view):
    """The page of the stag hunt."""
    return view(editable(pg.load("stag_hunt")))


def answer(page):
    """The sentences of the page."""
    return [text.split("\n")[0] for text in page.locator("#answer li > div").all_inner_texts()]


def type_payoffs(page, numbers):
    """Type payoffs, keyed by the place of their cell."""
    for place, number in numbers.items():
        page.locator(f'[data-cell="{place}"]').fill(number)
    page.wait_for_timeout(400)


class TestPage:
    def test_states_each_equilibrium_with_its_interval(self, stag):
        assert answer(stag) == [
            "Both play stag: an equilibrium for 0 ≤ λ ≤ 1/4.",
            "Both play hare: an equilibrium for every λ from 0 to 1.",
            "Both mix stag and hare: an equilibrium for 0 ≤ λ ≤ 1/4.",
        ]
        assert "λ = 1/4" in stag.locator("#answer").inner_text()
        assert stag.locator("#regret").inner_text() == "0"

    def test_critical_lam_is_a_stop_and_what_holds_there_is_marked(self, stag):
        slider = stag.locator("#lam")
        slider.focus()
        seen = []
        while stag.locator("#main").get_attribute("data-lam") != "13/50":
            seen.append(stag.locator("#main").get_attribute("data-lam"))
            stag.keyboard.press("ArrowRight")
        assert seen == sorted([*(str(Fraction(k, 50)) for k in range(13)), "1/4"], key=Fraction)
        assert stag.locator("#answer .holds").count() == 1
        stag.get_by_role("button", name="Lower λ").click()
        assert stag.locator("#lam-text").inner_text() == "λ = 1/4"
        assert stag.locator("#answer .holds").count() == 3

    def test_edited_payoffs_are_solved_at_once(self, stag):
        type_payoffs(stag, {"0/1/0": "2", "0/1/1": "2", "1/0/1": "2", "1/1/1": "4/2"})
        assert answer(stag)[0] == "Both play stag: an equilibrium for 0 ≤ λ ≤ 1/2."
        stag.get_by_label("λ exactly").fill("1/3")
        stag.keyboard.press("Enter")
        game = pg.NormalFormGame.from_bimatrix([[4, 0], [2, 2]], [[4, 2], [0, 2]])
        assert stag.locator("#solution tbody tr").count() == len(pg.solve_all(game, Fraction(1, 3))) == 3
        assert "3/4 stag + 1/4 hare" in stag.locator("#solution").inner_text()

    def test_any_lam_can_be_asked_for(self, stag):
        for text, lam in (("0.3", "3/10"), ("7/3", "7/3")):
            stag.get_by_label("λ exactly").fill(text)
            stag.keyboard.press("Enter")
            assert stag.locator("#main").get_attribute("data-lam") == lam
            assert stag.locator("#solution tbody tr").count() == 1
        for text in ("-1", "x", "1/0", "1000"):
            stag.get_by_label("λ exactly").fill(text)
            stag.keyboard.press("Enter")
            assert "from 0 to 100" in stag.locator("#exact-problem").inner_text()
            assert stag.locator("#main").get_attribute("data-lam") == "7/3"
        stag.get_by_label("a chance").check()
        assert stag.locator("#main").get_attribute("data-lam") == "1"

    def test_what_is_no_number_is_said_and_nothing_is_shown_for_it(self, stag):
        type_payoffs(stag, {"1/0/1": "three"})
        problem = stag.locator("#payoff-problem").inner_text()
        assert "Payoff of hunter 2 at stag, hare: “three” is no number" in problem
        assert stag.locator("#results").is_hidden()
        assert stag.locator('[aria-invalid="true"]').count() == 1
        type_payoffs(stag, {"1/0/1": "3"})
        assert answer(stag)[0] == "Both play stag: an equilibrium for 0 ≤ λ ≤ 1/4."
        assert stag.locator("#results").is_visible()

    def test_size_can_change_and_a_link_leads_to_the_game(self, stag, view):
        stag.get_by_label("Rows", exact=True).select_option("3")
        stag.get_by_label("Columns", exact=True).select_option("4")
        stag.get_by_label("Name of row 3").fill("wait")
        type_payoffs(stag, {"0/2/3": "9", "1/2/3": "9"})
        shown = answer(stag)
        assert any("hunter 1 plays wait" in text.lower() for text in shown)
        again = view(editable(pg.load("chicken")), hash_=stag.get_by_role("link", name="Link to").get_attribute("href"))
        assert answer(again) == shown
        assert again.locator("#payoffs tbody tr").count() == 3

    @pytest.mark.parametrize("text", ["{}", "1", "%", '{"title":"t","players":["a","b"],"actions":[[],[]]}'])
    def test_a_broken_link_opens_the_first_game(self, view, text):
        page = view(editable(pg.load("stag_hunt")), hash_=f"#game={text}")
        assert page.locator("h1").inner_text() == "Stag hunt"

    def test_best_replies_and_utilities(self, stag):
        best = "[...document.querySelectorAll('input.best-reply')].map((node) => node.dataset.cell)"
        assert stag.evaluate(best) == ["0/0/0", "1/0/0", "0/1/1", "1/1/1"]
        arrows = [text.split() for text in stag.locator(".editor .arrows").all_inner_texts()]
        assert ["".join(own) for own in arrows] == ["", "↓←", "↑→", ""]
        assert stag.get_by_role("img", name="hunter 1 would rather play hare").count() == 1
        stag.get_by_label("λ exactly").fill("1/2")
        stag.keyboard.press("Enter")
        stag.get_by_label("utility: payoff − λ · power", exact=True).check()
        assert stag.locator(".editor .utilities").all_inner_texts() == ["2, 2", "0, 3", "3, 0", "3, 3"]

    def test_story_leads_to_the_answer(self, stag):
        following = stag.locator("#story-next")
        following.click()
        stag.get_by_label("hunt the stag").check()
        assert "You trust." in stag.locator("#story-text").inner_text()
        following.click()
        following.click()
        assert stag.locator("#answer").is_hidden()
        stag.get_by_label("My guess").fill("0.3")
        following.click()
        verdict = stag.locator("#story .verdict")
        assert "is an equilibrium." in verdict.inner_text()
        stag.get_by_label("λ exactly").fill("0.26")
        stag.keyboard.press("Enter")
        assert "no equilibrium any more" in verdict.inner_text()
        following.click()
        assert verdict.inner_text() == "Trust ends at λ* = 1/4. You guessed 0.3: off by 0.05."
        assert stag.locator("#answer").is_visible()
        following.click()
        type_payoffs(stag, {"0/1/0": "2", "0/1/1": "2", "1/0/1": "2", "1/1/1": "2"})
        assert "up to λ* = 1/2" in verdict.inner_text()
        stag.get_by_role("button", name="Leave the story").click()
        assert following.inner_text() == "Start the story"

    @pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
    @pytest.mark.parametrize("name", ["stag_hunt", "oneill"])
    def test_it_fits_and_can_be_read(self, view, width, scheme, name):
        page = view(editable(pg.load(name)), width, scheme)
        for _ in range(3):
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            ratio, text = page.evaluate(CONTRAST)
            assert ratio >= 4.5, text
            page.locator("#story-next").click()
        if width == 1280:
            hidden = page.locator("#payoffs .scroll").evaluate("(box) => box.scrollWidth - box.clientWidth")
            assert hidden == 0

    @pytest.mark.parametrize("scheme", ["dark", "light"])
    def test_nothing_stands_in_anybody_s_way(self, stag, axe, scheme):
        stag.emulate_media(color_scheme=scheme)
        for _ in range(6):
            assert violations(stag, axe) == []
            stag.locator("#story-next").click()

    def test_names_are_text_and_nothing_else(self, view):
        hostile = "</script><script>alert(1)</script>"
        game = pg.NormalFormGame(np.ones((2, 2, 2)), players=[hostile, "\x1b"], actions=[["<b>", "y"], ["a" * 90, "b"]])
        page = view(editable(game, title=hostile), 360)
        assert page.locator("h1").inner_text() == hostile
        assert page.locator("b").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


class TestCommand:
    def test_page_of_the_documentation_is_made_by_this_command(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert run(["report", "stag_hunt", "--editable", "-o", "play.html"]) == 0
        assert "play.html: Stag hunt, to edit" in capsys.readouterr().out
        assert (tmp_path / "play.html").read_bytes() == (ROOT / "docs" / "play.html").read_bytes()

    def test_own_game_comes_first_and_keeps_its_numbers(self):
        game = pg.NormalFormGame.from_bimatrix([["1/3", "0.1"], [1, 2]], [[0, 1], [1, 0]])
        text = editable(game, title="Mine")
        data = json.loads(text.split('type="application/json">')[1].split("</script>")[0])
        assert data["first"] == 0
        assert data["games"][0]["title"] == "Mine"
        assert data["games"][0]["payoffs"][0] == [["1/3", "0.1"], ["1", "2"]]
        assert data["games"][1]["name"] == "stag_hunt"

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (["assembly_line"], "got a game of 3 players with 2 x 2 x 2 actions; give one of two players"),
            (["travellers_dilemma"], "99 x 99 actions"),
            (["grid_game"], "where a NormalFormGame is needed"),
            (["stag_hunt", "--lam", "0"], "got --editable together with --lam"),
        ],
    )
    def test_one_line_says_what_is_wrong(self, arguments, problem, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert run(["report", *arguments, "--editable", "-o", "a.html"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert problem in err
        assert err.count("\n") == 1
        assert not (tmp_path / "a.html").exists()

    def test_form_is_checked(self):
        with pytest.raises(InputError, match=r"form: got 'x'"):
            editable(pg.load("stag_hunt"), form="x")
