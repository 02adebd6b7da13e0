"""Charts as files: PNG, SVG, an HTML page that opens offline, or the specification itself."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from powergames.errors import InputError, needs
from powergames.files import check_place, replace_file
from powergames.viz.theme import altair, dark_rules

PICTURES = (".png", ".svg", ".html")
EXTENSIONS = (*PICTURES, ".json")

# Pixels of a PNG for each pixel of the specification: sharp in print and on a projector.
SCALE = 2

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta name="color-scheme" content="light dark">
<style>body {{ margin: 1rem; background: Canvas }} #chart {{ overflow-x: auto }} {rules}</style>
</head>
<body>
<div id="chart"></div>
<script>{library}</script>
<script>
vegaEmbed("#chart", {specification}, {{renderer: "svg", actions: {{export: true, source: false, editor: false}}}});
</script>
</body>
</html>
"""


def check_extension(path: str | os.PathLike[str], option: str = "save", extensions: Sequence[str] = EXTENSIONS) -> str:
    """Return the extension of a file for a chart, and refuse what no chart could be written to.

    Raises
    ------
    InputError
        If the extension is another one, the folder does not exist or cannot be written to, or Altair or vl-convert
        are not installed.

    Examples
    --------
    >>> check_extension("chart.pdf", "--plot")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: --plot: got 'chart.pdf'; give the name of a .png, .svg, .html or .json file
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"{option}: got {type(path).__name__}; give the name of a file")
    target = Path(path)
    if target.suffix.lower() not in extensions:
        names = f"{', '.join(extensions[:-1])} or {extensions[-1]}"
        raise InputError(f"{option}: got {str(target)[-60:]!r}; give the name of a {names} file")
    check_place(target, option)
    _converter()
    return target.suffix.lower()


def save(chart: Any, path: str | os.PathLike[str]) -> None:
    """Write a chart to a file; the extension decides how.

    Parameters
    ----------
    chart : alt.Chart
        What any function of `powergames.viz` returns.
    path : str or os.PathLike
        A ``.png`` picture for slides, an ``.svg`` picture for print, an ``.html`` page that opens without network, or
        the Vega-Lite specification as ``.json``. SVG and HTML are dark on screens that are. An existing file is
        replaced as a whole.

    Raises
    ------
    InputError
        If the extension is another one, the folder does not exist, or Altair or vl-convert are not installed.
    OSError
        If the file cannot be written.
    """
    extension = check_extension(path)
    content = _content(chart, extension)
    replace_file(path, content)


def _content(chart: Any, extension: str) -> bytes:
    specification = chart.to_dict()
    if extension == ".json":
        return json.dumps(specification, indent=1, ensure_ascii=False).encode() + b"\n"
    converter = _converter()
    version = ".".join(altair().SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    if extension == ".png":
        pixels: bytes = converter.vegalite_to_png(specification, vl_version=version, scale=SCALE)
        return pixels
    if extension == ".svg":
        picture = str(converter.vegalite_to_svg(specification, vl_version=version))
        return picture.replace(">", f"><style>{dark_rules()}</style>", 1).encode()
    title = " ".join(specification.get("title", {}).get("text", [])) or "powergames"
    # No name in the game may end the script.
    text = json.dumps(specification).replace("<", "\\u003c")
    library = converter.javascript_bundle(vl_version=version).replace("</script", "<\\/script")
    return PAGE.format(title=html.escape(title), library=library, specification=text, rules=dark_rules()).encode()


def _converter() -> Any:
    altair()
    with needs("vl_convert", "powergames[viz]", "charts"):
        import vl_convert
    return vl_convert
