"""Keeps when each job was last due and how it went, so that nothing due runs twice or is missed."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select

from crmbridge.store.schema import job_states
from crmbridge.store.writing import put


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """Where a job stands.

    Args:
        last_due_at: the due time that was last taken up, ms.
        waiting_changeset: a changeset of this job that waits for review.
    """

    job: str
    last_due_at: int | None = None
    last_run_id: int | None = None
    last_exit_code: int | None = None
    waiting_changeset: str | None = None


def get_job(tx: Connection, job: str) -> JobState:
    """Where a job stands; all None if it never ran."""
    row = tx.execute(select(job_states).where(job_states.c.job == job)).one_or_none()
    return JobState(job=job) if row is None else JobState(**row._asdict())


def save_job(tx: Connection, state: JobState) -> None:
    """Keep where a job stands."""
    put(tx, job_states, [asdict(state)])


def list_jobs(tx: Connection) -> list[JobState]:
    """All jobs that ever ran, by name."""
    rows = tx.execute(select(job_states).order_by(job_states.c.job))
    return [JobState(**row._asdict()) for row in rows]
