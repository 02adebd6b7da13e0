"""Files that one process at a time works with, and that hold something whole whenever a process is killed."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from powergames.errors import InputError


def replace_file(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write a file so that at any time, whatever happens, the path holds all of it or what was there before.

    A killed process leaves a hidden file beside it, which the next call for the same path removes.

    Parameters
    ----------
    path : str or os.PathLike
        A symbolic link stays one, and its target is replaced.
    data : bytes or memoryview

    Raises
    ------
    OSError
        If the file cannot be written; there is then no trace of the attempt.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder, "numbers.txt")
    ...     replace_file(target, b"1 2 3")
    ...     target.read_bytes(), len(list(Path(folder).iterdir()))
    (b'1 2 3', 1)
    """
    target = Path(os.path.realpath(path))
    # A digest, because the name itself may be as long as the system allows.
    beginning = f".powergames-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}-"
    _remove_abandoned(target.parent, beginning)
    try:
        while not _replaced(target, target.with_name(f"{beginning}{secrets.token_hex(6)}.tmp"), data):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _replaced(target: Path, partial: Path, data: bytes | memoryview) -> bool:
    """Write a new file and move it to the target; return False if another process removed it before."""
    try:
        with open(partial, "xb") as file:
            # Some file systems have no locks; or another process is about to remove the file.
            with suppress(InputError, OSError):
                # Windows removes no file that is open.
                if sys.platform != "win32":
                    lock(file, partial.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.replace(partial, target)
        except FileNotFoundError:
            return False
        return True
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _remove_abandoned(folder: Path, beginning: str) -> None:
    """Remove the files that processes were writing when they were killed: those that nobody has locked.

    A process that lives may lose its file, too: before it locks it, after it closes it, or where a network file system
    hides the locks of other computers. It then writes another one.
    """
    for path in folder.glob(f"{beginning}*.tmp"):
        with suppress(InputError, OSError):
            if sys.platform != "win32":
                with open(path, "r+b") as file:
                    lock(file, path.name)
            path.unlink()


def check_place(path: str | os.PathLike[str], option: str) -> None:
    """Refuse, before any work is done, a place where no file can be written.

    Parameters
    ----------
    path : str or os.PathLike
    option : str
        Where the name was given, for the message.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to, or the path is a folder.

    Examples
    --------
    >>> check_place("no/such/folder/policy.npz", "--output")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: --output: there is no folder 'no/such/folder'; make it, or choose another place
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(f"{option}: there is no folder {str(target.parent)[-60:]!r}; make it, or choose another place")
    if target.is_dir():
        raise InputError(f"{option}: {str(target)[-60:]!r} is a folder; give the name of a file")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{option}: folder {str(target.parent)[-60:]!r} is not writable; choose another place")


def lock(file: IO[bytes], name: str) -> None:
    """Keep other processes out of an open file; the system unlocks it when this process ends, however it ends.

    Parameters
    ----------
    file : binary file
        Stays locked until it is closed. On Windows its position changes.
    name : str
        What the file is, for error messages.

    Raises
    ------
    InputError
        If the file is locked already, by this process or another one.
    OSError
        If the file system has no locks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file, open(file.name, "rb") as again:
    ...     lock(file, "store results.jsonl")
    ...     lock(again, "store results.jsonl")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: store results.jsonl: is in use; wait until that is over, or choose another file
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind the end, because locked bytes cannot be read.
            file.seek(2**62)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise InputError(f"{name}: is in use; wait until that is over, or choose another file") from None


class FileLock:
    """A lock for a file that is replaced as a whole, and so cannot be locked itself: on a file beside it.

    Parameters
    ----------
    path : str or os.PathLike
        The file, which need not exist; its folder exists.
    name : str
        What the file is, for error messages.

    Raises
    ------
    InputError
        If the file is locked already, by this process or another one.
    OSError
        If the lock cannot be written, or the file system has none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = FileLock(Path(folder, "run.npz"), "checkpoint run.npz")
    ...     try:
    ...         FileLock(Path(folder, "run.npz"), "checkpoint run.npz")
    ...     except InputError as error:
    ...         print(error)
    ...     first.release()
    ...     FileLock(Path(folder, "run.npz"), "checkpoint run.npz").release()
    ...     list(Path(folder).iterdir())
    checkpoint run.npz: is in use; wait until that is over, or choose another file
    []
    """

    def __init__(self, path: str | os.PathLike[str], name: str) -> None:
        target = Path(os.path.realpath(path))
        self._path = target.with_name(f".{target.name}.lock")
        while True:
            try:
                self._file = open(self._path, "ab")  # noqa: SIM115, open until it is released
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from None
            try:
                lock(self._file, name)
            except BaseException:
                self._file.close()
                raise
            # Who held it before may have removed the file after it was opened here.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                    return
            self._file.close()

    def release(self) -> None:
        """Let others work with the file."""
        if sys.platform == "win32":
            # Windows keeps open files; one that another process has opened since then stays.
            self._file.close()
        with suppress(OSError):
            self._path.unlink()
        self._file.close()
