"""The page about a game: what it shows is what was computed, in a browser without a network."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from browsing import CONTRAST, violations

import powergames as pg
from powergames.auditing import off_policy
from powergames.cli import run
from powergames.environments.reduction import ChosenNames
from powergames.reporting import schedule
from powergames.reporting.document import build
from powergames.reporting.page import page as html_of
from powergames.reporting.schedule import Solved
from powergames.results import Equilibrium, Status, SweepPoint

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
LAMS = {"stag_hunt": ["0", "1/5", "3/10"], "assembly_line": ["0", "1/2", "7/10"], "reputation_stag_hunt": ["0", "1/2"]}


@pytest.fixture(scope="module")
def lessons():
    """Reports of a game of two players, one of three, and one with states."""
    return {name: pg.report(pg.load(name), lams=lams) for name, lams in LAMS.items()}


def shown(page, document):
    """Compare all numbers that a page shows with the document, and return their places."""
    main = page.locator("#main")
    point = document["points"][int(main.get_attribute("data-point"))]
    equilibrium = point["equilibria"][int(main.get_attribute("data-equilibrium"))]
    assert page.locator("#lam-text").inner_text() == f"λ = {point['objective']['lam']:.5g}"
    numbers = page.evaluate(
        "[...document.querySelectorAll('[data-at]')].map((node) => [node.dataset.at, node.dataset.value, "
        "[...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data).join('')])"
    )
    for place, digits, text in numbers:
        value = equilibrium
        for key in place.split("/"):
            value = value[int(key) if isinstance(value, list) else key]
        assert float(digits) == value, place
        assert float(Fraction(text)) == pytest.approx(value, rel=0.05 if "regret" in place else 1e-4, abs=1e-9), place
    return {place for place, *_ in numbers}


@pytest.mark.parametrize("name", LAMS)
class TestInTheBrowser:
    def test_keyboard_leads_through_the_numbers_of_the_document(self, name, lessons, view):
        document = lessons[name].document
        page = view(lessons[name].html)
        slider = page.get_by_label("Power weight")
        slider.focus()
        for k, point in enumerate(document["points"]):
            assert slider.input_value() == str(k)
            places = shown(page, document)
            players = range(len(document["game"]["players"]))
            inner = "/0" if name == "reputation_stag_hunt" else ""
            expected = {f"{key}/{i}{inner}" for key in ("task", "utility", "certificate/regrets") for i in players}
            expected |= {f"power{inner}/{i}/{j}" for i in players for j in players if i != j}
            assert expected | {"charged_power/0", "certificate/max_regret"} <= places
            assert f"λ = {point['objective']['lam']:.5g}, " in slider.get_attribute("aria-valuetext")
            page.keyboard.press("ArrowRight")
        assert slider.input_value() == str(len(document["points"]) - 1)
        page.keyboard.press("Home")
        assert page.locator("#main").get_attribute("data-point") == "0"

    def test_mouse_leads_through_them_too(self, name, lessons, view):
        document = lessons[name].document
        page = view(lessons[name].html)
        box = page.locator("#lam").bounding_box()
        last = len(document["points"]) - 1
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
        page.mouse.down()
        for k in range(last + 1):
            page.mouse.move(box["x"] + 8 + (box["width"] - 16) * k / last, box["y"] + box["height"] / 2, steps=3)
            assert page.locator("#main").get_attribute("data-point") == str(k)
            shown(page, document)
        page.mouse.up()
        page.get_by_role("button", name="Lower λ").click()
        assert page.locator("#main").get_attribute("data-point") == str(last - 1)
        shown(page, document)

    def test_every_solution_and_every_deviation(self, name, lessons, view):
        document = lessons[name].document
        page = view(lessons[name].html)
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        found = document["points"][0]["equilibria"]
        for e, equilibrium in enumerate(found):
            if len(found) > 1:
                page.get_by_label("Solution", exact=True).select_option(str(e))
            assert page.locator("#main").get_attribute("data-equilibrium") == str(e)
            for j, own in enumerate(equilibrium["what_if"]):
                page.get_by_label("Player", exact=True).select_option(str(j))
                for a in range(len(own)):
                    page.get_by_label("Plays", exact=True).select_option(str(a))
                    places = shown(page, document)
                    kind = "start_task" if "states" in document["game"] else "utility"
                    assert f"what_if/{j}/{a}/{kind}/0" in places

    @pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1200, "light")])
    def test_it_fits_and_can_be_read(self, name, lessons, view, width, scheme):
        page = view(lessons[name].html, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ratio, text = page.evaluate(CONTRAST)
        assert ratio >= 4.5, text
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        page.get_by_role("button", name="Dark").click()
        assert page.evaluate("document.documentElement.dataset.theme") != scheme
        ratio, text = page.evaluate(CONTRAST)
        assert ratio >= 4.5, text

    def test_it_is_built_for_everyone(self, name, lessons, view):
        from playwright.sync_api import expect

        page = view(lessons[name].html)
        assert page.locator("html").get_attribute("lang") == "en"
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((node) => Number(node.tagName[1]))")
        assert levels[0] == 1
        assert set(levels[1:]) == {2}
        unnamed = "[...document.querySelectorAll('select, input')].filter((node) => !node.labels.length).length"
        assert page.evaluate(unnamed) == 0
        order = []
        for _ in range(6):
            page.keyboard.press("Tab")
            order.append(page.evaluate("document.activeElement.className || document.activeElement.id"))
        assert order[:2] == ["skip", "theme"]
        page.locator("#lam").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        expect(page.get_by_role("status").first).to_contain_text("λ = ")
        page.emulate_media(media="print")
        assert page.locator("#controls").is_hidden()
        assert page.locator("#solution").is_visible()
        # Paper is white, and says nothing of what only a screen can do.
        printed = page.locator("body").inner_text()
        assert [word for word in ("slider", "Choose", "Point at", "Nothing played") if word in printed] == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
        assert page.evaluate(CUT, ["scrollHeight", "clientHeight"]) == 0

    @pytest.mark.parametrize("scheme", ["dark", "light"])
    def test_nothing_stands_in_anybody_s_way(self, name, lessons, view, axe, scheme):
        page = view(lessons[name].html, 360, scheme)
        assert violations(page, axe) == []

    def test_numbers_can_be_downloaded(self, name, lessons, view):
        page = view(lessons[name].html)
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Download the numbers").click()
        assert json.loads(Path(waiting.value.path()).read_text(encoding="utf-8")) == lessons[name].document


# Tables of which one has to scroll to see all.
CUT = """([all, seen]) => [...document.querySelectorAll("#payoffs .scroll, #power .scroll")]
  .filter((node) => node[all] > node[seen] + 1).length"""


class TestContents:
    @pytest.mark.parametrize("name", ["rock_paper_scissors", "split_work", "delegation"])
    def test_no_table_is_cut(self, name, view):
        page = view(pg.report(pg.load(name), lams=[0, 1], all_equilibria=False).html, 1280)
        assert page.evaluate(CUT, ["scrollWidth", "clientWidth"]) == 0

    def test_what_a_deviation_changes_fits_a_phone(self, view):
        page = view(pg.report(pg.load("random_uniform:actions=2"), lams=[0]).html, 360)
        cut = "(nodes) => nodes.filter((node) => node.scrollWidth > node.clientWidth + 1).length"
        assert page.locator("#deviation-section .scroll").evaluate_all(cut) == 0

    @pytest.mark.parametrize("name", ["stag_hunt", "assembly_line", "reputation_stag_hunt"])
    def test_solutions_are_lists_on_a_phone_and_tables_elsewhere(self, name, lessons, view):
        page = view(lessons[name].html, 360)
        assert page.evaluate(
            "[...document.querySelectorAll('#solution .scroll')].map((b) => b.scrollWidth - b.clientWidth)"
        ) in ([0], [0, 0])
        cell = page.locator("#solution .stacked td").nth(1)
        assert cell.evaluate("(node) => getComputedStyle(node, '::before').content") == '"payoff"'
        tree = page.locator("#solution").aria_snapshot()
        assert "- rowheader " in tree
        assert '- columnheader "regret"' in tree
        page.set_viewport_size({"width": 1280, "height": 900})
        assert page.locator("#solution .stacked thead").first.is_visible()
        assert cell.evaluate("(node) => getComputedStyle(node, '::before').content") == "none"

    def test_it_opens_with_what_pays_all_together_the_most(self, view):
        page = view(pg.report(pg.load("minimum_effort"), lams=[0, "1/10"], all_equilibria=False).html)
        assert page.locator("#equilibrium option:checked").inner_text().endswith("effort 7 | effort 7 | effort 7")
        assert (
            "opens with the solution that pays all players together the most"
            in page.locator("#provenance").inner_text()
        )

    def test_what_is_small_for_one_player_is_not_for_another(self, view):
        game = pg.NormalFormGame.from_bimatrix([[3e9, 0], [0, 1e9]], [[2e-9, 0], [0, 5e-9]])
        page = view(pg.report(game, lams=[0], all_equilibria=True).html)
        assert page.locator(".matrix .played").inner_text().split("\n")[0] == "3e9, 2e-9"
        assert page.locator(".matrix td .best-reply").count() == 4
        assert page.locator("#solution [data-at='utility/1']").inner_text() == "2e-9"
        assert page.locator("#power [data-at='power/1/0']").inner_text() == "2e-9"
        page.get_by_role("button", name="Both mix").click()
        assert page.locator("#solution [data-at='profile/1/0']").inner_text() == "1/4"

    def test_of_equals_it_opens_with_a_pure_one(self, view):
        game = pg.NormalFormGame.from_bimatrix([[1, 1], [1, 1]], [[1, 1], [1, 1]], title="All the same")
        page = view(pg.report(game, lams=[0]).html)
        assert page.locator("#solution .mixture").count() == 0

    def test_a_long_table_shows_what_is_played(self, view):
        page = view(pg.report(pg.load("minimum_effort"), lams=[0], all_equilibria=False).html)
        box, row = (page.locator(f"#payoffs {part}").bounding_box() for part in (".scroll", "tr.played"))
        assert box["y"] <= row["y"]
        assert row["y"] + row["height"] <= box["y"] + box["height"]
        assert page.evaluate("scrollY") == 0

    def test_heads_of_a_table_that_scrolls_stay_in_sight(self, view):
        page = view(pg.report(pg.load("minimum_effort"), lams=[0], all_equilibria=False).html)
        box, head = (page.locator(f"#payoffs {part}").bounding_box() for part in (".scroll", "thead th >> nth=0"))
        assert page.locator("#payoffs .scroll").evaluate("(box) => box.scrollTop") > 0
        assert head["y"] == box["y"]

    def test_sentences_begin_with_what_holds_over_an_interval(self, view):
        page = view(pg.report(pg.load("split_work"), lams=[0], all_equilibria=False).html)
        only = [" only at λ = " in text for text in page.locator("#answer li").all_text_contents()]
        assert len(only) == 12
        assert only == sorted(only)

    @pytest.mark.parametrize(
        ("name", "note"),
        [
            ("stag_hunt", "λ at which equilibria come, go or change."),
            ("assembly_line", "λ at which pure equilibria come or go."),
            ("reputation_stag_hunt", None),
        ],
    )
    def test_lines_of_the_chart_are_called_what_they_are(self, name, note, lessons, view):
        page = view(lessons[name].html)
        text = page.locator("#course figcaption").inner_text()
        assert text == "All solutions over λ." + (f" Dotted lines: {note}" if note else "")
        assert page.locator("#course line.critical").count() == (2 if note else 0)

    def test_numbers_of_a_network_stand_apart(self, view):
        page = view(pg.report(pg.load("minimum_effort"), lams=[0], all_equilibria=False).html)
        boxes = page.locator("#network svg > text.halo[data-at]").evaluate_all(
            "(nodes) => nodes.map((node) => node.getBBox()).map((b) => [b.x, b.y, b.x + b.width, b.y + b.height])"
        )
        assert len(boxes) == 6
        meet = [
            (a, b) for a, b in combinations(boxes, 2) if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
        ]
        assert meet == []

    def test_names_stay_inside_their_discs(self, view):
        page = view(pg.report(pg.load("assembly_line"), lams=[0], all_equilibria=False).html)
        inside = """[...document.querySelectorAll("#network circle")].map((disc) =>
          disc.nextElementSibling.getBBox().width < disc.getBBox().width)"""
        assert page.evaluate(inside) == [True, True, True]

    def test_whole_numbers_are_no_fractions(self, view):
        page = view(pg.report(pg.NormalFormGame([[12.000000000000002, 0.5]]), lams=[0]).html)
        assert page.locator("#solution td").all_inner_texts()[1] == "12"

    def test_payoffs_that_are_fractions_are_compared_as_numbers(self, view):
        cells = [[("1/3", "7/2"), ("2", "1/3")], [("1/2", "1"), ("1", "5/3")]]
        page = view(pg.report(pg.NormalFormGame.from_cells(cells), lams=["1/2"]).html)
        underlined = page.locator("#payoffs .best-reply").all_inner_texts()
        assert underlined == ["7/2", "2", "1/2", "5/3"]
        page.get_by_role("radio", name="utility").check()
        texts = [text.split("\n")[0] for text in page.locator("#payoffs td:has(span)").all_inner_texts()]
        # At λ = 1/2: the mean of a payoff and of the least that the other can make of it.
        assert texts == ["1/3, 9/4", "7/6, 1/3", "1/2, 1", "3/4, 1"]

    def test_equilibria_at_a_single_lam_are_told(self, view):
        cells = [[(4, 4), (1, 5), (0, 0), (2, 1)], [(5, 1), (3, 3), (1, 0), (0, 2)]]
        cells += [[(0, 0), (0, 1), (2, 2), ("1/3", "7/2")], [(1, 2), (2, 0), ("7/2", "1/3"), (1, 1)]]
        game = pg.NormalFormGame.from_cells(cells)
        told = pg.report(game, lams=[1]).document["report"]["intervals"]["branches"]
        found = [each for each in told if each["hi"] is None or Fraction(each["hi"]) >= 1]
        assert sorted((each["lo"], each["support"]) for each in found) == [
            ("1", [[0, 1, 3], [0, 3]]),
            ("1", [[0, 3], [0, 1, 3]]),
            ("1", [[0, 3], [0, 3]]),
            ("27/59", [[0, 1, 3], [0, 1, 3]]),
        ]
        assert len(found) == len(pg.solve_all(game, 1))

    def test_a_start_in_one_of_several_states_is_told(self, view):
        rewards = [[[[1, 0]], [[0, 1]]]] * 2
        game = pg.StochasticGame(rewards, np.full((2, 1, 2, 2), 0.5), 0.5, states=["calm", "storm"])
        page = view(pg.report(game, lams=[0]).html)
        assert page.locator("#state option").all_inner_texts() == ["calm (start: 50 %)", "storm (start: 50 %)"]
        assert "From the start of the game on, on average over the states" in page.locator("#solution").inner_text()

    @pytest.mark.parametrize("editable", [False, True])
    @pytest.mark.parametrize("payoffs", [[[1e6, 0], [5e5, 7e5]], [[1001, 1000], [1000.25, 1000.75]]])
    def test_numbers_of_axes_differ_and_are_not_cut(self, payoffs, editable, view):
        game = pg.NormalFormGame.from_bimatrix(payoffs, [[1e-6, 3e-6], [2e-6, 1e-6]])
        html = pg.reporting.editable(game) if editable else pg.report(game, lams=[0, "1/10", "1/2"]).html
        page = view(html, 360)
        outside = """[...document.querySelectorAll("figure svg")].flatMap((svg) => {
          const box = svg.getBoundingClientRect();
          const inside = ({ left, right }) => left >= box.left - 1 && right <= box.right + 1;
          const texts = [...svg.querySelectorAll("text")];
          return texts.filter((text) => !inside(text.getBoundingClientRect())).map((text) => text.textContent);
        })"""
        assert page.evaluate(outside) == []
        numbers = """[...document.querySelectorAll("figure svg:has(.axis)")].map((svg) =>
          [...svg.querySelectorAll("text[text-anchor=end]")].map((text) => text.textContent))"""
        found = page.evaluate(numbers)
        assert found
        assert all(len(set(own)) == len(own) > 2 for own in found)

    def test_long_fractions_keep_the_digits_before_the_point(self, view):
        page = view(pg.reporting.editable(pg.NormalFormGame.from_bimatrix([[1000000, 0], [500000, 700000]])))
        assert "583333…" in page.locator("#equilibria, main").first.inner_text()

    def test_names_that_only_count_get_a_word(self, view):
        page = view(pg.report(pg.NormalFormGame.from_bimatrix([[1, 2], [3, 4]], [[1, 3], [2, 4]]), lams=[0]).html)
        assert "Both play action 1" in page.locator("#answer").inner_text()
        assert page.locator("#solution tbody th").all_inner_texts() == ["player 0", "player 1"]

    def test_huge_numbers_have_a_power_of_ten(self, view):
        page = view(pg.report(pg.NormalFormGame.from_bimatrix([[-1e12, 3.5e11]], [[-2.5e12, 999999]]), lams=[0]).html)
        texts = page.locator("#payoffs td:has(span)").all_inner_texts()
        assert [text.split("\n")[0] for text in texts] == ["-1e12, -2.5e12", "3.5e11, 999999"]
        labels = page.locator("figure text").all_text_contents()
        assert max(map(len, labels)) < 40
        assert [text for text in labels if re.fullmatch(r"-?\d{7,}", text)] == []

    def test_a_state_is_called_a_state_once(self, view):
        names = ["state 1", "on"]
        game = pg.StochasticGame(np.zeros((1, 2, 1)), np.full((2, 1, 2), 0.5), 0.5, states=names)
        page = view(pg.report(game, lams=[0]).html)
        assert page.locator("#solution caption").first.inner_text() == "In state 1, and from there on"
        page.get_by_label("State", exact=True).select_option("1")
        assert page.locator("#solution caption").first.inner_text() == "In the state on, and from there on"

    def test_numbers_of_a_graph_are_not_cut(self, view):
        page = view(pg.report(pg.load("dynamic_rock_paper_scissors"), lams=[0]).html)
        boxes = page.locator("#graph .small-text").evaluate_all(
            "(nodes) => nodes.map((node) => [node.getBBox(), node.ownerSVGElement.viewBox.baseVal])"
            ".map(([text, all]) => [text.x - all.x, all.x + all.width - text.x - text.width])"
        )
        assert len(boxes) == 9
        assert min(min(room) for room in boxes) >= 0

    def test_four_columns_fit_a_phone(self, view):
        page = view(pg.report(pg.load("oneill"), lams=[0]).html, 360)
        assert page.locator("#payoffs .scroll").evaluate("(box) => box.scrollWidth - box.clientWidth") == 0

    def test_crowded_graphs_have_no_numbers(self, view):
        page = view(pg.report(pg.load("random_stochastic"), lams=[0]).html)
        assert page.locator("#graph .small-text").count() == 0
        assert "thick ones are likely" in page.locator("#graph").inner_text()

    def test_result_comes_first_with_exact_intervals(self, lessons, view):
        def answer(name):
            page = view(lessons[name].html)
            assert page.locator("h2:visible").first.inner_text() == "The result"
            return [text.split("\n")[0] for text in page.locator("#answer li > div").all_inner_texts()], page

        sentences, page = answer("stag_hunt")
        assert sentences == [
            "Both play stag: an equilibrium for 0 ≤ λ ≤ 1/4.",
            "Both play hare: an equilibrium for every λ ≥ 0.",
            "Both mix stag and hare: an equilibrium for 0 ≤ λ ≤ 1/4.",
        ]
        assert "Equilibria come, go or change at λ = 1/4." in page.locator("#answer").inner_text()
        page.get_by_role("button", name="Both play hare").click()
        assert "hare | hare" in page.locator("#equilibrium option:checked").inner_text()
        sentences, page = answer("assembly_line")
        assert sentences == [
            "All play line: an equilibrium for 0 ≤ λ ≤ 2/3.",
            "All play solo: an equilibrium for every λ ≥ 0.",
        ]
        assert "Pure equilibria come or go at λ = 2/3." in page.locator("#answer").inner_text()
        assert view(lessons["reputation_stag_hunt"].html).locator("#answer-section").is_hidden()

    def test_best_replies_arrows_and_utilities(self, lessons, view):
        page = view(lessons["assembly_line"].html)
        # One best reply of each of three players to each of four pairs of actions of the others.
        assert page.locator(".matrix td .best-reply").count() == 3 * 4
        page.locator("#lam").focus()
        page.keyboard.press("End")
        page.get_by_label("utility: payoff − λ · power").check()
        first = page.locator(".matrix td:has(span)").first
        assert first.inner_text().split("\n")[0] == "9/10, 9/10, 9/10"
        assert page.get_by_role("img", name="worker 1 would rather play solo").count() == 4

    def test_a_wide_matrix_has_the_whole_width(self, view):
        page = view(pg.report(pg.load("oneill"), lams=[0]).html, 1280)
        assert page.locator("#payoffs .scroll").evaluate("(box) => box.scrollWidth - box.clientWidth") == 0

    def test_a_game_opens_where_it_starts(self, view):
        lesson = pg.report(pg.load("grid_game"), lams=[0])
        page = view(lesson.html)
        shown = page.locator("#state option:checked").inner_text()
        assert shown == "0,0 and 2,0 (start)"
        assert page.locator("#view").is_hidden()

    def test_a_grid_is_drawn(self, view):
        page = view(pg.report(pg.load("grid_game:width=3,height=2"), lams=[0]).html)
        middles = "(nodes) => nodes.map((node) => [node.cx, node.cy].map((length) => length.baseVal.value / 54 - 0.5))"
        assert page.get_by_role("img", name="Picture of the state: 0,0 and 2,0").count() == 1
        assert page.locator("#scene circle").evaluate_all(middles) == [[0, 1], [2, 1]]
        page.get_by_label("State", exact=True).select_option(label="1,1 and 0,0")
        assert page.locator("#scene circle").evaluate_all(middles) == [[1, 0], [0, 1]]
        assert page.locator("#scene .station + text").all_text_contents() == ["goal 2", "goal 1"]
        page.get_by_label("State", exact=True).select_option(label="over")
        assert page.locator("#scene figcaption").inner_text() == "Nobody is on the grid."

    @pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
    def test_a_kitchen_is_drawn(self, view, axe, width, scheme):
        names = ChosenNames(pg.load("overcooked:tiny").states, np.array([600]))
        game = pg.StochasticGame(np.arange(4.0).reshape(2, 1, 2, 1), np.ones((1, 2, 1, 1)), 0.5, states=names)
        page = view(pg.report(game, lams=[0]).html, width, scheme)
        picture = "Picture of the state: chef 1 (2,1) east; chef 2 (4,1) south, onion; pot (3,1): soup ready"
        assert page.get_by_role("img", name=picture, exact=True).count() == 1
        words = page.locator("#scene text").all_text_contents()
        assert words == [
            *["dishes", "serve", "dishes", "onions"],
            "onions",
            "pot",
            "dishes",
            "onions",
            "dishes",
            "serve",
            "onions",
            "soup",
            "ready",
            "1",
            "2",
            "onion",
        ]
        assert page.locator("#scene polygon").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ratio, text = page.evaluate(CONTRAST)
        assert ratio >= 4.5, text
        assert violations(page, axe) == []

    def test_solution_stays_on_its_branch(self, lessons, view):
        page = view(lessons["stag_hunt"].html)
        choices = page.locator("#equilibrium option").all_inner_texts()
        hare = next(choice for choice in choices if "hare | hare" in choice)
        page.get_by_label("Solution", exact=True).select_option(label=hare)
        page.locator("#lam").focus()
        page.keyboard.press("ArrowRight")
        assert "hare | hare" in page.locator("#equilibrium option:checked").inner_text()

    def test_state_decides_what_is_shown(self, lessons, view):
        document = lessons["reputation_stag_hunt"].document
        page = view(lessons["reputation_stag_hunt"].html)
        for s in range(len(document["game"]["states"])):
            page.get_by_label("State", exact=True).select_option(str(s))
            assert {f"task/0/{s}", f"power/{s}/0/1"} <= shown(page, document)
            cells = [
                [float(n) for n in text.split("\n")[0].split(",")]
                for text in page.locator(".matrix td:has(span)").all_inner_texts()
            ]
            assert cells == document["report"]["stages"][s]["payoffs"]

    def test_play_goes_from_state_to_state_as_the_solution_does(self, lessons, view):
        page = view(lessons["reputation_stag_hunt"].html)
        equilibrium = lessons["reputation_stag_hunt"].document["points"][0]["equilibria"][0]
        game = pg.load("reputation_stag_hunt")
        state = int(page.locator("#state").input_value())
        assert game.start[state] == game.start.max()
        for _ in range(3):
            page.get_by_role("button", name="Play one step").click()
            played = [equilibrium["profile"][i][state].index(1) for i in range(2)]
            row = game.row_starts[state] + 2 * played[0] + played[1]
            state = int(np.argmax(game.transitions[row].toarray()))
            assert page.locator("#state").input_value() == str(state)
            names = [f"hunter {i + 1} plays {('stag', 'hare')[played[i]]}" for i in range(2)]
            assert ", ".join(names) in page.locator("#play-log li").last.inner_text()
        assert page.locator("#play-log li").count() == 3
        page.locator("#graph .node").first.click()
        assert page.locator("#state").input_value() == "0"
        page.get_by_role("button", name="Back to the start").click()
        assert page.locator("#play-log li").count() == 0
        assert view(lessons["stag_hunt"].html).locator("#play-section").is_hidden()

    def test_matrix_has_rows_and_columns_as_the_game_has(self, view):
        game = pg.NormalFormGame.from_bimatrix([[1, 2, 3], [4, 5, 6]], [[-1, -2, -3], [-4, -5, -6]])
        page = view(pg.report(game, lams=[0], all_equilibria=False).html)
        rows = page.locator(".matrix tbody tr")
        assert [re.findall(r"-?\d+, -?\d+", text) for text in rows.all_inner_texts()] == [
            ["1, -1", "2, -2", "3, -3"],
            ["4, -4", "5, -5", "6, -6"],
        ]

    def test_rounding_is_no_difference(self, view):
        payoffs = np.random.default_rng(0).normal(size=(3, 3))
        page = view(pg.report(pg.NormalFormGame([payoffs, -payoffs]), lams=[0, 0.5, 1], all_equilibria=False).html)
        assert "e-" not in "".join(page.locator("figure").all_inner_texts())

    def test_failure_is_shown_as_failure(self, view):
        game, objectives = pg.load("stag_hunt"), [pg.PowerObjective(lam) for lam in (0, 0.5, 1)]
        good = pg.solve(game, objectives[0])
        wrong = [[1, 0], [1, 0]]
        bad = Equilibrium(
            game, objectives[1], game.profile(wrong), pg.certify(game, wrong, objectives[1]), Status.REJECTED, "ipa"
        )
        points = (
            SweepPoint(objectives[0], (good,)),
            SweepPoint(objectives[1], (bad,)),
            SweepPoint(objectives[2], (), "Oops"),
        )
        document = build(Solved(pg.Sweep(game, points), every=False, shortened=False), game.title)
        page = view(html_of(document))
        slider = page.locator("#lam")
        slider.focus()
        for text in ("The certificate rejects", "Oops"):
            page.keyboard.press("ArrowRight")
            assert "Failed: no certified solution at λ = " in page.locator("#solution").inner_text()
            assert text in page.locator("#solution").inner_text()
            assert "failed" in slider.get_attribute("aria-valuetext")
            assert page.locator("[data-at]").count() == 0
        page.keyboard.press("Home")
        assert "task/0" in shown(page, document)
        assert "At 2 of them no certified solution was found" in page.locator("#provenance").inner_text()

    def test_a_page_without_any_solution_has_no_empty_charts(self, view):
        game, objective = pg.load("stag_hunt"), pg.PowerObjective(0.5)
        document = build(Solved(pg.Sweep(game, (SweepPoint(objective, (), "Oops"),)), every=False, shortened=True), "")
        page = view(html_of(document))
        assert page.locator("#lambda-section").is_hidden()
        told = page.locator("#provenance").inner_text()
        assert "λ: 0.5; usually there are more, but" in told
        assert "No certified solution was found." in told
        # Where the slider is, which has one stop.
        assert page.locator("#marks .failed").evaluate("(mark) => mark.style.left") == "0%"

    def test_names_are_text_and_nothing_else(self, view):
        payoffs = np.arange(8.0).reshape(2, 2, 2)
        names = [[HOSTILE, "\u202egnp"], ["a" * 300, "{{script}}"]]
        game = pg.NormalFormGame(payoffs, players=[HOSTILE, "\x1b[1m"], actions=names, title=HOSTILE)
        lesson = pg.report(game, lams=[0, 1])
        assert lesson.html.count("<script") == 2
        page = view(lesson.html, 360)
        assert page.locator("h1").inner_text() == HOSTILE
        assert page.title() == HOSTILE
        assert HOSTILE in page.locator("#payoffs").inner_text()
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

    def test_policy_forbids_requests_and_foreign_scripts(self, browser, lessons, tmp_path):
        file = tmp_path / "page.html"
        foreign = "<script>document.title = 'foreign'</script><style>h1 { color: red }</style></body>"
        file.write_text(lessons["stag_hunt"].html.replace("</body>", foreign), encoding="utf-8")
        page = browser.new_page()
        page.goto(file.as_uri())
        assert page.title() == "Stag hunt"
        assert page.evaluate("fetch('data:,x').then(() => 'went out', () => 'blocked')") == "blocked"
        blocked = "new Promise((done) => { const image = new Image(); image.onerror = () => done('blocked'); "
        assert page.evaluate(blocked + "image.src = 'http://127.0.0.1:9/x.png'; })") == "blocked"
        page.close()


class TestDocument:
    @pytest.mark.parametrize("name", LAMS)
    def test_is_that_of_a_sweep_and_more(self, name, lessons, capsys):
        every = [] if name == "reputation_stag_hunt" else ["--all"]
        run(["sweep", name, "--lam", ",".join(LAMS[name]), *every, "--json"])
        expected = json.loads(capsys.readouterr().out)
        document = json.loads(json.dumps(lessons[name].document))
        assert document.pop("report")["title"] == pg.load(name).title
        for point in document["points"]:
            for equilibrium in point["equilibria"]:
                for added in ("charged_power", "what_if", "off_policy", "worst"):
                    equilibrium.pop(added, None)
        assert document == expected

    @pytest.mark.parametrize("name", ["stag_hunt", "assembly_line"])
    def test_deviations_are_those_of_the_audit(self, name, lessons):
        for point, document in zip(lessons[name].path, lessons[name].document["points"], strict=True):
            for equilibrium, numbers in zip(point.equilibria, document["equilibria"], strict=True):
                frozen = [d for d in off_policy(equilibrium.game, equilibrium.profile) if d.kind == "freeze"]
                found = [entry for own in numbers["what_if"] for entry in own]
                assert [entry["task"] for entry in found] == [pytest.approx(d.task, abs=1e-12) for d in frozen]
                for deviation, entry in zip(frozen, found, strict=True):
                    j = deviation.deviator
                    gain = entry["utility"][j] - equilibrium.utility[j]
                    assert gain <= equilibrium.certificate.regrets[j] + 1e-12

    def test_off_policy_is_that_of_the_audit(self, lessons):
        lesson = lessons["reputation_stag_hunt"]
        point, numbers = lesson.path[1], lesson.document["points"][1]["equilibria"][0]
        report = pg.audit(lesson.path.game, point.equilibria[0].profile, point.objective)
        assert numbers["worst"] == {label: values.tolist() for label, values in report.worst.items()}
        rest = [d.start_task.tolist() for d in report.off_policy if d.kind != "freeze"]
        assert [entry["start_task"] for entry in numbers["off_policy"]] == rest

    def test_large_games_are_abbreviated(self, view):
        games = [
            pg.load("travellers_dilemma"),
            pg.load("public_goods:n=5,levels=4"),
            pg.load("random_turn_based:states=60"),
        ]
        left_out = []
        for game in games:
            lesson = pg.report(game, lams=[0], all_equilibria=False)
            assert lesson.certified
            assert len(lesson.html) < 3_000_000
            note = view(lesson.html).locator("#game-note").inner_text()
            left_out += re.findall(r"([\d,]+) more joint actions", note)
        assert left_out == ["9,657", "960"]
        assert len(lesson.document["game"]["states"]) == len(lesson.document["report"]["stages"]) == 40
        states = lesson.document["report"]["states"]
        equilibrium = lesson.path[0].equilibria[0]
        numbers = lesson.document["points"][0]["equilibria"][0]
        assert numbers["task"][1] == equilibrium.task[1, states].tolist()
        assert numbers["power"][3] == equilibrium.power[states[3]].tolist()
        assert numbers["certificate"]["max_regret"] == equilibrium.certificate.max_regret

    def test_a_list_of_payoffs_has_what_solutions_play(self):
        payoffs = pg.report(pg.load("minimum_effort"), lams=[0], all_equilibria=False).document["report"]["payoffs"]
        assert payoffs["left_out"] == 7**3 - 64
        assert [[a] * 3 for a in range(7) if [a] * 3 not in payoffs["joint"]] == []

    def test_page_that_would_be_too_large_keeps_fewer_lam(self, monkeypatch):
        whole = pg.report(pg.load("stag_hunt"), lams=[k / 50 for k in range(51)], all_equilibria=True)
        monkeypatch.setattr("powergames.reporting.assemble.LARGEST", 105_000)
        lesson = pg.report(pg.load("stag_hunt"), lams=[k / 50 for k in range(51)], all_equilibria=True)
        lams = [point["objective"]["lam"] for point in lesson.document["points"]]
        assert len(lesson.html) <= 105_000 < len(whole.html)
        assert lesson.document["report"]["shortened"]
        assert (lams[0], lams[-1]) == (0, 1)
        assert len(lams) < len(lesson.path) == 51
        monkeypatch.setattr("powergames.reporting.assemble.LARGEST", 3_000_000)
        document = build(Solved(lesson.path, True, False, {"critical": ["3/50"]}), "", thinned=5)
        assert document["report"]["lams"][:4] == ["0", "3/50", "1/10", "1/5"]

    def test_a_step_in_which_nobody_is_paid_is_told(self, view):
        rewards = [[[[0, 0], [0, 0]], [[1, 0], [0, 0]]]] * 2
        game = pg.StochasticGame(rewards, np.full((2, 2, 2, 2), 0.5), 0.5, title="long_name_of_a_game")
        page = view(pg.report(game, lams=[0]).html, 360)
        note = page.locator("#game-note")
        assert "Nobody is paid in this step" in note.inner_text()
        page.get_by_label("State", exact=True).select_option("1")
        assert "Nobody is paid" not in note.inner_text()
        assert page.locator("h1 wbr").count() == 4

    def test_one_player(self, view):
        lesson = pg.report(pg.NormalFormGame([[1, 3, 2]]), lams=[0, 1])
        page = view(lesson.html)
        assert lesson.certified
        assert "task/0" in shown(page, lesson.document)


class TestSchedule:
    def test_usual_range_is_computed_where_a_game_is_fast(self):
        lesson = pg.report(pg.load("chicken"))
        usual = {Fraction(k, 50) for k in range(51)}
        assert [p.objective.exact_lam for p in lesson.path] == sorted(usual | {Fraction(1, 10)})
        assert lesson.document["report"]["all_equilibria"]
        assert not lesson.document["report"]["shortened"]

    def test_a_kitchen_of_too_many_states_is_refused_before_it_is_compiled(self, capsys, tmp_path):
        name = "overcooked:cramped_room"
        assert run(["report", name, "--time-limit", "1", "-o", str(tmp_path / "page.html")]) == 2
        message = capsys.readouterr().err
        assert message.startswith(f"powergames: {name}: got a kitchen of more than 55,555 states; too many to solve")
        assert "within --time-limit 1; give several times as much" in message

    def test_no_time_leaves_few_lam_and_says_so(self):
        lesson = pg.report(pg.load("matching_pennies"), time_limit=0)
        assert lesson.path.lams.tolist() == [0]
        assert lesson.document["report"]["shortened"]
        assert not lesson.document["report"]["all_equilibria"]

    def test_little_time_is_kept_to(self):
        began = time.monotonic()
        lesson = pg.report(pg.load("soccer"), time_limit=1)
        assert time.monotonic() - began < 10
        assert lesson.document["report"]["shortened"]

    @pytest.mark.parametrize("overhead", [1, 8, 20])
    def test_a_slow_game_keeps_to_the_time_for_the_page(self, monkeypatch, overhead):
        """Where λ is large, the solver takes all its time, and some more to end."""
        now = [0.0]

        def solve_slowly(game, objective, *, start=None, time_limit):
            found = pg.solve(game, objective)
            hard = objective.lam > 0.05
            now[0] += overhead + (time_limit if hard else 0.5)
            return replace(found, status=Status.TIME_LIMIT) if hard else found

        monkeypatch.setattr(schedule, "clock", lambda: now[0])
        monkeypatch.setattr(schedule, "solve", solve_slowly)
        solved = schedule.solve_in_time(
            pg.load("reputation_stag_hunt"), pg.PowerObjective(), None, None, 60.0, False, None
        )
        assert now[0] <= 60
        assert all(point.converged for point in solved.path)
        assert solved.shortened

    def test_the_first_lam_has_most_of_the_time(self, monkeypatch):
        now, limits = [0.0], []

        def solve_slowly(game, objective, *, start=None, time_limit):
            limits.append(time_limit)
            now[0] += min(time_limit, 40)
            found = pg.solve(game, objective)
            return found if time_limit > 40 else replace(found, status=Status.TIME_LIMIT)

        monkeypatch.setattr(schedule, "clock", lambda: now[0])
        monkeypatch.setattr(schedule, "solve", solve_slowly)
        lesson = pg.report(pg.load("reputation_stag_hunt"), time_limit=60)
        assert limits[0] == pytest.approx(42)
        assert now[0] <= 60
        assert lesson.certified
        assert lesson.path.lams.tolist() == [0]

    def test_a_time_that_is_far_too_short_is_refused_at_once(self, monkeypatch):
        monkeypatch.setattr(schedule, "SECONDS_PER_ROW", 5.0)
        game = pg.load("reputation_stag_hunt")
        with pytest.raises(pg.InputError, match="time_limit: got 60; one solution of this game of 4 states takes 80 s"):
            pg.report(game)
        assert pg.report(game, lams=[0], time_limit=60).certified

    def test_no_lam_without_a_pure_equilibrium_that_is_known(self):
        lesson = pg.report(pg.load("minimum_effort"), time_limit=0)
        assert lesson.certified
        assert len(lesson.path) > 50
        counts = {str(p.objective.exact_lam): len(p.equilibria) for p in lesson.path}
        assert (counts["0"], counts["1/2"], counts["13/25"], counts["1"]) == (7, 7, 1, 1)

    def test_probabilities_stay_below_one(self):
        objective = pg.PowerObjective(aggregate="sum", form="adversarial")
        lesson = pg.report(pg.load("assembly_line"), objective=objective, time_limit=0)
        assert lesson.path.lams.min() == 0
        assert lesson.path.lams.max() == 0.5

    def test_critical_lam_are_stops(self):
        lesson = pg.report(pg.load("stag_hunt"))
        assert [str(p.objective.exact_lam) for p in lesson.path][12:14] == ["6/25", "1/4"]
        assert not lesson.document["report"]["shortened"]
        assert [p.objective.exact_lam for p in pg.report(pg.load("stag_hunt"), lams=["1/3"]).path] == [Fraction(1, 3)]


class TestCommand:
    def test_writes_a_page(self, tmp_path, capsys):
        file = tmp_path / "lesson.html"
        assert run(["report", "stag_hunt", "-o", str(file), "--lam", "0,1/5", "--title", "Hunting & trust"]) == 0
        assert "all certified" in capsys.readouterr().out
        text = file.read_text(encoding="utf-8")
        assert "<title>Hunting &amp; trust</title>" in text
        assert text == pg.report(pg.load("stag_hunt"), lams=["0", "1/5"], title="Hunting & trust").html
        assert list(tmp_path.iterdir()) == [file]

    def test_exit_code_tells_of_failures_and_the_page_is_there(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr("powergames.solvers.batch.batches.solve_all", lambda *_, **__: 1 / 0)
        file = tmp_path / "lesson.html"
        assert run(["report", "stag_hunt", "-o", str(file), "--lam", "0,1"]) == 1
        assert "2 of 2 points without a certified equilibrium" in capsys.readouterr().out
        assert "ZeroDivisionError" in file.read_text(encoding="utf-8")

    def test_a_page_with_few_lam_says_how_to_get_more(self, tmp_path, capsys):
        file = tmp_path / "lesson.html"
        assert run(["report", "reputation_stag_hunt", "-o", str(file), "--time-limit", "0"]) == 1
        out = " ".join(capsys.readouterr().out.split())
        assert "no equilibrium found at 1 value of λ, 0;" in out
        assert "The game is slow to solve; with a greater --time-limit more λ can be solved." in out

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (["stag_hunt", "-o", "stag_hunt.nfg"], "--output: got 'stag_hunt.nfg'; give the name of a .html file"),
            (["stag_hunt", "-o", "missing/lesson.html"], "--output: there is no folder 'missing'"),
            (["stag_hunt", "-o", "a.html", "--lam", "2:1"], "--lam: got '2:1'"),
            (["stag_hunt", "-o", "a.html", "--lam", "2", "--form", "adversarial"], "reads lam as a probability"),
            (["stag_hunt"], "missing option '-o'"),
        ],
    )
    def test_one_line_says_what_is_wrong(self, arguments, problem, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "stag_hunt.nfg").write_text("a game", encoding="utf-8")
        assert run(["report", *arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert problem in err
        assert err.count("\n") == 1
        assert (tmp_path / "stag_hunt.nfg").read_text(encoding="utf-8") == "a game"
        assert not (tmp_path / "a.html").exists()
