"""Make every picture of the documentation that stands above its command, and the page that the gallery links to."""

import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

from powergames.cli import run

root = Path(__file__).resolve().parent.parent
folder = Path(sys.argv[1] if len(sys.argv) > 1 else root / "docs").resolve()
(folder / "images").mkdir(exist_ok=True)
commands = {"play.html": "report stag_hunt --editable -o play.html"}
for page in sorted(root.glob("docs/**/*.md")):
    commands |= re.findall(r"\((?:\.\./)?(images/\S+)\)\n\n```sh\npowergames (.*)\n", page.read_text(encoding="utf-8"))
with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    for name, command in commands.items():
        words = shlex.split(command.replace("examples/", f"{root.as_posix()}/examples/"))
        words[words.index("--plot" if "--plot" in words else "-o") + 1] = str(folder / name)
        if run(words) > 1:
            raise SystemExit(f"failed: powergames {command}")
    os.chdir(root)
