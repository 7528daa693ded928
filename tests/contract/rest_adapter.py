"""A made-up CRM that tells changes page by page, over HTTP, and takes batches of writes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from crmbridge import adapters
from crmbridge.adapters import ErrorClass, Operation, Status
from crmbridge.adapters.http import Effect, StoredToken
from crmbridge.adapters.tokens import Token
from crmbridge.records import Finding

FIELDS = {"customers": ("name", "city"), "visits": ("subject", "key")}
VERDICTS: Mapping[str, tuple[Status, ErrorClass | None]] = {
    "ok": (Status.APPLIED, None),
    "error": (Status.REJECTED, ErrorClass.RECORD),
    "conflict": (Status.CONFLICT, ErrorClass.CONFLICT),
}


class RestSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RestConnection(adapters.Connection):
    def __init__(self, settings: object, context: adapters.Context) -> None:
        self._context = context
        self._plain = context.need_http()
        self._http = self._plain.at(context.url, self._signing(context))

    def check(self) -> Sequence[Finding]:
        self._http.get("v1/customers", {"ids": ""})
        return ()

    def read(self, request: adapters.ReadRequest) -> Iterator[adapters.Page]:
        after, has_more = request.position.get("after", 0), True
        fields = [one for one in request.fields or FIELDS[request.object] if one != "id"]
        while has_more:
            found = self._http.get(f"v1/{request.object}/changes", {"after": after}).data
            after, has_more = found["after"], found["more"]
            yield adapters.Page(
                object=request.object,
                columns=("id", *fields),
                rows=[_row(one, fields) for one in found["changes"] if one["fields"]],
                deleted=[one["id"] for one in found["changes"] if not one["fields"]],
                position={"after": after},
                complete=not has_more,
            )

    def read_by_ids(
        self, object_: str, ids: Sequence[str], fields: tuple[str, ...]
    ) -> adapters.Page:
        wanted = [one for one in fields or FIELDS[object_] if one != "id"]
        found = self._http.get(f"v1/{object_}", {"ids": ",".join(ids)}).data["records"]
        rows = [_row(one, wanted) for one in found]
        return adapters.Page(object=object_, columns=("id", *wanted), rows=rows, complete=True)

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        found = self._http.get(f"v1/{object_}", {"keys": ",".join(keys)}).data["records"]
        ids = {one["fields"][key_field]: one["id"] for one in found}
        return {key: [ids[key]] for key in keys if key in ids}

    def write(self, items: Sequence[adapters.WriteItem]) -> Sequence[adapters.Outcome]:
        if not items:
            return []
        body = {"items": [_item(one) for one in items]}
        is_create = items[0].operation is Operation.CREATE
        effect = Effect.KEYED if is_create else Effect.ONCE
        answer = self._http.post(f"v1/{items[0].object}/batch", body, effect=effect)
        by_ref = {one["ref"]: one for one in answer.data["results"]}
        return [_judged(one, by_ref.get(one.item, {})) for one in items]

    def _signing(self, context: adapters.Context) -> StoredToken:
        assert context.tokens is not None
        return StoredToken(
            connection=context.connection,
            store=context.tokens,
            clock=context.clock,
            sign_in=self._sign_in,
        )

    def _sign_in(self) -> Token:
        auth = self._context.auth_text
        form = {"client": auth("client_id"), "secret": auth("client_secret")}
        got = self._plain.post("token", form=form, effect=Effect.KEYED).data
        expires_at = self._context.clock.now() + timedelta(seconds=got["seconds"])
        return Token(access=got["token"], expires_at=expires_at)


def _row(found: Mapping[str, Any], fields: Sequence[str]) -> list[Any]:
    return [found["id"], *(found["fields"].get(one) for one in fields)]


def _item(item: adapters.WriteItem) -> dict[str, Any]:
    values = {**item.values, "key": item.key} if item.key else dict(item.values)
    return {"ref": item.item, "id": item.id, "set": values, "if": dict(item.expected)}


def _judged(item: adapters.WriteItem, result: Mapping[str, Any]) -> adapters.Outcome:
    status, kind = VERDICTS.get(result.get("status", ""), (Status.UNKNOWN, ErrorClass.UNKNOWN))
    return adapters.Outcome(
        item=item.item,
        status=status,
        id=result.get("id", item.id),
        error_class=kind,
        error=result.get("message", ""),
    )


def _ability(stream: str, **more: Any) -> adapters.ObjectCapability:
    return adapters.ObjectCapability(
        stream=stream,
        reading=adapters.Reading.TOKEN,
        deletes=adapters.Deletes.LISTED,
        reads_by_id=True,
        check=adapters.Check.CONDITIONAL,
        batch=5,
        clears=True,
        **more,
    )


CUSTOMERS = _ability("customers", operations=frozenset({Operation.UPDATE, Operation.CLEAR}))
VISITS = _ability(
    "activities", operations=frozenset({Operation.CREATE}), key_field="key", key_is_unique=True
)
ADAPTER = adapters.Adapter(
    name="rest",
    title="A made-up CRM",
    settings=RestSettings,
    capabilities=adapters.Capabilities(
        objects={"customers": CUSTOMERS, "visits": VISITS}, workers=4
    ),
    open=RestConnection,
    mappings={
        "customers": {"customers": {"id": "id", "name": "name", "city": "city"}},
        "activities": {"visits": {"id": "id", "subject": "subject", "visit_key": "key"}},
    },
    objects={"customers": ("customers",), "activities": ("visits",)},
)
