"""Bulk API 2.0 ingest: many rows as one job, and what became of each, fetched when it is over.

Steps, states and result files: Bulk API 2.0 guide, "Bulk API 2.0 Ingest". A job does nothing before
it is closed (``UploadComplete``), so that a crash up to there leaves an idle job and no row. After
that nobody can call rows back; they are told apart by a key that the result files repeat, since
"the order of records in the response is not guaranteed". A job that was closed twice over, or rows
that another job sends again, change nothing: creations are upserts by our external id, changes and
deletions go by record id. What the changes replace was compared just before (`compare`); between
that and Salesforce's turn, minutes may pass, which `Check.COMPARE` says.
"""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from crmbridge.adapters import ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.adapters.http import Answer, Effect, Request
from crmbridge.errors import CrmbridgeError, RecordError
from crmbridge_salesforce.bulk import CONFIG_WORDS, outcome_of_job
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.codes import without_values
from crmbridge_salesforce.verdicts import outcome_of, refused, unknown

PATIENCE_SECONDS = 600.0
"""How long a push waits for a job before it leaves it to the next one, by its handle."""
MOST_BYTES = 90 << 20
"""Bytes of one upload. Salesforce takes 150 MB after its own encoding in base64, and advises 100 MB
("Bulk API 2.0 Limits and Allocations")."""
HANDLE_ROWS = 20
"""Rows that share a handle."""
OPERATIONS = {
    Operation.CREATE: "upsert",
    Operation.UPDATE: "update",
    Operation.CLEAR: "update",
    Operation.DELETE: "delete",
}
_EMPTY = "#N/A"
"""Empties a field; an empty cell leaves it ("Prepare CSV Files")."""
_UNSAFE = re.compile(r"[^A-Za-z0-9]")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Rows for one job.

    Args:
        key: column that tells the rows apart: ``Id``, or our external id.
        rows: (item, its columns); each has a value of its own under `key`.
    """

    object: str
    operation: Operation
    key: str
    rows: Sequence[tuple[WriteItem, Row]]

    def is_fit(self) -> bool:
        """Whether CSV can say these rows without changing what they mean."""
        keys = [row[self.key] for _, row in self.rows]
        return len(set(keys)) == len(keys) and all(
            _is_sayable(value) for _, row in self.rows for value in row.values()
        )

    def halves(self) -> "tuple[Load, Load]":
        """The same rows in two loads."""
        middle = len(self.rows) // 2
        return self._of(self.rows[:middle]), self._of(self.rows[middle:])

    def _of(self, rows: Sequence[tuple[WriteItem, Row]]) -> "Load":
        return Load(object=self.object, operation=self.operation, key=self.key, rows=rows)

    def text(self) -> bytes:
        """The rows as CSV; a column that a row does not name is left as it is."""
        names = dict.fromkeys([self.key, *(name for _, row in self.rows for name in row)])
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        for _, row in self.rows:
            writer.writerow([_cell(row[name]) if name in row else "" for name in names])
        return out.getvalue().encode()


@dataclass(slots=True, kw_only=True)
class Ingest:
    """Runs ingest jobs of one connection.

    Args:
        patience_seconds: how long a job is waited for.
    """

    client: Client
    patience_seconds: float = PATIENCE_SECONDS
    _verdicts: dict[str, "Verdicts | None"] = field(default_factory=dict)

    def start(self, load: Load) -> str:
        """Create a job and give it its rows; nothing is written yet. Returns its id.

        Raises:
            ConfigError, RecordError: Salesforce takes no such job.
        """
        document = {
            "object": load.object,
            "operation": OPERATIONS[load.operation],
            "contentType": "CSV",
            "lineEnding": "LF",
        }
        if load.operation is Operation.CREATE:
            document["externalIdFieldName"] = load.key
        # KEYED: a second job that is never closed is never carried out
        id_ = str(self.client.send("POST", "jobs/ingest", document, Effect.KEYED).json()["id"])
        try:
            self._upload(id_, load.text())
        except CrmbridgeError:
            self._abort(id_)
            raise
        return id_

    def finish(self, id_: str, load: Load) -> list[Outcome]:
        """Have a job carried out, and wait for it.

        Returns:
            an outcome per row; unknown, with a handle, where it is not over in time.

        Raises:
            CrmbridgeError: it could not be closed, and certainly wrote nothing.
        """
        self._close(id_)
        verdicts = self._awaited(id_, load.key)
        if verdicts is None:
            return list(under_way(id_, load))
        return [verdicts.outcome(item, str(row[load.key])) for item, row in load.rows]

    def resume(self, handle: str) -> list[tuple[WriteItem, Outcome]]:
        """What became of the rows of a handle, with the items that they were of.

        Raises:
            RecordError: it is no handle of ours.
        """
        id_, key_field, rows = _parts_of(handle)
        try:
            verdicts = self._taken_up(id_, key_field)
        except RecordError:
            return [(item, unknown(item)) for item, _ in rows]  # jobs are kept for seven days
        if verdicts is None:
            return [(item, _waiting(item, handle)) for item, _ in rows]
        return [(item, verdicts.outcome(item, key)) for item, key in rows]

    def _upload(self, id_: str, text: bytes) -> None:
        request = Request(
            method="PUT",
            url=f"{self.client.base}/jobs/ingest/{id_}/batches",
            body=text,
            headers={"Content-Type": "text/csv; charset=UTF-8"},
            effect=Effect.KEYED,
            answer=Answer.BYTES,
        )
        self.client.http.send(request)

    def _close(self, id_: str) -> None:
        """Close a job; one whose answer was lost is asked for its state."""
        try:
            self._turn(id_, "UploadComplete")
        except CrmbridgeError:
            if self._is_open(id_):
                self._abort(id_)
                raise

    def _is_open(self, id_: str) -> bool:
        """Whether a job certainly was not closed; no where nobody answers for now."""
        try:
            return bool(self._info(id_).get("state") == "Open")
        except CrmbridgeError:
            return False

    def _awaited(self, id_: str, key: str) -> "Verdicts | None":
        try:
            return self._verdicts_of(id_, key)
        except CrmbridgeError:
            return None  # the rows are out of our hands; a later push asks again

    def _taken_up(self, id_: str, key: str) -> "Verdicts | None":
        """A job that was never closed wrote nothing, and never will."""
        if id_ not in self._verdicts:
            if self._is_open(id_):
                self._abort(id_)
            self._verdicts[id_] = self._verdicts_of(id_, key)
        return self._verdicts[id_]

    def _verdicts_of(self, id_: str, key: str) -> "Verdicts | None":
        """The verdicts of a job that is over; None if it is not within our patience."""
        info = outcome_of_job(self.client, "ingest", id_, self.patience_seconds)
        if info is None:
            return None
        saved, failed, left = (
            {_key_in(row, key): row for row in self._results(id_, name)}
            for name in ("successfulResults", "failedResults", "unprocessedrecords")
        )
        return Verdicts(saved=saved, failed=failed, left=left.keys(), info=info)

    def _results(self, id_: str, name: str) -> Iterator[Mapping[str, str]]:
        path = self.client.context.folder / f"ingest-{_UNSAFE.sub('', id_)}-{name}.csv"
        request = Request(
            method="GET",
            url=f"{self.client.base}/jobs/ingest/{id_}/{name}",
            headers={"Accept": "text/csv"},
        )
        try:
            self.client.http.download(request, path)
            yield from _rows_in(path)
        finally:
            path.unlink(missing_ok=True)

    def _info(self, id_: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.client.get(f"jobs/ingest/{id_}").json()
        return found

    def _turn(self, id_: str, state: str) -> None:
        self.client.send("PATCH", f"jobs/ingest/{id_}", {"state": state}, Effect.KEYED)

    def _abort(self, id_: str) -> None:
        """Best effort: an idle job is deleted by Salesforce after seven days."""
        with suppress(CrmbridgeError):
            self._turn(id_, "Aborted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What the result files of a job say.

    Args:
        saved: key -> row of ``successfulResults``.
        failed: key -> row of ``failedResults``.
        left: keys that were never tried.
        info: the job itself.
    """

    saved: Mapping[str, Mapping[str, str]]
    failed: Mapping[str, Mapping[str, str]]
    left: Set[str]
    info: Mapping[str, Any]

    def outcome(self, item: WriteItem, key: str) -> Outcome:
        """The outcome of a row; unknown if no file has it, which the host then looks up."""
        if key in self.saved:
            id_ = self.saved[key].get("sf__Id") or item.id
            return outcome_of(item, {"success": True, "id": id_})
        if key in self.failed:
            return outcome_of(item, failed_result(self.failed[key].get("sf__Error") or ""))
        if key in self.left or self.info.get("state") == "Aborted":
            return self._untouched(item)
        return unknown(item)

    def _untouched(self, item: WriteItem) -> Outcome:
        words = str(self.info.get("errorMessage") or f"the job was {self.info.get('state')}")
        is_config = any(one in words for one in CONFIG_WORDS)
        kind = ErrorClass.CONFIG if is_config else ErrorClass.TRANSIENT
        return refused(item, kind, without_values(words))


def failed_result(text: str) -> Mapping[str, Any]:
    """``CODE:message:fields --`` in the form that collections have."""
    code, _, rest = text.partition(":")
    message = rest.removesuffix("--").strip().removesuffix(":")
    return {"success": False, "errors": [{"statusCode": code.strip(), "message": message}]}


def under_way(id_: str, load: Load) -> Iterator[Outcome]:
    """The outcomes of rows whose job is not over.

    A later process knows none of our items, so that a handle names those it is of: a few together,
    as each item's line of the journal holds its handle.
    """
    for at in range(0, len(load.rows), HANDLE_ROWS):
        part = load.rows[at : at + HANDLE_ROWS]
        rows = [(item.item, str(row[load.key]), item.id) for item, row in part]
        parts = (id_, load.operation.value, load.object, load.key, rows)
        handle = orjson.dumps(parts).decode()
        yield from (_waiting(item, handle) for item, _ in part)


def _parts_of(handle: str) -> tuple[str, str, list[tuple[WriteItem, str]]]:
    """A handle's job, the column of its keys, and its rows.

    Raises:
        RecordError: it is none of ours.
    """
    try:
        id_, operation, object_, key_field, rows = orjson.loads(handle)
        kind = Operation(operation)
        found = [
            (WriteItem(item=name, operation=kind, object=object_, id=record, key=key), key)
            for name, key, record in rows
        ]
    except ValueError:
        raise RecordError("resume", "a handle of a job of ours", "another text") from None
    return str(id_), str(key_field), found


def _waiting(item: WriteItem, handle: str) -> Outcome:
    return Outcome(
        item=item.item,
        status=Status.UNKNOWN,
        id=item.id,
        error_class=ErrorClass.UNKNOWN,
        error="Salesforce is still at it",
        handle=handle,
    )


def _key_in(row: Mapping[str, str], key: str) -> str:
    return row.get(key) or row.get("sf__Id") or ""


def _rows_in(path: Path) -> Iterator[Mapping[str, str]]:
    csv.field_size_limit(1 << 20)
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _is_sayable(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, str) or (value not in {"", _EMPTY} and "\0" not in value)


def _cell(value: Any) -> str:
    if value is None:
        return _EMPTY
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
