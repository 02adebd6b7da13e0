"""The cache of compiled kernels: what is damaged, stale or in the way costs time, and nothing else."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys

import pytest

from powergames.kernels import caching, compilation
from powergames.solvers.common import Options, end_of

KERNEL = """
from powergames.kernels.caching import njit

@njit(cache=True)
def f(x):
    return x + {}
"""
CALLER = """
from powergames.kernels.caching import njit
from inner import f

@njit(cache=True)
def g(x):
    return 10 * f(x)
"""
DAMAGES = {
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "half": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "other checksum": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "other start": lambda content: content[:32] + b"\xff" * 8 + content[40:],
    "other middle": lambda content: content[: len(content) // 2] + b"\xff" * 8 + content[len(content) // 2 + 8 :],
    "other end": lambda content: content[:-8] + b"\xff" * 8,
}


@pytest.fixture(autouse=True)
def everything_is_said():
    caching._warn.cache_clear()
    yield
    caching._warn.cache_clear()


@pytest.fixture
def files(tmp_path):
    return caching._Files(str(tmp_path), "kernel.f-1.py311", [b"source"])


@pytest.fixture
def load(tmp_path, monkeypatch):
    """What imports a file with kernels anew, as a new process would."""
    monkeypatch.syspath_prepend(tmp_path)

    def load(name, source=None):
        path = tmp_path / f"{name}.py"
        if source is not None:
            path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def stored(folder):
    return sorted(folder.rglob("*.nbc"))


class TestFiles:
    def test_returns_what_was_saved(self, files):
        files.save("key", (1, b"code"))
        assert files.load("key") == (1, b"code")
        assert files.load("other key") is None

    def test_any_other_byte_is_noticed(self, files, tmp_path):
        files.save("key", (1, b"code"))
        (path,) = stored(tmp_path)
        content = path.read_bytes()
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
            # Once it was said, it is not said again.
            with pytest.warns(RuntimeWarning, match="damaged") if at == 0 else contextlib.nullcontext():
                assert files.load("key") is None
            assert not path.exists()

    def test_another_source_is_another_file_and_replaces_the_old_one(self, files, tmp_path):
        files.save("key", 1)
        files.save("other key", 2)
        newer = caching._Files(str(tmp_path), "kernel.f-1.py311", [b"newer source"])
        neighbour = caching._Files(str(tmp_path), "kernel.f-12.py311", [b"source"])
        neighbour.save("key", 3)
        assert newer.load("key") is None
        newer.save("key", 4)
        assert (files.load("key"), newer.load("key"), neighbour.load("key")) == (None, 4, 3)
        newer.flush()
        assert (newer.load("key"), neighbour.load("key")) == (None, 3)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_code_is_compiled_again(load, tmp_path, damage):
    assert load("inner", KERNEL.format(1)).f(1) == 2
    (path,) = stored(tmp_path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.warns(RuntimeWarning, match="__pycache__: damaged compiled code"):
        assert load("inner").f(1) == 2
    again = load("inner").f
    assert again(1) == 2
    assert sum(again.stats.cache_hits.values()) == 1


def test_a_change_in_another_file_is_noticed(load):
    load("inner", KERNEL.format(1))
    assert load("outer", CALLER).g(1) == 20
    load("inner", KERNEL.format(2))
    assert load("outer").g(1) == 30


@pytest.mark.skipif(os.name == "nt", reason="needs a folder where a file would be")
def test_what_cannot_be_kept_runs_all_the_same(load, tmp_path):
    load("inner", KERNEL.format(1)).f(1)
    (path,) = stored(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.warns(RuntimeWarning, match="cannot be kept"):
        assert load("inner").f(1) == 2


def test_no_folder_for_compiled_code(load, monkeypatch):
    monkeypatch.setattr(caching.FunctionCache._impl_class, "_locator_classes", [])
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR"):
        assert load("inner", KERNEL.format(1)).f(1) == 2


PARTS = """
from powergames.kernels.caching import njit

@njit(cache=True)
def _part(x):
    return x + 1

@njit(cache=True)
def whole(x):
    return 10 * _part(x)
"""


def test_parts_are_compiled_into_what_calls_them(load, tmp_path):
    assert load("parts", PARTS).whole(1) == 20
    assert [path.name.split("-")[0] for path in stored(tmp_path)] == ["parts.whole"]
    module = load("parts")
    assert module.whole(1) == 20
    assert not module._part.signatures
    with pytest.raises(TypeError):
        module._part(1)


def test_no_time_limit_counts_compilation(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(compilation.time, "monotonic", lambda: now[0])
    options = Options(end=end_of(5))
    now[0] += 4
    assert options.seconds_left == 1
    compilation.begin()
    compilation.begin()
    now[0] += 30
    assert options.seconds_left == 1
    compilation.end()
    compilation.end()
    assert (options.seconds_left, options.deadline - now[0], options.expired) == (1, 1, False)
    now[0] += 2
    assert options.expired


def test_compilation_is_noticed(load):
    before = compilation.seconds()
    load("inner", KERNEL.format(1)).f(1)
    compiled = compilation.seconds()
    assert compiled > before
    load("inner").f(1)
    assert compilation.seconds() == compiled
