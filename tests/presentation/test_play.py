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
from powergames.kernels.learning import LOGIT, seed_generator
from powergames.learning.parameters import FORMS, Parameters
from powergames.learning.tables import TableLearners
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
def scripts(browser):
    """What the page computes with, apart from the page."""
    page = browser.new_page()
    folder = resources.files("powergames.reporting")
    names = ("fractions.js", "equilibria.js", "learners.js", "learning.js")
    page.add_script_tag(content="".join((folder / name).read_text(encoding="utf-8") for name in names))
    yield page.evaluate
    page.close()


@pytest.fixture(scope="module")
def solver(scripts):
    """The solver of the page."""
    return lambda asked: scripts(COMPUTE, asked)


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
    def test_typing_from_cell_to_cell_is_not_disturbed(self, stag):
        stag.locator('[data-cell="0/0/0"]').fill("5")
        # A cell that is entered by keyboard is selected; so it stays when the page has solved the game.
        stag.keyboard.press("Tab")
        stag.wait_for_timeout(400)
        stag.keyboard.type("6")
        stag.wait_for_timeout(400)
        assert [stag.locator(f'[data-cell="{i}/0/0"]').input_value() for i in range(2)] == ["5", "6"]
        assert answer(stag)[0] == "Both play stag: an equilibrium for 0 ≤ λ ≤ 2/5."

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

    def test_long_payoffs_are_seen_as_a_whole(self, stag):
        for text in ("1000000", "-123456/7890"):
            type_payoffs(stag, {"0/0/0": text})
            assert stag.locator('[data-cell="0/0/0"]').evaluate("(input) => input.scrollWidth <= input.clientWidth")

    def test_equilibria_at_a_single_lam_are_told(self, view):
        rows = [[4, 1, 0, 2], [5, 3, 1, 0], [0, 0, 2, "1/3"], [1, 2, "7/2", 1]]
        game = pg.NormalFormGame.from_bimatrix(rows, [list(own) for own in zip(*rows, strict=True)])
        told = answer(view(editable(game)))
        assert [text.partition(": ")[2] for text in told].count("an equilibrium only at λ = 1.") == 3
        assert any("27/59 ≤ λ ≤ 1" in text for text in told)

    @pytest.mark.parametrize("scheme", ["dark", "light"])
    def test_nothing_stands_in_anybody_s_way(self, stag, axe, scheme):
        stag.emulate_media(color_scheme=scheme)
        for _ in range(6):
            assert violations(stag, axe) == []
            stag.locator("#story-next").click()

    def test_print_has_no_controls(self, stag):
        stag.emulate_media(media="print")
        assert (
            stag.locator("button:not(.plain):visible, select:visible, [type=radio]:visible, #lam:visible").count() == 0
        )
        assert stag.locator("#solution tbody tr:visible").count() == 3
        assert stag.locator("#learn-section").is_hidden()

    def test_names_are_text_and_nothing_else(self, view):
        hostile = "</script><script>alert(1)</script>"
        game = pg.NormalFormGame(np.ones((2, 2, 2)), players=[hostile, "\x1b"], actions=[["<b>", "y"], ["a" * 90, "b"]])
        page = view(editable(game, title=hostile), 360)
        assert page.locator("h1").inner_text() == hostile
        assert page.locator("b").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


# Play with given first logits and random numbers. Before the first play of each stream the library draws two more, to
# choose a state.
LEARN = """({ payoffs, algorithm, lam, steps, whole, logits, numbers }) => {
  let drawn = 0;
  const uniform = () => numbers[drawn++];
  const learning = new Learning({ payoffs, algorithm, lam, steps: whole, uniform, logits });
  const name = algorithm === "sbpr" ? "takeover" : "playOnce";
  const own = learning[name].bind(learning);
  const begun = new Set();
  learning[name] = (who, ...rest) => {
    if (!begun.has(String(who))) drawn += 2;
    begun.add(String(who));
    return own(who, ...rest);
  };
  learning.advance(steps);
  return { policies: learning.policies, drawn };
}"""

# Learn as the page does.
LEARNED = """({ payoffs, lam, algorithm, seed }) => {
  const run = new Learning({ payoffs, algorithm, lam, steps: PLAYS, uniform: randomness(seed) });
  run.advance(PLAYS);
  return run.policies;
}"""

JUDGE = """({ payoffs, profile, lam }) => {
  const [A, B] = payoffs.map((own) => own.map((row) => row.map(Fraction.read)));
  const [x, y] = profile.map((own) => own.map(Fraction.read));
  return judgedAt(A, B, x, y, Fraction.read(lam)).regret.map(String);
}"""


def random_numbers(seed, count):
    """What the kernel draws: xoshiro256++."""
    state = np.zeros(4, dtype=np.uint64)
    seed_generator(np.uint64(seed), state)
    a, b, c, d = state.tolist()
    low = 2**64 - 1

    def turned(word, by):
        return (word << by | word >> (64 - by)) & low

    for _ in range(count):
        word = (turned((a + d) & low, 23) + a) & low
        shifted = b << 17 & low
        c, d = c ^ a, d ^ b
        a, b, c, d = a ^ d, b ^ c, c ^ shifted, turned(d, 45)
        yield (word >> 11) * 2.0**-53


class TestLearning:
    @pytest.mark.parametrize("algorithm", ["task", "prim", "sbpr"])
    def test_rule_is_that_of_the_library(self, scripts, algorithm):
        lam, steps, whole, seed = 0.3, 3000, 4000, 5
        payoffs = np.array([[[4.0, 0.0, 1.0], [3.0, 3.0, -2.0]], [[4.0, 3.0, 0.0], [0.0, 3.0, 5.0]]])
        game = pg.NormalFormGame(payoffs)
        objective = pg.PowerObjective(0.0 if algorithm == "task" else lam, form=FORMS[algorithm])
        learners = TableLearners(game, objective, seed, Parameters(steps=whole))
        deciders = learners.arrays()["deciders"]
        logits = [deciders[0, i, LOGIT, :size].tolist() for i, size in enumerate(game.n_actions)]
        learners.advance(steps)
        numbers = list(random_numbers(seed, 12 * steps))
        asked = {"payoffs": payoffs.tolist(), "algorithm": algorithm, "lam": lam, "steps": steps, "whole": whole}
        found = scripts(LEARN, asked | {"logits": logits, "numbers": numbers})
        # As many draws lead to the same state of the generator.
        *_, following = random_numbers(seed, found["drawn"] + 1)
        assert following == numbers[found["drawn"]]
        for mine, theirs in zip(found["policies"], learners.policies()[0], strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-9)

    @pytest.mark.parametrize("algorithm", ["prim", "sbpr"])
    def test_stag_hunt(self, scripts, algorithm):
        ask = {"payoffs": pg.load("stag_hunt").payoffs.tolist(), "algorithm": algorithm, "lam": 0.3}
        for seed in range(3):
            first = scripts(LEARNED, ask | {"seed": seed})
            np.testing.assert_allclose(first, [[0, 1], [0, 1]], atol=1e-3)
            assert scripts(LEARNED, ask | {"seed": seed}) == first
            free = np.array(scripts(LEARNED, ask | {"lam": 0, "seed": seed}))
            assert np.abs(free - free.round()).max() < 1e-3
            assert free[0].round().tolist() == free[1].round().tolist()

    def test_power_decides_what_is_learned(self, scripts):
        payoffs = [[[4, 0], [1, 1]], [[4, 1], [0, 1]]]
        for algorithm in ("prim", "sbpr"):
            for lam, stags in ((0, 1), (0.9, 0)):
                found = scripts(LEARNED, {"payoffs": payoffs, "algorithm": algorithm, "lam": lam, "seed": 1})
                np.testing.assert_allclose(found, [[stags, 1 - stags]] * 2, atol=0.02)

    def test_regret_of_any_strategies_is_exact(self, scripts):
        rng = np.random.default_rng(3)
        for name in ("shapley", "chicken"):
            game = pg.load(name)
            payoffs = [[[str(value) for value in row] for row in own] for own in game.exact_payoffs.tolist()]
            for lam in ("0", "1/3", "1", "5/3"):
                profile = [rng.integers(0, 9, size) + np.eye(size, dtype=int)[0] for size in game.n_actions]
                exact = [[Fraction(int(part), int(own.sum())) for part in own] for own in profile]
                regrets = pg.certify(game, exact, Fraction(lam)).regrets
                texts = [[str(each) for each in own] for own in exact]
                found = scripts(JUDGE, {"payoffs": payoffs, "profile": texts, "lam": lam})
                assert [float(Fraction(text)) for text in found] == pytest.approx(np.asarray(regrets, float), abs=1e-9)

    def test_learning_is_shown_judged_stopped_and_forgotten(self, stag):
        learn, learned, curves = stag.locator("#learn"), stag.locator("#learned"), stag.locator("#learning figure path")
        stag.get_by_label("λ exactly").fill("0.3")
        stag.keyboard.press("Enter")
        learn.focus()
        stag.keyboard.press("Enter")
        assert learn.inner_text() == "Stop"
        stag.locator("#learning figure").first.wait_for()
        assert learned.inner_text() == ""
        stag.keyboard.press("Enter")
        assert "Stopped after" in learned.inner_text()
        stag.emulate_media(reduced_motion="reduce")
        stag.keyboard.press("Enter")
        told = learned.inner_text()
        assert "Learned in 40,000 plays, seed 0: hunter 1 plays hare and hunter 2 plays hare." in told
        assert "An equilibrium at λ = 0.3, up to 2 %." in told
        assert curves.count() > 0
        assert stag.locator("#learning .legend li").all_inner_texts() == ["stag 0", "hare 1"] * 2
        stag.keyboard.press("Enter")
        assert learned.inner_text() == told
        stag.get_by_label("Show").last.select_option("worth")
        assert "payoff 3" in stag.locator("#learning").inner_text()
        stag.get_by_role("button", name="Lower λ").click()
        assert learned.inner_text() == stag.locator("#learning").inner_text() == ""

    def test_what_is_no_equilibrium_is_not_called_one(self, stag):
        type_payoffs(stag, {"0/1/0": "1", "0/1/1": "1", "1/0/1": "1", "1/1/1": "1"})
        stag.get_by_label("λ exactly").fill("0.9")
        stag.keyboard.press("Enter")
        stag.emulate_media(reduced_motion="reduce")
        stag.locator("#algorithm").select_option("task")
        stag.locator("#learn").click()
        told = stag.locator("#learned").inner_text()
        assert "An equilibrium at λ = 0, up to 2 %. By any other strategy, nobody could gain anything." in told
        assert "Not an equilibrium at λ = 0.9. By another strategy, hunter 1 could gain 0.6, 15 % of the range" in told

    def test_what_cannot_be_learned_is_said(self, stag):
        stag.locator("#seed").fill("x")
        stag.locator("#learn").click()
        assert "whole number from 0" in stag.locator("#learn-problem").inner_text()
        stag.locator("#seed").fill("3")
        stag.locator("#algorithm").select_option("sbpr")
        stag.get_by_label("λ exactly").fill("2")
        stag.keyboard.press("Enter")
        stag.locator("#learn").click()
        assert "λ from 0 to 1" in stag.locator("#learn-problem").inner_text()

    @pytest.mark.parametrize("scheme", ["dark", "light"])
    def test_it_fits_and_nothing_stands_in_anybody_s_way(self, view, axe, scheme):
        page = view(editable(pg.load("stag_hunt")), 360, scheme)
        page.emulate_media(reduced_motion="reduce", color_scheme=scheme)
        page.locator("#learn").click()
        page.locator("#learn-section summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("#solution .scroll").evaluate("(box) => box.scrollWidth <= box.clientWidth")
        ratio, text = page.evaluate(CONTRAST)
        assert ratio >= 4.5, text
        assert violations(page, axe) == []


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
            (["grid_game"], "--editable: not for stochastic games; leave it out"),
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
