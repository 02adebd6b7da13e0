"""Large games stay where they are: nothing here may copy a payoff tensor, nor a considerable part of it."""

from __future__ import annotations

import copy
import io
import mmap
import pickle
import tracemalloc

import joblib
import numpy as np
import oracle
import pytest

import powergames as pg
from powergames import power
from powergames.checking import normal_form as certificates
from powergames.games import memory as limits
from powergames.io import npz
from powergames.solvers import common
from powergames.solvers.batch.store import game_digest
from powergames.solvers.normal_form import linear_program, pure

SHAPES = [(2, 1950, 1950), (3, 136, 136, 136), (5, 18, 18, 18, 18, 18)]
# Extra memory that is allowed, as a part of the tensor.
LITTLE = 0.05


def peak(call):
    """What a call returns, and the most bytes that it held at a time on top of those before."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def resident_peak(call):
    """The same for memory of any kind, compiled code's too, as the system counts it."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pytest.skip("needs a system that tells the peak of resident memory")
    before = status("VmRSS")
    result = call()
    return result, status("VmHWM") - before


def status(key):
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))


def read_only(array):
    array.flags.writeable = False
    return array


def large_payoffs(shape, offset=0.0):
    payoffs = np.random.default_rng(0).random(shape)
    payoffs += offset
    return read_only(payoffs)


@pytest.fixture(scope="module")
def large():
    return pg.NormalFormGame(large_payoffs(SHAPES[1]))


def backing(array):
    """What the memory of an array belongs to in the end; None if to an array."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array


# --- taken without a copy ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_read_only_tensor_is_taken_as_it_is(shape):
    payoffs = large_payoffs(shape)
    assert payoffs.nbytes > 50e6
    game, extra = peak(lambda: pg.NormalFormGame(payoffs))
    assert np.shares_memory(game.payoffs, payoffs)
    assert extra < LITTLE * payoffs.nbytes
    np.testing.assert_array_equal(game.payoff_min, payoffs.reshape(len(payoffs), -1).min(axis=1))
    np.testing.assert_array_equal(game.payoff_range, np.ptp(payoffs.reshape(len(payoffs), -1), axis=1))


def test_a_read_only_memory_map_is_taken_as_it_is(tmp_path):
    payoffs = np.random.default_rng(0).random((2, 3, 4))
    np.save(tmp_path / "payoffs.npy", payoffs)
    mapped = np.load(tmp_path / "payoffs.npy", mmap_mode="r")
    game = pg.NormalFormGame(mapped)
    assert np.shares_memory(game.payoffs, mapped)
    assert game == pg.NormalFormGame(payoffs)
    assert pg.solve(game, pg.PowerObjective(0.3)).converged


def writeable_memory_map(payoffs, folder, mode):
    np.save(folder / "payoffs.npy", payoffs)
    return read_only(np.load(folder / "payoffs.npy", mmap_mode=mode))


@pytest.mark.parametrize(
    "make",
    [
        lambda payoffs, folder: payoffs,
        lambda payoffs, folder: read_only(payoffs[:]),
        lambda payoffs, folder: read_only(read_only(payoffs[:])[:]),
        lambda payoffs, folder: read_only(np.frombuffer(bytearray(payoffs.tobytes())).reshape(payoffs.shape)),
        lambda payoffs, folder: np.frombuffer(memoryview(bytearray(payoffs.tobytes())).toreadonly()).reshape(
            payoffs.shape
        ),
        lambda payoffs, folder: writeable_memory_map(payoffs, folder, "r+"),
        lambda payoffs, folder: writeable_memory_map(payoffs, folder, "c"),
        lambda payoffs, folder: read_only(payoffs.astype(">f8")),
        lambda payoffs, folder: read_only(payoffs.astype(np.float32).astype(np.longdouble)),
        lambda payoffs, folder: read_only(np.asfortranarray(payoffs)),
        lambda payoffs, folder: read_only(np.concatenate([payoffs, payoffs], axis=2))[:, :, ::2],
        lambda payoffs, folder: np.broadcast_to(payoffs[:1], payoffs.shape),
    ],
)
def test_what_somebody_may_write_to_is_copied(make, tmp_path):
    payoffs = make(np.random.default_rng(0).random((2, 3, 4)), tmp_path)
    game = pg.NormalFormGame(payoffs)
    assert not np.shares_memory(game.payoffs, payoffs)
    assert game.payoffs.dtype == np.float64
    assert game.payoffs.flags.c_contiguous
    assert not game.payoffs.flags.writeable
    np.testing.assert_array_equal(game.payoffs, payoffs)


@pytest.mark.parametrize("options", [{}, {"dtype": np.int64}, {"order": "F"}], ids=str)
def test_everything_else_is_copied_once(options):
    payoffs = np.ones((3, 100, 100, 100), **options)
    _, extra = peak(lambda: pg.NormalFormGame(payoffs))
    assert extra < (1 + LITTLE) * payoffs.nbytes


def test_a_bimatrix_is_stacked_and_not_copied_again():
    rows, columns = np.random.default_rng(0).random((2, 1200, 1200))
    _, extra = peak(lambda: pg.NormalFormGame.from_bimatrix(rows, columns))
    assert extra < (1 + LITTLE) * 2 * rows.nbytes


def test_a_copy_that_does_not_fit_is_refused_with_its_size(monkeypatch):
    payoffs = np.zeros((2, 1200, 1200))
    monkeypatch.setattr(limits, "available_memory", lambda: payoffs.nbytes - 1)
    with pytest.raises(pg.InputError) as caught:
        pg.NormalFormGame(payoffs)
    assert "23,040,000 bytes, and 23,039,999 bytes of memory are free" in str(caught.value)
    assert "flags.writeable = False" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert np.shares_memory(pg.NormalFormGame(read_only(payoffs)).payoffs, payoffs)


# --- worked on in place -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_certificates_copy_nothing(shape, lam, offset):
    zero_sum = len(shape) == 3
    game = saddle(shape, offset) if zero_sum else pg.NormalFormGame(large_payoffs(shape, offset))
    profile = [np.eye(size)[3] for size in game.n_actions]
    objective = pg.PowerObjective(lam)
    certificate, extra = peak(lambda: pg.certify(game, profile, objective))
    assert game.payoffs.nbytes > 50e6
    assert extra < LITTLE * game.payoffs.nbytes
    if zero_sum:
        assert certificate.scaled_regret < 1e-9
    elif lam:
        expected = oracle.scaled_regret_in_floats(game.payoffs, objective, profile)
        assert certificate.scaled_regret == pytest.approx(expected, rel=0, abs=1e-9)
    else:
        for i, payoffs in enumerate(game.payoffs):
            own = payoffs[tuple(slice(None) if k == i else 3 for k in range(game.n_players))]
            assert certificate.regrets[i] == pytest.approx(own.max() - own[3], rel=0, abs=1e-9)


def saddle(shape, offset):
    """A large zero-sum game with a pure saddle point at action 3 of both, where no linear program is needed."""
    payoffs = np.random.default_rng(0).random(shape)
    payoffs[0, 3], payoffs[0, :, 3] = 2.0, 0.0
    payoffs[0, 3, 3] = 1.0
    payoffs[1] = -payoffs[0]
    payoffs += offset
    return pg.NormalFormGame(read_only(payoffs))


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("shape", SHAPES[:2], ids=str)
def test_power_tables_copy_nothing(shape, offset):
    game = pg.NormalFormGame(large_payoffs(shape, offset))
    profile = [np.eye(size)[3] for size in game.n_actions]
    pg.power_table(pg.load("assembly_line"), [[1, 0]] * 3)
    table, extra = resident_peak(lambda: pg.power_table(game, profile))
    assert extra < LITTLE * game.payoffs.nbytes
    for i, payoffs in enumerate(game.payoffs):
        for j in set(range(game.n_players)) - {i}:
            taken = payoffs[tuple(slice(None) if k == j else 3 for k in range(game.n_players))]
            assert table.power[i, j] == pytest.approx(taken[3] - taken.min(), rel=0, abs=1e-9)
            assert table.actions[i, j] == taken.argmin()


@pytest.mark.parametrize("block", [1, 7, 30])
def test_power_block_by_block_is_the_same(block, monkeypatch):
    generator = np.random.default_rng(1)
    payoffs = generator.integers(0, 2**20, (2, 5, 7)) / 2.0**20
    profile = [generator.dirichlet(np.ones(size)) for size in payoffs.shape[1:]]
    expected = pg.power_table(pg.NormalFormGame(payoffs), profile)
    monkeypatch.setattr(power, "BLOCK", block)
    table = pg.power_table(pg.NormalFormGame(payoffs + 2.0**20), profile)
    np.testing.assert_allclose(table.power, expected.power, rtol=0, atol=1e-12)
    np.testing.assert_allclose(table.task - 2.0**20, expected.task, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(table.actions, expected.actions)


@pytest.mark.parametrize("block", [1, 7, 30, 10**6])
@pytest.mark.parametrize("shape", [(1, 5), (2, 4, 7), (3, 4, 3, 5), (4, 2, 3, 2, 3), (3, 1, 9, 2)], ids=str)
def test_shifting_block_by_block_changes_nothing(shape, block, monkeypatch):
    monkeypatch.setattr(certificates, "BLOCK", block)
    generator = np.random.default_rng(1)
    payoffs = generator.integers(0, 2**20, shape) / 2.0**20
    profile = [generator.dirichlet(np.ones(size)) for size in shape[1:]]
    for lam in (0, 0.4, 2):
        for aggregate in ("mean", "max"):
            objective = pg.PowerObjective(lam, aggregate)
            expected = oracle.scaled_regret(payoffs, objective, profile)
            for offset, factor in ((2.0**20, 1.0), (0.0, 2.0**800), (0.0, 2.0**-800)):
                certificate = pg.certify(pg.NormalFormGame(payoffs * factor + offset), profile, objective)
                assert certificate.scaled_regret == pytest.approx(expected, rel=0, abs=1e-12)


def test_hash_and_equality_copy_nothing(large):
    twin = pg.NormalFormGame(read_only(large.payoffs.copy()))
    other = large.payoffs.copy()
    other[-1, -1, -1, -1] += 1
    other = pg.NormalFormGame(read_only(other))
    little = LITTLE * large.payoffs.nbytes
    (same, different, hashes, digests), extra = peak(
        lambda: (large == twin, large == other, [hash(g) for g in (large, twin, other)], [game_digest(large)])
    )
    assert extra < little
    assert (same, different) == (True, False)
    assert hashes[0] == hashes[1] != hashes[2]
    assert digests != [game_digest(other)]


def test_a_copy_is_the_game_itself(large):
    assert copy.copy(large) is large
    assert copy.deepcopy([large])[0] is large


def test_a_pickle_is_loaded_once(large):
    data = pickle.dumps(large)
    loaded, extra = peak(lambda: pickle.loads(data))
    assert loaded == large
    assert extra < (1 + LITTLE) * large.payoffs.nbytes
    assert not loaded.payoffs.flags.writeable


def seen_by_a_worker(game):
    payoffs = game.payoffs
    return isinstance(backing(payoffs), mmap.mmap), payoffs.flags.writeable, float(payoffs[-1, -1, -1, -1])


def test_workers_map_the_payoffs_of_the_parent(large):
    with joblib.Parallel(n_jobs=2) as parallel:
        seen = parallel(joblib.delayed(seen_by_a_worker)(large) for _ in range(2))
    assert seen == [(True, False, large.payoffs[-1, -1, -1, -1])] * 2


def test_a_sweep_returns_the_game_that_it_was_given(large):
    path = pg.sweep(large, lams=[0, 0.3], method="pure", warm_start=False, n_jobs=2)
    for point in path:
        for equilibrium in point.equilibria:
            assert equilibrium.game is large


@pytest.mark.parametrize("shape", SHAPES[:2], ids=str)
def test_pure_equilibria_are_found_in_place(shape):
    payoffs = np.random.default_rng(0).random(shape)
    place = (slice(None), *range(3, 2 + len(shape)))
    payoffs[place] = 2.0
    game = pg.NormalFormGame(read_only(payoffs))
    pg.solve(pg.load("assembly_line"), method="pure")
    equilibrium, extra = resident_peak(lambda: pg.solve(game, method="pure"))
    assert equilibrium.converged
    assert extra < LITTLE * payoffs.nbytes


def test_pure_equilibria_are_all_found_in_any_block():
    payoffs = np.random.default_rng(0).integers(0, 3, (2, 300, 400)).astype(float)
    game = pg.NormalFormGame(payoffs)
    row, column = payoffs
    expected = np.argwhere((row == row.max(axis=0)) & (column == column.max(axis=1, keepdims=True)))
    assert payoffs[0].size > 1.5 * pure.BLOCK
    assert list(pure._nash(game)) == [tuple(place) for place in expected.tolist()]


def cyclic(offset=0.0, factor=1.0):
    """A large two-player game whose only equilibria, without power, mix the actions 700, 701 and 702 of both."""
    payoffs = np.random.default_rng(0).random(SHAPES[0])
    mixed = slice(700, 703)
    payoffs[0, :, mixed] -= 2.0
    payoffs[1, mixed] -= 2.0
    payoffs[:, mixed, mixed] = [[[2, 3, 1], [1, 2, 3], [3, 1, 2]], [[2, 1, 3], [3, 2, 1], [1, 3, 2]]]
    payoffs *= factor
    payoffs += offset
    return pg.NormalFormGame(read_only(payoffs))


@pytest.mark.parametrize(("offset", "factor"), [(0.0, 1.0), (1e6, 1.0), (0.0, 2.0**700)])
@pytest.mark.parametrize("lam", [0, 0.1])
def test_mixed_equilibria_of_two_players_are_found_in_place(lam, offset, factor):
    game = cyclic(offset, factor)
    objective = pg.PowerObjective(lam)
    pg.solve(pg.load("stag_hunt"), objective, method="double_oracle")
    start = [np.eye(1950)[700]] * 2
    equilibrium, extra = resident_peak(lambda: pg.solve(game, objective, method="double_oracle", start=start))
    assert equilibrium.converged
    assert max(equilibrium.profile[0].max(), equilibrium.profile[1].max()) < 0.9
    assert extra < LITTLE * game.payoffs.nbytes


def test_a_long_x0_is_left_aside():
    game = cyclic()
    equilibrium, extra = peak(lambda: pg.solve(game, method="double_oracle", start=game.uniform_profile()))
    assert equilibrium.converged
    assert extra < LITTLE * game.payoffs.nbytes


def test_a_search_given_up_ends_with_few_actions():
    game = pg.NormalFormGame(np.random.default_rng(0).random((2, 300, 300)))
    equilibrium = pg.solve(game, pg.PowerObjective(0.3), method="double_oracle", max_iter=100)
    assert equilibrium.status.name == "MAX_ITER"
    assert max(np.count_nonzero(strategy) for strategy in equilibrium.profile) < 20


def test_large_games_of_constant_sum_stay_where_they_are():
    game = saddle(SHAPES[0], 0.0)
    constant, extra = peak(lambda: linear_program.is_zero_sum(game))
    assert constant
    assert extra < LITTLE * game.payoffs.nbytes
    assert not linear_program.is_zero_sum(cyclic())


def test_a_linear_program_that_does_not_fit_is_refused_with_its_size(monkeypatch):
    game = saddle((2, 400, 300), 0.0)
    needed = linear_program.LIMITS.bytes_per_payoff * 400 * 300
    assert needed > limits.SMALL
    monkeypatch.setattr(common, "available_memory", lambda: needed - 1)
    with pytest.raises(pg.InputError, match="would take 24,000,000 bytes, and 23,999,999 bytes of memory are free"):
        pg.solve(game, method="linear_program")
    equilibrium = pg.solve(game, pg.PowerObjective(0.3))
    assert equilibrium.converged
    assert equilibrium.method == "double_oracle"
    monkeypatch.setattr(common, "available_memory", lambda: needed)
    assert pg.solve(game, method="linear_program").converged


@pytest.mark.parametrize("lam", [0, 0.3])
def test_many_players_are_solved_in_place(lam):
    game = pg.NormalFormGame(large_payoffs(SHAPES[2]))
    objective = pg.PowerObjective(lam)
    pg.solve(pg.load("assembly_line"), objective, method="logit", max_iter=2)
    equilibrium, extra = resident_peak(lambda: pg.solve(game, objective, method="logit", max_iter=1))
    assert equilibrium.game is game
    assert extra < 4 * LITTLE * game.payoffs.nbytes


# --- made in place ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "random_uniform:players=3,actions=100",
        "random_degenerate:actions=1200",
        "random_covariant:actions=1200",
        "random_zero_sum:actions=1200",
        "coordination:n=1200",
        "travellers_dilemma:high=1200",
        "assembly_line:n=17",
        "public_goods:n=8,levels=6",
        "minimum_effort:n=8,efforts=6",
    ],
)
def test_the_catalog_takes_half_as_much_again_at_most(name):
    game, extra = peak(lambda: pg.load(name))
    assert game.payoffs.nbytes > 15e6
    assert extra < (1.5 + LITTLE) * game.payoffs.nbytes


@pytest.mark.parametrize("compressed", [False, True])
def test_an_archive_is_unpacked_once(compressed):
    payoffs = np.resize(np.random.default_rng(0).random(5000), (3, 100, 100, 100))
    buffer = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(buffer, schema="powergames/1", kind="normal-form", payoffs=payoffs)
    data = buffer.getvalue()
    loaded, extra = peak(lambda: npz.read(data, "large.npz"))
    assert extra < (1 + LITTLE) * payoffs.nbytes
    np.testing.assert_array_equal(loaded.payoffs, payoffs)
