"""A made-up CRM with a REST interface, on this machine; it shares no code with its adapter.

``POST /token`` signs in. ``GET /v1/{object}/changes?after=N`` tells changes, two at a time;
``GET /v1/{object}?ids=a,b`` and ``?keys=a,b`` look records up; ``POST /v1/{object}/batch`` writes
at most five, each with a status of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from crmbridge.testing.loopback import Received, Reply, answer, reset_before_answer, reset_in_body

PAGE = 2
LARGEST_BATCH = 5
LONGEST_NAME = 40


@dataclass(slots=True)
class RestService:
    """The service's records and its moods; as a function it answers requests."""

    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    token: int = 0
    moods: list[str] = field(default_factory=list)

    def put(self, object_: str, values: Mapping[str, Any]) -> str:
        """Create a record."""
        id_ = f"r{len(self.changes) + 1}"
        self.records.setdefault(object_, {})[id_] = dict(values)
        self.changes.append((object_, id_))
        return id_

    def edit(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        """Change a record."""
        self.records[object_][id_].update(values)
        self.changes.append((object_, id_))

    def delete(self, object_: str, id_: str) -> None:
        """Delete a record."""
        del self.records[object_][id_]
        self.changes.append((object_, id_))

    def link(self, object_: str, id_: str, to: str, to_id: str) -> None:
        """This service knows no links."""
        raise NotImplementedError

    def held(self, object_: str) -> Mapping[str, Mapping[str, Any]]:
        """All records of an object."""
        return {id_: dict(values) for id_, values in self.records.get(object_, {}).items()}

    def __call__(self, received: Received) -> Reply:
        """Answer a request, in the next mood if one is due."""
        if received.path == "/token":
            return self._sign_in(received)
        mood = self._mood(received.method)
        if mood == "busy":
            return answer(429, {"error": "slow down"}, Retry_After="1")
        if mood == "expired" or received.headers.get("Authorization") != f"Bearer t{self.token}":
            return answer(401, {"error": "token"})
        reply = self._route(received)
        if mood == "broken":
            return reset_in_body(b'{"changes": [', 1000)
        return reset_before_answer() if mood == "lost" else reply

    def _mood(self, method: str) -> str:
        if self.moods and (self.moods[0] != "lost" or method == "POST"):
            return self.moods.pop(0)
        return ""

    def _sign_in(self, received: Received) -> Reply:
        if received.body != b"client=me&secret=s3cret":
            return answer(400, {"error": "client"})
        self.token += 1
        return answer(200, {"token": f"t{self.token}", "seconds": 3600})

    def _route(self, received: Received) -> Reply:
        _, _, object_, *rest = received.path.split("/")
        if rest == ["changes"]:
            return answer(200, self._changes(object_, int(received.query["after"])))
        if rest == ["batch"]:
            items = received.json()["items"]
            if len(items) > LARGEST_BATCH:
                return answer(413, {"error": "too many items"})
            return answer(207, {"results": [self._write(object_, item) for item in items]})
        return answer(200, {"records": self._look_up(object_, received.query)})

    def _changes(self, object_: str, after: int) -> dict[str, Any]:
        """Each change with the record as it is now; one that is gone has nothing but its id."""
        due = [
            (number, id_)
            for number, (of, id_) in enumerate(self.changes, 1)
            if of == object_ and number > after
        ]
        found = [{"id": id_, "fields": self.held(object_).get(id_)} for _, id_ in due[:PAGE]]
        until = due[:PAGE][-1][0] if due else after
        return {"changes": found, "after": until, "more": len(due) > PAGE}

    def _look_up(self, object_: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        ids = unquote(query.get("ids", "")).split(",")
        keys = unquote(query.get("keys", "")).split(",")
        return [
            {"id": id_, "fields": values}
            for id_, values in self.held(object_).items()
            if id_ in ids or ("keys" in query and values.get("key") in keys)
        ]

    def _write(self, object_: str, item: dict[str, Any]) -> dict[str, Any]:
        ref, id_, values = item["ref"], item.get("id"), item["set"]
        if "key" in values:
            matches = self._look_up(object_, {"keys": values["key"]})
            id_ = matches[0]["id"] if matches else self.put(object_, values)
        record = self.held(object_).get(id_ or "")
        if record is None:
            return {"ref": ref, "status": "error", "message": "no such record"}
        if any(record.get(name) != value for name, value in item.get("if", {}).items()):
            return {"ref": ref, "status": "conflict"}
        if len(values.get("name") or "") > LONGEST_NAME:
            return {"ref": ref, "status": "error", "message": "name is too long"}
        self.edit(object_, id_ or "", values)
        return {"ref": ref, "status": "ok", "id": id_}
