"""Runs the revisions inside the transaction that `crmbridge.store.migrate` has begun."""

from typing import Any

from alembic import context

from crmbridge.failpoint import reach
from crmbridge.store.schema import metadata


def _step(*_: Any, **__: Any) -> None:
    reach("migration.step")


def _run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,  # alembic believes SQLite cannot; our driver set-up makes it so
        on_version_apply=_step,
    )
    with context.begin_transaction():
        context.run_migrations()


_run()
