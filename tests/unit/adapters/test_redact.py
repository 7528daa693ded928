"""No form of a secret is left in a text."""

import base64
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmbridge.adapters.redact import MARK, Redactor
from crmbridge.errors import ConfigError

CANARIES = [
    "plain-token-123456",
    "p&%\"\n'word with space",
    "pässwörd-ünïcode",
    "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nabcdefgh12345678\n-----END KEY-----",
    "postgresql://u:sec/ret@h/db?x=1",
]


def _redactor(*secrets: str) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    return redactor


@pytest.mark.parametrize("secret", CANARIES)
@pytest.mark.parametrize(
    "form",
    [
        str,
        repr,
        quote,
        quote_plus,
        json.dumps,
        lambda secret: quote(secret, safe=""),
        lambda secret: json.dumps(secret, ensure_ascii=False),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.b64encode(f"me:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"a{secret}z".encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"ab{secret}z".encode()).decode(),
        lambda secret: "\n".join(secret[start : start + 5] for start in range(0, len(secret), 5)),
    ],
)
def test_every_form_of_a_secret_is_blotted_out(secret: str, form: object) -> None:
    written = form(secret)  # type: ignore[operator]

    cleaned = _redactor(secret).clean(f"before {written} after")

    assert MARK in cleaned
    longest = max(len(part) for part in cleaned.replace(MARK, " ").split())
    assert longest <= len("before")


def test_overlapping_secrets_leave_no_rest() -> None:
    redactor = _redactor("secret-one", "one-secret-two", "secret-one-more")

    assert redactor.clean("a secret-one-secret-two b") == f"a {MARK} b"
    assert redactor.clean("a secret-one-more b") == f"a {MARK} b"


def test_a_short_secret_inside_a_longer_one() -> None:
    assert _redactor("x1", "x1k").clean("token=x1k!") == f"token={MARK}!"


def test_a_line_of_a_key_is_a_secret_too() -> None:
    assert "MIIEowIBAAKCAQEA" not in _redactor(CANARIES[3]).clean("MIIEowIBAAKCAQEA")


def test_other_text_stays() -> None:
    assert _redactor("secret-one", "").clean("nothing to hide") == "nothing to hide"


def test_values_of_any_shape_are_cleaned() -> None:
    redactor = _redactor("secret-one")

    event = {"a": ["secret-one", 1], "b": {"secret-one": ("x", None)}, "c": b"secret-one"}

    cleaned = redactor.processor(None, "info", dict(event))
    assert "secret-one" not in repr(cleaned)
    assert cleaned["a"][1] == 1


def test_an_error_and_its_causes_are_cleaned() -> None:
    redactor = _redactor("secret-one")
    error = ConfigError("here", "no secret-one", "secret-one")
    error.__cause__ = ValueError("secret-one")

    redactor.clean_error(error)

    assert "secret-one" not in f"{error} {error.line()} {error.__cause__}"


def test_the_standard_librarys_records_are_cleaned() -> None:
    record = logging.LogRecord("a", 10, "f", 1, "GET %s", ("/x?t=secret-one",), None)

    assert _redactor("secret-one").filter(record)
    assert record.getMessage() == f"GET /x?t={MARK}"


@settings(deadline=None)
@given(
    secret=st.text(min_size=6, max_size=30).filter(lambda text: len(text.strip()) >= 6),
    before=st.text(max_size=10),
    after=st.text(max_size=10),
)
def test_a_secret_never_survives(secret: str, before: str, after: str) -> None:
    assert secret not in _redactor(secret).clean(before + secret + after).replace(MARK, "\0" * 40)
