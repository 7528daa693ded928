"""A sandbox, connections to it, and stores that are filled from it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from crmbridge.adapters import Connection
from crmbridge.pull import PullReport, Source, SourceObject, pull
from crmbridge.store import Store, open_store
from crmbridge.store.schema import LIVE, RECORDS, links
from crmbridge.testing.context import make_context
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Sandbox

Connect = Callable[..., Connection]


@pytest.fixture
def hub() -> Iterator[Sandbox]:
    """A running sandbox whose clock stands still between changes."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def connect(hub: Sandbox, tmp_path: Path) -> Connect:
    """Opens connections to the sandbox with the private app's token."""

    def open_one(**settings: Any) -> Connection:
        auth = {"access_token": SecretStr("pat-sandbox")}
        context = make_context(tmp_path, url=hub.url, auth=auth)
        return ADAPTER.open(ADAPTER.settings(**settings), context)

    return open_one


@pytest.fixture
def puller(hub: Sandbox, tmp_path: Path) -> Iterator[Callable[..., "Puller"]]:
    """Makes stores that are filled from the sandbox's named objects, as crmbridge fills them."""
    with ExitStack() as stack:

        def make(*objects: str, **chosen: Any) -> Puller:
            made = Puller(hub, tmp_path, objects, searches_per_second=0, **chosen)
            stack.callback(made.store.close)
            return made

        yield make


OAUTH = {
    "client_id": "me",
    "client_secret": SecretStr("s3cret"),
    "refresh_token": SecretStr("refresh-sandbox"),
}


class Puller:
    """A store, and what it is filled from.

    Args:
        objects: those read; each belongs to one stream.
    """

    def __init__(self, hub: Sandbox, folder: Path, objects: tuple[str, ...], **chosen: Any) -> None:
        self.hub = hub
        self.folder = folder
        self.objects = objects
        self.chosen = chosen
        self.runs = 0
        self.store: Store = open_store(f"sqlite:///{folder / 'store.db'}")

    def pull(self, *, full: bool = False) -> PullReport:
        """One run."""
        self.runs += 1
        context = make_context(self.folder, url=self.hub.url, auth=OAUTH, clock=_Standing(self.hub))
        with ADAPTER.open(ADAPTER.settings(**self.chosen), context) as connection:
            source = Source(
                connection="sales",
                open=connection,
                capabilities=ADAPTER.capabilities,
                objects=tuple(map(_item, self.objects)),
                clock=context.clock,
                run_id=self.runs,
                zone="UTC",
                full=full,
            )
            return pull(self.store, source)

    def held(self, stream: str, *columns: str) -> dict[str, Any]:
        """id -> value, or values, of live records."""
        table = RECORDS[stream]
        query = select(table.c.id, *(table.c[one] for one in columns))
        with self.store.read() as tx:
            found = tx.execute(query.where(table.c.record_state == LIVE)).all()
        return {row[0]: row[1] if len(columns) == 1 else tuple(row[1:]) for row in found}

    def linked(self) -> set[tuple[str, str, str, str]]:
        """(object, id, object, id) of all links."""
        columns = (links.c.from_object, links.c.from_id, links.c.to_object, links.c.to_id)
        with self.store.read() as tx:
            return {tuple(row) for row in tx.execute(select(*columns))}


def _item(object_: str) -> SourceObject:
    stream = ADAPTER.capabilities.of(object_).stream
    fields = ADAPTER.mappings[stream][object_]
    return SourceObject(
        stream=stream, object=object_, fields=fields, optional=frozenset(fields) - {"id"}
    )


class _Standing:
    """The sandbox's clock as ours; waiting takes no time."""

    def __init__(self, hub: Sandbox) -> None:
        self._hub = hub

    def now(self) -> Any:
        """The account's time."""
        return self._hub.account.clock.now()

    def monotonic(self) -> float:
        """Seconds of the account's time."""
        return float(self.now().timestamp())

    def sleep(self, seconds: float) -> None:
        """Go on at once."""
