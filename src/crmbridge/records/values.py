"""Small values that several rooms hand to each other."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class RecordKey:
    """Where a record lives: written ``connection/object/id``."""

    connection: str
    object: str
    id: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.object}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``connection/object/id``; the id may hold slashes.

        Raises:
            ValueError: fewer than three parts.
        """
        connection, object_, id_ = text.split("/", 2)
        return cls(connection, object_, id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know, counted, with one example and what to do about it."""

    code: str
    count: int = 1
    example: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One part of a score or decision in plain words.

    Args:
        weight: this part's share in the score; the weights of a score's reasons sum to it.
    """

    code: str
    text: str
    weight: float = 0.0


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a pull did with a stream; ``read = new + changed + unchanged + quarantined``."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    quarantined: int = 0

    def add(self, other: "Counts") -> None:
        """Add another count to this one."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a job, as ``crmbridge_on_event`` hears it.

    Args:
        code: ``job.started``, ``job.finished``, ``job.missed``, ``job.skipped``, ``job.failed``,
            ``guard.tripped``, ``review.waiting``, ``pull.finished``, ``push.finished``.
        facts: plain values only, no secret and no personal data.
    """

    code: str
    job: str = ""
    run: str = ""
    at: datetime
    exit_code: int = 0
    facts: dict[str, str | int | float | None] = field(default_factory=dict)


def to_millis(at: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00Z of an aware datetime, rounded down."""
    delta = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def from_millis(millis: int) -> datetime:
    """The aware UTC datetime of milliseconds since 1970-01-01T00:00Z."""
    return datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)
