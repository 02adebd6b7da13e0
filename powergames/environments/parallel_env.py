"""The environment that `to_pettingzoo` returns. This module needs PettingZoo; nothing else imports it early."""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from pettingzoo import ParallelEnv

from powergames.environments.sampling import repeated
from powergames.errors import InputError, printable
from powergames.games.labels import StateNames
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame


class GameEnv(ParallelEnv[str, Any, int]):  # type: ignore[misc]  # PettingZoo has no types
    """A game, played in PettingZoo; see `powergames.to_pettingzoo`, which makes it.

    Attributes
    ----------
    game : StochasticGame or NormalFormGame
    discounts : ndarray of float64, shape (n,) or None
        Discount factor of each player, which a learner must use; None in a game in normal form.
    possible_agents, agents : list of str
        All players, and those of the current episode: all until it ends, and then none.
    max_steps : int
        Steps until truncation.
    n_steps : int
        Steps taken in this episode.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - the name and type that PettingZoo prescribes
        "name": "powergames",
        "render_modes": ["ansi", "human"],
        "is_parallelizable": True,
    }

    def __init__(
        self, game: NormalFormGame | StochasticGame, max_steps: int, one_hot: bool, wrap: bool, render_mode: str | None
    ) -> None:
        self.game = game
        self.discounts = game.discounts if isinstance(game, StochasticGame) else None
        self.max_steps = max_steps
        self.render_mode = render_mode
        self.possible_agents = list(game.players)
        self.agents: list[str] = []
        self.n_steps = 0
        self._one_hot = one_hot
        self._wrap = wrap
        self._game = game if isinstance(game, StochasticGame) else repeated(game)
        self._ends = _ending_states(self._game)
        self._sizes = self._game.n_actions.tolist()
        self._masks = [
            (np.arange(size) < self._game.n_actions[:, [player]]).astype(np.int8)
            for player, size in enumerate(self._game.max_actions)
        ]
        n_states = self._game.n_states
        self.state_space: Space[Any] = self._space(n_states)
        self._observation_spaces = {agent: self._space(n_states) for agent in self.possible_agents}
        self._action_spaces = {
            agent: Discrete(size) for agent, size in zip(self.possible_agents, self._game.max_actions, strict=True)
        }
        self._rng = np.random.default_rng()
        self._state = -1
        self._last: tuple[int, tuple[int, ...], list[float]] | None = None

    def observation_space(self, agent: str) -> Space[Any]:
        """Return the space of an agent's observations."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Return the space of an agent's actions, as large as in the state where it has most."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Start an episode.

        Parameters
        ----------
        seed : int, optional
            Seed of everything random from here on.
        options : dict, optional
            ``"state"`` is the index or name of the first state; other keys are ignored.

        Returns
        -------
        observations, infos : dict
            Per agent.

        Raises
        ------
        InputError
            If there is no such state.
        """
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        wanted = (options or {}).get("state")
        self._state = (
            self._draw(np.arange(self._game.n_states), self._game.start) if wanted is None else self._at(wanted)
        )
        self.agents = list(self.possible_agents)
        self.n_steps = 0
        self._last = None
        if self.render_mode == "human":
            self.render()
        return self._observations(), self._infos()

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play one joint action.

        Parameters
        ----------
        actions : dict
            The index of an action for each agent.

        Returns
        -------
        observations, rewards, terminations, truncations, infos : dict
            Per agent; all empty if the episode has ended before.

        Raises
        ------
        InputError
            If there was no `reset`, or an action is missing or does not exist.
        """
        if self._state < 0:
            raise InputError("step: the episode has not begun; call reset first")
        if not self.agents:
            return {}, {}, {}, {}, {}
        joint = self._joint(actions)
        state, game = self._state, self._game
        row = int(game.row_starts[state]) + int(np.ravel_multi_index(joint, self._sizes[state]))
        entries = slice(int(game.indptr[row]), int(game.indptr[row + 1]))
        self._state = self._draw(game.indices[entries], game.data[entries])
        self.n_steps += 1
        paid = game.rewards[:, row].tolist()
        self._last = state, joint, paid
        agents = self.agents
        ended = bool(self._ends[self._state])
        cut = self.n_steps >= self.max_steps and not ended
        answer = (
            self._observations(),
            dict(zip(agents, paid, strict=True)),
            dict.fromkeys(agents, ended),
            dict.fromkeys(agents, cut),
            self._infos(),
        )
        if ended or cut:
            self.agents = []
        if self.render_mode == "human":
            self.render()
        return answer

    def state(self) -> Any:
        """Return the state of the game, as every agent sees it."""
        return self.observe(self._state)

    def __deepcopy__(self, memo: dict[int, Any]) -> GameEnv:
        # The game and all that is made of it never change.
        copied = copy.copy(self)
        copied.agents, copied._rng = list(self.agents), copy.deepcopy(self._rng)
        return copied

    def get_state(self) -> tuple[int, int, bool]:
        """Return what the future depends on, chance aside: the state, the steps taken, whether the episode goes on."""
        return self._state, self.n_steps, bool(self.agents)

    def set_state(self, state: tuple[int, int, bool]) -> None:
        """Go on from what `get_state` returned."""
        self._state, self.n_steps, goes_on = state
        self.agents = list(self.possible_agents) if goes_on else []
        self._last = None

    def render(self) -> str | None:
        """Say as text what was played last, what it paid and where it led; `None` after printing it."""
        if self.render_mode is None or self._state < 0:
            return None
        text = f"step {self.n_steps}, state {self._game.states[self._state]}"
        if self._last is not None:
            state, joint, paid = self._last
            names = (self._game.action_names(state, player)[action] for player, action in enumerate(joint))
            moves = zip(self.possible_agents, names, paid, strict=True)
            text += "".join(f"\n  {agent}: {name} {reward:+g}" for agent, name, reward in moves)
        states = self._game.states
        if isinstance(states, StateNames) and (picture := states.picture(self._state)):
            text += f"\n{picture}"
        text = printable(text, keep="\n")
        if self.render_mode == "ansi":
            return text
        sys.stdout.write(text + "\n")
        return None

    def close(self) -> None:
        """Do nothing: there is no window."""

    def _space(self, n_states: int) -> Space[Any]:
        return Box(0.0, 1.0, (n_states,), np.float32) if self._one_hot else Discrete(n_states)

    def _draw(self, values: np.ndarray, probabilities: np.ndarray) -> int:
        # Rounding may leave the last sum below 1.
        position = int(np.searchsorted(np.cumsum(probabilities)[:-1], self._rng.random(), side="right"))
        return int(values[position])

    def _at(self, wanted: Any) -> int:
        states = self._game.states
        if isinstance(wanted, str) and wanted in states:
            return states.index(wanted)
        if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool) and 0 <= wanted < len(states):
            return int(wanted)
        raise InputError(
            f"options['state']: got {str(wanted)[:40]!r}; give the name of a state, or an index from 0 to "
            f"{len(states) - 1}"
        )

    def _joint(self, actions: dict[str, int]) -> tuple[int, ...]:
        """Check one action of each agent, and return them as the state has them."""
        joint = []
        for player, agent in enumerate(self.agents):
            if agent not in actions:
                raise InputError(f"step: no action of {agent!r}; give one for each of {', '.join(self.agents)}")
            given, most, own = actions[agent], self._game.max_actions[player], self._sizes[self._state][player]
            try:
                action = int(np.asarray(given).item())
                if action != given or not 0 <= action < most:
                    raise ValueError
            except (TypeError, ValueError):
                raise InputError(
                    f"step: got action {str(given)[:40]} of {agent!r}; give an integer from 0 to {most - 1}"
                ) from None
            if action >= own and not self._wrap:
                raise InputError(
                    f"step: got action {action} of {agent!r} in state {self._game.states[self._state][:40]!r}, which "
                    f"has {own}; give 0 to {own - 1}, as infos[agent]['action_mask'] says"
                )
            joint.append(action % own)
        return tuple(joint)

    def observe(self, state: int) -> Any:
        """Return what every agent sees in a state."""
        if not self._one_hot:
            return np.int64(state)
        vector = np.zeros(self._game.n_states, np.float32)
        vector[state] = 1.0
        return vector

    def _observations(self) -> dict[str, Any]:
        return {agent: self.observe(self._state) for agent in self.agents}

    def _infos(self) -> dict[str, dict[str, Any]]:
        return {
            agent: {"state": self._state, "action_mask": mask[self._state].copy()}
            for agent, mask in zip(self.agents, self._masks, strict=True)
        }


def _ending_states(game: StochasticGame) -> np.ndarray:
    """Return for each state whether no joint action leaves it or pays anything."""
    state_of = np.repeat(np.arange(game.n_states), np.diff(game.row_starts))
    entry_rows = np.repeat(np.arange(game.n_rows), np.diff(game.indptr))
    going_on = (game.rewards != 0.0).any(axis=0)
    going_on[entry_rows[game.indices != state_of[entry_rows]]] = True
    ends = np.ones(game.n_states, dtype=bool)
    ends[state_of[going_on]] = False
    return ends
