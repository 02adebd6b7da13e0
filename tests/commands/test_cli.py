"""The command line: exit codes, JSON, tables, and one line for everything that is wrong."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import joblib
import numpy as np
import pytest
import typer

import powergames as pg
from powergames import cli
from powergames.cli import run
from powergames.commands import terminal
from powergames.commands.outcome import print_json
from powergames.kernels import caching

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def invoke(capsys):
    """Run a command in this process; return exit code, stdout and stderr."""

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def invoke_json(invoke):
    def call(*arguments, code=0):
        found, out, err = invoke(*arguments, "--json")
        assert (found, err) == (code, "")
        assert out.count("\n") == 1
        return json.loads(out, parse_constant=pytest.fail)

    return call


@pytest.fixture
def policy(tmp_path):
    """Write a profile to a file."""

    def write(profile, name="policy.json"):
        path = tmp_path / name
        if path.suffix == ".npz":
            np.savez(path, **{f"player_{i}": np.array(strategy) for i, strategy in enumerate(profile)})
        else:
            path.write_text(json.dumps({"profile": profile}), encoding="utf-8")
        return path

    return write


def process(*arguments, **options):
    """Run the program as a process of its own."""
    command = [sys.executable, "-m", "powergames", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


def numbers(document):
    """All numbers of a document, except the counts."""
    if isinstance(document, dict):
        return [
            n
            for key, value in document.items()
            if key not in ("iterations", "component", "interchangeable")
            for n in numbers(value)
        ]
    if isinstance(document, list):
        return [n for value in document for n in numbers(value)]
    return [document] if isinstance(document, (int, float)) and not isinstance(document, bool) else []


class TestSolve:
    def test_libraries_print_nothing_beside_the_document(self):
        done = process("solve", "stag_hunt", "--select", "welfare", "--json")
        assert json.loads(done.stdout)["equilibria"][0]["task"] == [4.0, 4.0]

    def test_json_has_the_promised_keys(self, invoke_json):
        document = invoke_json("solve", "stag_hunt", "--lam", "0.3")
        assert list(document) == ["schema", "game", "objective", "equilibria"]
        assert document["schema"] == "powergames/1"
        assert document["game"] == {
            "title": "Stag hunt",
            "kind": "normal-form",
            "players": ["hunter 1", "hunter 2"],
            "actions": [["stag", "hare"], ["stag", "hare"]],
        }
        assert document["objective"] == {"lam": 0.3, "aggregate": "mean", "form": "penalty"}
        (equilibrium,) = document["equilibria"]
        assert " ".join(equilibrium) == "profile task power utility certificate status method iterations component"
        assert {"max_regret", "regrets", "tol", "deviations", "bound"} <= set(equilibrium["certificate"])
        assert equilibrium["status"] == "CONVERGED"
        assert equilibrium["profile"] == [[0.0, 1.0], [0.0, 1.0]]

    def test_agrees_with_the_library(self, invoke_json):
        document = invoke_json("solve", "chicken", "--lam", "0.2", "--all")
        expected = pg.solve_all(pg.load("chicken"), pg.PowerObjective(0.2))
        assert document["equilibria"] == [equilibrium.to_dict() for equilibrium in expected]

    def test_exact_writes_every_number_as_a_fraction(self, invoke_json):
        document = invoke_json("solve", "stag_hunt", "--lam", "1/5", "--all", "--exact")
        assert numbers(document) == []
        assert document["objective"]["lam"] == "1/5"
        assert ["15/16", "1/16"] in [equilibrium["profile"][0] for equilibrium in document["equilibria"]]
        third = invoke_json("solve", "rock_paper_scissors", "--lam", "1/3", "--exact")
        assert third["objective"]["lam"] == "1/3"
        assert third["equilibria"][0]["profile"][0] == ["1/3", "1/3", "1/3"]
        assert all(Fraction(number) >= 0 for number in third["equilibria"][0]["certificate"]["regrets"])

    def test_table_names_players_actions_and_verdict(self, invoke):
        code, out, err = invoke("solve", EXAMPLES / "games" / "stag_hunt.nfg", "--lam", "1/5", "--select", "welfare")
        assert (code, err) == (0, "")
        for text in ("Stag hunt", "0.2", "hunter 1", "stag", "power of hunter 2", "3.2", "CONVERGED", "certificate"):
            assert text in out

    def test_table_of_all_equilibria_by_component(self, invoke):
        code, out, _ = invoke("solve", "stag_hunt", "--lam", "1/5", "--all", "--exact")
        assert code == 0
        assert "Component 3 of 3" in out
        assert "15/16 stag + 1/16 hare" in out
        assert "3 extreme equilibria in 3 components, all certified" in out
        _, out, _ = invoke("solve", "random_degenerate:seed=1", "--lam", "0.1", "--all")
        assert "spanned by 4 equilibria" in out

    def test_method_and_aggregate_are_passed_on(self, invoke_json):
        document = invoke_json(
            "solve", "assembly_line", "--lam", "0.3", "--method", "pure", "--aggregate", "sum", "--form", "adversarial"
        )
        assert document["objective"] == {"lam": 0.3, "aggregate": "sum", "form": "adversarial"}
        assert document["equilibria"][0]["method"] == "pure"

    def test_not_converged_is_exit_code_1_with_advice(self, invoke, invoke_json, monkeypatch):
        def solve_badly(game, objective, **options):
            profile = game.profile([[1, 0], [1, 0]])
            certificate = pg.certify(game, profile, objective)
            return pg.Equilibrium(game, objective, profile, certificate, pg.Status.MAX_ITER, "none")

        monkeypatch.setattr("powergames.solvers.solve", solve_badly)
        code, out, err = invoke("solve", "stag_hunt", "--lam", "0.9")
        assert (code, err) == (1, "")
        assert f"MAX_ITER: {pg.Status.MAX_ITER.value}" in out
        assert invoke_json("solve", "stag_hunt", "--lam", "0.9", code=1)["equilibria"][0]["status"] == "MAX_ITER"


def test_numbers_that_json_lacks_become_null(capsys):
    print_json({"utility": [math.inf, math.nan, -1.5, 2], "text": "nan"})
    assert capsys.readouterr().out == '{"utility": [null, null, -1.5, 2], "text": "nan"}\n'


class TestPower:
    def test_json(self, invoke_json, policy):
        document = invoke_json("power", "assembly_line", "--profile", policy([[1, 0]] * 3))
        assert list(document) == ["schema", "game", "task", "power"]
        assert document["task"] == [3, 3, 3]
        assert document["power"] == [[0, 3, 3], [3, 0, 3], [3, 3, 0]]

    def test_uniform_and_fractions(self, invoke_json, policy):
        assert invoke_json("power", "stag_hunt", "--profile", "uniform")["task"] == [2.5, 2.5]
        assert invoke_json("power", "stag_hunt", "--profile", "stag,hare")["task"] == [0, 3]
        assert invoke_json("power", "stag_hunt", "--profile", '"hare", 0')["task"] == [3, 0]
        assert invoke_json("power", "big_match", "--profile", "go,left")["task"][0][:2] == [0.0, 0.0]
        document = invoke_json("power", "stag_hunt", "--profile", policy([["1/3", "2/3"]] * 2))
        assert document["power"] == [["0", "4/9"], ["4/9", "0"]]

    def test_table_names_the_harmful_action(self, invoke):
        code, out, _ = invoke("power", EXAMPLES / "games" / "small_team.nfg", "--profile", "uniform")
        assert code == 0
        assert "1 (hold)" in out


class TestCheck:
    @pytest.mark.parametrize("name", ["policy.json", "policy.npz"])
    def test_json(self, invoke_json, policy, name):
        path = policy([[1.0, 0.0], [1.0, 0.0]], name)
        document = invoke_json("audit", "stag_hunt", path, "--lam", "0.2")
        assert list(document)[:6] == ["schema", "game", "objective", "certificate", "off_policy", "passed"]
        assert document["passed"] is True
        assert document["best_deviation"] is None
        assert document["worst"] == {"adversarial": [0, 0], "freeze": [0, 0], "uniform": [2, 2]}
        assert document["off_policy"][0] == {
            "deviator": 0,
            "kind": "adversarial",
            "against": 1,
            "action": "hare",
            "steps": 1,
            "task": [3.0, 0.0],
            "start_task": [3.0, 0.0],
            "actions": None,
        }

    def test_exit_code_1_above_tolerance(self, invoke, invoke_json, policy):
        path = policy([[1, 0], [1, 0]])
        assert invoke_json("audit", "stag_hunt", path, "--lam", "0.3", code=1)["passed"] is False
        assert invoke_json("audit", "stag_hunt", path, "--lam", "0.3", "--tol", "0.1")["passed"] is True
        code, out, _ = invoke("audit", "stag_hunt", path, "--lam", "0.3")
        assert code == 1
        assert "FAILED" in out
        assert "adversarial: hare, against hunter 2" in out

    def test_takes_what_solve_printed(self, invoke, invoke_json, tmp_path):
        path = tmp_path / "solution.json"
        path.write_text(json.dumps(invoke_json("solve", "von_stengel", "--lam", "0.5")), encoding="utf-8")
        code, out, _ = invoke("audit", "von_stengel", path, "--lam", "0.5", "--tol", "1e-8")
        assert code == 0
        assert "PASSED" in out

    def test_single_player(self, invoke, policy):
        best = pg.load("random_uniform:players=1").payoffs[0].argmax()
        code, out, _ = invoke("audit", "random_uniform:players=1", policy([np.eye(3)[best].tolist()]), "--lam", "1")
        assert (code, "leaves" in out) == (0, False)

    def test_json_of_a_stochastic_game(self, invoke_json, policy):
        path = policy([[[0.5, 0.5], [1, 0], [1, 0]], [[0.5, 0.5], None, [1]]])
        document = invoke_json("audit", "big_match", path, "--lam", "0.3", "--steps", "4", code=1)
        assert document["passed"] is False
        assert document["game"]["kind"] == "stochastic"
        assert np.shape(document["certificate"]["regrets"]) == np.shape(document["task"]) == (2, 3)
        assert np.shape(document["power"]) == (3, 2, 2)
        assert [d["steps"] for d in document["off_policy"] if d["kind"] == "adversarial"] == [1, 4, None] * 2
        assert all(np.shape(d["task"]) == (2, 3) for d in document["off_policy"])
        assert list(document["worst"])[1] == "adversarial for 4 steps"
        assert [(d["player"], d["states"]) for d in document["unvisited"]] == [(1, [1])]
        assert document["best_deviation"]["gain"] > 0
        assert invoke_json("audit", "big_match", path, "--lam", "0.3", "--tol", "0.9")["passed"] is True

    def test_tables_of_a_stochastic_game(self, invoke, policy):
        profile = [x.tolist() for x in pg.load("delegation").uniform_profile()]
        profile[2][0] = None
        path = policy(profile)
        code, out, _ = invoke("audit", "delegation", path, "--lam", "0.3", "--reference", path)
        assert code == 1
        for text in (
            "adversarial for 10 steps, against principal",
            "freeze: rely on 1",
            "freeze: idle / deliver",
            "changes strategy in all states, and from state relying on",
            "agent 2 has no probabilities in 1 state, filled with equal ones; play spends 0.",
            "Distance from the reference: 0 in total variation",
            "FAILED: NOT an equilibrium within tolerance 0.02",
        ):
            assert text in out

    def test_says_where_a_change_in_many_states_gains_more(self, invoke, policy):
        name = "random_sparse:states=20,discount=0.99"
        path = policy(pg.load(name).uniform_profile(), "policy.npz")
        remark = "But a change in many states gains more than the tolerance"
        code, out, _ = invoke("audit", name, path, "--lam", "0.3")
        assert (code, remark in out) == (0, True)
        code, out, _ = invoke("audit", name, path, "--lam", "0.3", "--tol", "2e-4")
        assert (code, remark in out) == (1, False)

    def test_of_many_states_and_actions_the_worst_are_shown(self, invoke, policy):
        name = "random_sparse:states=40,actions=12"
        game = pg.load(name)
        code, out, _ = invoke(
            "audit", name, policy(game.uniform_profile(), "policy.npz"), "--lam", "0.3", "--tol", "1e-4"
        )
        assert code == 1
        assert "... and 30 more states, none of greater regret; --json or to_dataframe() has all." in out
        assert "... and 4 more actions to freeze on, less bad for the others." in out
        worst = int(
            pg.certify(game, game.uniform_profile(), pg.PowerObjective(0.3)).scaled_regrets.max(axis=0).argmax()
        )
        assert out.splitlines()[4].startswith(f" {game.states[worst]} ")
        assert out.count("freeze: ") == 20


class TestSweep:
    def test_json(self, invoke_json):
        document = invoke_json("sweep", "stag_hunt", "--lam", "0:1:5", "--all")
        assert list(document) == ["schema", "game", "points"]
        points = document["points"]
        assert [point["objective"]["lam"] for point in points] == [0, 0.25, 0.5, 0.75, 1]
        assert [len(point["equilibria"]) for point in points][2:] == [1, 1, 1]
        assert points[0]["equilibria"][0]["status"] == "CONVERGED"

    def test_options_of_solve(self, invoke_json):
        options = ["--select", "welfare", "--exact", "--tol", "0", "--time-limit", "60"]
        points = invoke_json("sweep", "stag_hunt", "--lam", "1/5,1/3", *options)["points"]
        assert [point["objective"]["lam"] for point in points] == ["1/5", "1/3"]
        assert [[each["task"] for each in point["equilibria"]] for point in points] == [[["4", "4"]], [["3", "3"]]]

    def test_table_of_listed_values_in_two_processes(self, invoke):
        code, out, err = invoke("sweep", "stag_hunt", "--lam", "0, 0.25, 1/3", "--jobs", "2", "--aggregate", "max")
        assert (code, err) == (0, "")
        assert "1/3" in out
        assert "3 points, all certified" in out

    def test_failures_are_shown(self, invoke, invoke_json, monkeypatch):
        def sweep(game, objective, *, lams, **options):
            points = tuple(pg.SweepPoint(pg.PowerObjective(lam), (), "MemoryError: too large") for lam in lams)
            return pg.Sweep(game, points)

        monkeypatch.setattr("powergames.solvers.sweep", sweep)
        code, out, _ = invoke("sweep", "stag_hunt", "--lam", "0:1:2")
        assert code == 1
        assert "MemoryError: too large" in out
        assert "2 of 2 points without" in out
        points = invoke_json("sweep", "stag_hunt", "--lam", "0:1:2", code=1)["points"]
        assert points[0]["error"] == "MemoryError: too large"


def test_games_lists_the_catalog(invoke, invoke_json):
    code, out, _ = invoke("games")
    entries = invoke_json("games")["games"]
    assert code == 0
    for entry in entries:
        (line,) = [line for line in out.splitlines() if line.split()[0] == entry["name"]]
        assert entry["summary"] in line
    assert {"name": "assembly_line", "n": 3}.items() <= {**entries[12], **entries[12]["parameters"]}.items()


def test_demo_certifies_all_it_shows(invoke):
    start = time.perf_counter()
    code, out, err = invoke("demo")
    assert code == 0
    assert err in ("", f"{terminal.COMPILATION}\n")
    assert time.perf_counter() - start < 60
    for text in ("1/4", "2/3", "1/3", "75", "hold", "1/2"):
        assert text in out


def test_warmup_runs_every_job_once_and_says_how_long_it_took(invoke, monkeypatch):
    ran = []
    jobs = {name: lambda name=name: ran.append(name) for name in ("two players", "others", "more")}
    monkeypatch.setattr("powergames.commands.warmup._JOBS", jobs)
    with joblib.parallel_config(backend="threading"):
        code, out, err = invoke("warmup")
    assert (code, err, sorted(ran)) == (0, "", sorted(jobs))
    assert ran[0] == "two players"
    assert "others: on disk already" in out
    assert re.search(r"Done in \d+ s\.\n\Z", out)


def test_demo_tells_once_that_it_compiles(invoke, monkeypatch):
    def show():
        return all(caching.njit()(lambda number, k=k: number + k)(1) == 1 + k for k in range(2))

    monkeypatch.setattr("powergames.commands.demonstration.show", show)
    assert invoke("demo") == (0, "", f"{terminal.COMPILATION}\n")


def test_ctrl_c_while_the_program_starts_says_nothing():
    code = """
import signal, sys
class Press:
    def find_spec(self, name, *_):
        if name == "powergames.cli":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Press())
from powergames.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True)
    assert done.returncode != 0
    assert (done.stdout, done.stderr) == ("", "")


BAD_USAGE = {
    "": "missing command",
    "solv": "no such command 'solv'",
    "--nonsense": "no such option: --nonsense",
    "report stag_hunt -o a.html --horizon 3": "--horizon (it belongs to solve, power, audit, sweep, train); see",
    "solve stag_hunt --lamb 1": "no such option: --lamb (Possible options: --lam)",
    "solve": "missing argument 'GAME'",
    "solve stag_hunt more": "unexpected extra argument",
    "solve stag_hunt --lamda 1": "--lam",
    "solve stag_hunt --lam": "--lam",
    "solve stag_hunt --exact=3": "--exact",
    "solve stag_hunt --lam abc": "'abc'; give a finite number >= 0, such as 0.3 or 1/3",
    "solve stag_hunt --lam -1": "'-1'",
    "solve stag_hunt --lam nan": "'nan'",
    "solve stag_hunt --lam inf": "'inf'",
    "solve stag_hunt --lam 1/0": "'1/0'",
    "solve stag_hunt --lam 1e999999999": "1e999999999",
    "solve stag_hunt --lam 1.5 --form adversarial": "1.5 > 1",
    "solve assembly_line --lam 0.6 --aggregate sum --form adversarial": "1.2 > 1",
    "solve stag_hunt --lam 1.1 --aggregate max --form adversarial": "1.1 > 1",
    "solve stag_hunt --aggregate median": "'median' is not one of 'mean', 'sum', 'max'",
    "solve stag_hunt --form other": "'other' is not one of 'penalty', 'adversarial'",
    "solve stag_hunt --select best": "'best' is not one of 'welfare', 'power'",
    "solve stag_hunt --method magic": "'magic'",
    "solve assembly_line --method lemke": "two players",
    "solve stag_hunt --tol x": "'x'",
    "solve stag_hunt --tol nan": "'nan'",
    "solve stag_hunt --tol -1": "'-1'",
    "solve stag_hunt --all --method lemke": "--method",
    "solve stag_hunt --all --select welfare": "--select",
    "solve assembly_line --all --exact": "irrational",
    "solve nonsense": "'nonsense'",
    "solve assembly_line:m=3": "'m'",
    "solve assembly_line:n=three": "'three'",
    "solve random_uniform:players=40": "bytes",
    "solve missing.nfg": "missing.nfg: no such file",
    "solve game.xyz": "game.xyz",
    "power stag_hunt": "missing option '--profile'",
    "power stag_hunt --profile missing.npz": "missing.npz: no such file",
    "power stag_hunt --profile policy.txt": "'policy.txt', not a .npz or .json file",
    "power stag_hunt --profile stag": "got 1 of 2 actions; give one per player",
    "power stag_hunt --profile stag,deer": "player 1: no action 'deer'; give one of stag, hare, or an",
    "audit stag_hunt": "missing argument 'POLICY'",
    "audit stag_hunt policy.npz": "missing option '--lam'",
    "audit stag_hunt policy.npz --lam 1": "policy.npz: no such file",
    "audit stag_hunt policy.npz --lam 1 --steps x": "--steps",
    "sweep stag_hunt --lam 0:1": "'0:1'",
    "sweep stag_hunt --lam 0:1:1": "count",
    "sweep stag_hunt --lam 0:1:1000000000": "count",
    "sweep stag_hunt --lam 0:1:2:3": "'0:1:2:3'",
    "sweep stag_hunt --lam 0,,1": "'0,,1'",
    "sweep stag_hunt --lam 0,-1": "'0,-1'",
    "sweep stag_hunt --jobs 0": "'0'",
    "sweep stag_hunt --time-limit soon": "--time-limit: got 'soon'",
    "sweep stag_hunt --tol 2": "--tol: got '2'",
    "sweep stag_hunt --all --select power": "--all together with --select",
    "sweep stag_hunt --method lemke --select power --lam 0,1": "select: chooses its own method",
    "sweep big_match --select power --lam 0,1": "--select: not for stochastic games",
    "sweep stag_hunt --jobs many": "'many'",
    "sweep stag_hunt --all --method lemke --lam 0,1": "method",
    "solve big_match --all --horizon 2": "--all: not with a horizon",
    "solve big_match --exact": "--exact: not for stochastic games",
    "sweep big_match --all --lam 0,1": "--all: not for stochastic games",
    "solve stag_hunt --horizon 2": "leave it out",
    "solve folder": "folder: is a folder; give the path of a file",
    "train stag_hunt --lam 0:1:3 --algorithm task -o x.npz": "--lam: got '0:1:3' for the algorithm task",
    "train stag_hunt --trace 0.5 -o x.npz": "--trace: is for --policy network; give that too, or leave it out",
    "train stag_hunt --policy network --averaging 2 -o x.npz": "--averaging: is for --policy table; give that too",
    "train stag_hunt --rate 1,2,3 -o x.npz": "--rate: got '1,2,3'; give a number, or 2 separated by a comma",
    "train stag_hunt -o folder": "--output: got 'folder'; give the name of a .npz file",
    "train stag_hunt -o folder.npz": "--output: 'folder.npz' is a folder; give the name of a file",
    "compile stag_hunt -o no/such/game.npz": "--output: there is no folder 'no/such'",
    "compile stag_hunt -o game.npy": "give the name of a .nfg, .gam, .json, .npz, .csv, .xlsx, .nfg.gz, .gam.gz",
    "compile stag_hunt -o game.npz.gz": "--output: got 'game.npz.gz'; give the name of a .nfg, .gam",
    "compile stag_hunt -o game.xlsx": "no NormalFormGame is written as .xlsx; give one of .nfg, .gam",
    "compile game.xyz:end_state=over -o game.npz": "no game is named 'game.xyz'",
    "solve stag_hunt.npz:end_state=over": "stag_hunt.npz",
    "report stag_hunt -o no/such/page.html": "--output: there is no folder 'no/such'",
    "games more": "unexpected extra argument",
    "demo --fast": "--fast",
}


@pytest.mark.parametrize("arguments", BAD_USAGE)
def test_bad_usage_is_one_line(invoke, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "game.xyz").write_text("1 2 3")
    for name in ("folder", "folder.npz"):
        (tmp_path / name).mkdir()
    code, out, err = invoke(*arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith("powergames: ")
    assert err.count("\n") == 1
    assert BAD_USAGE[arguments] in err


# Files of one name are links to one file, whatever their extension.
ONE_FILE = {
    "power stag_hunt --profile policy.json --plot policy.png": "--plot: 'policy.png' is the file of --profile, too",
    "power game.json --profile uniform --plot game.png": "--plot: 'game.png' is the file of GAME, too",
    "audit stag_hunt policy.json --lam 0 --plot policy.png": "--plot: 'policy.png' is the file of POLICY, too",
    "audit game.json uniform.json --lam 0 --plot game.png": "--plot: 'game.png' is the file of GAME, too",
    "audit stag_hunt uniform.json --lam 0 --reference policy.json --plot policy.png": "the file of --reference, too",
    "solve game.json --plot game.png": "--plot: 'game.png' is the file of GAME, too",
    "sweep game.json --lam 0,1 --plot game.png": "--plot: 'game.png' is the file of GAME, too",
    "sweep game.json --lam 0,1 --store game.png": "--store: 'game.png' is the file of GAME, too",
    "sweep stag_hunt --lam 0,1 --store new.png --plot ./new.png": "--plot: './new.png' is the file of --store, too",
    "trace game.json --plot game.png": "--plot: 'game.png' is the file of GAME, too",
    "train game.npz -o game.npz": "--output: 'game.npz' is the file of GAME, too",
    "train game.json -o game.npz": "--output: 'game.npz' is the file of GAME, too",
    "train game.json --checkpoint game.npz -o new.npz": "--checkpoint: 'game.npz' is the file of GAME, too",
    "train stag_hunt --checkpoint new.npz -o ./new.npz": "--output: './new.npz' is the file of --checkpoint, too",
    "train stag_hunt --checkpoint policy.json -o policy.npz": "--output: 'policy.npz' is the file of --checkpoint, too",
    "train stag_hunt --checkpoint new.png -o new.npz --plot new.png": "--plot: 'new.png' is the file of --checkpoint",
    "train game.json --seeds 2 -o game.npz": "--output: 'game-1.npz' is the file of GAME, too",
    "train game.json --lam 0,1 -o game.npz": "--output: 'game-lam_1-0.npz' is the file of GAME, too",
    "train stag_hunt --seeds 2 --checkpoint . -o policy.npz": "--output: 'policy-1.npz' is the file of --checkpoint",
    "compile game.npz -o ./game.npz": "--output: './game.npz' is the file of GAME, too",
    "report game.json -o game.html": "--output: 'game.html' is the file of GAME, too",
}


NO_RIGHTS = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")


@pytest.mark.parametrize("link", [os.link, pytest.param(os.symlink, marks=NO_RIGHTS)])
@pytest.mark.parametrize("arguments", ONE_FILE)
def test_no_file_is_written_over_another(invoke, arguments, link, tmp_path, monkeypatch):
    if "--plot" in arguments:
        for package in ("altair", "vl_convert"):
            pytest.importorskip(package, reason=f"{package} is not installed; it is part of the extra 'viz'")
    monkeypatch.chdir(tmp_path)
    pg.save(pg.load("stag_hunt"), "game.json")
    for name in ("policy.json", "uniform.json"):
        Path(name).write_text('{"profile": [[1, 0], [0.5, 0.5]]}', encoding="utf-8")
    for target, names in {
        "game.json": ("game.npz", "game.png", "game.html", "game-1.npz", "game-lam_1-0.npz"),
        "policy.json": ("policy.npz", "policy.png", "policy-1.npz", "seed_1.npz"),
    }.items():
        for name in names:
            link(target, name)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code, out, err = invoke(*arguments.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert ONE_FILE[arguments] in err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_every_option_that_writes_is_among_them():
    for name, command in typer.main.get_command(cli.app).commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        for option in options & {"-o", "--plot", "--store", "--checkpoint"}:
            assert any(arguments.startswith(f"{name} ") and f" {option} " in arguments for arguments in ONE_FILE)


BAD_FILES = {
    "nan.json": '{"payoffs": [[[NaN, 0], [0, 1]], [[1, 0], [0, 1]]]}',
    "infinite.json": '{"payoffs": [[[1e999, 0], [0, 1]], [[1, 0], [0, 1]]]}',
    "ragged.json": '{"payoffs": [[[1, 0], [0]], [[1, 0], [0, 1]]]}',
    "shape.json": '{"payoffs": [[1, 0], [0, 1], [1, 1]]}',
    "no_actions.json": '{"payoffs": [[[]], [[]]]}',
    "no_players.json": '{"payoffs": []}',
    "labels.json": '{"payoffs": [[1, 0]], "actions": [["only"]]}',
    "deep.json": '{"payoffs": ' + "[" * 50_000,
    "truncated.nfg": 'NFG 1 R "t" { "A" "B" } { 2 2 } 1 2 3',
    "huge.nfg": 'NFG 1 R "t" { "A" "B" } { 999999999 999999999 } 1 2',
    "line\nbreak.nfg": "NFG 2",
    "huge.gam": "2\n999999999 999999999\n1 2",
    "text.npz": "not an archive",
    "empty.csv": "",
    "binary.csv": "\0\x01",
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_one_line(invoke, name, tmp_path):
    path = tmp_path / name
    path.write_text(BAD_FILES[name], encoding="utf-8")
    code, out, err = invoke("solve", path)
    assert (code, out) == (2, "")
    assert err.startswith("powergames: ")
    assert err.count("\n") == 1
    assert name.partition("\n")[0] in err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("report GAME -o page.html", "time_limit: got 60; one solution of this game of 2,000,000 states takes 180 s"),
        ("report GAME -o page.html --editable", "--editable: not for stochastic games; leave it out"),
        ("explore GAME", "game: got 2 players and 2,000,000 states; explore two or three players"),
        ("solve GAME --exact", "--exact: not for stochastic games; leave it out"),
        ("sweep GAME --lam 0,1 --all", "--all: not for stochastic games; leave it out"),
    ],
)
def test_named_games_too_large_for_a_command_are_refused_before_they_are_built(command, told, invoke, monkeypatch):
    if command.startswith("explore"):
        pytest.importorskip("marimo")
    monkeypatch.setattr("powergames.games.catalog.stochastic._draws", lambda *_: pytest.fail("the game was built"))
    name = "random_sparse:states=2000000"
    code, out, err = invoke(*command.replace("GAME", name).split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"powergames: {told.replace('GAME', name)}")


@pytest.mark.parametrize("layout", ["tiny", "counter_circuit"])
def test_kitchens_are_not_compiled_for_options_that_they_cannot_take(layout, invoke, monkeypatch):
    monkeypatch.setattr("powergames.io.named_kitchen", lambda *_: pytest.fail("the kitchen was compiled"))
    code, _, err = invoke("solve", f"overcooked:{layout}", "--exact")
    assert (code, err) == (2, "powergames: --exact: not for stochastic games; leave it out\n")


@pytest.mark.parametrize(
    "profile", [[[1, 0]], [[1, 0], [1, 0, 0]], [[0.7, 0.2], [1, 0]], [[2, -1], [1, 0]], [["x", 0], [1, 0]], "no", []]
)
def test_bad_profile_is_one_line(invoke, policy, profile):
    code, out, err = invoke("audit", "stag_hunt", policy(profile), "--lam", "0")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "policy.json" in err


def test_a_folder_named_like_a_game_is_no_obstacle(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stag_hunt").mkdir()
    assert invoke("solve", "stag_hunt")[0] == 0


def test_directory_is_one_line(invoke, tmp_path):
    (tmp_path / "folder.nfg").mkdir()
    code, _, err = invoke("solve", tmp_path / "folder.nfg")
    assert (code, err.count("\n")) == (2, 1)
    assert "folder.nfg: is not a regular file" in err


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "out of memory"),
        (PermissionError(13, "Permission denied", "game.nfg"), "game.nfg: Permission denied"),
        (pg.InputError("two\nlines \x1b[31m"), r"two lines \x1b[31m"),
    ],
)
def test_errors_of_the_system_are_one_line(invoke, monkeypatch, error, told):
    def fail(source):
        raise error

    monkeypatch.setattr("powergames.io.load", fail)
    code, out, err = invoke("solve", "stag_hunt")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


class _Panic(BaseException):
    """What libraries written in Rust raise."""


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("first\nsecond"), RecursionError("too deep"), _Panic("at the disco")]
)
def test_a_failure_of_ours_asks_for_a_report(invoke, monkeypatch, tmp_path, error):
    def fail(source):
        raise error

    monkeypatch.setattr("powergames.io.load", fail)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, out, err = invoke("solve", "stag hunt")
    assert (code, out, err.count("\n")) == (3, "", 1)
    (file,) = tmp_path.iterdir()
    for told in (type(error).__name__, str(error).split("\n")[0], pg.__version__, np.__version__, "report", str(file)):
        assert told in err
    kept = file.read_text()
    for told in ("powergames solve 'stag hunt'", "Traceback", "in fail", str(error)):
        assert told in kept


def test_a_failure_is_told_where_no_file_can_be_written(invoke, monkeypatch):
    def fail(source):
        raise ZeroDivisionError

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("powergames.io.load", fail)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    code, _, err = invoke("solve", "stag_hunt")
    assert (code, err.count("\n")) == (3, 1)
    assert "ZeroDivisionError (powergames" in err


def test_names_are_printed_as_they_are_but_for_control_characters(invoke, tmp_path):
    game = pg.NormalFormGame([[1, 0]], players=["[red]:smile:"], actions=[["a\nb\x1b[2J", "b"]], title="[bold]")
    pg.save(game, tmp_path / "names.json")
    code, out, _ = invoke("solve", tmp_path / "names.json")
    assert code == 0
    for text in ("[red]:smile:", r"a\nb\x1b[2J", "[bold]"):
        assert text in out


def test_version_and_help(invoke):
    assert invoke("--version") == (0, f"powergames {pg.__version__}\n", "")
    code, out, _ = invoke("solve", "-h")
    assert code == 0
    for option in ("--lam", "--aggregate", "--form", "--all", "--exact", "--method", "--select", "--tol", "--json"):
        assert option in out


@pytest.mark.parametrize("name", cli.EXAMPLES)
def test_help_shows_examples_that_run(name, invoke, tmp_path, monkeypatch):
    code, out, _ = invoke(name, "--help")
    assert code == 0
    monkeypatch.chdir(tmp_path)
    for example in cli.EXAMPLES[name]:
        assert f"\n    powergames {example}\n" in f"{out}\n"
        if name in ("explore", "warmup", "demo"):
            continue
        if "--plot" in example:
            pytest.importorskip("vl_convert", reason="vl_convert is not installed; it is part of the extra 'viz'")
        code, out_, err = invoke(*example.split())
        assert (code in (0, 1), err) == (True, "")
        assert out_


def test_audit_takes_one_action_per_player(invoke):
    code, out, _ = invoke("audit", "stag_hunt", "stag,stag", "--lam", "0.3")
    assert code == 1
    assert "hunter 1 plays hare and gains 0.2" in out
    assert invoke("audit", "stag_hunt", "hare,hare", "--lam", "0.3")[0] == 0
    code, _, err = invoke("audit", "stag_hunt", "stag,rabbit", "--lam", "0.3")
    assert code == 2
    assert "POLICY: got 'stag,rabbit'" in err
    assert "give one of stag, hare" in err


def test_tables_fit_where_they_can_and_lose_nothing_where_not(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(["solve", "stag_hunt", "--lam", "1/5", "--all"]) == 0
    out, _ = capsys.readouterr()
    assert "\x1b[3" not in out
    assert "…" not in out
    for number in ("3.5156", "3.7031", "0.9375", "0.0625"):
        assert number in out


def test_all_equilibria_of_two_players_say_how_they_stand(invoke):
    _, out, _ = invoke("solve", "stag_hunt", "--lam", "0.2", "--all")
    titles = [line.rstrip() for line in out.splitlines() if line.startswith("Component")]
    ends = sorted(title.partition(": ")[2] for title in titles)
    assert ends == ["regular, index −1", "strict", "strict"]
    _, out, _ = invoke("solve", "battle_of_the_sexes", "--lam", "1/3", "--all")
    assert "Component 2 of 3, spanned by 2 equilibria\n" in re.sub(" +\n", "\n", out)


class TestProcess:
    @pytest.mark.parametrize(
        ("words", "completed"),
        [
            ("powergames so", "solve"),
            ("powergames solve stag", "stag_hunt"),
            ("powergames solve a --lam 0 --ex", "--exact"),
        ],
    )
    def test_shells_complete_commands_games_and_options(self, words, completed):
        asked = {"_POWERGAMES_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = process(env={**os.environ, **asked})
        assert done.stdout.split() == [completed]

    def test_entry_point(self):
        done = process("solve", "stag_hunt", "--lam", "x")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("powergames: ")

    def test_help_is_quick(self):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            assert process("--help").returncode == 0
            times.append(time.perf_counter() - start)
        assert min(times) < 1.5

    @pytest.mark.parametrize("encoding", ["cp1252", pytest.param("ascii", marks=pytest.mark.slow)])
    def test_narrow_encodings(self, encoding):
        environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        done = process("sweep", "stag_hunt", "--lam", "0,1", env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert "lambda" in done.stdout

    @pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
    def test_closed_pipe_is_quiet(self):
        reading, writing = os.pipe()
        os.close(reading)
        for arguments in (["games"], ["games", "--json"], ["--version"]):
            command = [sys.executable, "-m", "powergames", *arguments]
            done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
            assert (done.returncode, done.stderr) == (1, "")
        os.close(writing)

    @pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
    def test_closed_stderr_does_not_change_the_exit_code(self):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "powergames", "solve", "no such game"]
        assert subprocess.run(command, stderr=writing).returncode == 2
        os.close(writing)

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
    @pytest.mark.parametrize("arguments", [["games"], ["games", "--json"], ["--version"]])
    def test_full_disk_is_one_line(self, arguments):
        command = [sys.executable, "-m", "powergames", *arguments]
        with open("/dev/full", "w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith("powergames: output: No space left")

    @pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
    def test_interrupt_ends_at_once(self):
        command = [sys.executable, "-m", "powergames", "solve", "random_uniform:actions=14", "--all", "--lam", "0.5"]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(3)
        running.send_signal(signal.SIGINT)
        start = time.perf_counter()
        _, err = running.communicate(timeout=30)
        assert running.returncode == -signal.SIGINT
        assert time.perf_counter() - start < 5
        assert "Traceback" not in err

    @pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
    def test_interrupt_ends_workers_too(self):
        options = ["random_uniform:actions=12", "--all", "--lam", "0.1:0.9:20", "--jobs", "2"]
        command = [sys.executable, "-m", "powergames", "sweep", *options]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(5)
        running.send_signal(signal.SIGINT)
        start = time.perf_counter()
        # The workers hold these pipes open as long as they live.
        _, err = running.communicate(timeout=30)
        assert running.returncode == 130
        assert time.perf_counter() - start < 5
        assert "Traceback" not in err


def test_an_incomplete_enumeration_is_not_done(tmp_path, capsys):
    # The third player is indifferent, so that equilibria form curves.
    payoffs = np.random.default_rng(3).random((3, 2, 2, 2))
    payoffs[2] = 1.0
    path = tmp_path / "indifferent.npz"
    pg.save(pg.NormalFormGame(payoffs), path)
    assert cli.run(["solve", str(path), "--all"]) == 1
    assert "could not be resolved" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["game.json", "game.JSON.gz", "game.csv", "game.xlsx", "game.npz"])
def test_compile_writes_every_format(invoke, tmp_path, name):
    assert invoke("compile", "big_match", "-o", tmp_path / name)[::2] == (0, "")
    assert pg.load(tmp_path / name) == pg.load("big_match")


def test_a_table_in_which_the_game_ends(invoke_json, tmp_path):
    (tmp_path / "game.csv").write_text("state,a_p,u_p,to_state\ndelta,,0.5,\non,x,1,on: 0.5\non,y,0,on\n")
    document = invoke_json("solve", f"{tmp_path}/game.csv:end_state=over")
    np.testing.assert_allclose(document["equilibria"][0]["task"][0], [4 / 3, 0])


def test_commands_are_those_documented():
    commands = {command.name for command in cli.app.registered_commands}
    assert commands == {
        "solve",
        "power",
        "audit",
        "sweep",
        "trace",
        "train",
        "report",
        "explore",
        "games",
        "compile",
        "demo",
        "warmup",
    }


REGRET = r"FAILED: NOT an equilibrium within tolerance \S+; largest regret \S+, which is \S+ of the [\w ]+, for "


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("solve matching_pennies --method pure", "mismatcher"),
        ("solve random_sparse:states=5 --lam 0.3 --time-limit 0", "player 1 in state 4"),
        ("sweep matching_pennies --lam 0,0.3 --method pure", "mismatcher, at λ = 0"),
        ("train stag_hunt --steps 20 -o FOLDER/policy.npz", "hunter 2"),
        ("train stag_hunt --steps 20 --seeds 2 -o FOLDER/policy.npz", "hunter 2, at seed 0"),
        ("train stag_hunt --lam 1/3,0.1 --steps 20 -o FOLDER/policy.npz", "hunter 2, at λ = 1/3 and seed 0"),
        ("audit stag_hunt EXAMPLES/both_stag.json --lam 0.3", "hunter 1"),
        (
            "report random_sparse:states=5 --time-limit 0 -o FOLDER/page.html",
            "player 1 in state 5, at λ = 0",
        ),
    ],
)
def test_what_failed_says_so_in_the_last_line(command, where, invoke, tmp_path):
    command = command.replace("FOLDER", str(tmp_path)).replace("EXAMPLES", str(EXAMPLES))
    code, out, _ = invoke(*command.split())
    assert code == 1
    assert re.fullmatch(f"{REGRET}{re.escape(where)}.", out.splitlines()[-1].strip())
    assert "gains more" not in out


def test_a_trace_that_never_began_says_so_in_the_last_line(invoke):
    code, out, _ = invoke("trace", "random_sparse:states=5", "--time-limit", "0")
    assert code == 1
    assert out.splitlines()[-1].strip() == "FAILED: no equilibrium was found to start from."


def test_weights_are_read_exactly(invoke_json, tmp_path):
    file = tmp_path / "weights.txt"
    file.write_text("0, 1/3\n1/3, 0\n")
    for weights in ("0,1/3;1/3,0", str(file)):
        found = invoke_json("solve", "stag_hunt", "--lam", "3/4", "--weights", weights, "--all", "--exact")
        assert found["objective"]["aggregate"] == [["0", "1/3"], ["1/3", "0"]]
        assert len(found["equilibria"]) == 2
        assert (found["complete"], found["status"]) == (True, "CONVERGED")


def test_all_within_a_time_limit(invoke):
    game = "random_uniform:actions=12x12,seed=1"
    code, out, _ = invoke("solve", game, "--lam", "0.3", "--all", "--time-limit", "0")
    assert code == 1
    assert "TIME_LIMIT: Some may be missing, because the time limit was reached" in out


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("0,1/3;1/3", "got rows of 2, 1 numbers"),
        ("no_such_file.txt", "'no_such_file.txt' is not a finite number"),
        ("0,-1;1,0", "weights must be finite and >= 0; got '-1' at (0, 1)"),
        ("0,1,1;1,0,1;1,1,0", "the game has 2 players"),
    ],
)
def test_bad_weights_are_one_line(invoke, weights, message):
    code, out, err = invoke("solve", "stag_hunt", "--lam", "0.3", "--weights", weights)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_horizons_on_the_command_line(invoke, invoke_json, tmp_path):
    game, policy, options = "reputation_stag_hunt", tmp_path / "policy.json", ("--horizon", "3")
    found = invoke_json("solve", game, *options, "--lam", "0.1")
    policy.write_text(json.dumps(found))
    equilibrium = found["equilibria"][0]
    assert (equilibrium["horizon"], equilibrium["status"], equilibrium["select"]) == (3, "CONVERGED", "nearest")
    assert np.shape(equilibrium["actions"]) == (2, 3, 4)
    assert invoke_json("audit", game, str(policy), *options, "--lam", "0.1", "--tol", "1e-8")["passed"]
    assert np.shape(invoke_json("power", game, *options, "--profile", str(policy))["power"]) == (3, 4, 2, 2)
    assert len(invoke_json("sweep", game, *options, "--lam", "0,0.1")["points"]) == 2
    for_ever = invoke_json("power", game, *options, "--profile", str(policy), "--steps", "inf")
    assert for_ever["start_power"][0][1] > 4
    worst = invoke_json("power", "assembly_line", "--profile", "line,line,line", "--coalitions", "2")["worst"]
    assert worst[0] == {"members": [1], "power": 3}
    code, out, _ = invoke("solve", game, *options, "--lam", "0.1")
    assert code == 0
    assert "0 of 12 stage games without a pure equilibrium" in out


@pytest.mark.parametrize("horizon", [(), ("--horizon", "3")])
def test_power_of_several_steps_on_the_command_line(invoke_json, tmp_path, horizon):
    game, policy = "reputation_stag_hunt", tmp_path / "policy.json"
    options = (*horizon, "--power-steps", "inf")
    found = invoke_json("solve", game, *options, "--lam", "0.1")
    assert found["objective"] == {"lam": 0.1, "aggregate": "mean", "form": "penalty", "steps": "inf"}
    policy.write_text(json.dumps(found))
    audit = invoke_json("audit", game, policy, *options, "--lam", "0.1", "--tol", "1e-8")
    assert audit["passed"]
    assert audit["objective"] == found["objective"]
    power = invoke_json("power", game, *horizon, "--profile", policy, "--steps", "inf")["power"]
    assert horizon or power == pytest.approx(np.array(found["equilibria"][0]["power"]))
    points = invoke_json("sweep", game, "--lam", "0,0.1", *horizon, "--power-steps", "3")["points"]
    assert [point["objective"]["steps"] for point in points] == [3, 3]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("solve stag_hunt --horizon 2", "--horizon: the game has no states"),
        ("solve big_match --horizon 0", "--horizon: got 0; give a whole number of steps"),
        ("sweep big_match --horizon x --lam 0,1", "--horizon: got 'x'; give an integer"),
        ("solve big_match --select team", "--select"),
        ("power big_match --profile uniform --steps 0", "--steps: got '0'; give a number of steps"),
        ("power stag_hunt --profile uniform --steps 2", "game: got the normal-form game"),
        ("power stag_hunt --profile uniform --coalitions x", "--coalitions: got 'x'"),
        ("power big_match --profile uniform --steps 2 --coalitions 2", "give one of them"),
        ("solve big_match:discount=1", "discount 1 needs horizon="),
        ("report big_match:discount=1 -o a.html", "elsewhere give a discount below 1"),
        (
            "solve big_match --lam 0.1 --power-steps x",
            "--power-steps: got 'x'; give a number of steps from 1 on, or inf",
        ),
        ("audit big_match uniform --lam 0.1 --power-steps 1.5", "--power-steps: got '1.5'; give a number of steps"),
        ("sweep stag_hunt --power-steps 2", "objective: got power of 2 steps, but a game that is played once"),
        ("solve big_match --lam 0.1 --form adversarial --power-steps inf", "use form='penalty'"),
        ("solve big_match --lam 0.1 --power-steps 2 --method logit", "method logit: is for power of one step"),
        ("solve big_match --lam 0.1 --power-steps 2 --all", "objective: got power of 2 steps"),
    ],
)
def test_bad_horizons_are_one_line(invoke, command, message):
    code, out, err = invoke(*command.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
