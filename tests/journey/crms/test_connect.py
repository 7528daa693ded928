"""The whole way of a sign-in: a browser, the CRM's consent, a pull by the token, and out again."""

import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from crmbridge_salesforce.sandbox import start_demo

CONFIG = """
[store]
url = "sqlite:///store.db"

[connections.sales]
adapter = "salesforce"
url = "{url}"
auth.client_id = "client"

[connections.sales.write]
score = "New_Score__c"
"""


def opened_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser whose user agrees, and that follows the redirect to our page."""

    def visit(url: str) -> bool:
        threading.Thread(target=lambda: urllib.request.urlopen(url).read()).start()
        return True

    monkeypatch.setattr("webbrowser.open", visit)


def test_a_person_connects_salesforce_pulls_and_disconnects(
    bare_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_at_once(monkeypatch)
    with start_demo() as sandbox:
        bare_desk.config.write_text(CONFIG.format(url=sandbox.url))
        refused = bare_desk("pull", "sales", "--stream", "contacts")

        connected = bare_desk("connect", "sales", "--json")
        pulled = bare_desk("pull", "sales", "--stream", "contacts")
        kept = _token(bare_desk.folder)
        done = bare_desk("disconnect", "sales", "--json")
        again = bare_desk("pull", "sales", "--stream", "contacts")

    assert refused.code == 77
    assert connected.code == 0, connected.err
    assert connected.json["way"] == "browser"
    assert connected.json["organisation"].startswith("00D")
    assert pulled.code == 0, pulled.err
    assert done.json["problem"] == ""
    assert kept["refresh"] not in sandbox.sign_in.refreshes
    assert again.code == 77
    said = connected.out + connected.err + pulled.out + pulled.err + done.out + done.err
    assert kept["access"] not in said
    assert kept["refresh"] not in said


def test_doctor_makes_the_field_that_salesforce_lacks(
    bare_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_at_once(monkeypatch)
    with start_demo() as sandbox:
        bare_desk.config.write_text(CONFIG.format(url=sandbox.url))
        bare_desk("connect", "sales")

        made = bare_desk("doctor", "sales", "--fix", "--yes", "--json")
        again = bare_desk("doctor", "sales", "--fix", "--yes", "--json")

    assert made.code == 0, made.err
    assert [(one["object"], one["name"]) for one in made.json["fields"]] == [
        ("Account", "New_Score__c")
    ]
    assert again.json["fields"] == []


def _token(folder: Path) -> Any:
    return json.loads((folder / ".crmbridge" / "tokens" / "sales.token").read_text())
