"""Sweeps and batches: warm starts, joblib backends, and results on disk that survive whatever ends a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction

import joblib
import numpy as np
import oracle
import pytest

import powergames as pg
from powergames.cli import run
from powergames.commands.terminal import print_result
from powergames.games.catalog.normal_form import named_game
from powergames.solvers.batch import batches
from powergames.solvers.following import sweep as paths

TOL = 1e-9
LAMS = [0, "1/8", 0.2, "1/4", 0.3]
GAMES = [named_game(f"random_uniform:actions=4,seed={seed}") for seed in range(3)]


def check(path, game):
    """Every equilibrium of a path is one, by an independent computation, and listed once."""
    for point in path:
        assert point.converged
        assert point.error is None
        for equilibrium in point.equilibria:
            assert equilibrium.game is game
            assert equilibrium.objective == point.objective
            assert not any(strategy.flags.writeable for strategy in equilibrium.profile)
            assert oracle.scaled_regret(game.payoffs, point.objective, equilibrium.profile) <= TOL
        profiles = [equilibrium.profile for equilibrium in point.equilibria]
        for k, profile in enumerate(profiles):
            assert not any(distance(profile, other) < 1e-6 for other in profiles[:k])


def distance(one, other):
    return max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))


def answers(path):
    """All that a computation came to, to compare bit for bit."""
    return [
        (
            point.objective,
            point.error,
            point.complete,
            [
                ([strategy.tolist() for strategy in e.profile], e.status, e.method, e.iterations, e.component)
                for e in point.equilibria
            ],
        )
        for point in path
    ]


def lines(store):
    return store.read_bytes().splitlines()


def stop_after(count):
    """A callback that ends everything at the n-th result."""

    def callback(stage, done, total):
        if done == count:
            raise KeyboardInterrupt

    return callback


@pytest.fixture
def solved(monkeypatch):
    """The questions that are really computed, in order, one entry for each call of `solve`."""
    calls = []

    def solve(game, objective, **options):
        calls.append((game.title, objective.exact_lam))
        return pg.solve(game, objective, **options)

    monkeypatch.setattr(batches, "solve", solve)
    monkeypatch.setattr(paths, "solve", solve)
    return calls


# --- warm starts ------------------------------------------------------------------------------------------------------


@pytest.fixture
def jumping(monkeypatch):
    """From scratch the stag up to λ = 1/8 and the hare above; continued, whatever was played before, if it can be."""

    def solve(game, objective, start=None, **options):
        if start is None:
            stag = objective.exact_lam <= Fraction(1, 8)
            start = [[1, 0]] * 2 if stag else [[0, 1]] * 2
        profile = game.profile(start)
        certificate = pg.certify(game, profile, objective)
        status = pg.Status.CONVERGED if certificate.passed else pg.Status.REJECTED
        return pg.Equilibrium(game, objective, profile, certificate, status, "fixed")

    monkeypatch.setattr(batches, "solve", solve)
    monkeypatch.setattr(paths, "solve", solve)


def test_branches_are_continued_both_ways_until_they_end(jumping):
    game = named_game("stag_hunt")
    path = pg.sweep(game, lams=LAMS)
    check(path, game)
    first = [[equilibrium.profile[0].tolist() for equilibrium in point.equilibria] for point in path]
    stag, hare = [1, 0], [0, 1]
    assert first == [[stag, hare], [stag, hare], [hare, stag], [hare, stag], [hare]]
    cold = pg.sweep(game, lams=LAMS, warm_start=False)
    assert [[e.profile[0].tolist() for e in point.equilibria] for point in cold] == [each[:1] for each in first]


def test_order_and_repetition_of_lams_do_not_matter(jumping):
    game = named_game("stag_hunt")
    shuffled = [0.3, 0, "1/4", 0, 0.2, "1/8"]
    path = pg.sweep(game, lams=shuffled)
    assert [point.objective.exact_lam for point in path] == [pg.PowerObjective(lam).exact_lam for lam in shuffled]
    in_order = {answer[0]: answer for answer in answers(pg.sweep(game, lams=LAMS))}
    assert answers(path) == [in_order[point.objective] for point in path]


def test_each_lambda_is_solved_once(solved):
    pg.sweep(GAMES[0], lams=[0.5, 0, 0.5, 0], warm_start=False)
    assert [lam for _, lam in solved] == [0, Fraction(1, 2)]


@pytest.mark.parametrize("seed", range(3))
def test_real_sweeps_are_certified_and_list_nothing_twice(seed):
    game = named_game(f"random_uniform:actions=3,seed={seed}")
    path = pg.sweep(game, lams=np.linspace(0, 1, 6))
    check(path, game)
    for point in pg.sweep(game, lams=[0, "1/3"], exact=True):
        for equilibrium in point.equilibria:
            assert equilibrium.exact
            assert equilibrium.certificate.max_regret == 0


def test_failures_are_kept_as_data_where_nothing_else_is_found(monkeypatch):
    def solve(game, objective, start=None, **options):
        if objective.exact_lam == 0:
            raise MemoryError("too large")
        return pg.solve(game, objective, method="lemke", start=start, max_iter=1)

    monkeypatch.setattr(batches, "solve", solve)
    monkeypatch.setattr(paths, "solve", solve)
    game = named_game("random_uniform:actions=5x5,seed=23")
    failed, rejected = pg.sweep(game, lams=[0, 0.3])
    assert (failed.error, failed.equilibria, failed.converged) == ("MemoryError: too large", (), False)
    assert rejected.error is None
    assert [equilibrium.status for equilibrium in rejected.equilibria] == [pg.Status.MAX_ITER]
    monkeypatch.setattr(paths, "solve", lambda game, objective, **options: pg.solve(game, objective))
    monkeypatch.setattr(batches, "solve", lambda game, objective, **options: pg.solve(game) if objective.lam else 1 / 0)
    recovered, rejected = pg.sweep(game, lams=[0, 0.3])
    assert (recovered.error, recovered.converged, rejected.converged) == (None, True, True)


def test_the_callback_and_the_progress_bar_see_every_step(capfd):
    calls = []
    pg.sweep(GAMES[0], lams=[0, 0.5, 1], callback=lambda *call: calls.append(call), progress=True)
    assert calls == [("sweep", done, 7) for done in range(1, 8)]
    out, err = capfd.readouterr()
    assert out == ""
    assert "sweep" in err
    calls.clear()
    pg.solve_batch(GAMES[:2], lams=[0, 0.5], callback=lambda *call: calls.append(call))
    assert calls == [("solve_batch", done, 4) for done in range(1, 5)]


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_answers_every_game_at_every_lambda():
    games = [*GAMES, named_game("assembly_line")]
    found = pg.solve_batch(iter(games), pg.PowerObjective(aggregate="max"), lams=[0.5, 0, 0.5])
    assert [path.game for path in found] == games
    for path, game in zip(found, games, strict=True):
        check(path, game)
        assert path.lams.tolist() == [0.5, 0, 0.5]
        assert {point.objective.aggregate for point in path} == {"max"}
    assert pg.solve_batch([]) == []
    assert [len(path) for path in pg.solve_batch(GAMES, lams=[])] == [0, 0, 0]


def test_a_game_that_a_method_refuses_does_not_end_the_batch():
    pennies, stag = pg.solve_batch([named_game("matching_pennies"), named_game("stag_hunt")], method="linear_program")
    check(pennies, pennies.game)
    (point,) = stag
    assert point.error.startswith("InputError: method linear_program")
    with pytest.raises(pg.InputError, match="linear_program"):
        pg.sweep(stag.game, lams=[0], method="linear_program")


def test_all_equilibria_come_with_a_word_on_completeness():
    (path,) = pg.solve_batch([named_game("stag_hunt")], lams=[0, 0.3], all_equilibria=True)
    assert [(len(point.equilibria), point.complete) for point in path] == [(3, True), (1, True)]
    assert path[0].to_dict()["complete"] is True
    assert "complete" not in pg.sweep(path.game, lams=[0])[0].to_dict()


def test_the_table_says_where_equilibria_may_be_missing(capsys):
    path = pg.sweep(named_game("stag_hunt"), lams=[0, 0.3], all_equilibria=True)
    print_result(path)
    assert "missing" not in capsys.readouterr().out
    print_result(pg.Sweep(path.game, (path[0], replace(path[1], complete=False))))
    assert "2 points, all certified." in (out := capsys.readouterr().out)
    assert "Some equilibria may be missing at 1 of them." in out


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: pg.solve_batch(GAMES[0]), "games: got NormalFormGame"),
        (lambda: pg.solve_batch(7), "games: got int"),
        (lambda: pg.solve_batch(["stag_hunt"]), "game: got str"),
        (lambda: pg.solve_batch(GAMES, lams=0.5), "lams: got float"),
        (lambda: pg.solve_batch(GAMES, lams=[-1]), "lam: got -1"),
        (lambda: pg.solve_batch(GAMES, "mean", lams=[0]), "objective: got str"),
        (lambda: pg.solve_batch(GAMES, method="magic"), "method: got 'magic'"),
        (lambda: pg.solve_batch(GAMES, select="best"), "select: got 'best'"),
        (lambda: pg.solve_batch(GAMES, select="power", method="lemke"), "select: chooses its own method"),
        (lambda: pg.solve_batch(GAMES, select="power", all_equilibria=True), "select: all equilibria are returned"),
        (lambda: pg.solve_batch(GAMES, time_limit=-1), "time_limit: got -1"),
        (lambda: pg.solve_batch(GAMES, method=["lemke"]), "method: got"),
        (lambda: pg.solve_batch(GAMES, method="lemke", all_equilibria=True), "leave out method"),
        (lambda: pg.solve_batch(GAMES, tol=-1), "tol: got -1"),
        (lambda: pg.solve_batch(GAMES, n_jobs=0), "n_jobs: got 0"),
        (lambda: pg.solve_batch(GAMES, callback=3), "callback: got int"),
        (lambda: pg.solve_batch(GAMES, store=3), "store: got 3"),
        (lambda: pg.solve_batch(GAMES, pg.PowerObjective(form="adversarial"), lams=[2]), "lam as a probability"),
        (lambda: pg.sweep(GAMES[0], lams=[0], callback=3), "callback: got int"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(call, text):
    with pytest.raises(pg.InputError) as caught:
        call()
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


# --- joblib -----------------------------------------------------------------------------------------------------------


# JAX warns of any fork, once another test has imported it.
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_the_answer_does_not_depend_on_the_backend(backend, tmp_path):
    lams = np.linspace(0, 1, 4)
    expected = [answers(path) for path in pg.solve_batch(GAMES, lams=lams)]
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = pg.solve_batch(GAMES, lams=lams, store=tmp_path / "store.jsonl")
        path = pg.sweep(GAMES[0], lams=lams)
    assert [answers(each) for each in found] == expected
    assert len(lines(tmp_path / "store.jsonl")) == 1 + len(GAMES) * len(lams)
    for each, game in zip(found, GAMES, strict=True):
        check(each, game)
    assert answers(path) == answers(pg.sweep(GAMES[0], lams=lams))


def test_a_dask_cluster_gives_the_same_answers(tmp_path):
    dask = pytest.importorskip("dask.distributed", reason="Dask is not installed; it is part of the extra 'test'")
    lams = [0, 0.25, 0.5]
    expected = [answers(path) for path in pg.solve_batch(GAMES, lams=lams)]
    cluster = dask.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
    )
    with cluster, dask.Client(cluster), joblib.parallel_config(backend="dask"):
        found = pg.solve_batch(GAMES, lams=lams, store=tmp_path / "store.jsonl")
        path = pg.sweep(GAMES[0], lams=lams)
    assert [answers(each) for each in found] == expected
    assert len(lines(tmp_path / "store.jsonl")) == 1 + len(GAMES) * len(lams)
    check(path, GAMES[0])
    assert answers(path) == answers(pg.sweep(GAMES[0], lams=lams))


# --- results on disk --------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.jsonl"


def test_a_finished_batch_is_read_and_certified_anew(store, solved):
    first = pg.solve_batch(GAMES, lams=LAMS, store=store)
    assert len(solved) == len(GAMES) * len(LAMS)
    before = store.read_bytes()
    relabelled = [pg.NormalFormGame(game.payoffs, players=["a", "b"]) for game in GAMES]
    again = pg.solve_batch(relabelled, lams=LAMS, store=store)
    assert len(solved) == len(GAMES) * len(LAMS)
    assert store.read_bytes() == before
    assert [answers(path) for path in again] == [answers(path) for path in first]
    for path, game in zip(again, relabelled, strict=True):
        check(path, game)
    for new, old in zip(again, first, strict=True):
        for a, b in zip(new, old, strict=True):
            for one, other in zip(a.equilibria, b.equilibria, strict=True):
                assert abs(one.certificate.scaled_regret - other.certificate.scaled_regret) < 1e-12


@pytest.mark.parametrize(
    "options", [{"exact": True}, {"all_equilibria": True}, {"exact": True, "all_equilibria": True}]
)
def test_all_kinds_of_results_come_back_as_they_were(options, store):
    game = named_game("battle_of_the_sexes")
    plain, first, second = (pg.sweep(game, lams=[0, "1/3", 0.7], store=s, **options) for s in (None, store, store))
    assert answers(first) == answers(second) == answers(plain)
    assert all(e.exact == ("exact" in options) for point in second for e in point.equilibria)


def test_a_batch_can_be_extended_and_equal_games_are_solved_once(store, solved):
    pg.solve_batch(GAMES[:1], lams=[0], store=store)
    twin = pg.NormalFormGame(GAMES[1].payoffs, title="twin")
    found = pg.solve_batch([GAMES[0], GAMES[1], twin], lams=[0, 0.5], store=store)
    assert len(solved) == 1 + 3
    check(found[2], twin)
    assert len(lines(store)) == 1 + 4


def test_a_sweep_keeps_its_warm_starts_too(store, solved):
    first = pg.sweep(GAMES[0], lams=LAMS, store=store)
    assert len(solved) == 5 + 4 + 4
    second = pg.sweep(GAMES[0], lams=LAMS, store=store)
    assert len(solved) == 5 + 4 + 4
    assert answers(first) == answers(second) == answers(pg.sweep(GAMES[0], lams=LAMS))


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("count", [1, 3, 7])
def test_an_interrupted_batch_resumes_without_loss_or_duplicates(count, n_jobs, store, solved):
    with pytest.raises(KeyboardInterrupt):
        pg.solve_batch(GAMES, lams=LAMS, store=store, n_jobs=n_jobs, callback=stop_after(count))
    assert len(lines(store)) == 1 + count
    solved.clear()
    found = pg.solve_batch(GAMES, lams=LAMS, store=store)
    assert len(solved) == len(GAMES) * len(LAMS) - count
    assert [answers(path) for path in found] == [answers(path) for path in pg.solve_batch(GAMES, lams=LAMS)]
    assert (
        len({json.loads(line)["key"] for line in lines(store)[1:]}) == len(lines(store)) - 1 == len(found) * len(LAMS)
    )


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_killed_batch_resumes_without_loss(store, solved):
    code = (
        "import powergames as pg; from powergames.games.catalog.normal_form import named_game\n"
        "games = [named_game(f'random_uniform:actions=7,seed={seed}') for seed in range(200)]\n"
        f"pg.solve_batch(games, lams=[0.5], all_equilibria=True, n_jobs=2, store={str(store)!r})"
    )
    running = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while not store.exists() or len(lines(store)) < 4:
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.01)
    with pytest.raises(pg.InputError, match="in use"):
        pg.solve_batch(GAMES, lams=[0.5], all_equilibria=True, store=store)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = store.read_bytes()
    game = named_game("random_uniform:actions=7,seed=0")
    (path,) = pg.solve_batch([game], lams=[0.5], all_equilibria=True, store=store)
    whole = before[: before.rfind(b"\n") + 1]
    assert store.read_bytes()[: len(whole)] == whole
    assert answers(path) == answers(pg.sweep(game, lams=[0.5], all_equilibria=True))
    for line in lines(store):
        json.loads(line)


def test_a_store_cut_anywhere_resumes(store):
    game = named_game("stag_hunt")
    expected = answers(pg.sweep(game, lams=[0, 0.5], warm_start=False, store=store))
    whole = store.read_bytes()
    ends = [k for k, byte in enumerate(whole) if byte == ord("\n")]
    for length in sorted({*range(0, len(whole), 17), *(end + k for end in ends for k in (-1, 0, 1))}):
        store.write_bytes(whole[:length])
        assert answers(pg.sweep(game, lams=[0, 0.5], warm_start=False, store=store)) == expected
        assert store.read_bytes() == whole


@pytest.mark.parametrize(
    "content",
    [b"precious", b"precious\n", b'{"schema": "powergames/1", "kind": "normal-form"}\n', b"[]\n", b"\x00" * 100, b"\n"],
)
def test_a_file_that_is_no_store_is_left_alone(content, store):
    store.write_bytes(content)
    with pytest.raises(pg.InputError, match="something else than results") as caught:
        pg.sweep(GAMES[0], lams=[0], store=store)
    assert "\n" not in str(caught.value)
    assert store.read_bytes() == content


def test_a_store_of_other_options_is_left_alone(store):
    pg.sweep(GAMES[0], lams=[0], store=store)
    content = store.read_bytes()
    for options, names in (({"tol": 1e-6}, "tol"), ({"exact": True, "method": "lemke"}, "exact, method")):
        with pytest.raises(pg.InputError, match=rf"other options \({names}\)") as caught:
            pg.sweep(GAMES[0], lams=[0], store=store, **options)
        assert "\n" not in str(caught.value)
    assert store.read_bytes() == content


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        pg.sweep(GAMES[0], lams=[0], store=tmp_path)
    with pytest.raises(FileNotFoundError):
        pg.sweep(GAMES[0], lams=[0], store=tmp_path / "missing" / "store.jsonl")
    with pytest.raises(pg.InputError, match="not a regular file"):
        pg.sweep(GAMES[0], lams=[0], store=os.devnull)


@pytest.mark.parametrize(
    "forge",
    [
        lambda record: record["equilibria"][0].update(profile=[[0.5, 0.5], [0.5, 0.5]]),
        lambda record: record["equilibria"][0].update(profile=[[1.0, 1e-9], [1.0, 0.0]]),
        lambda record: record["equilibria"][0].update(profile=[[1.0]]),
        lambda record: record["equilibria"][0].update(profile=[["NaN", 1], [1, 0]]),
        lambda record: record["equilibria"][0].update(profile="x"),
        lambda record: record["equilibria"][0].update(status="MAX_ITER"),
        lambda record: record["equilibria"][0].update(status="WONDERFUL"),
        lambda record: record["equilibria"][0].update(iterations=None),
        lambda record: record.update(complete=True),
        lambda record: record.update(equilibria=7),
        lambda record: record.update(equilibria=[]),
        lambda record: record.clear(),
        lambda record: record.update(key=["x"]),
    ],
)
def test_what_a_store_says_is_not_trusted(forge, store, solved):
    game = named_game("stag_hunt")
    expected = answers(pg.sweep(game, lams=[0], store=store))
    header, line = lines(store)
    record = json.loads(line)
    forge(record)
    store.write_bytes(header + b"\n" + json.dumps(record).encode() + b"\n{broken\n")
    solved.clear()
    assert answers(pg.sweep(game, lams=[0], store=store)) == expected
    assert len(solved) == 1
    assert answers(pg.sweep(game, lams=[0], store=store)) == expected
    assert len(solved) == 1


def test_errors_are_tried_again_and_failures_kept(store, monkeypatch):
    game = named_game("random_uniform:actions=5x5,seed=23")
    monkeypatch.setattr(batches, "solve", lambda *args, **options: 1 / 0)
    (path,) = pg.solve_batch([game], store=store)
    assert path[0].error == "ZeroDivisionError: division by zero"
    assert len(lines(store)) == 1
    monkeypatch.setattr(batches, "solve", lambda game, each, **_: pg.solve(game, each, method="lemke", max_iter=1))
    (failed,) = pg.solve_batch([game], store=store)
    monkeypatch.undo()
    (again,) = pg.solve_batch([game], store=store)
    assert again[0].equilibria[0].status is pg.Status.MAX_ITER
    assert answers(again) == answers(failed)


def test_a_full_disk_is_an_error_with_the_name_of_the_file(store, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    pg.sweep(GAMES[0], lams=[0], store=store)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        pg.sweep(GAMES[0], lams=[0.5], store=store)
    assert caught.value.filename == str(store)


def test_the_command_line_resumes_too(store, capsys):
    command = ["sweep", "stag_hunt", "--lam", "0:1:5", "--json", "--store", str(store)]
    assert run(command) == 0
    first = capsys.readouterr().out
    content = store.read_bytes()
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["points"] == json.loads(first)["points"]
    assert store.read_bytes() == content
    assert run([*command, "--all"]) == 2
    assert capsys.readouterr().err == (
        f"powergames: store {store}: holds results of other options (all_equilibria); choose another file\n"
    )
    assert store.read_bytes() == content


def test_the_selected_equilibrium_at_each_lam():
    game = pg.load("stag_hunt")
    best = pg.sweep(game, lams=[0, 0.2, 0.3], select="welfare")
    assert [[eq.task.tolist() for eq in point.equilibria] for point in best] == [[[4, 4]], [[4, 4]], [[3, 3]]]
    safe = pg.sweep(game, lams=[0, "1/5"], select="power", exact=True, time_limit=10)
    assert [[eq.task.tolist() for eq in point.equilibria] for point in safe] == [[[3, 3]], [[3, 3]]]
    assert safe.to_dict()["points"][1]["objective"]["lam"] == "1/5"
    with pytest.raises(pg.InputError, match="select: not for stochastic games"):
        pg.sweep(pg.load("big_match"), lams=[0], select="power")


def test_a_time_limit_ends_each_computation(tmp_path):
    game, store = pg.load("random_uniform:actions=12"), tmp_path / "store"
    path = pg.sweep(game, lams=[0.3, 0.4], all_equilibria=True, time_limit=0.01, store=store)
    assert [point.complete for point in path] == [False, False]
    with pytest.raises(pg.InputError, match=r"other options \(time_limit\)"):
        pg.sweep(game, lams=[0.3], all_equilibria=True, store=store)
