"""What is wrong with an account is named with its remedy, and what can be made is made."""

from typing import Any

import pytest

from crmbridge.adapters import ErrorClass, NewField, Operation, Status, WriteItem
from crmbridge.errors import SignInError
from crmbridge_salesforce.sandbox import Mood, Sandbox
from crmbridge_salesforce.sandbox.schema import FieldSpec

KEY = "crmbridge_key__c"
KEY_FIELD = NewField(object="Event", name=KEY, label="crmbridge key", type="text", unique=True)


def codes(open_: Any, **settings: Any) -> dict[str, str]:
    with open_(**settings) as connection:
        return {one.code: one.example for one in connection.check()}


def test_an_account_that_is_well_has_no_finding(open_: Any) -> None:
    assert codes(open_) == {}


def test_a_missing_key_field_is_named(sandbox: Sandbox, open_: Any) -> None:
    del sandbox.org.schema["Event"].fields[KEY]

    assert codes(open_) == {"salesforce.key_missing": f"Event.{KEY}"}


def test_a_key_that_is_no_external_id_is_none(sandbox: Sandbox, open_: Any) -> None:
    sandbox.org.schema["Event"].fields[KEY].unique = False

    assert "salesforce.key_missing" in codes(open_)


def test_a_version_that_is_not_offered_names_the_newest(open_: Any) -> None:
    assert codes(open_, api_version="58.0")["salesforce.api_version"].startswith("58.0; offered")


def test_an_edition_without_an_interface_is_named(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    org.edit("Organization", org.id, {"OrganizationType": "Professional Edition"})

    assert codes(open_)["salesforce.edition"] == "Professional Edition"


def test_an_object_that_cannot_be_seen_is_named(sandbox: Sandbox, open_: Any) -> None:
    del sandbox.org.schema["Opportunity"]

    assert codes(open_)["salesforce.object_missing"] == "Opportunity"


def test_a_field_that_is_too_short_for_texts_is_named(sandbox: Sandbox, open_: Any) -> None:
    sandbox.org.schema["Account"].fields["crmbridge_reasons__c"].length = 20

    with open_(write_fields={"Account": ("crmbridge_reasons__c",)}) as connection:
        found = {one.code for one in connection.check()}

    assert found == {"salesforce.field_short"}


def test_what_the_user_may_not_do_is_named(sandbox: Sandbox, open_: Any) -> None:
    for name in ("Event", "Account"):
        sandbox.org.schema[name].is_read_only = True

    with open_(write_fields={"Account": ("crmbridge_segment__c",)}) as connection:
        found = {one.example for one in connection.check()}

    assert found == {"create Event", "delete Event", "edit Event", "edit Account"}


def test_only_what_is_written_needs_a_key_and_permissions(sandbox: Sandbox, open_: Any) -> None:
    for name in ("Event", "Task", "Campaign"):
        del sandbox.org.schema[name].fields[KEY]
    for name in ("Event", "CampaignMember"):
        sandbox.org.schema[name].is_read_only = True

    with open_(own=("Task", "CampaignMember")) as connection:
        found = {one.example for one in connection.check()}

    members = {f"{verb} CampaignMember" for verb in ("create", "delete", "edit")}
    assert found == {f"Task.{KEY}", *members}


def test_an_account_that_is_only_read_needs_neither(sandbox: Sandbox, open_: Any) -> None:
    for name in ("Event", "Task", "Campaign"):
        del sandbox.org.schema[name].fields[KEY]

    assert codes(open_, own=()) == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"writable": False}, "salesforce.field_read_only"),
        ({"writable": False, "formula": True}, "salesforce.field_formula"),
        (None, "salesforce.field_missing"),
    ],
    ids=["read-only", "formula", "missing"],
)
def test_a_field_that_could_not_be_written_is_named_beforehand(
    sandbox: Sandbox, open_: Any, change: Any, code: str
) -> None:
    fields = sandbox.org.schema["Account"].fields
    if change is None:
        del fields["crmbridge_segment__c"]
    for name, value in (change or {}).items():
        setattr(fields["crmbridge_segment__c"], name, value)

    with open_(write_fields={"Account": ("crmbridge_segment__c",)}) as connection:
        found = {one.code: one for one in connection.check()}

    assert found.keys() == {code}
    assert found[code].remedy


def test_a_formula_is_described_as_one(sandbox: Sandbox, open_: Any) -> None:
    sandbox.org.schema["Account"].fields["Market__c"].formula = True

    with open_() as connection:
        described = next(one for one in connection.describe() if one.name == "Account")

    assert [one.name for one in described.fields if one.formula] == ["Market__c"]


def test_a_field_that_nobody_of_ours_fills_is_named(sandbox: Sandbox, open_: Any) -> None:
    sandbox.org.schema["Event"].fields["Reason__c"] = FieldSpec(
        name="Reason__c", type="string", length=80, writable=True, required=True
    )

    assert codes(open_) == {"salesforce.field_required": "Event.Reason__c"}


def test_a_quota_that_is_nearly_used_up_is_named(sandbox: Sandbox, open_: Any) -> None:
    sandbox.org.calls, sandbox.org.calls_allowed = 950, 1000

    found = codes(open_)

    assert found.keys() == {"salesforce.quota_low"}
    assert "of 1000 API requests" in found["salesforce.quota_low"]


def test_an_app_that_may_not_use_the_interface_is_named(sandbox: Sandbox, open_: Any) -> None:
    sandbox.sign_in.scope = "id openid"

    with open_() as connection:
        connection.quota()
        found = {one.code: one.remedy for one in connection.check()}

    assert found.keys() == {"salesforce.scope_missing"}
    assert "crmbridge connect" in found["salesforce.scope_missing"]


def test_a_write_that_is_not_permitted_is_a_fault_of_the_configuration(
    sandbox: Sandbox, open_: Any
) -> None:
    id_ = sandbox.org.put("Account", {"Name": "Acme"})
    sandbox.org.schema["Account"].is_read_only = True
    item = WriteItem(
        item="u", operation=Operation.UPDATE, object="Account", id=id_, values={"Phone": "1"}
    )

    with open_() as connection:
        outcome = connection.write([item])[0]

    assert (outcome.status, outcome.error_class) == (Status.REJECTED, ErrorClass.CONFIG)


def test_fields_that_a_check_finds_missing_are_made(sandbox: Sandbox, open_: Any) -> None:
    del sandbox.org.schema["Event"].fields[KEY]
    del sandbox.org.schema["Task"].fields[KEY]

    with open_() as connection:
        findings = connection.provision([KEY_FIELD])
        after = [one.code for one in connection.check()]

    permissions = list(sandbox.org.held("FieldPermissions").values())
    assert [one.code for one in findings] == ["salesforce.field_hidden"]
    assert after == []
    assert [(one["Field"], one["PermissionsEdit"]) for one in permissions] == [
        (f"Event.{KEY}", True),
        (f"Task.{KEY}", True),
    ]
    assert len(sandbox.org.held("PermissionSetAssignment")) == 1


def test_making_fields_twice_is_harmless(sandbox: Sandbox, open_: Any) -> None:
    with open_() as connection:
        for _ in range(2):
            findings = connection.provision([KEY_FIELD])

    counts = [len(sandbox.org.held(one)) for one in ("FieldPermissions", "PermissionSetAssignment")]
    assert [one.code for one in findings] == ["salesforce.field_hidden"]
    assert counts == [2, 1]


def test_a_persons_field_is_made_where_salesforce_keeps_it(sandbox: Sandbox, open_: Any) -> None:
    field = NewField(object="Account", name="Score__pc", label="Score", type="number")

    with open_() as connection:
        connection.provision([field])

    assert sandbox.org.schema["Contact"].fields["Score__c"].type == "double"
    assert {one["Field"] for one in sandbox.org.held("FieldPermissions").values()} == {
        "Contact.Score__c"
    }


@pytest.mark.parametrize(
    ("type_", "expected"),
    [("text", "string"), ("number", "double"), ("date", "date"), ("instant", "datetime")],
)
def test_fields_have_the_type_that_was_wanted(
    sandbox: Sandbox, open_: Any, type_: str, expected: str
) -> None:
    with open_() as connection:
        connection.provision([NewField(object="Account", name="X__c", label="X", type=type_)])

    assert sandbox.org.schema["Account"].fields["X__c"].type == expected


def test_a_field_that_cannot_be_made_says_who_could(sandbox: Sandbox, open_: Any) -> None:
    field = NewField(object="Nonsense", name="X__c", label="X", type="text")

    with open_() as connection:
        findings = connection.provision([field])

    assert [one.code for one in findings] == ["salesforce.field_not_created"]
    assert "customize" in findings[0].remedy


def test_a_check_with_a_bad_session_raises(sandbox: Sandbox, open_: Any) -> None:
    sandbox.sign_in.client_secret = "another"

    with open_() as connection, pytest.raises(SignInError):
        connection.check()


def test_a_check_goes_on_after_a_passing_fault(sandbox: Sandbox, open_: Any) -> None:
    sandbox.moods.plan(Mood.BUSY, times=2)

    assert codes(open_) == {}
