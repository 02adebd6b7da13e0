"""Charts as notebooks show them."""

from __future__ import annotations

from typing import Any


def quiet(chart: Any) -> Any:
    """Leave out the menu of a chart, which has no name for a screen reader.

    Parameters
    ----------
    chart : altair.TopLevelMixin

    Returns
    -------
    altair.TopLevelMixin
        A copy.
    """
    return chart.properties(usermeta={"embedOptions": {"actions": False}})
