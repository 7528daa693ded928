"""What an evaluation hands to whoever shows it: a document for programs, findings for people."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found.

    Args:
        document: JSON values only; what is not known is None.
        findings: what was done to the table, and what to doubt.
    """

    document: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def known(value: float) -> float | None:
    """A number, or None where it is not finite: JSON has no word for that."""
    return float(value) if math.isfinite(value) else None


def sentence(verdict: str, findings: tuple[Finding, ...]) -> str:
    """A verdict with what was done to reach it."""
    told = dict.fromkeys(finding.example for finding in findings)
    return ". ".join(part.rstrip(".") for part in (verdict, *told) if part) + "."
