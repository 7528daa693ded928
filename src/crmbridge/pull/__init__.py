"""Pull: what adapters read becomes records in the store, with positions that never lose a row."""

from crmbridge.pull.pull import pull
from crmbridge.pull.source import Problem, PullReport, Source, SourceObject

__all__ = ["Problem", "PullReport", "Source", "SourceObject", "pull"]
