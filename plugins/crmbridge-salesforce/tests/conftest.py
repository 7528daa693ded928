"""A sandbox, and the adapter opened on it as the host does.

Every query that the adapter sends in any test here is judged, when this process is through, by a
parser that somebody else wrote. Where it is not installed nothing is judged, which on CI fails.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.adapters import Connection
from crmbridge.testing.context import make_context
from crmbridge.testing.loopback import Received, Reply
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Sandbox, start

Open = Callable[..., Connection]
Judge = Callable[[Sequence[str]], list[str]]
"""Queries -> those among them that are none."""

PARSER = "@jetstreamapp/soql-parser-js"
SCRIPT = """
const parser = require(process.argv[1]);
const queries = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(queries.filter((one) => !parser.isQueryValid(one))));
"""


def parser_in() -> Path | None:
    """Where npm put the parser: below NODE_PATH or beside the project's own files."""
    named = os.environ.get("NODE_PATH", "").split(os.pathsep)
    beside = Path(__file__).parents[3] / "node_modules"
    places = [*(Path(one) for one in named if one), beside]
    return next((place / PARSER for place in places if (place / PARSER).is_dir()), None)


@pytest.fixture(scope="session")
def judge() -> Judge | None:
    """The judge of queries; None where it is not installed."""
    place, node = parser_in(), shutil.which("node")
    if place is None or node is None:
        assert not os.environ.get("CI"), f"needs node, and: npm install {PARSER}"
        return None

    def judge_all(queries: Sequence[str]) -> list[str]:
        done = subprocess.run(
            [node, "-e", SCRIPT, str(place)],
            input=json.dumps(queries),
            capture_output=True,
            text=True,
            check=True,
        )
        found: list[str] = json.loads(done.stdout)
        return found

    return judge_all


def query_in(received: Received) -> str:
    """The query that a request of ours holds; "" if it holds none, or is somebody else's."""
    if received.headers.get("User-Agent") != "crmbridge":
        return ""
    if received.method == "POST" and received.path.endswith("/jobs/query"):
        return str(received.json().get("query", ""))
    return received.query.get("q", "")


@pytest.fixture(scope="session", autouse=True)
def every_query_is_judged(judge: Judge | None, pytestconfig: pytest.Config) -> Iterator[None]:
    """Keep what each sandbox of this process is asked, and have it judged at the end."""
    asked: dict[str, None] = {}
    serve = Sandbox.__call__

    def listening(sandbox: Sandbox, received: Received) -> Reply:
        if query := query_in(received):
            asked[query] = None
        return serve(sandbox, received)

    Sandbox.__call__ = listening  # type: ignore[method-assign,assignment]
    yield
    Sandbox.__call__ = serve  # type: ignore[method-assign]
    if judge is None or not asked:
        return
    wrong = judge(list(asked))
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stderr.write(f"\n{len(asked)} SOQL queries judged by {PARSER}, {len(wrong)} wrong\n")
    assert wrong == []


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
        own: tuple[str, ...] | None = None,
        **settings: Any,
    ) -> Connection:
        auth = auth or {"client_id": "client", "client_secret": SecretStr("s3cret")}
        context = make_context(tmp_path, url=sandbox.url, auth=auth, write_fields=write_fields)
        return ADAPTER.open(ADAPTER.settings(**settings), replace(context, own=own))

    return open_one
