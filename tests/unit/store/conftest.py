"""A fresh store on each database; the PostgreSQL server is started once and only if needed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmbridge.store import Store, open_store
from crmbridge.testing.databases import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, empty_file: Path) -> str:
    if request.param == "sqlite":
        shutil.copy(empty_file, tmp_path / "store.db")
        return f"sqlite:///{tmp_path}/store.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_store()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, wait_seconds=5)
    yield opened
    opened.close()
