"""Photograph the pages for a class and the app, as the gallery shows them.

Needs Playwright, Pillow, a Chromium, and what ``powergames explore`` needs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import powergames as pg
from powergames.reporting import editable

ROOT = Path(__file__).resolve().parent

# Each picture: the page, how wide the window is and how much of the page it shows, the colours, and whether on paper.
PICTURES = {
    "page_light.png": ("lesson", 1280, 1700, "light", False),
    "page_dark.png": ("states", 1280, 1700, "dark", False),
    "page_phone.png": ("lesson", 360, 1700, "light", False),
    "page_paper.png": ("lesson", 1000, 1700, "light", True),
    "play_light.png": ("play", 1280, 1700, "light", False),
    "play_phone.png": ("play", 360, 1700, "dark", False),
    "explore_light.png": ("explore", 1280, 1700, "light", False),
    "explore_phone.png": ("explore", 360, 1700, "dark", False),
}

# Milliseconds in which the app arranges what it has.
SETTLED = 3000


@contextmanager
def app() -> Iterator[str]:
    """Serve ``powergames explore`` for as long as it is photographed, and say where."""
    command = [sys.executable, "-m", "powergames", "explore", "stag_hunt", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().partition("Ctrl-C: ")[2].strip()
        finally:
            process.terminate()


def photograph(browser: Browser, link: str, out: Path, width: int, height: int, scheme: str, paper: bool) -> None:
    """Save the top of a page as a picture."""
    page = link.startswith("file:")
    # The app scrolls inside of its window.
    view = browser.new_page(viewport={"width": width, "height": 900 if page else height}, color_scheme=scheme)
    if paper:
        view.emulate_media(media="print")
    view.goto(link)
    if page:
        view.wait_for_selector("#payoffs table")
    else:
        view.wait_for_selector(".vega-embed canvas, .vega-embed svg.marks")
        view.wait_for_timeout(SETTLED)
    tall = view.evaluate("document.documentElement.scrollHeight")
    view.screenshot(path=out, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": min(height, tall)})
    view.close()
    Image.open(out).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        out, optimize=True
    )


def main() -> None:
    """Make the pages, and write the pictures to a folder: docs/images, or the one that is given."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "images"
    with tempfile.TemporaryDirectory() as scratch, app() as served, sync_playwright() as playwright:
        pages = {name: Path(scratch, f"{name}.html") for name in ("lesson", "states", "play")}
        pg.report(pg.load("stag_hunt"), pages["lesson"])
        pg.report(pg.load("reputation_stag_hunt"), pages["states"], lams=[k / 20 for k in range(21)])
        editable(pg.load("stag_hunt"), pages["play"])
        links = {name: page.as_uri() for name, page in pages.items()} | {"explore": served}
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, (page, *rest) in PICTURES.items():
            photograph(browser, links[page], folder / name, *rest)
        browser.close()


if __name__ == "__main__":
    main()
