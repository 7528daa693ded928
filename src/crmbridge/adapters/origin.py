"""Decides which address a request may go to: the configured origin, and no other."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from crmbridge.errors import ConfigError

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, and the path that relative addresses start from."""

    scheme: str
    host: str
    port: int
    base: str = "/"

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    def target(self, url: str) -> str:
        """Path and query of an address below this origin.

        A path without a leading slash is below the configured URL's path. Only the target is
        returned: it is sent to this origin's own connection, so that no trick in an address can
        lead elsewhere.

        Raises:
            ConfigError: the address is at another origin.
        """
        return _target(self, url)


@lru_cache(maxsize=512)  # the same few paths page after page; taking one apart is not free
def _target(origin: Origin, url: str) -> str:
    parsed = _parse(url, f"{origin}{origin.base}")
    if _origin(parsed, url) != (origin.scheme, origin.host, origin.port):
        raise ConfigError("request", f"an address at {origin}", f"one at {_shown(parsed)}")
    return parsed.request_uri


def origin_of(where: str, url: str) -> Origin:
    """The origin of a configured URL: https, or http where the host is this machine.

    Raises:
        ConfigError: plain http to another host, a user name in the URL, or no URL at all.
    """
    parsed = _parse(url)
    if parsed.scheme not in _PORTS or not parsed.host or parsed.auth:
        expected = "https://HOST, without user name or password"
        raise ConfigError(where, expected, repr(_shown(parsed)))
    scheme, host, port = _origin(parsed, url)
    if scheme == "http" and not is_loopback(host):
        raise ConfigError(where, "https", f"http to {host}", "Only this machine may use plain http")
    return Origin(scheme, host, port, (parsed.path or "/").rstrip("/") + "/")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _parse(url: str, base: str = "") -> Url:
    """Take an address apart, relative to a base; surrogates and odd brackets are no address."""
    try:
        url.encode()
        return parse_url(urljoin(base, url))
    except (LocationParseError, ValueError):
        raise ConfigError("request", "an address", "text that is none") from None


def _origin(parsed: Url, url: str) -> tuple[str, str, int]:
    scheme, host = parsed.scheme or "", parsed.host or ""
    if parsed.auth or "\\" in url:
        raise ConfigError("request", "an address without user name or backslash", _shown(parsed))
    return scheme, host, parsed.port or _PORTS.get(scheme, 0)


def _shown(parsed: Url) -> str:
    """Only scheme and host: path and query may hold what is nobody's business."""
    return f"{parsed.scheme or '?'}://{parsed.host or '?'}"
