"""Make all pictures and pages of the gallery, by the commands that stand in docs/gallery.md."""

import os
import re
import shlex
from pathlib import Path

from powergames.cli import run

root = Path(__file__).parent.parent
page = (root / "docs" / "gallery.md").read_text(encoding="utf-8")
os.chdir(root)
for command in re.findall(r"^powergames (.*)$", page, re.MULTILINE):
    if run(shlex.split(command)) > 1:
        raise SystemExit(f"failed: powergames {command}")
