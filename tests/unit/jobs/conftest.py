"""A workspace over settings that a test writes, and services on this machine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmbridge.clock import FixedClock
from crmbridge.extensions import load_extensions
from crmbridge.jobs.workspace import Workspace
from crmbridge.settings import loads
from crmbridge.store import open_store
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
def serve() -> Iterator[Callable[..., LoopbackServer]]:
    """``serve(script)``: a server that runs until the test is over."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(LoopbackServer(script))
