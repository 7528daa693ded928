"""Odd servers, odd addresses, and a proxy that only settings can bring in."""

import socket
import socketserver
import ssl
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme

from crmbridge.adapters.http import FixedHeader
from crmbridge.adapters.origin import Origin, origin_of
from crmbridge.errors import ConfigError, RetryLaterError
from crmbridge.testing.context import make_client
from crmbridge.testing.loopback import LoopbackServer, Reply, answer

OK = answer(document={"ok": True})


def _http_1_0(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b'HTTP/1.0 200 OK\r\n\r\n{"ok": true}')
    handler.close_connection = True


def _many_headers(handler: BaseHTTPRequestHandler) -> None:
    lines = b"".join(b"X-%d: 1\r\n" % number for number in range(200))
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")


def _long_header(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n")


def _no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")
    handler.close_connection = True


def _drips_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        handler.wfile.write(b"X-%d: 1\r\n" % number)
        threading.Event().wait(0.02)


def test_an_old_server_is_understood() -> None:
    with LoopbackServer([_http_1_0]) as server:
        assert make_client(server.url).get("/rows").data == {"ok": True}


@pytest.mark.parametrize("reply", [_many_headers, _long_header, _no_http])
def test_what_is_no_http_is_a_typed_error(reply: Reply) -> None:
    with LoopbackServer([reply]) as server, pytest.raises(RetryLaterError):
        make_client(server.url, tries=1).get("/rows")


def test_headers_that_drip_end_at_the_deadline() -> None:
    with LoopbackServer([_drips_headers]) as server, pytest.raises(RetryLaterError):
        make_client(server.url, tries=1, total_seconds=0.2).get("/rows")


def test_a_connection_is_used_again() -> None:
    ports = set()

    def remember(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        OK(handler)

    with LoopbackServer([remember]) as server:
        client = make_client(server.url)
        for _ in range(5):
            client.get("/rows")

    assert len(ports) == 1


def test_an_address_may_have_a_path_and_a_query() -> None:
    origin = origin_of("url", "https://crm.example.com/tenant")

    assert origin.target("v1/rows?a=b c") == "/tenant/v1/rows?a=b%20c"
    assert origin.target("/v1/rows") == "/v1/rows"
    assert origin.target("https://CRM.example.com:443/x") == "/x"
    assert origin_of("url", "http://[::1]:8080") == Origin("http", "[::1]", 8080)


def test_line_breaks_in_an_address_are_no_headers() -> None:
    with LoopbackServer([OK]) as server:
        make_client(server.url).get("/rows\r\nX-Evil: 1")

        assert "X-Evil" not in server.received[0].headers


def test_no_secret_is_in_a_traceback() -> None:
    with LoopbackServer([answer(500)]) as server:
        url = server.url
    secret = Path("s3cret-token").name  # a traceback shows source lines, where it is used
    client = make_client(url)
    client.traffic.redactor.add(secret)
    header = FixedHeader(connection="sales", value={"Authorization": f"Bearer {secret}"})

    with pytest.raises(RetryLaterError) as caught:
        client.at(url, header).get("/rows", params={"key": secret})

    shown = "".join(traceback.format_exception(caught.value))
    assert secret not in shown + repr(client.at(url, header).authorize)


class _Proxy(socketserver.ThreadingTCPServer):
    """Takes CONNECT for any host, and leads to one port of this machine."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Tunnel)


class _Tunnel(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Proxy)
        self.server.asked.append(self.rfile.readline().decode().split()[1])
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            back = threading.Thread(target=_copy, args=(there, self.connection), daemon=True)
            back.start()
            _copy(self.connection, there)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


@contextmanager
def _proxied(port: int) -> Iterator[_Proxy]:
    with _Proxy(port) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        yield proxy
        proxy.shutdown()


def test_a_proxy_is_used_if_the_settings_trust_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("crm.example").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    with LoopbackServer([OK], tls=context) as server:
        port = int(server.url.rpartition(":")[2])
        with _proxied(port) as proxy:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.server_address[1]}")
            client = make_client("https://crm.example", trust_env=True)
            assert client.get("/rows").data == {"ok": True}

    assert proxy.asked == ["crm.example:443"]


def test_no_proxy_is_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    with LoopbackServer([OK]) as server:
        assert make_client(server.url, trust_env=True).get("/rows").data == {"ok": True}


def test_a_closed_client_opens_again() -> None:
    with LoopbackServer([OK]) as server:
        client = make_client(server.url)
        client.get("/rows")
        client.close()

        assert client.get("/rows").data == {"ok": True}


def test_a_url_of_nonsense_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError):
        origin_of("connections.sales.url", "https://[")
