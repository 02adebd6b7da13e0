"""Everything the documentation shows is run: Python code, commands with their output, examples."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import runpy
import sys
from pathlib import Path

import pytest

import powergames
from powergames.cli import run

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
MODULES = ["powergames", *(module.name for module in pkgutil.walk_packages(powergames.__path__, "powergames."))]
MODULES += [
    module.name
    for module in pkgutil.walk_packages(importlib.import_module("powergames.solvers").__path__, "powergames.solvers.")
]
PPO = ROOT / "examples" / "audit_ppo.py"
COMMANDS = [
    pytest.param(command, output, id=f"{page.stem}: {command}")
    for page in PAGES
    for command, output in re.findall(
        r"^```console\n\$ powergames ([^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
]


def by_name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_python_on_the_page(page):
    text = page.read_text(encoding="utf-8")
    # A fence would count as expected output.
    examples = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, page, 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize(("command", "output"), COMMANDS)
def test_command_on_the_page(command, output, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    run(command.split())
    shown, problem = capsys.readouterr()
    assert problem == ""
    assert [line.rstrip() for line in shown.splitlines()] == output.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"powergames.__main__"}))
def test_examples_in_docstrings(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0


def test_solvers_are_among_the_modules():
    assert "powergames.solvers.registry" in MODULES


@pytest.mark.parametrize("script", sorted(set(ROOT.glob("examples/*.py")) - {PPO}), ids=by_name)
def test_example_scripts(script, capsys, monkeypatch, tmp_path):
    # The gallery writes to a folder that may be given.
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    lines = script.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 25
    if any("open_spiel" in line for line in lines):
        pytest.importorskip("open_spiel", reason="OpenSpiel is not installed; it is the extra 'openspiel'")
    if any("viz" in line for line in lines):
        pytest.importorskip("vl_convert", reason="vl-convert is not installed; it is part of the extra 'viz'")
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out


def test_the_example_with_networks(capsys, monkeypatch):
    pytest.importorskip("stable_baselines3", reason="Stable-Baselines3 is not installed; it is the extra 'ppo'")
    assert len(PPO.read_text(encoding="utf-8").splitlines()) < 150
    monkeypatch.setattr(sys, "argv", [str(PPO), "--steps", "256"])
    runpy.run_path(str(PPO), run_name="__main__")
    out = capsys.readouterr().out
    learners = [line.split()[1] for line in out.splitlines() if line.count("%") == 3]
    assert learners == ["ppo", "task", "prim", "sbpr"] * 2
    assert "by leaving ppo" in out
