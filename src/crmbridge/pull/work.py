"""One object of a source while it is pulled: what is known of it, and what has been counted."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection

from crmbridge.adapters import ObjectCapability, Page, Reading, Window
from crmbridge.pull.held import (
    Place,
    has_any,
    has_written,
    held_consents,
    quarantined_ids,
    survivors,
)
from crmbridge.pull.mapping import Converted, PageMapping, compile_mapping
from crmbridge.pull.passes import Mark
from crmbridge.pull.source import Source, SourceObject
from crmbridge.pull.sources import Notes
from crmbridge.pull.stated import MOST_HELD, Stated
from crmbridge.records import Counts, Finding, Kind, from_millis, to_millis
from crmbridge.store import Store
from crmbridge.store.positions import Spot

REMEDIES = {
    "pull.naive_time": (
        "Times without a zone were read as UTC: name the zone in the connection or the mapping."
    ),
    "pull.instant_as_day": (
        "Instants were cut to their day in UTC: name the zone in the connection or the mapping."
    ),
    "pull.erased_person": "Persons who were erased are kept out; delete them in the CRM, too.",
    "pull.unmapped_value": "Values that the value map does not name were kept: name them, too.",
}


@dataclass(slots=True, kw_only=True)
class Work:
    """An object under way.

    Args:
        place: whose records these are.
        binding: what its positions are valid for.
        held_before: records of the object were held when the pull began.
        waiting: names in quarantine, so that records that come good are let go.
        winners: column that refers to records -> loser -> survivor, of merged ones.
        consents: counts of the facts that the object's consent fields make.
        stated: which facts are held, so that those that are withdrawn are found.
        notes: what a person should know about values that were taken in.
        echoed: rows whose only news was our own last write.
        duplicates: rows quarantined since an earlier one of their page has the same id.
    """

    store: Store
    source: Source
    item: SourceObject
    ability: ObjectCapability
    place: Place
    binding: str
    waiting: set[str] = field(default_factory=set)
    winners: dict[str, dict[str, str]] = field(default_factory=dict)
    held_before: bool = True
    has_written: bool = False
    stated: Stated = field(default_factory=lambda: Stated(""))
    counts: Counts = field(default_factory=Counts)
    consents: Counts = field(default_factory=Counts)
    notes: Notes = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    echoed: int = 0
    duplicates: int = 0
    mapping: PageMapping | None = None
    converting: threading.Lock = field(default_factory=threading.Lock)

    def spot(self, pass_: str) -> Spot:
        """Whose position: this object's, in a pass."""
        connection, object_ = self.place.key
        return Spot(connection=connection, object=object_, pass_=pass_, binding=self.binding)

    @property
    def now(self) -> int:
        """Our clock, ms; for marks of when something was done, never for positions."""
        return to_millis(self.source.clock.now())

    def window(self, mark: Mark) -> Window | None:
        """The window of a mark, where the object is read by windows."""
        if self.ability.reading is not Reading.WINDOW or mark.until is None:
            return None
        since = None if mark.since is None else from_millis(mark.since)
        return Window(since=since, until=from_millis(mark.until))

    def convert(self, page: Page) -> Converted:
        """Convert a page, compiling the mapping anew when its columns are others.

        Threads take turns: a page that is looked at again may meet the next one.
        """
        with self.converting:
            return self._convert(page)

    def _convert(self, page: Page) -> Converted:
        if not page.rows:
            names = self.mapping.names if self.mapping else ()
            return Converted(names=names, rows=[], rejected=list(page.rejected))
        if self.mapping is None or self.mapping.columns != tuple(page.columns):
            self.mapping = compile_mapping(
                self.item.records,
                self.item.object,
                self.item.fields,
                page.columns,
                self.source.options(self.item),
            )
        return self.mapping.convert(page)

    def noted(self) -> list[Finding]:
        """The notes of all pages as findings."""
        return self.findings + [
            Finding(code=code, count=count, example=where, remedy=REMEDIES[code])
            for (code, where), count in self.notes.items()
        ]


def begin_work(store: Store, source: Source, item: SourceObject, organisation: str) -> Work:
    """Look up what a pull of an object needs to know.

    Args:
        organisation: of the account, asked for once per pull.
    """
    place = Place(connection=source.connection, object=item.object, stream=item.stream)
    with store.read() as tx:
        return Work(
            store=store,
            source=source,
            item=item,
            ability=source.capabilities.of(item.object),
            place=place,
            binding=source.binding(item, organisation),
            held_before=has_any(tx, place),
            waiting=quarantined_ids(tx, place),
            winners=_winners(tx, source, item),
            has_written=bool(item.write_fields) and has_written(tx, place),
            stated=Stated(item.object, held_consents(tx, place.key, MOST_HELD + 1)),
        )


def _winners(tx: Connection, source: Source, item: SourceObject) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in item.records.fields:
        if one.kind is Kind.ID and one.refers_to:
            objects = [other.object for other in source.objects if other.stream == one.refers_to]
            if known := survivors(tx, source.connection, objects):
                found[one.name] = known
    return found
