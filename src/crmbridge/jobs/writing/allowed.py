"""Turns what the settings allow into push policies: what is not named cannot be written."""

from collections.abc import Mapping, Sequence

from crmbridge.adapters import FieldSource
from crmbridge.jobs.owning import campaign_object, member_object, task_object, visit_object
from crmbridge.jobs.workspace import Opened, write_fields
from crmbridge.push.desired import FirstFill, Limits, OwnRecords, WritePolicy
from crmbridge.records import CONSENT_FIELDS
from crmbridge.settings import WriteSettings

OWN_FIELDS = frozenset(
    {
        "kind", "status", "subject", "description", "location", "start_at", "end_at", "zone",
        "busy", "rep_id", "customer_id", "contact_id",
    }
)  # fmt: skip
"""Fields of a visit that are written, as far as the object's mapping covers them."""

TASK_FIELDS = OWN_FIELDS | {"due_on"}
CAMPAIGN_FIELDS = frozenset(
    {"name", "status", "starts_on", "ends_on", "budget", "goal_metric", "goal_value"}
)


def policy_of(opened: Opened) -> WritePolicy:
    """What may be written to a connection."""
    write, able, objects = opened.settings.write, opened.capabilities, opened.objects
    fields = write_fields(opened.settings, objects)
    own = {}
    object_ = visit_object(able, objects, write)
    if object_:
        reps = None if write.visits is True else frozenset(_listed(write))
        own[object_] = OwnRecords(fields=_of_visits(opened, object_), reps=reps)
    members = member_object(able, objects) if write.members else ""
    return WritePolicy(
        capabilities=able,
        fields={name: frozenset(names) for name, names in fields.items()},
        own={**_for_campaigns(opened), **own},
        members=frozenset({members} - {""}),
        protected=_protected(opened),
        clear={n: frozenset(names) for n, names in fields.items()} if write.clear else {},
        normalise=opened.connection.normalise,
        limits=Limits(
            changes=write.limits.changes,
            share=write.limits.share,
            first_fill=FirstFill.ALLOW if write.first_fill == "allow" else FirstFill.ASK,
        ),
    )


def _for_campaigns(opened: Opened) -> dict[str, OwnRecords]:
    """Campaigns that we start and tasks that follow them, as far as the settings allow each."""
    found: dict[str, OwnRecords] = {}
    able, objects, write = opened.capabilities, opened.objects, opened.settings.write
    task, campaign = task_object(able, objects, write), campaign_object(able, objects)
    if task:
        found[task] = OwnRecords(fields=_covered(opened, task, TASK_FIELDS))
    if campaign and write.campaigns:
        mapping = opened.mappings.get("campaigns", {}).get(campaign, {})
        found[campaign] = OwnRecords(fields=CAMPAIGN_FIELDS & _written(mapping))
    return found


def source_fields(opened: Opened, object_: str, stream: str = "activities") -> Mapping[str, str]:
    """Canonical field of a record of ours -> the CRM's own."""
    mapping = opened.mappings.get(stream, {}).get(object_, {})
    return {name: _field(source) for name, source in mapping.items() if _field(source)}


def _of_visits(opened: Opened, object_: str) -> frozenset[str]:
    """Fields of a visit; where the CRM's object has no times of day, as a task, its day stands."""
    covered = _covered(opened, object_, TASK_FIELDS)
    return covered - {"due_on"} if "start_at" in covered else covered


def _covered(opened: Opened, object_: str, fields: frozenset[str] = OWN_FIELDS) -> frozenset[str]:
    """Fields that are read back, mapped or as links, so that what became of them can be seen."""
    mapped = opened.mappings.get("activities", {}).get(object_, {}).keys()
    return fields & (mapped | _linked(opened, object_))


def _linked(opened: Opened, object_: str) -> frozenset[str]:
    """The contact, where it is known by a link. The customer is not compared: a CRM may link a
    contact's other organisations of itself, and a visit's customer goes along as its parent."""
    contacts = opened.objects.get("contacts", ())
    has_link = any(to in opened.capabilities.of(object_).links for to in contacts)
    return frozenset({"contact_id"}) if has_link else frozenset()


def _written(mapping: Mapping[str, FieldSource]) -> frozenset[str]:
    """Fields that come from one of the CRM's own, and so can be written to it."""
    return frozenset(name for name, source in mapping.items() if _field(source))


def _protected(opened: Opened) -> dict[str, frozenset[str]]:
    """object -> fields that hold consent or an owner; never written on records not ours."""
    found: dict[str, set[str]] = {}
    for stream in ("customers", "contacts"):
        for object_, mapping in opened.mappings.get(stream, {}).items():
            guarded = (*CONSENT_FIELDS, "owner_id", "email", "phone", "id")
            names = {_field(mapping[name]) for name in guarded if name in mapping}
            found.setdefault(object_, set()).update(names - {""})
    return {object_: frozenset(names) for object_, names in found.items()}


def _field(source: FieldSource) -> str:
    return source if isinstance(source, str) else str(source.get("field", ""))


def _listed(write: WriteSettings) -> Sequence[str]:
    return () if isinstance(write.visits, bool) else write.visits
