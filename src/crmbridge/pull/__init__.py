"""Pull: what adapters read becomes records in the store, with positions that never lose a row."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmbridge.pull.foreseeing import Preview, preview
    from crmbridge.pull.pulling import pull
    from crmbridge.pull.retrying import retry
    from crmbridge.pull.source import Problem, PullReport, Source, SourceObject
    from crmbridge.pull.verifying import Verified, verify

_HOMES = {
    "Preview": "foreseeing",
    "Problem": "source",
    "PullReport": "source",
    "Source": "source",
    "SourceObject": "source",
    "Verified": "verifying",
    "preview": "foreseeing",
    "pull": "pulling",
    "retry": "retrying",
    "verify": "verifying",
}
"""Loaded when asked for: the database library is heavy. No module bears the name of a function."""

__all__ = [
    "Preview",
    "Problem",
    "PullReport",
    "Source",
    "SourceObject",
    "Verified",
    "preview",
    "pull",
    "retry",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
