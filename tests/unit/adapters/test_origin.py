"""No address leads away from the configured origin."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmbridge.adapters.origin import is_loopback, origin_of
from crmbridge.errors import ConfigError

ORIGIN = origin_of("url", "https://crm.example.com/base")

ODD = ("\r\n", " ", "\t", "\0", "\\", "@", "[", "]", "#", "?", "\u2044", "\uff0f", "é")
NAMES = ("https:", "http:", "file:", "//", "/", "..", "evil.example", "crm.example.com", ":80")
PIECES = st.sampled_from(ODD + NAMES + ("%2f", "%40", ":443"))


@settings(deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join) | st.text())
@example("https://[")
@example("https://crm.example.com\uff03@evil.example/")
@example("https://crm.example.com:99999/")
def test_an_address_is_below_the_origin_or_refused(url: str) -> None:
    try:
        target = ORIGIN.target(url)
    except ConfigError:
        return

    assert target.startswith("/")
    assert target.isascii()
    assert not set(target) & set("\r\n \t\0")


@settings(deadline=None)
@given(st.text() | st.lists(PIECES, max_size=8).map("".join))
def test_a_configured_url_is_an_origin_or_a_fault_of_the_configuration(url: str) -> None:
    try:
        origin = origin_of("url", url)
    except ConfigError:
        return

    assert origin.scheme == "https" or is_loopback(origin.host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", False),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.nip.io", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
