"""What is known of an equilibrium beyond its regret: whether it is alone, strict, robust, and its index."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from powergames.display import Shown
from powergames.games.immutable import Frozen
from powergames.results.equilibria import Equilibrium


@dataclass(frozen=True, eq=False)
class Stability(Frozen, Shown):
    """Properties of an equilibrium; None where they are not decided.

    With λ > 0 they are properties in the extended game, in which adversaries of the players play too.

    Attributes
    ----------
    equilibrium : Equilibrium
    strict : bool or None
        Whether every player has only this best response. With λ > 0 it may be mixed.
    quasi_strict : bool or None
        Whether against some best responses of the adversaries, each of which is played, every action that is not
        played is worse than those that are.
    regular : bool or None
        Whether it is quasi-strict and the equations of its support have a regular Jacobian. A regular equilibrium
        moves smoothly with the payoffs.
    isolated : bool or None
        Whether a neighbourhood holds no other equilibrium.
    index : int or None
        The sign of a determinant, +1 or -1. If all equilibria of a game are regular, their indices sum to 1. One
        of index -1 is asymptotically stable under no dynamic that moves players towards better replies (Demichelis &
        Ritzberger 2003).
    perfect : bool or None
        Whether it survives some small mistakes of all players (Selten 1975).
    proper : bool or None
        Whether it survives some small mistakes, costly ones being much rarer (Myerson 1978).
    """

    equilibrium: Equilibrium
    strict: bool | None
    quasi_strict: bool | None
    regular: bool | None
    isolated: bool | None
    index: int | None
    perfect: bool | None
    proper: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return the properties as plain JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "equilibrium"}

    def __repr__(self) -> str:
        return f"<Stability {', '.join(f'{name}={value}' for name, value in self.to_dict().items())}>"
