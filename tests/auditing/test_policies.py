"""Policies in all the forms that they come in, and what is said about those that do not fit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stochastic_oracle import random_game

import powergames as pg
from powergames.games.policies import as_policies, profile_of_actions
from powergames.io import load_policies, load_profile

SIZES = [[2, 1], [3, 2], [2, 2]]
BIG_MATCH = pg.load("big_match")


def ragged(game, profile):
    """Lists over the actions that each state has."""
    return [
        [row[:size].tolist() for row, size in zip(x, game.n_actions[:, i], strict=True)] for i, x in enumerate(profile)
    ]


@pytest.mark.parametrize(
    "form",
    [
        lambda game, profile: profile,
        lambda game, profile: tuple(profile),
        lambda game, profile: dict(enumerate(profile)),
        lambda game, profile: {"1": profile[1], "0": profile[0]},
        ragged,
        lambda game, profile: [x.tolist() for x in profile],
        lambda game, profile: [lambda state: profile[0][state], lambda state: ragged(game, profile)[1][state]],
        lambda game, profile: [{str(s): row for s, row in enumerate(profile[0])}, dict(enumerate(profile[1]))],
        lambda game, profile: [{np.int64(s): row for s, row in enumerate(x)} for x in profile],
        lambda game, profile: [profile[0], profile[1].astype(object)],
    ],
)
def test_forms_of_the_same_policies(form):
    game, profile = random_game(SIZES, seed=1)
    given = form(game, profile)
    found = as_policies(game, given)
    for mine, other in zip(found.profile, profile, strict=True):
        assert mine == pytest.approx(other, abs=1e-15)
        assert not mine.flags.writeable
    assert [states.tolist() for states in found.unvisited] == [[], []]


def test_functions_of_the_state_are_given_its_index_or_its_name():
    seen = []

    def policy(state):
        seen.append(state)
        return [0.5, 0.5] if len(seen) % 3 == 1 else [1.0]

    as_policies(BIG_MATCH, [policy, policy])
    assert seen == [0, 1, 2, 0, 1, 2]
    seen.clear()
    as_policies(BIG_MATCH, [policy, policy], labels=True)
    assert seen == [*BIG_MATCH.states] * 2


def test_a_vector_is_played_in_every_state():
    game, _ = random_game([[2, 2], [2, 2]], seed=2)
    found = as_policies(game, [[0.25, 0.75], np.array([1.0, 0.0])])
    assert found.profile[0].tolist() == [[0.25, 0.75]] * 2
    assert found.profile[1].tolist() == [[1.0, 0.0]] * 2


@pytest.mark.parametrize(
    "form",
    [
        [1, 0, 0],
        (1, 0, 0),
        np.array([1, 0, 0], dtype=np.uint8),
        1,
        {"play": 1, "lost": 0, "won": 0},
        lambda state: 1 if state == 0 else 0,
        lambda state: np.int64(state == 0),
        [[0, 1], 0, [1.0]],
    ],
)
def test_integers_are_actions(form):
    found = as_policies(BIG_MATCH, [form, EVEN])
    assert found.profile[0].tolist() == [[0, 1], [1, 0], [1, 0]]
    assert [states.tolist() for states in found.unvisited] == [[], []]


def test_profiles_of_integers():
    for form in ([1, 0, 0], np.array([1, 0, 0]), 1):
        assert pg.evaluate(BIG_MATCH, [form, EVEN]).profile[0].tolist() == [[0, 1], [1, 0], [1, 0]]


def test_integers_that_may_be_actions_or_probabilities():
    square, _ = random_game([[2, 2], [2, 2]], seed=2)
    even, words = square.uniform_profile()[1], "may be the actions in 2 states or the probabilities of 2 actions; give"
    for both in ([0, 1], np.array([1, 0])):
        with pytest.raises(pg.InputError, match=words):
            as_policies(square, [both, even])
        with pytest.raises(pg.InputError, match=words):
            square.profile([both, even])
        assert square.profile([square.pure_strategy(0, both), even])[0].tolist() == np.eye(2)[both].tolist()
    # Only one meaning fits.
    for actions in ([0, 0], [1, 1]):
        assert as_policies(square, [actions, [0.5, 0.5]]).profile[0].tolist() == np.eye(2)[actions].tolist()
    assert as_policies(square, [[0.0, 1.0], [0.5, 0.5]]).profile[0].tolist() == [[0, 1], [0, 1]]
    assert as_policies(square, [{0: 0, 1: 1}, [0.5, 0.5]]).profile[0].tolist() == [[1, 0], [0, 1]]
    lacking, _ = random_game([[3, 1], [3, 1], [2, 1]], seed=2)
    assert as_policies(lacking, [[0, 0, 1], [0, 0, 0]]).profile[0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    wide, _ = random_game([[3, 1], [3, 1]], seed=2)
    assert as_policies(wide, [[0, 0, 1], [0, 0]]).profile[0].tolist() == [[0, 0, 1]] * 2
    assert as_policies(wide, [[0, 1], [0, 0]]).profile[0].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_files_of_actions(tmp_path):
    np.savez(tmp_path / "policy.npz", player_0=np.array([1, 0, 0]), player_1=EVEN)
    for path in (
        tmp_path / "policy.npz",
        by_name(tmp_path, {"profile": [[1, 0, 0], {"play": 1, "lost": 0, "won": 0}]}),
    ):
        assert load_profile(path, BIG_MATCH)[0].tolist() == [[0, 1], [1, 0], [1, 0]]


def test_actions_by_name_or_index():
    hunt = pg.load("stag_hunt")
    assert [x.tolist() for x in profile_of_actions(hunt, ["hare", "0"])] == [[0, 1], [1, 0]]
    numbers = pg.NormalFormGame(np.zeros((1, 2)), actions=[["1", "0"]])
    assert profile_of_actions(numbers, ["1"])[0].tolist() == [1, 0]
    twice = pg.NormalFormGame(np.zeros((1, 3)), actions=[["a", "a", "b"]])
    with pytest.raises(pg.InputError, match="two actions have the name 'a'; give one of a, a, b, or an index"):
        profile_of_actions(twice, ["a"])
    assert [x.tolist() for x in profile_of_actions(BIG_MATCH, ["go", "0"])] == [
        [[0, 1], [1, 0], [1, 0]],
        [[1, 0], [1, 0], [1, 0]],
    ]
    uneven, _ = random_game([[2, 1], [3, 2], [2, 2]], seed=0)
    assert profile_of_actions(uneven, ["1", "1"])[1].tolist() == [[1, 0], [0, 1], [0, 1]]
    with pytest.raises(pg.InputError, match="player 0, state '0': no action '2'; give one of 0, 1"):
        profile_of_actions(uneven, ["2", "1"])
    with pytest.raises(pg.InputError, match="got 1 of 2 actions"):
        profile_of_actions(uneven, ["2"])


@pytest.mark.parametrize(
    "gap",
    [[[0.5, 0.5], None, None], {"play": [0.5, 0.5]}, {0: [0.5, 0.5], 2: None}, lambda s: None if s else [0.5, 0.5]],
)
def test_gaps_are_filled(gap):
    found = as_policies(BIG_MATCH, [gap, BIG_MATCH.uniform_profile()[1]])
    assert found.unvisited[0].tolist() == [1, 2]
    assert found.profile[0].tolist() == [[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.booleans(), min_size=3, max_size=3), st.booleans())
def test_rows_of_nan_are_gaps(seed, missing, padded):
    game, profile = random_game(SIZES, seed=seed)
    gaps = profile[0].copy()
    gaps[missing] = np.nan
    if padded:
        # Zeros where a state has no action do not make a row of NaN one that is known.
        gaps[np.arange(3) >= game.n_actions[:, :1]] = 0.0
    found = as_policies(game, [gaps, profile[1]])
    assert found.unvisited[0].tolist() == np.flatnonzero(missing).tolist()
    expected = np.where(np.array(missing)[:, None], game.uniform_profile()[0], profile[0])
    assert found.profile[0] == pytest.approx(expected, abs=1e-15)


EVEN = BIG_MATCH.uniform_profile()[1]
REFUSED = [
    (None, "got NoneType; give one policy per player"),
    (0.5, "got float; give one policy per player"),
    ([EVEN], "got 1 policies for 2 players"),
    ([EVEN] * 3, "got 3 policies for 2 players"),
    ({"0": EVEN, "1": EVEN}, "unknown player '0'; give one policy for each of 'player 1', 'player 2'"),
    ({"player 1": EVEN}, "no player 'player 2'"),
    ([7.0, EVEN], "player 0: got float; give an array, a dict of states, or a function of the state"),
    ([7, EVEN], "player 0, state 'play': got action 7; give an index from 0 to 1"),
    ([[0, 0, 1], EVEN], "player 0, state 'won': got action 1; give an index from 0 to 0"),
    ([[-1, 0, 0], EVEN], "player 0, state 'play': got action -1"),
    ([[0, 0, 0, 0], EVEN], r"player 0: got int64 of shape \(4,\); give the index of an action in each of 3 states"),
    ([[2, 0], EVEN], "player 0, state 'play': off the simplex"),
    ([lambda state: 2, EVEN], "player 0, state 'play': got action 2"),
    ([{"play": True}, EVEN], r"player 0, state 'play': got shape \(\)"),
    ([EVEN, None], "player 1: got NoneType"),
    ([EVEN[:2], EVEN], r"player 0: got shape \(2, 2\), expected \(3, 2\)"),
    ([EVEN[None], EVEN], r"got shape \(1, 3, 2\)"),
    ([[0.2, 0.3, 0.5], EVEN], r"player 0, state 'play': got shape \(\); give 2 probabilities"),
    ([[[1, 0], [1]], EVEN], "player 0: got 2 states, expected 3"),
    ([[[1, 0], [1, 0, 0], [1]], EVEN], r"state '[a-z]+': got shape \(3,\); give 1 probabilities"),
    ([[[1, 0], ["a"], [1]], EVEN], "state '[a-z]+': got list; give 1 probabilities"),
    ([{"play": [1, 0], "plya": [1]}, EVEN], "unknown state 'plya'; give names of states, or indices from 0 to 2"),
    ([{5: [1]}, EVEN], "unknown state 5"),
    ([{(0, 1): [1]}, EVEN], r"unknown state \(0, 1\)"),
    ([lambda state: "left", EVEN], "player 0, state 'play': got str; give 2 probabilities"),
    ([lambda state: [1] if state else [1, 2], EVEN], "player 0, state 'play': off the simplex"),
    ([lambda state: [0.5, np.nan], EVEN], "player 0, state 'play': contains NaN"),
    ([lambda state: {"stop": 1}, EVEN], "state 'play': got dict"),
    ([[0.5, 0.5], EVEN], "probability 0.5 on action 1, but the state has 1"),
    ([EVEN * 2, EVEN], "off the simplex"),
    ([EVEN + 0j, EVEN], "player 0"),
]


@pytest.mark.parametrize(("policies", "message"), REFUSED)
def test_refused_policies(policies, message):
    with pytest.raises(pg.InputError, match=message) as caught:
        pg.audit(BIG_MATCH, policies, pg.PowerObjective())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ([lambda state: [1, 0], [1, 0]], "a normal-form game has no states, so give 2 probabilities"),
        ([{0: [1, 0]}, [1, 0]], "got dict"),
        ([[np.nan, np.nan], [1, 0]], "contains NaN"),
        ({"hunter 1": [1, 0]}, "no player 'hunter 2'"),
        ([[1, 0, 0], [1, 0]], "shape"),
    ],
)
def test_refused_policies_of_normal_form_games(policies, message):
    with pytest.raises(pg.InputError, match=message):
        pg.audit(pg.load("stag_hunt"), policies, pg.PowerObjective())


def test_normal_form_policies_by_name():
    game = pg.load("stag_hunt")
    found = as_policies(game, {"hunter 2": [0, 1], "hunter 1": [1, 0]})
    assert [x.tolist() for x in found.profile] == [[1.0, 0.0], [0.0, 1.0]]


def by_name(tmp_path, content):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(content))
    return path


def test_files_by_names_with_gaps(tmp_path):
    path = by_name(tmp_path, {"profile": {"player 2": [None, [1], [1]], "player 1": {"play": [0.5, 0.5]}}})
    found = load_policies(path, BIG_MATCH)
    assert [states.tolist() for states in found.unvisited] == [[1, 2], [0]]
    with pytest.raises(pg.InputError, match=r"policy.json: profile of player 0: no probabilities for state 1"):
        load_profile(path, BIG_MATCH)
    report = pg.audit(BIG_MATCH, path, pg.PowerObjective())
    assert len(report.unvisited) == 2
    assert pg.audit(BIG_MATCH, str(path), pg.PowerObjective(), reference=path).distance.value == 0.0


def test_archives_by_number_and_by_name(tmp_path):
    gaps = np.full((3, 2), np.nan)
    gaps[0] = 0.5
    for names in (("player_0", "player_1"), ("player 1", "player 2")):
        np.savez(tmp_path / "policy.npz", **dict(zip(names, (gaps, EVEN), strict=True)))
        found = load_policies(tmp_path / "policy.npz", BIG_MATCH)
        assert found.unvisited[0].tolist() == [1, 2]
    np.savez(tmp_path / "policy.npz", **{"player 1": EVEN})
    with pytest.raises(pg.FormatError, match="no array 'player_0'; add it, the archive holds player 1"):
        pg.audit(BIG_MATCH, tmp_path / "policy.npz", pg.PowerObjective())


def test_normal_form_file_by_name_is_exact(tmp_path):
    path = by_name(tmp_path, {"profile": {"hunter 2": ["1/3", "2/3"], "hunter 1": [1, 0]}})
    assert load_profile(path, pg.load("stag_hunt"))[1].dtype == object


def test_unreadable_files(tmp_path):
    for name, message in (("none.npz", "no such file"), ("p.txt", r"\.npz or \.json")):
        with pytest.raises(pg.FormatError, match=message):
            pg.audit(BIG_MATCH, tmp_path / name, pg.PowerObjective())
    (tmp_path / "p.npz").write_bytes(b"PK")
    with pytest.raises(pg.FormatError, match=r"p\.npz"):
        pg.audit(BIG_MATCH, tmp_path / "p.npz", pg.PowerObjective())


def test_networks_are_not_asked_where_there_is_one_action():
    """They would answer for all their actions, and where play is over there may be nothing to see."""
    step = lambda state, joint: [(0.5, 0, [1, 0]), (0.5, "over", [0, joint[0]])]  # noqa: E731
    game = pg.from_env(0, lambda state: None if state == "over" else [2, 2], step, 0.5)

    def observe(state):
        assert state == 0
        return [1.0, 0.0]

    found = pg.audit(game, [lambda seen: [0.3, 0.7], lambda seen: 1], 0.2, observe=observe)
    assert [own.tolist() for own in found.profile] == [[[0.3, 0.7], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]]


def test_a_policy_that_remembers_is_refused_by_exact_audits():
    class Recurrent:
        def reset(self):
            self.hidden = 0.0

        def __call__(self, seen):
            return [self.hidden, 1 - self.hidden]

    message = "profile of player 1: a Recurrent has a method reset, so it remembers, .* or use sampled_audit"
    with pytest.raises(pg.InputError, match=message):
        pg.audit(pg.load("reputation_stag_hunt"), [[0.5, 0.5], Recurrent()])
