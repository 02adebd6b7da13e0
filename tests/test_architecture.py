"""The house rules that a machine can check: who imports whom, what is imported lazily."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.glob("powergames/**/*.py"))
} | {
    "powergames." + ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.glob("solvers/**/*.py"))
}

# What each layer may import of the project, at the top of a module, inside functions and for type checkers.
GROUND = {"errors", "numerics", "display", "progress"}
GAMES = GROUND | {"games"}
OBJECTIVES = GAMES | {"objectives"}
CHECKING = OBJECTIVES | {"checking"}
WORTH = OBJECTIVES | {"kernels", "power", "horizon_evaluation", "evaluation"}
RESULTS = CHECKING | WORTH | {"results"}
FILES = GAMES | {"files", "environments", "io"}
SHOWN = RESULTS | {"wider_power", "auditing", "learning", "presentation"}
ALLOWED: dict[str, set[str] | None] = {
    "errors": set(),
    "kernels": {"kernels"},
    "numerics": {"numerics"},
    "files": {"errors", "files"},
    "progress": {"errors"},
    "display": {"errors", "display"},
    "games": GAMES,
    "objectives": OBJECTIVES,
    "power": GAMES | {"kernels", "power"},
    "horizon_evaluation": WORTH,
    "evaluation": WORTH,
    "wider_power": WORTH | {"wider_power"},
    "checking": CHECKING | {"kernels"},
    "results": RESULTS - {"kernels"},
    "environments": GAMES | {"kernels", "environments"},
    "io": FILES,
    "wrappers": OBJECTIVES | {"environments"},
    "solvers": RESULTS | {"files", "solvers"},
    "auditing": (RESULTS - {"kernels"}) | FILES | {"auditing"},
    "learning": RESULTS | FILES | {"learning"},
    "reporting": RESULTS | FILES | {"solvers", "auditing", "reporting"},
    "presentation": SHOWN | {"reporting"},
    "viz": SHOWN | FILES | {"solvers", "viz"},
    "commands": SHOWN | FILES | {"solvers", "viz", "reporting", "notebooks", "commands"},
    "cli": {"commands", "display", "errors", ""},
    "__main__": {"commands", "cli"},
    "notebooks": RESULTS | {"viz", "notebooks", ""},
    "": None,
}


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file, once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> set[str]:
    """Names of modules that a file imports, anywhere in it, also for type checkers only."""
    names = set()
    todo: list[ast.AST] = [tree_of(path)]
    while todo:
        node = todo.pop()
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


def test_no_files_import_each_other_in_a_circle():
    files = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}
    graph = nx.DiGraph(
        (name, used if used in files else used.rpartition(".")[0])
        for name, path in files.items()
        # The package itself names everything, lazily.
        if name != "powergames"
        for used in imported(path)
    )
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    assert [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1] == []


# What makes and times machine code is no kernel.
COMPILER = {"powergames.kernels.caching", "powergames.kernels.compilation"}


@pytest.mark.parametrize("module", [name for name in MODULES if layer(name) == "kernels" and name not in COMPILER])
def test_kernels_import_only_numpy_and_numba(module):
    names = imported(MODULES[module])
    assert {name.split(".")[0] for name in names} <= {"__future__", "math", "numba", "numpy", "powergames", "typing"}
    assert "numba.njit" not in names, "its cache trusts damaged files; take njit from powergames.kernels.caching"


def test_checks_share_no_kernel_with_solvers():
    used = {name for module in MODULES if layer(module) == "checking" for name in imported(MODULES[module])}
    assert {name.rpartition(".")[0] for name in used if layer(name) == "kernels"} == {"powergames.kernels.checks"}
    users = {
        module
        for module in MODULES
        if any(n.startswith("powergames.kernels.checks") for n in imported(MODULES[module]))
    }
    assert {layer(module) for module in users} == {"checking"}
    own = imported(MODULES["powergames.kernels.checks"])
    assert {name for name in own if name.startswith("powergames")} == {"powergames.kernels.caching.njit"}


@pytest.mark.parametrize("module", MODULES)
def test_annotations_are_not_evaluated(module):
    tree = tree_of(MODULES[module])
    if any(isinstance(node, (ast.AnnAssign, ast.ClassDef, ast.FunctionDef)) for node in ast.walk(tree)):
        assert "__future__.annotations" in imported(MODULES[module])


def is_number(node: ast.expr) -> bool:
    """Whether an expression is made of numbers only."""
    parts = [part for part in ast.walk(node) if isinstance(part, (ast.Call, ast.Constant, ast.Name))]
    return bool(parts) and all(isinstance(part, ast.Constant) and type(part.value) in (int, float) for part in parts)


@pytest.mark.parametrize("module", [name for name in MODULES if layer(name) == "solvers"])
def test_limits_have_one_home_and_a_meaning(module):
    tree = tree_of(MODULES[module])
    assigned = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value]
    numbers = [part for node in assigned if is_number(node.value) for part in ast.walk(node)]
    loose = [part.id for part in numbers if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    limits = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Limits"]
    assert len(loose) <= (0 if limits else 1), f"put {loose} into a frozen dataclass `Limits`"
    for limit, meaning in zip(limits[0].body[1::2], limits[0].body[2::2], strict=True) if limits else ():
        assert isinstance(limit, ast.AnnAssign)
        assert isinstance(meaning, ast.Expr), f"say what {ast.unparse(limit)} is for"


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
    slow += ["jax", "equinox", "optax", "altair", "vl_convert", "PIL", "pandas", "rich"]
    # What every command would wait for.
    slow += ["numpy"] if statement in ("import powergames", "import powergames.cli") else []
    code = f"import sys; {statement}; print(sorted(set({slow}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("powergames.learning.networks.")])
def test_networks_alone_import_jax(module):
    assert not {name.split(".")[0] for name in imported(MODULES[module])} & {"equinox", "jax", "optax"}


def test_plain_solvers_package_names_the_right_one():
    done = subprocess.run([sys.executable, "-c", "import solvers"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert "ImportError" in done.stderr
    assert "powergames.solvers" in done.stderr
