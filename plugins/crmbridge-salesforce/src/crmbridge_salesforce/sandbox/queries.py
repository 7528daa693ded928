"""Answers queries page by page, as cursors of Salesforce do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crmbridge_salesforce.sandbox.answers import Answer, RefusedError
from crmbridge_salesforce.sandbox.filter import compile_condition, field_name, instant_text
from crmbridge_salesforce.sandbox.ids import make_id
from crmbridge_salesforce.sandbox.org import Org
from crmbridge_salesforce.sandbox.schema import ObjectSpec
from crmbridge_salesforce.sandbox.soql import Query, SoqlError, parse

Row = Mapping[str, Any]


@dataclass(slots=True)
class _Cursor:
    query: Query
    ids: list[str]


@dataclass(slots=True, kw_only=True)
class Queries:
    """Queries and their open cursors."""

    org: Org
    cursors: dict[str, _Cursor] = field(default_factory=dict)

    def run(self, text: str, version: str, size: int, *, is_all: bool) -> Answer:
        """The first page of a query.

        Raises:
            RefusedError: the query is refused.
        """
        try:
            query = parse(text)
            if not query.fields:
                return self._counted(query, is_all)
            ids = [row["Id"] for row in self.select(query, is_all)]
        except SoqlError as error:
            code = error.code
            raise RefusedError(400, code, f"\n{text[:60]}\n^\nERROR: {error}") from None
        cursor = _Cursor(query, ids)
        key = make_id("Locator", len(self.cursors) + 1)
        self.cursors[key] = cursor
        return self._page(cursor, key, 0, version, size)

    def more(self, locator: str, version: str, size: int) -> Answer:
        """A later page.

        Raises:
            RefusedError: no such cursor, or no longer.
        """
        key, _, offset = locator.partition("-")
        if key not in self.cursors or not offset.isdigit():
            raise RefusedError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(self.cursors[key], key, int(offset), version, size)

    def expire(self) -> None:
        """Forget all cursors, as Salesforce does with old ones."""
        self.cursors.clear()

    def select(self, query: Query, is_all: bool) -> list[Row]:
        """All rows of a query, in its order.

        Raises:
            SoqlError: a field or object is not there.
        """
        spec = spec_of(self.org, query.object)
        for name in query.fields:
            _path(self.org, spec, name)
        test = compile_condition(spec, query.where)
        rows = [
            row
            for row in self.org.visible(spec.name)
            if (is_all or not row.get("IsDeleted")) and test(row)
        ]
        for name, is_descending in reversed(query.order):
            own = field_name(spec, name)
            rows.sort(key=lambda row, own=own: _order(row.get(own)), reverse=is_descending)  # type: ignore[misc]
        return rows if query.limit is None else rows[: query.limit]

    def _counted(self, query: Query, is_all: bool) -> Answer:
        total = len(self.select(query, is_all))
        return Answer(document={"totalSize": total, "done": True, "records": []})

    def _page(self, cursor: _Cursor, key: str, offset: int, version: str, size: int) -> Answer:
        spec = spec_of(self.org, cursor.query.object)
        most = min(size or self.org.page_size, self.org.page_size)
        ids = cursor.ids[offset : offset + most]
        rows = [row for id_ in ids if (row := self.org.find(spec.name, id_)) is not None]
        document: dict[str, Any] = {
            "totalSize": len(cursor.ids),
            "done": offset + most >= len(cursor.ids),
            "records": [self._record(spec, cursor.query.fields, row, version) for row in rows],
        }
        if not document["done"]:
            document["nextRecordsUrl"] = f"/services/data/{version}/query/{key}-{offset + most}"
        return Answer(document=document)

    def _record(
        self, spec: ObjectSpec, fields: tuple[str, ...], row: Row, version: str
    ) -> dict[str, Any]:
        url = f"/services/data/{version}/sobjects/{spec.name}/{row['Id']}"
        record: dict[str, Any] = {"attributes": {"type": spec.name, "url": url}}
        for name in fields:
            parts = _path(self.org, spec, name)
            value = read_path(self.org, spec, parts, row)
            if len(parts) == 1:
                record[parts[0]] = value
            elif row.get(_reference(spec, parts[0])):
                inner = record.setdefault(parts[0], {"attributes": {"type": parts[0]}})
                inner[parts[1]] = value
            else:
                record[parts[0]] = None
        return record


def spec_of(org: Org, name: str) -> ObjectSpec:
    """The object of a name, in any case.

    Raises:
        SoqlError: there is none.
    """
    found = next((one for key, one in org.schema.items() if key.lower() == name.lower()), None)
    if found is None:
        raise SoqlError(f"sObject type '{name}' is not supported.", "INVALID_TYPE")
    return found


def shown(spec: ObjectSpec, name: str, value: Any) -> Any:
    """A value as JSON says it."""
    return (
        instant_text(value) if value is not None and spec.fields[name].type == "datetime" else value
    )


def read_path(org: Org, spec: ObjectSpec, parts: tuple[str, ...], row: Row) -> Any:
    """The value of a field, or of a field of the record it refers to."""
    if len(parts) == 1:
        return shown(spec, parts[0], row.get(parts[0]))
    reference = _reference(spec, parts[0])
    other = org.schema[spec.fields[reference].target]
    found = org.find(other.name, str(row.get(reference) or ""))
    return None if found is None else shown(other, parts[1], found.get(parts[1]))


def _path(org: Org, spec: ObjectSpec, name: str) -> tuple[str, ...]:
    """A field's own spelling; of two parts where it goes over to a parent.

    Raises:
        SoqlError: there is no such field or relationship.
    """
    first, _, rest = name.partition(".")
    if not rest:
        return (field_name(spec, name),)
    target = spec.fields[_reference(spec, first)].target
    return first, field_name(org.schema[target], rest)


def _reference(spec: ObjectSpec, relationship: str) -> str:
    found = spec.find(f"{relationship}Id") or spec.find(relationship.replace("__r", "__c"))
    if found is None or not found.target:
        raise SoqlError(f"Didn't understand relationship '{relationship}'", "INVALID_FIELD")
    return found.name


def _order(value: Any) -> tuple[bool, Any]:
    """Nulls first, as SOQL sorts."""
    return (
        value is not None,
        value.lower() if isinstance(value, str) and len(value) != 18 else value or 0,
    )
