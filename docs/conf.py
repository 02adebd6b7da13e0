"""How Sphinx builds the documentation; see contributing.md."""

from __future__ import annotations

import sys
from pathlib import Path

import powergames

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "powergames"
author = "The powergames developers"
copyright = author
version = release = powergames.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "commands",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
default_role = "py:obj"

myst_heading_anchors = 3
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_static_path = ["_static"]
# A page of its own, as `powergames report --editable` makes it.
html_extra_path = ["play.html"]
html_css_files = ["wide.css"]
html_title = f"powergames {version}"
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
