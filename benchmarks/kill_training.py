"""Kill a training run again and again, and check that it ends as one that was left alone.

Run ``python benchmarks/kill_training.py`` (``--kills 20``). It starts ``powergames train ... --checkpoint`` and ends it
by SIGKILL at random moments, which are spread evenly: while it is starting, learning, or writing its checkpoint, which
it does here many times a second. After each kill the checkpoint must be readable as a whole, and hold no less than
before; while the run is alive, a second one on the same checkpoint must be refused. In the end the run is resumed once
more, and its policies and history are compared bit for bit with those of a run without a break.
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

import numpy as np

GAME = "random_stochastic:states=200"

# When a run is killed at the latest, in times of what it takes to start and to end.
LATEST = 4.0

# What the command line does, but with checkpoints as often as possible.
CODE = (
    "from powergames.learning import loop; loop.TURN = 0.002; loop.KEEP = 0.0; from powergames import cli; cli.main()"
)


def start(algorithm: str, steps: int, output: Path, checkpoint: Path | None = None) -> subprocess.Popen[str]:
    """Start a run on the command line."""
    arguments = ["train", GAME, "--algorithm", algorithm, "--steps", str(steps), "-o", str(output), "--json"]
    if checkpoint is not None:
        arguments += ["--checkpoint", str(checkpoint)]
    command = [sys.executable, "-c", CODE, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str], output: Path) -> tuple[list[bytes], str]:
    """Return the policies as bytes, and the rest of the result as text, of a run that ends by itself."""
    text, problem = process.communicate()
    # 1 if what was learned is no equilibrium.
    assert (process.returncode in (0, 1), problem) == (True, ""), problem
    with np.load(output) as policies:
        return [policies[name].tobytes() for name in sorted(policies)], json.dumps(json.loads(text), sort_keys=True)


def steps_kept(checkpoint: Path) -> int:
    """Read all of a checkpoint, and return how many steps it holds; 0 if it was not yet written."""
    if not checkpoint.exists():
        return 0
    with np.load(checkpoint) as archive:
        return int({name: archive[name] for name in archive}["learners_clock"][0])


def check(algorithm: str, steps: int, kills: int, chance: random.Random) -> str:
    """Kill one run many times, and tell what it met; an assertion fails if anything was lost."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        output, checkpoint = place / "policy.npz", place / "run.npz"
        expected = finish(start(algorithm, steps, output), output)
        output.unlink()
        began = time.monotonic()
        finish(start(algorithm, 1, output), output)
        latest = LATEST * (time.monotonic() - began)
        output.unlink()
        early = refused = clock = 0
        partial: set[Path] = set()
        moments = [latest * (kill + chance.random()) / kills for kill in range(kills)]
        for moment in chance.sample(moments, kills):
            started = time.time_ns()
            process = start(algorithm, steps, output, checkpoint)
            time.sleep(moment)
            # Once it has written, it holds the lock; a lock file alone may be left from a run that was killed.
            if moment > 0.75 * latest and checkpoint.exists() and checkpoint.stat().st_mtime_ns > started:
                second = start(algorithm, steps, output, checkpoint)
                _, problem = second.communicate()
                assert second.returncode == 2
                assert problem.endswith("is in use; wait until that is over, or choose another file\n"), problem
                assert problem.count("\n") == 1
                refused += 1
            process.kill()
            process.communicate()
            now = steps_kept(checkpoint)
            assert clock <= now < steps, f"{clock} steps became {now} of {steps}"
            early += now == clock
            partial.update(place.glob(".powergames-*.tmp"))
            clock = now
        assert early <= kills / 2, f"{early} of {kills} runs were killed before they kept anything; free the machine"
        assert finish(start(algorithm, steps, output, checkpoint), output) == expected
        left = sorted(entry.name for entry in place.iterdir())
        assert left == ["policy.npz", "run.npz"], left
    return (
        f"{algorithm}: {kills} kills, {len(partial)} of them in the middle of writing, {early} before anything new was "
        f"kept; {refused} second runs refused; killed last at {clock:,} of {steps:,} steps; the same end bit for bit"
    )


def main() -> None:
    """Check both ways to learn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for algorithm in ("prim", "sbpr"):
        print(check(algorithm, options.steps, options.kills, random.Random(options.seed)), flush=True)


if __name__ == "__main__":
    main()
