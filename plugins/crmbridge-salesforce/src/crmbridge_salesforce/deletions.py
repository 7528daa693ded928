"""Deletions that no query shows any more: records that left the recycle bin since.

queryAll shows a deleted record until the bin is emptied, by a person or after 15 days ("Manage
Records in the Recycle Bin", Help). "sObject Get Deleted" (REST API guide) lists ids from a log of
its own: of 15 days at most, fewer if the log was cut short, which ``earliestDateAvailable`` tells;
seconds do not count, and the end must be "more than one minute" after the start (SOAP API guide,
"getDeleted()"). That a transaction which ends late may be missing (``latestDateCovered``) is why
windows reach back. Older gaps are for the sweep over all ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crmbridge.adapters import Window
from crmbridge.errors import ConfigError
from crmbridge.records import Finding
from crmbridge_salesforce import soql
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.codes import parse_instant
from crmbridge_salesforce.mapping import NEVER_DELETED

_LONGEST = timedelta(days=15)
_TWO_MINUTES = timedelta(minutes=2)
_REFUSED = frozenset({400, 404, 405})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What the log of deletions told.

    Args:
        ids: records that no query shows, and which were deleted in the window.
    """

    ids: Sequence[str] = ()
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletions:
    """Reads the log of deletions."""

    client: Client

    def gone(self, object_: str, window: Window | None) -> Gone:
        """Ids of records that were deleted in a window and have left the recycle bin.

        A first window has none: what was gone before was never read.
        """
        if object_ in NEVER_DELETED or window is None or window.since is None:
            return Gone()
        since = max(window.since, window.until - _LONGEST)
        params = {
            "start": _minute(since).isoformat(),
            "end": (_minute(window.until) + _TWO_MINUTES).isoformat(),
        }
        path = f"sobjects/{soql.name(object_)}/deleted/"
        try:
            found = self.client.get(path, params, accept=_REFUSED)
        except ConfigError as error:
            return Gone(findings=[_not_listed(object_, error.got)])
        if found.status != 200 or not isinstance(found.data, dict):
            return Gone(findings=[_not_listed(object_, f"{found.status}")])
        listed = [str(one["id"]) for one in found.data.get("deletedRecords") or ()]
        earliest = str(found.data.get("earliestDateAvailable") or "")
        known_from = max(since, parse_instant(earliest)) if earliest else since
        return Gone(
            ids=self._not_in_bin(object_, list(dict.fromkeys(listed))),
            findings=_gap(object_, known_from) if known_from > window.since else (),
        )

    def _not_in_bin(self, object_: str, ids: Sequence[str]) -> list[str]:
        """Those that queryAll does not show: the others come by it, with what they merged into."""
        shown: set[str] = set()
        for part in soql.parts(ids, soql.LONGEST - 200):
            text = soql.select(["Id"], object_, soql.among("Id", part))
            shown.update(str(one["Id"]) for one in self.client.records(text, is_all=True))
        return [id_ for id_ in ids if id_ not in shown]


def _gap(object_: str, known_from: datetime) -> list[Finding]:
    return [
        Finding(
            code="salesforce.deletions_unknown",
            example=f"{object_} before {known_from.isoformat(timespec='minutes')}",
            remedy="Pull at least every 15 days; `crmbridge pull --full` finds what is gone",
        )
    ]


def _not_listed(object_: str, got: str) -> Finding:
    return Finding(
        code="salesforce.no_deleted_list",
        example=f"{object_}: {got[:80]}",
        remedy="Records that were purged from the recycle bin are found by the sweep only",
    )


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)
