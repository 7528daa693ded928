"""What the configuration says of where streams and their fields come from."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from crmbridge.records import CONSENT_FIELDS, ENVELOPE, STREAMS
from crmbridge.settings.nearest import did_you_mean
from crmbridge.settings.table import (
    Listed,
    NonEmpty,
    Scalar,
    Table,
    Zone,
    expected,
)


class StreamSettings(Table):
    """Where one stream comes from."""

    objects: Listed[NonEmpty] = ()
    "The CRM's objects that are read; by default those the adapter proposes."
    files: Listed[NonEmpty] = ()
    "Files that are joined by `key` into one object, for adapters that read files."
    key: str = ""
    "Column that the files are joined by, and that names a record."
    numbered: bool = False
    "Rows are named by their number, for a file without ids that only ever grows."
    extra: Literal["all", "none"] | Listed[NonEmpty] = "none"
    "Fields kept beside the mapped ones: all, none, or a list of names."
    owner_from: str = ""
    "Stream whose latest record names a customer's owner, where the customer does not."
    disabled: bool = False
    "Leaves the stream out."

    @field_validator("extra", mode="before")
    @classmethod
    def _known_extra(cls, value: Any) -> Any:
        if value in ("all", "none") or isinstance(value, list | tuple):
            return value
        raise expected('"all", "none" or a list of field names')

    @field_validator("owner_from")
    @classmethod
    def _known_stream(cls, value: str) -> str:
        if value and value not in STREAMS:
            raise expected("a stream", did_you_mean(value, STREAMS))
        return value


class FieldSource(Table):
    """Where one field comes from; a text alone is short for `{ field = "..." }`."""

    field: str = ""
    "The CRM's field, or the file's column."
    const: Scalar | None = None
    "A value for every record, in place of a field."
    values: Mapping[str, Scalar] = Field(default_factory=dict)
    "The CRM's values and what they mean here; others stay as they are."
    default: Scalar | None = None
    "The value where the field is empty."
    format: str = ""
    "How a date or time is written, in the codes of Python's strptime, or epoch seconds."
    zone: Zone | None = None
    "Zone of times that come without one."
    decimal: Literal[".", ","] = "."
    "The decimal sign of a number."
    true: Listed[str] = ()
    "Texts that mean true, whatever their case; by default words such as yes."
    false: Listed[str] = ()
    "Texts that mean false; by default words such as no."
    optional: bool = False
    "The CRM may lack the field."

    @model_validator(mode="after")
    def _some_source(self) -> Self:
        if bool(self.field) == (self.const is not None):
            raise expected("either field or const")
        return self


def _field_table(value: Any) -> Any:
    if isinstance(value, str):
        return {"field": value}
    return value


SourceTable = Annotated[FieldSource, BeforeValidator(_field_table)]
"""A field's source, a text alone included."""


def mappable(stream: str) -> tuple[str, ...]:
    """The names that a mapping of a stream may fill."""
    consents = CONSENT_FIELDS if stream in ("customers", "contacts") else ()
    return (*ENVELOPE, *STREAMS[stream].by_name, *consents)
