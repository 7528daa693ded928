"""Options that several commands share, and what the command line was called with."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crmbridge.clock import StandingClock, SystemClock

if TYPE_CHECKING:
    from crmbridge.adapters import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What stood before the command."""

    config: Path | None = None


def invocation(context: typer.Context) -> Invocation:
    """What stood before the command, from typer's context."""
    found = context.find_object(Invocation)
    return found or Invocation()


def parse_now(text: str) -> datetime:
    """An aware time from ISO 8601; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as cause:
        raise typer.BadParameter(
            f"expected a time such as 2026-11-22T08:00:00Z, got {text!r}"
        ) from cause
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def clock_at(now: datetime | None) -> "Clock":
    """The machine's clock, or one that shows ``--now`` throughout."""
    return SystemClock() if now is None else StandingClock(now)


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]
Now = Annotated[
    datetime | None,
    typer.Option(
        "--now",
        parser=parse_now,
        metavar="TIMESTAMP",
        help="Take this for the time now, for reproducible runs.",
    ),
]
Connections = Annotated[
    list[str] | None, typer.Argument(metavar="[CONNECTION]...", help="All when none is named.")
]
