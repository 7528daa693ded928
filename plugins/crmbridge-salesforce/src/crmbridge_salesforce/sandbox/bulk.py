"""Bulk API 2.0: jobs that query into CSV and jobs that take CSV in."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmbridge.testing.loopback import Received
from crmbridge_salesforce.sandbox.answers import Answer, RefusedError, not_found
from crmbridge_salesforce.sandbox.filter import instant_text
from crmbridge_salesforce.sandbox.ids import make_id
from crmbridge_salesforce.sandbox.org import Org
from crmbridge_salesforce.sandbox.queries import Queries, read_path, spec_of
from crmbridge_salesforce.sandbox.rows import upsert
from crmbridge_salesforce.sandbox.rules import SaveError
from crmbridge_salesforce.sandbox.soql import SoqlError, parse

CSV = "text/csv"


@dataclass(slots=True, kw_only=True)
class Job:
    """One job, and what it has done so far.

    Args:
        polls: how often it is still seen under way before it is complete.
    """

    id: str
    kind: str
    document: dict[str, Any]
    state: str
    polls: int = 0
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    upload: bytes = b""
    results: dict[str, list[list[str]]] = field(default_factory=dict)
    error: str = ""


@dataclass(slots=True, kw_only=True)
class Bulk:
    """All jobs.

    Args:
        polls: how often a new job is seen under way.
        part_rows: most rows in one part of a query's results, whatever a client asks for.
        fails: what the next job fails with; "" for none.
        stops_after: rows after which the next ingest job fails, the rest unprocessed; -1 for none.
        next_polls: the same for the next job alone; 0 for none of its own.
        is_off: jobs cannot be started by this user.
    """

    org: Org
    queries: Queries
    polls: int = 1
    part_rows: int = 50_000
    fails: str = ""
    stops_after: int = -1
    is_off: bool = False
    next_polls: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)

    def slow_down(self) -> None:
        """Let the next job be seen under way for an hour of polls."""
        self.next_polls = 60

    def answer(self, received: Received, parts: Sequence[str]) -> Answer:
        """Answer a request below ``/jobs``.

        Raises:
            RefusedError: no such job or path.
        """
        kind, *rest = parts
        if kind not in {"query", "ingest"}:
            raise not_found()
        if not rest:
            return self._open(kind, received) if received.method == "POST" else self._list(kind)
        job = self.jobs.get(rest[0])
        if job is None or job.kind != kind:
            raise not_found()
        return self._of_job(job, rest[1:], received)

    def _of_job(self, job: Job, rest: Sequence[str], received: Received) -> Answer:
        if not rest and received.method == "DELETE":
            del self.jobs[job.id]
            return Answer(status=204)
        if not rest and received.method == "PATCH":
            return self._change(job, received.json().get("state", ""))
        if not rest:
            self._go_on(job)
            return Answer(document=_info(job))
        if rest == ["batches"] and received.method == "PUT":
            job.upload = received.body
            return Answer(status=201)
        if rest == ["results"]:
            return self._part(job, received)
        # the guide spells it unprocessedrecords, simple-salesforce unprocessedRecords
        results = {name.lower(): table for name, table in job.results.items()}
        wanted = rest[0].lower()
        if wanted in results:
            header, *rows = results[wanted]
            return Answer(body=_text([header, *reversed(rows)]), kind=CSV)  # order is not promised
        raise not_found()

    def _open(self, kind: str, received: Received) -> Answer:
        if self.is_off:
            raise RefusedError(400, "FEATURENOTENABLED", "Async API not enabled")
        document = dict(received.json())
        job = Job(
            id=self._next_id(),
            kind=kind,
            document=document,
            state="UploadComplete" if kind == "query" else "Open",
            polls=self.next_polls or self.polls,
            error=self.fails,
        )
        self.next_polls = 0
        if kind == "query":
            self._select(job, document)
        self.fails = ""
        self.jobs[job.id] = job
        return Answer(document=_info(job))

    def _next_id(self) -> str:
        number = self.org.numbers["Job"] = self.org.numbers.get("Job", 0) + 1
        return make_id("Job", number)

    def _list(self, kind: str) -> Answer:
        found = [_info(job) for job in self.jobs.values() if job.kind == kind]
        return Answer(document={"done": True, "records": found, "nextRecordsUrl": None})

    def _select(self, job: Job, document: dict[str, Any]) -> None:
        try:
            query = parse(document.get("query", ""))
            if not query.fields:
                raise SoqlError(
                    "Aggregate functions are not supported", "FUNCTIONALITY_NOT_ENABLED"
                )
            rows = self.queries.select(query, document.get("operation") == "queryAll")
            spec = spec_of(self.org, query.object)
        except SoqlError as error:
            raise RefusedError(400, error.code, str(error)) from None
        paths = [tuple(name.split(".")) for name in query.fields]
        job.header = list(query.fields)
        job.document["object"] = spec.name
        job.rows = [[cell(read_path(self.org, spec, path, row)) for path in paths] for row in rows]

    def _change(self, job: Job, state: str) -> Answer:
        if state not in {"UploadComplete", "Aborted"}:
            raise RefusedError(400, "INVALIDJOBSTATE", "Job state is not allowed")
        if job.state != "Open":
            words = f"Closing already {job.state} Job not allowed"
            raise RefusedError(400, "INVALIDJOBSTATE", words)
        job.state = state
        if state == "UploadComplete" and not job.error:
            self._take_in(job)
        return Answer(document=_info(job))

    def _go_on(self, job: Job) -> None:
        if job.state not in {"UploadComplete", "InProgress"}:
            return
        job.polls -= 1
        done = "Failed" if job.error else "JobComplete"
        job.state = done if job.polls < 0 else "InProgress"

    def _part(self, job: Job, received: Received) -> Answer:
        if job.state != "JobComplete":
            raise RefusedError(400, "INVALIDJOBSTATE", "Job is not complete")
        start = int(received.query.get("locator") or 0)
        asked = int(received.query.get("maxRecords") or self.part_rows)
        end = start + min(asked, self.part_rows)
        rows = job.rows[start:end]
        headers = {
            "Sforce-Locator": str(end) if end < len(job.rows) else "null",
            "Sforce-NumberOfRecords": str(len(rows)),
        }
        return Answer(body=_text([job.header, *rows]), kind=CSV, headers=headers)

    def _take_in(self, job: Job) -> None:
        table = list(csv.reader(io.StringIO(job.upload.decode("utf-8-sig"))))
        header, rows = (table[0], table[1:]) if table else ([], [])
        job.results = {
            "successfulResults": [["sf__Id", "sf__Created", *header]],
            "failedResults": [["sf__Id", "sf__Error", *header]],
            "unprocessedrecords": [header],
        }
        save = self._saver(job)
        most = self.stops_after if self.stops_after >= 0 else len(rows)
        self.stops_after = -1
        for row in rows[:most]:
            self._take_row(job, header, row, save)
        job.results["unprocessedrecords"] += rows[most:]
        if rows[most:]:
            job.error = "InternalServerError : batch was retried more than 20 times"

    def _take_row(
        self, job: Job, header: list[str], row: list[str], save: Callable[[dict[str, Any]], Any]
    ) -> None:
        # an empty cell leaves a field as it is, #N/A empties it: Bulk API 2.0 guide, "CSV files"
        given = {n: None if c == "#N/A" else c for n, c in zip(header, row, strict=True) if c != ""}
        try:
            id_, is_new = save(given)
        except SaveError as error:
            words = f"{error.code}:{error}:{','.join(error.fields)} --"
            job.results["failedResults"].append([given.get("Id") or "", words, *row])
        else:
            job.results["successfulResults"].append([id_, str(is_new).lower(), *row])

    def _saver(self, job: Job) -> Callable[[dict[str, Any]], tuple[str, bool]]:
        spec = self.org.schema[job.document.get("object", "")]
        operation = job.document.get("operation", "")
        key_field = job.document.get("externalIdFieldName", "")

        def save(given: dict[str, Any]) -> tuple[str, bool]:
            id_ = given.pop("Id", "")
            if operation == "insert":
                return self.org.save_new(spec.name, given), True
            if operation == "upsert":
                found = upsert(self.org, spec, key_field, given.get(key_field) or "", given)
                return found["id"], found["created"]
            if operation == "update":
                self.org.save(spec.name, id_, given)
            else:
                self.org.remove(spec.name, id_)
            return id_, False

        return save


def cell(value: Any) -> str:
    """A value as CSV says it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _info(job: Job) -> dict[str, Any]:
    failed = max(len(job.results.get("failedResults", ())) - 1, 0)
    done = max(len(job.results.get("successfulResults", ())) - 1, 0)
    info = {
        "id": job.id,
        "operation": job.document.get("operation"),
        "object": job.document.get("object"),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 62.0,
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
        "jobType": "V2Query" if job.kind == "query" else "V2Ingest",
        "numberRecordsProcessed": len(job.rows) if job.kind == "query" else done + failed,
        "createdDate": instant_text(0),
        "systemModstamp": instant_text(0),
        "retries": 0,
    }
    if job.kind == "ingest":
        info |= {
            "numberRecordsFailed": failed,
            "contentUrl": f"services/data/v62.0/jobs/ingest/{job.id}/batches",
        }
    if job.state == "Failed":
        info["errorMessage"] = job.error
    return info


def _text(table: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    return out.getvalue().encode()


__all__ = ["Bulk", "Job"]
