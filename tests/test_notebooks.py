"""The live notebooks: they run as scripts, and answer in a browser while one types."""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

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


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@pytest.fixture
def serve():
    """Start ``powergames explore``, and return the process and its address once it answers."""
    started = []

    def call(*arguments):
        port = free_port()
        command = [sys.executable, "-m", "powergames", "explore", *arguments, "--no-browser", "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    assert answer.status == 200
                    return process, address
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.1)
        process.terminate()
        pytest.fail(f"the server does not answer: {process.communicate(timeout=20)}")

    yield call
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed; Debian has it in the package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_equilibria_follow_the_typing(serve, browser, tmp_path):
    from powergames import NormalFormGame, save
    from powergames.games.catalog import random_uniform

    file = tmp_path / "four by four.json"
    payoffs = (10 * random_uniform(2, 4, seed=1).payoffs).round()
    save(NormalFormGame(payoffs, title="Four by four"), file)
    _, address = serve(str(file))
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(60_000)
    outside = []
    page.on("request", lambda request: request.url.startswith((address, "data:", "blob:")) or outside.append(request))
    page.goto(address)
    page.wait_for_selector("#equilibria table", timeout=60_000)
    page.wait_for_selector("canvas, svg.marks, .vega-embed", timeout=30_000)
    fields = page.locator(".payoffs input:visible")
    assert fields.count() == 16
    took = []
    for k in range(9):
        page.wait_for_timeout(1200)
        text = f"{k + 20}, {k}"
        waiting = page.evaluate_handle(f"text => ({{ answer: ({ANSWER})([text]) }})", text)
        fields.nth(k).fill(text)
        took.append(waiting.evaluate("({ answer }) => answer"))
    page.close()
    assert outside == []
    assert statistics.median(took) < 300
