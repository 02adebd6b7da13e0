"""Games and results never change: no attribute, and no array in them, not even after a copy or a pickle."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping, Sequence
from enum import Enum

import numpy as np
import pytest

import powergames as pg
from powergames.games.immutable import Frozen
from powergames.games.policies import as_policies
from powergames.games.profiles import frozen, nobody_can_write
from powergames.solvers.normal_form.fictitious_play import FictitiousPlay
from powergames.solvers.normal_form.iteration import iterate

OBJECTIVE = pg.PowerObjective("1/5", [[0, 1], [1, 0]])
DOOR = pg.DeterministicGame([[1, 0, 0, 0], [1] * 4], [[1, 0, 0, 0], [0] * 4], 0.9, [["push", "wait"]] * 2)


def small():
    return pg.StochasticGame([[[[1.0], [0.0]]], [[[0.0], [1.0]]]], [[[[1.0]], [[1.0]]]], 0.5)


def values():
    """Make one of each public class, and of those that public functions return."""
    game, stochastic = pg.load("stag_hunt"), small()
    uniform = stochastic.uniform_profile()
    return [
        game,
        pg.NormalFormGame([["1/3", 2]]),
        stochastic,
        DOOR,
        OBJECTIVE,
        pg.power_table(game, game.uniform_profile()),
        pg.evaluate(game, game.uniform_profile(), OBJECTIVE),
        pg.evaluate(stochastic, uniform, OBJECTIVE),
        pg.solve(game, OBJECTIVE, exact=True),
        pg.solve(stochastic, OBJECTIVE),
        pg.solve_all(game, OBJECTIVE),
        pg.solve_all(stochastic, OBJECTIVE),
        pg.solve_many(game.payoffs[None], OBJECTIVE),
        pg.correlated(game, OBJECTIVE),
        pg.stability(pg.solve(game, OBJECTIVE)),
        pg.bifurcations(game, OBJECTIVE),
        pg.sweep(game, OBJECTIVE, lams=[0, 0.5]),
        pg.trace(game, OBJECTIVE),
        pg.certify(game, game.uniform_profile(), OBJECTIVE),
        pg.certify(stochastic, uniform, OBJECTIVE),
        pg.audit(game, game.uniform_profile(), OBJECTIVE),
        pg.audit(stochastic, [np.full((1, 2), np.nan), [[1]]], OBJECTIVE, reference=uniform),
        pg.sampled_audit(game, game.uniform_profile(), OBJECTIVE, episodes=32, best_response=True),
        pg.estimated_power(RECORDED, [_even, _even], discount=0.0),
        pg.train_sweep(game, lams=[0.2], seeds=[0], steps=2000),
        pg.report(game, lams=[0]),
        pg.logit_path(game, precisions=[1]),
        pg.pure_equilibria(game)[0],
        pg.team_optimum(stochastic, OBJECTIVE),
        pg.team_optimum(DOOR, OBJECTIVE),
        pg.team_optimum(stochastic, OBJECTIVE, horizon=2),
        pg.solve(stochastic, OBJECTIVE, horizon=2),
        pg.audit(DOOR, [[0, 0], np.full((2, 2), 0.5)], OBJECTIVE, horizon=2),
        pg.step_power(stochastic, uniform, steps=2),
        pg.coalition_power(game, game.uniform_profile()),
        pg.kitchen_events(pg.compile_overcooked("tiny"), [0]),
        iterate(game, rule=FictitiousPlay(), max_iter=3),
        as_policies(stochastic, uniform),
    ]


# Two episodes of one step.
RECORDED = [[({"a": [0.0], "b": [0.0]}, {"a": k, "b": 0}, {"a": 1.0, "b": 2.0}, True)] for k in range(2)]


def _even(seen):
    return [0.5, 0.5]


MADE = values()
COPIES = {"fresh": lambda value: value, "deep copy": copy.deepcopy, "pickle": lambda v: pickle.loads(pickle.dumps(v))}


def reached(value, seen):
    """Yield a value and all that its attributes, entries and computed properties lead to, each once."""
    if id(value) in seen or isinstance(value, (str, int, float, Enum, type(None))):
        return
    seen[id(value)] = value
    yield value
    inner = []
    if isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, tuple):
        inner = list(value)
    elif isinstance(value, Frozen):
        properties = [name for name in dir(type(value)) if name[0] != "_"]
        inner = [getattr(value, name) for name in properties if not callable(getattr(type(value), name))]
        inner += list(vars(value).values())
        inner += list(value) if isinstance(value, Sequence) else []
    for each in inner:
        yield from reached(each, seen)


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("made", MADE, ids=lambda value: type(value).__name__)
def test_nothing_in_reach_can_be_changed(made, duplicate):
    found = list(reached(duplicate(made), {}))
    for array in (each for each in found if isinstance(each, np.ndarray)):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            array.flags.writeable = True
    for value in (each for each in found if type(each).__module__.startswith("powergames")):
        if isinstance(value, Frozen):
            for name, held in vars(value).items():
                assert not isinstance(held, (list, dict))
                with pytest.raises(AttributeError, match=r"cannot (assign to|set)"):
                    setattr(value, name, None)


def test_every_public_class_of_values_is_walked_over():
    seen = {}
    for value in MADE:
        list(reached(value, seen))
    walked = {type(value) for value in seen.values()}
    public = {getattr(pg, name) for name in pg.__all__ if isinstance(getattr(pg, name), type)}
    # What happens on the way of a trace: nothing does in this one. And a converter, which is no value.
    ends = {pg.SupportChange, pg.TraceEvent}
    assert public - walked == {pg.InputError, pg.FormatError, pg.Status, pg.OvercookedAI} | ends
    own = {each for each in walked if each.__module__.startswith("powergames")}
    assert own <= set(Frozen.__subclasses__()) | {
        pg.StochasticCertificate,
        pg.HorizonCertificate,
        pg.SampledAttack,
        pg.EstimatedPower,
    }


@pytest.mark.parametrize("made", MADE, ids=lambda value: type(value).__name__)
def test_comparing_with_an_array_is_false(made):
    for array in (np.zeros(2), np.zeros((2, 2)), np.zeros(7)):
        assert (made == array) is False
        assert (array == made) is False
        assert made != array


def test_memory_that_others_write_to_is_not_taken_over():
    mine = np.arange(4.0)
    view = mine[:2]
    taken = frozen(view)
    mine[0] = 7
    assert taken.tolist() == [0, 1]
    assert view.flags.writeable


def test_memory_of_kernels_is_taken_over_without_a_copy():
    from powergames.kernels.bellman import expected_rewards

    array = expected_rewards(np.ones(2), np.array([0, 2]), np.ones(2))
    assert np.shares_memory(frozen(array), array)
    assert nobody_can_write(frozen(array))
