"""The endpoints of records: list, read, create, change, archive, one by one and in batches."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from crmbridge_hubspot.sandbox.answers import RefusedError, Reply, invalid, not_found, refusal
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.schema import REQUIRED
from crmbridge_hubspot.sandbox.truth import Account, Entry, Kind, by_id, stamp, written

MOST_INPUTS = 100
_DEFAULTS = {
    "contacts": (
        "createdate",
        "email",
        "firstname",
        "hs_object_id",
        "lastmodifieddate",
        "lastname",
    ),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

Worker = Callable[[Mapping[str, Any]], dict[str, Any]]


class Records:
    """Answers for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def known(self, name: str) -> Kind:
        """A type that the account has; its singular and its number do as well."""
        name = _ALIASES.get(name, name)
        if name not in self._account.kinds:
            raise invalid(f"Unable to infer object type from: {name}")
        return self._account.kinds[name]

    def listing(self, asked: Asked) -> Reply:
        """A page of records by id, live ones or archived ones."""
        kind = self.known(asked.parts[0])
        wants_archived = asked.query.get("archived") == "true"
        limit = asked.number("limit", 10, 100)
        after = int(asked.query.get("after") or 0)
        entries = self._account.ordered(kind.name, archived=wants_archived)
        rest = entries[bisect_right(entries, after, key=lambda one: by_id(one)[0]) :]
        names = self.names(kind, asked.names("properties"))
        page = rest[:limit]
        document: dict[str, Any] = {"results": [self.shown(one, names) for one in page]}
        if len(rest) > limit:
            document["paging"] = {"next": {"after": page[-1].id, "link": "https://..."}}
        return Reply(200, document)

    def read(self, asked: Asked) -> Reply:
        """One record, by id or by a property with unique values."""
        kind = self.known(asked.parts[0])
        entry = self.find(kind, asked.parts[1], asked.query.get("idProperty", ""))
        if entry is None or (entry.archived_at and asked.query.get("archived") != "true"):
            raise not_found("resource")
        return Reply(200, self.shown(entry, self.names(kind, asked.names("properties"))))

    def create(self, asked: Asked) -> Reply:
        """One new record, with its associations."""
        kind = self.known(asked.parts[0])
        body = asked.json()
        result = self._created(kind, body)
        return Reply(201, result)

    def update(self, asked: Asked) -> Reply:
        """Change one record."""
        kind = self.known(asked.parts[0])
        entry = self.find(kind, asked.parts[1], asked.query.get("idProperty", ""))
        if entry is None or entry.archived_at:
            raise not_found("resource")
        return Reply(200, self._updated(kind, entry, asked.json()))

    def archive(self, asked: Asked) -> Reply:
        """Archive one record; one that is gone already is no error."""
        self._archive(self.known(asked.parts[0]), asked.parts[1])
        return Reply(204)

    def merge(self, asked: Asked) -> Reply:
        """Merge one record into another."""
        kind, body = self.known(asked.parts[0]), asked.json()
        winner, loser = str(body["primaryObjectId"]), str(body["objectIdToMerge"])
        for id_ in (winner, loser):
            if self.find(kind, id_, "") is None:
                raise not_found(id_)
        self._account.merge(kind.name, loser, winner)
        return Reply(200, self.shown(kind.entries[winner], self.names(kind, [])))

    def batch_read(self, asked: Asked) -> Reply:
        """Several records; those that are not there are told in errors, with 207."""
        kind, body = self.known(asked.parts[0]), asked.json()
        names = self.names(kind, body.get("properties") or [])
        key = body.get("idProperty") or ""
        results: dict[str, Any] = {}
        missing = []
        for one in self.inputs(body):
            entry = self.find(kind, str(one["id"]), key)
            if entry is None or entry.archived_at:
                missing.append(str(one["id"]))
            else:
                results[entry.id] = self.shown(entry, names)
        return self.batch(list(results.values()), _missing(kind, missing))

    def batch_create(self, asked: Asked) -> Reply:
        """Several new records: each for itself if each has a trace id, else all or none."""
        kind = self.known(asked.parts[0])
        return self._each(asked, lambda one: self._created(kind, one), 201)

    def batch_update(self, asked: Asked) -> Reply:
        """Change several records. Bad values refuse the whole batch, missing records do not."""
        kind, body = self.known(asked.parts[0]), asked.json()
        inputs = self.inputs(body)
        ids = [str(one["id"]) for one in inputs]
        twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
        if twice:
            named = ", ".join(twice)
            message = f"Duplicate IDs found in batch input: [{named}]. IDs must be unique"
            raise invalid(message, context={"ids": twice})
        for one in inputs:
            self.validate(kind, one["properties"])
        results, missing = [], []
        for one in inputs:
            entry = self.find(kind, str(one["id"]), one.get("idProperty") or "")
            if entry is None or entry.archived_at:
                missing.append(str(one["id"]))
            else:
                results.append(self._updated(kind, entry, one))
        return self.batch(results, _missing(kind, missing))

    def batch_upsert(self, asked: Asked) -> Reply:
        """Create or change several records by a property with unique values."""
        kind = self.known(asked.parts[0])
        inputs = self.inputs(asked.json())
        keys = [str(one["id"]) for one in inputs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise invalid(f"Duplicate IDs found in batch input: {twice}", context={"ids": twice})
        for one in inputs:
            definition = kind.definitions.get(one.get("idProperty") or "")
            if definition is None or not definition["hasUniqueValue"]:
                name = one.get("idProperty")
                raise invalid(f"Unable to perform update/upsert by non-unique {name} property")
        return self._each(asked, lambda one: self._upserted(kind, one), 200)

    def batch_archive(self, asked: Asked) -> Reply:
        """Archive several records."""
        kind = self.known(asked.parts[0])
        for one in self.inputs(asked.json()):
            self._archive(kind, str(one["id"]))
        return Reply(204)

    def _each(self, asked: Asked, work: Worker, status: int) -> Reply:
        inputs = self.inputs(asked.json())
        traces = [one.get("objectWriteTraceId") for one in inputs]
        is_each = all(traces) and len(set(traces)) == len(traces)
        results, errors = [], []
        failing = asked.failing
        for number, one in enumerate(inputs):
            try:
                if failing and number % 2:
                    raise refusal(400, "VALIDATION_ERROR", "The sandbox was told to refuse it")
                results.append(work(one))
            except RefusedError as error:
                if not is_each or (
                    error.reply.document["category"] == "VALIDATION_ERROR" and not failing
                ):
                    raise
                context = {"objectWriteTraceId": [str(one["objectWriteTraceId"])]}
                document = dict(error.reply.document)
                document.pop("correlationId")
                document["context"] = {**document.get("context", {}), **context}
                errors.append(document)
        return self.batch(results, errors, status)

    def _created(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        properties = body.get("properties") or {}
        self.validate(kind, properties)
        needed = REQUIRED.get(kind.name)
        if needed and not properties.get(needed):
            raise invalid(f"Property values were not valid: required {needed} is missing")
        self._must_be_unique(kind, properties, "")
        id_ = self._account.put(kind.name, properties)
        for link in body.get("associations") or ():
            for spec in link["types"]:
                to = _KIND_OF_TYPE.get(int(spec["associationTypeId"]), "companies")
                number = int(spec["associationTypeId"])
                self._account.link(kind.name, id_, to, str(link["to"]["id"]), number)
        return self._traced(kind.entries[id_], properties, body)

    def _updated(self, kind: Kind, entry: Entry, body: Mapping[str, Any]) -> dict[str, Any]:
        properties = body.get("properties") or {}
        self.validate(kind, properties)
        self._must_be_unique(kind, properties, entry.id)
        self._account.edit(kind.name, entry.id, properties)
        return self._traced(entry, properties, body)

    def _upserted(self, kind: Kind, one: Mapping[str, Any]) -> dict[str, Any]:
        name, value = str(one["idProperty"]), str(one["id"])
        body = {**one, "properties": {**(one.get("properties") or {}), name: value}}
        entry = self.find(kind, value, name)
        if entry is None:
            return {**self._created(kind, body), "new": True}
        return {**self._updated(kind, entry, body), "new": False}

    def _traced(
        self, entry: Entry, properties: Mapping[str, Any], body: Mapping[str, Any]
    ) -> dict[str, Any]:
        shown = self.shown(entry, [*properties, "hs_object_id"])
        trace = body.get("objectWriteTraceId")
        return {**shown, "objectWriteTraceId": trace} if trace else shown

    def _archive(self, kind: Kind, id_: str) -> None:
        entry = kind.entries.get(id_)
        if entry is not None and entry.archived_at is None:
            self._account.delete(kind.name, id_)

    def find(self, kind: Kind, value: str, key: str) -> Entry | None:
        """A record by id, or by a property with unique values. A loser's id finds the winner."""
        if not key or key == "hs_object_id":
            while value in kind.forwards:
                value = kind.forwards[value]
            return kind.entries.get(value)
        if not kind.definitions.get(key, {}).get("hasUniqueValue"):
            raise invalid(f"Unable to read by non-unique {key} property")
        live = [one for one in kind.entries.values() if one.archived_at is None]
        return next((one for one in live if one.properties.get(key) == value), None)

    def _must_be_unique(self, kind: Kind, properties: Mapping[str, Any], own: str) -> None:
        for name, value in properties.items():
            if not value or not kind.definitions[name]["hasUniqueValue"]:
                continue
            other = self.find(kind, str(value), name)
            if other is not None and other.id != own:
                message = f"{kind.name} already exists. Existing ID: {other.id}"
                raise refusal(409, "CONFLICT", message, context={"existingId": [other.id]})

    def validate(self, kind: Kind, properties: Mapping[str, Any]) -> None:
        """Refuse values that their properties cannot hold."""
        faults = [
            fault
            for name, value in properties.items()
            if (fault := _fault(kind.definitions.get(name), name, value))
        ]
        if faults:
            details = [
                {"message": one["message"], "code": one["error"],
                 "context": {"propertyName": [one["name"]]}}
                for one in faults
            ]  # fmt: skip
            message = f"Property values were not valid: {json.dumps(faults)}"
            raise invalid(message, errors=details)

    def names(self, kind: Kind, asked: Sequence[str]) -> list[str]:
        """The properties shown: those asked for as far as they exist, and some always."""
        names = [name for name in asked if name in kind.definitions]
        always = ("hs_object_id", "createdate", kind.stamp_property)
        return list(dict.fromkeys([*(names or _DEFAULTS.get(kind.name, ())), *always]))

    def shown(self, entry: Entry, names: Sequence[str]) -> dict[str, Any]:
        """A record as the interface shows it."""
        found = {
            "id": entry.id,
            "properties": {name: entry.properties.get(name) for name in names},
            "createdAt": stamp(entry.created),
            "updatedAt": stamp(entry.modified),
            "archived": entry.archived_at is not None,
        }
        return found | ({"archivedAt": stamp(entry.archived_at)} if entry.archived_at else {})

    def inputs(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The inputs of a batch, not more than one may have."""
        inputs = body.get("inputs")
        if not isinstance(inputs, list):
            raise invalid("Invalid input JSON: inputs expected")
        if len(inputs) > MOST_INPUTS:
            raise invalid(f"The maximum batch size is {MOST_INPUTS}")
        return inputs

    def batch(self, results: Sequence[Any], errors: Sequence[Any] = (), status: int = 200) -> Reply:
        """The answer to a batch."""
        now: datetime = self._account.clock.now()
        document: dict[str, Any] = {
            "status": "COMPLETE",
            "results": list(results),
            "startedAt": stamp(now),
            "completedAt": stamp(now),
        }
        if errors:
            document |= {"errors": list(errors), "numErrors": len(errors)}
        return Reply(207 if errors else status, document)


def _missing(kind: Kind, ids: Sequence[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    name = kind.name.upper().removesuffix("S")
    message = f"Could not get some {name} objects, they may be deleted or not exist."
    return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message,
             "context": {"ids": list(ids)}}]  # fmt: skip


def _fault(definition: Mapping[str, Any] | None, name: str, value: Any) -> dict[str, Any] | None:
    text = written(value)
    if definition is None:
        return _told(name, f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST")
    if definition["modificationMetadata"]["readOnlyValue"]:
        return _told(name, f'"{name}" is a read only property', "READ_ONLY_VALUE")
    if text is None:
        return None
    if definition["type"] == "number" and not _NUMBER.fullmatch(text):
        return _told(name, f"{text} was not a valid number.", "INVALID_DOUBLE")
    if definition["type"] == "datetime" and not _is_time(text):
        return _told(name, f"{text} was not a valid date.", "INVALID_DATE")
    values = {str(one["value"]) for one in definition["options"]}
    if definition["type"] == "enumeration" and not set(text.split(";")) <= values:
        return _told(name, f"{text} was not one of the allowed options", "INVALID_OPTION")
    if len(text) > 65_536:
        return _told(name, f"{name} is too long", "INVALID_LENGTH")
    return None


def _told(name: str, message: str, error: str) -> dict[str, Any]:
    return {"isValid": False, "message": message, "error": error, "name": name}


def _is_time(text: str) -> bool:
    if text.isdigit():
        return True
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


_ALIASES = {
    "contact": "contacts", "0-1": "contacts", "company": "companies", "0-2": "companies",
    "deal": "deals", "0-3": "deals", "meeting": "meetings", "0-47": "meetings",
}  # fmt: skip
_KIND_OF_TYPE = {200: "contacts", 194: "contacts", 204: "contacts", 202: "contacts",
                 198: "contacts", 188: "companies", 182: "companies", 192: "companies",
                 190: "companies", 186: "companies", 279: "companies", 1: "companies"}  # fmt: skip
"""Where associations of these types lead (hubspot-api-client: crm/association_type.py)."""
