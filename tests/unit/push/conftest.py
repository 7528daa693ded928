"""A fresh store; on PostgreSQL, too, where a test asks for `any_store`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crmbridge.store import Store, open_store
from crmbridge.testing.databases import PostgresServer, postgres_server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/crmbridge.db")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/crmbridge.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    opened = open_store(url)
    yield opened
    opened.close()
