"""Putting a page together: a template, a style sheet, scripts and a JSON document become one file.

Nothing in a document can become markup. The browser reads it from a block of data in which ``<``, ``>`` and ``&`` are
escaped, and the scripts write names as text. A policy in the page forbids every request, and every script and style but
those whose hashes it lists.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from powergames.errors import printable

SCRIPTS = (
    "theme.js",
    "elements.js",
    "fractions.js",
    "statements.js",
    "payoffs.js",
    "solutions.js",
    "network.js",
    "states.js",
    "scene.js",
    "charts.js",
    "deviations.js",
    "page.js",
)


def page(document: dict[str, Any]) -> str:
    """Return the HTML of a page.

    Parameters
    ----------
    document : dict
        As `powergames.reporting.document.build` returns it.

    Returns
    -------
    str
        In ASCII but for what the template itself has; a title of any characters is escaped.

    Examples
    --------
    >>> import powergames as pg
    >>> lesson = pg.report(pg.load("stag_hunt"), lams=[0], title="</title><script>")
    >>> page(lesson.document) == lesson.html, "</title><script>" in lesson.html
    (True, False)
    """
    return assembled("template.html", ("style.css",), SCRIPTS, document, document["report"]["title"])


def assembled(template: str, styles: Sequence[str], scripts: Sequence[str], data: dict[str, Any], title: str) -> str:
    """Put files of this folder and a document together into one page.

    Parameters
    ----------
    template : str
        With ``{{policy}}``, ``{{title}}``, ``{{heading}}``, ``{{style}}``, ``{{words}}``, ``{{data}}`` and
        ``{{script}}``.
    styles, scripts : sequence of str
    data : dict
    title : str
    """
    style, script = "".join(map(_asset, styles)), "".join(map(_asset, scripts))
    parts = {
        "policy": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        "title": html.escape(printable(title)),
        # On a phone a long name breaks between its words.
        "heading": html.escape(printable(title)).replace("_", "_<wbr>"),
        "style": style,
        "words": _asset("words.html"),
        "data": escaped_json(data),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset(template))


def escaped_json(value: Any) -> str:
    """Write JSON that no HTML parser takes for markup.

    Examples
    --------
    >>> "<" in escaped_json({"title": "</script><script>alert(1)"})
    False
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache
def _asset(name: str) -> str:
    return (resources.files("powergames.reporting") / name).read_text(encoding="utf-8")
