"""Missing fields are handed to an administrator as files that Salesforce's own tools deploy."""

from pathlib import Path
from xml.etree import ElementTree

from crmbridge.adapters import NewField
from crmbridge_salesforce.adapter import ADAPTER

RECORDED = Path(__file__).parent / "data" / "amp-labs"
SPACE = "{http://soap.sforce.com/2006/04/metadata}"
FIELDS = [
    NewField(
        object="Event", name="crmbridge_key__c", label="crmbridge key", type="text", unique=True
    ),
    NewField(object="Task", name="crmbridge_key__c", label="key", type="text", unique=True),
    NewField(object="Account", name="score__c", label="Score & <reasons>", type="number"),
    NewField(object="Account", name="why__c", label="Why", type="text", length=2000),
    NewField(object="Account", name="seg__c", label="S", type="picklist", picklist=("A", "B")),
    NewField(object="Account", name="mood__pc", label="Mood", type="boolean"),
]


def files() -> dict[str, ElementTree.Element]:
    assert ADAPTER.package is not None
    return {
        name: ElementTree.fromstring(text)
        for name, text in ADAPTER.package(FIELDS).items()
        if not name.endswith(".txt")
    }


def texts(root: ElementTree.Element, path: str) -> list[str]:
    found = root.findall("/".join(f"{SPACE}{part}" for part in path.split("/")))
    return [one.text or "" for one in found]


def test_the_manifest_names_what_the_files_hold() -> None:
    found = files()

    held = [
        f"{Path(name).stem}.{field}"
        for name, root in found.items()
        for field in texts(root, "fields/fullName")
    ]
    members = texts(found["package.xml"], "types/members")
    assert sorted(members) == sorted([*held, "crmbridge"])
    assert texts(found["package.xml"], "version") == ["62.0"]


def test_a_field_of_events_is_one_of_activities_seen_on_events_and_tasks() -> None:
    found = files()

    assert texts(found["objects/Activity.object"], "fields/fullName") == ["crmbridge_key__c"]
    seen = texts(found["permissionsets/crmbridge.permissionset"], "fieldPermissions/field")
    assert [one for one in seen if "key" in one] == [
        "Event.crmbridge_key__c",
        "Task.crmbridge_key__c",
    ]


def test_a_key_is_unique_and_an_external_id() -> None:
    root = files()["objects/Activity.object"]

    assert [texts(root, f"fields/{name}") for name in ("unique", "externalId", "type")] == [
        ["true"], ["true"], ["Text"],
    ]  # fmt: skip


def test_a_persons_field_is_one_of_contacts() -> None:
    assert texts(files()["objects/Contact.object"], "fields/fullName") == ["mood__c"]


def test_the_same_fields_give_the_same_files() -> None:
    assert ADAPTER.package is not None

    assert ADAPTER.package(FIELDS[::-1]) == ADAPTER.package(FIELDS)


def test_no_element_is_unknown_to_what_salesforce_took() -> None:
    """Against a recorded request to the Metadata API that others sent and Salesforce accepted."""
    known = _names("metadata_fields-payload.xml") | _names("metadata_permissions-payload.xml")
    documented = {"externalId", "caseSensitive", "hasActivationRequired"}

    used = {
        one.tag.removeprefix(SPACE)
        for name, root in files().items()
        for one in root.iter()
        if name != "package.xml"
    }
    assert used - known - documented == {"CustomObject", "fields", "PermissionSet"}


def _names(file: str) -> set[str]:
    root = ElementTree.parse(RECORDED / file).getroot()
    return {one.tag.rpartition("}")[2] for one in root.iter()}
