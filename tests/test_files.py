"""Files that processes share: who comes second is told so, and nothing that a process leaves behind is in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from powergames import InputError
from powergames import files as storage
from powergames.files import FileLock, replace_file

HOLD = """
import sys, time
from powergames.files import FileLock
lock = FileLock(sys.argv[1], "run")
print("held", flush=True)
time.sleep(60)
"""

COUNT = """
import sys
from pathlib import Path
from powergames import InputError
from powergames.files import FileLock, replace_file
path = Path(sys.argv[1])
for _ in range(50):
    while True:
        try:
            lock = FileLock(path, "number")
        except InputError:
            continue
        break
    replace_file(path, str(int(path.read_text()) + 1).encode())
    lock.release()
"""

WRITE = """
import sys
from powergames.files import replace_file
for _ in range(200):
    replace_file(sys.argv[1], sys.argv[2].encode() * 1000)
"""

WRITE_LATE = """
import os, sys
from powergames.files import replace_file
def late(file):
    print("writing", flush=True)
    sys.stdin.read()
os.fsync = late
replace_file(sys.argv[1], b"first")
"""


def holder(path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def writer(path):
    """Start a process that has not yet put the file that it writes in its place."""
    command = [sys.executable, "-c", WRITE_LATE, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    return process


def partial(folder):
    return set(folder.glob(".powergames-*.tmp"))


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


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_what_a_killed_process_left_is_removed(tmp_path):
    """But not what a living one is writing, nor what belongs to another file, of which nothing is known."""
    path = tmp_path / "run.npz"
    with writer(path) as killed:
        killed.kill()
    with writer(path) as living, writer(tmp_path / "other.npz") as other:
        other.kill()
        other.wait()
        assert len(partial(tmp_path)) == 2
        replace_file(path, b"second")
        assert len(partial(tmp_path)) == 2
        assert path.read_bytes() == b"second"
        living.communicate("go on")
        assert living.returncode == 0
    assert path.read_bytes() == b"first"
    replace_file(tmp_path / "other.npz", b"")
    assert partial(tmp_path) == set()


def test_a_process_that_loses_its_file_writes_another_one(tmp_path, monkeypatch):
    """Others take it for abandoned before it is locked, after it is closed, or where they cannot see the lock."""
    replace, lost = os.replace, []

    def late(source, target):
        if not lost:
            lost.append(source)
            os.unlink(source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)
    replace_file(tmp_path / "run.npz", b"whole")
    assert len(lost) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]
    assert (tmp_path / "run.npz").read_bytes() == b"whole"


def test_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "run.npz"
    processes = [subprocess.Popen([sys.executable, "-c", WRITE, str(path), str(value)]) for value in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert path.read_bytes() in [str(value).encode() * 1000 for value in range(3)]
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / (251 * "x" + ".npz")
    replace_file(path, b"whole")
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_one_whole_file_after_another(tmp_path):
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
        replace_file(path, bytes([value]) * 100_000)
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
