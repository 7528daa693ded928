"""Says how things stand: connections, jobs, past runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crmbridge.jobs.runner import timetable
from crmbridge.jobs.workspace import Workspace
from crmbridge.push.ledger import latest_open
from crmbridge.records import STREAMS, from_millis
from crmbridge.store.connections import list_accounts
from crmbridge.store.quarantine import list_quarantined
from crmbridge.store.records import count_by_state
from crmbridge.store.runs import list_runs
from crmbridge.store.schema import LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How things stand now; plain values, ready to show."""

    connections: Sequence[dict[str, Any]]
    jobs: Sequence[dict[str, str]]
    waiting: str

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return {
            "connections": list(self.connections),
            "jobs": list(self.jobs),
            "waiting_changeset": self.waiting,
        }


def state_of(workspace: Workspace) -> State:
    """How connections and jobs stand, and which changeset waits."""
    with workspace.store.read() as tx:
        accounts = {one.name: one for one in list_accounts(tx)}
        connections = []
        for name, settings in sorted(workspace.settings.connections.items()):
            account = accounts.get(name)
            pulled = None if account is None else account.pulled_at
            live = sum(
                count
                for stream in STREAMS
                for (_, state), count in count_by_state(tx, stream, name).items()
                if state == LIVE
            )
            connections.append(
                {
                    "name": name,
                    "adapter": settings.adapter,
                    "pulled_at": _text(pulled) or "never",
                    "records": live,
                    "quarantined": len(list_quarantined(tx, name)),
                }
            )
    return State(
        connections=connections,
        jobs=[line.to_json() for line in timetable(workspace)],
        waiting=latest_open(workspace.store) or "",
    )


def past_runs(workspace: Workspace, limit: int) -> list[dict[str, Any]]:
    """Runs, the last first."""
    with workspace.store.read() as tx:
        found = list_runs(tx, limit=limit)
    return [
        {
            "run": run.id,
            "command": run.command,
            "job": run.job,
            "status": run.status,
            "exit_code": run.exit_code,
            "now": _text(run.now),
            "started_at": _text(run.started_at),
            "finished_at": _text(run.finished_at),
        }
        for run in found
    ]


def _text(millis: int | None) -> str:
    return "" if millis is None else from_millis(millis).isoformat(timespec="seconds")
