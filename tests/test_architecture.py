"""The house rules that a machine can check: who imports whom, what is imported lazily."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.glob("powergames/**/*.py"))
} | {
    "powergames." + ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.glob("solvers/**/*.py"))
}

# What each layer may import of the project, at the top of a module and inside functions.
DISPLAY = {"errors", "display"}
GAMES = DISPLAY | {"games", "discounted"}
ARITHMETIC = {"rational"}
POWER = GAMES | {"kernels", "power", "contents"}
OBJECTIVES = GAMES | {"power", "objectives"}
CHECKING = {"discounted", "stage_values", "response_programs", "growing_programs", "deviations"}
CERTIFICATES = GAMES | ARITHMETIC | CHECKING | {"contents", "objectives", "certificates", "stochastic_certificates"}
RESULTS = CERTIFICATES | {"power", "evaluation", "results"}
ALLOWED = {
    "errors": set(),
    "kernels": {"kernels"},
    "display": DISPLAY,
    "contents": GAMES | {"contents"},
    "rational": ARITHMETIC,
    "storage": {"errors", "storage"},
    "games": GAMES,
    "power": POWER,
    "objectives": OBJECTIVES,
    "certificates": CERTIFICATES,
    "discounted": {"discounted"},
    "evaluation": OBJECTIVES | {"contents", "kernels", "discounted", "evaluation"},
    "deviations": CERTIFICATES,
    "stage_values": GAMES | {"discounted", "stage_values"},
    "response_programs": {"response_programs"},
    "growing_programs": {"growing_programs"},
    "stochastic_certificates": CERTIFICATES,
    "results": RESULTS,
    "solvers": RESULTS | {"kernels", "discounted", "storage", "solvers"},
    "auditing": RESULTS | {"io", "tolerances", "auditing"},
    "learning": RESULTS | {"kernels", "io", "storage", "tolerances", "learning"},
    "reporting": RESULTS | {"io", "solvers", "auditing", "reporting"},
    "io": GAMES | {"environments", "storage", "io"},
    "environments": GAMES | {"kernels", "environments"},
    "viz": RESULTS | {"environments", "solvers", "learning", "auditing", "storage", "viz"},
    "terminal": {"display"},
    "tolerances": set(),
    "demo": RESULTS | {"io", "solvers", "terminal"},
    "commands": RESULTS
    | {
        "storage",
        "environments",
        "io",
        "solvers",
        "learning",
        "auditing",
        "viz",
        "terminal",
        "tolerances",
        "demo",
        "reporting",
        "notebooks",
        "commands",
    },
    "cli": {"commands", "display", "errors", ""},
    "__main__": {"cli"},
    "notebooks": RESULTS | {"viz", "notebooks", ""},
    "": None,
}


def imported(path: Path) -> set[str]:
    """Names of modules that a file imports, anywhere in it; at run time, not merely for type checkers."""
    names = set()
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        todo += ast.iter_child_nodes(node)
    return names


def layer(module: str) -> str:
    """The part of the project that a module or a name in it belongs to; empty for the package itself."""
    parts = module.split(".")[1:]
    return parts[0] if parts and (parts[0] in ALLOWED or (ROOT / "powergames" / parts[0]).is_dir()) else ""


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module):
    own = layer(module.removesuffix(".__init__"))
    assert own in ALLOWED, f"{module}: say in ALLOWED what it may import"
    if ALLOWED[own] is None:
        return
    used = {layer(name) for name in imported(MODULES[module]) if name.split(".")[0] == "powergames"}
    assert used <= ALLOWED[own]


@pytest.mark.parametrize("module", [name for name in MODULES if layer(name) == "kernels" and "caching" not in name])
def test_kernels_import_only_numpy_and_numba(module):
    names = imported(MODULES[module])
    assert {name.split(".")[0] for name in names} <= {"__future__", "math", "numba", "numpy", "powergames", "typing"}
    assert "numba.njit" not in names, "its cache trusts damaged files; take njit from powergames.kernels.caching"


@pytest.mark.parametrize("module", MODULES)
def test_annotations_are_not_evaluated(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    if any(isinstance(node, (ast.AnnAssign, ast.ClassDef, ast.FunctionDef)) for node in ast.walk(tree)):
        assert "__future__.annotations" in imported(MODULES[module])


def test_every_package_is_installed():
    packages = {
        path.parent.relative_to(ROOT / "powergames").as_posix() for path in ROOT.glob("powergames/**/__init__.py")
    }
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package in packages - {"."}:
        assert f'"powergames.{package.replace("/", ".")}",' in text


@pytest.mark.parametrize(
    "statement",
    [
        "import powergames",
        "import powergames.cli",
        "import powergames as pg; pg.load; pg.power_table",
        "import powergames as pg; pg.to_pettingzoo",
    ],
)
def test_slow_libraries_are_imported_when_needed(statement):
    slow = ["numba", "scipy", "cvxpy", "networkx", "nashpy", "joblib", "highspy", "pettingzoo", "gymnasium", "pyspiel"]
    slow += ["altair", "vl_convert", "PIL", "pandas", "rich"]
    code = f"import sys; {statement}; print(sorted(set({slow}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.strip() == "[]"


def test_plain_solvers_package_names_the_right_one():
    done = subprocess.run([sys.executable, "-c", "import solvers"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert "ImportError" in done.stderr
    assert "powergames.solvers" in done.stderr
