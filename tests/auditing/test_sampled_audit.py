"""Sampled audits against exact ones, in compiled code and in environments of every kind; and what they refuse."""

from __future__ import annotations

import copy
import random
import threading

import numpy as np
import pytest

import powergames as pg
from powergames.auditing.adversaries import Experience, tally
from powergames.environments.sampling import Clock, Record

pytestmark = pytest.mark.usefixtures("pettingzoo")

GAME = pg.load("random_stochastic:players=2,states=3,actions=2,seed=1").with_discount(0.5)
PROFILE = [[[0.3, 0.7], [0.9, 0.1], [1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0], [0.2, 0.8]]]


class Line:
    """Two walkers on a line of five places, who are paid where they meet; steps may slip. A `ParallelEnv` by hand."""

    possible_agents = ("left", "right")
    places = 5

    def __init__(self, end=None, limit=None):
        self.agents, self.end, self.limit = [], end, limit
        self.rng = np.random.default_rng(0)

    def action_space(self, agent):
        from gymnasium.spaces import Discrete

        return Discrete(2)

    def seen(self):
        return dict.fromkeys(self.agents, np.array(self.at))

    def draw(self):
        return self.rng.random()

    def reset(self, seed=None, options=None):
        self.rng = np.random.default_rng(seed)
        self.agents, self.at, self.clock = list(self.possible_agents), [0, 4], 0
        return self.seen(), {agent: {} for agent in self.agents}

    def step(self, actions):
        for i, agent in enumerate(self.possible_agents):
            if actions[agent] and self.draw() < 0.8:
                self.at[i] = (self.at[i] + 1) % self.places
        self.clock += 1
        met = float(self.at[0] == self.at[1])
        rewards = {"left": met, "right": 2 * met - 0.1 * actions["right"]}
        over, cut = self.at[0] == self.end, self.clock == self.limit
        seen, infos = self.seen(), {agent: {} for agent in self.agents}
        flags = [dict.fromkeys(self.agents, bool(flag)) for flag in (over, cut)]
        if over or cut:
            self.agents = []
        return seen, rewards, *flags, infos


class Restored(Line):
    """The same, set to a state by its own functions."""

    def get_state(self):
        return self.at, self.clock

    def set_state(self, state):
        self.at, self.clock = state

    def __deepcopy__(self, memo):
        raise TypeError("it holds a window")


class Cloned(Line):
    """The same, with a way to copy itself."""

    def clone(self):
        return copy.deepcopy(self)


class Rebuilt(Line):
    """The same, with a window, and copied as Gymnasium's EzPickle does it: from its arguments, without its state."""

    def __init__(self):
        super().__init__()
        self._ezpickle_args, self.window = (), threading.Lock()

    def __getstate__(self):
        return {}

    def __setstate__(self, state):
        self.__init__()


class Counted:
    """A policy that remembers how many steps it has seen, and goes on every other one."""

    def reset(self):
        self.steps = 0

    def __call__(self, seen):
        self.steps += 1
        return [0.0, 1.0] if self.steps % 2 else [0.5, 0.5]


class Kept(Counted):
    """The same, whose memory can be set."""

    def get_state(self):
        return self.steps

    def set_state(self, state):
        self.steps = state


def walks(end=None):
    """Return the game of `Line`."""
    slips = ((0, 0.2), (1, 0.8))

    def step(state, joint):
        outcomes = []
        for move, p in slips if joint[0] else ((0, 1.0),):
            for other, q in slips if joint[1] else ((0, 1.0),):
                after = (state[0] + move) % 5, (state[1] + other) % 5
                met = float(after[0] == after[1])
                outcomes.append((p * q, after, [met, 2 * met - 0.1 * joint[1]]))
        return outcomes

    return pg.from_env((0, 4), lambda state: None if state[0] == end else [2, 2], step, 0.6, players=["left", "right"])


def going(seen):
    """Go on with a probability that depends on the place."""
    return [0.5, 0.5] if seen[0] != seen[1] else [0.9, 0.1]


# The level of intervals that are looked at once.
SURE = 0.9999


def holds(estimate, truth):
    """Return how many intervals hold the truth."""
    return int(((estimate.low <= truth) & (truth <= estimate.high)).sum())


def test_intervals_hold_as_often_as_they_promise():
    exact = pg.evaluate(GAME, PROFILE, 0.3)
    held = np.zeros(3)
    for seed in range(40):
        found = pg.sampled_audit(GAME, PROFILE, 0.3, episodes=100, seed=seed, level=0.9, attacks=False)
        held += (
            holds(found.returns, exact.start_task),
            holds(found.power, exact.average_power) - 2,
            holds(found.utility, exact.start_utility),
        )
    # The standard error of a share of 0.9 in 80 is 0.034.
    assert (held / 80 > 0.8).all()
    assert (held[[0, 2]] / 80 < 0.99).all()


def test_attacks_are_those_of_the_exact_audit():
    exact = pg.audit(GAME, PROFILE, 0.3, steps=3)
    found = pg.sampled_audit(GAME, PROFILE, 0.3, episodes=400, steps=3, level=SURE)
    names = [(a.deviator, a.kind, a.against, a.action, a.steps, a.label) for a in exact.off_policy]
    assert [(a.deviator, a.kind, a.against, a.action, a.steps, a.label) for a in found.attacks] == names
    held = sum(holds(mine, true.start_task) for mine, true in zip(found.attacks, exact.off_policy, strict=True))
    assert held == 2 * len(names)
    assert all(attack.known == 1.0 for attack in found.attacks)
    for mine, true in zip(found.attacks, exact.off_policy, strict=True):
        assert np.abs(mine.mean - true.start_task).max() < 0.1


def test_without_chance_intervals_are_narrow():
    """They only have room for an event that is too rare to be seen."""
    game, profile = pg.load("overcooked:tiny"), [2, 3]
    found = pg.sampled_audit(game, profile, episodes=32, horizon=5, steps=2)
    exact = pg.audit(game, profile, horizon=5, steps=2)
    for estimate, truth in ((found.returns, exact.start_task), (found.power, exact.occupancy_power)):
        assert holds(estimate, truth) == truth.size
        assert estimate.mean == pytest.approx(truth)
        assert (estimate.high - estimate.low <= 2 * np.log(40) / 32 * 1.01).all()
    for mine, true in zip(found.attacks, exact.off_policy, strict=True):
        assert mine.label == true.label
        if mine.kind != "uniform":
            assert mine.mean == pytest.approx(true.start_task)


@pytest.mark.parametrize("profile", [PROFILE, [np.eye(2)[[[0, 1, 1]] * 4], PROFILE[1]]], ids=["stationary", "timed"])
def test_over_a_horizon(profile):
    game = GAME.with_discount([1.0, 0.7])
    exact = pg.audit(game, profile, 0.2, horizon=4, steps=2)
    found = pg.sampled_audit(game, profile, 0.2, horizon=4, steps=2, episodes=400, seed=1, level=SURE)
    assert holds(found.returns, exact.start_task) == 2
    assert holds(found.power, exact.occupancy_power) == 4
    assert holds(found.utility, exact.start_utility) == 2
    for mine, true in zip(found.attacks, exact.off_policy, strict=True):
        assert np.abs(mine.mean - true.start_task).max() < 0.15


def test_discounts_may_differ():
    game = GAME.with_discount([0.0, 0.8])
    exact = pg.evaluate(game, PROFILE, 0.2)
    found = pg.sampled_audit(game, PROFILE, 0.2, episodes=500, attacks=False, level=SURE)
    assert holds(found.returns, exact.start_task) == 2
    assert holds(found.power, exact.average_power) == 4


def test_a_game_in_normal_form_is_played_once():
    game = pg.load("assembly_line:n=3")
    found = pg.sampled_audit(pg.to_pettingzoo(game), game.uniform_profile(), 0.5, episodes=500, level=SURE)
    exact = pg.audit(game, game.uniform_profile(), 0.5)
    assert holds(found.returns, exact.task) == 3
    assert holds(found.power, exact.power) == 9
    # One step is all the time there is.
    ever = [attack for attack in found.attacks if attack.label == "adversarial for ever"]
    worst = [attack for attack in exact.off_policy if attack.kind == "adversarial"]
    for mine, true in zip(ever, worst, strict=True):
        assert mine.mean == pytest.approx(true.task.astype(float), abs=0.2)


@pytest.mark.parametrize("kind", [Line, Restored, Cloned, Rebuilt])
def test_every_way_to_set_an_environment_to_a_state(kind):
    game = walks()
    exact = pg.audit(game, [going, going], 0.2, steps=2, observe=lambda state: state)
    env = kind()
    found = pg.sampled_audit(env, [going, going], 0.2, discount=0.6, episodes=32, steps=2, seed=3, level=SURE)
    assert holds(found.returns, exact.start_task) == 2
    assert holds(found.power, exact.occupancy_power) == 4
    held = sum(holds(mine, true.start_task) for mine, true in zip(found.attacks, exact.off_policy, strict=True))
    assert held == 2 * len(found.attacks)
    if kind is not Restored:
        assert env.agents == []


def test_environments_that_end_or_are_cut_off():
    exact = pg.audit(walks(end=2), [lambda seen: [1.0] if seen[0] == 2 else going(seen)] * 2, observe=list)
    found = pg.sampled_audit(Line(end=2), [going, going], discount=0.6, episodes=32, attacks=False, level=SURE)
    assert holds(found.returns, exact.start_task) == 2
    assert holds(found.power, exact.occupancy_power) == 4
    assert found.truncated == 0.0
    cut = pg.sampled_audit(Line(limit=3), [going, going], discount=0.6, episodes=32, attacks=False)
    horizon = pg.sampled_audit(Line(), [going, going], discount=0.6, horizon=3, episodes=32, attacks=False)
    assert cut.truncated > 0.5
    assert cut.returns.mean == pytest.approx(horizon.returns.mean)
    assert horizon.truncated == 0.0


@pytest.mark.parametrize("memory", [Counted, Kept])
def test_policies_that_remember(memory):
    """The same as a game in which the state says whether the number of steps is odd."""
    game = walks()
    found = pg.sampled_audit(Line(), [memory(), going], discount=0.6, horizon=4, episodes=48, attacks=False, level=SURE)
    one = np.array([[[0.0, 1.0] if t % 2 == 0 else [0.5, 0.5]] * game.n_states for t in range(4)])
    other = np.array([[going(state) for state in game.state_objects]] * 4)
    exact = pg.evaluate(game.with_discount(0.6), [one, other], horizon=4)
    assert holds(found.returns, exact.start_task) == 2
    assert holds(found.power, exact.average_power) == 4


def test_ours_are_asked_at_each_step_where_policies_remember():
    game = pg.load("reputation_stag_hunt").with_discount(0.5)
    env = pg.to_pettingzoo(game, max_steps=2)
    options = {"horizon": 4, "episodes": 64, "attacks": False, "level": SURE}
    found = pg.sampled_audit(env, [Counted(), [0.2, 0.8]], **options)
    again = pg.sampled_audit(env, {game.players[1]: [0.2, 0.8], game.players[0]: Counted()}, **options)
    assert found.to_dict() == again.to_dict()
    assert found.truncated == 0.0
    timed = np.array([[[0.0, 1.0] if t % 2 == 0 else [0.5, 0.5]] * 4 for t in range(4)])
    exact = pg.evaluate(game, [timed, [0.2, 0.8]], horizon=4)
    assert holds(found.returns, exact.start_task) == 2
    assert holds(found.power, exact.average_power) == 4


def test_functions_of_the_observation_are_functions_of_the_state():
    env = pg.to_pettingzoo(GAME)
    tables = [np.array(table, dtype=np.float32) for table in PROFILE]
    policies = [lambda seen, table=table: seen @ table for table in tables]
    found = pg.sampled_audit(env, policies, episodes=32, attacks=False)
    assert found.returns.mean == pytest.approx(pg.sampled_audit(GAME, PROFILE, episodes=32, attacks=False).returns.mean)


def test_two_audits_at_once_change_nothing():
    class Dice(Line):
        def draw(self):
            return np.random.random()  # noqa: NPY002

    def audit(results):
        found = pg.sampled_audit(Dice(), [going, going], discount=0.5, episodes=64, attacks=False)
        results.append(found.to_dict())

    alone, both = [], []
    audit(alone)
    threads = [threading.Thread(target=audit, args=(both,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both == alone * 2


def test_workers_change_nothing():
    one = pg.sampled_audit(GAME, PROFILE, episodes=32, steps=2)
    assert one.to_dict() == pg.sampled_audit(GAME, PROFILE, episodes=32, steps=2, n_jobs=2).to_dict()
    assert one.to_dict() != pg.sampled_audit(GAME, PROFILE, episodes=32, steps=2, seed=1).to_dict()


def test_episodes_end_at_the_width_wanted():
    found = pg.sampled_audit(GAME, PROFILE, episodes=50_000, width=0.05, attacks=False)
    assert 256 < found.episodes < 50_000
    assert max((part.high - part.low).max() for part in (found.returns, found.power)) <= 0.05


def test_luck_of_others_is_left_alone():
    class Dice(Line):
        def draw(self):
            return (random.random() + np.random.random()) % 1.0  # noqa: NPY002

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    runs = [
        pg.sampled_audit(Dice(), [going, going], discount=0.5, episodes=32, attacks=False).to_dict() for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_a_state_that_does_not_say_all_is_refused():
    class Forgetful(Restored):
        def get_state(self):
            return self.at

        def set_state(self, state):
            self.at = state

    class Hidden(Line):
        def noise(self):
            return np.random.SeedSequence().generate_state(1)[0]

        def seen(self):
            return dict.fromkeys(self.agents, np.array([*self.at, self.noise()]))

    assert pg.sampled_audit(Restored(limit=4), [going] * 2, discount=0.5, episodes=32, attacks=False).truncated > 0
    with pytest.raises(pg.InputError, match="env: set to the same state twice, Forgetful gave other ends"):
        pg.sampled_audit(Forgetful(limit=4), [going, going], discount=0.5, episodes=32)
    with pytest.raises(
        pg.InputError, match=r"env: set to the same state twice, Hidden gave other observations .* give reseed="
    ):
        pg.sampled_audit(Hidden(), [going, going], discount=0.5, episodes=32)

    def reseed(env, seed):
        env.noise = np.random.default_rng(seed).random

    assert pg.sampled_audit(Hidden(), [going] * 2, discount=0.5, episodes=32, attacks=False, reseed=reseed).steps


def test_a_state_of_which_part_stays_as_it_was_is_refused():
    class Half(Restored):
        """Its clock can be set, and the walkers stay where they are."""

        def get_state(self):
            return self.clock

        def set_state(self, state):
            self.clock = state

    class Tired(Restored):
        """Walkers tire by all that is played, but not at once, and do not rest when they are set to a state."""

        def reset(self, seed=None, options=None):
            self.steps = 0
            return super().reset(seed)

        def step(self, actions):
            self.steps += 1
            seen, rewards, *rest = super().step(actions)
            return seen, {agent: reward - (self.steps > 40) for agent, reward in rewards.items()}, *rest

    for env in (Half(), Tired()):
        with pytest.raises(pg.InputError, match=f"env: set to the same state twice, {type(env).__name__} gave other"):
            pg.sampled_audit(env, [going, going], discount=0.5, episodes=32, attacks=False)


def test_answers_that_are_not_those_of_a_parallel_env_are_refused():
    class Old(Line):
        def step(self, actions):
            return super().step(actions)[:4]

    class Bare(Line):
        def reset(self, seed=None, options=None):
            return super().reset(seed)[0]

    class Other(Line):
        def step(self, actions):
            seen, _, *rest = super().step(actions)
            return seen, {"player_0": 1.0, "player_1": 1.0}, *rest

    class Blind(Line):
        def seen(self):
            return {"left": np.array(self.at)}

    class Empty(Line):
        def reset(self, seed=None, options=None):
            answer = super().reset(seed)
            self.agents = []
            return answer

    for env, message in (
        (Old, r"env: step returned \(dict, dict, dict, dict\); give 5 dicts by agent"),
        (Bare, "env: reset returned dict; give 2 dicts by agent"),
        (Other, "env: 'left', 'right' acted, and step paid 'player_0', 'player_1'; give a reward to each agent"),
        (Blind, "env: 'right' plays and observes nothing; give observations to all"),
        (Empty, "env: after reset nobody plays"),
    ):
        with pytest.raises(pg.InputError, match=message):
            pg.sampled_audit(env(), [going, going], discount=0.5, episodes=32)


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [0.2, 0.2], [0.0, 0.0], [2.0, 1.0], [-0.5, 1.5]])
def test_wrong_probabilities_are_refused_in_environments_of_ours_too(bad):
    env = pg.to_pettingzoo(GAME)
    with pytest.raises(pg.InputError, match=r"policy of 'player 1': got .*; give 2 probabilities that sum to 1"):
        pg.sampled_audit(env, [lambda seen: bad, lambda seen: [0.5, 0.5]], episodes=32, attacks=False)


def test_without_a_discount_only_the_first_step_counts():
    start = pg.sampled_audit(Line(), [going, going], discount=0, episodes=64, attacks=False, seed=1)
    once = pg.sampled_audit(Line(), [going, going], discount=0.5, horizon=1, episodes=64, attacks=False, seed=1)
    assert start.returns.mean.tolist() == once.returns.mean.tolist()


@pytest.mark.parametrize(
    ("env", "policies", "message"),
    [
        (Line, [going], r"profile: got 1 .*"),
        (Line, [going, [0.5, 0.5]], r"policy of 'right': got list; give a function of the observation"),
        (Line, [going, lambda seen: [0.5, 0.4]], r"policy of 'right': got \[0.5 0.4\]; give 2 probabilities"),
        (Line, [going, lambda seen: 2], r"policy of 'right': got action 2; give one of Discrete\(2\)"),
        (object, [going, going], r"env: got object, which has no possible_agents"),
    ],
)
def test_what_cannot_be_played_is_refused(env, policies, message):
    with pytest.raises(pg.InputError, match=message):
        pg.sampled_audit(env(), policies, discount=0.5, episodes=32)


def test_actions_that_a_state_lacks():
    """The second player of the Big Match has one action once play is lost or won."""
    game = pg.load("big_match").with_discount(0.5)
    exact = pg.audit(game, game.uniform_profile(), steps=2)
    env = pg.to_pettingzoo(game, observation="index")
    policies = [Counted(), Kept()]
    for policy in policies:
        policy.__class__ = type("Mixed", (type(policy),), {"__call__": lambda self, s: [1.0, 0.0] if s else [0.5, 0.5]})
    found = pg.sampled_audit(env, policies, episodes=32, steps=2, level=SURE)
    assert holds(found.returns, exact.start_task) == 2
    assert holds(found.power, exact.occupancy_power) == 4
    for mine, true in zip(found.attacks, exact.off_policy, strict=True):
        assert np.abs(mine.mean - true.start_task).max() < 0.4
    masked = [lambda seen: [0.5, 0.5], lambda seen: 0]
    with pytest.raises(pg.InputError, match=r"got probability 0\.5 for action 1, which action_mask rules out"):
        pg.sampled_audit(env, masked, episodes=32)


def test_what_adversaries_learn():
    """Of two actions in one key the one that pays the victim least; elsewhere the one that does so on average."""
    clock = Clock(np.array([0.5, 0.5]), 0)
    actions = np.array([[0, 1, 0, 1]])
    rewards = np.stack([np.zeros((1, 4)), np.array([[1.0, 0.0, 1.0, 0.0]])], axis=2)
    keys, shares = [["a"] * 5], np.full((1, 4), 0.5)
    experience = Experience(0, 2)
    experience.add([tally(Record(keys, actions, rewards, shares, np.array([4])), 2)])
    assert experience.model().adversary(1, clock, None).tolist() == [[1, 1]]
    assert experience.model().adversary(1, clock, 2).tolist() == [[1, 1], [1, 1]]
    assert experience.model().adversary(0, clock, 1).tolist() == [[0, 0]]


def test_what_it_shows():
    found = pg.sampled_audit(GAME, PROFILE, 0.3, episodes=32, steps=2)
    assert "adversarial for 2 steps" in found._repr_html_()
    assert "in brackets" in str(found.blocks())
    assert repr(found).startswith("<SampledAudit: 32 episodes, returns about")


def best_gain(game, profile, player):
    """Return what the best response earns more than the profile, exactly."""
    certificate = pg.certify(game, profile, pg.PowerObjective(0.0, form="adversarial"))
    return float(np.asarray(game.start) @ np.asarray(certificate.regrets)[player])


@pytest.mark.parametrize("env", [GAME, Line()], ids=["compiled", "played"])
def test_a_best_response_bounds_regret_from_below(env):
    if env is GAME:
        game, profile, options = GAME, PROFILE, {"episodes": 400}
    else:
        game = walks()
        profile = [np.array([going(state) for state in game.state_objects])] * 2
        options = {"episodes": 100, "discount": 0.6}
    policies = PROFILE if env is GAME else [going, going]
    found = pg.sampled_audit(env, policies, attacks=False, best_response=True, level=SURE, **options)
    regrets = [best_gain(game, profile, player) for player in range(2)]
    assert min(regrets) > 0.1
    assert (found.regret.low <= regrets).all()
    assert found.regret.mean == pytest.approx(regrets, rel=0.2)
    assert (found.regret.low > 0.0).any()


def test_a_best_response_of_your_own():
    """Utility gained is what is bounded, where power is charged for."""
    better = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    asked = []

    def respond(env, agent):
        asked.append(agent)
        return better if agent == GAME.players[0] else PROFILE[1]

    found = pg.sampled_audit(GAME, PROFILE, 0.3, episodes=400, attacks=False, best_response=respond, level=0.999)
    gain = pg.evaluate(GAME, [better, PROFILE[1]], 0.3).start_utility - pg.evaluate(GAME, PROFILE, 0.3).start_utility
    assert asked == list(GAME.players)
    assert abs(gain[0]) > 0.05
    assert found.regret.low[0] <= max(gain[0], 0.0) <= found.regret.mean[0] + 0.15
    assert found.regret.low[1] == 0.0
    assert found.regret.mean[1] < 0.01
    assert found.to_dict()["regret"]["low"] == found.regret.low.tolist()
    assert "it may be larger" in str(found.blocks())


def test_a_best_response_over_a_horizon_and_of_policies_that_remember():
    env = pg.to_pettingzoo(GAME)
    options = {"horizon": 3, "episodes": 200, "attacks": False, "best_response": True}
    tables = [np.array([PROFILE[player]] * 3) for player in range(2)]
    compiled = pg.sampled_audit(GAME, tables, discount=1.0, **options)
    values = np.zeros(3)
    profile = [np.asarray(own) for own in PROFILE]
    rewards, transitions = np.asarray(GAME.rewards)[0].reshape(3, 2, 2), GAME.transitions.reshape(3, 2, 2, 3)
    for _ in range(3):
        values = np.einsum("sab,sb->sa", rewards + transitions @ values, profile[1]).max(axis=1)
    regret = GAME.start @ values - pg.evaluate(GAME.with_discount(1.0), PROFILE, horizon=3).start_task[0]
    assert compiled.regret.low[0] <= regret
    assert compiled.regret.mean[0] == pytest.approx(regret, abs=0.15)

    class Remembering:
        def reset(self):
            self.steps = 0

        def __call__(self, seen):
            self.steps += 1
            return seen @ np.array(PROFILE[0])

    played = pg.sampled_audit(env, [Remembering(), lambda seen: seen @ np.array(PROFILE[1])], discount=1.0, **options)
    assert played.regret.low[0] <= regret
    assert played.regret.mean[0] == pytest.approx(regret, abs=0.3)


@pytest.mark.parametrize(
    ("response", "objective", "message"),
    [
        (3, 0.2, "best_response: got '3'; give True"),
        (True, pg.PowerObjective(0.2, form="adversarial"), "best_response: the gain of one cannot be measured"),
    ],
)
def test_best_responses_that_cannot_be_had(response, objective, message):
    with pytest.raises(pg.InputError, match=message):
        pg.sampled_audit(GAME, PROFILE, objective, episodes=32, best_response=response)


def test_adversaries_that_were_found_say_what_they_do():
    """What others get from one is the value of that very adversary."""
    found = pg.sampled_audit(GAME, PROFILE, episodes=400, steps=2, level=SURE)
    (attack,) = (own for own in found.attacks if own.kind == "adversarial" and own.deviator == 0 and own.steps is None)
    plays = np.eye(2)[[attack.choice(state) for state in range(3)]]
    assert holds(attack, pg.evaluate(GAME, [plays, PROFILE[1]]).start_task) == 2
    (short,) = (own for own in found.attacks if own.kind == "adversarial" and own.deviator == 0 and own.steps == 2)
    assert [short.choice(0, step) is None for step in range(3)] == [False, False, True]
    assert found.attacks[-1].choice(0) is None


def test_workers_on_other_machines_change_nothing():
    """Dask's workers stand for them, through joblib."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    import joblib

    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        games = pg.sampled_audit(GAME, PROFILE, episodes=32, steps=2)
        played = pg.sampled_audit(Line(), [going, going], discount=0.6, episodes=32, attacks=False)
    assert games.to_dict() == pg.sampled_audit(GAME, PROFILE, episodes=32, steps=2).to_dict()
    assert (
        played.to_dict() == pg.sampled_audit(Line(), [going, going], discount=0.6, episodes=32, attacks=False).to_dict()
    )


class Seedless(Line):
    """Its reset takes no seed."""

    def reset(self):
        return super().reset()


class Idle(Line):
    """Its step takes no actions."""

    def step(self):
        return super().step({})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env": Seedless()}, "env: reset of Seedless: got an unexpected keyword argument 'seed'; let it be reset"),
        ({"env": Idle()}, "env: step of Idle: too many positional arguments; let it be step"),
        ({"policies": [going, lambda: 0]}, "policy of 'right': too many positional arguments; give a function of the"),
        ({"policies": [lambda seen, mask: 0, going]}, "policy of 'left': missing a required argument: 'mask'; give"),
        ({"key": lambda: 0}, "key: too many positional arguments; give a function of env"),
        ({"reseed": lambda env: 0}, "reseed: too many positional arguments; give a function of .env, seed"),
        ({"best_response": lambda env: 0}, "best_response: too many positional arguments; give a function of .env, a"),
    ],
)
def test_functions_of_other_arguments_are_refused(changes, message):
    call = {"env": Line(), "policies": [going, going], "discount": 0.5, "episodes": 32}
    with pytest.raises(pg.InputError, match=message):
        pg.sampled_audit(**call | changes)


def test_a_wrapper_needs_an_environment_that_takes_options():
    class Plain(Line):
        def reset(self, seed=None):
            return super().reset(seed)

    pg.sampled_audit(Plain(), [going, going], discount=0.5, episodes=32, attacks=False)
    with pytest.raises(pg.InputError, match="env: reset of Plain: got an unexpected keyword argument 'options'"):
        pg.wrappers.PowerCharge(Plain(), lambda *arguments: 0.0, 0.1, {})


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("where", ["env: reset", "env: step", "policy of 'left'", "key", "reseed", "best_response"])
def test_what_a_function_of_the_user_raises_is_the_cause(where, n_jobs):
    def fail(*arguments, **keywords):
        raise KeyError("no such fruit")

    env, call = Line(), {"policies": [going, going], "discount": 0.5, "episodes": 32}
    if where.startswith("env"):
        setattr(env, where.removeprefix("env: "), fail)
    else:
        call |= {"policies": [fail, going]} if "policy" in where else {where: fail}
    with pytest.raises(pg.InputError, match=f"{where} raised KeyError .'no such fruit'.; mend it") as failure:
        pg.sampled_audit(env, n_jobs=n_jobs, **call)
    assert "no such fruit" in str(failure.value.__cause__)
    game = pg.to_pettingzoo(GAME)
    if "policy" in where:
        with pytest.raises(pg.InputError, match="policy of 'player 1' raised KeyError"):
            pg.sampled_audit(game, [fail, fail], episodes=32)
