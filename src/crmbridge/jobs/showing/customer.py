"""Tells what was found out about a customer: chances, what to talk about, how they respond."""

from typing import Any

from crmbridge.engine.preferences import WEEKDAYS
from crmbridge.jobs.analysis.chances import CAMPAIGNS, VISITS, Chances, known_chances
from crmbridge.jobs.analysis.moved import Moved, known_moved
from crmbridge.jobs.analysis.preferences import Preference, known_preferences
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import RecordKey
from crmbridge.store.identities import LinkState, load_identities
from crmbridge.store.offers import load_offers

_MEANT = {VISITS: "order after a visit", CAMPAIGNS: "response to a campaign"}

_MEANT_BY = {VISITS: "orders by a visit", CAMPAIGNS: "orders by a campaign"}


def about_customer(workspace: Workspace, key: RecordKey) -> dict[str, Any]:
    """What `show` tells of a customer beside its fields, score and segment."""
    with workspace.store.read() as tx:
        offers = load_offers(tx, (key.connection,), key)
        found = known_preferences(tx, key.connection)
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
        "added": {
            title: _added(known_moved(workspace, key.connection, what), key.id)
            for what, title in _MEANT_BY.items()
        },
        "talk_about": [f"{one.product} ({one.why})" for one in offers],
        "preference": _preference(found.get(key.id)),
    }
    return {**about, "same_customer": same} if same else about


def _added(moved: Moved | None, id_: str) -> str:
    if moved is None:
        return "not analysed yet"
    if id_ in moved.of:
        return f"{moved.of[id_]:+.2f}, usually {moved.usual:+.2f}"
    return str(moved.card["verdict"])


def _chance(chances: Chances | None, id_: str) -> str:
    if chances is None:
        return "not analysed yet"
    if id_ in chances.of:
        return f"{chances.of[id_]:.2f}, usually {chances.usual:.2f}"
    return str(chances.card.get("verdict", "not known"))


def _preference(found: Preference | None) -> dict[str, Any]:
    if found is None or not found.channel:
        bought = {"buys": found.products} if found is not None else {}
        return {"known": "too few responses to tell", **bought}
    told = {
        "channel": f"{found.channel}; {found.responses} responses to {found.tries} contacts",
        "weekday": WEEKDAYS[found.weekday] if found.weekday >= 0 else "not known",
        "hour": f"{found.hour} to {found.hour + 1}" if found.hour >= 0 else "not known",
    }
    return {**told, "buys": found.products} if found.products else told
