"""A game as an environment of PettingZoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powergames.errors import InputError, needs
from powergames.games.kinds import AnyGame, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame

if TYPE_CHECKING:
    from powergames.environments.parallel_env import GameEnv

OBSERVATIONS = ("one-hot", "index")
BEYOND = ("wrap", "refuse")
RENDER_MODES = ("ansi", "human")


def to_pettingzoo(
    game: AnyGame,
    *,
    max_steps: int = 100,
    observation: str = "one-hot",
    beyond: str = "wrap",
    render_mode: str | None = None,
) -> GameEnv:
    """Return a game as a PettingZoo environment in which all players act at once.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        A game in normal form is one state that is played again and again; with ``max_steps=1``, once.
    max_steps : int, default 100
        Steps after which every agent is truncated.
    observation : {"one-hot", "index"}, default "one-hot"
        Every agent sees the state: as a vector of float32 of shape (S,), in a Box, which is what SuperSuit and the
        networks of Stable-Baselines3 take; or as its index, in a Discrete space.
    beyond : {"wrap", "refuse"}, default "wrap"
        What becomes of an action `a` that a state lacks, as the action spaces have the size of the largest state: it
        counts as action ``a % n_actions[s, i]``, or it is an error.
    render_mode : {"ansi", "human"}, optional
        ``render()`` returns the last step as text, or prints it; ``"human"`` also prints after each reset and step.

    Returns
    -------
    GameEnv
        A `pettingzoo.ParallelEnv`, with `game` and `discounts` as attributes. Agents are the names of the players.
        ``infos[agent]`` holds the index of the state (`state`) and which actions it has (`action_mask`, int8, shape
        (A_i,)). ``reset(options={"state": state})`` starts in a state, by its index or name; otherwise the first state
        is drawn from ``game.start``.

    Raises
    ------
    InputError
        If an option does not fit, two players have the same name, or PettingZoo is not installed.

    Notes
    -----
    Rewards are those of the game, not discounted. A learner must discount by the game's own factor, such as
    ``PPO(..., gamma=game.discounts[0])``: with any other discount it is solving a different game. A truncated episode
    goes on, so its last state has a value. Take `max_steps` several times ``1 / (1 - discount)``.

    A state which no joint action leaves, and in which nobody is ever paid, ends the episode: every agent is terminated
    on the step that enters it. An episode that starts in such a state ends with its first step.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("reputation_stag_hunt")
    >>> env = pg.to_pettingzoo(game, max_steps=50, observation="index")
    >>> observations, infos = env.reset(seed=0, options={"state": "trusted, trusted"})
    >>> game.states[observations["hunter 1"]]
    'trusted, trusted'
    >>> env.step({"hunter 1": 0, "hunter 2": 1})[1]
    {'hunter 1': 0.5, 'hunter 2': 3.5}
    """
    game = as_game(game, NormalFormGame | StochasticGame)
    if isinstance(max_steps, bool) or not isinstance(max_steps, int | np.integer) or max_steps < 1:
        raise InputError(f"max_steps: got {max_steps!r}; give a whole number of steps, at least 1")
    if observation not in OBSERVATIONS:
        raise InputError(f"observation: got {observation!r}; give one of {', '.join(map(repr, OBSERVATIONS))}")
    if beyond not in BEYOND:
        raise InputError(f"beyond: got {beyond!r}; give one of {', '.join(map(repr, BEYOND))}")
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise InputError(f"render_mode: got {render_mode!r}; give one of {', '.join(map(repr, RENDER_MODES))}, or None")
    if len(set(game.players)) < game.n_players:
        twice = next(name for name in game.players if game.players.count(name) > 1)
        raise InputError(f"players: {twice!r} names two players; PettingZoo needs names that differ")
    with needs("PettingZoo", "powergames[pettingzoo]", "to_pettingzoo"):
        from powergames.environments.parallel_env import GameEnv
    return GameEnv(game, int(max_steps), observation == "one-hot", beyond == "wrap", render_mode)
