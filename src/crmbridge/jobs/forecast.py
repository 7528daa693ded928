"""Foresees how many calls a run will need, against what a CRM's quota leaves us."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from crmbridge.adapters import Quota
from crmbridge.errors import CrmbridgeError
from crmbridge.jobs.workspace import Opened, Workspace
from crmbridge.push.journal import load_changeset
from crmbridge.push.ledger import latest_open
from crmbridge.records import Finding
from crmbridge.store.jsontext import from_json
from crmbridge.store.schema import runs

PAGE = 100
"""Records a call gives at least, for a first pull, of which no earlier run tells."""
LAST_RUNS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run will need of a connection's calls, and what there is.

    Args:
        pull: calls of the last run that pulled it, or by its counts before the first one.
        push: calls of the changeset that waits.
        left: calls that we may still make, the reserve for people kept.
        reserve: calls that stay untouched, whoever used the rest.
        resets_at: when the quota is renewed, where the CRM tells.
    """

    connection: str
    pull: int
    push: int
    left: int
    reserve: int
    allowed: int
    resets_at: datetime | None = None

    @property
    def fits(self) -> bool:
        """Whether a run will come to its end."""
        return self.pull + self.push <= self.left

    def line(self) -> str:
        """One line for people."""
        needed = f"about {self.pull + self.push} (pull {self.pull}, push {self.push})"
        when = (
            f"; renewed at {self.resets_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
            if self.resets_at
            else ""
        )
        return (
            f"{self.connection}: a run needs {needed} of {self.left} calls that are left to us of"
            f" {self.allowed}, {self.reserve} kept for people{when}"
        )

    def finding(self) -> Finding:
        """What to do where a run will stop before its end."""
        return Finding(
            code=f"{self.connection}.quota_short",
            example=self.line(),
            remedy="It will stop at the reserve and go on from there when it is run again",
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        found = {name: getattr(self, name) for name in self.__slots__}
        resets = self.resets_at.isoformat() if self.resets_at else None
        return {**found, "resets_at": resets, "fits": self.fits}


def forecast(workspace: Workspace, opened: Opened, quota: Quota | None) -> Forecast | None:
    """Foresee the next run of a connection; None where its CRM tells no quota."""
    if quota is None or quota.allowed <= 0:
        return None
    limits = opened.settings.limits
    reserve = math.ceil(quota.allowed * limits.reserve_share)
    left = quota.allowed - quota.used - reserve
    if limits.daily_share > 0:
        used = workspace.calls_today(opened.name)
        left = min(left, int(quota.allowed * limits.daily_share) - used)
    return Forecast(
        connection=opened.name,
        pull=_pull_calls(workspace, opened),
        push=_push_calls(workspace, opened.name),
        left=max(left, 0),
        reserve=reserve,
        allowed=quota.allowed,
        resets_at=quota.resets_at,
    )


def _pull_calls(workspace: Workspace, opened: Opened) -> int:
    with workspace.store.read() as tx:
        last = _last_calls(tx, opened.name)
    return _first_calls(opened) if last is None else last


def _last_calls(tx: Connection, name: str) -> int | None:
    """Calls of the latest whole run that pulled the connection."""
    query = select(runs.c.report).where(runs.c.exit_code.in_((0, 1, 4)))
    for text in tx.scalars(query.order_by(runs.c.id.desc()).limit(LAST_RUNS)):
        report: Mapping[str, Any] = from_json(text)
        if name in report.get("connections", {}) and name in report.get("calls", {}):
            return int(report["calls"][name])
    return None


def _first_calls(opened: Opened) -> int:
    """Before the first pull: by the CRM's own counts, as far as it counts."""
    calls = 0
    for object_ in dict.fromkeys(one for some in opened.objects.values() for one in some):
        if opened.capabilities.of(object_).counts:
            with suppress(CrmbridgeError):  # the pull itself says why
                calls += math.ceil(opened.connection.count(object_, None) / PAGE) + 1
    return calls


def _push_calls(workspace: Workspace, name: str) -> int:
    id_ = latest_open(workspace.store)
    return load_changeset(workspace.store, id_).api_calls.get(name, 0) if id_ else 0
