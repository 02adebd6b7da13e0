"""Games: explicit, validated, immutable; and a catalog of named ones."""

from powergames.games.normal_form import NormalFormGame

__all__ = ["NormalFormGame"]
