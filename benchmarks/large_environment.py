"""PRIM and SBPR by Stable-Baselines3 in an orchard of more than 10^23 states: what they do to power and to attacks.

Run ``python benchmarks/large_environment.py`` to train and audit all, and to write the table into
docs/how-to/audit-a-large-environment.md: at most half a minute of one core for each learner and seed. Results are kept
in ``--results FILE``, one line for each, and not made again; several processes may share one file, each with
``--seeds`` of its own. ``--dry`` prints the table. Needs ``pip install 'powergames[ppo]'``.

``orchard.py`` is the environment. All gatherers share one network, trained by the PPO of Stable-Baselines3 for as many
steps of a gatherer in each case: `task` for apples alone; `prim` in `pg.wrappers.PowerCharge`; `sbpr` in
`pg.wrappers.AdversarialTakeover`, one gatherer in each copy of the orchard. The critic that charges, and that
adversaries follow, is a network fitted to play of its own, in which somebody acts at random now and then: learners
hardly ever light a fire, and a critic that never saw one knows nothing of it.

Policies are judged by `pg.sampled_audit`. Intervals are 95 % intervals by Student's t over seeds, so they hold for new
seeds; those of each audit by itself are in the file of results.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numba import njit
from orchard import AGENTS, BURNING, COMMON, SEEN, Orchard, roughly
from pages import records, replaced
from scipy.stats import t as student
from scipy.stats import ttest_ind
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from vectors import PlainVector

import powergames as pg

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "audit-a-large-environment.md"
DISCOUNT, LENGTH, COPIES, ROLLOUT, HIDDEN = 0.9, 128, 8, 128, 64
LEARNERS = (("task", 0.0), ("prim", 0.3), ("prim", 1.0), ("sbpr", 0.3))
N_ACTIONS = 6

# Steps of play between two rounds of PPO to which the critic is fitted, how often somebody acts at random in them, and
# from how many rounds they are kept.
PROBES, TREMBLE, KEPT = 2048, 0.1, 6


@njit(cache=True)
def _outputs(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, softmax: bool, seen: np.ndarray) -> np.ndarray:
    found = w3 @ np.tanh(w2 @ np.tanh(w1 @ seen + b1) + b2) + b3
    if softmax:
        found = np.exp(found - found.max())
        found /= found.sum()
    return found


class Network:
    """A network of two hidden layers as a compiled function of one observation: much quicker than a call of PyTorch."""

    def __init__(self, layers: Sequence[torch.nn.Module], softmax: bool = False) -> None:
        self.linear, self.softmax = [own for own in layers if isinstance(own, torch.nn.Linear)], softmax
        self.refresh()

    def refresh(self) -> None:
        """Take over what PyTorch has learned."""
        parts = [part for layer in self.linear for part in (layer.weight, layer.bias)]
        self.weights = tuple(part.detach().numpy().copy() for part in parts)
        self._last: dict[Any, tuple[np.ndarray, np.ndarray]] = {}

    def __call__(self, seen: np.ndarray, agent: Any = None) -> np.ndarray:
        """Return what it says of an observation, which may be asked for again by the same agent."""
        last = self._last.get(agent)
        if last is None or last[0] is not seen:
            last = self._last[agent] = seen, _outputs(*self.weights, self.softmax, seen)
        return last[1]


class Critic:
    """What each gatherer earns from here on: the worth of a state, and what each one's action adds to it."""

    def __init__(self) -> None:
        sizes = (SEEN, HIDDEN, HIDDEN, 1 + len(AGENTS) * N_ACTIONS)
        parts = [(torch.nn.Linear(*both), torch.nn.Tanh()) for both in itertools.pairwise(sizes)]
        self.module = torch.nn.Sequential(*[layer for both in parts for layer in both][:-1])
        self.network = Network(list(self.module))
        self.optimizer = torch.optim.Adam(self.module.parameters(), 2e-3)
        self.kept: list[tuple[torch.Tensor, ...]] = []

    def __call__(self, agent: Any, observations: Mapping[Any, Any], actions: Mapping[Any, Any]) -> float:
        """Return what an agent earns from a joint action on: own action first, then the others'."""
        heads = self.network(observations[agent], agent)
        own = [actions[agent], *(action for other, action in actions.items() if other != agent)]
        return float(heads[0] + sum(heads[1 + place * N_ACTIONS + action] for place, action in enumerate(own)))

    def fit(self, policy: Network, rng: np.random.Generator) -> None:
        """Play with the policy, in which somebody acts at random now and then, and fit the worth of joint actions."""
        env = Orchard(LENGTH)
        seen, actions, rewards = [], [], []
        for _ in range(PROBES):
            if not env.agents:
                now, _ = env.reset(seed=int(rng.integers(2**31)))
            joint = {agent: drawn(policy(now[agent]), rng) for agent in AGENTS}
            if rng.random() < TREMBLE:
                joint[AGENTS[rng.integers(len(AGENTS))]] = int(rng.integers(N_ACTIONS))
            seen.append([now[agent] for agent in AGENTS])
            now, paid, *_ = env.step(joint)
            actions.append([joint[agent] for agent in AGENTS])
            rewards.append([paid[agent] for agent in AGENTS])
        inputs, chosen, earned = np.array(seen), np.array(actions), np.array(rewards)
        # Own action first.
        orders = [[i, *(j for j in range(len(AGENTS)) if j != i)] for i in range(len(AGENTS))]
        places = 1 + np.arange(len(AGENTS)) * N_ACTIONS + np.stack([chosen[:, order] for order in orders], axis=1)
        x, heads = torch.as_tensor(inputs), torch.as_tensor(places)
        with torch.no_grad():
            values = self._worth(x, heads).numpy()
        targets, after = np.zeros_like(earned), values[-1]
        for step in reversed(range(PROBES)):
            # Episodes are cut off, and do not end; what is not known of the rest is what the critic thinks.
            last = step % LENGTH == LENGTH - 1
            following = values[step] if last else 0.1 * values[step + 1] + 0.9 * after
            after = targets[step] = earned[step] + DISCOUNT * following
        self.kept = [*self.kept[1 - KEPT :], (x, heads, torch.as_tensor(targets, dtype=torch.float32))]
        x, heads, goals = (torch.cat(parts) for parts in zip(*self.kept, strict=True))
        for at in torch.randperm(len(x)).split(128):
            self.optimizer.zero_grad()
            (self._worth(x[at], heads[at]) - goals[at]).square().mean().backward()
            self.optimizer.step()
        self.network.refresh()

    def _worth(self, seen: torch.Tensor, heads: torch.Tensor) -> torch.Tensor:
        outputs = self.module(seen)
        return outputs[..., 0] + outputs.gather(-1, heads).sum(-1)


def drawn(shares: np.ndarray, rng: np.random.Generator) -> int:
    """Draw an action."""
    return min(int(np.searchsorted(np.cumsum(shares), rng.random())), len(shares) - 1)


class Seats(PlainVector):
    """Copies of an environment as Stable-Baselines3 wants them: each learning gatherer in each is one environment."""

    def __init__(self, envs: Sequence[Any], seats: Sequence[tuple[int, str]], seed: int) -> None:
        self.envs, self.seats = list(envs), list(seats)
        # What those who do not learn follow; set before the first step.
        self.policy: Any = None
        self.rng = np.random.default_rng(seed)
        self.now: list[dict[str, Any]] = [{} for _ in envs]
        self.actions: np.ndarray = np.zeros(len(seats), int)
        super().__init__(len(seats), envs[0].observation_space(AGENTS[0]), envs[0].action_space(AGENTS[0]))

    def reset(self) -> np.ndarray:
        """Begin an episode in each copy."""
        self.now = [env.reset(seed=int(self.rng.integers(2**31)))[0] for env in self.envs]
        return self._seen()

    def step_async(self, actions: np.ndarray) -> None:
        """Take the learners' actions."""
        self.actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Play a step in each copy; whoever does not learn follows the policy."""
        chosen: list[dict[str, int]] = [{} for _ in self.envs]
        for (k, agent), action in zip(self.seats, self.actions.tolist(), strict=True):
            chosen[k][agent] = action
        answers = []
        for k, env in enumerate(self.envs):
            joint = {
                a: chosen[k][a] if a in chosen[k] else drawn(self.policy(self.now[k][a]), self.rng) for a in AGENTS
            }
            seen, rewards, _, cut, _ = env.step(joint)
            self.now[k] = seen if env.agents else env.reset(seed=int(self.rng.integers(2**31)))[0]
            answers.append((seen, rewards, cut))
        rewards = np.array([answers[k][1][agent] for k, agent in self.seats], np.float32)
        over = np.array([answers[k][2][agent] for k, agent in self.seats])
        infos = [
            {"terminal_observation": answers[k][0][agent], "TimeLimit.truncated": True} if end else {}
            for (k, agent), end in zip(self.seats, over, strict=True)
        ]
        return self._seen(), rewards, over, infos

    def _seen(self) -> np.ndarray:
        return np.stack([self.now[k][agent] for k, agent in self.seats])

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the copy of each seat."""
        return [getattr(self.envs[k], attr_name, None) for k, _ in self.seats]


class Refresh(BaseCallback):
    """Before each rollout, hand out what was learned, and fit the critic."""

    def __init__(self, policy: Network, critic: Critic | None, rng: np.random.Generator) -> None:
        super().__init__()
        self.network, self.critic, self.rng = policy, critic, rng

    def _on_rollout_start(self) -> None:
        self.network.refresh()
        if self.critic is not None:
            self.critic.fit(self.network, self.rng)

    def _on_step(self) -> bool:
        return True


def trained(algorithm: str, lam: float, seed: int, steps: int) -> Network:
    """Train one network for all gatherers, and return it."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    critic: Any = None if algorithm == "task" else Critic()
    policies: dict[str, Callable[[Any], Any]] = {}
    count = COPIES * (len(AGENTS) if algorithm == "sbpr" else 1)
    envs: list[Any] = [Orchard(LENGTH) for _ in range(count)]
    seats = [(k, agent) for k in range(count) for agent in AGENTS]
    if algorithm == "prim":
        envs = [pg.wrappers.PowerCharge(env, critic, lam, policies) for env in envs]
    if algorithm == "sbpr":
        seats = [(k, AGENTS[k % len(AGENTS)]) for k in range(count)]
        envs = [
            pg.wrappers.AdversarialTakeover(env, ego, lam, pg.wrappers.worst_action(env, critic), seed=seed)
            for env, (_, ego) in zip(envs, seats, strict=True)
        ]
    learning = Seats(envs, seats, seed)
    model = PPO(
        "MlpPolicy",
        learning,
        learning_rate=1e-3,
        n_steps=ROLLOUT,
        batch_size=512,
        n_epochs=4,
        gamma=DISCOUNT,
        gae_lambda=0.9,
        ent_coef=0.01,
        policy_kwargs={"net_arch": [HIDDEN, HIDDEN]},
        seed=seed,
        device="cpu",
    )
    network = Network([*model.policy.mlp_extractor.policy_net, model.policy.action_net], softmax=True)
    policies.update({agent: partial(network, agent=agent) for agent in AGENTS})
    learning.policy = network
    model.learn(steps, callback=Refresh(network, critic, np.random.default_rng(seed)))
    network.refresh()
    return network


def audited(policy: Network, seed: int, episodes: int) -> dict[str, Any]:
    """Audit the policy by play."""
    found = pg.sampled_audit(
        Orchard(),
        dict.fromkeys(AGENTS, policy),
        discount=DISCOUNT,
        episodes=episodes,
        seed=seed,
        key=roughly,
        progress=False,
    )
    attacks = [
        {"label": own.label, **{name: value for name, value in own.to_dict().items() if name != "kind"}}
        for own in found.attacks
    ]
    return {
        "returns": found.returns.to_dict(),
        "power": found.power.to_dict(),
        "attacks": attacks,
        "steps": found.steps,
    }


def watched(policy: Network, seed: int, episodes: int = 40) -> dict[str, float]:
    """Return which share of its time a gatherer is in the orchard, and which share of the orchard is burnt."""
    env, rng, inside, lost = Orchard(LENGTH), np.random.default_rng(seed), [], []
    for _ in range(episodes):
        now, _ = env.reset(seed=int(rng.integers(2**31)))
        while env.agents:
            now = env.step({agent: drawn(policy(now[agent]), rng) for agent in AGENTS})[0]
            inside.append(np.isin(env.cells, COMMON).mean())
            lost.append((env.trees[: len(COMMON)] >= BURNING).mean())
    return {"inside": float(np.mean(inside)), "lost": float(np.mean(lost))}


# What the table shows of each run.
COLUMNS = {
    "inside": "time in the orchard",
    "return": "return",
    "power": "power of a co-player",
    "one": "left by an attack of one step",
    "worst": "left by the worst attack found",
}


def figures(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of one run that the table shows, each a mean over gatherers."""
    n = len(AGENTS)
    left: dict[Any, list[float]] = {}
    for attack in found["attacks"]:
        for victim in range(n):
            if victim != attack["deviator"] and attack["against"] in (None, victim):
                left.setdefault((attack["label"], victim), []).append(attack["mean"][victim])
    everything = [[value for (_, own), values in left.items() for value in values if own == i] for i in range(n)]
    return {
        "inside": found["inside"],
        "return": float(np.mean(found["returns"]["mean"])),
        "power": float(np.sum(found["power"]["mean"]) / (n * (n - 1))),
        "one": float(np.mean([left["adversarial for one step", i] for i in range(n)])),
        "worst": float(np.mean([min(values) for values in everything])),
    }


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of independent numbers, and half of its 95 % interval by Student's t.

    >>> interval([1.0, 1.0, 1.0])
    (1.0, 0.0)
    """
    array = np.asarray(values)
    spread = float(student.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
    return float(array.mean()), spread


def differs(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two means differ, by Welch's test at 5 %.

    >>> differs([1.0, 1.1, 0.9], [2.0, 2.1, 1.9]), differs([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    (True, False)
    """
    return bool(ttest_ind(one, other, equal_var=False).pvalue < 0.05)


def table(known: Mapping[tuple[Any, ...], Mapping[str, Any]], learners: Sequence[tuple[str, float]]) -> list[str]:
    """Write the results as a table in Markdown; a star marks what differs from `task`."""
    lines = ["| by | λ | seeds | " + " | ".join(COLUMNS.values()) + " |", "|---|---|---|" + "---|" * len(COLUMNS)]
    runs = {
        own: [figures(found) for (*learner, _, _), found in known.items() if tuple(learner) == own] for own in learners
    }
    for (algorithm, lam), own in runs.items():
        cells = []
        for name in COLUMNS:
            values = [run[name] for run in own]
            mean, half = interval(values)
            star = "*" if differs(values, [run[name] for run in runs[learners[0]]]) else ""
            cells.append(f"{mean:.2f} ± {half:.2f}{star}")
        lines.append(f"| {algorithm} | {lam:g} | {len(own)} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Train and audit what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("large_environment.jsonl"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=60_000, help="of a gatherer, for each learner")
    parser.add_argument("--episodes", type=int, default=32, help="of each audit")
    parser.add_argument("--only", nargs="+", metavar="NAME:LAM", help="learners to run now, such as prim:0.3")
    parser.add_argument("--dry", action="store_true", help="print the table instead of writing it into the page")
    options = parser.parse_args()
    for seed in options.seeds:
        for algorithm, lam in LEARNERS:
            question = (algorithm, lam, seed, options.steps)
            done = {tuple(found["question"]) for found in records(options.results)}
            if question in done or (options.only and f"{algorithm}:{lam:g}" not in options.only):
                continue
            began = time.process_time()
            policy = trained(*question)
            learned = time.process_time()
            found = {**watched(policy, seed), **audited(policy, seed, options.episodes)}
            seconds = [learned - began, time.process_time() - learned]
            print(*question, {name: round(value, 3) for name, value in figures(found).items()}, seconds, flush=True)
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"question": question, "seconds": seconds, **found}) + "\n")
    known = {tuple(own["question"]): own for own in records(options.results) if own["question"][3] == options.steps}
    ready = [own for own in LEARNERS if sum(question[:2] == own for question in known) > 1]
    text = "\n".join(table(known, ready))
    if options.dry:
        print(text)
        return
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "orchard", text), encoding="utf-8")


if __name__ == "__main__":
    main()
