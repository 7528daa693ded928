"""Builders for pulls of a made-up CRM."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crmbridge.adapters import Capabilities
from crmbridge.pull import PullReport, Source, SourceObject, pull
from crmbridge.store import Store, open_store
from crmbridge.store.schema import LIVE, RECORDS, quarantine
from crmbridge.testing.memory import (
    OBJECTS,
    WRITE_FIELDS,
    MemoryConnection,
    MemoryCrm,
    memory_capabilities,
    memory_mappings,
)


def _mapping(stream: str, fields: dict[str, Any], without: tuple[str, ...]) -> dict[str, Any]:
    sources = {**memory_mappings()[stream][OBJECTS[stream]], **fields}
    return {name: source for name, source in sources.items() if name not in without}


@dataclass(slots=True)
class Bench:
    """A store, a made-up CRM, and pulls of the one into the other."""

    store: Store
    crm: MemoryCrm = field(default_factory=MemoryCrm)
    runs: int = 0

    def pull(self, *streams: str, **settings: Any) -> PullReport:
        """Pull streams, by default customers and contacts, a minute later than last time."""
        self.runs += 1
        self.crm.clock.at += timedelta(minutes=1)
        return pull(self.store, self.source(*streams, **settings))

    def source(
        self,
        *streams: str,
        capabilities: Capabilities | None = None,
        fields: dict[str, Any] | None = None,
        without: tuple[str, ...] = (),
        write: bool = False,
        **settings: Any,
    ) -> Source:
        """What a pull of streams is told."""
        declared = capabilities or memory_capabilities()
        wanted = streams or ("customers", "contacts")
        return Source(
            connection="crm",
            adapter="memory",
            open=MemoryConnection(
                crm=self.crm,
                declared=declared,
                writable={"Account": WRITE_FIELDS} if write else {},
            ),
            capabilities=declared,
            objects=tuple(
                SourceObject(
                    stream=stream,
                    object=OBJECTS[stream],
                    fields=_mapping(stream, fields or {}, without),
                    write_fields=WRITE_FIELDS if write and stream == "customers" else (),
                )
                for stream in wanted
            ),
            clock=self.crm.clock,
            run_id=self.runs,
            zone="UTC",
            **settings,
        )

    def held(self, stream: str, *columns: str, state: int | None = LIVE) -> dict[str, Any]:
        """Id -> the columns' values (one alone is not wrapped) of records in a state."""
        table = RECORDS[stream]
        query = select(table.c.id, *(table.c[name] for name in columns or ("id",)))
        if state is not None:
            query = query.where(table.c.record_state == state)
        with self.store.read() as tx:
            rows = [tuple(row) for row in tx.execute(query)]
        return {row[0]: row[1] if len(row) == 2 else row[1:] for row in rows}

    def waiting(self) -> dict[str, str]:
        """Record name -> reason, of all that is in quarantine."""
        with self.store.read() as tx:
            rows = tx.execute(select(quarantine.c.record_id, quarantine.c.reason))
            return {row[0]: row[1] for row in rows}


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    yield Bench(store)
    store.close()
