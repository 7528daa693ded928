"""A sandbox, and the adapter opened on it as the host does."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.adapters import Connection
from crmbridge.testing.context import make_context
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Sandbox, start

Open = Callable[..., Connection]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """An empty organisation."""
    with start() as sandbox:
        yield sandbox


@pytest.fixture
def open_(sandbox: Sandbox, tmp_path: Path) -> Open:
    """Opens a connection to it; what is named is a setting of the connection's own."""

    def open_one(
        auth: Mapping[str, Any] | None = None,
        write_fields: Mapping[str, tuple[str, ...]] | None = None,
        **settings: Any,
    ) -> Connection:
        auth = auth or {"client_id": "client", "client_secret": SecretStr("s3cret")}
        context = make_context(tmp_path, url=sandbox.url, auth=auth, write_fields=write_fields)
        return ADAPTER.open(ADAPTER.settings(**settings), context)

    return open_one
