"""PRIM and SBPR around environments of PettingZoo: what they pay and play is what the objectives say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import powergames as pg

pytestmark = pytest.mark.usefixtures("pettingzoo")

LINE = pg.load("assembly_line:n=3")
PROFILE = [[0.3, 0.7], [0.6, 0.4], [0.5, 0.5]]


def payoffs(game):
    """Return the critic that knows a game in normal form."""
    return lambda agent, seen, actions: float(game.payoffs[(game.players.index(agent), *map(int, actions.values()))])


def mean_charges(game, profile, objective, policies):
    """Return what each player is charged, over all joint actions that a profile plays."""
    env = pg.wrappers.PowerCharge(pg.to_pettingzoo(game), payoffs(game), objective, policies)
    total = np.zeros(game.n_players)
    for joint in np.ndindex(game.n_actions):
        _, first = env.reset(seed=0)
        actions = dict(zip(game.players, joint, strict=True))
        _, rewards, _, _, infos = env.step(actions)
        assert {agent: set(info) for agent, info in first.items()} == {agent: set(own) for agent, own in infos.items()}
        weight = np.prod([own[action] for own, action in zip(profile, joint, strict=True)])
        for i, agent in enumerate(game.players):
            info = infos[agent]
            assert info["task"] == game.payoffs[(i, *joint)]
            assert rewards[agent] == pytest.approx(info["task"] - info["charge"])
            total[i] += weight * info["charge"]
    return total


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
def test_charges_of_two_players_are_their_power_on_average(aggregate):
    game = pg.load("random_uniform:players=2,actions=3")
    profile = [[0.2, 0.5, 0.3], [0.6, 0.0, 0.4]]
    objective = pg.PowerObjective(0.4, aggregate)
    policies = {agent: lambda seen, own=own: own for agent, own in zip(game.players, profile, strict=True)}
    exact = 0.4 * objective.aggregate_power(pg.power_table(game, profile).power)
    assert mean_charges(game, profile, objective, policies) == pytest.approx(exact)


@pytest.mark.parametrize(
    "objective", [pg.PowerObjective(0.5, "max"), pg.PowerObjective(0.5, [[0, 2, 0], [1, 0, 1], [0] * 3])]
)
def test_charges_for_pure_policies_need_no_policies(objective):
    profile = [[1, 0], [1, 0], [1, 0]]
    exact = 0.5 * objective.aggregate_power(pg.power_table(LINE, profile).power)
    assert mean_charges(LINE, profile, objective, None) == pytest.approx(exact)


def test_actions_of_third_players_are_those_taken():
    """On average over them, power is charged for in each of their actions by itself, which is never less."""
    policies = {agent: lambda seen, own=own: own for agent, own in zip(LINE.players, PROFILE, strict=True)}
    exact = 0.5 * pg.PowerObjective(0.5).aggregate_power(pg.power_table(LINE, PROFILE).power)
    assert (mean_charges(LINE, PROFILE, 0.5, policies) >= exact - 1e-12).all()


def test_takeovers_come_as_often_as_they_should():
    """Then ego's return is that of the adversarial form."""
    p, ego = 0.4, LINE.players[0]
    env = pg.to_pettingzoo(LINE, max_steps=4000)
    env = pg.wrappers.AdversarialTakeover(env, ego, p, pg.wrappers.worst_action(env, payoffs(LINE)), seed=1)
    env.reset(seed=1)
    total, taken = 0.0, []
    while env.agents:
        _, rewards, _, _, infos = env.step(dict.fromkeys(LINE.players, 0))
        total += rewards[ego]
        taken.append(infos[ego]["takeover"])
        assert all("takeover" not in infos[agent] for agent in LINE.players[1:])
    shares = [np.mean([who == agent for who in taken]) for agent in LINE.players]
    assert shares == pytest.approx([0, p / 2, p / 2], abs=0.04)
    exact = pg.evaluate(LINE, [0, 0, 0], pg.PowerObjective(p, form="adversarial")).utility[0]
    assert total / 4000 == pytest.approx(exact, abs=0.1)


def test_a_takeover_lasts():
    env = pg.to_pettingzoo(LINE, max_steps=300)
    env = pg.wrappers.AdversarialTakeover(env, "worker 1", 0.1, lambda *all_of_it: 1, steps=3)
    env.reset(seed=0)
    taken = []
    while env.agents:
        taken.append(env.step(dict.fromkeys(LINE.players, 0))[4]["worker 1"]["takeover"])
    # One may follow another at once.
    runs = ["".join(run) for who, run in itertools.groupby("-" if who is None else who[-1] for who in taken)]
    assert len(runs) > 20
    assert all(len(run) % 3 == 0 for run in runs[:-1] if run[0] != "-")


def test_nothing_given_is_changed():
    actions = dict.fromkeys(LINE.players, 0)
    env = pg.wrappers.AdversarialTakeover(pg.to_pettingzoo(LINE), "worker 1", 1, lambda *all_of_it: 1)
    env.reset(seed=0)
    env.step(actions)
    assert actions == dict.fromkeys(LINE.players, 0)


def test_audits_go_through_wrappers():
    """A sampled audit of play with takeovers is one of the p-adversarial game."""
    game = pg.load("stag_hunt")
    env = pg.to_pettingzoo(game, max_steps=1)
    env = pg.wrappers.AdversarialTakeover(env, "hunter 1", 0.5, pg.wrappers.worst_action(env, payoffs(game)))
    found = pg.sampled_audit(
        env, [lambda seen: 0] * 2, horizon=1, discount=1.0, episodes=64, attacks=False, level=0.999
    )
    assert found.returns.low[0] < 2.0 < found.returns.high[0]
    assert found.returns.low[0] > 1.0


def test_a_tabular_critic_learns_the_worth_of_joint_actions():
    game = pg.load("random_stochastic:players=2,states=2,actions=2").with_discount(0.5)
    env = pg.to_pettingzoo(game, max_steps=20_000)
    critic = pg.wrappers.TabularCritic(0.5, rate=0.005)
    rng = np.random.default_rng(0)
    seen, _ = env.reset(seed=0)
    for _ in range(10_000):
        actions = {agent: int(rng.integers(2)) for agent in game.players}
        following, rewards, ends, _, _ = env.step(actions)
        critic.learn(seen, actions, rewards, following, ends)
        seen = following
    exact = pg.evaluate(game, game.uniform_profile()).action_values
    for row in range(game.n_rows):
        actions = {game.players[0]: row % 4 // 2, game.players[1]: row % 2}
        mine = [critic(agent, {a: env.observe(row // 4) for a in game.players}, actions) for agent in game.players]
        assert mine == pytest.approx(exact[:, row], abs=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda env: pg.wrappers.AdversarialTakeover(env, "boss", 0.1, print),
            "ego: got 'boss'; give one of 'worker 1'",
        ),
        (lambda env: pg.wrappers.AdversarialTakeover(env, "worker 1", 1.1, print), "p: got 1.1; give a probability"),
        (lambda env: pg.wrappers.AdversarialTakeover(env, "worker 1", 0.1, 3), "adversary: got int; give a function"),
        (lambda env: pg.wrappers.AdversarialTakeover(env, "worker 1", 0.1, print, 0), "steps: got 0; give a whole"),
        (lambda env: pg.wrappers.PowerCharge(env, None, 0.1), "critic: got NoneType; give a function"),
        (lambda env: pg.wrappers.PowerCharge(env, print, -1), "lam"),
        (lambda env: pg.wrappers.TabularCritic(1.0), "discount: got 1.0"),
        (lambda env: pg.wrappers.TabularCritic("0.9"), "discount: got '0.9'"),
        (lambda env: pg.wrappers.TabularCritic(0.9, -1), "rate: got -1; give a number above 0"),
        (lambda env: pg.wrappers.AdversarialTakeover(env, "worker 1", 0.1, print, seed="x"), "seed: got 'x'"),
        (lambda env: pg.wrappers.PowerCharge(None, print, 0.1), "env: got NoneType, which has no possible_agents"),
        (lambda env: pg.wrappers.AdversarialTakeover(3, "worker 1", 0.1, print), "env: got int, which has no possible"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(pg.InputError) as caught:
        make(pg.to_pettingzoo(LINE))
    assert str(caught.value).startswith(message)


def played(env, action=0):
    """Play one step."""
    env.reset(seed=0)
    return env.step(dict.fromkeys(env.agents, action))


@pytest.mark.parametrize(
    ("policy", "critic", "action", "message"),
    [
        ([np.nan, 1.0], 1.0, 0, "policies: got [nan 1.] of 'worker 1'; give 2 probabilities"),
        ([0.2, 0.2], 1.0, 0, "policies: got [0.2 0.2] of 'worker 1'; give 2 probabilities"),
        ([1.0], 1.0, 0, "policies: got [1.] of 'worker 1'; give 2 probabilities"),
        ([0.5, 0.5], np.nan, 0, "critic: got nan for 'worker 1'; give a finite number"),
        ([0.5, 0.5], None, 0, "critic: got None for 'worker 1'; give a finite number"),
        ([0.5, 0.5], 1.0, 7, "step: got action 7 of 'worker 1'; give one of Discrete(2)"),
    ],
)
def test_a_charge_that_cannot_be_right_is_refused(policy, critic, action, message):
    policies = dict.fromkeys(LINE.players, lambda seen: policy)
    env = pg.wrappers.PowerCharge(pg.to_pettingzoo(LINE), lambda *_: critic, 0.3, policies)
    with pytest.raises(pg.InputError) as caught:
        played(env, action)
    assert str(caught.value).startswith(message)


def test_a_charge_is_told_who_has_no_policy():
    env = pg.wrappers.PowerCharge(pg.to_pettingzoo(LINE), lambda *_: 1.0, 0.3, {"worker 1": lambda seen: [0.5, 0.5]})
    with pytest.raises(pg.InputError, match="policies: none of 'worker 2'; give one of each agent"):
        played(env)


def test_policies_of_a_charge_may_return_actions():
    charges = []
    for policy in (lambda seen: [0.0, 1.0], lambda seen: 1):
        env = pg.wrappers.PowerCharge(pg.to_pettingzoo(LINE), payoffs(LINE), 0.3, dict.fromkeys(LINE.players, policy))
        charges.append({agent: info["charge"] for agent, info in played(env, 1)[4].items()})
    assert charges[0] == charges[1]


@pytest.mark.parametrize("action", [9, None, [0.5, 0.5]])
def test_what_an_adversary_cannot_do_is_refused(action):
    env = pg.wrappers.AdversarialTakeover(pg.to_pettingzoo(LINE), "worker 1", 1.0, lambda *_: action)
    with pytest.raises(pg.InputError, match=r"adversary: got .* for 'worker 2'; give an action of Discrete\(2\)"):
        played(env)
