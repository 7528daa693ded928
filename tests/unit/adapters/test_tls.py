"""Certificates are verified, always, and one that does not verify is never asked again."""

import re
import ssl
from pathlib import Path

import pytest
import trustme

from crmbridge.errors import ConfigError
from crmbridge.testing.context import make_client
from crmbridge.testing.loopback import LoopbackServer, answer

OK = answer(document={"ok": True})
SOURCES = Path(__file__).parents[3] / "src" / "crmbridge"


def _serving(authority: trustme.CA, *names: str) -> LoopbackServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return LoopbackServer([OK], tls=context)


def _trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))


def test_a_verified_server_is_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    _trust(authority, tmp_path, monkeypatch)

    with _serving(authority, "127.0.0.1") as server:
        assert make_client(server.url).get("/rows").data == {"ok": True}


def test_an_unknown_authority_is_a_fault_of_the_configuration() -> None:
    with _serving(trustme.CA(), "127.0.0.1") as server:
        client = make_client(server.url)
        with pytest.raises(ConfigError, match="crmbridge doctor"):
            client.get("/rows")

        assert client.traffic.retries.retried == 0
        assert server.received == []


def test_a_certificate_for_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    _trust(authority, tmp_path, monkeypatch)

    with _serving(authority, "crm.example.com") as server:
        with pytest.raises(ConfigError):
            make_client(server.url).get("/rows")

        assert server.received == []


def test_no_code_can_switch_verification_off() -> None:
    switch = re.compile(r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_unverified")

    found = [path for path in SOURCES.rglob("*.py") if switch.search(path.read_text())]

    assert found == []
