"""Each of Salesforce's errors has one meaning for the host."""

import json

import pytest

from crmbridge.adapters import ErrorClass
from crmbridge.adapters.http import Effect, Request, Response
from crmbridge.adapters.verdict import judge_answer
from crmbridge_salesforce.codes import DIALECT, class_of, classify, explain, quota_of
from crmbridge_salesforce.ids import to_18

R, T, Q, A, C = (
    ErrorClass.RECORD, ErrorClass.TRANSIENT, ErrorClass.QUOTA, ErrorClass.SIGN_IN,
    ErrorClass.CONFIG,
)  # fmt: skip


def body(code: str, message: str = "") -> bytes:
    return json.dumps([{"errorCode": code, "message": message}]).encode()


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, b"{}", None),
        (300, b"[]", R),
        (304, b"", None),
        (400, body("MALFORMED_QUERY"), C),
        (400, body("INVALID_FIELD"), C),
        (400, body("INVALID_QUERY_LOCATOR"), R),
        (400, body("UNSUPPORTED_API_VERSION"), C),
        (400, body("DUPLICATES_DETECTED"), R),
        (400, body("INVALID_TYPE"), C),
        (400, body("INVALID_FIELD_FOR_INSERT_UPDATE"), C),
        (400, body("INVALID_CROSS_REFERENCE_KEY"), R),
        (400, body("LIMIT_EXCEEDED"), Q),
        (400, body("API_ERROR", "Implementation restriction"), None),
        (400, body("A_CODE_OF_TOMORROW"), None),
        (400, body("UNABLE_TO_LOCK_ROW"), T),
        (400, b"", None),
        (400, b"<html>", None),
        (401, body("INVALID_SESSION_ID"), A),
        (401, b"<html>", None),
        (403, body("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), Q),
        (403, body("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), T),
        (403, body("API_DISABLED_FOR_ORG"), C),
        (403, body("INSUFFICIENT_ACCESS_OR_READONLY"), C),
        (403, body("TXN_SECURITY_METERING_ERROR"), C),
        (403, body("A_CODE_OF_TOMORROW"), None),
        (406, b"", None),
        (404, body("NOT_FOUND"), None),
        (412, body("PRECONDITION_FAILED"), None),
        (420, b"", None),
        (503, body("SERVER_UNAVAILABLE"), None),
    ],
)
def test_an_answer_means(status: int, answer: bytes, expected: ErrorClass | None) -> None:
    assert classify(status, {}, answer) is expected


@pytest.mark.parametrize(
    ("effect", "expected"),
    [(Effect.READ, ErrorClass.CONFIG), (Effect.KEYED, R), (Effect.ONCE, R)],
)
def test_a_refusal_that_nobody_knows_stops_a_read_and_splits_a_batch(
    effect: Effect, expected: ErrorClass
) -> None:
    """So it is seen at once; of a batch the row to blame is found."""
    refusal = Response(status=400, headers={}, body=body("A_CODE_OF_TOMORROW"))

    assert (
        judge_answer(Request(method="POST", url="/", effect=effect), refusal, DIALECT) is expected
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("REQUIRED_FIELD_MISSING", R),
        ("INVALID_EMAIL_ADDRESS", R),
        ("FIELD_INTEGRITY_EXCEPTION", R),
        ("INVALID_CROSS_REFERENCE_KEY", R),
        ("DUPLICATE_EXTERNAL_ID", R),
        ("STRING_TOO_LONG", R),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", R),
        ("DUPLICATE_VALUE", R),
        ("DUPLICATES_DETECTED", R),
        ("ENTITY_IS_DELETED", R),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", R),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", R),
        ("A_CODE_OF_TOMORROW", R),
        ("UNABLE_TO_LOCK_ROW", T),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", T),
        ("PROCESSING_HALTED", T),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", C),
        ("INSUFFICIENT_ACCESS_OR_READONLY", C),
        ("REQUEST_LIMIT_EXCEEDED", Q),
    ],
)
def test_a_row_means(code: str, expected: ErrorClass) -> None:
    assert class_of(code) is expected


def test_words_of_an_error_hold_no_record() -> None:
    words = body("STRING_TOO_LONG", "Name: data value too large: Jane Miller (max length=5)")

    said = explain(Response(status=400, headers={}, body=words))

    assert "STRING_TOO_LONG" in said
    assert "Jane" not in said


def test_a_session_that_is_refused_names_the_causes() -> None:
    said = explain(Response(status=401, headers={}, body=body("INVALID_SESSION_ID", "expired")))

    assert "IP ranges" in said
    assert "API Enabled" in said


def test_the_quota_is_read_from_every_answer() -> None:
    quota = quota_of(Response(status=200, headers={"Sforce-Limit-Info": "api-usage=101/15000"}))

    assert quota is not None
    assert (quota.used, quota.allowed) == (101, 15000)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001D000000IqhSL", "001D000000IqhSLIAZ"),
        ("003ak00000luKU1", "003ak00000luKU1AAM"),
        ("0055e0000000001", "0055e0000000001AAA"),
        ("R01", "R01"),
        ("", ""),
    ],
)
def test_ids_have_a_long_form(short: str, long: str) -> None:
    assert to_18(short) == long
    assert to_18(long) == long
