"""Audits: the certificate of any policies, and what everybody gets when one player leaves them.

No solver is involved, so that policies from anywhere are judged by the same rules.
"""

from powergames.auditing.audit import Audit, Distance, Unvisited, audit
from powergames.auditing.departures import OffPolicy, off_policy
from powergames.auditing.estimated import EstimatedPower, estimated_power
from powergames.auditing.horizon import HorizonAudit
from powergames.auditing.sampled import SampledAttack, SampledAudit, sampled_audit

__all__ = [
    "Audit",
    "Distance",
    "EstimatedPower",
    "HorizonAudit",
    "OffPolicy",
    "SampledAttack",
    "SampledAudit",
    "Unvisited",
    "audit",
    "estimated_power",
    "off_policy",
    "sampled_audit",
]
