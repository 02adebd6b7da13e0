"""Check of any profile: its certificate, and what everyone gets when one player goes off it.

No solver is involved, so a policy from anywhere is judged by the same rules. Player `j` goes off policy in three ways:

- *adversarial*: takes the action that is worst for one other player `i`, for each `i` in turn;
- *freeze*: keeps to one action, for each action in turn;
- *uniform*: mixes all actions equally.

All others follow the profile meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.certificates import Certificate, certify
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.objectives import PowerObjective
from powergames.power import pair_tables, plain, power_table


@dataclass(frozen=True, eq=False)
class OffPolicy:
    """What every player gets when one of them goes off the profile.

    Attributes
    ----------
    deviator : int
        The player who leaves the profile.
    kind : {"adversarial", "uniform", "freeze"}
        How the deviator behaves instead.
    against : int or None
        The player whom an adversarial deviator harms as much as one action can.
    action : int or None
        The deviator's action; None for "uniform".
    task : ndarray, shape (n,)
        Expected payoff of each player; exact fractions for exact profiles.
    """

    deviator: int
    kind: str
    against: int | None
    action: int | None
    task: np.ndarray

    def to_dict(self, game: NormalFormGame) -> dict[str, Any]:
        """Return the deviation as plain JSON values, the action by its name."""
        action = None if self.action is None else game.actions[self.deviator][self.action]
        return {
            "deviator": self.deviator,
            "kind": self.kind,
            "against": self.against,
            "action": action,
            "task": plain(self.task),
        }


@dataclass(frozen=True, eq=False)
class Audit:
    """The certificate of a profile together with its off-policy report.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
    profile : tuple of ndarray
    certificate : Certificate
    off_policy : tuple of OffPolicy
        Deviators in player order; for each, "adversarial" against every other player, then "freeze" on every action,
        then "uniform".
    """

    game: NormalFormGame
    objective: PowerObjective
    profile: Profile
    certificate: Certificate
    off_policy: tuple[OffPolicy, ...]

    @property
    def passed(self) -> bool:
        """Whether the certificate passed."""
        return self.certificate.passed

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain JSON values."""
        return {
            "objective": self.objective.to_dict(),
            "certificate": self.certificate.to_dict(),
            "off_policy": [deviation.to_dict(self.game) for deviation in self.off_policy],
            "passed": self.passed,
        }

    def __repr__(self) -> str:
        return f"<Audit lam={self.objective.lam:g}: {self.certificate!r}, {len(self.off_policy)} deviations>"


def audit(game: NormalFormGame, objective: PowerObjective, profile: Any, *, tol: float = 1e-8) -> Audit:
    """Certify a profile and report what happens when a player goes off it.

    Parameters
    ----------
    game : NormalFormGame
    objective : PowerObjective
    profile : sequence of array_like
        ``profile[i][a]``, the probability with which player `i` plays action `a`. With `fractions.Fraction` entries
        everything is computed exactly.
    tol : float, default 1e-8
        Largest scaled regret that passes.

    Returns
    -------
    Audit

    Raises
    ------
    InputError
        If the profile or objective does not fit the game.

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.audit import audit
    >>> report = audit(pg.load("stag_hunt"), pg.PowerObjective(0.2), [[1, 0], [1, 0]])
    >>> report.passed
    True
    >>> [(d.kind, d.task.tolist()) for d in report.off_policy if d.deviator == 1]
    [('adversarial', [0.0, 3.0]), ('freeze', [4.0, 4.0]), ('freeze', [0.0, 3.0]), ('uniform', [2.0, 3.5])]
    """
    certificate = certify(game, objective, profile, tol=tol)
    strategies = game.profile(profile)
    return Audit(game, objective, strategies, certificate, off_policy(game, strategies))


def off_policy(game: NormalFormGame, profile: Any) -> tuple[OffPolicy, ...]:
    """Compute everyone's expected payoff for every way in which one player goes off the profile.

    Parameters
    ----------
    game : NormalFormGame
    profile : sequence of array_like
        ``profile[i][a]``, the probability with which player `i` plays action `a`.

    Returns
    -------
    tuple of OffPolicy
        Empty for a game of one player.

    Raises
    ------
    InputError
        If the profile does not fit the game.

    Examples
    --------
    >>> import powergames as pg
    >>> len(off_policy(pg.load("assembly_line"), pg.load("assembly_line").uniform_profile()))
    15
    """
    strategies = game.profile(profile)
    n_players = game.n_players
    if n_players == 1:
        return ()
    tables = pair_tables(game, strategies)
    worst = power_table(game, strategies).actions
    report: list[OffPolicy] = []
    for j in range(n_players):
        others = [i for i in range(n_players) if i != j]
        values: list[Any] = [None] * n_players
        for i in others:
            values[i] = strategies[i] @ tables[i][j]
        values[j] = tables[j][others[0]] @ strategies[others[0]]
        by_action = frozen(np.stack(values, axis=1))
        size = len(by_action)
        share: Any = Fraction(1, size) if by_action.dtype == object else 1.0 / size
        report += [OffPolicy(j, "adversarial", i, int(worst[i, j]), by_action[worst[i, j]]) for i in others]
        report += [OffPolicy(j, "freeze", None, action, by_action[action]) for action in range(size)]
        report.append(OffPolicy(j, "uniform", None, None, frozen(np.full(size, share) @ by_action)))
    return tuple(report)
