"""A fresh store; on PostgreSQL, too, where a test asks for `any_store`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmbridge.store import Store, open_store
from crmbridge.testing.databases import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store's file; a copy of it opens faster than a new one is made."""
    path = tmp_path_factory.mktemp("template") / "crmbridge.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def store(tmp_path: Path, template: Path) -> Iterator[Store]:
    shutil.copyfile(template, tmp_path / "crmbridge.db")
    opened = open_store(f"sqlite:///{tmp_path}/crmbridge.db")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    opened = open_store(server.new_database())
    yield opened
    opened.close()
