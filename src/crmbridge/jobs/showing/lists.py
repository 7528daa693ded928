"""Lists what people go through one by one: doubtful places, visits that say too little."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from crmbridge.jobs.territory.audit import DAYS, audit_known
from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.kept_out import places_kept_out
from crmbridge.jobs.territory.known import Known
from crmbridge.jobs.territory.places import PlaceFlaw, place_flaws, quality_counts
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import RecordKey

MEANINGS: Mapping[str, str] = {
    "no_address": "neither coordinates nor a whole address",
    "not_found": "no coordinates, and the address was not found",
    "not_asked": "no coordinates, and nothing is configured that finds the place of its address",
    "waiting": "no coordinates; its address was not looked up yet",
    "not_finite": "coordinates that are no numbers",
    "out_of_range": "coordinates that lie nowhere on the globe",
    "swapped": "latitude and longitude exchanged",
    "zero": "the coordinates (0, 0), which stand for nothing known",
    "unreadable": "coordinates that cannot be read",
    "suspect_swapped": "far from the rep's others, and among them if the two were exchanged",
    "far_from_territory": "far from the rep's other customers",
}
"""What is wrong with a place, for people."""
MUST_BE_FILLED = "Nothing must be filled in: set planning.classes.CLASS.outcome, or a rule's"


def list_places(workspace: Workspace) -> dict[str, Any]:
    """How well customers' places are known, and each that is unknown or doubtful."""
    known = gather(workspace, workspace.clock.now().date()).known
    with workspace.store.read() as tx:
        kept_out = places_kept_out(tx, known.customers)
    out = {flaw.customer for flaw in kept_out}
    flawed = place_flaws([dict(row) for row in known.customers])
    flaws = [*kept_out, *(flaw for flaw in flawed if flaw.customer not in out)]
    return {
        "quality": quality_counts(known.customers),
        "places": [_place_line(one, known) for one in flaws],
        "flaws": [
            {**asdict(one), "rep": _rep_of(one, known), "remedy": one.remedy} for one in flaws
        ],
    }


def _place_line(one: PlaceFlaw, known: Known) -> str:
    meant = MEANINGS.get(one.flaw, one.flaw.replace("_", " "))
    rep = _rep_of(one, known) or "nobody's"
    return f"{one.name} ({one.customer}), {rep}: {meant}. {one.remedy}."


def _rep_of(one: PlaceFlaw, known: Known) -> str:
    """The name of the customer's rep; what the CRM calls the owner, where we know no such rep."""
    connection = RecordKey.parse(one.customer).connection
    for source in known.sources.get(connection, (connection,)):
        rep = known.reps.by_record.get((source, one.owner))
        if rep is not None:
            return rep.name
    return one.owner


def list_audit(workspace: Workspace) -> dict[str, Any]:
    """Past visits by rep, and each whose fields are not filled as the policy asks."""
    known = gather(workspace, workspace.clock.now().date()).known
    if not any(policy.outcome for policy in known.policies.values()):
        return {"days": DAYS, "reps": [MUST_BE_FILLED], "visits": [], "audit": []}
    audits = audit_known(workspace, known, DAYS)
    return {
        "days": DAYS,
        "reps": [
            f"{one.rep}: {one.filled} of {one.visits} visits hold all that must be filled"
            for one in audits
        ],
        "visits": [
            f"{audit.rep}, {one.day}, {one.customer} ({one.visit}): {', '.join(one.fields)} empty"
            for audit in audits
            for one in audit.empty
        ],
        "audit": [asdict(one) for one in audits],
    }
