"""Compile kernels with Numba, and keep what is compiled on disk.

Numba trusts the files in its cache: a damaged one ends in an exception of pickle or LLVM, or LLVM ends the process.
Here each compiled function has one file. Its name holds a digest of all that it depends on, other files with kernels
included, and its first bytes are a checksum. A file that does not match its checksum is deleted, and the function is
compiled again.

Numba optimizes a function, and turns it into machine code, once by itself, and once more within each that calls it. A
function whose name begins with an underscore is a part: only other kernels may call it, and it is optimized and turned
into machine code within them alone. That saves much of the time of a first answer.
"""

from __future__ import annotations

import ctypes
import functools
import glob
import hashlib
import pickle
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import event
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.serialize import dumps

from powergames.kernels import compilation

_CHECKSUM_SIZE = hashlib.sha256().digest_size


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function as `numba.njit` does, with a cache that survives damage.

    Parameters
    ----------
    cache : bool
        Whether compiled code is kept on disk, in the folder in which Numba would keep it.
    **options
        Other options of `numba.njit`.

    Returns
    -------
    callable
        The decorator.

    Examples
    --------
    >>> @njit(nogil=True)
    ... def twice(number):
    ...     return 2 * number
    >>> twice(3)
    6
    """

    def decorate(function: Callable[..., Any]) -> Any:
        part = {"pipeline_class": _PartCompiler, "no_cpython_wrapper": True} if _is_part(function) else {}
        compiled = numba.njit(**options, **part)(function)
        if cache and not numba.config.DISABLE_JIT:
            try:
                compiled._cache = _Cache(function)
            except RuntimeError:  # Numba found no folder that can be written
                _warn("no folder can hold compiled code, so every run compiles it; set NUMBA_CACHE_DIR to a folder")
        return compiled

    return decorate


class _Clock(event.Listener):
    def on_start(self, event: object) -> None:
        compilation.begin()

    def on_end(self, event: object) -> None:
        compilation.end()


event.register("numba:compile", _Clock())


def _is_part(function: Callable[..., Any]) -> bool:
    return function.__name__.startswith("_")


class _PartCompiler(Compiler):
    """Compiles parts as far as those who call them need."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.library = _PartLibrary(self.state.targetctx.codegen(), "part")


class _PartLibrary(JITCodeLibrary):
    """The code of a part: not optimized, and no machine code."""

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return what Python calls: it raises a TypeError."""
        self._ensure_finalized()
        return int(ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value or 0)

    @property
    def codegen(self) -> Any:
        """What Numba tells where the constants of the function are, of which there are none."""
        return _NoConstants


class _NoConstants:
    @staticmethod
    def set_env(name: str, environment: object) -> None:
        """Take note of nothing."""


class _Cache(FunctionCache):
    """A cache that gets over damaged files and a full disk."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.is_part = _is_part(function)
        caches = [getattr(value, "_cache", None) for value in function.__globals__.values()]
        imported = [cache.sources for cache in caches if isinstance(cache, _Cache)]
        self.sources: set[Any] = {self._impl.locator.get_source_stamp()}.union(*imported)
        self._cache_file = _Files(self.cache_path, self._impl.filename_base, sorted(self.sources))

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep compiled code if the folder takes it."""
        if self.is_part:
            return
        try:
            super().save_overload(signature, compiled)
        except OSError as error:
            _warn(f"{self.cache_path}: compiled code cannot be kept: {error.strerror}; free or unlock the folder")


class _Files(IndexDataCacheFile):
    """The files of one function: one for each signature and processor, and no index."""

    def __init__(self, cache_path: str, filename_base: str, source_stamp: Any) -> None:
        super().__init__(cache_path, filename_base, source_stamp)
        self._folder = Path(cache_path)
        self._function = f"{filename_base}."
        self._prefix = f"{self._function}{_digest((self._version, source_stamp))}."

    def flush(self) -> None:
        """Delete the files of the function."""
        for path in self._present():
            _delete(path)

    def save(self, key: Any, data: Any) -> None:
        """Write the compiled code for a key, and delete what other versions of the source or of Numba left."""
        content = dumps(data)
        with self._open_for_write(self._path(key)) as file:
            file.write(hashlib.sha256(content).digest() + content)
        for path in self._present():
            if not path.name.startswith(self._prefix):
                _delete(path)

    def load(self, key: Any) -> Any:
        """Read the compiled code for a key; None if there is none, or it is damaged."""
        path = self._path(key)
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        checksum, content = stored[:_CHECKSUM_SIZE], stored[_CHECKSUM_SIZE:]
        if checksum == hashlib.sha256(content).digest():
            return pickle.loads(content)
        _delete(path)
        _warn(f"{self._folder}: damaged compiled code is deleted and compiled again")
        return None

    def _path(self, key: Any) -> Path:
        return self._folder / f"{self._prefix}{_digest(key)}.nbc"

    def _present(self) -> list[Path]:
        return list(self._folder.glob(f"{glob.escape(self._function)}*.nbc"))


def _delete(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


@functools.cache
def _warn(message: str) -> None:
    """Say something once."""
    warnings.warn(message, RuntimeWarning, stacklevel=2)
