"""How a solver ended, and what it reports on the way."""

from __future__ import annotations

import enum


class Status(enum.Enum):
    """How a solver ended, as a sentence with advice."""

    CONVERGED = "The certificate confirms the equilibrium."
    REJECTED = "The certificate rejects the profile found; try another method, or exact=True."
    MAX_ITER = "The iteration limit was reached; raise max_iter or choose another method."
    STALLED = "The method stopped making progress; try another method or starting point."
    CYCLING = "The method visits the same profiles again; try another method."
    PATH_LOST = "The path could not be followed further; try another method."
    TIME_LIMIT = "The time limit was reached; the best profile so far is returned."
    INTERRUPTED = "Interrupted; the best profile so far is returned."
