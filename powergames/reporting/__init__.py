"""Reports: one page about a game that opens in any browser, without a network."""

from powergames.reporting.assemble import Report, report

__all__ = ["Report", "report"]
