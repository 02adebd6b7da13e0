"""Sampled audits that are kept on disk: whatever ends them, the next call goes on to the same numbers."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import powergames as pg
from powergames import files
from powergames.errors import InputError
from powergames.io.keys import packed_keys, unpacked_keys

pytestmark = pytest.mark.usefixtures("pettingzoo")

GAME = pg.load("random_stochastic:players=2,states=3,actions=2,seed=1").with_discount(0.5)
PROFILE = [[[0.3, 0.7], [0.9, 0.1], [1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0], [0.2, 0.8]]]


class Swings:
    """Two children on swings: who pushes may raise either, and both like to be as high as the other one."""

    possible_agents = ("one", "other")

    def __init__(self, chance=0.8):
        self.agents, self.chance = [], chance
        self.rng = np.random.default_rng(0)

    def action_space(self, agent):
        from gymnasium.spaces import Discrete

        return Discrete(2)

    def _answer(self):
        return {agent: np.array(self.heights) for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.rng = np.random.default_rng(seed)
        self.agents, self.heights = list(self.possible_agents), [0, 2]
        return self._answer(), {agent: {} for agent in self.agents}

    def step(self, actions):
        for i, agent in enumerate(self.possible_agents):
            if actions[agent] and self.rng.random() < self.chance:
                self.heights[i] = (self.heights[i] + 1) % 4
        paid = -float(abs(self.heights[0] - self.heights[1]))
        flags = dict.fromkeys(self.agents, False)
        return self._answer(), {"one": paid, "other": paid - actions["other"]}, flags, flags, {own: {} for own in flags}


class Tired:
    """A policy that rests every third time."""

    def reset(self):
        self.steps = 0

    def __call__(self, seen):
        self.steps += 1
        return [0.3, 0.7] if self.steps % 3 else [1.0, 0.0]


def push(seen):
    return [0.2, 0.8] if seen[0] != seen[1] else [0.9, 0.1]


def played(**options):
    """Audit the swings."""
    chosen = {
        "env": Swings(),
        "policies": [Tired(), push],
        "objective": 0.2,
        "discount": 0.5,
        "episodes": 40,
        "steps": 2,
    }
    return pg.sampled_audit(**chosen | options)


def compiled(**options):
    """Audit the game."""
    chosen = {"env": GAME, "policies": PROFILE, "objective": 0.2, "episodes": 64, "steps": 2, "best_response": True}
    return pg.sampled_audit(**chosen | options)


def choices(found):
    """Return what the adversaries that were found do."""
    return [(attack.keys, None if attack.table is None else attack.table.tolist()) for attack in found.attacks]


class Stop(Exception):  # noqa: N818, it stands for whatever ends an audit
    """Ends an audit."""


def stop_after(count, error=Stop):
    """Return a callback that ends an audit after some pieces of work."""
    calls = []

    def callback(stage, done, total):
        calls.append(stage)
        if len(calls) > count:
            raise error

    return callback


@pytest.mark.parametrize("audit", [played, compiled])
def test_cut_short_it_goes_on_to_the_same_numbers(audit, tmp_path):
    path, expected = tmp_path / "audit.ckpt", audit()
    sizes = []
    for count, error in ((3, KeyboardInterrupt), (8, Stop), (25, KeyboardInterrupt)):
        with pytest.raises(error):
            audit(checkpoint=path, callback=stop_after(count, error))
        sizes.append(path.stat().st_size)
    assert sizes == sorted(set(sizes))
    for jobs in (2, None):
        found = audit(checkpoint=path, n_jobs=jobs)
        assert found.to_dict() == expected.to_dict()
        assert choices(found) == choices(expected)
    assert [entry.name for entry in tmp_path.iterdir()] == ["audit.ckpt"]


def test_what_was_played_is_not_played_again(tmp_path):
    path, steps = tmp_path / "audit.ckpt", []

    class Counting(Swings):
        def step(self, actions):
            steps.append(actions)
            return super().step(actions)

    first = played(env=Counting(), attacks=False, checkpoint=path)
    once = len(steps)
    assert played(env=Counting(), attacks=False, checkpoint=path).to_dict() == first.to_dict()
    assert len(steps) - once < 0.25 * once


@pytest.mark.parametrize("audit", [played, compiled])
def test_whatever_a_kill_left_it_goes_on(audit, tmp_path):
    path = tmp_path / "audit.ckpt"
    expected = audit(checkpoint=path).to_dict()
    whole = path.read_bytes()
    for size in [0, 5, 25, *random.Random(0).sample(range(len(whole)), 5), len(whole) - 1]:
        path.write_bytes(whole[:size])
        assert audit(checkpoint=path).to_dict() == expected
        assert path.read_bytes() == whole


def test_episodes_are_doubled_on_the_way(tmp_path):
    path, options = tmp_path / "audit.ckpt", {"width": 0.1, "episodes": 10_000, "attacks": False}
    with pytest.raises(Stop):
        compiled(checkpoint=path, callback=stop_after(12), **options)
    assert compiled(checkpoint=path, **options).to_dict() == compiled(**options).to_dict()


def test_adversaries_learn_by_keys_of_your_own(tmp_path):
    path, options = tmp_path / "audit.ckpt", {"key": lambda env: (str(env.heights), np.int64(env.heights[0]), None)}
    with pytest.raises(Stop):
        played(checkpoint=path, callback=stop_after(20), **options)
    expected, found = played(**options), played(checkpoint=path, **options)
    assert found.to_dict() == expected.to_dict()
    assert choices(found) == choices(expected)
    with pytest.raises(InputError, match="key: got Fraction, which no checkpoint can hold; return numbers, strings"):
        played(key=lambda env: (Fraction(env.heights[0], 3),), checkpoint=tmp_path / "other.ckpt")


@pytest.mark.parametrize(
    ("audit", "changes", "differing"),
    [
        (played, {"env": Swings(0.3)}, "first steps"),
        (played, {"policies": [Tired(), lambda seen: [0.21, 0.79]]}, "first steps"),
        (played, {"discount": 0.6, "seed": 1}, "discount, seed"),
        (played, {"key": lambda env: 0}, "key"),
        (compiled, {"env": GAME.with_discount(0.6)}, "discount, env"),
        (compiled, {"policies": [PROFILE[0], PROFILE[0]]}, "policies"),
        (compiled, {"objective": 0.3}, "lam"),
        (compiled, {"episodes": 65, "level": 0.9, "width": 0.1}, "episodes, level, width"),
        (compiled, {"attacks": False, "best_response": False}, "attacks, best_response"),
    ],
)
def test_a_checkpoint_of_another_audit_is_refused(audit, changes, differing, tmp_path):
    path = tmp_path / "audit.ckpt"
    with pytest.raises(Stop):
        audit(checkpoint=path, callback=stop_after(2))
    kept = path.read_bytes()
    with pytest.raises(InputError, match=rf"belongs to another audit \({differing} differ\); choose another file"):
        audit(checkpoint=path, **changes)
    assert path.read_bytes() == kept


def test_a_best_response_that_trains_otherwise_is_refused(tmp_path):
    path, options = tmp_path / "audit.ckpt", {"attacks": False}
    compiled(checkpoint=path, best_response=lambda env, agent: [0.0, 1.0], **options)
    with pytest.raises(InputError, match=r"belongs to another audit \(best_response differ\)"):
        compiled(checkpoint=path, best_response=lambda env, agent: [1.0, 0.0], **options)


def test_a_checkpoint_that_is_damaged_or_none_is_refused(tmp_path):
    path = tmp_path / "audit.ckpt"
    compiled(checkpoint=path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :])
    with pytest.raises(InputError, match="is damaged; delete it, and the work begins anew"):
        compiled(checkpoint=path)
    other = tmp_path / "policy.npz"
    np.savez(other, player_0=[1.0])
    kept = other.read_bytes()
    with pytest.raises(InputError, match="holds something else than an audit; choose another file"):
        compiled(checkpoint=other)
    assert other.read_bytes() == kept
    for bad, message in (
        ("", "got an empty name"),
        (tmp_path, "is not a regular"),
        ("no/such/a", "there is no folder"),
    ):
        with pytest.raises(InputError, match=f"checkpoint.*{message}"):
            compiled(checkpoint=bad)


def test_a_checkpoint_in_use_is_refused(tmp_path):
    path, told = tmp_path / "audit.ckpt", []

    def second(stage, done, total):
        if not told:
            told.append(stage)
            with pytest.raises(InputError, match="is in use; wait until that is over"):
                compiled(checkpoint=path)

    compiled(checkpoint=path, callback=second)
    assert told


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    path = tmp_path / "audit.ckpt"

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(files.os, "fsync", fail)
        with pytest.raises(OSError, match="No space left on device") as failure:
            compiled(checkpoint=path)
    assert failure.value.filename == str(path)
    assert compiled(checkpoint=path).to_dict() == compiled().to_dict()


KILLED = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_audit_checkpoints
test_audit_checkpoints.played(episodes=120, checkpoint=sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_killed_at_any_moment_it_goes_on_to_the_same_numbers(tmp_path):
    path, chance, sizes = tmp_path / "audit.ckpt", random.Random(0), [0]
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
        while process.poll() is None and (not path.exists() or path.stat().st_size <= sizes[-1]):
            time.sleep(0.001)
        time.sleep(0.3 * chance.random())
        process.kill()
        process.wait()
        sizes.append(path.stat().st_size)
    assert sizes == sorted(set(sizes))
    assert played(episodes=120, checkpoint=path).to_dict() == played(episodes=120).to_dict()


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [()],
        [3, -(2**70), True, None, 2.5, "é\0", b"\0", "", float("inf")],
        [("a", b"12"), ("a", b"123"), ("b",), ("a", b"")],
        [(("a", b"12"), ("b", b"34")), (("a", b"12"), ("b", b"35"))],
        [frozenset({(1, 2), (3, 4)}), frozenset({(1, 2)}), ((), (1.0, (None,)))],
        ["same", "same"],
    ],
)
def test_keys_come_back_as_they_were(keys):
    found = unpacked_keys(packed_keys(keys))
    assert found == keys
    assert list(map(type, found)) == list(map(type, keys))


def test_keys_of_other_types_come_back_equal():
    class Color(str, Enum):  # noqa: UP042, its text is its name, and not its value
        RED = "r"

    class Place(NamedTuple):
        row: int
        column: float

    keys = [np.int64(3), (np.float64(0.5), np.str_("a")), np.bool_(True), Color.RED, Place(1, 2.5)]
    found = unpacked_keys(packed_keys(keys))
    assert found == keys
    assert list(map(hash, found)) == list(map(hash, keys))
