"""Audits: the certificate of any policies, and what everybody gets when one player goes off them.

No solver is involved, so that policies from anywhere are judged by the same rules.
"""

from powergames.auditing.off_policy import OffPolicy, off_policy
from powergames.auditing.report import Audit, Distance, Unvisited, audit

__all__ = ["Audit", "Distance", "OffPolicy", "Unvisited", "audit", "off_policy"]
