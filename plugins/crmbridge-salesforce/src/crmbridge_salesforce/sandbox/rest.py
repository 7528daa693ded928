"""The REST resources: which path does what."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from crmbridge.testing.loopback import Received
from crmbridge_salesforce.sandbox.answers import Answer, RefusedError, not_found
from crmbridge_salesforce.sandbox.bulk import Bulk
from crmbridge_salesforce.sandbox.filter import instant_text, parse_instant
from crmbridge_salesforce.sandbox.moods import Mood
from crmbridge_salesforce.sandbox.org import Org
from crmbridge_salesforce.sandbox.queries import Queries
from crmbridge_salesforce.sandbox.rows import (
    Verdict,
    check_number,
    collection,
    etag,
    need_object,
    refusal,
    shown_row,
    spec_in,
    upsert,
    verdict,
    without_attributes,
)
from crmbridge_salesforce.sandbox.rules import SaveError
from crmbridge_salesforce.sandbox.schema import FieldSpec, describe

VERSIONS = ("59.0", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0")


@dataclass(slots=True, kw_only=True)
class Rest:
    """Everything below ``/services/data``."""

    org: Org
    queries: Queries
    bulk: Bulk

    def answer(self, received: Received, mood: Mood | None) -> Answer:
        """Answer a request of somebody who is signed in.

        Raises:
            RefusedError: refused as a whole.
        """
        parts = [unquote(part) for part in received.path.strip("/").split("/")][2:]
        if not parts:
            return Answer(document=[_version(one) for one in VERSIONS])
        version, *rest = parts
        if version.removeprefix("v") not in VERSIONS:
            raise not_found()
        resource, *rest = rest or [""]
        if resource in {"query", "queryAll"}:
            return self._query(received, version, resource, rest)
        if resource == "composite" and rest[:1] == ["sobjects"]:
            return self._collections(received, rest[1:], mood)
        if resource == "sobjects":
            return self._objects(received, rest)
        if resource == "jobs" and rest:
            return self.bulk.answer(received, rest)
        if resource == "limits" and not rest:
            return Answer(document=self._limits())
        if resource == "tooling" and rest == ["sobjects", "CustomField"]:
            return self._new_field(received.json())
        raise not_found()

    def _query(
        self, received: Received, version: str, resource: str, rest: Sequence[str]
    ) -> Answer:
        options = received.headers.get("Sforce-Query-Options", "")
        asked = re.search(r"batchSize=(\d+)", options)
        size = min(max(int(asked.group(1)), 200), 2000) if asked else 0
        if rest and rest[0]:
            return self.queries.more(rest[0], version, size)
        is_all = resource == "queryAll"
        return self.queries.run(received.query.get("q", ""), version, size, is_all=is_all)

    def _limits(self) -> dict[str, Any]:
        left = max(self.org.calls_allowed - self.org.calls, 0)
        return {
            "DailyApiRequests": {"Max": self.org.calls_allowed, "Remaining": left},
            "DailyBulkV2QueryJobs": {"Max": 10000, "Remaining": 10000 - len(self.bulk.jobs)},
            "DailyBulkApiBatches": {"Max": 15000, "Remaining": 15000},
        }

    def _objects(self, received: Received, rest: Sequence[str]) -> Answer:
        if not rest:
            names = [{"name": name, "label": name, "queryable": True} for name in self.org.schema]
            return Answer(document={"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": names})
        spec = need_object(self.org, rest[0])
        if rest[1:] == ["describe"]:
            return Answer(document=describe(spec))
        if rest[1:] == ["deleted"]:
            return self._listed_deletions(spec.name, received.query)
        if len(rest) == 1 and received.method == "POST":
            return self._created(spec.name, received.json())
        if len(rest) == 2:
            return self._row(received, spec.name, rest[1])
        if len(rest) == 3:
            return self._by_key(received, spec.name, rest[1], rest[2])
        raise not_found()

    def _listed_deletions(self, object_: str, query: Mapping[str, str]) -> Answer:
        """What was deleted in whole minutes of the last 15 days ("sObject Get Deleted")."""
        now = self.org.now()
        start, end = (_whole_minute(query.get(name, "")) for name in ("start", "end"))
        earliest = int((now - timedelta(days=15)).timestamp() * 1000)
        if end - start <= 60_000:
            words = "endDate must be more than one minute greater than the startDate"
            raise RefusedError(400, "INVALID_REPLICATION_DATE", words)
        shown = int(now.timestamp() * 1000)
        found = [
            {"id": id_, "deletedDate": instant_text(at)}
            for id_, at, shows in self.org.deletions.get(object_, [])
            if max(start, earliest) <= at < end and shows <= shown
        ]
        document = {
            "deletedRecords": found,
            "earliestDateAvailable": instant_text(earliest),
            "latestDateCovered": instant_text(min(end, shown)),
        }
        return Answer(document=document)

    def _created(self, object_: str, values: Mapping[str, Any]) -> Answer:
        try:
            id_ = self.org.save_new(object_, values)
        except SaveError as error:
            raise refusal(error) from None
        return Answer(status=201, document={"id": id_, "success": True, "errors": []})

    def _row(self, received: Received, object_: str, id_: str) -> Answer:
        held = self.org.find(object_, id_)
        try:
            if received.method == "GET":
                return self._shown(object_, id_, received.path)
            if_match = received.headers.get("If-Match", "")
            if if_match and object_ == "Account" and held is not None and if_match != etag(held):
                words = "The precondition in the request was not met"
                raise RefusedError(412, "PRECONDITION_FAILED", words)
            if received.method == "PATCH":
                self.org.save(object_, id_, received.json())
            else:
                self.org.remove(object_, id_)
        except SaveError as error:
            raise refusal(error) from None
        return Answer(status=204)

    def _shown(self, object_: str, id_: str, path: str) -> Answer:
        held = self.org.find(object_, id_)
        if held is None or held.get("IsDeleted"):
            raise RefusedError(
                404,
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: " + id_,
            )
        headers = {"ETag": etag(held)} if object_ == "Account" else {}
        return Answer(document=shown_row(self.org.schema[object_], held, path), headers=headers)

    def _by_key(self, received: Received, object_: str, key_field: str, value: str) -> Answer:
        found = self.org.bearers(object_, key_field, value)
        if len(found) > 1:
            base = received.path.rsplit("/", 2)[0]
            return Answer(status=300, document=[f"{base}/{id_}" for id_ in found])
        if received.method == "GET":
            if not found:
                raise not_found()
            return self._shown(object_, found[0], received.path)
        try:
            done = upsert(self.org, self.org.schema[object_], key_field, value, received.json())
        except SaveError as error:
            raise refusal(error) from None
        return Answer(status=201 if done["created"] else 200, document=done)

    def _collections(self, received: Received, rest: Sequence[str], mood: Mood | None) -> Answer:
        if received.method == "DELETE":
            return self._deleted(received)
        document = received.json()
        if rest and len(rest) == 2:
            return collection(self.org, document, self._upserter(rest[0], rest[1]), mood)
        save = self._create if received.method == "POST" else self._update
        return collection(self.org, document, save, mood)

    def _create(self, record: Mapping[str, Any]) -> Verdict:
        spec = spec_in(self.org, record)
        id_ = self.org.save_new(spec.name, without_attributes(record))
        return {"id": id_, "success": True, "errors": []}

    def _update(self, record: Mapping[str, Any]) -> Verdict:
        spec = spec_in(self.org, record)
        id_ = record.get("id") or record.get("Id") or ""
        if not id_:
            raise SaveError("MISSING_ARGUMENT", "Id not specified in an update call")
        self.org.save(spec.name, id_, without_attributes(record))
        return {"id": id_, "success": True, "errors": []}

    def _upserter(self, object_: str, key_field: str) -> Callable[[Mapping[str, Any]], Verdict]:
        spec = need_object(self.org, object_)

        def save(record: Mapping[str, Any]) -> Verdict:
            values = without_attributes(record)
            return upsert(self.org, spec, key_field, str(values.get(key_field) or ""), values)

        return save

    def _deleted(self, received: Received) -> Answer:
        ids = [id_ for id_ in received.query.get("ids", "").split(",") if id_]
        check_number(len(ids), "id")
        return Answer(document=[self._delete(id_) for id_ in ids])

    def _delete(self, id_: str) -> Verdict:
        object_ = next((n for n in self.org.schema if self.org.find(n, id_) is not None), "Account")
        try:
            self.org.remove(object_, id_)
        except SaveError as error:
            return {"id": id_, **verdict(error)}
        return {"id": id_, "success": True, "errors": []}

    def _new_field(self, document: Mapping[str, Any]) -> Answer:
        """Tooling: a custom field, named ``Activity.X__c`` where it is for Event and Task."""
        object_, _, name = document.get("FullName", "").partition(".")
        metadata = document.get("Metadata", {})
        names = ["Event", "Task"] if object_ == "Activity" else [object_]
        for one in names:
            spec = need_object(self.org, one)
            if name in spec.fields:
                words = f"There is already a field named {name} on {object_}."
                raise RefusedError(400, "DUPLICATE_DEVELOPER_NAME", words)
            spec.fields[name] = FieldSpec(
                name=name,
                type=_TYPES.get(metadata.get("type", "Text"), "string"),
                length=metadata.get("length") or 255,
                writable=True,
                unique=bool(metadata.get("externalId")),
            )
        return Answer(status=201, document={"id": "00N000000000001", "success": True, "errors": []})


def _whole_minute(text: str) -> int:
    try:
        return parse_instant(text.replace(" ", "+")) // 60_000 * 60_000
    except ValueError:
        raise RefusedError(400, "INVALID_REPLICATION_DATE", f"no date: {text}") from None


_TYPES = {
    "Number": "double",
    "Text": "string",
    "LongTextArea": "textarea",
    "Picklist": "picklist",
    "DateTime": "datetime",
    "Date": "date",
    "Checkbox": "boolean",
}


def _version(one: str) -> dict[str, str]:
    return {"label": f"v{one}", "url": f"/services/data/v{one}", "version": one}
