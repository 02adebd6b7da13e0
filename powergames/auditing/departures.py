"""What everybody gets when one player leaves the profile, while all others follow it.

Player `j` deviates in these ways:

- *adversarial*: takes what is worst for one other player `i`, for each `i` in turn; in a stochastic game for one step,
  for `k` steps, or for ever, as harmful to `i` as that is possible;
- *freeze*: keeps to one action, for each action in turn; where a state lacks it, follows the profile;
- *uniform*: mixes all actions equally.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.auditing.stochastic import Departures
from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import complete_profile
from powergames.games.profiles import Profile, frozen
from powergames.games.stochastic import StochasticGame
from powergames.power import pair_tables, plain, power_table

# Most steps of an adversary who acts for a while; each takes as long as the last one.
MOST_STEPS = 100_000


@dataclass(frozen=True, eq=False)
class OffPolicy(Frozen):
    """What every player gets when one of them leaves the profile.

    Attributes
    ----------
    deviator : int
        The player who leaves the profile.
    kind : {"adversarial", "freeze", "uniform"}
        How the deviator behaves instead.
    against : int or None
        The player whom an adversarial deviator harms as much as it can.
    action : int or None
        The action kept to, or in a normal-form game the adversarial one.
    steps : int or None
        Number of steps off the profile, which is followed again afterwards; None for ever.
    task : ndarray, shape (n,) or (n, S)
        Expected payoff of each player, in a stochastic game discounted and from each state on. Exact fractions for
        exact profiles.
    start_task : ndarray, shape (n,)
        The same from the start distribution.
    actions : ndarray of int, shape (S,), or None
        What an adversarial deviator plays in its first step, in each state of a stochastic game.
    """

    deviator: int
    kind: str
    against: int | None
    action: int | None
    steps: int | None
    task: np.ndarray
    start_task: np.ndarray
    actions: np.ndarray | None = None

    @property
    def label(self) -> str:
        """Kind and duration, as in ``"adversarial for 10 steps"``."""
        return self.kind if self.task.ndim == 1 else label_of(self.kind, self.steps)

    def to_dict(self, game: NormalFormGame | StochasticGame) -> dict[str, Any]:
        """Return the deviation as plain JSON values, the action by its name where that is the same in all states."""
        action: Any = self.action
        if action is not None and not (isinstance(game, StochasticGame) and game.actions_by_state):
            names: Any = game.actions
            action = names[self.deviator][action]
        return {
            "deviator": self.deviator,
            "kind": self.kind,
            "against": self.against,
            "action": action,
            "steps": self.steps,
            "task": plain(self.task),
            "start_task": plain(self.start_task),
            "actions": None if self.actions is None else self.actions.tolist(),
        }


def off_policy(game: AnyGame, profile: Any, *, steps: int = 10) -> tuple[OffPolicy, ...]:
    """Compute everyone's expected payoff for every way in which one player leaves the profile.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    profile : sequence of array_like
        ``profile[i][a]``, the probability with which player `i` plays action `a`, or ``profile[i][s, a]`` in state `s`.
    steps : int, default 10
        How many steps an adversary acts, besides the ones that act once and for ever; stochastic games only.

    Returns
    -------
    tuple of OffPolicy
        Deviators in player order; for each, "adversarial" against every other player (in a stochastic game for one
        step, for `steps` and for ever), then "freeze" on every action, then "uniform". Empty for a game of one player.

    Raises
    ------
    InputError
        If the profile does not fit the game, or `steps` is no integer from 1 to 100000.

    Notes
    -----
    In stochastic games the numbers are those of linear systems, solved up to rounding. What is worst for `i` over
    several steps is found by backward recursion, and for ever by policy iteration, both exactly; among actions that are
    equally bad for `i` the first one counts.

    Examples
    --------
    >>> import powergames as pg
    >>> len(off_policy(pg.load("assembly_line"), pg.load("assembly_line").uniform_profile()))
    15
    >>> game = pg.load("delegation")
    >>> worst = off_policy(game, game.uniform_profile())[2]
    >>> worst.label, worst.deviator, worst.against, worst.task.shape
    ('adversarial for ever', 0, 1, (3, 3))
    """
    check_steps(steps)
    game = as_game(game, NormalFormGame | StochasticGame)
    check_endless(game)
    strategies = complete_profile(game, profile)
    if game.n_players == 1:
        return ()
    if isinstance(game, StochasticGame):
        return tuple(_stochastic(game, strategies, int(steps)))
    return tuple(_normal_form(game, strategies))


def check_steps(steps: Any) -> None:
    """Refuse what is no number of steps of an adversary.

    Raises
    ------
    InputError
    """
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or not 1 <= steps <= MOST_STEPS:
        raise InputError(f"steps: got {steps!r}; give an integer from 1 to {MOST_STEPS}")


def least_values(deviations: Sequence[OffPolicy], n_players: int) -> dict[str, np.ndarray]:
    """Return what each player is left with at least if another one deviates, for each kind of deviation.

    Parameters
    ----------
    deviations : sequence of OffPolicy
        As `off_policy` returns them.
    n_players : int

    Returns
    -------
    dict of ndarray, shape (n,)
        Under each label, the least `start_task` of each player.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> least_values(off_policy(game, [[1, 0], [1, 0]]), 2)["uniform"]
    array([2., 2.])
    """
    worst: dict[str, list[Any]] = {}
    for deviation in deviations:
        least = worst.setdefault(deviation.label, [None] * n_players)
        for i, value in enumerate(deviation.start_task):
            if i != deviation.deviator and (least[i] is None or value < least[i]):
                least[i] = value
    return {label: frozen(np.array(values)) for label, values in worst.items()}


def _normal_form(game: NormalFormGame, strategies: Profile) -> list[OffPolicy]:
    tables = pair_tables(game, strategies)
    worst = power_table(game, strategies).actions
    report: list[OffPolicy] = []
    for j in range(game.n_players):
        others = [i for i in range(game.n_players) if i != j]
        values: list[Any] = [None] * game.n_players
        for i in others:
            values[i] = strategies[i] @ tables[i][j]
        values[j] = tables[j][others[0]] @ strategies[others[0]]
        by_action = frozen(np.stack(values, axis=1))
        size = len(by_action)
        share: Any = Fraction(1, size) if by_action.dtype == object else 1.0 / size
        uniform = frozen(np.full(size, share) @ by_action)
        for i in others:
            task = by_action[worst[i, j]]
            report.append(OffPolicy(j, "adversarial", i, int(worst[i, j]), 1, task, task))
        report += [OffPolicy(j, "freeze", None, action, 1, task, task) for action, task in enumerate(by_action)]
        report.append(OffPolicy(j, "uniform", None, None, 1, uniform, uniform))
    return report


def _stochastic(game: StochasticGame, strategies: Profile, steps: int) -> list[OffPolicy]:
    departures = Departures(game, strategies)
    report: list[OffPolicy] = []

    def add(j: int, kind: str, against: int | None, action: int | None, lasting: int | None, found: Any) -> None:
        values, actions = found
        task = frozen(departures.in_payoffs(values))
        report.append(OffPolicy(j, kind, against, action, lasting, task, frozen(task @ game.start), actions))

    for j in range(game.n_players):
        for i in range(game.n_players):
            if i != j:
                for lasting in dict.fromkeys((1, steps)):
                    add(j, "adversarial", i, None, lasting, departures.adversarial(j, i, lasting))
                add(j, "adversarial", i, None, None, departures.adversarial_for_ever(j, i))
        for action in range(game.max_actions[j]):
            add(j, "freeze", None, action, None, (departures.frozen_on(j, action), None))
        add(j, "uniform", None, None, None, (departures.changed(j, game.uniform_profile()[j]), None))
    return report


def label_of(kind: str, steps: int | None) -> str:
    """Return a kind of leaving a policy, and for how long an adversary does.

    Examples
    --------
    >>> label_of("adversarial", 10), label_of("adversarial", None), label_of("freeze", None)
    ('adversarial for 10 steps', 'adversarial for ever', 'freeze')
    """
    if kind != "adversarial":
        return kind
    lasting = "ever" if steps is None else "one step" if steps == 1 else f"{steps} steps"
    return f"adversarial for {lasting}"
