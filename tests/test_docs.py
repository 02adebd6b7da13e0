"""Everything the documentation shows is run: Python code, commands with their output, examples."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher
from typer.main import get_command

import powergames
from powergames import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
MODULES = ["powergames", *(module.name for module in pkgutil.walk_packages(powergames.__path__, "powergames."))]
MODULES += [
    module.name
    for module in pkgutil.walk_packages(importlib.import_module("powergames.solvers").__path__, "powergames.solvers.")
]
PPO, STORY = ROOT / "examples" / "audit_ppo.py", ROOT / "examples" / "overcooked_story.py"
GALLERY = ROOT / "examples" / "gallery.py"  # run with the tests of charts
COMMAND_LINE = get_command(cli.app)
# Packages that not everybody has, and the pages and modules whose examples need them.
NETWORKS = ("agents", "environment", "observations", "outlook", "play", "training", "update")
NEEDS = {
    **{f"powergames.learning.networks.{name}": ("jax", "equinox", "optax") for name in NETWORKS},
    "train-networks.md": ("jax", "equinox", "optax"),
    "make-pictures.md": ("altair", "vl_convert", "pandas"),
    "audit-a-large-environment.md": ("gymnasium", "pettingzoo"),
    "audit-a-pytorch-policy.md": ("gymnasium", "pettingzoo"),
    "train-with-your-own-trainer.md": ("gymnasium", "pettingzoo"),
    "use-environments.md": ("gymnasium", "pettingzoo"),
    "come-from-another-library.md": ("pygambit", "quantecon"),
    "powergames.auditing.sampled": ("gymnasium", "pettingzoo"),
    "powergames.environments.parallel_env": ("gymnasium", "pettingzoo"),
    "powergames.environments.pettingzoo": ("gymnasium", "pettingzoo"),
    "powergames.wrappers": ("gymnasium", "pettingzoo"),
}
COMMANDS = [
    pytest.param(command, output, id=f"{page.stem}: {command}")
    for page in PAGES
    for command, output in re.findall(
        r"^```console\n\$ powergames ([^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
]


def by_name(path):
    return path.relative_to(ROOT).as_posix()


def need(name):
    """Skip a test of examples that need a package that is not installed."""
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package, reason=f"{package} is not installed; it is part of an extra")


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_python_on_the_page(page, monkeypatch):
    need(page.name)
    monkeypatch.chdir(ROOT)
    text = page.read_text(encoding="utf-8")
    # A fence would count as expected output.
    examples = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, page, 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize(("command", "output"), COMMANDS)
def test_command_on_the_page(command, output, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    cli.run(shlex.split(command))
    shown, problem = capsys.readouterr()
    assert problem == ""
    assert [line.rstrip() for line in shown.splitlines()] == output.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_commands_without_output_are_understood(page):
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("powergames ")]
    for line in lines:
        name, *arguments = shlex.split(line)[1:]
        COMMAND_LINE.commands[name].make_context(name, arguments)


def test_files_on_the_first_page():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"\[`(examples/[\w.]+)`\]\(\1\):\n\n((?:    .*\n)+)", text)
    assert [name for name, _ in shown] == ["examples/robots.csv", "examples/mill.csv"]
    for name, block in shown:
        assert (ROOT / name).read_text(encoding="utf-8") == re.sub("^    ", "", block, flags=re.MULTILINE)


def anchors(page):
    """What links to a heading of a page end in."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s:]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"powergames.__main__"}))
def test_examples_in_docstrings(module, monkeypatch):
    need(module)
    examples = importlib.import_module(module)
    if module.startswith("powergames.kernels."):
        # They show what kernels compute, so they run as Python: nothing else needs them compiled for such arrays.
        for name, kernel in inspect.getmembers(examples, lambda member: isinstance(member, Dispatcher)):
            monkeypatch.setattr(examples, name, kernel.py_func)
    assert doctest.testmod(examples).failed == 0


def test_solvers_are_among_the_modules():
    assert "powergames.solvers.registry" in MODULES


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=by_name(script), marks=pytest.mark.slow if script == STORY else ())
        for script in sorted(set(ROOT.glob("examples/*.py")) - {PPO, GALLERY})
    ],
)
def test_example_scripts(script, capsys, monkeypatch, tmp_path):
    # A script that draws writes to a folder that may be given.
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    lines = script.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 25
    if any("open_spiel" in line for line in lines):
        pytest.importorskip("open_spiel", reason="OpenSpiel is not installed; it is the extra 'openspiel'")
    if any("viz" in line for line in lines):
        pytest.importorskip("vl_convert", reason="vl-convert is not installed; it is part of the extra 'viz'")
        pytest.importorskip("PIL", reason="Pillow is not installed; it is part of the extra 'viz'")
    if any("lbforaging" in line for line in lines):
        pytest.importorskip("lbforaging", reason="lbforaging is not installed; run pip install lbforaging==2.0.0")
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out


def test_cells_of_the_lesson(capsys):
    cells = json.loads((ROOT / "examples" / "lesson.ipynb").read_text(encoding="utf-8"))["cells"]
    install, *code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert install == "%pip install --quiet powergames-*.whl"
    assert not any(cell.get("outputs") for cell in cells)
    names = {}
    for source in code:
        exec(source, names)
    out = capsys.readouterr().out
    assert "both stag: from 0 to 1/4" in out
    assert "3/10 <Certificate FAILED" in out
    # The solution of the exercise.
    exec(
        code[-1].replace("[[5, 0], [2, 2]]", "[[5, -1], [2, 2]]").replace("[[5, 2], [0, 2]]", "[[5, 2], [-1, 2]]"),
        names,
    )
    assert "['stag', 'stag'] 0 1/2" in capsys.readouterr().out


def test_the_example_with_networks(capsys, monkeypatch):
    pytest.importorskip("stable_baselines3", reason="Stable-Baselines3 is not installed; it is the extra 'ppo'")
    assert len(PPO.read_text(encoding="utf-8").splitlines()) < 150
    monkeypatch.setattr(sys, "argv", [str(PPO), "--steps", "256"])
    runpy.run_path(str(PPO), run_name="__main__")
    out = capsys.readouterr().out
    learners = [line.split()[1] for line in out.splitlines() if line.count("%") == 3]
    assert learners == ["ppo", "task", "prim", "sbpr"] * 2
    assert "by leaving ppo" in out


@pytest.mark.parametrize("recipe", sorted(ROOT.glob("examples/recipes/*.py")), ids=by_name)
def test_recipes_for_trainers(recipe, capsys, monkeypatch):
    text = recipe.read_text(encoding="utf-8")
    for package in ("torch", "stable_baselines3", "supersuit", "ray", "torchrl", "jaxmarl"):
        if re.search(rf"^(import|from) {package}\b", text, re.MULTILINE):
            pytest.importorskip(package, reason=f"{package} is not installed; the recipe says how to install it")
    assert len(text.splitlines()) < 60
    monkeypatch.setattr(sys, "argv", [str(recipe), "256"])
    runpy.run_path(str(recipe), run_name="__main__")
    assert "<SampledAudit" in capsys.readouterr().out


def test_reference_lists_every_public_name():
    text = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    listed = {f"powergames.{name}" for name in re.findall(r"^   ([\w.]+)$", text, re.MULTILINE)}
    names = {f"powergames.{name}" for name in powergames.__all__ if name != "__version__"}
    names |= {
        f"powergames.{package.split('.')[1]}.{name}"
        for package in ("powergames.solvers", "powergames.auditing", "powergames.learning")
        for name in importlib.import_module(package).__all__
        if f"powergames.{name}" not in names and name not in ("METHODS", "STOCHASTIC_METHODS")
    }
    assert names <= listed
    assert all(name in text for name in ("METHODS", "STOCHASTIC_METHODS"))
    for name in listed:
        assert pkgutil.resolve_name(name.replace(".", ":", 1)) is not None


def test_picture_of_the_layers_is_the_table_of_the_tests():
    drawn = runpy.run_path(str(ROOT / "docs" / "architecture.py"))["picture"]()
    assert (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8") == drawn, (
        "the layers have changed: run python docs/architecture.py"
    )


def test_reference_of_commands_has_every_option():
    text = runpy.run_path(str(ROOT / "docs" / "extensions" / "commands.py"))["reference"]()
    for name, command in cli.COMMANDS.items():
        section = text.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert command.__doc__.splitlines()[0] in section
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            options = [word for info in parameter.annotation.__metadata__ for word in info.param_decls or ()]
            assert all(option in section for option in options)


def test_first_answers_are_measured_of_calls_that_work(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    cold = runpy.run_path(str(ROOT / "benchmarks" / "bench_cold.py"))
    for name in cold["CALLS"]:
        assert cold["main"](["--here", name]) == 0


def test_photographs_of_pages_are_in_the_gallery():
    pytest.importorskip("playwright", reason="Playwright is not installed")
    pytest.importorskip("PIL", reason="Pillow is not installed; it is part of the extra 'viz'")
    gallery = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    pictures = runpy.run_path(str(ROOT / "docs" / "photographs.py"))["PICTURES"]
    for name, (_, width, *_) in pictures.items():
        assert f"](images/{name})" in gallery
        head = (ROOT / "docs" / "images" / name).read_bytes()[:20]
        assert int.from_bytes(head[16:20], "big") == width


def test_page_of_comparisons_has_a_place_for_every_benchmark(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    compare = runpy.run_path(str(ROOT / "benchmarks" / "compare.py"))
    page = compare["PAGE"].read_text(encoding="utf-8")
    for name in compare["RUNS"]:
        assert (ROOT / "benchmarks" / f"{name}.py").exists()
        again = compare["replaced"](page, name, "a table \\1")
        assert f"<!-- begin {name} -->\n\na table \\1\n\n<!-- end {name} -->" in again
        assert f"benchmarks/{name}.py" in page
        assert f"benchmarks/{name}.py" not in again
