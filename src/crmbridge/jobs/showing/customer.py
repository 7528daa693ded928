"""Tells what was found out about a customer: chances, what to talk about, how they respond."""

from collections.abc import Mapping
from typing import Any

from crmbridge.jobs.analysis.chances import CAMPAIGNS, VISITS, Chances, known_chances
from crmbridge.jobs.analysis.customers import base_connections
from crmbridge.jobs.analysis.preferences import Preference, preferences
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import RecordKey, to_millis
from crmbridge.store.identities import LinkState, load_identities
from crmbridge.store.offers import load_offers

_MEANT = {VISITS: "order after a visit", CAMPAIGNS: "response to a campaign"}


def about_customer(
    workspace: Workspace, key: RecordKey, values: Mapping[str, Any]
) -> dict[str, Any]:
    """What `show` tells of a customer beside its fields, score and segment."""
    sources = base_connections(workspace.settings).get(key.connection, (key.connection,))
    now = to_millis(workspace.clock.now())
    with workspace.store.read() as tx:
        offers = load_offers(tx, (key.connection,), key)
        found = preferences(tx, sources, {key.id: values.get("zone") or ""}, now)
        same = [
            str(one.right if one.left == key else one.left)
            for one in load_identities(tx, (LinkState.LINKED,))
            if key in (one.left, one.right)
        ]
    about: dict[str, Any] = {
        "chances": {
            title: _chance(known_chances(workspace, key.connection, what), key.id)
            for what, title in _MEANT.items()
        },
        "talk_about": [f"{one.product} ({one.why})" for one in offers],
        "preference": _preference(found.get(key.id)),
    }
    return {**about, "same_customer": same} if same else about


def _chance(chances: Chances | None, id_: str) -> str:
    if chances is None:
        return "not analysed yet"
    if id_ in chances.of:
        return f"{chances.of[id_]:.2f}, usually {chances.usual:.2f}"
    return str(chances.card.get("verdict", "not known"))


def _preference(found: Preference | None) -> dict[str, Any]:
    if found is None:
        return {"known": "too few responses to tell"}
    return {
        "channel": f"{found.channel}, {100 * found.share:.0f} % of {found.responses} responses",
        "weekday": found.weekday,
        "hour": f"{found.hour} to {found.hour + 1}",
    }
