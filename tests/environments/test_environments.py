"""Games played in PettingZoo, and environments compiled: PettingZoo's own tests, round trips, and plain recursion."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

import powergames as pg

TURNS = "random_turn_based:states=6,seed=1"
GAMES = ["reputation_stag_hunt", "big_match", TURNS, "stag_hunt"]

# What PettingZoo advises against and the documentation explains: agents have the players' names, and an index, or the
# vector of a game of one state, is a single number.
ADVICE = [
    "ignore:We recommend agents to be named",
    "ignore:Observation is not a NumPy array",
    "ignore:Observation is a single number",
    "ignore:Observation space for each agent probably should be gymnasium.spaces",
    # Where pygame is installed, PettingZoo's test imports a board game by its old name.
    "ignore:The old environment creation API has been deprecated:DeprecationWarning",
]


@pytest.mark.filterwarnings(*ADVICE)
@pytest.mark.parametrize("observation", ["one-hot", "index"])
@pytest.mark.parametrize("name", GAMES)
@pytest.mark.usefixtures("pettingzoo")
def test_pettingzoo_accepts_the_environment(name, observation, capsys):
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
    from pettingzoo.utils.conversions import parallel_to_aec

    def make():
        return pg.to_pettingzoo(pg.load(name), max_steps=30, observation=observation)

    parallel_api_test(make(), num_cycles=100)
    parallel_seed_test(make, num_cycles=100)
    api_test(parallel_to_aec(make()), num_cycles=100)
    seed_test(lambda: parallel_to_aec(make()), num_cycles=100)
    assert "Passed" in capsys.readouterr().out


@pytest.mark.usefixtures("pettingzoo")
def test_one_step_follows_the_game():
    game = pg.load("random_stochastic:states=4,seed=2")
    env = pg.to_pettingzoo(game, observation="index")
    joint, draws = (1, 0), 4000
    row = int(game.row_starts[2] + np.ravel_multi_index(joint, tuple(game.n_actions[2])))
    counts = np.zeros(game.n_states)
    env.reset(seed=3)
    for _ in range(draws):
        env.reset(options={"state": 2})
        observations, rewards, *_ = env.step(dict(zip(env.agents, joint, strict=True)))
        assert list(rewards.values()) == game.rewards[:, row].tolist()
        counts[observations[env.possible_agents[0]]] += 1
    expected = game.transitions[[row]].toarray()[0]
    assert (np.abs(counts / draws - expected) <= 5 * np.sqrt(expected * (1 - expected) / draws)).all()


@pytest.mark.usefixtures("pettingzoo")
def test_returns_of_play_agree_with_exact_values():
    game = pg.load("reputation_stag_hunt")
    profile = game.uniform_profile()
    exact = pg.evaluate(game, profile, pg.PowerObjective(0.0)).task @ game.start
    env = pg.to_pettingzoo(game, max_steps=150)
    rng = np.random.default_rng(0)
    returns = []
    env.reset(seed=1)
    for _ in range(300):
        env.reset()
        total, weight = np.zeros(2), 1.0
        while env.agents:
            actions = {agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents}
            total += weight * np.array(list(env.step(actions)[1].values()))
            weight *= env.discounts[0]
        returns.append(total)
    error = np.std(returns, axis=0) / np.sqrt(len(returns))
    rest = float(np.abs(game.rewards).max()) * game.discounts[0] ** 150 / (1 - game.discounts[0])
    assert (np.abs(np.mean(returns, axis=0) - exact) < 4 * error + rest).all()


@pytest.mark.usefixtures("pettingzoo")
def test_an_end_that_pays_nothing_terminates_and_time_truncates():
    game = pg.finite_horizon(pg.load("reputation_stag_hunt"), 3)
    first = dict.fromkeys(game.players, 0)
    env = pg.to_pettingzoo(game)
    env.reset(seed=0)
    for _ in range(2):
        assert not any(env.step(first)[2].values())
    _, _, terminations, truncations, _ = env.step(first)
    assert all(terminations.values())
    assert not any(truncations.values())
    assert env.agents == []
    assert env.step(first) == ({}, {}, {}, {}, {})
    short = pg.to_pettingzoo(game, max_steps=2)
    short.reset(seed=0)
    short.step(first)
    _, _, terminations, truncations, _ = short.step(first)
    assert not any(terminations.values())
    assert all(truncations.values())


@pytest.mark.usefixtures("pettingzoo")
def test_a_state_that_pays_goes_on():
    game = pg.StochasticGame.from_rows([[2, 1], [1, 1]], [[3, 0, 1], [0, 1, 0]], [[1, 0], [0, 1], [0, 1]], 0.5)
    env = pg.to_pettingzoo(game)
    env.reset(options={"state": 1})
    assert not any(env.step({"0": 0, "1": 0})[2].values())


@pytest.mark.usefixtures("pettingzoo")
def test_actions_beyond_those_of_the_state():
    game = pg.load(TURNS)
    few, player = (int(k) for k in np.argwhere(game.n_actions < game.max_actions)[0])
    own, most = int(game.n_actions[few, player]), game.max_actions[player]
    agent = game.players[player]
    for beyond in ("wrap", "refuse"):
        env = pg.to_pettingzoo(game, beyond=beyond)
        _, infos = env.reset(seed=0, options={"state": game.states[few]})
        assert infos[agent]["action_mask"].tolist() == [1] * own + [0] * (most - own)
        assert infos[agent]["state"] == few
        actions = dict.fromkeys(game.players, 0) | {agent: most - 1}
        if beyond == "wrap":
            rewards = env.step(actions)[1]
            env.reset(options={"state": few})
            assert env.step(actions | {agent: (most - 1) % own})[1] == rewards
        else:
            with pytest.raises(pg.InputError, match="action_mask"):
                env.step(actions)


@pytest.mark.usefixtures("pettingzoo")
def test_render_says_what_was_played(capsys):
    game = pg.load("big_match")
    env = pg.to_pettingzoo(game, render_mode="ansi")
    assert env.render() is None
    env.reset(options={"state": "play"})
    assert env.render() == "step 0, state play"
    env.step(dict.fromkeys(game.players, 1))
    names = game.action_names(0, 0)[1], game.action_names(0, 1)[1]
    text = env.render()
    assert all(name in text for name in (*names, *game.players, "step 1"))
    assert capsys.readouterr().out == ""
    loud = pg.to_pettingzoo(game, render_mode="human")
    loud.reset(options={"state": "play"})
    loud.step(dict.fromkeys(game.players, 1))
    assert capsys.readouterr().out == "step 0, state play\n" + text + "\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_steps": 0}, "max_steps: got 0"),
        ({"max_steps": True}, "max_steps: got True"),
        ({"observation": "text"}, "observation: got 'text'"),
        ({"beyond": "clip"}, "beyond: got 'clip'"),
        ({"render_mode": "rgb"}, "render_mode: got 'rgb'"),
    ],
)
@pytest.mark.usefixtures("pettingzoo")
def test_options_that_do_not_fit(options, words):
    with pytest.raises(pg.InputError, match=words):
        pg.to_pettingzoo(pg.load("stag_hunt"), **options)


@pytest.mark.usefixtures("pettingzoo")
def test_games_and_play_that_do_not_fit(monkeypatch):
    with pytest.raises(pg.InputError, match="game: got str"):
        pg.to_pettingzoo("stag_hunt")
    with pytest.raises(pg.InputError, match="'Ann' names two players"):
        pg.to_pettingzoo(pg.NormalFormGame(np.zeros((2, 2, 2)), players=["Ann", "Ann"]))
    env = pg.to_pettingzoo(pg.load("stag_hunt"))
    one, two = env.possible_agents
    with pytest.raises(pg.InputError, match="call reset first"):
        env.step({one: 0, two: 0})
    for state in (7, "nowhere", True):
        with pytest.raises(pg.InputError, match=f"got '{state}'"):
            env.reset(options={"state": state})
    env.reset()
    with pytest.raises(pg.InputError, match=f"no action of '{two}'"):
        env.step({one: 0})
    for action in (2, -1, 0.5, "stag", None, [0, 1]):
        with pytest.raises(pg.InputError, match="give an integer from 0 to 1"):
            env.step({one: 0, two: action})
    monkeypatch.delitem(sys.modules, "powergames.environments.parallel_env")
    monkeypatch.setitem(sys.modules, "pettingzoo", None)
    with pytest.raises(pg.InputError, match=r"pip install 'powergames\[pettingzoo\]'"):
        pg.to_pettingzoo(pg.load("stag_hunt"))


def as_environment(game):
    """The functions that `from_env` takes, of a game: states are their names, actions their indices."""

    def actions(state):
        return [range(size) for size in game.n_actions[game.states.index(state)]]

    def step(state, joint):
        s = game.states.index(state)
        row = int(game.row_starts[s] + np.ravel_multi_index(joint, tuple(game.n_actions[s])))
        following = zip(
            game.data[game.indptr[row] :], game.indices[game.indptr[row] : game.indptr[row + 1]], strict=False
        )
        return [(p, game.states[t], game.rewards[:, row]) for p, t in following]

    start = [(p, name) for p, name in zip(game.start.tolist(), game.states, strict=True) if p]
    return start, actions, step


@pytest.mark.parametrize("name", ["reputation_stag_hunt", "big_match", TURNS, "random_stochastic:states=5,seed=4"])
def test_a_game_compiles_to_itself(name):
    game = pg.load(name)
    again = pg.from_env(*as_environment(game), game.discounts, players=game.players)
    order = [again.states.index(state) for state in game.states]
    assert sorted(order) == list(range(game.n_states))
    np.testing.assert_allclose(again.start[order], game.start, rtol=1e-15)
    for s, t in enumerate(order):
        assert again.n_actions[t].tolist() == game.n_actions[s].tolist()
        rows, same = (slice(g.row_starts[k], g.row_starts[k + 1]) for g, k in ((game, s), (again, t)))
        # A reward is expected over what follows, so it is rounded.
        np.testing.assert_allclose(again.rewards[:, same], game.rewards[:, rows], rtol=1e-14, atol=1e-14)
        found = again.transitions.toarray()[same][:, order]
        np.testing.assert_allclose(found, game.transitions.toarray()[rows], rtol=1e-15)


def test_outcomes_are_merged_and_rewards_expected():
    def actions(state):
        return None if state == "end" else [["a"], ["b", "c"]]

    def step(state, joint):
        if joint[1] == "b":
            return [(0.25, "end", [4, 0]), (0.25, "end", [0, 8]), (0.5, "go", [2, 2]), (0.0, "never", [9, 9])]
        return [(1, "end", [1, 1])]

    game = pg.from_env([(0.5, "go"), (0.25, "end"), (0.25, "go")], actions, step, [0.5, 0.9], state_name=str.upper)
    assert game.states == ("GO", "END")
    assert game.start.tolist() == [0.75, 0.25]
    assert game.rewards.tolist() == [[2, 1, 0], [3, 1, 0]]
    assert game.transitions.toarray().tolist() == [[0.5, 0.5], [0, 1], [0, 1]]
    assert game.action_names(0, 1) == ("b", "c")
    assert game.action_names(1, 0) == ("-",)
    first = pg.from_env([(0.5, "end"), (0.5, "go")], actions, step, 0.5)
    assert first.rewards.tolist() == [[0, 2, 1], [0, 3, 1]]


def count(state):
    return [["on"], ["on"]]


def test_too_many_states_are_refused_with_their_number():
    calls = []
    with pytest.raises(pg.InputError, match=r"more than max_states = 50 states while 49 of them were done") as caught:
        pg.from_env(
            0, count, lambda s, a: [(1, s + 1, [0, 0])], 0.9, max_states=50, callback=lambda *seen: calls.append(seen)
        )
    assert "\n" not in str(caught.value)
    assert calls[-1] == ("from_env", 49, 50)
    assert pg.from_env(0, count, lambda s, a: [(1, (s + 1) % 50, [0, 0])], 0.9, max_states=50).n_states == 50


def test_too_many_joint_actions_are_refused_before_the_first_step():
    def step(state, joint):
        raise AssertionError

    with pytest.raises(pg.InputError, match="make the game smaller"):
        pg.from_env(0, lambda state: [range(3000)] * 5, step, 0.9)


@pytest.mark.parametrize("change", [{"discount": 1.5}, {"discount": [0.9] * 3}, {"players": ["Ann"]}])
def test_options_are_checked_before_the_search(change):
    def step(state, joint):
        raise AssertionError

    with pytest.raises(pg.InputError):
        pg.from_env(**({"start": 0, "actions": count, "step": step, "discount": 0.9} | change))


def test_the_callback_can_end_the_search_and_a_bar_is_shown_if_asked(capsys):
    def stop(stage, done, total):
        raise KeyboardInterrupt

    def go(state, joint):
        return [(1, (state + 1) % 3, [0, 0])]

    with pytest.raises(KeyboardInterrupt):
        pg.from_env(0, count, go, 0.9, callback=stop)
    assert pg.from_env(0, count, go, 0.9).n_states == 3
    assert capsys.readouterr() == ("", "")
    pg.from_env(0, count, go, 0.9, progress=True)
    assert "from_env" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": {1}}, "cannot be hashed"),
        ({"start": [(0.5, 0)]}, "start: probabilities sum to 0.5"),
        ({"start": [(-1, 0), (2, 0)]}, "start: got the probability -1"),
        ({"start": [0, 1]}, "start: got 0;"),
        ({"start": []}, "start: probabilities sum to 0"),
        ({"actions": 3}, "actions: got int"),
        ({"actions": lambda s: 3}, r"actions\(0\): got 3; give a list or a number"),
        ({"actions": lambda s: [["x"], []]}, "player 1 has none"),
        ({"actions": lambda s: [2, 0]}, "player 1 has none"),
        ({"actions": lambda s: [2, True]}, r"actions\(0\): got \[2, True\]"),
        ({"actions": lambda s: [["x"]] * (2 + s)}, r"actions\(1\): got 3 lists for 2 players"),
        ({"actions": lambda s: None}, "over before it begins"),
        ({"step": lambda s, a: None}, "step from 0: got None"),
        ({"step": lambda s, a: [3]}, "step from 0: got 3"),
        ({"step": lambda s, a: [("p", 0, [0, 0])]}, "give a list of"),
        ({"step": lambda s, a: [(1, 0, ["x", 0])]}, "give a list of"),
        ({"step": lambda s, a: [(1, 0, None)]}, "give a list of"),
        ({"step": lambda s, a: [(1, 0, [0, 0, 0])]}, "got 3 rewards for 2 players"),
        ({"step": lambda s, a: [(0.5, 0, [0, 0])]}, "step from 0: probabilities sum to 0.5"),
        ({"step": lambda s, a: [(float("nan"), 0, [0, 0])]}, "got the probability nan"),
        ({"step": lambda s, a: [(1, 0, [float("inf"), 0])]}, "must be finite"),
        ({"step": lambda s, a: [(1, [0], [0, 0])]}, r"the state \[0\] of type list cannot be hashed"),
        ({"discount": 1.5}, "discount"),
        ({"players": ["Ann"]}, "players: got 1 names"),
        ({"max_states": 0}, "max_states: got 0"),
        ({"callback": 3}, "callback: got int"),
        ({"state_name": "x"}, "state_name: got str"),
    ],
)
def test_environments_that_do_not_fit(change, words):
    fitting = {"start": 0, "actions": count, "step": lambda s, a: [(1, (s + 1) % 2, [0, 0])], "discount": 0.9}
    with pytest.raises(pg.InputError, match=words) as caught:
        pg.from_env(**(fitting | change))
    assert "\n" not in str(caught.value)


def test_numbers_of_actions_stand_for_their_indices():
    def step(state, joint):
        return [(1, (state + joint[0] * joint[1]) % 3, [joint[0], joint[1]])]

    game = pg.from_env(0, lambda state: (2, np.int64(3)), step, 0.9)
    assert game.n_actions.tolist() == [[2, 3]] * 3
    assert game.action_names(0, 1) == ("0", "1", "2")
    assert game.rewards[1, :6].tolist() == [0, 1, 2, 0, 1, 2]


def drawn(rng):
    """Environments that draw what they should list; by what the message says of each."""

    def go(state, joint):
        return [(1, (state + 1) % 3, [0, 0])]

    def over(state):
        return None if state == 2 and rng.random() < 0.2 else [["on"], ["on"]]

    def chances(state, joint):
        p = rng.random()
        return [(p, 0, [0, 0]), (1 - p, 1, [0, 0])]

    return {
        "step(0, ('on', 'on')): got rewards [": (
            count,
            lambda s, a: [(1, 0, [float(rng.random() < 0.5), 0])],
        ),
        "step(1, ('on', 'on')): got next state": (
            count,
            lambda s, a: [(1, 0, [0, 0])] if s == 1 and rng.random() < 0.01 else go(s, a),
        ),
        "actions(2): got": (over, go),
        "step(0, ('on', 'on')): got next state 0 with probability": (count, chances),
        "1e-09": (count, lambda s, a: [(1, 0, [1e-9 * (rng.random() < 0.5), 0])]),
    }


@pytest.mark.parametrize("words", drawn(np.random.default_rng(0)))
def test_environments_that_draw_chances_are_refused(words):
    for seed in range(3):
        with pytest.raises(pg.InputError, match="list all chances") as caught:
            pg.from_env(0, *drawn(np.random.default_rng(seed))[words], 0.9)
        assert words in str(caught.value)
        assert "when called again" in str(caught.value)


def test_environments_that_remember_more_than_the_state_are_refused():
    clock = itertools.count()

    def step(state, joint):
        return [(1, (state + 1) % 50, [0, 0])] if next(clock) < 60 else [(1, state, [0, 0])]

    with pytest.raises(pg.InputError, match="keep in the state all that the future depends on"):
        pg.from_env(0, count, step, 0.9)


def test_listed_chances_in_another_order_are_the_same():
    calls = itertools.count()

    def step(state, joint):
        following = [(0.1, 0, [0.3, 1e9]), (0.2, 1, [0.1, -1e9]), (0.7, 0, [0.7, 0.1])]
        return following[:: 1 if next(calls) % 2 else -1]

    assert pg.from_env(0, count, step, 0.9).n_states == 2


def test_states_are_counted_without_a_game():
    game = pg.load("random_stochastic:states=5,seed=4")
    start, actions, step = as_environment(game)
    found = pg.count_states(start, actions, step)
    assert found == (game.n_states, game.n_rows, len(game.data), True)
    told = []
    cut = pg.count_states(0, count, lambda s, a: [(1, s + 1, [0, 0])], max_states=7, callback=lambda *x: told.append(x))
    assert cut == (7, 6, 6, False)
    assert told[-1] == ("count_states", 6, 7)
    assert pg.count_states(0, lambda state: None, step) == (1, 1, 1, True)
    for change, words in [({"max_states": True}, "max_states: got True"), ({"callback": 3}, "callback: got int")]:
        with pytest.raises(pg.InputError, match=words):
            pg.count_states(0, count, step, **change)
    with pytest.raises(pg.InputError, match="step: got NoneType"):
        pg.count_states(0, count, None)


def test_large_games_are_checked_in_part(monkeypatch):
    from powergames.environments import compiler

    monkeypatch.setattr(compiler, "CHECKS", 100)
    monkeypatch.setattr(compiler, "REPEATS", 20)
    calls = itertools.count()

    def step(state, joint):
        next(calls)
        return [(1, (state + 1) % 300, [0, 0])]

    assert pg.from_env(0, count, step, 0.9).n_states == 300
    assert next(calls) == 300 + 100


def test_what_a_step_raises_is_passed_on():
    def step(state, joint):
        yield from ()
        raise ValueError("my own")

    with pytest.raises(ValueError, match="my own"):
        pg.from_env(0, count, step, 0.9)


@pytest.fixture(scope="module")
def pyspiel():
    return pytest.importorskip("pyspiel", reason="OpenSpiel is not installed; it is the extra 'openspiel'")


def expected_returns(state, discount, depth):
    """Discounted returns of `depth` joint moves of players who mix all actions equally, over the tree of all play."""
    if state.is_chance_node():
        return sum(p * expected_returns(state.child(a), discount, depth) for a, p in state.chance_outcomes())
    if state.is_terminal() or depth == 0:
        return np.zeros(state.num_players())
    if state.is_simultaneous_node():
        joints = list(itertools.product(*(state.legal_actions(p) for p in range(state.num_players()))))
    else:
        joints = state.legal_actions()
    total = np.zeros(state.num_players())
    for joint in joints:
        after = state.clone()
        after.apply_actions(joint) if state.is_simultaneous_node() else after.apply_action(joint)
        total += paid_and_after(after, discount, depth)
    return total / len(joints)


def paid_and_after(state, discount, depth):
    if state.is_chance_node():
        return sum(p * paid_and_after(state.child(a), discount, depth) for a, p in state.chance_outcomes())
    return np.array(state.rewards()) + discount * expected_returns(state, discount, depth - 1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("oshi_zumo(coins=3,size=1,horizon=6)", {}),
        ("oshi_zumo(coins=3,size=1,horizon=6)", {"key": str}),
        ("goofspiel(num_cards=3)", {}),
        ("pig(players=2,winscore=3,diceoutcomes=2,horizon=6)", {}),
        ("repeated_game(stage_game=matrix_pd(),num_repetitions=3)", {}),
        ("mnk(m=2,n=2,k=2)", {}),
        ("kuhn_poker", {"observable": True}),
    ],
)
def test_values_agree_with_the_tree_of_all_play(pyspiel, name, options):
    game = pg.from_openspiel(name, 0.9, **options)
    value = pg.evaluate(game, game.uniform_profile(), pg.PowerObjective(0.0)).task @ game.start
    tree = expected_returns(pyspiel.load_game(name).new_initial_state(), 0.9, 20)
    np.testing.assert_allclose(value, tree, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "key", "depth"),
    [
        ("markov_soccer", str, 2),
        ("pathfinding(grid=..A*\n.*..\n...a\n)", str, 4),
        ("pig(winscore=4,diceoutcomes=3)", str, 7),
    ],
)
def test_a_key_drops_the_clock_and_nothing_else(pyspiel, name, key, depth):
    game = pg.from_openspiel(name, 0.5, key=key)
    rows = np.concatenate([np.full(k, 1 / k) for k in np.diff(game.row_starts)])
    state_of = np.repeat(np.arange(game.n_states), np.diff(game.row_starts))
    value = np.zeros((game.n_players, game.n_states))
    for _ in range(depth):
        worth = rows * (game.rewards + 0.5 * (game.transitions @ value.T).T)
        value = np.array([np.bincount(state_of, own) for own in worth])
    tree = expected_returns(pyspiel.load_game(name).new_initial_state(), 0.5, depth)
    np.testing.assert_allclose(value @ game.start, tree, rtol=1e-12, atol=1e-12)


def test_games_of_turns_have_their_known_values(pyspiel):
    assert pg.from_openspiel("tic_tac_toe", 0.9).n_states == 4520 + 1
    for piles, wins in [("1;2;3", False), ("1;2;2", True), ("2;2", False)]:
        game = pg.from_openspiel(f"nim(pile_sizes={piles})", 0.9)
        equilibrium = pg.solve(game)
        assert equilibrium.status.name == "CONVERGED"
        assert (equilibrium.task[0, 0] > 0) == wins
        assert (equilibrium.task[1, 0] < 0) == wins


def test_one_shot_games_come_in_normal_form(pyspiel):
    game = pg.from_openspiel("matrix_pd")
    assert game.payoffs.tolist() == [[[5, 0], [10, 1]], [[5, 10], [0, 1]]]
    assert game.actions == (("Cooperate", "Defect"),) * 2
    assert pg.from_openspiel(pyspiel.load_game("matching_pennies_3p")).n_actions == (2, 2, 2)


def test_states_have_names_that_differ(pyspiel):
    game = pg.from_openspiel("oshi_zumo(coins=3,size=1,horizon=6)", 0.9)
    assert len(set(game.states)) == game.n_states
    assert game.states[0].endswith("@ 0")
    assert "end" in game.states
    named = pg.from_openspiel("oshi_zumo(coins=3,size=1,horizon=6)", 0.9, state_name=lambda state: state.history_str())
    assert named.states[0] == ""


def test_games_of_openspiel_that_do_not_fit(pyspiel, monkeypatch):
    for arguments, words in [
        (("nope", 0.9), "OpenSpiel has no game 'nope'"),
        (("kuhn_poker", 0.9), "observable=True"),
        (("tic_tac_toe",), "give discount="),
        (("mfg_garnet", 0.9), "mean-field"),
        ((3, 0.9), "got int"),
    ]:
        with pytest.raises(pg.InputError, match=words):
            pg.from_openspiel(*arguments)
    with pytest.raises(pg.InputError, match="key: got int"):
        pg.from_openspiel("tic_tac_toe", 0.9, key=3)
    with pytest.raises(pg.InputError, match=r"from_openspiel: found more than max_states = 100 states"):
        pg.from_openspiel("laser_tag", 0.9, key=str, max_states=100)


PIG = "pig(players=2,winscore=3,diceoutcomes=2,horizon=6)"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        # Pig ends after so many rolls and holds, but its move number counts dice too.
        (PIG, lambda state: (str(state), state.move_number())),
        ("tic_tac_toe", lambda state: str(state)[:6]),
        ("goofspiel(num_cards=3)", lambda state: state.move_number()),
    ],
)
def test_keys_that_merge_different_futures_are_refused(pyspiel, name, key):
    with pytest.raises(pg.InputError, match=r"states with the same key differ, such as .*; give a key that says more"):
        pg.from_openspiel(name, 0.9, key=key)


def test_histories_are_the_states_where_the_text_says_too_little(pyspiel, monkeypatch):
    from powergames.environments import openspiel

    monkeypatch.setattr(openspiel, "_text_and_time", lambda node: (str(node.state), node.number))
    game = pg.from_openspiel(PIG, 0.9)
    value = pg.evaluate(game, game.uniform_profile()).start_task
    np.testing.assert_allclose(value, expected_returns(pyspiel.load_game(PIG).new_initial_state(), 0.9, 20))
    assert len(set(game.states)) == game.n_states == 277 + 1
    with pytest.raises(pg.InputError, match=r"max_states = 150 .* each history is a state: give a key"):
        pg.from_openspiel(PIG, 0.9, max_states=150)


def test_openspiel_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    with pytest.raises(pg.InputError, match=r"pip install 'powergames\[openspiel\]'"):
        pg.from_openspiel("tic_tac_toe", 0.9)
