"""What a rep reads before a visit, what must be noted after it, and who did not."""

from datetime import UTC, datetime, timedelta

import pytest

from crmbridge.jobs.territory.audit import audit_findings, audit_visits, missing_fields
from crmbridge.jobs.territory.briefs import LONGEST_LINE, brief_of, briefs_of
from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.policies import VisitPolicy
from crmbridge.records import to_millis
from crmbridge.store.visiting import OpenNeed

TOML = """
[connections.crm]
adapter = "csv"
folder = "data"
[connections.crm.streams.activities]
extra = ["Mood"]
[reps."ann@example.com"]
zone = "Europe/Berlin"
[planning]
class_default = "A"
[planning.classes.A]
agenda = ["Ask for referrals"]
outcome = ["outcome", "Mood"]
[planning.rules.milk]
needs = ["milk"]
agenda = ["Show the cooler"]
"""
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


def at(day, hour=9):
    return to_millis(datetime(2026, day[0], day[1], hour, tzinfo=UTC))


@pytest.fixture
def territory(space, put):
    workspace = space(TOML)
    put(workspace, "reps", id="R1", name="Ann", email="ann@example.com", active=1)
    put(workspace, "customers", id="C1", name="Mill", owner_id="R1", industry="Dairy")
    put(workspace, "products", id="P1", name="Cooler 3000", family="Milk")
    put(workspace, "needs", id="N1", customer_id="C1", product_id="P1", strength=0.9, met=0,
        due_on="2026-04-01", evidence="asked twice")  # fmt: skip
    put(workspace, "needs", id="N2", customer_id="C1", family="Feed", strength=0.2)
    put(workspace, "needs", id="N3", customer_id="C1", family="Old", strength=1.0, met=1)
    for number, (day, kind, outcome) in enumerate(
        [((1, 5), "visit", "first"), ((2, 3), "call", None), ((2, 20), "visit", "wants an offer")]
    ):
        put(workspace, "activities", id=f"A{number}", kind=kind, status="done", rep_id="R1",
            customer_id="C1", subject=f"Talk {number}", outcome=outcome, start_at=at(day),
            extra='{"Mood": "good"}' if number == 0 else None)  # fmt: skip
    put(workspace, "activities", id="T1", kind="task", status="planned", customer_id="C1",
        subject="Send the offer", due_on="2026-03-05")  # fmt: skip
    put(workspace, "activities", id="T2", kind="task", status="done", customer_id="C1",
        subject="Long done")  # fmt: skip
    return workspace


def test_a_brief_tells_need_product_market_contacts_promises_and_agenda(territory):
    known = gather(territory, NOW.date()).known
    with territory.store.read() as tx:
        found = briefs_of(tx, known, ["crm/customers/C1"], to_millis(NOW))

    assert found["crm/customers/C1"] == (
        "Need: Milk, due 2026-04-01 (asked twice)",
        "Need: Feed",
        "Talk about: Cooler 3000",
        "Market: Dairy",
        "Last: 2026-02-20 visit: Talk 2 - wants an offer",
        "Last: 2026-02-03 call: Talk 1",
        "Promised: Send the offer (due 2026-03-05)",
        "[ ] Ask for referrals",
        "[ ] Show the cooler",
        "Fill in afterwards: outcome, Mood",
    )


def test_a_brief_is_the_same_next_week(territory):
    known = gather(territory, NOW.date()).known
    with territory.store.read() as tx:
        now = briefs_of(tx, known, ["crm/customers/C1"], to_millis(NOW))
        later = briefs_of(tx, known, ["crm/customers/C1"], to_millis(NOW + timedelta(days=7)))

    assert later == now


NO_MARKET = {"segment": None, "industry": None, "region": None}


def test_nothing_known_is_an_empty_brief():
    assert brief_of(NO_MARKET, (), "", (), (), VisitPolicy()) == ()


def test_the_market_is_the_crms_word_and_the_group_is_ours():
    row = {"segment": "Chemicals", "industry": "Labor", "region": "Chemicals"}

    brief = brief_of(row, (), "medium, steady", (), (), None)

    assert brief == ("Market: Chemicals, Labor", "Customer group: medium, steady")


def test_foreign_text_stays_on_its_line_and_short():
    need = OpenNeed(customer=("crm", "C1"), family="a\r\nb" + "x" * 500, product="", strength=None,
                    due_on="", evidence="")  # fmt: skip

    line = brief_of(NO_MARKET, (need,), "", (), (), None)[0]

    assert "\n" not in line
    assert len(line) == LONGEST_LINE


def test_the_audit_names_each_visit_that_says_too_little(territory):
    (audit,) = audit_visits(territory)

    # Two visits in ninety days: the first holds outcome and mood, the second lacks the mood.
    assert (audit.rep, audit.visits, audit.filled) == ("ann@example.com", 2, 1)
    (empty,) = audit.empty
    assert (empty.day, empty.fields) == ("2026-02-20", ("Mood",))
    (finding,) = audit_findings([audit])
    assert finding.count == 1
    assert "crm/activities/A2: Mood" in finding.example


@pytest.mark.parametrize(
    ("outcome", "extra", "missing"),
    [
        (None, None, ("outcome", "Mood")),
        ("  ", '{"Mood": ""}', ("outcome", "Mood")),
        ("sold", '{"Mood": 0}', ("Mood",)),
        ("sold", '{"Mood": "fine"}', ()),
    ],
)
def test_blank_is_empty(outcome, extra, missing):
    row = {"outcome": outcome, "extra": extra}

    assert missing_fields(row, ("outcome", "Mood", "outcome")) == missing
