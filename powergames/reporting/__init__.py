"""Reports: one page about a game that opens in any browser, without a network."""

from powergames.reporting.assemble import Report, report
from powergames.reporting.editable import editable

__all__ = ["Report", "editable", "report"]
