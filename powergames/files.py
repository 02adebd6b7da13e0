"""Files that one process at a time works with, and that hold something whole whenever a process is killed."""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path
from typing import IO

from powergames.errors import InputError

# How a journal begins; before each entry, how many bytes it has and their checksum; and seconds between two times that
# all of it is forced to the disk.
_MARK = b"powergames journal 1\n"
_FRAME = struct.Struct("<QI")
FORCE = 30.0


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors of the operating system name a file.

    Raises
    ------
    OSError
        If one was raised within.

    Examples
    --------
    >>> with naming("notes.txt"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
        ...
    OSError: [Errno 28] No space left on device: 'notes.txt'
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def write_all(file: RawIOBase, data: bytes) -> None:
    """Write all of some bytes to an unbuffered file, which may take them in parts.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(Path(folder, "notes"), "wb", buffering=0) as file:
    ...         write_all(file, b"1 2 3")
    ...     Path(folder, "notes").read_bytes()
    b'1 2 3'
    """
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]


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
    with naming(path):
        while not _replaced(target, target.with_name(f"{beginning}{secrets.token_hex(6)}.tmp"), data):
            pass


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
            with naming(path):
                self._file = open(self._path, "ab")  # noqa: SIM115, open until it is released
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


class Journal:
    """A file to which entries are added one by one, for one process at a time.

    However the process ends, entries that were added before stay whole; one that was being written is dropped when the
    file is opened again.

    Parameters
    ----------
    path : str or os.PathLike
        A file that exists, or will; its folder exists.
    name, noun : str
        What the file is and what it keeps, for error messages: ``"checkpoint audit.ckpt"``, ``"an audit"``.

    Raises
    ------
    InputError
        If the file is no such file, is damaged, or is in use.
    OSError
        If the file cannot be read or written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for entry in (b"first", b"second"):
    ...         journal = Journal(Path(folder, "log"), "log", "notes")
    ...         print(list(iter(journal.read, None)))
    ...         journal.add(entry)
    ...         journal.close()
    []
    [b'first']
    """

    def __init__(self, path: str | os.PathLike[str], name: str, noun: str) -> None:
        self._path, self._name = path, name
        # Unbuffered and appending: what was written outlives the process.
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115, open until it is closed
        self._forced = time.monotonic()
        try:
            lock(self._file, name)
            start = self._take(0, len(_MARK))
            if start != _MARK:
                if not _MARK.startswith(start):
                    raise InputError(f"{name}: holds something else than {noun}; choose another file")
                self._file.truncate(0)
                self._write(_MARK)
            self._at, self._end = len(_MARK), self._whole()
            self._file.truncate(self._end)
        except BaseException:
            self._file.close()
            raise

    def read(self) -> bytes | None:
        """Return the next of the entries that were there when the file was opened, or None after the last one."""
        if self._at >= self._end:
            return None
        size, _ = _FRAME.unpack(self._take(self._at, _FRAME.size))
        self._at += _FRAME.size + size
        return self._take(self._at - size, size)

    def add(self, entry: bytes) -> None:
        """Add an entry, and now and then wait until all are on the disk.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        self._write(_FRAME.pack(len(entry), zlib.crc32(entry)) + entry)
        if time.monotonic() - self._forced > FORCE:
            self._force()

    def close(self) -> None:
        """Wait until all entries are on the disk, and let others use the file.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        try:
            self._force()
        finally:
            self._file.close()

    def _whole(self) -> int:
        """Return where the last whole entry ends."""
        at, size = len(_MARK), os.fstat(self._file.fileno()).st_size
        while at + _FRAME.size <= size:
            length, checksum = _FRAME.unpack(self._take(at, _FRAME.size))
            if at + _FRAME.size + length > size:
                break
            end = at + _FRAME.size + length
            if zlib.crc32(self._take(at + _FRAME.size, length)) != checksum:
                # Without power, a last entry may have got its length and not all of what it says.
                if end == size:
                    break
                raise InputError(f"{self._name}: is damaged; delete it, and the work begins anew")
            at = end
        return at

    def _take(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        parts = []
        while size > 0 and (part := self._file.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _write(self, data: bytes) -> None:
        with naming(self._path):
            write_all(self._file, data)

    def _force(self) -> None:
        with naming(self._path):
            os.fsync(self._file.fileno())
        self._forced = time.monotonic()
