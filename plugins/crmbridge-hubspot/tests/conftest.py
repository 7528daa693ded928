"""A sandbox and connections to it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.adapters import Connection
from crmbridge.testing.context import make_context
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Sandbox

Connect = Callable[..., Connection]


@pytest.fixture
def hub() -> Iterator[Sandbox]:
    """A running sandbox whose clock stands still between changes."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def connect(hub: Sandbox, tmp_path: Path) -> Connect:
    """Opens connections to the sandbox with the private app's token."""

    def open_one(**settings: Any) -> Connection:
        auth = {"access_token": SecretStr("pat-sandbox")}
        context = make_context(tmp_path, url=hub.url, auth=auth)
        return ADAPTER.open(ADAPTER.settings(**settings), context)

    return open_one
