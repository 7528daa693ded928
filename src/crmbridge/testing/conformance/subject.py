"""What an adapter's tests hand to the conformance suite."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from crmbridge.adapters import (
    Adapter,
    Connection,
    FieldSource,
    ObjectCapability,
    Page,
    Position,
    Reading,
    ReadRequest,
    Window,
)
from crmbridge.testing.truth import START


class Truth(Protocol):
    """The CRM behind an adapter, changed as its users would change it.

    `MemoryCrm` is one. An adapter's sandbox usually gives one over its own table, a file adapter
    over its files; neither may share code with the adapter.
    """

    def put(self, object_: str, values: Mapping[str, Any]) -> str:
        """Create a record with these source fields; returns its id."""
        ...

    def edit(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        """Change source fields of a record."""
        ...

    def delete(self, object_: str, id_: str) -> None:
        """Delete a record."""
        ...

    def link(self, object_: str, id_: str, to: str, to_id: str) -> None:
        """Associate two records; called only where the adapter declares links."""
        ...

    def held(self, object_: str) -> Mapping[str, Mapping[str, Any]]:
        """id -> source fields of all records there are now, however they came about."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An adapter with a CRM of its own behind it.

    Args:
        connect: opens a connection; called several times, since a crash ends one.
        object: the object that is read, and updated if the adapter declares that.
        field: a text field of it, writable if updates are declared.
        sample: number -> source fields of a record of `object`, all different.
        many: records enough for more than one page.
        created: the object that records with our key are created in; "" if there is none.
        new: number -> values of such a record.
        members: the object that members are added to; "" if there is none.
        member: number -> values of a member.
        merge: merges a record (loser, winner) of `object`; None where the CRM has no merging.
        bad: values of `object` that the CRM refuses; None where it takes everything.
        faults: name -> makes the next answers bad: ``busy`` (429 or the like once), ``broken``
            (an answer that breaks off), ``lost`` (a write lands, its answer does not come back),
            ``expired`` (the token is refused once), ``slow`` (the next long job is still under
            way when its call returns). Empty for an adapter without a network.
    """

    adapter: Adapter
    truth: Truth
    connect: Callable[[], Connection]
    object: str
    field: str
    sample: Callable[[int], Mapping[str, Any]]
    many: int = 7
    created: str = ""
    new: Callable[[int], Mapping[str, Any]] = lambda number: {"subject": f"Visit {number}"}
    members: str = ""
    member: Callable[[int], Mapping[str, Any]] = lambda number: {"contact_id": str(number)}
    merge: Callable[[str, str], None] | None = None
    bad: Mapping[str, Any] | None = None
    faults: Mapping[str, Callable[[], None]] = dataclasses.field(default_factory=dict)

    def ability(self, object_: str = "") -> ObjectCapability:
        """What the adapter declares for an object, by default the one that is read."""
        return self.adapter.capabilities.of(object_ or self.object)

    def fill(self, count: int = 0) -> list[str]:
        """Put records into the CRM, by default `many`; returns their ids."""
        return [
            self.truth.put(self.object, self.sample(number)) for number in range(count or self.many)
        ]

    def id_field(self, object_: str = "") -> str:
        """The source field that holds the id, by the default mapping."""
        object_ = object_ or self.object
        return source_name(self.mapping(object_)["id"])

    def mapping(self, object_: str) -> Mapping[str, FieldSource]:
        """The default mapping of an object."""
        return self.adapter.mappings[self.ability(object_).stream][object_]

    def request(
        self,
        position: Position | None = None,
        *,
        since: datetime | None = None,
        window: Window | None = None,
    ) -> ReadRequest:
        """A request for the object's id and text field, with a window where one is used."""
        if self.ability().reading is Reading.WINDOW and window is None:
            window = Window(since=since, until=self.now() + timedelta(minutes=1))
        return ReadRequest(
            object=self.object,
            fields=(self.id_field(), self.field),
            position=position or {},
            window=window,
        )

    def now(self) -> datetime:
        """The CRM's time, or the start of the tests' own where it tells none."""
        with self.connect() as connection:
            return connection.server_time() if self.adapter.capabilities.has_clock else START

    def ids(self, page: Page) -> list[str]:
        """The ids of a page's rows."""
        at = page.columns.index(self.id_field(page.object))
        return [row[at] for row in page.rows]

    def values(self, pages: list[Page]) -> dict[str, Any]:
        """id -> value of the text field, the latest page's last."""
        found: dict[str, Any] = {}
        for page in pages:
            at = page.columns.index(self.field)
            found |= zip(self.ids(page), (row[at] for row in page.rows), strict=True)
        return found


class Conformance:
    """Gives each test of the suite a fresh subject."""

    def start(self, folder: Path) -> AbstractContextManager[Subject]:
        """The adapter under test with an empty CRM behind it; `folder` is the test's own."""
        raise NotImplementedError

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Iterator[Subject]:
        """What `start` gives, for one test."""
        with self.start(tmp_path) as subject:
            yield subject


def source_name(source: FieldSource) -> str:
    """The source field that a mapping's entry names; "" for a constant."""
    return source if isinstance(source, str) else str(source.get("field", ""))
