"""Regrets that pass unless the caller says otherwise, relative to the range of payoffs or of values."""

from __future__ import annotations

# Of policies from anywhere, which may be learned from samples: audits, training and ``powergames audit``.
POLICY_TOLERANCE = 0.02
