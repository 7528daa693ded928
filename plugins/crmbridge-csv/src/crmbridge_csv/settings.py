"""What a user may set on a connection that reads CSV files."""

import codecs
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from crmbridge_csv.client import Dialect


def _one_character(value: str) -> str:
    if len(value) != 1 or value in "\r\n\0":
        raise ValueError("expected one character, such as ',' ';' or a tab")
    return value


def _known_encoding(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except LookupError as error:
        raise ValueError("expected an encoding such as utf-8, utf-16 or cp1252") from error


class StreamFiles(BaseModel):
    """Which files a stream is made of.

    ``files`` are names below ``path``; rows of several files are joined by ``key``. ``numbered``
    identifies rows by their number, for a file without ids that is only ever appended to.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)  # the host's keys, checked there

    files: tuple[str, ...] = ()
    key: str = ""
    numbered: bool = False


class CsvSettings(BaseModel):
    """The connection's own keys; ``decimal``, ``date_format`` and ``zone`` are the host's to use.

    ``path`` is the folder that is read, ``out`` the one that is written (``<path>/out``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    out: str = ""
    delimiter: Annotated[str, AfterValidator(_one_character)] = ","
    quote: Annotated[str, AfterValidator(_one_character)] = '"'
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    decimal: Annotated[str, Field(pattern=r"^[.,]$")] = "."
    date_format: str = ""
    zone: str = ""
    streams: dict[str, StreamFiles] = Field(default_factory=dict)

    @property
    def dialect(self) -> Dialect:
        """How the files that are read are written."""
        return Dialect(delimiter=self.delimiter, quote=self.quote, encoding=self.encoding)
