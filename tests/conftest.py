"""What tests of several files share."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

# Tests run on all cores already: threads of linear algebra on top of them only wait for each other. It takes effect in
# the processes in which tests run, and in those that they start.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


# Whether tests marked as slow run too.
FULL = bool(os.environ.get("POWERGAMES_FULL"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes seconds, and runs only if POWERGAMES_FULL is set")
    # Ctrl-C is ignored in what a script starts in the background, and so it would be in the processes that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if not FULL:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow; runs if POWERGAMES_FULL is set, as .ci/run --full does"))


@pytest.fixture
def pettingzoo():
    """PettingZoo, with Gymnasium."""
    for module in ("gymnasium", "pettingzoo"):
        pytest.importorskip(module, reason="PettingZoo is not installed; it is the extra 'pettingzoo'")


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed; Debian has it in the package chromium")
    reason = "Playwright is not installed; it is part of the extra 'test'"
    playwright_api = pytest.importorskip("playwright.sync_api", reason=reason)
    with playwright_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
