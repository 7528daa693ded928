"""A workspace over settings that a test writes, and services on this machine."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crmbridge.clock import FixedClock, StandingClock
from crmbridge.extensions import load_extensions
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import to_millis
from crmbridge.settings import loads
from crmbridge.store import open_store
from crmbridge.store.upsert import upsert_records
from crmbridge.testing.loopback import LoopbackServer

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    """``space(toml, now)``: a workspace with an empty store in the test's folder."""
    with ExitStack() as stack:

        def build(toml: str = "", now: datetime = NOW) -> Workspace:
            store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
            stack.callback(store.close)
            settings = loads(toml, {}, tmp_path)
            extensions = load_extensions(settings.plugins.allow)
            return Workspace(
                settings=settings, store=store, extensions=extensions, clock=FixedClock(now)
            )

        yield build


@pytest.fixture
def put() -> Callable[..., None]:
    """``put(workspace, stream, id=..., field=...)``: keep a record of the connection crm."""

    def keep(workspace: Workspace, stream: str, **fields: Any) -> None:
        values = {"connection": "crm", "object": stream, **fields}
        with workspace.store.write() as tx:
            upsert_records(tx, stream, [tuple(values.values())], 1, columns=tuple(values))

    return keep


@pytest.fixture
def serve() -> Iterator[Callable[..., LoopbackServer]]:
    """``serve(script)``: a server that runs until the test is over."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(LoopbackServer(script))


TODAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

TOML = """
[store]
url = "sqlite:///{folder}/store.db"

[out]
path = "{folder}/out"
"""
CONNECTION = """
[connections.{name}]
adapter = "csv"
path = "{folder}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A workspace at a standing time, and ways to put records into its store."""

    space: Workspace
    folder: Path

    def hold(self, stream: str, *records: dict[str, Any], run: int = 1) -> None:
        """Put records of a stream into the store; their connection is "sales" if none is said."""
        for number, record in enumerate(records):
            whole = {"connection": "sales", "object": stream, "id": f"{stream}{number}", **record}
            with self.space.store.write() as tx:
                upsert_records(tx, stream, [tuple(whole.values())], run, columns=tuple(whole))

    @staticmethod
    def at(days: float) -> int:
        """Milliseconds of so many days ago."""
        return to_millis(TODAY - timedelta(days=days))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without records; copying it is quicker than making one."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def open_shop(tmp_path: Path, empty_store: Path) -> Iterator[Callable[..., Shop]]:
    """Opens a shop; takes more configuration text and the names of its connections."""
    opened: list[Workspace] = []

    def build(more: str = "", names: tuple[str, ...] = ("sales",)) -> Shop:
        parts = [TOML, *(CONNECTION.replace("{name}", name) for name in names), more]
        text = "".join(parts).replace("{folder}", str(tmp_path))
        settings = loads(text, {}, tmp_path)
        shutil.copy(empty_store, tmp_path / "store.db")
        store = open_store(settings.store_url().get_secret_value())
        space = Workspace(
            settings=settings,
            store=store,
            extensions=load_extensions(()),
            clock=StandingClock(TODAY),
            run_id=1,
        )
        opened.append(space)
        return Shop(space=space, folder=tmp_path)

    yield build
    for space in opened:
        space.store.close()


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """A shop with one connection named "sales"."""
    return open_shop()
