"""The live notebooks: they run as scripts, and answer in a browser while one types."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from browsing import violations

import powergames as pg
from powergames.cli import run
from powergames.errors import InputError
from powergames.games.catalog.normal_form import random_uniform
from powergames.notebooks.limits import check_payoffs, check_states
from powergames.notebooks.payoff_table import cell_texts, read_cells, table_html

for package in ("marimo", "altair", "vl_convert"):
    pytest.importorskip(package, reason=f"{package} is not installed; it is part of the extra 'teach'")


# Milliseconds from an edit until the page holds the equilibria of what was typed.
ANSWER = """([text]) => new Promise((done) => {
  let began = null;
  const now = () => document.querySelector("#equilibria")?.dataset.for;
  document.addEventListener("input", () => { began ??= performance.now(); }, {capture: true, once: true});
  const watch = new MutationObserver(() => {
    if (began !== null && now()?.includes(text) && document.querySelector("#equilibria table")) {
      watch.disconnect();
      done(performance.now() - began);
    }
  });
  watch.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
})"""


@pytest.fixture
def serve():
    """Start ``powergames explore``, and return the process and its link once the server answers."""
    started = []

    def call(*arguments):
        command = [sys.executable, "-m", "powergames", "explore", *arguments, "--no-browser"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        line = process.stdout.readline()
        link = line.partition(", until Ctrl-C: ")[2].removesuffix("\n")
        end = time.monotonic() + 60
        while line and time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(link, timeout=5) as answer:
                    assert answer.status == 200
                    return process, link
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.1)
        process.terminate()
        pytest.fail(f"the server does not answer: {process.communicate(timeout=20)}")

    yield call
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


def notebook(name):
    """Run a notebook as a script, and return what its cells define."""
    _, defined = importlib.import_module(f"powergames.notebooks.{name}").app.run()
    return defined


class TestAsScripts:
    def test_explore_finds_all_equilibria(self):
        defined = notebook("explore")
        assert defined["problem"] == ""
        assert defined["found"].complete
        assert len(defined["found"]) == 3
        assert all(equilibrium.converged for equilibrium in defined["found"])
        assert defined["found"].objective.lam == 0.2

    def test_over_time_certifies_trust_below_its_critical_lam(self):
        defined = notebook("over_time")
        assert defined["report"].passed
        assert defined["evaluation"].start_task.tolist() == pytest.approx([45, 45])
        game, profile = defined["game"], defined["profile"]
        for form in ("penalty", "adversarial"):
            assert pg.certify(game, profile, pg.PowerObjective(0.362, form=form)).passed
            assert not pg.certify(game, profile, pg.PowerObjective(0.363, form=form)).passed

    def test_learning_passes_its_certificates(self):
        defined = notebook("learning")
        assert defined["price"] == pytest.approx(1 / 4)
        assert all(run.certificate.passed for run in defined["runs"])
        assert defined["exact"].converged
        assert defined["report"].passed
        assert defined["runs"][0].policies[0][0] > 0.9

    def test_kitchen_compares_team_and_equilibria(self):
        defined = notebook("kitchen")
        team, *equilibria = defined["reports"].values()
        assert not team.passed
        assert all(report.passed for report in equilibria)
        left = [report.worst["adversarial for 10 steps"].mean() for report in (team, *equilibria)]
        assert left[:2] == pytest.approx([0, 0], abs=1e-9)
        careful = defined["plans"]["equilibrium at λ = 0.3"].start_task.mean()
        assert 0.6 < left[2] / careful < 0.7
        assert 0.94 < careful / defined["plans"]["team optimum"].start_task.mean() < 0.96


class TestPayoffTable:
    @pytest.mark.parametrize("name", ["stag_hunt", "von_stengel", "assembly_line", "coordination:n=3"])
    def test_texts_are_read_back(self, name):
        game = pg.load(name)
        assert read_cells(game, cell_texts(game)) == game

    @pytest.mark.parametrize("text", ["", "1", "1, 2, 3", "1, x", "1, nan", "1, 1/0", "1; 2"])
    def test_what_is_no_payoff_is_refused_with_its_place(self, text):
        game = pg.load("stag_hunt")
        with pytest.raises(InputError, match="payoffs of stag, hare: got"):
            read_cells(game, ["4, 4", text, "3, 0", "3, 3"])

    def test_cells_are_where_the_actions_say(self):
        game = pg.NormalFormGame(np.zeros((3, 2, 3, 2)))
        fields = [f"{a}{b}{c}" for a in range(2) for b in range(3) for c in range(2)]
        first, second = table_html(game, fields).split("</table>")[:2]
        assert [field for field in fields if f"<td>{field}</td>" in first] == fields[0::2]
        assert [field for field in fields if f"<td>{field}</td>" in second] == fields[1::2]

    def test_names_are_text(self):
        game = pg.NormalFormGame(np.zeros((2, 1, 1)), players=["<b>", "Bob"], actions=[["<script>"], ["x"]])
        assert "<script>" not in table_html(game, ["0, 0"])
        assert "<b>" not in table_html(game, ["0, 0"])


class TestCommand:
    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (["travellers_dilemma"], "got 99 x 99 actions; explore two players with up to 5"),
            (["nowhere"], "no game is named 'nowhere'"),
            (["stag_hunt", "--lesson", "over-time"], "over-time cannot show a normal-form game"),
            (["stag_hunt", "--lesson", "kitchen"], "kitchen has games of its own"),
            (["random_sparse:states=60"], "60 states; explore"),
            (["overcooked:mini2"], "got a kitchen of more than 240 states; explore up to 30 states"),
            (["--port", "0"], "--port: got 0; give a number from 1 to 65535"),
            (["--port", "x"], "--port: got 'x'; give an integer"),
            (["--lesson", "history"], "--lesson"),
        ],
    )
    def test_one_line_says_what_is_wrong(self, arguments, problem, capsys):
        assert run(["explore", *arguments, "--no-browser"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert problem in err
        assert err.count("\n") == 1

    def test_port_in_use_is_told(self, capsys):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            assert run(["explore", "--no-browser", "--port", str(port)]) == 2
        assert f"--port: got {port}, which is in use" in capsys.readouterr().err

    def test_without_marimo_one_line_tells_how_to_get_it(self, monkeypatch, capsys):
        monkeypatch.setattr("powergames.commands.explore.find_spec", lambda name: None)
        assert run(["explore"]) == 2
        assert "run pip install 'powergames[teach]'" in capsys.readouterr().err

    def test_small_games_pass(self):
        check_payoffs(pg.load("assembly_line"))
        check_states(pg.load("delegation"))

    @pytest.mark.skipif(os.name != "posix", reason="only POSIX sends Ctrl-C to one process")
    def test_ctrl_c_ends_it_and_its_server(self, serve):
        process, link = serve()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(link, timeout=2)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is no more")
    def test_killed_it_takes_its_server_along(self, serve):
        process, link = serve()
        process.kill()
        # The server holds these pipes open as long as it lives.
        process.communicate(timeout=20)
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(link, timeout=2)


def status(place, path, **headers):
    """Return the status of the response to a request."""
    connection = http.client.HTTPConnection(place, timeout=10)
    connection.request("GET", path, headers=headers)
    found = connection.getresponse().status
    connection.close()
    return found


def command_lines():
    """Return the command lines of all processes."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            texts.append(path.read_text(errors="replace"))
    assert any("marimo" in text for text in texts)
    return "\n".join(texts)


def test_only_the_link_opens_the_notebook(serve):
    """Any website can let a browser send requests to 127.0.0.1, also under a name of its own."""
    _, link = serve()
    place, query = link.removeprefix("http://").split("?")
    key = "c2l4dGVlbiBieXRlcyEhIQ=="
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    attacker = {"Host": "attacker.example", "Origin": "http://attacker.example"}
    for guess in ("", "access_token=", "access_token=guess"):
        assert status(place, f"/ws?session_id=s_x&{guess}", **upgrade, **attacker) == 403
        assert status(place, f"/?{guess}", **attacker) == 303
        assert status(place, f"/api/status?{guess}", **attacker) == 401
    assert status(place, f"/ws?session_id=s_x&{query}", **upgrade) == 101
    # Other users of a machine see the command lines of all processes.
    token = query.removeprefix("access_token=")
    assert len(token) > 40
    if os.path.exists("/proc"):
        assert token not in command_lines()


def test_equilibria_follow_the_typing(serve, browser, tmp_path):
    from playwright.sync_api import expect

    file = tmp_path / "four by four.json"
    payoffs = (10 * random_uniform(2, 4, seed=1).payoffs).round()
    pg.save(pg.NormalFormGame(payoffs, title="Four by four"), file)
    process, link = serve(str(file))
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(60_000)
    outside = []
    own = link.partition("?")[0], "data:", "blob:"
    page.on("request", lambda request: request.url.startswith(own) or outside.append(request))
    page.goto(link)
    page.wait_for_selector("#equilibria table", timeout=60_000)
    page.wait_for_selector("canvas, svg.marks, .vega-embed", timeout=30_000)
    fields = page.locator(".payoffs input:visible")
    assert fields.count() == 16
    assert page.get_by_label("payoffs of 0, 3", exact=True).count() == 1
    took = []
    for k in range(5):
        page.wait_for_timeout(1000)
        text = f"{k + 20}, {k}"
        waiting = page.evaluate_handle(f"text => ({{ answer: ({ANSWER})([text]) }})", text)
        fields.nth(k).fill(text)
        took.append(waiting.evaluate("({ answer }) => answer"))
    assert outside == []
    # Whatever else the machine does only adds to it.
    assert min(took) < 300
    # λ stays in sight beside the picture, on a phone too.
    for width in (900, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.locator(".vega-embed").first.scroll_into_view_if_needed()
        place = page.locator("[data-cell-name=price]").bounding_box()
        assert 0 <= place["y"] < 60
        assert place["x"] + place["width"] <= width
    # The menu of marimo has a name.
    menus = page.locator("button[aria-haspopup=menu]:visible")
    assert all(menu.get_attribute("aria-label") or menu.inner_text() for menu in menus.all())
    assert menus.count() > 0
    # On a dark page the chart is dark.
    for scheme, filtered in (("light", "none"), ("dark", "invert(0.9) hue-rotate(180deg)")):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator(".vega-embed canvas, .vega-embed svg.marks").first).to_have_css("filter", filtered)
    # Ctrl-C ends it while the page is still open.
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == 0
    page.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("assembly_line",),
        ("reputation_stag_hunt",),
        pytest.param(("--lesson", "kitchen"), marks=pytest.mark.slow),
        pytest.param(("--lesson", "learning"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_nothing_stands_in_anybody_s_way(arguments, serve, browser, axe):
    _, link = serve(*arguments)
    page = browser.new_page()
    page.set_default_timeout(60_000)
    for width, scheme in ((1280, "light"), (360, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.goto(link)
        page.wait_for_selector(".vega-embed canvas, .vega-embed svg.marks")
        # The rest of the page follows.
        page.wait_for_timeout(3000)
        assert violations(page, axe) == []
    page.close()
