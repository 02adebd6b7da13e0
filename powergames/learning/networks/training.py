"""Many runs at once as one compiled program: play, learn, and play again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen
from powergames.games.timed import AnyProfile
from powergames.kernels import compilation
from powergames.learning.initial_state import over_time
from powergames.learning.networks.agents import Network, Player, player_of, policy
from powergames.learning.networks.environment import Environment, environment_of
from powergames.learning.networks.observations import AnyGame, observations_of
from powergames.learning.networks.outlook import Design, design_of
from powergames.learning.networks.parameters import NetworkParameters
from powergames.learning.networks.play import DRAWS, Schedule, rollout
from powergames.learning.networks.update import improved
from powergames.objectives import PowerObjective

# Places whose policies are computed at once.
CHUNK = 4096

# The axis that devices share.
AXIS = "environments"


class State(NamedTuple):
    """All that changes during a run: the same state leads to the same end, on one kind of device."""

    players: tuple[Player, ...]
    places: tuple[jax.Array, ...]
    phases: tuple[jax.Array, ...]
    key: jax.Array


class Plan(NamedTuple):
    """Numbers that the compiled program depends on."""

    hidden: tuple[int, ...]
    environments: int
    rollout: int
    epochs: int
    minibatches: int


def beginning(design: Design, plan: Plan, environment: Environment, seed: int) -> State:
    """Return the state before the first step, made on the host."""
    generator = np.random.default_rng(seed)
    size, n_states = environment.seen, environment.n_states
    players = tuple(player_of(design, i, size, plan.hidden, generator) for i in range(design.n_players))
    count = plan.environments // len(design.groups)
    places = []
    for _ in design.groups:
        first = np.searchsorted(environment.starts, generator.random(count), side="right")
        anywhere = generator.integers(environment.n_places, size=count)
        begun = np.where(generator.random(count) < 0.5, np.minimum(first, n_states - 1), anywhere)
        places.append(begun.astype(np.int32))
    phases = tuple(np.zeros_like(each) for each in places)
    key = generator.integers(2**32, size=2, dtype=np.uint32)
    return State(players, tuple(places), phases, key)  # type: ignore[arg-type]


def iterate(
    design: Design,
    plan: Plan,
    environment: Environment,
    charges: Sequence[jax.Array],
    state: State,
    schedule: Schedule,
    clock: jax.Array,
) -> State:
    """Play one rollout, and let everyone learn from it."""
    n, groups = design.n_players, len(design.groups)
    # Few calls of the generator, because each is compiled: it says what happens in play, and the order of minibatches.
    key = jax.random.fold_in(jax.random.wrap_key_data(state.key), clock)
    count, each = plan.environments // groups, n + DRAWS + environment.draws
    played, ordered = groups * (plan.rollout * each + 2) * count, n * plan.epochs * plan.rollout
    chances = jax.random.uniform(key, (played + ordered,))
    draws = chances[:played].reshape(groups, -1, count)
    orders = jnp.argsort(chances[played:].reshape(n, plan.epochs, plan.rollout))
    players, places, phases = list(state.players), [], []
    for group, learners in enumerate(design.groups):
        here, phase = state.places[group], state.phases[group]
        during = draws[group, 2:].reshape(plan.rollout, each, count)
        here, phase, lessons = rollout(
            design, environment, state.players, learners, charges, schedule, here, phase, during
        )
        moved = draws[group, 0] < schedule.restart
        places.append(environment.restarted(here, draws[group, :2], schedule.restart))
        phases.append(jnp.where(moved, 0, phase))
        for i, lesson in zip(learners, lessons, strict=True):
            order = orders[i].reshape(plan.epochs * plan.minibatches, -1)
            players[i] = improved(state.players[i], lesson, schedule, order)
    return State(tuple(players), tuple(places), tuple(phases), state.key)


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=4)
def _advance(
    design: Design,
    plan: Plan,
    environment: Environment,
    charges: Sequence[jax.Array],
    state: State,
    ends: Schedule,
    clock: jax.Array,
    count: jax.Array,
    total: jax.Array,
) -> State:
    def once(k: jax.Array, state: State) -> State:
        share = (clock + k) / total
        between = [first * (last / first) ** share for first, last in ends[:4]]
        schedule = Schedule(*[*between, *ends[4:]])
        one = partial(iterate, design, plan, environment)
        if state.key.shape[0] > 1:
            return jax.vmap(one, in_axes=(0, 0, None, None))(charges, state, schedule, clock + k)
        # Batches of one would take longer.
        first = jax.tree.map(lambda a: a[0], (charges, state))
        alone = one(first[0], first[1], schedule, clock + k)
        return jax.tree.map(lambda a: a[None], alone)

    return jax.lax.fori_loop(0, count, once, state)


@partial(jax.jit, static_argnums=0)
def _policies(design: Design, environment: Environment, actors: Sequence[Network]) -> list[jax.Array]:
    n_places = environment.n_places
    chunk = min(CHUNK, n_places)
    places = jnp.minimum(jnp.arange(-(-n_places // chunk) * chunk), n_places - 1).reshape(-1, chunk)

    def some(places: jax.Array) -> list[jax.Array]:
        seen, available = environment.see(places), environment.available(places, design.widths)
        return [policy(actor, seen, mask).T for actor, mask in zip(actors, available, strict=True)]

    return [each.reshape(-1, each.shape[-1])[:n_places] for each in jax.lax.map(some, places)]


class NetworkLearners:
    """Networks that learn a game, one run for each pair of an objective and a seed.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    algorithm : str
    members : sequence of (PowerObjective, int)
        Objectives that differ in λ alone, and seeds.
    parameters : NetworkParameters
    observe : callable or array_like, optional
        See `observations_of`.

    Attributes
    ----------
    unit : int
        Steps of an `advance` by one.
    total, clock : int
        How far the run goes, and how far it is, in this unit.
    """

    def __init__(
        self,
        game: AnyGame,
        algorithm: str,
        members: Sequence[tuple[PowerObjective, int]],
        parameters: NetworkParameters,
        observe: Any = None,
    ) -> None:
        self._flat, self._horizon = isinstance(game, NormalFormGame), parameters.horizon
        tables = environment_of(game, observations_of(game, observe), parameters.horizon)
        self.tables = {f"tables_{k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(tables))}
        widths = tables.n_actions.max(axis=0).tolist()
        designs = [design_of(each, algorithm, parameters.charge, parameters.takeover, widths) for each, _ in members]
        self._design = designs[0][0]
        devices = jax.devices()
        mesh = Mesh(np.array(devices), (AXIS,))
        everywhere, shared = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(None, AXIS))
        parts = len(devices) * len(self._design.groups)
        environments = -(-parameters.environments // parts) * parts
        self._plan = Plan(
            tuple(parameters.hidden), environments, parameters.rollout, parameters.epochs, parameters.minibatches
        )
        self.unit = environments * parameters.rollout
        self.clock, self.total = 0, -(-parameters.steps // self.unit)
        names = ("rate", "critic_rate", "temperature", "softness", "exploration", "restart", "trace", "clip")
        self._ends = Schedule(*(getattr(parameters, name) for name in names))
        self._environment = jax.device_put(tables, everywhere)
        self._charges = jax.device_put(
            tuple(np.stack(each) for each in zip(*(charges for _, charges in designs), strict=True)), everywhere
        )
        begun = [beginning(self._design, self._plan, tables, seed) for _, seed in members]
        self._places = State(everywhere, shared, shared, everywhere)  # type: ignore[arg-type]
        self._state = self._put(jax.tree.map(lambda *leaves: np.stack(leaves), *begun))
        compilation.begin()
        try:
            self.advance(0)
        finally:
            compilation.end()

    def advance(self, count: int) -> None:
        """Play and learn for so many rollouts."""
        state = _advance(
            self._design,
            self._plan,
            self._environment,
            self._charges,
            self._state,
            self._ends,
            np.int32(self.clock),
            np.int32(count),
            np.float32(self.total),
        )
        self._state = jax.block_until_ready(state)
        self.clock += count

    def policies(self) -> list[AnyProfile]:
        """Return the policies of each run, in all places."""
        found: list[AnyProfile] = []
        for member in range(self._state.key.shape[0]):
            actors = [jax.tree.map(lambda a: a[member], each.actor) for each in self._state.players]  # noqa: B023
            strategies = [np.asarray(each, np.float64) for each in _policies(self._design, self._environment, actors)]
            strategies = [each[0] if self._flat else each for each in strategies]
            policies = tuple(frozen(each / each.sum(axis=-1, keepdims=True)) for each in strategies)
            found.append(policies if self._horizon is None else over_time(policies, self._horizon))
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that changes, for a checkpoint."""
        leaves = {f"{k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(self._state))}
        return {"clock": np.array([self.clock]), **leaves}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Go on from what `arrays` returned; return False for numbers that cannot be."""
        leaves, shape = jax.tree.flatten(self._state)
        state = jax.tree.unflatten(shape, [arrays[f"{k}"] for k in range(len(leaves))])
        clock = int(arrays["clock"][0])
        n_places, heads = self._environment.n_places, [self._design.heads(group[0]) for group in self._design.groups]
        if not 0 <= clock <= self.total or not all(
            ((places >= 0) & (places < n_places)).all() and ((phases >= 0) & (phases < most)).all()
            for places, phases, most in zip(state.places, state.phases, heads, strict=True)
        ):
            return False
        self.clock, self._state = clock, self._put(state)
        return True

    def _put(self, state: State) -> State:
        return State(*(jax.device_put(part, place) for part, place in zip(state, self._places, strict=True)))
