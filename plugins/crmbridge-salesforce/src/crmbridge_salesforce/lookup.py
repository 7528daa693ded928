"""Looks records up as they are now: by id, by our key, or all ids there are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmbridge.adapters import Page
from crmbridge.errors import ConfigError, RecordError
from crmbridge_salesforce import soql
from crmbridge_salesforce.client import Answered, Client, Record
from crmbridge_salesforce.ids import is_id, to_18
from crmbridge_salesforce.mapping import ARCHIVED, NEVER_DELETED
from crmbridge_salesforce.read import less_missing
from crmbridge_salesforce.series import single_records
from crmbridge_salesforce.shape import Shape, Sorted, shape_of, sort_rows

_FIELDS_ROOM = soql.LONGEST // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Looks records up."""

    client: Client

    def by_ids(self, object_: str, ids: Sequence[str], fields: Sequence[str]) -> Page:
        """The records with these ids of 15 or 18 characters; absent ones are left out."""
        wanted = list(dict.fromkeys(to_18(one) for one in ids if is_id(one)))
        shape = shape_of(object_, dict.fromkeys(("Id", *fields)), self.client.describe(object_))
        rows: list[Sequence[Any]] = []
        left = wanted
        while left:
            part = next(soql.parts(left, _room(shape)))
            found, shape = self._some(shape, part)
            rows += found
            left = left[len(part) :]
        found_rows = sort_rows(shape, rows) if wanted else Sorted(rows=())
        return Page(
            object=object_,
            columns=shape.columns,
            rows=found_rows.rows,
            deleted=found_rows.deleted,
            merged=found_rows.merged,
            closed=False,
            findings=shape.findings,
        )

    def rows_by_id(self, object_: str, ids: Sequence[str], fields: Sequence[str]) -> "Current":
        """The same, as documents."""
        page = self.by_ids(object_, ids, fields)
        at = page.columns.index("Id")
        rows = {str(row[at]): dict(zip(page.columns, row, strict=True)) for row in page.rows}
        return Current(rows=rows, survivors=dict(page.merged))

    def by_keys(self, object_: str, key_field: str, keys: Sequence[str]) -> dict[str, list[str]]:
        """key -> ids of the records that are not deleted and bear exactly this key."""
        found: dict[str, list[str]] = {key: [] for key in keys}
        for part in soql.parts(list(found), soql.LONGEST - 200):
            text = soql.select(["Id", key_field], object_, soql.among(key_field, part))
            for record in self.client.records(text):
                key = str(record.get(key_field))
                if key in found:  # IN ignores case
                    found[key].append(str(record["Id"]))
        return {key: ids for key, ids in found.items() if ids}

    def all_ids(self, object_: str) -> Iterator[Sequence[str]]:
        """All ids of records that are not deleted.

        Raises:
            RetryLaterError: the cursor broke off for good.
        """
        after = ""
        page = self._ids_after(object_, after)
        while True:
            ids = [str(one["Id"]) for one in page.records]
            after = ids[-1] if ids else after
            yield ids
            if not page.more:
                return
            try:
                page = self.client.more(page.more)
            except RecordError:
                page = self._ids_after(object_, after)

    def _ids_after(self, object_: str, after: str) -> Answered:
        is_all = object_ in ARCHIVED
        live = "IsDeleted = false" if is_all else ""
        beyond = f"Id > {soql.quoted(after)}" if after else ""
        single = single_records(self.client, object_)
        text = soql.select(["Id"], object_, live, *single, beyond, order="Id")
        return self.client.query(text, is_all=is_all)

    def _some(self, shape: Shape, ids: Sequence[str]) -> tuple[list[Sequence[Any]], Shape]:
        while True:
            try:
                to_row = shape.reader()
                return [to_row(one) for one in self._documents(shape, ids)], shape
            except ConfigError as error:
                shape = less_missing(self.client, shape, error)

    def _documents(self, shape: Shape, ids: Sequence[str]) -> list[Record]:
        """The records, by several queries where one cannot name all their fields."""
        is_all = shape.object not in NEVER_DELETED
        found: dict[str, Record] = {}
        for number, fields in enumerate(soql.parts(shape.fields, _FIELDS_ROOM, len(shape.fields))):
            text = soql.select(dict.fromkeys(("Id", *fields)), shape.object, soql.among("Id", ids))
            read = {str(one["Id"]): one for one in self.client.records(text, is_all=is_all)}
            kept = list(read) if number == 0 else [one for one in found if one in read]
            found = {id_: _joined(found.get(id_, {}), read[id_]) for id_ in kept}
        return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """Records as they are now.

    Args:
        rows: id -> fields.
        survivors: id of a merged record -> that of its master.
    """

    rows: Mapping[str, Record]
    survivors: Mapping[str, str]


def _joined(one: Record, other: Record) -> Record:
    """Two halves of a record; a parent's fields may stand in both."""
    parents = {
        name: _joined(one[name], value)
        for name, value in other.items()
        if isinstance(value, Mapping) and isinstance(one.get(name), Mapping)
    }
    return {**one, **other, **parents}


def _room(shape: Shape) -> int:
    """Characters that are left for ids in the longest of a look-up's queries."""
    return soql.LONGEST - min(len(", ".join(shape.fields)), _FIELDS_ROOM) - 400
