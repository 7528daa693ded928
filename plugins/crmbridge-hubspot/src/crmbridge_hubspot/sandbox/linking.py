"""The endpoints of associations, version 4."""

from collections.abc import Mapping
from typing import Any

from crmbridge_hubspot.sandbox.answers import Reply, invalid
from crmbridge_hubspot.sandbox.records import Records
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.truth import Account, stamp

LINKS_AT_ONCE = 100
MOST_READ = 1_000
_PLAIN = {
    ("contacts", "companies"): 279, ("companies", "contacts"): 280,
    ("meetings", "companies"): 188, ("meetings", "contacts"): 200,
    ("tasks", "companies"): 192, ("tasks", "contacts"): 204,
    ("deals", "companies"): 341, ("deals", "contacts"): 3, ("contacts", "deals"): 4,
    ("deals", "line_items"): 19, ("line_items", "deals"): 20,
}  # fmt: skip
"""Numbers of the plain types (hubspot-api-client: crm/association_type.py)."""


class Linking:
    """Answers for one account."""

    def __init__(self, account: Account, records: Records) -> None:
        self._account = account
        self._records = records

    def batch_read(self, asked: Asked) -> Reply:
        """Links of several records, a hundred of each at once."""
        source, to = self._ends(asked)
        inputs = asked.json()["inputs"]
        if len(inputs) > MOST_READ:
            raise invalid(f"The maximum batch size is {MOST_READ}")
        results, errors = [], []
        for one in inputs:
            result = self._of_one(source, to, one)
            if result["to"]:
                results.append(result)
            else:
                errors.append(_none(source, to, str(one["id"])))
        now = stamp(self._account.clock.now())
        document: dict[str, Any] = {
            "status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now,
        }  # fmt: skip
        if errors:
            document |= {"errors": errors, "numErrors": len(errors)}
        return Reply(207 if errors else 200, document)

    def _of_one(self, source: str, to: str, one: Mapping[str, Any]) -> dict[str, Any]:
        id_, after = str(one["id"]), int(one.get("after") or 0)
        links = self._account.links.get((source, id_, to), {})
        ends = list(links)
        page = ends[after : after + LINKS_AT_ONCE]
        result: dict[str, Any] = {
            "from": {"id": id_},
            "to": [{"toObjectId": _number(end), "associationTypes": links[end]} for end in page],
        }
        if after + LINKS_AT_ONCE < len(ends):
            following = str(after + LINKS_AT_ONCE)
            result["paging"] = {"next": {"after": following, "link": "?after=" + following}}
        return result

    def read(self, asked: Asked) -> Reply:
        """Links of one record."""
        name, id_, to = asked.parts
        source, to = self._records.known(name).name, self._records.known(to).name
        found = self._of_one(source, to, {"id": id_, "after": asked.query.get("after")})
        more = {"paging": found["paging"]} if "paging" in found else {}
        return Reply(200, {"results": found["to"], **more})

    def associate(self, asked: Asked) -> Reply:
        """Associate pairs in the plain way."""
        source, to = self._ends(asked)
        type_ = _PLAIN.get((source, to), 0)
        results, errors = [], []
        for one in asked.json()["inputs"]:
            pair = str(one["from"]["id"]), str(one["to"]["id"])
            missing = next(
                (i for k, i in zip((source, to), pair, strict=True) if not self._is_there(k, i)), ""
            )
            if missing:
                errors.append(_missing(missing))
                continue
            self._account.link(source, pair[0], to, pair[1], type_)
            results.append({"from": {"id": pair[0]}, "to": {"id": pair[1]},
                            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED",
                                                "associationTypeId": type_}})  # fmt: skip
        now = stamp(self._account.clock.now())
        document: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now,
                                    "completedAt": now}  # fmt: skip
        if errors:
            document |= {"errors": errors, "numErrors": len(errors)}
        return Reply(207 if errors else 200, document)

    def dissociate(self, asked: Asked) -> Reply:
        """Take associations away; those that are not there are no error."""
        source, to = self._ends(asked)
        for one in asked.json()["inputs"]:
            for end in one["to"]:
                self._account.unlink(source, str(one["from"]["id"]), to, str(end["id"]))
        return Reply(204)

    def _ends(self, asked: Asked) -> tuple[str, str]:
        return self._records.known(asked.parts[0]).name, self._records.known(asked.parts[1]).name

    def _is_there(self, name: str, id_: str) -> bool:
        entry = self._account.kind(name).entries.get(id_)
        return entry is not None and entry.archived_at is None


def _number(id_: str) -> int | str:
    """Ids of ends come as numbers, as recorded; a made-up one stays the text it is."""
    return int(id_) if id_.isdigit() else id_


def _none(source: str, to: str, id_: str) -> dict[str, Any]:
    names = source.removesuffix("s"), to.removesuffix("s")
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {names[1]} is associated with {names[0]} {id_}.",
        "context": {
            "fromObjectId": [id_],
            "fromObjectType": [names[0]],
            "toObjectType": [names[1]],
        },
    }


def _missing(id_: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.TO_OBJECT_NOT_FOUND",
        "message": f"{id_} does not exist",
        "context": {"toObjectId": [id_]},
    }
