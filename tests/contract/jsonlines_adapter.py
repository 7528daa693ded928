"""JSON-lines files as a CRM: a folder with ``customers.jsonl`` and the like, read whole."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from crmbridge import adapters
from crmbridge.errors import ConfigError
from crmbridge.records import STREAMS, Finding

PAGE = 1000


class JsonLinesSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    path: str


class JsonLinesConnection(adapters.Connection):
    def __init__(self, settings: Any, context: adapters.Context) -> None:
        self._folder = context.base / settings.path

    def check(self) -> Sequence[Finding]:
        if not self._folder.is_dir():
            raise ConfigError(str(self._folder), "a folder", "none", "Correct path")
        return ()

    def read(self, request: adapters.ReadRequest) -> Iterator[adapters.Page]:
        path = self._folder / f"{request.object}.jsonl"
        if request.position and not path.exists():
            raise ConfigError(str(path), "the file that was here", "none", "Put it back")
        content = path.read_bytes() if path.exists() else b""
        position = {"digest": hashlib.sha256(content).hexdigest()}
        if position == request.position:
            return
        records, rejected = _parse(path.name, content.decode())
        fields = request.fields or sorted({name for record in records for name in record})
        columns = tuple(dict.fromkeys(("id", *fields)))
        for start in range(0, max(len(records), 1), PAGE):
            is_last = start + PAGE >= len(records)
            yield adapters.Page(
                object=request.object,
                columns=columns,
                rows=[[record.get(one) for one in columns] for record in records[start:][:PAGE]],
                rejected=rejected if is_last else (),
                position=position if is_last else {},
                closed=is_last,
                complete=is_last,
            )


def _parse(name: str, text: str) -> tuple[list[dict[str, Any]], list[adapters.Rejected]]:
    records, rejected = [], []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            if line.strip():
                record = json.loads(line)
                records.append({**record, "id": str(record["id"])})
        except (ValueError, KeyError, TypeError) as error:
            where, reason = f"{name}:{number}", f"expected an object with an id, got {error!r}"
            rejected.append(adapters.Rejected(id=where, reason=reason, raw=line[:200]))
    return records, rejected


GONE = adapters.Deletes.ABSENCE
ABILITIES = {one: adapters.ObjectCapability(stream=one, deletes=GONE) for one in STREAMS}
ADAPTER = adapters.Adapter(
    name="jsonlines",
    title="JSON-lines files",
    settings=JsonLinesSettings,
    capabilities=adapters.Capabilities(objects=ABILITIES),
    open=JsonLinesConnection,
    mappings={one: {one: {f: f for f in ("id", *STREAMS[one].by_name)}} for one in STREAMS},
    objects={name: (name,) for name in STREAMS},
)
