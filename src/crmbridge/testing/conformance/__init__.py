"""The suite that every adapter passes: what is declared works, what is not says so."""

from crmbridge.testing.conformance.account import AccountConformance
from crmbridge.testing.conformance.jobs import JobConformance
from crmbridge.testing.conformance.reading import ReadingConformance
from crmbridge.testing.conformance.subject import Subject, Truth
from crmbridge.testing.conformance.writing import WritingConformance


class AdapterConformance(
    ReadingConformance, WritingConformance, JobConformance, AccountConformance
):
    """Subclass it under a name that starts with ``Test`` and define `start`."""


__all__ = [
    "AccountConformance",
    "AdapterConformance",
    "JobConformance",
    "ReadingConformance",
    "Subject",
    "Truth",
    "WritingConformance",
]
