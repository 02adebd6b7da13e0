"""Game files of the demo and the examples; installed as `powergames.example_games`."""

from __future__ import annotations
