"""Kill a sampled audit again and again, and check that it ends as one that was left alone.

Run ``python benchmarks/kill_audit.py`` (``--kills 20``). It audits a game in compiled code and the orchard of
``orchard.py`` in Python, ends the process by SIGKILL at random moments, and calls it again. After each kill the
checkpoint must hold no less than before; while the audit is alive, a second one on the same checkpoint must be refused.
In the end the audit must return the numbers of an audit without a break, bit for bit. It prints how long before a kill
the checkpoint had been written last, which is the work that was lost, and how much processor time keeping it takes.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from orchard import Orchard, roughly

import powergames as pg
from powergames.auditing.checkpoints import Checkpoint
from powergames.files import Journal

KINDS = ("game", "orchard")


def audit(kind: str, checkpoint: str | None = None, callback: Any = None) -> pg.SampledAudit:
    """Audit uniform play in a random game, or in the orchard."""
    if kind == "game":
        game = pg.load("random_stochastic:players=3,states=50,actions=3").with_discount(0.9)
        options: dict[str, Any] = {"episodes": 1_000, "steps": 3, "checkpoint": checkpoint, "callback": callback}
        return pg.sampled_audit(game, game.uniform_profile(), 0.2, **options)
    env = Orchard()
    sizes = [env.action_space(agent).n for agent in env.possible_agents]
    policies = [lambda seen, size=size: np.full(size, 1 / size) for size in sizes]
    options = {"discount": 0.9, "episodes": 32, "key": roughly, "checkpoint": checkpoint, "callback": callback}
    return pg.sampled_audit(env, policies, 0.2, **options)


def digits(found: pg.SampledAudit) -> str:
    """Return all numbers of an audit; JSON keeps every bit of them."""
    return json.dumps(found.to_dict())


def overhead(kind: str) -> str:
    """Return how much processor time an audit takes, and how much of it goes to keeping it."""
    spent = 0.0

    def timed(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            nonlocal spent
            began = time.process_time()
            try:
                return function(*arguments)
            finally:
                spent += time.process_time() - began

        return call

    for method in ("__init__", "replay", "keep", "close"):
        setattr(Checkpoint, method, timed(getattr(Checkpoint, method)))
    audit(kind)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audit")
        began = time.process_time()
        found = audit(kind, str(path))
        seconds, share, size = time.process_time() - began, spent, path.stat().st_size
        began = time.process_time()
        audit(kind, str(path))
        again = time.process_time() - began
    return (
        f"{kind}: {found.steps:,} steps in {seconds:.2f} s of processor time, {share:.2f} s of it to keep "
        f"{size / 1e6:.1f} MB ({share / seconds:.1%}); an audit that is only read takes {again:.2f} s"
    )


def check(kind: str, kills: int, chance: random.Random) -> str:
    """Kill one audit many times, and tell what it met; an assertion fails if anything was lost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audit")
        began = time.monotonic()
        expected = digits(audit(kind))
        least = (time.monotonic() - began) / kills
        pieces = size = early = refused = 0
        lost, longest = 0.0, 0.0
        for kill in range(kills):
            process = subprocess.Popen([sys.executable, __file__, "--child", kind, str(path)])
            # One of four is killed while it starts, all others after they have kept something new.
            starts, moment = kill % 4 == 2, least * chance.random()
            while process.poll() is None and moment > 0:
                grown = path.exists() and path.stat().st_size > size
                if grown or starts:
                    moment -= 0.01
                if grown:
                    longest = max(longest, time.time() - path.stat().st_mtime)
                time.sleep(0.01)
            if process.poll() is not None:
                break
            if kill % 4 == 3 and path.exists():
                refused += is_refused(kind, path)
            process.kill()
            process.wait()
            if path.exists() and path.stat().st_size > size:
                lost = max(lost, time.time() - path.stat().st_mtime)
            now = pieces_kept(path)
            assert now >= pieces, f"{pieces} pieces of work became {now}"
            early += now == pieces
            pieces, size = now, path.stat().st_size if path.exists() else 0
        assert digits(audit(kind, str(path))) == expected
        left = sorted(entry.name for entry in Path(folder).iterdir())
        assert left == ["audit"], left
    return (
        f"{kind}: {kill + 1} kills, {early} of them before anything new was kept, the last one with {pieces} pieces "
        f"of work; {refused} second audits refused; at most {lost:.1f} s of work lost, and {longest:.1f} s between two "
        "writes; the same numbers bit for bit"
    )


def pieces_kept(path: Path) -> int:
    """Return how many pieces of work a checkpoint holds, and drop what a kill has cut short."""
    if not path.exists():
        return 0
    journal = Journal(path, "checkpoint", "an audit")
    try:
        return sum(1 for _ in iter(journal.read, None))
    finally:
        journal.close()


def is_refused(kind: str, path: Path) -> bool:
    """Whether a second audit on the same checkpoint is told that it is in use; if it plays, it is ended."""

    def end(stage: str, done: int, total: int) -> None:
        raise AssertionError("a second audit was not refused")

    try:
        audit(kind, str(path), end)
    except pg.InputError as error:
        return "is in use" in str(error)
    return False


def main() -> None:
    """Check both kinds of audits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        audit(*options.child)
        return
    for kind in KINDS:
        print(overhead(kind), flush=True)
        print(check(kind, options.kills, random.Random(options.seed)), flush=True)


if __name__ == "__main__":
    main()
