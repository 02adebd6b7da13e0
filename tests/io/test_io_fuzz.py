"""Damaged files: each must load as a valid game or be refused with a FormatError, at once.

The environment variable POWERGAMES_FUZZ sets the number of files per format.
"""

from __future__ import annotations

import io
import os
import random
import re
import time
import zipfile

import numpy as np
import pytest

import powergames as pg
from powergames.io import csv_format, gam, json_format, nfg, npz

N_FILES = int(os.environ.get("POWERGAMES_FUZZ", "1000"))
MAX_SECONDS = 2.0

NUMBERS = b"1e999999999 1/0 nan -inf 0x10 1_000 -1 0 1000000 99999999999 1e-400".split()
SIGNS = b'{ } " \\ , ; [ ] null'.split()
HOSTILE = [b"\x1b]0;t\x07", "\u202e\x9b".encode(), b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"x" * 40_000]
NASTY = [*NUMBERS, *SIGNS, *HOSTILE, b"9" * 5000, b"[" * 2000, b"\n\n", b"\x00", b"\xff", b"\xef\xbb\xbf"]
TOKEN = re.compile(rb'[0-9.eE/+-]+|"[^"]*"|[{}\[\],;]|\w+')

PLAIN = pg.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], actions=[["a", "b"], ["c", "d"]], title="Stag hunt")
EXACT = pg.NormalFormGame([[["1/3", "2.5"], [1e-9, 3]], [["7/11", 1e22], [0, -3]]], players=["Ann", "Bob"])
CUBE = pg.NormalFormGame(np.arange(24.0).reshape(3, 2, 2, 2), title="Cube")
OUTCOMES = b'NFG 1 R "t" { "a" "b" }\n{ { "x" "y" } { "z" } }\n"c"\n{\n{ "o" 1, 2 }\n{ "" 1/3 4 }\n}\n1 2\n'

SEEDS = {
    "nfg": [OUTCOMES, *(nfg.write(game) for game in (PLAIN, EXACT, CUBE))],
    "gam": [gam.write(game) for game in (PLAIN, CUBE)],
    "json": [json_format.write(game) for game in (PLAIN, EXACT, CUBE)],
    "npz": [npz.write(game) for game in (PLAIN, EXACT)],
    "csv": [
        b"1,2\n3,4\n\n5,6\n7,8\n",
        b"T;a;b\nx;4, 4;0 3\ny;1,5 2;3 3,5\n",
        *(csv_format.write(game) for game in (PLAIN, EXACT)),
    ],
}


def mutated(data, rng):
    if data.startswith(b"PK") and rng.random() < 0.7:
        return mutated_entry(data, rng)
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(MUTATIONS)(data, rng)
    return data


def mutated_entry(archive, rng):
    """Damage one array of an archive, whose checksums then fit."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w") as target:
        damaged = rng.choice(source.namelist())
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, mutated(data, rng) if name == damaged else data)
    return buffer.getvalue()


def flip(data, rng):
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def delete(data, rng):
    start = rng.randint(0, len(data))
    return data[:start] + data[start + rng.randint(1, 10) :]


def duplicate(data, rng):
    start = rng.randint(0, len(data))
    stop = start + rng.randint(1, 60)
    return data[:stop] + data[start:stop] * rng.randint(1, 3) + data[stop:]


def truncate(data, rng):
    return data[: rng.randint(0, len(data))]


def swap(data, rng):
    tokens = list(TOKEN.finditer(data))
    if len(tokens) < 2:
        return data
    first, second = sorted(rng.sample(tokens, 2), key=lambda token: token.start())
    middle = data[first.end() : second.start()]
    return data[: first.start()] + second[0] + middle + first[0] + data[second.end() :]


def replace(data, rng):
    tokens = list(TOKEN.finditer(data))
    if not tokens:
        return data
    token = rng.choice(tokens)
    return data[: token.start()] + rng.choice(NASTY) + data[token.end() :]


MUTATIONS = (flip, delete, duplicate, truncate, swap, replace)


@pytest.mark.parametrize("extension", SEEDS)
def test_damaged_files_load_or_are_refused(tmp_path, extension):
    loaded = 0
    for seed in range(N_FILES):
        rng = random.Random(seed)
        path = tmp_path / f"{seed}.{extension}"
        path.write_bytes(mutated(rng.choice(SEEDS[extension]), rng))
        start = time.perf_counter()
        try:
            game = pg.load(path)
        except pg.FormatError as error:
            message = str(error)
            if "\n" in message or len(message) > 600 + len(str(path)):
                pytest.fail(f"seed {seed}: {message!r}")
        except Exception as error:
            pytest.fail(f"seed {seed}: {error!r}")
        else:
            loaded += 1
            assert np.isfinite(game.payoffs).all(), f"seed {seed}"
            assert game.payoffs.size < 10_000, f"seed {seed}"
        assert time.perf_counter() - start < MAX_SECONDS, f"seed {seed}"
        path.unlink()
    assert 0 < loaded < N_FILES
