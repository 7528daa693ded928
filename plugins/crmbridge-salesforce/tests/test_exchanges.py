"""Single recorded exchanges, told the same by the vendor's community client and by our classes.

The client on the other side of `responses` is simple-salesforce: which of its exceptions an answer
raises is somebody else's reading of the same recording.
"""

from pathlib import Path

import pytest
import responses
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
)

from crmbridge.adapters import ErrorClass
from crmbridge_salesforce.codes import classify

RECORDED = Path(__file__).parent / "data" / "amp-labs"
HOST = "https://example.my.salesforce.com"
QUERY = f"{HOST}/services/data/v59.0/query/"
EXPIRED = '[{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]'
LIMIT = '[{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]'


def recorded(name: str) -> str:
    return (RECORDED / name).read_text("utf-8")


@responses.activate
@pytest.mark.parametrize(
    ("status", "answer", "raised", "expected"),
    [
        (400, recorded("unknown-field.json"), SalesforceMalformedRequest, ErrorClass.CONFIG),
        (400, recorded("invalid-field-upsert.json"), SalesforceMalformedRequest, ErrorClass.CONFIG),
        (401, EXPIRED, SalesforceExpiredSession, ErrorClass.SIGN_IN),
        (403, LIMIT, SalesforceRefusedRequest, ErrorClass.QUOTA),
        (503, "<html>", SalesforceGeneralError, ErrorClass.TRANSIENT),
    ],
    ids=["unknown-field", "upsert-field", "expired", "limit", "unavailable"],
)
def test_an_answer_means_the_same_to_both(
    status: int, answer: str, raised: type[Exception], expected: ErrorClass
) -> None:
    responses.get(QUERY, body=answer, status=status, content_type="application/json")
    client = Salesforce(instance_url=HOST, session_id="x", version="59.0")

    with pytest.raises(raised):
        client.query("SELECT Id FROM Account")

    # What is no JSON of Salesforce's is left to the host, which takes a 503 for transient.
    assert (classify(status, {}, answer.encode()) or ErrorClass.TRANSIENT) is expected


@responses.activate
def test_a_recorded_create_is_read_alike() -> None:
    responses.post(
        f"{HOST}/services/data/v59.0/sobjects/Account/",
        body=recorded("create-ok.json"),
        status=201,
        content_type="application/json",
    )
    client = Salesforce(instance_url=HOST, session_id="x", version="59.0")

    found = client.Account.create({"Name": "Acme"})

    assert found["success"] is True
    assert classify(201, {}, recorded("create-ok.json").encode()) is None
