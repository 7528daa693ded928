"""Plans, scores, segments, models and audit lines come back as they were kept."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from crmbridge.records import Reason, RecordKey, to_millis
from crmbridge.store import Store
from crmbridge.store.audit import AuditLine, add_audit, list_audit
from crmbridge.store.models import Model, latest_model, save_model
from crmbridge.store.plans import (
    StoredPlan,
    find_visit,
    get_plan,
    last_plan,
    list_plans,
    load_left_out,
    load_visits,
    plan_in_force,
    publish_plan,
    save_plan,
    visit_numbers,
)
from crmbridge.store.scores import Score, drop_scores, load_scores, save_scores
from crmbridge.store.segments import Segment, load_segments, save_segments

KEY = RecordKey("sales", "Account", "a/1")
REASONS = (Reason(code="need", text="braucht Öl", weight=0.4),)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A planned visit as the planner makes it."""

    id: str = "v1"
    customer: str = str(KEY)
    number: int = 1
    rep: str = "ann@example.com"
    day: date = date(2026, 3, 29)
    start_at: datetime = datetime(2026, 3, 29, 7, 30, tzinfo=UTC)
    end_at: datetime = datetime(2026, 3, 29, 8, 30, tzinfo=UTC)
    zone: str = "Europe/Berlin"
    wall_start: datetime = datetime(2026, 3, 29, 9, 30)
    sequence: int = 1
    travel_minutes: int | None = None
    value: float = 40.0
    fixedness: str = "suggested"
    revision: int = 0
    reasons: tuple[Reason, ...] = field(default=REASONS)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A customer without a visit."""

    customer: str = str(KEY)
    rep: str | None = None
    code: str = "too_far"
    text: str = "There and back takes 11 hours."
    change: str = ""


def plan(id_: str = "p1", created_at: int = 1) -> StoredPlan:
    return StoredPlan(
        id=id_, connection="sales", run_id=1, created_at=created_at, start_on="2026-03-29",
        days=14, input_digest="d", seed=1, parameters="{}", problem="{}", summary="{}",
    )  # fmt: skip


def score(value: float = 0.4, run: int = 1, id_: str = "a/1") -> Score:
    return Score(
        key=replace(KEY, id=id_), score=value, tier="medium", reasons=REASONS, model="m1",
        as_of=run, run_id=run,
    )  # fmt: skip


def test_a_visit_comes_back_with_its_wall_clock(store: Store) -> None:
    with store.write() as tx:
        save_plan(tx, plan(), [Visit()])

        (found,) = load_visits(tx, "p1")

    assert (found.customer, found.number, found.reasons) == (KEY, 1, REASONS)
    assert (found.day, found.wall_start, found.zone) == (
        "2026-03-29", "2026-03-29T09:30", "Europe/Berlin",
    )  # fmt: skip
    assert found.start_at == to_millis(Visit().start_at)
    assert found.travel_minutes is None


def test_left_out_customers_come_back(store: Store) -> None:
    with store.write() as tx:
        save_plan(tx, plan(), [], [LeftOut()])

        (found,) = load_left_out(tx, "p1")

    assert (found.customer, found.rep, found.code) == (KEY, "", "too_far")


def test_the_same_plan_made_again_stays_in_force(store: Store) -> None:
    with store.write() as tx:
        save_plan(tx, plan(), [Visit()], [])
        publish_plan(tx, "p1", 7)
        save_plan(tx, plan(), [Visit(id="v2")], [LeftOut()])

        assert get_plan(tx, "p1") == replace(plan(), published_at=7)
        assert [visit.visit_id for visit in load_visits(tx, "p1")] == ["v2"]


def test_the_plan_in_force_is_the_one_published_last(store: Store) -> None:
    with store.write() as tx:
        for number, id_ in enumerate(("p1", "p2", "p3")):
            save_plan(tx, plan(id_, created_at=number), [])
        publish_plan(tx, "p2", 5)
        publish_plan(tx, "p1", 6)

        in_force, last = plan_in_force(tx, "sales"), last_plan(tx, "sales")

        assert in_force is not None
        assert last is not None
        assert (in_force.id, last.id) == ("p1", "p3")
        assert [one.id for one in list_plans(tx)] == ["p3", "p2", "p1"]
        assert plan_in_force(tx, "other") is None


def test_visits_are_numbered_over_all_plans(store: Store) -> None:
    with store.write() as tx:
        save_plan(tx, plan("p1"), [Visit(id="v1", number=1), Visit(id="v2", number=2)])
        save_plan(tx, plan("p2", 2), [Visit(id="v1", number=1, revision=1)])

        found = find_visit(tx, "v1")

        assert visit_numbers(tx) == {KEY: 2}
        assert found is not None
        assert found.revision == 1


def test_equal_scores_are_not_rewritten(store: Store) -> None:
    with store.write() as tx:
        assert save_scores(tx, [score(), score(id_="b")]) == 2
        assert save_scores(tx, [score(run=2), score(0.5, run=2, id_="b")]) == 1

        assert load_scores(tx, ("sales",)) == [score(), score(0.5, run=2, id_="b")]


def test_scores_of_records_that_are_gone_can_be_dropped(store: Store) -> None:
    with store.write() as tx:
        save_scores(tx, [score(), score(id_="b")])

        assert drop_scores(tx, [KEY]) == 1
        assert [one.key.id for one in load_scores(tx, ("sales",))] == ["b"]


def test_segments_come_back_and_equal_ones_keep_their_run(store: Store) -> None:
    segment = Segment(
        key=KEY, segment="s1", name="Growing", reasons=REASONS, model="m1", valid_from=3,
        run_id=1, manual=True, expires_at=9,
    )  # fmt: skip
    with store.write() as tx:
        assert save_segments(tx, [segment]) == 1
        assert save_segments(tx, [replace(segment, run_id=2)]) == 0
        assert load_segments(tx, "sales") == [segment]


def test_the_model_fitted_last_is_found(store: Store) -> None:
    model = Model(name="segments", version="1", payload="p", card="{}", fitted_at=1)
    with store.write() as tx:
        save_model(tx, replace(model, version="2", fitted_at=2))
        save_model(tx, model)

        latest = latest_model(tx, "segments")

        assert latest is not None
        assert latest.version == "2"
        assert latest_model(tx, "other") is None


def test_audit_lines_come_back_in_order(store: Store) -> None:
    lines = [AuditLine(at=n, actor="ann", action="push", changeset="c1") for n in range(3)]
    with store.write() as tx:
        add_audit(tx, [*lines, AuditLine(at=9, actor="bob", action="accept", run_id=4)])

        assert list_audit(tx, changeset="c1", limit=2) == lines[1:]
        assert [line.actor for line in list_audit(tx)] == ["ann", "ann", "ann", "bob"]
