"""What the host lends an adapter, made for a test: nothing waits and nothing leaves a folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmbridge.adapters import Clock, Context
from crmbridge.adapters.http import HttpClient, Limits, Traffic, open_http
from crmbridge.adapters.redact import Redactor
from crmbridge.adapters.tokens import TokenStore
from crmbridge.clock import FixedClock
from crmbridge.testing.truth import START


@dataclass(slots=True)
class RecordingLog:
    """Keeps what is said, as (level, event, facts)."""

    said: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def debug(self, event: str, **facts: Any) -> None:
        """Keep it."""
        self.said.append(("debug", event, facts))

    def info(self, event: str, **facts: Any) -> None:
        """Keep it."""
        self.said.append(("info", event, facts))

    def warning(self, event: str, **facts: Any) -> None:
        """Keep it."""
        self.said.append(("warning", event, facts))


def make_client(
    url: str, *, clock: Clock | None = None, log: RecordingLog | None = None, **limits: Any
) -> HttpClient:
    """An HTTP client that waits on a fixed clock, with jitter of one half, limited as named."""
    traffic = Traffic(
        connection="sales",
        clock=clock or FixedClock(START),
        log=log or RecordingLog(),
        limits=Limits(**limits),
        redactor=Redactor(),
        jitter=lambda: 0.5,
    )
    return open_http(url, traffic)


def make_context(
    folder: Path,
    *,
    url: str = "",
    auth: Mapping[str, Any] | None = None,
    write_fields: Mapping[str, tuple[str, ...]] | None = None,
    clock: Clock | None = None,
) -> Context:
    """A context whose relative paths, temporary files and tokens are all in one folder."""
    clock = clock or FixedClock(START)
    return Context(
        connection="sales",
        base=folder,
        folder=folder,
        clock=clock,
        log=RecordingLog(),
        url=url,
        auth=auth or {},
        http=make_client(url, clock=clock) if url else None,
        tokens=TokenStore(folder / "tokens"),
        write_fields=write_fields or {},
    )
