"""Live notebooks for a class; installed as `powergames.notebooks`, and started by ``powergames explore``."""

from __future__ import annotations
