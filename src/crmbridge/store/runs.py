"""Keeps what each run was asked, when it ran and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from crmbridge.store.jsontext import from_json, to_json
from crmbridge.store.schema import runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run.

    Args:
        now: the time it worked with, ms; ``--now`` sets it.
        status: running, done, rejects, guard, review, later, sign_in, config, storage, usage,
            interrupted.
        report: what ``run --json`` printed; {} while it runs.
    """

    id: int
    job: str
    command: str
    status: str
    exit_code: int | None
    now: int
    started_at: int
    finished_at: int | None
    settings_digest: str
    report: Mapping[str, Any]


def start_run(
    tx: Connection, *, job: str, command: str, now: int, started_at: int, settings_digest: str = ""
) -> int:
    """Keep that a run began.

    Returns:
        Its number, greater than that of any run before.
    """
    statement = runs.insert().values(
        job=job,
        command=command,
        status="running",
        now=now,
        started_at=started_at,
        settings_digest=settings_digest,
    )
    return int(tx.execute(statement.returning(runs.c.id)).scalar_one())


def finish_run(
    tx: Connection,
    run_id: int,
    *,
    status: str,
    exit_code: int,
    finished_at: int,
    report: Mapping[str, Any],
) -> None:
    """Keep how a run ended."""
    tx.execute(
        runs.update()
        .where(runs.c.id == run_id)
        .values(
            status=status,
            exit_code=exit_code,
            finished_at=finished_at,
            report=to_json(dict(report)),
        )
    )


def get_run(tx: Connection, run_id: int) -> Run | None:
    """A run by its number."""
    row = tx.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return None if row is None else _run(row._asdict())


def list_runs(tx: Connection, *, limit: int = 20, job: str = "") -> list[Run]:
    """The latest runs first, of all jobs or one."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if job:
        query = query.where(runs.c.job == job)
    return [_run(row._asdict()) for row in tx.execute(query)]


def _run(row: dict[str, Any]) -> Run:
    return Run(**{**row, "report": from_json(row["report"])})
