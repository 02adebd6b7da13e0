"""Files that processes share: who comes second is told so, and nothing that a process leaves behind is in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from powergames import InputError, storage
from powergames.storage import FileLock, replace_file

HOLD = """
import sys, time
from powergames.storage import FileLock
lock = FileLock(sys.argv[1], "run")
print("held", flush=True)
time.sleep(60)
"""

COUNT = """
import sys
from pathlib import Path
from powergames import InputError
from powergames.storage import FileLock, replace_file
path = Path(sys.argv[1])
for _ in range(50):
    while True:
        try:
            lock = FileLock(path, "number")
        except InputError:
            continue
        break
    replace_file(path, str(int(path.read_text()) + 1).encode(), locked=True)
    lock.release()
"""


def holder(path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_lock_ends_with_its_process(tmp_path):
    path = tmp_path / "run.npz"
    with holder(path) as process:
        with pytest.raises(InputError, match=r"^run: is in use; wait until that is over, or choose another file$"):
            FileLock(path, "run")
        process.kill()
    assert [entry.name for entry in tmp_path.iterdir()] == [".run.npz.lock"]
    FileLock(path, "run").release()
    assert list(tmp_path.iterdir()) == []


def test_processes_take_turns(tmp_path):
    path = tmp_path / "number"
    path.write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNT, str(path)]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert path.read_text() == "150"
    assert [entry.name for entry in tmp_path.iterdir()] == ["number"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not remove open files")
def test_a_lock_on_a_removed_file_does_not_count(tmp_path, monkeypatch):
    """Between opening and locking, whoever held the lock gives it up and removes the file."""
    path = tmp_path / "run.npz"
    first = FileLock(path, "run")
    take, calls = storage.lock, []

    def late(file, name):
        if not calls:
            first.release()
        calls.append(name)
        take(file, name)

    monkeypatch.setattr(storage, "lock", late)
    second = FileLock(path, "run")
    monkeypatch.undo()
    assert calls == ["run", "run"]
    with pytest.raises(InputError, match="is in use"):
        FileLock(path, "run")
    second.release()


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_a_link_stays_one_and_shares_the_lock(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run.npz")
    lock = FileLock(tmp_path / "run.npz", "run")
    with pytest.raises(InputError, match="is in use"):
        FileLock(tmp_path / "link", "run")
    lock.release()
    replace_file(tmp_path / "link", b"whole")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "run.npz").read_bytes() == b"whole"


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    (tmp_path / ".run.npz.partial").write_bytes(b"half of what was to be written")
    replace_file(tmp_path / "run.npz", b"whole", locked=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]
    assert (tmp_path / "run.npz").read_bytes() == b"whole"


@pytest.mark.parametrize("locked", [False, True])
def test_readers_see_one_whole_file_after_another(locked, tmp_path):
    path = tmp_path / "run.npz"
    replace_file(path, bytes([0]) * 100_000)
    done, torn = threading.Event(), []

    def read():
        while not done.is_set():
            data = path.read_bytes()
            if len(data) != 100_000 or len(set(data)) != 1:
                torn.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    for value in range(1, 100):
        replace_file(path, bytes([value]) * 100_000, locked=locked)
    done.set()
    reader.join()
    assert torn == []
    assert path.read_bytes()[0] == 99


def test_a_failure_names_the_file_and_leaves_no_trace(tmp_path):
    with pytest.raises(OSError, match="No such file or directory") as failure:
        replace_file(tmp_path / "missing" / "run.npz", b"")
    assert failure.value.filename == os.fspath(tmp_path / "missing" / "run.npz")
    with pytest.raises(OSError, match="No such file or directory") as failure:
        FileLock(tmp_path / "missing" / "run.npz", "run")
    assert failure.value.filename == os.fspath(tmp_path / "missing" / "run.npz")
    assert list(tmp_path.iterdir()) == []
